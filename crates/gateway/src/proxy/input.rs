//! What a connection has brought and the proxy has not taken yet.

use super::transport::Transport;
use bytes::{Buf, Bytes, BytesMut};
use std::io;
use std::ops::{Deref, DerefMut};
use std::pin::pin;
use std::task::{Context, Poll};
use tokio::io::AsyncReadExt;
use understudy_wire::http1::HeadEnd;

/// Bytes that are asked for at once: where little is expected, and of a long body.
pub(super) const LITTLE: usize = 8 * 1024;
pub(super) const MUCH: usize = 64 * 1024;
/// Up to so many bytes of a body are copied, so that the memory they were read into can be used again.
const SMALL: usize = 2 * 1024;

/// The bytes.
#[derive(Default)]
pub(super) struct Input {
    bytes: BytesMut,
    /// Is there room for much?
    roomy: bool,
    pub(super) head_end: HeadEnd,
}

impl Input {
    /// Reads what is there; 0 bytes if the other end has closed.
    pub(super) fn poll_read(
        &mut self,
        io: &mut Transport,
        expected: usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        self.bytes.reserve(expected);
        self.roomy |= expected > LITTLE;
        pin!(io.read_buf(&mut self.bytes)).poll(cx)
    }

    /// So many bytes, which belong to a body.
    pub(super) fn take(&mut self, bytes: usize) -> Bytes {
        if bytes > SMALL {
            return self.bytes.split_to(bytes).freeze();
        }
        let copy = Bytes::copy_from_slice(&self.bytes[..bytes]);
        self.bytes.advance(bytes);
        copy
    }

    /// So many bytes are done with.
    pub(super) fn advance(&mut self, bytes: usize) {
        self.head_end = HeadEnd::default();
        self.bytes.advance(bytes);
    }

    /// The body is over: an idle connection holds little.
    pub(super) fn shrink(&mut self) {
        if std::mem::take(&mut self.roomy) {
            self.bytes = BytesMut::from(&self.bytes[..]);
        }
    }

    /// Bytes of memory.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// All that is left.
    pub(super) fn into_bytes(self) -> BytesMut {
        self.bytes
    }
}

/// How many bytes to ask for, of a body of which so many are left.
pub(super) fn expected(left: Option<u64>) -> usize {
    left.map_or(MUCH, |left| {
        usize::try_from(left).unwrap_or(MUCH).clamp(LITTLE, MUCH)
    })
}

impl Deref for Input {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl DerefMut for Input {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}
