//! Faults in sound, pictures and video, planted into outputs of the incumbent by the ffmpeg that reads them: would the
//! comparison report them?
//!
//! An output is written again twice, without a fault and with one, and these two are compared: so what is found is the
//! fault, whatever of the output its new container cannot hold. A fault that leaves all bytes as they are is none.

use super::ffmpeg::{CHANGED, SAMPLES};
use super::{Reader, Source, ending, is_any_frames};
use crate::error::TrialError;
use crate::subject::Planting;
use std::time::{Duration, Instant};
use understudy_compare::media::{Media, Stream};
use understudy_compare::{Fault, plain};
use understudy_model::Part;

/// How long the faults of one output may take, without what it takes to compare them.
const WITHIN: Duration = Duration::from_secs(30);
/// Outputs of different names that faults are put into, and attempts that may fail.
const OUTPUTS: usize = 3;
/// Samples by which sound is shifted: less than a frame of any codec.
const SHIFT: u32 = 500;
/// The length of the edge of a block, pixels.
const BLOCK: u32 = 8;
/// Frames that are exchanged by number: the numbers of all are told to ffmpeg.
const MOST_FRAMES: usize = 10_000;

/// Puts faults into each output of an answer that is media, once for each name.
///
/// # Errors
/// The evidence cannot be written.
pub(crate) fn plant(
    reader: &Reader,
    planting: &mut Planting<'_>,
) -> Result<Vec<String>, TrialError> {
    let mut notes = Vec::new();
    let answer = planting.answer;
    let parts = answer.parts.iter();
    for part in parts.filter(|part| part.media.starts_with(plain::MEDIA)) {
        if part.truncated
            || planting.done.len() >= OUTPUTS
            || !planting.done.insert(part.name.clone())
        {
            continue;
        }
        if let Some(why) = plant_into(reader, part, planting)? {
            notes.push(format!("{}: {why}", part.name));
        }
    }
    Ok(notes)
}

/// One output. What is returned says what could not be tried.
fn plant_into(
    reader: &Reader,
    part: &Part,
    planting: &mut Planting<'_>,
) -> Result<Option<String>, TrialError> {
    let source = Source::Bytes(&part.bytes, ending(part));
    // What cannot be read is not compared, and that is told.
    let Ok(media) = reader.describe(source) else {
        return Ok(None);
    };
    let began = Instant::now();
    let left = || WITHIN.saturating_sub(began.elapsed());
    let lab = Lab { reader, part };
    let control = match lab.change(&[], left()) {
        Ok(control) => control,
        Err(_) if reader.ffmpeg.is_stopped() => return Ok(None),
        Err(why) => return Ok(Some(format!("no faults were put into it: {why}"))),
    };
    let faults: Vec<(Fault, Vec<Vec<String>>)> = Fault::MEDIA
        .iter()
        .map(|fault| (*fault, options(*fault, &media, is_any_frames(part))))
        .filter(|(_, ways)| !ways.is_empty())
        .collect();
    let mut untried = Vec::new();
    for (number, (fault, ways)) in faults.iter().enumerate() {
        planting.progress(&part.name, number, faults.len());
        let mut why = None;
        for way in ways {
            match lab.change(way, left()) {
                _ if reader.ffmpeg.is_stopped() => return Ok(None),
                Err(error) => why = Some(error),
                Ok(wrong) if wrong.bytes == control.bytes => {}
                Ok(wrong)
                    if *fault == Fault::BlockChanged && !lab.is_one_frame(&control, &wrong) => {}
                Ok(wrong) => {
                    why = None;
                    planting.take(*fault, &control, wrong)?;
                    break;
                }
            }
        }
        untried.extend(why.map(|why| (fault.name(), why)));
    }
    Ok(match untried.as_slice() {
        [] => None,
        [(_, why), ..] => {
            let names: Vec<&str> = untried.iter().map(|(name, _)| *name).collect();
            Some(format!(
                "faults that were not put into it: {} ({why})",
                names.join(", ")
            ))
        }
    })
}

/// An output that faults are put into.
struct Lab<'a> {
    reader: &'a Reader,
    part: &'a Part,
}

impl Lab<'_> {
    fn change(&self, options: &[String], within: Duration) -> Result<Part, String> {
        if within.is_zero() {
            return Err(format!("they took {} s", WITHIN.as_secs()));
        }
        let source = Source::Bytes(&self.part.bytes, ending(self.part));
        let bytes = self.reader.ffmpeg.change(source, options, within)?;
        let media = match self.part.media.split_once("type=") {
            Some((before, after)) => {
                let rest = after.find(';').map_or("", |at| &after[at..]);
                format!("{before}type={CHANGED}{rest}")
            }
            None => self.part.media.clone(),
        };
        Ok(Part {
            bytes,
            media,
            digest: String::new(),
            ..self.part.clone()
        })
    }

    /// Does one frame differ, and nothing else? Another filter than was meant, as a conversion of the pixels, would make
    /// a fault that is easier to find.
    fn is_one_frame(&self, control: &Part, wrong: &Part) -> bool {
        let of = |part: &Part| {
            let source = Source::Bytes(&part.bytes, ending(part));
            self.reader.describe(source)
        };
        let (Ok(a), Ok(b)) = (of(control), of(wrong)) else {
            return false;
        };
        let (Some((_, a)), Some((_, b))) = (video(&a), video(&b)) else {
            return false;
        };
        let pairs = a.frames.iter().zip(&b.frames);
        let differing = pairs.filter(|(a, b)| a.hash != b.hash).count();
        a.frames.len() == b.frames.len() && differing == 1
    }
}

/// The first stream of a kind that has frames, and its number among those of its kind.
fn first<'m>(media: &'m Media, kind: &str) -> Option<(usize, &'m Stream)> {
    let streams = media.streams.iter().filter(|stream| stream.kind == kind);
    streams
        .enumerate()
        .find(|(_, stream)| !stream.frames.is_empty())
}

fn video(media: &Media) -> Option<(usize, &Stream)> {
    first(media, "video")
}

/// The options that make a fault, in several ways if the first may change nothing; none where there is no place for it,
/// or where what is compared need not show it: frames of encoders.
fn options(fault: Fault, media: &Media, is_any_frames: bool) -> Vec<Vec<String>> {
    let on_video = |filter: &dyn Fn(&Stream) -> Option<String>| {
        let found = video(media).and_then(|(number, stream)| Some((number, filter(stream)?)));
        let options = found.map(|(number, filter)| vec![format!("-filter:v:{number}"), filter]);
        options.into_iter().collect::<Vec<_>>()
    };
    match fault {
        Fault::FrameMissing => on_video(&|stream| {
            let frames = stream.frames.len();
            (frames > 1).then(|| format!("select=not(eq(n\\,{}))", frames / 2))
        }),
        Fault::FrameDuplicated => on_video(&|stream| {
            (stream.frames.len() > 1).then(|| "tpad=stop=1:stop_mode=clone".to_owned())
        }),
        Fault::TimesChanged => {
            on_video(&|stream| (stream.frames.len() > 1).then(|| "setpts=2*PTS".to_owned()))
        }
        Fault::SizeChanged => on_video(&|stream| {
            let (width, _) = size(stream)?;
            (width > 4).then(|| "crop=iw-2:ih:0:0".to_owned())
        }),
        Fault::FramesSwapped if !is_any_frames => on_video(&exchanged),
        Fault::BlockChanged if !is_any_frames => {
            let ways = |place: usize| on_video(&|stream| block(stream, place));
            (0..3).flat_map(ways).collect()
        }
        Fault::SoundShifted if !is_any_frames => {
            let Some((number, _)) = first(media, "audio") else {
                return Vec::new();
            };
            let filter = format!(
                "atrim=start_sample={SHIFT},asetpts=N/SR/TB,apad=pad_len={SHIFT},{SAMPLES}"
            );
            vec![vec![format!("-filter:a:{number}"), filter]]
        }
        // Without any stream there is no file.
        Fault::SoundMissing if first(media, "audio").is_some() && video(media).is_some() => {
            vec![vec!["-map".to_owned(), "-0:a".to_owned()]]
        }
        _ => Vec::new(),
    }
}

/// Two frames next to each other that differ, at each other's times.
fn exchanged(stream: &Stream) -> Option<String> {
    let frames = &stream.frames;
    if frames.len() > MOST_FRAMES {
        return None;
    }
    let middle = frames.len() / 2;
    let differ = |at: &usize| frames[*at].hash != frames[at + 1].hash;
    let last = frames.len().checked_sub(1)?;
    let at = (middle.min(last)..last)
        .find(differ)
        .or_else(|| (0..last).find(differ))?;
    let mut order: Vec<usize> = (0..frames.len()).collect();
    order.swap(at, at + 1);
    let order: Vec<String> = order.iter().map(ToString::to_string).collect();
    Some(format!("shuffleframes={}", order.join(" ")))
}

/// A block of the frame in the middle, at the place of another one.
fn block(stream: &Stream, place: usize) -> Option<String> {
    let (width, height) = size(stream)?;
    // Pixels have their colour in pairs.
    let even = |length: u32| length / 2 * 2;
    let (w, h) = (BLOCK.min(even(width / 2)), BLOCK.min(even(height / 2)));
    // Two corners, a corner and the middle, half of the picture with the other half.
    let (w, h, x, y) = match place {
        0 => (w, h, even(width - w), even(height - h)),
        1 => (w, h, even(width / 2), even(height / 2)),
        _ => (
            even(width / 2),
            even(height / 2),
            even(width / 2),
            even(height / 2),
        ),
    };
    let frame = stream.frames.len() / 2;
    (w > 0 && h > 0).then(|| format!("swaprect={w}:{h}:0:0:{x}:{y}:enable=eq(n\\,{frame})"))
}

/// Width and height in pixels.
fn size(stream: &Stream) -> Option<(u32, u32)> {
    let (width, height) = stream.properties.get("size")?.split_once('x')?;
    Some((width.parse().ok()?, height.parse().ok()?))
}
