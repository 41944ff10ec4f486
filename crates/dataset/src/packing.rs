//! Files that are read from their beginning to their end, unpacked on the way, and how far they have been read.

use crate::files::{FileOf, Packing};
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::sync::atomic::{AtomicU64, Ordering};

/// The content of a file.
pub(crate) type Counted<'d> = Box<dyn Read + 'd>;

/// Counts the bytes that are read of a file.
struct Counting<'d> {
    file: File,
    done: &'d AtomicU64,
}

impl Read for Counting<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.done.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// Opens a file and unpacks what it holds.
pub(crate) fn open<'d>(of: &FileOf, done: &'d AtomicU64) -> io::Result<Counted<'d>> {
    let file = File::open(&of.path)?;
    let counting = Counting { file, done };
    Ok(match of.packing {
        Packing::Plain => Box::new(counting),
        Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(counting)),
        Packing::Zstd => Box::new(Frames {
            input: Some(BufReader::new(counting)),
            frame: None,
        }),
    })
}

/// Zstandard files may be several frames in a row: parallel compressors write them.
struct Frames<R: Read> {
    input: Option<BufReader<R>>,
    frame: Option<Decoder<R>>,
}

type Decoder<R> =
    Box<ruzstd::decoding::StreamingDecoder<BufReader<R>, ruzstd::decoding::FrameDecoder>>;

impl<R: Read> Read for Frames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        use std::io::BufRead;
        loop {
            if let Some(frame) = &mut self.frame {
                let read = frame.read(buffer)?;
                if read > 0 || buffer.is_empty() {
                    return Ok(read);
                }
                self.input = self.frame.take().map(|frame| frame.into_inner());
            }
            let Some(mut input) = self.input.take() else {
                return Ok(0);
            };
            if input.fill_buf()?.is_empty() {
                self.input = Some(input);
                return Ok(0);
            }
            let frame = ruzstd::decoding::StreamingDecoder::new(input);
            self.frame = Some(Box::new(frame.map_err(io::Error::other)?));
        }
    }
}
