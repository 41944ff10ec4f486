//! What a run made of its directory.

use super::{Entry, Tree};
use std::path::PathBuf;

/// The difference between a directory before and after a run. Paths begin with `work`, `home` or `tmp`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// What was not there before.
    pub written: Vec<(PathBuf, Entry)>,
    /// What is another type, has another mode, content or target than before.
    pub changed: Vec<(PathBuf, Entry)>,
    /// What is not there any more.
    pub removed: Vec<PathBuf>,
    /// What the run wrote next to its directories, relative to where it started.
    pub outside: Vec<PathBuf>,
    /// What of the tree was not looked at, and why: two runs with anything here cannot be called equal.
    pub unread: Vec<(PathBuf, String)>,
}

impl Changes {
    pub(super) fn between(before: &Tree, after: Tree) -> Changes {
        let gone = |path: &&PathBuf| !after.entries.contains_key(*path);
        let removed = before.entries.keys().filter(gone).cloned().collect();
        let mut changes = Changes {
            removed,
            unread: after.unread,
            ..Changes::default()
        };
        for (path, entry) in after.entries {
            match before.entries.get(&path) {
                None => changes.written.push((path, entry)),
                Some(same) if *same == entry => {}
                Some(_) => changes.changed.push((path, entry)),
            }
        }
        changes
    }

    /// Did the run leave everything as it was, and was everything looked at?
    pub fn is_empty(&self) -> bool {
        *self == Changes::default()
    }
}
