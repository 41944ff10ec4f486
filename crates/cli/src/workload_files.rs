//! Reads the files of a workload, with the files and variables that they name.

use std::path::{Path, PathBuf};
use std::{fs, io};
use understudy_model::plain_words;
use understudy_subject_command::Cases;
use understudy_subject_http::{RequestSource, Requests};
use understudy_workload::MAX_BYTES;

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
pub(crate) fn requests(path: &Path) -> Result<Requests, Vec<String>> {
    requests_after(path, &[])
}

/// The same of requests whose headers may name these values, which a side hands out before.
///
/// # Errors
/// As [`requests`].
pub(crate) fn requests_after(path: &Path, captured: &[&str]) -> Result<Requests, Vec<String>> {
    let text = text(path)?;
    let folder = folder(path).to_owned();
    let requests = Requests::parse(&text, &Disk { folder, captured });
    requests.map_err(|error| error.of(&path.display().to_string()))
}

/// Reads the cases of a command.
///
/// # Errors
/// As [`requests`].
pub(crate) fn cases(path: &Path) -> Result<Cases, Vec<String>> {
    let is_file = |path: &Path| match fs::metadata(path) {
        Ok(data) if data.is_file() => Ok(()),
        Ok(_) => Err("it is not a file".to_owned()),
        Err(error) => Err(plain_words(&error)),
    };
    let cases = Cases::parse(&text(path)?, folder(path), &is_file);
    cases.map_err(|error| error.of(&path.display().to_string()))
}

/// What paths in a file are relative to.
fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}

fn text(path: &Path) -> Result<String, Vec<String>> {
    let cannot = |why: String| vec![format!("cannot read {}: {why}", path.display())];
    let failed = |error: io::Error| cannot(plain_words(&error));
    let size = fs::metadata(path).map_err(failed)?.len();
    if size > MAX_BYTES {
        return Err(cannot(format!(
            "it has {size} bytes; at most {MAX_BYTES} are read"
        )));
    }
    fs::read_to_string(path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_subject_command::Input;

    #[test]
    fn files_that_cases_name_are_relative_to_their_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cases.jsonl");
        fs::write(folder.path().join("in.txt"), "x").unwrap();
        fs::write(&path, "{\"stdin_file\":\"in.txt\"}\n").unwrap();
        let input = Input::File(folder.path().join("in.txt"));
        assert_eq!(cases(&path).unwrap().all[0].stdin, Some(input));
        fs::write(&path, "{\"stdin_file\":\".\"}\n{\"x\":1}").unwrap();
        let (errors, name) = (cases(&path).unwrap_err(), path.display());
        let wrong = format!("{name}:1: \"stdin_file\" \".\" cannot be used: it is not a file");
        assert_eq!(errors[0], wrong);
        assert!(errors[1].starts_with(&format!("{name}:2: has the unknown key")));
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let gone = Path::new("/none/gone");
        let of = |error: Vec<String>| error.concat();
        let words = "cannot read /none/gone: it does not exist";
        assert_eq!(of(cases(gone).unwrap_err()), words);
        assert_eq!(of(requests(gone).unwrap_err()), words);
    }
}
