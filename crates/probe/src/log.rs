//! The log file of a child: its last lines, and its growth.

use crate::Child;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

impl Child {
    /// Its last log lines: at most `lines`, out of the last `max_bytes` bytes. Control characters
    /// are replaced.
    pub fn last_log_lines(&self, lines: usize, max_bytes: u64) -> Vec<String> {
        last_lines(self.log(), self.log_start(), lines, max_bytes)
    }
}

/// The last `lines` lines of what was written at or after `from`, out of its last `max_bytes` bytes.
/// Control characters (a log may contain terminal escapes) become `\u{fffd}`.
fn last_lines(path: &Path, from: u64, lines: usize, max_bytes: u64) -> Vec<String> {
    let Ok((bytes, cut)) = tail(path, from, max_bytes) else {
        return Vec::new();
    };
    let text = String::from_utf8_lossy(&bytes);
    // A cut in the middle of a line leaves half a line: drop it, unless it is all there is.
    let whole = match text.split_once('\n') {
        Some((_, rest)) if cut && !rest.is_empty() => rest,
        _ => &text,
    };
    let all: Vec<&str> = whole.lines().collect();
    all[all.len().saturating_sub(lines)..]
        .iter()
        .map(|line| printable(line))
        .collect()
}

fn tail(path: &Path, from: u64, max_bytes: u64) -> io::Result<(Vec<u8>, bool)> {
    let mut file = File::open(path)?;
    let end = file.metadata()?.len();
    let start = from.max(end.saturating_sub(max_bytes));
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(max_bytes).read_to_end(&mut bytes)?;
    Ok((bytes, start > from))
}

fn printable(line: &str) -> String {
    let shown = |c: char| {
        if c.is_control() && c != '\t' {
            '\u{fffd}'
        } else {
            c
        }
    };
    line.trim_end().chars().map(shown).collect()
}

/// Reads a growing log line by line.
#[derive(Debug)]
pub(crate) struct Follower {
    position: u64,
    partial: Vec<u8>,
}

/// No line longer than this is looked at whole.
const LONGEST_LINE: usize = 64 * 1024;

impl Follower {
    pub(crate) fn new(from: u64) -> Self {
        Follower {
            position: from,
            partial: Vec::new(),
        }
    }

    /// True if a line that is new since the last call, or the line being written, is `wanted`.
    pub(crate) fn any_line(
        &mut self,
        path: &Path,
        mut wanted: impl FnMut(&str) -> bool,
    ) -> io::Result<bool> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(self.position))?;
        let mut chunk = vec![0; LONGEST_LINE];
        loop {
            let read = file.read(&mut chunk)?;
            if read == 0 {
                return Ok(false);
            }
            self.position += read as u64;
            self.partial.extend_from_slice(&chunk[..read]);
            if self
                .partial
                .split(|b| *b == b'\n')
                .any(|l| wanted(&String::from_utf8_lossy(l)))
            {
                return Ok(true);
            }
            let line_start = self
                .partial
                .iter()
                .rposition(|b| *b == b'\n')
                .map_or(0, |at| at + 1);
            let kept = line_start.max(self.partial.len().saturating_sub(LONGEST_LINE));
            self.partial.drain(..kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_last_lines_are_whole_and_printable() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        write!(file, "earlier run\nfirst\nsecond \u{1b}[31mred\nthird\n").unwrap();
        let from = "earlier run\n".len() as u64;
        assert_eq!(last_lines(file.path(), from, 9, 4096)[0], "first");
        let last = last_lines(file.path(), from, 2, 4096);
        assert_eq!(last, ["second \u{fffd}[31mred", "third"]);
        assert_eq!(
            last_lines(file.path(), from, 9, 10),
            ["third"],
            "half a line is dropped"
        );
        assert_eq!(
            last_lines(file.path(), from, 9, 3),
            ["rd"],
            "unless it is all there is"
        );
        assert!(last_lines(Path::new("/no/such/log"), 0, 9, 10).is_empty());
    }

    #[test]
    fn a_line_written_in_pieces_is_found() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut follower = Follower::new(0);
        let mut look = |file: &tempfile::NamedTempFile| {
            follower
                .any_line(file.path(), |line| line.contains("listening on 80"))
                .unwrap()
        };
        write!(file, "starting\nlisten").unwrap();
        assert!(!look(&file));
        write!(file, "ing on 80").unwrap();
        assert!(look(&file));
    }
}
