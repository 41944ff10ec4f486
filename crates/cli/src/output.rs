//! Files that a command was asked to write: whole or not at all, and over another one only with `--force`.

use crate::exit::{Failure, usage};
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
use understudy_model::plain_words;

/// A file that is written at once, when all of it is known.
pub(crate) struct OutputFile {
    /// As it was named.
    path: PathBuf,
    to: To,
}

enum To {
    /// A file next to the one that it becomes.
    Renamed(NamedTempFile, PathBuf),
    /// A device, a pipe, or a file in a folder in which no other can be made.
    Itself(File),
}

impl OutputFile {
    /// Finds out that the file can be written. Nothing of the one that exists is changed yet.
    pub(crate) fn open(path: &Path) -> io::Result<OutputFile> {
        let to = match fs::metadata(path) {
            Ok(there) if there.is_dir() => return Err(ErrorKind::IsADirectory.into()),
            // A name of an open file, such as /dev/stdout, is not replaced by another file.
            Ok(there) if !there.is_file() || is_special(path) => To::Itself(append(path)?),
            // A link stays one.
            Ok(there) => match next_to(&path.canonicalize()?, Some(&there)) {
                Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                    To::Itself(append(path)?)
                }
                renamed => renamed?,
            },
            Err(error) if error.kind() == ErrorKind::NotFound => next_to(path, None)?,
            Err(error) => return Err(error),
        };
        Ok(OutputFile {
            path: path.to_owned(),
            to,
        })
    }

    /// As it was named.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes all of it. A failure leaves what was there before.
    pub(crate) fn write(self, text: &str) -> io::Result<()> {
        match self.to {
            To::Itself(mut file) => {
                // Of what cannot be renamed, the old content ends here.
                if file.metadata()?.is_file() && !is_special(&self.path) {
                    file.set_len(0)?;
                }
                file.write_all(text.as_bytes())?;
                file.flush()
            }
            To::Renamed(mut file, path) => {
                // The file itself: tempfile adds its own words to errors.
                file.as_file_mut().write_all(text.as_bytes())?;
                file.as_file().sync_all()?;
                file.persist(&path).map_err(|failed| failed.error)?;
                // A rename survives a power cut only when its directory is on the disk.
                File::open(parent(&path))?.sync_all()
            }
        }
    }
}

/// Writes a file that `flag` names.
pub(crate) fn write(flag: &str, path: &Path, text: &str) -> Result<(), Failure> {
    let refused = |error: io::Error| usage(cannot_write(flag, path, &error));
    let file = OutputFile::open(path).map_err(refused)?;
    file.write(text).map_err(refused)
}

/// That a file cannot be written, and why.
pub(crate) fn cannot_write(flag: &str, path: &Path, error: &io::Error) -> String {
    let why = plain_words(error);
    format!("{flag}: cannot write `{}`: {why}", path.display())
}

/// What is wrong with writing to a file that exists, unless it was said that it may be replaced.
pub(crate) fn refusal(path: &Path, force: bool) -> Option<String> {
    let is_file = fs::metadata(path).is_ok_and(|there| there.is_file());
    let shown = path.display();
    (is_file && !is_special(path) && !force)
        .then(|| format!("`{shown}` exists\nhint: `--force` overwrites it"))
}

fn is_special(path: &Path) -> bool {
    path.starts_with("/dev") || path.starts_with("/proc")
}

fn append(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).open(path)
}

fn next_to(path: &Path, there: Option<&fs::Metadata>) -> io::Result<To> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".understudy-").suffix(".tmp");
    // As any other program would make it; tempfile's own default is for the owner alone.
    #[cfg(unix)]
    let usual_mode = std::os::unix::fs::PermissionsExt::from_mode(0o666);
    #[cfg(unix)]
    builder.permissions(usual_mode);
    let folder = parent(path);
    if !folder.is_dir() {
        let what = format!("there is no folder `{}`", folder.display());
        return Err(io::Error::new(ErrorKind::NotFound, what));
    }
    let file = builder.tempfile_in(folder);
    let file = file.map_err(|error| io::Error::from(error.kind()))?;
    if let Some(there) = there {
        file.as_file().set_permissions(there.permissions())?;
    }
    Ok(To::Renamed(file, path.to_owned()))
}

/// The directory of a file; `.` where its path names none.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let all = fs::read_dir(folder).unwrap();
        all.map(|one| one.unwrap().file_name().into_string().unwrap())
            .collect()
    }

    #[test]
    fn what_was_there_stays_until_the_whole_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out");
        fs::write(&path, "before").unwrap();
        let file = OutputFile::open(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "before");
        drop(file);
        assert_eq!(names(folder.path()), ["out"], "nothing is left of it");
        OutputFile::open(&path).unwrap().write("after").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "after");
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_and_permissions_stay() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("out"), folder.path().join("link"));
        fs::write(&path, "before").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        OutputFile::open(&link).unwrap().write("after").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "after");
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o640
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_device_says_so() {
        let full = Path::new("/dev/full");
        let error = OutputFile::open(full).unwrap().write("x").unwrap_err();
        assert_eq!(
            cannot_write("--out", full, &error),
            "--out: cannot write `/dev/full`: the disk is full"
        );
        assert_eq!(refusal(full, false), None);
        let folder = OutputFile::open(Path::new("/tmp")).err().unwrap();
        assert_eq!(plain_words(&folder), "it is a directory");
    }
}
