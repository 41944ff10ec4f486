//! Writes small pieces as one.
//!
//! The head of an answer and its body come as two buffers. The system call for several buffers costs
//! more than the one for a single buffer, and for so few bytes more than copying them together.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;

/// Bytes that are copied together.
const SMALL: usize = 2048;

/// Writes all buffers, or as much of them as there is room for.
pub(super) fn poll_write<T: AsyncWrite + Unpin>(
    io: &mut T,
    cx: &mut Context<'_>,
    buffers: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    let io = Pin::new(io);
    if let [only] = buffers {
        return io.poll_write(cx, only);
    }
    let mut together = [0; SMALL];
    let mut length = 0;
    for buffer in buffers {
        match together.get_mut(length..length + buffer.len()) {
            Some(room) => room.copy_from_slice(buffer),
            None => return io.poll_write_vectored(cx, buffers),
        }
        length += buffer.len();
    }
    io.poll_write(cx, &together[..length])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::task::Waker;

    /// Takes so many bytes at a time, and notes how they came.
    struct Narrow(usize, Vec<u8>, usize);

    impl AsyncWrite for Narrow {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            let taken = bytes.len().min(self.0);
            self.1.extend_from_slice(&bytes[..taken]);
            Poll::Ready(Ok(taken))
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            buffers: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            self.2 += 1;
            let all: Vec<u8> = buffers.iter().flat_map(|of| of.to_vec()).collect();
            self.poll_write(cx, &all)
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[test]
    fn every_byte_goes_out_in_order_and_large_pieces_are_not_copied() {
        for (lengths, room, vectored) in [
            (vec![5], 9, 0),
            (vec![300, 206], 9000, 0),
            (vec![300, 0, 206], 400, 0),
            (vec![SMALL - 6, 6], 9000, 0),
            (vec![SMALL - 6, 7], 9000, 1),
            (vec![1, 65536], 9000, 1),
        ] {
            let whole: Vec<u8> = (0..lengths.iter().sum()).map(|at| at as u8).collect();
            let mut rest = &whole[..];
            let buffers: Vec<IoSlice<'_>> = lengths
                .iter()
                .map(|length| {
                    let (piece, left) = rest.split_at(*length);
                    rest = left;
                    IoSlice::new(piece)
                })
                .collect();
            let mut io = Narrow(room, Vec::new(), 0);
            let cx = &mut Context::from_waker(Waker::noop());
            let written = poll_write(&mut io, cx, &buffers);
            let expected = whole.len().min(room);
            assert!(matches!(written, Poll::Ready(Ok(taken)) if taken == expected));
            assert_eq!(
                (&io.1[..], io.2),
                (&whole[..expected], vectored),
                "{lengths:?}"
            );
        }
    }
}
