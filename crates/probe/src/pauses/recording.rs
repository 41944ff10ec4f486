//! Is a process recorded, or does it pause without a line in the log?

use super::{LINES, PRELOAD, PauseLog, Runtime, Source, TRACE};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

impl PauseLog {
    /// Whether a process that serves records its pauses; else why not. `greeted` are the ids of those
    /// whose preloaded file wrote that it listens.
    ///
    /// # Errors
    /// It does not, in a few words.
    pub fn recording(&self, pid: u32, greeted: &BTreeSet<u32>) -> Result<(), String> {
        let ids = ids(pid);
        let wrote = |extension: &str| {
            let (Source::Files(folder, prefix) | Source::Traces(folder, prefix)) = &self.source
            else {
                return false;
            };
            let file = |id: &u32| folder.join(format!("{prefix}-{id}{extension}"));
            ids.iter().any(|id| file(id).is_file())
        };
        let is_recorded = match self.runtime {
            None => true,
            Some(Runtime::Python | Runtime::Node) => ids.iter().any(|id| greeted.contains(id)),
            Some(Runtime::Jvm) => wrote(LINES),
            Some(Runtime::DotNet) => wrote(TRACE),
            Some(Runtime::Go) => self.is_standard_error_of(pid),
        };
        match is_recorded {
            true => Ok(()),
            false => Err(self.reason(pid)),
        }
    }

    fn reason(&self, pid: u32) -> String {
        match self.runtime {
            Some(Runtime::Go) => {
                "its standard error is not the log that Understudy gave it".to_owned()
            }
            Some(Runtime::Python) => match self.hiding(pid) {
                Some(other) => format!("{} hides the listener", other.display()),
                None => "it did not load the listener (PYTHONPATH)".to_owned(),
            },
            Some(Runtime::Node) => "it did not load the listener (NODE_OPTIONS)".to_owned(),
            _ => "it does not log for Understudy".to_owned(),
        }
    }

    /// Go writes to its standard error, whatever that is.
    fn is_standard_error_of(&self, pid: u32) -> bool {
        let Source::Log(log) = &self.source else {
            return false;
        };
        let identity = |path: &Path| {
            let of = fs::metadata(path).ok()?;
            Some((of.dev(), of.ino()))
        };
        let held = PathBuf::from(format!("/proc/{pid}/fd/2"));
        // What may not be looked at is taken for what it was at the start.
        identity(&held).is_none_or(|held| Some(held) == identity(log))
    }

    /// A `sitecustomize` that a Python process finds before ours.
    fn hiding(&self, pid: u32) -> Option<PathBuf> {
        let Source::Files(folder, _) = &self.source else {
            return None;
        };
        let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
        let variable = environment
            .split(|byte| *byte == 0)
            .find_map(|one| one.strip_prefix(b"PYTHONPATH="))?;
        let paths = std::str::from_utf8(variable).ok()?;
        let found = paths
            .split(':')
            .map(|path| Path::new(path).join("sitecustomize.py"))
            .find(|file| file.is_file())?;
        (!found.starts_with(folder.join(PRELOAD))).then_some(found)
    }
}

/// The ids of a process, by which it knows itself in a container too.
fn ids(pid: u32) -> Vec<u32> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let inside = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    let inside = inside.unwrap_or_default().split_ascii_whitespace();
    let inside = inside.filter_map(|id| id.parse().ok());
    std::iter::once(pid).chain(inside).collect()
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
