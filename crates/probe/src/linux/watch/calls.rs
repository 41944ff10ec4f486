//! The calls that change files, and the filter that reports them.

use libc::c_long;

/// Where an argument of a call names a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// A path, relative to the working directory.
    Path(usize),
    /// An open directory and a path relative to it. Without a path, what is open.
    At(usize, usize),
    /// An open file.
    Open(usize),
}

/// Where a call that opens a file has its flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flags {
    /// In a register, where the filter sees them.
    Register(usize),
    /// At the beginning of the structure that this argument points to.
    Memory(usize),
}

/// A call that is reported.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    pub(super) number: c_long,
    pub(super) changes: &'static [Named],
    /// Of calls that open: only some of them change anything.
    pub(super) flags: Option<Flags>,
    /// Of calls that make a symbolic link: the argument with what it points to.
    pub(super) target: Option<usize>,
}

/// A file that is opened with one of these may be changed.
pub(super) const CHANGING: u32 =
    (libc::O_WRONLY | libc::O_RDWR | libc::O_CREAT | libc::O_TRUNC) as u32;

/// What a filter sees of a call begins so: the number, then the architecture, an address, the arguments.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const ARGUMENTS: u32 = 16;

/// In `linux/audit.h`; libc does not have it.
#[cfg(target_arch = "x86_64")]
const OWN: Option<u32> = Some(0xc000_003e);
#[cfg(target_arch = "aarch64")]
const OWN: Option<u32> = Some(0xc000_00b7);
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const OWN: Option<u32> = None;

/// The same number on every architecture; libc has it for some only.
const SYS_FCHMODAT2: c_long = 452;

const fn call(number: c_long, changes: &'static [Named]) -> Call {
    Call {
        number,
        changes,
        flags: None,
        target: None,
    }
}

const fn opening(number: c_long, changes: &'static [Named], flags: Flags) -> Call {
    Call {
        flags: Some(flags),
        ..call(number, changes)
    }
}

const fn linking(number: c_long, changes: &'static [Named], target: usize) -> Call {
    Call {
        target: Some(target),
        ..call(number, changes)
    }
}

use Named::{At, Open, Path};

/// Those that every architecture has. What is changed through an open file was opened by one of them before.
const COMMON: &[Call] = &[
    opening(libc::SYS_openat, &[At(0, 1)], Flags::Register(2)),
    opening(libc::SYS_openat2, &[At(0, 1)], Flags::Memory(2)),
    call(libc::SYS_unlinkat, &[At(0, 1)]),
    call(libc::SYS_renameat2, &[At(0, 1), At(2, 3)]),
    call(libc::SYS_mkdirat, &[At(0, 1)]),
    call(libc::SYS_mknodat, &[At(0, 1)]),
    call(libc::SYS_linkat, &[At(2, 3)]),
    linking(libc::SYS_symlinkat, &[At(1, 2)], 0),
    call(libc::SYS_truncate, &[Path(0)]),
    call(libc::SYS_fchmod, &[Open(0)]),
    call(libc::SYS_fchmodat, &[At(0, 1)]),
    call(SYS_FCHMODAT2, &[At(0, 1)]),
    call(libc::SYS_fchown, &[Open(0)]),
    call(libc::SYS_fchownat, &[At(0, 1)]),
    call(libc::SYS_utimensat, &[At(0, 1)]),
    call(libc::SYS_setxattr, &[Path(0)]),
    call(libc::SYS_lsetxattr, &[Path(0)]),
    call(libc::SYS_fsetxattr, &[Open(0)]),
    call(libc::SYS_removexattr, &[Path(0)]),
    call(libc::SYS_lremovexattr, &[Path(0)]),
    call(libc::SYS_fremovexattr, &[Open(0)]),
    // Calls that go through a ring are not seen by a filter.
    call(libc::SYS_io_uring_setup, &[]),
    // From then on, another process of the run may serve the files that a path leads to.
    call(libc::SYS_mount, &[]),
    call(libc::SYS_move_mount, &[]),
];

#[cfg(target_arch = "x86_64")]
const OWN_CALLS: &[Call] = &[
    call(libc::SYS_renameat, &[At(0, 1), At(2, 3)]),
    opening(libc::SYS_open, &[Path(0)], Flags::Register(1)),
    call(libc::SYS_creat, &[Path(0)]),
    call(libc::SYS_unlink, &[Path(0)]),
    call(libc::SYS_rename, &[Path(0), Path(1)]),
    call(libc::SYS_mkdir, &[Path(0)]),
    call(libc::SYS_rmdir, &[Path(0)]),
    call(libc::SYS_mknod, &[Path(0)]),
    call(libc::SYS_link, &[Path(1)]),
    linking(libc::SYS_symlink, &[Path(1)], 0),
    call(libc::SYS_chmod, &[Path(0)]),
    call(libc::SYS_chown, &[Path(0)]),
    call(libc::SYS_lchown, &[Path(0)]),
    call(libc::SYS_utime, &[Path(0)]),
    call(libc::SYS_utimes, &[Path(0)]),
    call(libc::SYS_futimesat, &[At(0, 1)]),
];
#[cfg(target_arch = "aarch64")]
const OWN_CALLS: &[Call] = &[call(libc::SYS_renameat, &[At(0, 1), At(2, 3)])];
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
const OWN_CALLS: &[Call] = &[];

fn all() -> impl Iterator<Item = &'static Call> {
    COMMON.iter().chain(OWN_CALLS)
}

/// The call of this number; `None` for one that is not reported.
pub(super) fn find(number: c_long) -> Option<&'static Call> {
    all().find(|call| call.number == number)
}

/// The filter; `None` on an architecture whose calls are not known here.
///
/// A program of another architecture (32 bits, x32) passes unseen.
pub(super) fn filter() -> Option<Vec<libc::sock_filter>> {
    let own = OWN?;
    let load = |at| step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, at, 0, 0);
    let unless =
        |operation, value, skip| step(libc::BPF_JMP | operation | libc::BPF_K, value, 0, skip);
    let answer = |action| step(libc::BPF_RET | libc::BPF_K, action, 0, 0);
    let (report, allow) = (
        answer(libc::SECCOMP_RET_USER_NOTIF),
        answer(libc::SECCOMP_RET_ALLOW),
    );
    let mut filter = vec![
        load(ARCHITECTURE),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, own, 1, 0),
        allow,
        load(NUMBER),
    ];
    for call in all() {
        let number = call.number as u32;
        match call.flags {
            Some(Flags::Register(place)) => filter.extend([
                unless(libc::BPF_JEQ, number, 4),
                // The lower half: both architectures are little-endian.
                load(ARGUMENTS + 8 * place as u32),
                unless(libc::BPF_JSET, CHANGING, 1),
                report,
                allow,
            ]),
            _ => filter.extend([unless(libc::BPF_JEQ, number, 1), report]),
        }
    }
    filter.push(allow);
    Some(filter)
}

fn step(code: u32, k: u32, jt: u8, jf: u8) -> libc::sock_filter {
    libc::sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the filter answers to a call.
    fn answer(number: c_long, architecture: u32, arguments: [u64; 6]) -> u32 {
        let filter = filter().unwrap();
        let (mut at, mut value) = (0, 0);
        loop {
            let step = &filter[at];
            at += 1;
            let code = u32::from(step.code);
            let jump = |holds: bool| usize::from(if holds { step.jt } else { step.jf });
            match code & 0x07 {
                libc::BPF_LD => {
                    value = match step.k {
                        NUMBER => number as u32,
                        ARCHITECTURE => architecture,
                        place => arguments[(place - ARGUMENTS) as usize / 8] as u32,
                    }
                }
                libc::BPF_JMP if code & 0xf0 == libc::BPF_JEQ => at += jump(value == step.k),
                libc::BPF_JMP => at += jump(value & step.k != 0),
                _ => return step.k,
            }
        }
    }

    #[test]
    fn only_calls_that_change_files_are_reported() {
        let own = OWN.unwrap();
        let opened = |flags: i32| {
            let arguments = [0, 0, flags as u64, 0, 0, 0];
            answer(libc::SYS_openat, own, arguments) == libc::SECCOMP_RET_USER_NOTIF
        };
        assert!(!opened(
            libc::O_RDONLY | libc::O_CLOEXEC | libc::O_DIRECTORY
        ));
        for flags in [
            libc::O_WRONLY,
            libc::O_RDWR,
            libc::O_RDONLY | libc::O_CREAT,
            libc::O_RDONLY | libc::O_TRUNC,
        ] {
            assert!(opened(flags), "{flags:#o}");
        }
        for call in all().filter(|call| !matches!(call.flags, Some(Flags::Register(_)))) {
            let got = answer(call.number, own, [0; 6]);
            assert_eq!(got, libc::SECCOMP_RET_USER_NOTIF, "{}", call.number);
            let got = answer(call.number, own ^ 1, [0; 6]);
            assert_eq!(got, libc::SECCOMP_RET_ALLOW, "{}", call.number);
        }
        for number in [
            libc::SYS_read,
            libc::SYS_write,
            libc::SYS_execve,
            libc::SYS_sendmsg,
        ] {
            assert_eq!(answer(number, own, [0; 6]), libc::SECCOMP_RET_ALLOW);
        }
    }
}
