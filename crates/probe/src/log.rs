//! Log files: the last lines of one, and what is added to it.

use crate::Child;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

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

/// The last `max_bytes` bytes of a file.
///
/// # Errors
/// When the file cannot be read.
pub fn last_bytes(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    tail(path, 0, max_bytes).map(|(bytes, _)| bytes)
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

/// What was written to one file since the last reading: whole lines with their ends, or of a trace
/// whatever is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The file.
    pub file: PathBuf,
    /// Where in the file this begins.
    pub start: u64,
    /// It.
    pub bytes: Vec<u8>,
}

/// At most so much of a file is read at once; what is more comes with the next reading.
const MOST_AT_ONCE: u64 = 64 * 1024 * 1024;

/// What follows `start`.
pub(crate) fn bytes_from(file: &Path, start: u64) -> io::Result<Vec<u8>> {
    read_from(&File::open(file)?, start, MOST_AT_ONCE)
}

/// What follows `start`, up to the last end of a line.
pub(crate) fn whole_lines(file: &Path, start: u64) -> io::Result<Vec<u8>> {
    let mut bytes = bytes_from(file, start)?;
    bytes.truncate(end_of_lines(&bytes));
    Ok(bytes)
}

fn read_from(mut file: &File, start: u64, most: u64) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Up to where there are whole lines.
fn end_of_lines(bytes: &[u8]) -> usize {
    let last = bytes.iter().rposition(|byte| *byte == b'\n');
    last.map_or(0, |last| last + 1)
}

/// The lines that others add to a file.
#[derive(Debug)]
pub struct Added {
    path: PathBuf,
    file: File,
    read: u64,
}

/// At most so many bytes of added lines are read at once.
const ADDED_AT_ONCE: u64 = 4 * 1024 * 1024;

impl Added {
    /// Opens a file, for the lines that are added from now on.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn open(path: &Path) -> io::Result<Added> {
        let file = File::open(path)?;
        Ok(Added {
            path: path.to_owned(),
            read: file.metadata()?.len(),
            file,
        })
    }

    /// The same file, for the lines that are added from now on.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn skip(&mut self) -> io::Result<()> {
        self.read = self.file.metadata()?.len();
        Ok(())
    }

    /// The whole lines that were added since the last reading, up to 4 MiB of them; none when there is
    /// nothing more. What is longer than that comes in pieces. A file that was emptied is read from its
    /// begin, and one that was put aside (renamed, by a log rotation) to its end, then the one that
    /// has taken its name.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read_new(&mut self) -> io::Result<Vec<u8>> {
        let bytes = self.next_lines()?;
        if bytes.is_empty()
            && let Some(successor) = self.successor()
        {
            self.file = successor;
            self.read = 0;
            return self.next_lines();
        }
        Ok(bytes)
    }

    fn next_lines(&mut self) -> io::Result<Vec<u8>> {
        if self.file.metadata()?.len() < self.read {
            self.read = 0;
        }
        let mut bytes = read_from(&self.file, self.read, ADDED_AT_ONCE)?;
        let whole = end_of_lines(&bytes);
        if whole > 0 || (bytes.len() as u64) < ADDED_AT_ONCE {
            bytes.truncate(whole);
        }
        self.read += bytes.len() as u64;
        Ok(bytes)
    }

    /// Another file under the same name; `None` also while there is none.
    fn successor(&self) -> Option<File> {
        let identity = |file: &File| {
            let metadata = file.metadata().ok()?;
            Some((metadata.dev(), metadata.ino()))
        };
        let named = File::open(&self.path).ok()?;
        (identity(&named)? != identity(&self.file)?).then_some(named)
    }
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
    fn only_whole_lines_that_are_added_are_read() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        writeln!(file, "before").unwrap();
        let mut added = Added::open(file.path()).unwrap();
        write!(file, "one\ntwo\nhal").unwrap();
        assert_eq!(added.read_new().unwrap(), b"one\ntwo\n");
        writeln!(file, "f").unwrap();
        assert_eq!(added.read_new().unwrap(), b"half\n");
        assert_eq!(added.read_new().unwrap(), b"");
        file.as_file().set_len(0).unwrap();
        std::fs::write(file.path(), "anew\n").unwrap();
        assert_eq!(added.read_new().unwrap(), b"anew\n");
        std::fs::write(file.path(), "anew\nunread\n").unwrap();
        added.skip().unwrap();
        assert_eq!(added.read_new().unwrap(), b"");
        assert!(Added::open(Path::new("/no/such/log")).is_err());
    }

    /// As logrotate does it: the file is renamed and written on for a while, then there is another.
    #[test]
    fn a_log_is_followed_into_the_next_file() {
        let folder = tempfile::tempdir().unwrap();
        let (path, aside) = (folder.path().join("log"), folder.path().join("log.1"));
        std::fs::write(&path, "before\n").unwrap();
        let mut added = Added::open(&path).unwrap();
        let mut old = File::options().append(true).open(&path).unwrap();
        std::fs::rename(&path, &aside).unwrap();
        writeln!(old, "late").unwrap();
        assert_eq!(added.read_new().unwrap(), b"late\n");
        assert_eq!(added.read_new().unwrap(), b"");
        writeln!(old, "last").unwrap();
        std::fs::write(&path, "next\n").unwrap();
        assert_eq!(added.read_new().unwrap(), b"last\n");
        assert_eq!(added.read_new().unwrap(), b"next\n");
        assert_eq!(added.read_new().unwrap(), b"");
    }

    #[test]
    fn what_never_ends_is_read_in_pieces() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut added = Added::open(file.path()).unwrap();
        let endless = vec![b'x'; ADDED_AT_ONCE as usize + 5];
        file.write_all(&endless).unwrap();
        assert_eq!(added.read_new().unwrap().len() as u64, ADDED_AT_ONCE);
        assert_eq!(added.read_new().unwrap(), b"");
        writeln!(file).unwrap();
        assert_eq!(added.read_new().unwrap(), b"xxxxx\n");
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
