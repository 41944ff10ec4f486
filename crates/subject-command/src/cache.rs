//! The page cache before a run: everything in it, or nothing.
//!
//! *Cold* is the cache of this machine alone. In a virtual machine that of the host stays warm, so reports
//! call it guest-cold. The program itself and its libraries are as warm as the last run left them, unless
//! their files are named as well.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use understudy_model::plain_words;

/// How much is read at a time.
const PIECE: usize = 1 << 20;

/// Why a file is not in the state that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// It cannot be read or written back.
    #[error("the input file `{}` cannot be {verb}: {}", path.display(), plain_words(source))]
    File {
        /// What was to be done.
        verb: &'static str,
        /// Which.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is still in the page cache.
    #[error(
        "{resident} of {pages} pages of the input file `{}` stay in the page cache\nhint: use a directory on a \
         disk (a tmpfs is memory), end the programs that map the file, or measure with a warm cache",
        path.display()
    )]
    Resident {
        /// Which.
        path: PathBuf,
        /// Pages that are in the page cache.
        resident: u64,
        /// Pages that it has.
        pages: u64,
    },
}

/// Reads all of these files, so that a run finds them in the page cache.
///
/// # Errors
/// A file cannot be read.
pub fn warm(paths: &[PathBuf]) -> Result<(), CacheError> {
    let mut piece = vec![0; PIECE];
    paths.iter().try_for_each(|path| {
        let read = || -> io::Result<()> {
            let mut file = File::open(path)?;
            while file.read(&mut piece)? > 0 {}
            Ok(())
        };
        of("read", path, read)
    })
}

/// Writes these files back to their disk and removes them from the page cache, and looks if they are gone.
///
/// # Errors
/// A file cannot be written back, or stays in the cache.
pub fn cold(paths: &[PathBuf]) -> Result<(), CacheError> {
    for path in paths {
        let drop = || -> io::Result<(u64, u64)> {
            let file = File::open(path)?;
            // Pages that were not written back yet would stay.
            file.sync_all()?;
            drop_pages(&file)?;
            understudy_host::resident_pages(&file)
        };
        let (resident, pages) = of("removed from the page cache", path, drop)?;
        if resident > 0 {
            let path = path.clone();
            return Err(CacheError::Resident {
                path,
                resident,
                pages,
            });
        }
    }
    Ok(())
}

fn of<T>(
    verb: &'static str,
    path: &Path,
    act: impl FnOnce() -> io::Result<T>,
) -> Result<T, CacheError> {
    act().map_err(|source| CacheError::File {
        verb,
        path: path.to_owned(),
        source,
    })
}

#[cfg(target_os = "linux")]
fn drop_pages(file: &File) -> io::Result<()> {
    rustix::fs::fadvise(file, 0, None, rustix::fs::Advice::DontNeed)?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn drop_pages(_file: &File) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use understudy_host::resident_pages;

    #[test]
    fn a_file_leaves_the_cache_and_comes_back() {
        // Next to the sources: a temporary directory may be memory.
        let folder = tempfile::tempdir_in(env!("CARGO_MANIFEST_DIR")).unwrap();
        let path = folder.path().join("input");
        std::fs::write(&path, vec![7; 3 << 20]).unwrap();
        let all = [path.clone()];
        let resident = || resident_pages(&File::open(&path).unwrap()).unwrap();
        let (before, pages) = resident();
        assert_eq!(before, pages);
        cold(&all).unwrap();
        assert_eq!(resident(), (0, pages));
        warm(&all).unwrap();
        assert_eq!(resident(), (pages, pages));
    }

    #[test]
    fn a_file_in_memory_cannot_be_cold() {
        let Ok(folder) = tempfile::tempdir_in("/dev/shm") else {
            return;
        };
        let path = folder.path().join("input");
        std::fs::write(&path, vec![7; 3 << 12]).unwrap();
        let why = cold(&[path]).unwrap_err().to_string();
        assert!(why.starts_with("3 of 3 pages of the input file"), "{why}");
        assert!(why.contains("stay in the page cache\nhint: "), "{why}");
        let why = warm(&[folder.path().join("gone")]).unwrap_err().to_string();
        assert!(why.ends_with("cannot be read: it does not exist"), "{why}");
    }
}
