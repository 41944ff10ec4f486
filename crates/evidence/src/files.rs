//! Files that only their owner reads and that bear their name only when they are whole.

use crate::EvidenceError;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The ending of a file that is still being written.
pub(crate) const UNFINISHED: &str = "tmp";

/// Options that create a file with mode 0600.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Creates one directory with mode 0700; its parent exists.
pub(crate) fn create_private_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// The name that `path` has until it is whole.
pub(crate) fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(UNFINISHED);
    PathBuf::from(name)
}

/// Opens the unfinished form of `path`, emptied.
pub(crate) fn start(path: &Path) -> Result<File, EvidenceError> {
    let unfinished = unfinished(path);
    private()
        .read(true)
        .write(true)
        .create(true)
        .truncate(true)
        .open(&unfinished)
        .map_err(EvidenceError::io("create", &unfinished))
}

/// Gives a written file its final name, once it is on the disk.
pub(crate) fn finish(file: &File, path: &Path) -> Result<(), EvidenceError> {
    file.sync_all().map_err(EvidenceError::io("write", path))?;
    fs::rename(unfinished(path), path).map_err(EvidenceError::io("rename to", path))?;
    sync_parent(path)
}

/// Replaces `path` by `contents`: readers see the old or the new, never a part.
pub(crate) fn replace(path: &Path, contents: &[u8]) -> Result<(), EvidenceError> {
    let mut file = start(path)?;
    let written = file
        .write_all(contents)
        .map_err(EvidenceError::io("write", path));
    written.and_then(|()| finish(&file, path)).inspect_err(|_| {
        // Best effort: a full disk is not helped by the part that fitted.
        let _ = fs::remove_file(unfinished(path));
    })
}

/// The directory of a file; `.` where its path names none.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A rename survives a power cut only when its directory is on the disk.
fn sync_parent(path: &Path) -> Result<(), EvidenceError> {
    if cfg!(unix) {
        let parent = parent(path);
        let synced = File::open(parent).and_then(|directory| directory.sync_all());
        synced.map_err(EvidenceError::io("write", parent))?;
    }
    Ok(())
}
