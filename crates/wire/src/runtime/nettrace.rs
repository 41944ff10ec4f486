//! The file that EventPipe writes, the tracing of .NET, in versions 4 and 5: a line that says what it is,
//! then objects, of which one describes the clock and the others are blocks.
//!
//! After <https://github.com/microsoft/perfview/blob/main/src/TraceEvent/EventPipe/NetTraceFormat_v5.md>.
//! Version 6 is another format, for writers that are no .NET.

mod blob;
mod bytes;

pub(super) use blob::{Blob, Blobs};

use blob::padding;
use bytes::{Cursor, Trouble};

/// A file in pieces, as it grows. What is wrong ends it.
#[derive(Clone, Debug, Default)]
pub(super) struct Objects {
    /// What was read and belongs to an object that is not whole.
    pending: Vec<u8>,
    /// Where in the file that begins.
    position: usize,
    over: bool,
}

/// An object of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object<'a> {
    /// How many ticks of the clock are a second.
    Frequency(u64),
    /// A block of blobs that declare kinds of events.
    Kinds(&'a [u8]),
    /// A block of events.
    Events(&'a [u8]),
    /// Something else, or nothing.
    Other,
    /// Nothing follows.
    End,
}

/// A kind of event, as a blob of a [`Object::Kinds`] block declares it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Described {
    /// The number that its events bear.
    pub(super) kind: u32,
    /// What its provider calls it.
    pub(super) id: u32,
}

/// What the file begins with: a name, then a text with its length.
const MAGIC: &[u8; 32] = b"Nettrace\x14\0\0\0!FastSerialization.1";
const TRACE: &[u8] = b"Trace";

mod tag {
    pub(super) const NULL: u8 = 1;
    pub(super) const BEGIN: u8 = 5;
    pub(super) const END: u8 = 6;
}

/// Runtimes write blocks of 100 KiB at most.
const LARGEST_BLOCK: usize = 4 * 1024 * 1024;
/// The longest known is `MetadataBlock`.
const LONGEST_NAME: usize = 64;
/// A reader of these versions reads what is documented.
const NEWEST_TRACE: u32 = 5;
const NEWEST_BLOCK: u32 = 2;
/// `SyncTimeUTC`, eight numbers of two bytes, and `SyncTimeQPC`: the wall clock and the ticks when it began.
const BEFORE_FREQUENCY: usize = 8 * 2 + 8;
/// Size of a pointer, id of the process, processors, sampling rate.
const BEHIND_FREQUENCY: usize = 4 * 4;

impl Objects {
    /// Reads what follows in the file and hands on every object that is whole by now.
    pub(super) fn read(&mut self, bytes: &[u8], mut each: impl FnMut(Object<'_>)) {
        if self.over {
            return;
        }
        self.pending.extend_from_slice(bytes);
        let mut done = 0;
        let trouble = loop {
            let rest = self.pending.get(done..).unwrap_or_default();
            match piece(rest, self.position + done) {
                Ok((Object::End, _)) => break Trouble::Wrong,
                Ok((object, length)) => {
                    each(object);
                    done += length;
                }
                Err(trouble) => break trouble,
            }
        };
        match trouble {
            Trouble::Short => {
                self.pending.drain(..done);
                self.position += done;
            }
            Trouble::Wrong => {
                self.over = true;
                self.pending = Vec::new();
            }
        }
    }
}

/// What is at this place of the file, and its length.
fn piece(bytes: &[u8], position: usize) -> Result<(Object<'_>, usize), Trouble> {
    if position > 0 {
        return object(bytes, position);
    }
    let begin = bytes.get(..MAGIC.len()).unwrap_or(bytes);
    match MAGIC.strip_prefix(begin) {
        Some([]) => Ok((Object::Other, MAGIC.len())),
        Some(_) => Err(Trouble::Short),
        None => Err(Trouble::Wrong),
    }
}

fn object(bytes: &[u8], position: usize) -> Result<(Object<'_>, usize), Trouble> {
    let mut rest = Cursor::new(bytes);
    match rest.u8()? {
        tag::NULL => return Ok((Object::End, 1)),
        tag::BEGIN => {}
        _ => return Err(Trouble::Wrong),
    }
    let (name, oldest_reader) = type_of(&mut rest)?;
    let newest = if name == TRACE {
        NEWEST_TRACE
    } else {
        NEWEST_BLOCK
    };
    if oldest_reader > newest {
        return Err(Trouble::Wrong);
    }
    let object = if name == TRACE {
        trace(&mut rest)?
    } else {
        let size = rest.length()?;
        if size > LARGEST_BLOCK {
            return Err(Trouble::Wrong);
        }
        rest.take(padding(position + bytes.len() - rest.left()))?;
        block(name, rest.take(size)?)
    };
    expect(&mut rest, tag::END)?;
    Ok((object, bytes.len() - rest.left()))
}

/// The name of a type and the oldest version of a reader that understands it.
fn type_of<'a>(rest: &mut Cursor<'a>) -> Result<(&'a [u8], u32), Trouble> {
    expect(rest, tag::BEGIN)?;
    expect(rest, tag::NULL)?;
    let _version = rest.u32()?;
    let oldest_reader = rest.u32()?;
    let length = rest.length()?;
    if length > LONGEST_NAME {
        return Err(Trouble::Wrong);
    }
    let name = rest.take(length)?;
    expect(rest, tag::END)?;
    Ok((name, oldest_reader))
}

fn trace<'a>(rest: &mut Cursor<'_>) -> Result<Object<'a>, Trouble> {
    rest.take(BEFORE_FREQUENCY)?;
    let frequency = rest.u64()?;
    rest.take(BEHIND_FREQUENCY)?;
    Ok(Object::Frequency(frequency))
}

fn block<'a>(name: &[u8], content: &'a [u8]) -> Object<'a> {
    match name {
        b"MetadataBlock" => Object::Kinds(content),
        b"EventBlock" => Object::Events(content),
        // Stacks, and points up to which everything is in the file.
        _ => Object::Other,
    }
}

fn expect(rest: &mut Cursor<'_>, tag: u8) -> Result<(), Trouble> {
    (rest.u8()? == tag).then_some(()).ok_or(Trouble::Wrong)
}

impl Described {
    /// The kind that a blob declares, if it is one of this provider.
    pub(super) fn of(blob: &Blob<'_>, provider: &str) -> Option<Described> {
        let mut rest = Cursor::new(blob.payload);
        let kind = rest.u32().ok()?;
        let name_ends = std::iter::once(0);
        for unit in provider.encode_utf16().chain(name_ends) {
            if rest.u16().ok()? != unit {
                return None;
            }
        }
        let id = rest.u32().ok()?;
        Some(Described { kind, id })
    }
}
