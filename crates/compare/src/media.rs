//! Sound, pictures and video, as an external ffmpeg describes them: streams, and of each frame its time and a hash of
//! what was decoded. Pure: texts in, differences out.

mod description;
pub mod quality;
#[cfg(test)]
mod tests;

pub use description::{Frame, Media, Stream};

use crate::dialect::PartDifference;
use understudy_model::DifferenceKind as Kind;

/// Times that are no farther apart are the same: Matroska keeps no more than milliseconds.
const SAME_TIME_NS: i128 = 1_000_000;
/// Most frames of one stream that are named one by one.
const NAMED: usize = 1000;
/// Digits of a hash that are shown.
const SHOWN: usize = 16;

/// What of two media has to be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frames {
    /// Every frame, to the bit: decoders, remuxers, lossless encoders.
    Exact,
    /// That they are there, and when: encoders, whose frames are compared by their quality.
    Any,
}

/// All places at which a contender differs. `bytes`: those of the baseline's file, which are spread over its frames.
///
/// # Errors
/// Why they cannot be compared.
pub fn compare(
    baseline: &Media,
    contender: &Media,
    frames: Frames,
    bytes: u64,
) -> Result<Vec<PartDifference>, String> {
    if let Some(fault) = &baseline.fault {
        return Err(format!("ffmpeg cannot decode it without an error: {fault}"));
    }
    if baseline.streams.is_empty() {
        return Err("ffmpeg finds no stream in it".to_owned());
    }
    let mut found = Vec::new();
    if let Some(fault) = &contender.fault {
        let says = |text: &str| Some(text.to_owned());
        found.push(words(
            "decoding",
            Kind::Value,
            (says("no error"), Some(fault.clone())),
            bytes,
        ));
        return Ok(found);
    }
    let (a, b) = (&baseline.streams, &contender.streams);
    if a.len() != b.len() {
        let shown = |streams: &[Stream]| Some(kinds(streams));
        found.push(words("streams", Kind::Value, (shown(a), shown(b)), 0));
    }
    for (number, (a, b)) in a.iter().zip(b).enumerate() {
        let share = bytes / baseline.streams.len() as u64;
        stream(number, (a, b), (frames, share), &mut found);
    }
    Ok(found)
}

/// `video, audio`.
fn kinds(streams: &[Stream]) -> String {
    let kinds: Vec<&str> = streams.iter().map(|stream| stream.kind.as_str()).collect();
    match kinds.as_slice() {
        [] => "none".to_owned(),
        kinds => kinds.join(", "),
    }
}

fn words(
    place: &str,
    kind: Kind,
    (baseline, contender): (Option<String>, Option<String>),
    bytes: u64,
) -> PartDifference {
    PartDifference {
        aspect: place.to_owned(),
        pattern: place.to_owned(),
        kind,
        baseline,
        contender,
        character: None,
        bytes,
    }
}

fn stream(
    number: usize,
    (a, b): (&Stream, &Stream),
    (frames, bytes): (Frames, u64),
    found: &mut Vec<PartDifference>,
) {
    let at = |what: &str| format!("stream {number};{what}");
    if a.kind != b.kind {
        let pair = (Some(a.kind.clone()), Some(b.kind.clone()));
        return found.push(words(&at("kind"), Kind::Type, pair, bytes));
    }
    let names = a.properties.keys().chain(b.properties.keys());
    let mut names: Vec<&String> = names.collect();
    names.sort_unstable();
    names.dedup();
    let before = found.len();
    for name in names {
        let (x, y) = (a.properties.get(name), b.properties.get(name));
        if x != y {
            let kind = match (x, y) {
                (Some(_), None) => Kind::Missing,
                (None, _) => Kind::Extra,
                _ => Kind::Value,
            };
            found.push(words(&at(name), kind, (x.cloned(), y.cloned()), 0));
        }
    }
    let has_same_form = found.len() == before;
    let common = common(&a.frames, &b.frames, frames);
    if a.frames.len() != b.frames.len() {
        let shown = |frames: &[Frame]| Some(format!("{} frames", frames.len()));
        let pair = (shown(&a.frames), shown(&b.frames));
        found.push(words(&at("frames"), Kind::Value, pair, bytes));
    }
    times(&at("times"), (a, b), common.at_begin, found);
    // Pictures of another size have no pixel in common.
    if frames == Frames::Exact && has_same_form {
        contents(number, (a, b), &common, bytes, found);
    }
}

/// How many frames are the same from the begin on, and how many of the others from the end back.
struct Common {
    at_begin: usize,
    at_end: usize,
}

fn common(a: &[Frame], b: &[Frame], frames: Frames) -> Common {
    let shorter = a.len().min(b.len());
    // Of as many frames each belongs to that of its number; so it does where their content says nothing.
    if a.len() == b.len() || frames == Frames::Any {
        return Common {
            at_begin: shorter,
            at_end: 0,
        };
    }
    let is_same = |(x, y): &(&Frame, &Frame)| x.hash == y.hash;
    let at_begin = a.iter().zip(b).take_while(is_same).count();
    let rest = a[at_begin..].iter().rev().zip(b[at_begin..].iter().rev());
    Common {
        at_begin,
        at_end: rest.take_while(is_same).count(),
    }
}

/// The first frame that is shown at another time.
fn times(place: &str, (a, b): (&Stream, &Stream), common: usize, found: &mut Vec<PartDifference>) {
    let pairs = a.frames.iter().zip(&b.frames).take(common).enumerate();
    let differs = |(_, (x, y)): &(usize, (&Frame, &Frame))| match (x.at_ns, y.at_ns) {
        (Some(x), Some(y)) => x.saturating_sub(y).saturating_abs() > SAME_TIME_NS,
        (x, y) => x != y,
    };
    let mut late = pairs.filter(differs);
    let Some((number, (x, y))) = late.next() else {
        return;
    };
    let shown = |at: Option<i128>| match at {
        Some(ns) => format!("frame {number} at {:.3} s", ns as f64 / 1e9),
        None => format!("frame {number} without a time"),
    };
    let more = match late.count() {
        0 => String::new(),
        more => format!(", and {more} more at other times"),
    };
    let pair = (
        Some(shown(x.at_ns)),
        Some(format!("{}{more}", shown(y.at_ns))),
    );
    found.push(PartDifference {
        character: Some("times"),
        ..words(place, Kind::Value, pair, 0)
    });
}

/// The frames that differ, or that only one side has.
fn contents(
    number: usize,
    (a, b): (&Stream, &Stream),
    common: &Common,
    bytes: u64,
    found: &mut Vec<PartDifference>,
) {
    let (a, b) = (&a.frames, &b.frames);
    let each = bytes / (a.len().max(1) as u64);
    let mut differing = 0;
    let mut one = |frame: usize, x: Option<&Frame>, y: Option<&Frame>| {
        differing += 1;
        if differing > NAMED {
            return;
        }
        let shown = |frame: &Frame| frame.hash.chars().take(SHOWN).collect::<String>();
        let kind = match (x, y) {
            (Some(_), None) => Kind::Missing,
            (None, _) => Kind::Extra,
            _ => Kind::Bytes,
        };
        found.push(PartDifference {
            aspect: format!("stream {number};frame {frame}"),
            pattern: format!("stream {number};frame"),
            kind,
            baseline: x.map(shown),
            contender: y.map(shown),
            character: Some("frame"),
            bytes: each,
        });
    };
    if a.len() == b.len() {
        let pairs = a.iter().zip(b).enumerate();
        for (frame, (x, y)) in pairs.filter(|(_, (x, y))| x.hash != y.hash) {
            one(frame, Some(x), Some(y));
        }
        return;
    }
    let Common { at_begin, at_end } = *common;
    let (rest_a, rest_b) = (a.len() - at_begin - at_end, b.len() - at_begin - at_end);
    match (rest_a, rest_b) {
        // What one side has in addition is all that differs.
        (_, 0) => (at_begin..at_begin + rest_a).for_each(|at| one(at, a.get(at), None)),
        (0, _) => (at_begin..at_begin + rest_b).for_each(|at| one(at, None, b.get(at))),
        // From here on the numbers say nothing.
        _ => one(at_begin, a.get(at_begin), b.get(at_begin)),
    }
}

/// What can differ of a stream.
const ASPECTS: [&str; 11] = [
    "kind",
    "codec",
    "size",
    "aspect",
    "pixel format",
    "colour",
    "sample rate",
    "channels",
    "frames",
    "times",
    "frame",
];

/// What a place says that is about all cases of one clip.
const CLIP: &str = "clip ";

/// The aspect of an output that is about all cases of one clip.
pub fn of_clip(clip: &str) -> String {
    [CLIP, clip].concat()
}

/// Is it a place in media that rules can name: `streams`, `stream 0;frame`, `clip bikes`?
pub(crate) fn is_place(place: &str) -> bool {
    let is_name = |name: &str| !name.trim().is_empty() && !name.contains(';');
    match place.split_once(';') {
        Some((stream, aspect)) => is_stream(stream) && ASPECTS.contains(&aspect),
        None => {
            matches!(place, "streams" | "decoding")
                || is_stream(place)
                || place.strip_prefix(CLIP).is_some_and(is_name)
        }
    }
}

/// Is it a stream as a whole: `stream 0`?
pub(crate) fn is_stream(place: &str) -> bool {
    let number = place.strip_prefix("stream ");
    number.is_some_and(|number| number.parse::<u32>().is_ok())
}
