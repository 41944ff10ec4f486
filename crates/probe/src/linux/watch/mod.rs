//! Which files outside of its own directories a run changes, or tries to.
//!
//! The kernel reports each call that changes files (seccomp, user notification) and holds the process until the
//! launcher has answered. The answer is to continue, but for files that are kept from being changed: this observes, and is no
//! sandbox, since a process could change what it named while it waits. No privilege is needed.
//!
//! A call is reported before it is carried out, and its result is not. A program that tries to write where it may not,
//! and goes on without, has written nothing; so each file is looked at before the call, at later calls that name it, and
//! at the end, and counts if it was changed. Of a file that was not there before and is not there at the end, only the
//! folder is kept: the names of temporary files are others in each run.

mod calls;
mod listener;
mod names;

use crate::{Elsewhere, Watched};
use calls::{CHANGING, Call, Flags};
use listener::{Answer, Awaited, Setup, prepare};
use names::{Caller, in_real_folder, is_private, without_links};
use std::fs::{self, Metadata};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Most files that are named.
const MOST: usize = 32;
/// Most files that are looked at: a program may try many places before it finds one that it may write to.
const MOST_TRIED: usize = 256;
/// A file that was changed so shortly before a call could be changed again without a later time: clocks of file systems
/// advance in steps.
const FRESH: Duration = Duration::from_secs(2);

/// Takes the calls of one run. If it is dropped, calls that are still reported fail.
#[derive(Debug)]
pub struct Watching {
    /// `None`: there is nothing to take calls from, or no more.
    listener: Option<OwnedFd>,
    /// The directories that the run may change, also by their names without links.
    own: Vec<PathBuf>,
    /// Files that it may not change, without links.
    kept: Vec<PathBuf>,
    tried: Vec<Tried>,
    /// The run made a link that leads out of its directories: names alone do not say any more where a path leads.
    has_links: bool,
    /// The run mounted something. If it serves that itself, looking at a file there would wait for a process that may wait
    /// for this one: no file is looked at any more, and each that a call names counts as changed.
    has_mounts: bool,
    found: Elsewhere,
}

/// A file that a call was to change.
#[derive(Debug)]
struct Tried {
    path: PathBuf,
    /// `None`: it cannot be looked at from here, and counts as changed.
    before: Option<Look>,
    is_changed: bool,
}

impl Tried {
    /// Looks again.
    fn look(&mut self) {
        let before = self.before.as_ref();
        let is_as_before = || before.is_some_and(|before| Look::at(&self.path) == *before);
        self.is_changed = self.is_changed || !is_as_before();
    }

    /// Was it not there before, and is not there any more?
    fn is_passing(&self) -> bool {
        self.before == Some(Look::Missing) && Look::at(&self.path) == Look::Missing
    }
}

/// A file that a call names.
struct File {
    path: PathBuf,
    /// This process sees the same file by this name.
    can_be_seen: bool,
    /// By a call that opens it: what is no file but leads elsewhere is not changed by that.
    is_opened: bool,
    /// The call may leave it as it is.
    is_harmless: bool,
}

/// What shows that a file is as it was.
#[derive(Debug, PartialEq, Eq)]
enum Look {
    /// It is not there, or may not be looked at.
    Missing,
    There {
        file: (u64, u64),
        mode: u32,
        owner: (u32, u32),
        /// Size, time of the last change; not of a directory: others write into it as well.
        content: Option<(u64, i64, i64)>,
        /// What it leads to.
        target: Option<Box<Look>>,
    },
}

impl Watching {
    /// With what the new process sent; `None` where nothing could be prepared for it.
    pub(super) fn new(watched: Watched<'_>, awaited: Option<Awaited>) -> Watching {
        let Watched { own, kept } = watched;
        let received = awaited.map(|awaited| awaited.receive());
        let mut found = Elsewhere::default();
        let listener = match received {
            Some(Ok(listener)) => Some(listener),
            Some(Err(error)) => {
                found.unseen(&format!("this system refuses it ({error})"));
                None
            }
            None => {
                found.unseen("it is not available on this architecture");
                None
            }
        };
        let real = own.iter().filter_map(|path| fs::canonicalize(path).ok());
        Watching {
            listener,
            own: own.iter().cloned().chain(real).collect(),
            kept: kept.iter().map(|path| without_links(path)).collect(),
            tried: Vec::new(),
            has_links: false,
            has_mounts: false,
            found,
        }
    }

    /// Readable when a call waits for its answer.
    pub(super) fn listener(&self) -> Option<BorrowedFd<'_>> {
        self.listener.as_ref().map(OwnedFd::as_fd)
    }

    /// No process can make a call that is reported any more.
    pub(super) fn close(&mut self) {
        self.listener = None;
    }

    /// Takes a call that `poll` has reported, and answers it whatever it is.
    pub(super) fn serve(&mut self) {
        let Some(listener) = &self.listener else {
            return;
        };
        // One that a signal or its end has taken back needs no answer.
        let Ok(call) = listener::take(listener) else {
            return;
        };
        let named = self.named(&call);
        let kept = named.iter().filter(|file| self.keeps(file));
        let kept: Vec<PathBuf> = kept.map(|file| file.path.clone()).collect();
        let answer = match kept.is_empty() {
            true => Answer::Continue,
            false => Answer::Refuse(libc::EACCES),
        };
        if kept.is_empty() {
            named.into_iter().for_each(|file| self.note(file));
        }
        for path in kept {
            if !self.found.kept.contains(&path) {
                self.found.kept.push(path);
            }
        }
        if let Some(listener) = &self.listener {
            let _ = listener::answer(listener, call.id, answer);
        }
    }

    /// Is it a file that may not be changed, and by a call that changes it?
    fn keeps(&self, file: &File) -> bool {
        !file.is_harmless && file.can_be_seen && self.kept.contains(&file.path)
    }

    /// The files outside that a call would change.
    fn named(&mut self, notice: &libc::seccomp_notif) -> Vec<File> {
        let Some(call) = calls::find(notice.data.nr.into()) else {
            return Vec::new();
        };
        if call.number == libc::SYS_io_uring_setup {
            self.found.unseen("it uses io_uring");
            return Vec::new();
        }
        if [libc::SYS_mount, libc::SYS_move_mount].contains(&call.number) {
            self.has_mounts = true;
            return Vec::new();
        }
        let caller = match Caller::open(notice.pid) {
            Ok(caller) => caller,
            Err(_) if !self.waits(notice.id) => return Vec::new(),
            Err(error) => {
                self.found
                    .unseen(&format!("the memory of a process cannot be read ({error})"));
                return Vec::new();
            }
        };
        let arguments = &notice.data.args;
        let flags = opened_with(call, &caller, arguments);
        if call.flags.is_some() && !flags.is_some_and(may_change) {
            return Vec::new();
        }
        let target = call
            .target
            .and_then(|target| caller.text(arguments[target]));
        let leads_out = |target: &PathBuf| {
            let mut components = target.components();
            target.is_absolute() || components.any(|part| part.as_os_str() == "..")
        };
        let makes_link = target.as_ref().is_some_and(leads_out);
        let is_opened = call.flags.is_some();
        let files = call.changes.iter();
        let files: Vec<PathBuf> = files
            .filter_map(|named| caller.file(*named, arguments))
            .filter(|path| !is_private(path))
            .map(|path| self.real(path, is_opened))
            .filter(|path| !self.is_own(path))
            .collect();
        if files.is_empty() && !makes_link || !self.waits(notice.id) {
            return Vec::new();
        }
        self.has_links |= makes_link;
        let can_be_seen = !self.has_mounts && caller.has_our_files();
        let file = |path| File {
            path,
            can_be_seen,
            is_opened,
            is_harmless: flags.is_some_and(may_leave),
        };
        files.into_iter().map(file).collect()
    }

    /// Where a path leads. What names a file below the own directories stays as it is as long as no link leads out of them:
    /// most calls are of that kind.
    fn real(&self, path: PathBuf, is_followed: bool) -> PathBuf {
        let can_stay = self.has_mounts || !self.has_links && self.is_own(&path);
        match (can_stay, is_followed) {
            (true, _) => path,
            (false, true) => without_links(&path),
            (false, false) => in_real_folder(&path),
        }
    }

    fn waits(&self, id: u64) -> bool {
        self.listener
            .as_ref()
            .is_some_and(|listener| listener::waits(listener, id))
    }

    fn is_own(&self, path: &Path) -> bool {
        self.own.iter().any(|own| path.starts_with(own))
    }

    fn note(&mut self, file: File) {
        let File {
            path,
            can_be_seen,
            is_opened,
            ..
        } = file;
        if let Some(before) = self.tried.iter_mut().find(|tried| tried.path == path) {
            match can_be_seen {
                true => before.look(),
                false => before.before = None,
            }
            before.is_changed |= !can_be_seen;
            return;
        }
        if self.tried.len() >= MOST_TRIED {
            self.found.is_more = true;
            return;
        }
        if !can_be_seen {
            self.tried.push(Tried {
                path,
                before: None,
                is_changed: true,
            });
            return;
        }
        if is_opened && is_stream(&path) {
            return;
        }
        let before = Look::at(&path);
        self.tried.push(Tried {
            is_changed: hides_changes(&path) || before.is_fresh(),
            path,
            before: Some(before),
        });
    }

    /// What was changed. Every process of the run must have ended.
    pub fn conclude(self) -> Elsewhere {
        let mut found = self.found;
        for mut tried in self.tried {
            tried.look();
            if !tried.is_changed {
                continue;
            }
            if tried.is_passing() {
                let folder = tried.path.parent().map(Path::to_owned).unwrap_or_default();
                if found.passing.len() < MOST && !found.passing.contains(&folder) {
                    found.passing.push(folder);
                }
            } else if found.paths.len() < MOST {
                found.paths.push(tried.path);
            } else {
                found.is_more = true;
            }
        }
        found
    }
}

impl Look {
    fn at(path: &Path) -> Look {
        let Ok(data) = fs::symlink_metadata(path) else {
            return Look::Missing;
        };
        let target = data.is_symlink().then(|| {
            let target = fs::metadata(path);
            Box::new(target.map_or(Look::Missing, |data| Look::of(&data, None)))
        });
        Look::of(&data, target)
    }

    fn of(data: &Metadata, target: Option<Box<Look>>) -> Look {
        let content = || (data.size(), data.ctime(), data.ctime_nsec());
        Look::There {
            file: (data.dev(), data.ino()),
            mode: data.mode(),
            owner: (data.uid(), data.gid()),
            content: (!data.is_dir()).then(content),
            target,
        }
    }

    /// Was it changed so lately that the next change may not show?
    fn is_fresh(&self) -> bool {
        let Look::There {
            content, target, ..
        } = self
        else {
            return false;
        };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let since = now.unwrap_or_default().saturating_sub(FRESH).as_secs() as i64;
        content.is_some_and(|(_, seconds, _)| seconds >= since)
            || target.as_ref().is_some_and(|target| target.is_fresh())
    }
}

/// The flags of a call that opens a file; `None` for other calls, and where they cannot be read.
fn opened_with(call: &Call, caller: &Caller, arguments: &[u64; 6]) -> Option<u32> {
    let flags = match call.flags? {
        Flags::Register(place) => arguments[place],
        Flags::Memory(place) => caller.number(arguments[place])?,
    };
    Some(flags as u32)
}

/// May a file that is opened with these flags be changed, and has it a name?
fn may_change(flags: u32) -> bool {
    let is = |which: i32| flags as i32 & which == which;
    flags & CHANGING != 0 && !is(libc::O_TMPFILE) && !is(libc::O_PATH)
}

/// May a file that is there stay as it is when it is opened with these flags? Who only wants to write to it wants to
/// change it.
fn may_leave(flags: u32) -> bool {
    let flags = flags as i32;
    flags & libc::O_ACCMODE != libc::O_WRONLY && flags & libc::O_TRUNC == 0
}

/// A device, a pipe, a socket: what is written there is no file.
fn is_stream(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|data| {
        let kind = data.file_type();
        kind.is_char_device() || kind.is_fifo() || kind.is_socket()
    })
}

/// Does a change of it leave its times as they were?
fn hides_changes(path: &Path) -> bool {
    let is_block_device =
        || fs::metadata(path).is_ok_and(|data| data.file_type().is_block_device());
    path.starts_with("/proc") || path.starts_with("/sys") || is_block_device()
}

/// Prepares a watch. A program whose file gives it privileges (set-user-ID) keeps them: it is not watched where a watch
/// would take them away.
pub(super) fn prepare_for(program: &Path) -> io::Result<Option<(Setup, Awaited)>> {
    const SET_ID: u32 = libc::S_ISUID | libc::S_ISGID;
    let is_privileged = fs::metadata(program).is_ok_and(|data| data.mode() & SET_ID != 0);
    prepare(!is_privileged)
}
