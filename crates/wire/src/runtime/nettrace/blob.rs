//! The blobs of a block: a header, compressed or not, and a payload. One is an event, or declares a
//! kind of event with its number.

use super::bytes::{Cursor, Trouble};

/// One blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::runtime) struct Blob<'a> {
    /// The number of its kind; 0 if it declares a kind.
    pub(in crate::runtime) kind: u32,
    /// When, in ticks.
    pub(in crate::runtime) ticks: u64,
    pub(in crate::runtime) payload: &'a [u8],
}

/// The blobs of a block, as far as they are whole.
#[derive(Clone, Debug)]
pub(in crate::runtime) struct Blobs<'a> {
    rest: Cursor<'a>,
    compressed: bool,
    /// The kind, ticks and length of the payload of the one before: a compressed header leaves out what stays.
    kind: u32,
    ticks: u64,
    length: usize,
}

/// What a compressed header has, by its first byte.
mod has {
    pub(super) const KIND: u8 = 1;
    /// Sequence number, capturing thread and processor.
    pub(super) const CAPTURE: u8 = 1 << 1;
    pub(super) const THREAD: u8 = 1 << 2;
    pub(super) const STACK: u8 = 1 << 3;
    pub(super) const ACTIVITY: u8 = 1 << 4;
    pub(super) const RELATED_ACTIVITY: u8 = 1 << 5;
    pub(super) const LENGTH: u8 = 1 << 7;
}

const GUID: usize = 16;
/// What is between kind and ticks of an uncompressed header: sequence number, thread, capturing
/// thread, processor, stack.
const BEFORE_TICKS: usize = 4 + 8 + 8 + 4 + 4;
const ALIGNMENT: usize = 4;

impl<'a> Blobs<'a> {
    /// Of the content of an `EventBlock` or a `MetadataBlock`. One without its header has none.
    pub(in crate::runtime) fn of(block: &'a [u8]) -> Self {
        let header = header(block);
        Blobs {
            rest: header.map_or(Cursor::new(&[]), |(_, rest)| rest),
            compressed: header.is_ok_and(|(flags, _)| flags & 1 == 1),
            kind: 0,
            ticks: 0,
            length: 0,
        }
    }

    fn blob(&mut self) -> Result<Blob<'a>, Trouble> {
        if self.compressed {
            self.compressed_blob()
        } else {
            self.uncompressed_blob()
        }
    }

    fn compressed_blob(&mut self) -> Result<Blob<'a>, Trouble> {
        let flags = self.rest.u8()?;
        let has = |what: u8| flags & what != 0;
        if has(has::KIND) {
            self.kind = self.rest.variable_u32()?;
        }
        if has(has::CAPTURE) {
            self.rest.variable_u32()?;
            self.rest.variable()?;
            self.rest.variable_u32()?;
        }
        if has(has::THREAD) {
            self.rest.variable()?;
        }
        if has(has::STACK) {
            self.rest.variable_u32()?;
        }
        self.ticks = self.ticks.wrapping_add(self.rest.variable()?);
        for activity in [has::ACTIVITY, has::RELATED_ACTIVITY] {
            if has(activity) {
                self.rest.take(GUID)?;
            }
        }
        if has(has::LENGTH) {
            let length = self.rest.variable_u32()?;
            self.length = usize::try_from(length).map_err(|_| Trouble::Wrong)?;
        }
        Ok(Blob {
            kind: self.kind,
            ticks: self.ticks,
            payload: self.rest.take(self.length)?,
        })
    }

    fn uncompressed_blob(&mut self) -> Result<Blob<'a>, Trouble> {
        let size = self.rest.length()?;
        let mut blob = Cursor::new(self.rest.take(size)?);
        // The content of a block is aligned, its header is a multiple.
        self.rest.take(padding(size).min(self.rest.left()))?;
        // The highest bit says whether it is in order.
        let kind = blob.u32()? & !(1 << 31);
        blob.take(BEFORE_TICKS)?;
        let ticks = blob.u64()?;
        blob.take(2 * GUID)?;
        let length = blob.length()?;
        Ok(Blob {
            kind,
            ticks,
            payload: blob.take(length)?,
        })
    }
}

impl<'a> Iterator for Blobs<'a> {
    type Item = Blob<'a>;

    fn next(&mut self) -> Option<Blob<'a>> {
        let blob = self.blob();
        if blob.is_err() {
            // Where the next one begins is not known.
            self.rest = Cursor::new(&[]);
        }
        blob.ok()
    }
}

/// The flags of a block and what follows its header, which may be longer than what is known of it.
fn header(block: &[u8]) -> Result<(u16, Cursor<'_>), Trouble> {
    let mut rest = Cursor::new(block);
    let size = usize::from(rest.u16()?);
    let flags = rest.u16()?;
    let known = block.len() - rest.left();
    rest.take(size.checked_sub(known).ok_or(Trouble::Wrong)?)?;
    Ok((flags, rest))
}

/// How many bytes are between this place and the next aligned one.
pub(super) fn padding(at: usize) -> usize {
    at.next_multiple_of(ALIGNMENT) - at
}
