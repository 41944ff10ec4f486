//! Which file a call names: read from the process that waits in it.

use super::calls::Named;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;
use std::path::{Component, Path, PathBuf};

/// Longest path that the kernel takes, with the NUL at its end.
const LONGEST: usize = 4096;
/// No page is smaller: what is read up to such a boundary is readable as a whole, or not at all.
const PAGE: u64 = 4096;

/// The thread that waits in a call.
pub(super) struct Caller {
    thread: u32,
    memory: File,
}

impl Caller {
    pub(super) fn open(thread: u32) -> io::Result<Caller> {
        let memory = File::open(format!("/proc/{thread}/mem"))?;
        Ok(Caller { thread, memory })
    }

    /// The file that these arguments name, as an absolute path without `.` and `..`. `None`: it has no path (a pipe),
    /// or the kernel will refuse the call.
    pub(super) fn file(&self, named: Named, arguments: &[u64; 6]) -> Option<PathBuf> {
        let (folder, path) = match named {
            Named::Open(file) => return self.opened(arguments[file] as i32),
            Named::Path(path) => (libc::AT_FDCWD, arguments[path]),
            Named::At(folder, path) => (arguments[folder] as i32, arguments[path]),
        };
        let path = match path {
            0 => PathBuf::new(),
            address => self.text(address)?,
        };
        let whole = if path.is_absolute() {
            path
        } else if path.as_os_str().is_empty() {
            // What is open itself; a path without a directory is refused.
            return self.opened(folder);
        } else {
            self.opened(folder)?.join(path)
        };
        Some(normal(&whole))
    }

    /// The path of an open file, or of the working directory.
    fn opened(&self, number: i32) -> Option<PathBuf> {
        let link = match number {
            libc::AT_FDCWD => format!("/proc/{}/cwd", self.thread),
            number => format!("/proc/{}/fd/{number}", self.thread),
        };
        let path = fs::read_link(link).ok()?;
        let is_named = path.is_absolute() && !path.starts_with("/memfd:");
        let is_deleted = path.as_os_str().as_encoded_bytes().ends_with(b" (deleted)");
        (is_named && !is_deleted).then_some(path)
    }

    /// The text at an address up to its NUL.
    pub(super) fn text(&self, address: u64) -> Option<PathBuf> {
        let mut text = Vec::new();
        while text.len() < LONGEST {
            let at = address.checked_add(text.len() as u64)?;
            let mut piece = vec![0; (PAGE - at % PAGE) as usize];
            self.memory.read_exact_at(&mut piece, at).ok()?;
            if let Some(end) = piece.iter().position(|byte| *byte == 0) {
                text.extend(&piece[..end]);
                return Some(OsString::from_vec(text).into());
            }
            text.append(&mut piece);
        }
        None
    }

    /// The number at an address.
    pub(super) fn number(&self, address: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        self.memory.read_exact_at(&mut bytes, address).ok()?;
        Some(u64::from_ne_bytes(bytes))
    }

    /// Does the same path mean the same file for it and for this process?
    pub(super) fn has_our_files(&self) -> bool {
        let of = |which: &str, what: &str| fs::read_link(format!("/proc/{which}/{what}")).ok();
        let thread = self.thread.to_string();
        let root = of(&thread, "root");
        let mounts = of(&thread, "ns/mnt");
        root.is_some()
            && root == of("self", "root")
            && mounts.is_some()
            && mounts == of("self", "ns/mnt")
    }
}

/// A path without `.` and `..`, by its text alone.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                normal.pop();
            }
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    normal
}

/// Where a path leads: without symbolic links, as far as it exists.
pub(super) fn without_links(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| in_real_folder(path))
}

/// A path whose folder is without symbolic links: for what is done to a link itself.
pub(super) fn in_real_folder(path: &Path) -> PathBuf {
    let folder = path
        .parent()
        .and_then(|folder| fs::canonicalize(folder).ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

/// Is it a device, or a view of the process itself, which no other process shares?
pub(super) fn is_private(path: &Path) -> bool {
    let name = |root: &str| -> Option<String> {
        let rest = path.strip_prefix(root).ok()?;
        let first = rest.components().next()?;
        Some(first.as_os_str().to_string_lossy().into_owned())
    };
    if let Some(name) = name("/dev") {
        let devices = [
            "null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts", "fd", "stdin",
            "stdout", "stderr",
        ];
        return devices.contains(&name.as_str());
    }
    name("/proc").is_some_and(|name| {
        ["self", "thread-self"].contains(&name.as_str())
            || name.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_of_a_path_are_resolved_by_its_text() {
        for (path, expected) in [
            ("/a/./b//c/", "/a/b/c"),
            ("/a/../../b", "/b"),
            ("/a/b/..", "/a"),
            ("/..", "/"),
        ] {
            assert_eq!(normal(Path::new(path)), Path::new(expected), "{path}");
        }
    }

    #[test]
    fn devices_and_the_process_itself_are_private_and_shared_memory_is_not() {
        for path in [
            "/dev/null",
            "/dev/tty",
            "/dev/pts/3",
            "/proc/self/fd/1",
            "/proc/12/comm",
        ] {
            assert!(is_private(Path::new(path)), "{path}");
        }
        for path in [
            "/dev/shm/x",
            "/dev/sda",
            "/proc/sys/kernel/x",
            "/tmp/null",
            "/dev",
            "/",
        ] {
            assert!(!is_private(Path::new(path)), "{path}");
        }
    }

    #[test]
    fn names_are_read_from_the_memory_of_a_process() {
        let caller = Caller::open(std::process::id()).unwrap();
        let text = c"../x";
        let address = text.as_ptr() as u64;
        assert_eq!(caller.text(address).unwrap(), Path::new("../x"));
        let arguments = [libc::AT_FDCWD as u64, address, 0, 0, 0, 0];
        let expected = std::env::current_dir().unwrap().parent().unwrap().join("x");
        assert_eq!(caller.file(Named::At(0, 1), &arguments), Some(expected));
        // Addresses that the process does not have.
        assert_eq!(caller.text(8), None);
        assert_eq!(caller.text(u64::MAX), None);
        let arguments = [u64::MAX, address, 0, 0, 0, 0];
        assert_eq!(caller.file(Named::At(0, 1), &arguments), None);
        assert!(caller.has_our_files());
    }
}
