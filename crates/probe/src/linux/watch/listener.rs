//! Setting up the filter between fork and exec, and the calls that its listener takes.

use super::calls;
use libc::{c_int, c_ulong};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType, recvmsg, sendmsg, socketpair,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};

/// What a new process needs to set up the filter: all of it exists before the fork.
pub(in super::super) struct Setup {
    filter: Vec<libc::sock_filter>,
    socket: OwnedFd,
    /// May the program be denied privileges that its file gives it?
    may_drop_privileges: bool,
}

/// Where the launcher waits for the listener.
pub(in super::super) struct Awaited(OwnedFd);

/// Prepares the filter for one process; `None` on an architecture whose calls are not known.
pub(in super::super) fn prepare(may_drop_privileges: bool) -> io::Result<Option<(Setup, Awaited)>> {
    let Some(filter) = calls::filter() else {
        return Ok(None);
    };
    let kind = (AddressFamily::UNIX, SocketType::SEQPACKET);
    let (awaited, socket) = socketpair(kind.0, kind.1, SocketFlags::CLOEXEC, None)?;
    let setup = Setup {
        filter,
        socket,
        may_drop_privileges,
    };
    Ok(Some((setup, Awaited(awaited))))
}

impl Setup {
    /// Runs in the new process: async-signal-safe calls only. The program runs also where the filter is refused; the
    /// launcher is sent the listener, or the number of the error.
    pub(in super::super) fn install(&self) -> io::Result<()> {
        let installed = self.filtered();
        let error = match &installed {
            Ok(_) => 0,
            Err(error) => error.raw_os_error().unwrap_or(libc::EINVAL),
        };
        let bytes = error.to_ne_bytes();
        let data = [IoSlice::new(&bytes)];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let files;
        let mut along = SendAncillaryBuffer::new(&mut space);
        if let Ok(listener) = &installed {
            files = [listener.as_fd()];
            // There is space for one.
            let _ = along.push(SendAncillaryMessage::ScmRights(&files));
        }
        sendmsg(&self.socket, &data, &mut along, SendFlags::NOSIGNAL)?;
        Ok(())
    }

    fn filtered(&self) -> io::Result<OwnedFd> {
        match self.with_best_flags() {
            // Without privileges of its own, a process has to give up those of the programs that it executes.
            Err(error)
                if error.raw_os_error() == Some(libc::EACCES) && self.may_drop_privileges =>
            {
                rustix::thread::set_no_new_privs(true)?;
                self.with_best_flags()
            }
            done => done,
        }
    }

    fn with_best_flags(&self) -> io::Result<OwnedFd> {
        let listener = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
        // Since Linux 5.19: no signal interrupts a call that was taken.
        match self.load(listener | libc::SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) {
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => self.load(listener),
            done => done,
        }
    }

    fn load(&self, flags: c_ulong) -> io::Result<OwnedFd> {
        let program = libc::sock_fprog {
            len: self.filter.len() as u16,
            filter: self.filter.as_ptr().cast_mut(),
        };
        #[expect(unsafe_code, reason = "neither std nor rustix offers seccomp")]
        // SAFETY: the kernel copies the filter, which lives through the call, and writes to nothing.
        let made = unsafe {
            libc::syscall(
                libc::SYS_seccomp,
                libc::SECCOMP_SET_MODE_FILTER,
                flags,
                &raw const program,
            )
        };
        if made < 0 {
            return Err(io::Error::last_os_error());
        }
        #[expect(unsafe_code, reason = "a new file descriptor comes as a number")]
        // SAFETY: the kernel has just made it, for this process alone.
        let listener = unsafe { OwnedFd::from_raw_fd(made as c_int) };
        Ok(listener)
    }
}

impl Awaited {
    /// What the new process sent before it executed its program.
    pub(super) fn receive(&self) -> io::Result<OwnedFd> {
        let mut bytes = [0; 4];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut along = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
        let received = recvmsg(
            &self.0,
            &mut [IoSliceMut::new(&mut bytes)],
            &mut along,
            flags,
        )?;
        let listener = along.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut files) => files.next(),
            _ => None,
        });
        match (received.bytes, i32::from_ne_bytes(bytes), listener) {
            (4, 0, Some(listener)) => Ok(listener),
            (4, error, _) if error != 0 => Err(io::Error::from_raw_os_error(error)),
            _ => Err(io::Error::other("the new process sent no listener")),
        }
    }
}

/// Takes the next call. It does not wait if `poll` has just reported one: a call that was withdrawn since is an error
/// (`ENOENT`).
pub(super) fn take(listener: &OwnedFd) -> io::Result<libc::seccomp_notif> {
    #[expect(
        unsafe_code,
        reason = "the kernel wants zeros, and the structure may grow"
    )]
    // SAFETY: it consists of numbers, for which zeros are a value.
    let mut call: libc::seccomp_notif = unsafe { std::mem::zeroed() };
    control(listener, libc::SECCOMP_IOCTL_NOTIF_RECV, &mut call)?;
    Ok(call)
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It continues as if it had not been reported.
    Continue,
    /// It is not carried out and fails with this error.
    Refuse(c_int),
}

/// Answers a call.
pub(super) fn answer(listener: &OwnedFd, id: u64, answer: Answer) -> io::Result<()> {
    let (error, flags) = match answer {
        Answer::Continue => (0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32),
        Answer::Refuse(error) => (-error, 0),
    };
    let mut answer = libc::seccomp_notif_resp {
        id,
        val: 0,
        error,
        flags,
    };
    control(listener, libc::SECCOMP_IOCTL_NOTIF_SEND, &mut answer)
}

/// Does the process still wait for the answer? What was read of another one means nothing.
pub(super) fn waits(listener: &OwnedFd, mut id: u64) -> bool {
    control(listener, libc::SECCOMP_IOCTL_NOTIF_ID_VALID, &mut id).is_ok()
}

fn control<T>(listener: &OwnedFd, request: libc::Ioctl, argument: &mut T) -> io::Result<()> {
    #[expect(unsafe_code, reason = "neither std nor rustix offers these requests")]
    // SAFETY: each request is called with the structure that it is defined for, which lives through the call.
    let done = unsafe { libc::ioctl(listener.as_raw_fd(), request, std::ptr::from_mut(argument)) };
    match done {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}
