//! What Understudy and a launcher send each other: a length, a document, and open files.

use crate::{Elsewhere, Ending, Figures, Floor};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// Most bytes of a document: Linux takes no arguments and environment longer than 6 MB.
const LONGEST: u32 = 16 << 20;
/// Open files that go with a document: standard output and standard error.
const FILES: usize = 2;

#[cfg(target_os = "linux")]
const CLOSE_ON_EXEC: RecvFlags = RecvFlags::CMSG_CLOEXEC;
#[cfg(not(target_os = "linux"))]
const CLOSE_ON_EXEC: RecvFlags = RecvFlags::empty();

/// What a launcher sends.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    /// It can be asked.
    Ready(Floor),
    /// A run has ended; its output is in the files.
    Ran(Box<Report>),
    /// It cannot continue.
    Failed(String),
}

/// A run as its launcher saw it.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Report {
    pub(super) ending: Ending,
    pub(super) figures: Figures,
    pub(super) left_behind: Vec<String>,
    pub(super) elsewhere: Elsewhere,
}

/// Sends a document and these files.
pub(super) fn send(
    mut stream: &UnixStream,
    document: &impl Serialize,
    files: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let bytes = serde_json::to_vec(document).map_err(io::Error::other)?;
    let length = u32::try_from(bytes.len()).ok();
    let length = length
        .filter(|length| *length <= LONGEST)
        .ok_or_else(|| io::Error::other("the command is too long"))?;
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES))];
    let mut along = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() && !along.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(io::Error::other("too many files for one message"));
    }
    let length = length.to_ne_bytes();
    let sent = rustix::io::retry_on_intr(|| {
        let head = [IoSlice::new(&length)];
        // A program in Rust ignores SIGPIPE.
        sendmsg(stream, &head, &mut along, SendFlags::empty())
    })?;
    stream.write_all(&length[sent..])?;
    stream.write_all(&bytes)
}

/// Waits for a document and the files that go with it.
pub(super) fn receive<D: DeserializeOwned>(
    mut stream: &UnixStream,
) -> io::Result<(D, Vec<OwnedFd>)> {
    let mut length = [0; 4];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(FILES))];
    let mut along = RecvAncillaryBuffer::new(&mut space);
    let received = rustix::io::retry_on_intr(|| {
        let mut head = [IoSliceMut::new(&mut length)];
        recvmsg(stream, &mut head, &mut along, CLOSE_ON_EXEC)
    })?;
    if received.bytes == 0 {
        return Err(io::Error::other("it has ended"));
    }
    let files = along.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(files) => Some(files),
        _ => None,
    });
    let files = files.flatten().collect();
    stream.read_exact(&mut length[received.bytes..])?;
    let length = u32::from_ne_bytes(length);
    if length > LONGEST {
        return Err(io::Error::other("a message is too long"));
    }
    let mut bytes = vec![0; length as usize];
    stream.read_exact(&mut bytes)?;
    let document = serde_json::from_slice(&bytes).map_err(io::Error::other)?;
    Ok((document, files))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsFd;

    #[test]
    fn a_document_arrives_with_its_files() {
        let (left, right) = UnixStream::pair().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"output").unwrap();
        let floor = Floor {
            peak_rss_bytes: 7,
            cpu_us: 8,
        };
        send(&left, &Reply::Ready(floor), &[file.as_fd()]).unwrap();
        send(&left, &Reply::Failed("why".to_owned()), &[]).unwrap();
        let (reply, files) = receive::<Reply>(&right).unwrap();
        assert!(
            matches!(reply, Reply::Ready(got) if got == floor),
            "{reply:?}"
        );
        assert_eq!(files.len(), 1);
        let got = File::from(files.into_iter().next().unwrap());
        assert_eq!(got.metadata().unwrap().len(), 6);
        let (reply, files) = receive::<Reply>(&right).unwrap();
        assert!(matches!(reply, Reply::Failed(why) if why == "why"));
        assert!(files.is_empty());
        drop(left);
        assert!(receive::<Reply>(&right).is_err());
    }

    #[test]
    fn what_is_no_document_is_an_error() {
        for bytes in [&[1, 0, 0, 0, b'{'][..], &[255; 4], &[1, 0]] {
            let (mut left, right) = UnixStream::pair().unwrap();
            left.write_all(bytes).unwrap();
            drop(left);
            assert!(receive::<Reply>(&right).is_err());
        }
    }
}
