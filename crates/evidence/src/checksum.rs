//! Notices what happened to a file of columns after it was written.
//!
//! The decoder trusts what it decodes: a flipped bit is a wrong number or a panic. The footer therefore
//! names the XXH3 of the whole file, computed with zeros in the place of its own digits. It is no
//! protection against intent.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use xxhash_rust::xxh3::Xxh3;

/// The key of the checksum in the footer; the last one there.
pub(crate) const KEY: &str = "understudy.xxh3";
/// What stands for the digits until they are known.
pub(crate) const UNKNOWN: &str = "0000000000000000";

/// What a Parquet file ends in: the footer's length (32 bits) and the magic word.
const TAIL_BYTES: u64 = 8;
/// Between key and digits: type and length of the value.
const HEADER_BYTES: usize = 2;

/// A file that keeps the checksum of what is written to it.
pub(crate) struct Summed {
    file: File,
    hasher: Xxh3,
}

impl Summed {
    pub(crate) fn new(file: File) -> Self {
        Self {
            file,
            hasher: Xxh3::new(),
        }
    }

    /// Writes the checksum into the footer of the complete file, which is returned.
    pub(crate) fn seal(&self) -> io::Result<&File> {
        let footer = Footer::read(&self.file)?;
        let digits = footer
            .digits
            .ok_or_else(|| io::Error::other("no checksum in the footer"))?;
        let mut file = &self.file;
        file.seek(SeekFrom::Start(footer.start + digits.start as u64))?;
        file.write_all(text(&self.hasher).as_bytes())?;
        Ok(file)
    }
}

impl Write for Summed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Is the file as it was when it was sealed?
pub(crate) fn is_intact(mut file: &File) -> io::Result<bool> {
    let mut footer = Footer::read(file)?;
    let Some(digits) = footer.digits else {
        return Ok(false);
    };
    let expected = footer.bytes[digits.clone()].to_vec();
    footer.bytes[digits].copy_from_slice(UNKNOWN.as_bytes());
    let mut hasher = Xxh3::new();
    file.seek(SeekFrom::Start(0))?;
    io::copy(&mut file.take(footer.start), &mut hasher)?;
    hasher.update(&footer.bytes);
    Ok(text(&hasher).as_bytes() == expected)
}

/// The end of a file, from where its footer starts.
struct Footer {
    start: u64,
    bytes: Vec<u8>,
    /// Where in `bytes` the digits of the checksum are, if there is one.
    digits: Option<Range<usize>>,
}

impl Footer {
    fn read(mut file: &File) -> io::Result<Self> {
        let end = file.seek(SeekFrom::End(0))?;
        let tail = end.saturating_sub(TAIL_BYTES);
        let mut length = [0; 4];
        if end >= TAIL_BYTES {
            file.seek(SeekFrom::Start(tail))?;
            file.read_exact(&mut length)?;
        }
        let start = tail.saturating_sub(u64::from(u32::from_le_bytes(length)));
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(start))?;
        file.read_to_end(&mut bytes)?;
        let key = bytes
            .windows(KEY.len())
            .rposition(|window| window == KEY.as_bytes());
        let digits = key
            .map(|key| key + KEY.len() + HEADER_BYTES)
            .map(|at| at..at + UNKNOWN.len());
        let digits = digits.filter(|digits| digits.end <= bytes.len());
        Ok(Self {
            start,
            bytes,
            digits,
        })
    }
}

fn text(hasher: &Xxh3) -> String {
    format!("{:016x}", hasher.digest())
}
