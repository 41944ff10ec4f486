//! Reads a request file with the files and variables that it names.

use std::fs;
use std::path::{Path, PathBuf};
use understudy_model::plain_words;
use understudy_subject_http::{MAX_FILE_BYTES, RequestSource, Requests};

/// Bodies are sent whole for every request: larger ones belong into another kind of test.
const MAX_BODY_BYTES: u64 = 64 * 1024 * 1024;

struct Disk<'n> {
    folder: PathBuf,
    /// Names of values that a side hands out while it is prepared: each has its own.
    captured: &'n [&'n str],
}

impl RequestSource for Disk<'_> {
    fn body_file(&self, path: &str) -> Result<Vec<u8>, String> {
        let path = self.folder.join(path);
        let size = fs::metadata(&path)
            .map_err(|error| plain_words(&error))?
            .len();
        if size > MAX_BODY_BYTES {
            return Err(format!(
                "is {size} bytes long; at most {MAX_BODY_BYTES} are sent"
            ));
        }
        fs::read(&path).map_err(|error| plain_words(&error))
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn is_captured(&self, name: &str) -> bool {
        self.captured.contains(&name)
    }
}

/// Reads the requests of a file.
///
/// # Errors
/// One line for each mistake: file, line number, what is wrong.
pub(crate) fn read(path: &Path) -> Result<Requests, Vec<String>> {
    read_after(path, &[])
}

/// The same of requests whose headers may name these values, which a side hands out before.
///
/// # Errors
/// As [`read`].
pub(crate) fn read_after(path: &Path, captured: &[&str]) -> Result<Requests, Vec<String>> {
    let shown = path.display();
    let cannot = |error: String| vec![format!("cannot read the requests in {shown}: {error}")];
    let size = fs::metadata(path)
        .map_err(|error| cannot(plain_words(&error)))?
        .len();
    if size > MAX_FILE_BYTES {
        return Err(cannot(format!(
            "{size} bytes are more than the {MAX_FILE_BYTES} that fit"
        )));
    }
    let text = fs::read_to_string(path).map_err(|error| cannot(plain_words(&error)))?;
    let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
    Requests::parse(&text, &Disk { folder, captured }).map_err(|errors| {
        let line = |(line, what): (usize, String)| match line {
            0 => format!("{shown}: {what}"),
            line => format!("{shown}:{line}: {what}"),
        };
        errors.errors.into_iter().map(line).collect()
    })
}
