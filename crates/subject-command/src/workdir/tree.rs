//! What is in a directory: types, modes, targets, contents.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use understudy_model::plain_words;

/// Most bytes of a file that are kept; of a larger one the hash and the size are.
pub const MAX_CONTENT: u64 = 32 << 20;
/// Most bytes of all files together that are kept.
const MAX_KEPT: u64 = 128 << 20;
/// Most bytes of all files together that are hashed: a file with holes is larger than what was written.
const MAX_HASHED: u64 = 16 << 30;
/// Most entries that are looked at.
const MAX_ENTRIES: usize = 100_000;
/// How deep directories may be nested for their content to be looked at.
const MAX_DEPTH: usize = 64;
/// How much of a file is read at a time.
const PIECE: usize = 64 << 10;

/// What a path is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A file.
    File {
        /// Its length, bytes.
        size: u64,
        /// The SHA-256 of its content, hexadecimal.
        sha256: String,
        /// Its content, up to [`MAX_CONTENT`].
        content: Option<Vec<u8>>,
    },
    /// A directory.
    Directory,
    /// A symbolic link.
    Link {
        /// What it points to, as it is written.
        target: PathBuf,
    },
    /// A pipe, a socket, a device: what it is.
    Other(&'static str),
}

/// One path of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Permissions with set-user-ID, set-group-ID and sticky bit; 0 for a link, which has none.
    pub mode: u32,
}

/// A directory with everything below it, by path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Every path, relative to the root.
    pub entries: BTreeMap<PathBuf, Entry>,
    /// What was not looked at, and why.
    pub unread: Vec<(PathBuf, String)>,
    kept: u64,
    hashed: u64,
}

impl Tree {
    /// Reads these parts of a directory. Links are not followed; pipes and devices are not opened. The parts
    /// themselves are entries, too.
    pub fn read(root: &Path, parts: &[&str]) -> Tree {
        let mut tree = Tree::default();
        let mut open: Vec<PathBuf> = parts.iter().map(PathBuf::from).collect();
        while let Some(path) = open.pop() {
            if tree.entries.len() >= MAX_ENTRIES {
                let words = format!("there are more than {MAX_ENTRIES} files");
                tree.unread.push((path, words));
                return tree;
            }
            match tree.look(root, &path) {
                Ok(below) => open.extend(below),
                // A part that the run removed is simply not there.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => tree.unread.push((path, plain_words(&error))),
            }
        }
        tree
    }

    /// Adds one path. Returns those in it.
    fn look(&mut self, root: &Path, path: &Path) -> io::Result<Vec<PathBuf>> {
        let whole = root.join(path);
        let data = fs::symlink_metadata(&whole)?;
        let kind = if data.is_file() {
            self.file(&whole, &data)?
        } else if data.is_symlink() {
            let target = fs::read_link(&whole)?;
            Kind::Link { target }
        } else if data.is_dir() {
            Kind::Directory
        } else {
            Kind::Other(other(&data))
        };
        let is_directory = kind == Kind::Directory;
        let mode = match kind {
            Kind::Link { .. } => 0,
            _ => mode(&data),
        };
        self.entries.insert(path.to_owned(), Entry { kind, mode });
        if !is_directory {
            return Ok(Vec::new());
        }
        if path.components().count() > MAX_DEPTH {
            return Err(io::Error::other(format!(
                "it is nested deeper than {MAX_DEPTH} directories"
            )));
        }
        let entries = with_permission(&whole, 0o700, || {
            // A directory that may be listed but not entered shows names alone.
            fs::symlink_metadata(whole.join("."))?;
            fs::read_dir(&whole)
        })?;
        let names = entries.map(|entry| Ok(path.join(entry?.file_name())));
        // One more than are looked at, so that it shows.
        names.take(MAX_ENTRIES + 1).collect()
    }

    fn file(&mut self, path: &Path, data: &Metadata) -> io::Result<Kind> {
        let mut file = with_permission(path, 0o600, || open(path))?;
        if self.hashed + data.len() > MAX_HASHED {
            let words = format!("its files are more than {} GiB", MAX_HASHED >> 30);
            return Err(io::Error::other(words));
        }
        self.hashed += data.len();
        let mut hash = Sha256::new();
        let mut content = Vec::new();
        let mut size = 0;
        let mut keep = true;
        let mut piece = vec![0; PIECE];
        loop {
            let read = match file.read(&mut piece) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                read => read?,
            };
            if read == 0 {
                break;
            }
            size += read as u64;
            hash.update(&piece[..read]);
            keep &= size <= MAX_CONTENT && self.kept + size <= MAX_KEPT;
            if keep {
                content.extend_from_slice(&piece[..read]);
            } else {
                content = Vec::new();
            }
        }
        if keep {
            self.kept += size;
        }
        Ok(Kind::File {
            size,
            sha256: hex(&hash.finalize()),
            content: keep.then_some(content),
        })
    }
}

/// Does something to a path that its own mode may forbid: that was recorded, and the tree is removed afterwards.
fn with_permission<T>(path: &Path, needed: u32, act: impl Fn() -> io::Result<T>) -> io::Result<T> {
    match act() {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            permit(path, needed)?;
            act()
        }
        done => done,
    }
}

fn permit(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;
    // It was a file when it was looked at; should it be a pipe now, opening it must not wait.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits() as i32)
        .open(path)
}

fn mode(data: &Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    data.permissions().mode() & 0o7777
}

fn other(data: &Metadata) -> &'static str {
    use std::os::unix::fs::FileTypeExt;
    let kind = data.file_type();
    if kind.is_fifo() {
        "pipe"
    } else if kind.is_socket() {
        "socket"
    } else {
        "device"
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Removes a tree, also directories without permissions and such that are nested too deep for a path.
pub(super) fn remove(root: &Path) -> io::Result<()> {
    let first = fs::remove_dir_all(root);
    let Err(error) = first else {
        return Ok(());
    };
    if error.kind() == io::ErrorKind::NotFound {
        return Ok(());
    }
    flatten(root)?;
    fs::remove_dir_all(root)
}

/// Makes every directory accessible, and moves those that are nested deeply up to the root.
fn flatten(root: &Path) -> io::Result<()> {
    let mut open = vec![(root.to_owned(), 0)];
    let mut moved = 0;
    while let Some((path, depth)) = open.pop() {
        let (path, depth) = match depth > MAX_DEPTH {
            true => {
                moved += 1;
                let up = root.join(format!("moved-up-{moved}"));
                fs::rename(&path, &up)?;
                (up, 1)
            }
            false => (path, depth),
        };
        permit(&path, 0o700)?;
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push((entry.path(), depth + 1));
            }
        }
    }
    Ok(())
}
