//! The state on the disk: one file, replaced as a whole, readable for its owner only.

use super::book::Stored;
use super::counts::Balance;
use serde::{Deserialize, Serialize};
use std::fmt::Display;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use understudy_model::plain_words;

/// The version of the format.
/// 2: operations were called endpoints before, which is still read.
const FORMAT: u32 = 2;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: u32,
    balance: Balance,
    book: Stored,
}

/// Where the state is kept.
pub(crate) struct State {
    path: PathBuf,
    /// Held while the state is taken and written: a waiver and the regular save come from two threads, and an
    /// older state must not replace a newer one.
    turn: Mutex<()>,
    /// Held as long as the gateway runs: two would overwrite one another.
    _lock: File,
}

impl State {
    /// Opens a folder, made if need be, and reads what is in it.
    ///
    /// # Errors
    /// It cannot be read or written, is of a later format, or another gateway uses it.
    pub(crate) fn open(folder: &Path) -> Result<(State, Balance, Stored), String> {
        let cannot = |what: &str, error: io::Error| {
            format!(
                "cannot {what} {}: {}",
                folder.display(),
                plain_words(&error)
            )
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| cannot("make", error))?;
        let lock = private()
            .append(true)
            .open(folder.join("lock"))
            .map_err(|error| cannot("use", error))?;
        if lock.try_lock().is_err() {
            return Err(format!(
                "another gateway uses {}\nhint: give each its own `state`",
                folder.display()
            ));
        }
        let path = folder.join("state.json");
        let state = State {
            path: path.clone(),
            turn: Mutex::default(),
            _lock: lock,
        };
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok((state, Balance::default(), Stored::default()));
            }
            Err(error) => return Err(cannot("read", error)),
        };
        let (balance, book) = read(&text, &path)?;
        Ok((state, balance, book))
    }

    /// Replaces the state: a kill at any moment leaves the old one or the new one.
    /// `now` gives what is saved.
    pub(crate) fn save(&self, now: impl FnOnce() -> (Balance, Stored)) -> Result<Balance, String> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (balance, book) = now();
        self.write(&balance, &book)?;
        Ok(balance)
    }

    fn write(&self, balance: &Balance, book: &Stored) -> Result<(), String> {
        #[derive(Serialize)]
        struct Document<'d> {
            format: u32,
            balance: &'d Balance,
            book: &'d Stored,
        }
        let document = Document {
            format: FORMAT,
            balance,
            book,
        };
        let text = serde_json::to_vec(&document)
            .map_err(|error| format!("cannot write the state as JSON: {error}"))?;
        let unfinished = self.path.with_extension("json.tmp");
        let write = || {
            let mut file = private().write(true).truncate(true).open(&unfinished)?;
            // At once: what a buffer holds back fails unseen, and half a state would
            // replace a whole one.
            file.write_all(&text)?;
            file.sync_data()?;
            fs::rename(&unfinished, &self.path)?;
            // Else a loss of power could bring the old name back, or none.
            self.path
                .parent()
                .map_or(Ok(()), |folder| File::open(folder)?.sync_all())
        };
        write().map_err(|error: io::Error| {
            let why = plain_words(&error);
            format!("cannot write {}: {why}", self.path.display())
        })
    }
}

/// Reads a state. Its format comes first: what another version wrote is not malformed, and it is not for
/// this one to say what may be thrown away.
fn read(text: &[u8], path: &Path) -> Result<(Balance, Stored), String> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    let damaged = |what: &dyn Display| {
        format!(
            "{} is damaged: {what}; restore it from a backup, or move it away to start over",
            path.display()
        )
    };
    let version: Version = serde_json::from_slice(text).map_err(|error| damaged(&error))?;
    if !(1..=FORMAT).contains(&version.format) {
        return Err(format!(
            "{} has format {}, and this version reads {FORMAT}\nhint: use the version that wrote it, or name \
             another folder in `state`",
            path.display(),
            version.format
        ));
    }
    let document: Document = serde_json::from_slice(text).map_err(|error| damaged(&error))?;
    if !document.book.is_whole() {
        return Err(damaged(&"it names operations that it does not have"));
    }
    Ok((document.balance, document.book))
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.create(true).mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::sync::atomic::{AtomicU64, Ordering};

    /// The regular save and one for a waiver, at once.
    #[test]
    fn two_threads_save_and_the_last_state_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (state, ..) = State::open(folder.path()).unwrap();
        let count = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let now = || {
                            let balance = Balance {
                                eligible: count.fetch_add(1, Ordering::Relaxed) + 1,
                                ..Balance::default()
                            };
                            (balance, Stored::default())
                        };
                        state.save(now).unwrap();
                    }
                });
            }
        });
        drop(state);
        assert_eq!(State::open(folder.path()).unwrap().1.eligible, 100);
    }

    #[test]
    fn what_was_saved_is_there_again_and_for_one_gateway_only() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("a/b");
        let (state, balance, stored) = State::open(&folder).unwrap();
        assert_eq!(
            (balance.clone(), &stored),
            (Balance::default(), &Stored::default())
        );
        assert!(State::open(&folder).is_err_and(|error| error.contains("another gateway")));
        let balance = Balance {
            eligible: 3,
            compared: 2,
            pending: 1,
            ..balance
        };
        state.write(&balance, &stored).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(&folder), mode(&folder.join("state.json"))),
            (0o700, 0o600)
        );
        // Every write to /dev/full fails as on a full disk.
        let unfinished = folder.join("state.json.tmp");
        std::os::unix::fs::symlink("/dev/full", &unfinished).unwrap();
        let refused = state.write(&Balance::default(), &stored);
        assert!(refused.is_err_and(|error| error.contains("the disk is full")));
        fs::remove_file(unfinished).unwrap();
        drop(state);
        assert_eq!(State::open(&folder).unwrap().1, balance);
        let text = fs::read_to_string(folder.join("state.json")).unwrap();
        let cell = "\"cells\":[[{\"operation\":3,\"status\":200,\"parameters\":\"\"},1]]";
        let foreign = text.replace("\"cells\":[]", cell);
        assert_ne!(foreign, text);
        fs::write(folder.join("state.json"), foreign).unwrap();
        assert!(State::open(&folder).is_err_and(|error| error.contains("does not have")));
        fs::write(folder.join("state.json"), "{\"format\": 1").unwrap();
        assert!(State::open(&folder).is_err_and(|error| error.contains("move it away")));
        let later = "{\"format\": 3, \"ledger\": {\"eligible\": 3}}";
        fs::write(folder.join("state.json"), later).unwrap();
        let refused = State::open(&folder).err().unwrap();
        assert!(refused.contains("has format 3"), "{refused}");
        assert!(!refused.contains("move it away"), "{refused}");
    }
}
