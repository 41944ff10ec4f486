//! Reads what ffmpeg writes: the lines of its `framehash` format, and those of its log that describe the output.
//!
//! Both come from outside software that read a file from outside: no text is taken for granted.

use std::collections::BTreeMap;

/// Most streams of one file.
const MOST_STREAMS: usize = 256;
/// What a property of a stream is called, by its key in the header of `framehash`.
const PROPERTIES: [(&str, &str); 5] = [
    ("dimensions", "size"),
    ("sar", "aspect"),
    ("sample_rate", "sample rate"),
    ("channel_layout", "channels"),
    ("channel_layout_name", "channels"),
];
/// The order of lines in a picture is not part of its colour.
const FIELD_ORDERS: [&str; 5] = [
    "progressive",
    "top first",
    "bottom first",
    "top coded first (swapped)",
    "bottom coded first (swapped)",
];

/// A file of sound, pictures or video.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Media {
    /// Its streams, by number.
    pub streams: Vec<Stream>,
    /// The first error that ffmpeg logged while it decoded them.
    pub fault: Option<String>,
}

/// One stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stream {
    /// `video`, `audio`, `subtitle`, `data`, `attachment`.
    pub kind: String,
    /// What else is known of it, by name: `size`, `pixel format`, `sample rate`.
    pub properties: BTreeMap<String, String>,
    /// Its frames; of sound, as many samples each.
    pub frames: Vec<Frame>,
}

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// When it is shown, in nanoseconds; `None` where the file does not say it.
    pub at_ns: Option<i128>,
    /// The hash of what was decoded, with its size.
    pub hash: String,
}

/// A stream while it is read.
#[derive(Default)]
struct Draft {
    stream: Stream,
    /// Numerator and denominator of the unit of its times, seconds.
    unit: Option<(i128, i128)>,
}

impl Media {
    /// Reads the lines of `-f framehash`, and a log with `-loglevel level+info`.
    ///
    /// # Errors
    /// Why they are not what ffmpeg writes.
    pub fn read(framehash: &str, log: &str) -> Result<Media, String> {
        let mut drafts: BTreeMap<usize, Draft> = BTreeMap::new();
        for line in framehash.lines() {
            match line.strip_prefix('#') {
                Some(header) => describe(header, &mut drafts)?,
                None if line.trim().is_empty() => {}
                None => frame(line, &mut drafts)?,
            }
        }
        if drafts.keys().copied().ne(0..drafts.len()) {
            return Err(unexpected("a stream without a description"));
        }
        let mut streams: Vec<Stream> = drafts.into_values().map(|draft| draft.stream).collect();
        let fault = read_log(log, &mut streams);
        Ok(Media { streams, fault })
    }
}

fn unexpected(line: &str) -> String {
    let shown: String = line.chars().take(80).collect();
    format!("ffmpeg wrote what is not a hash of a frame: {shown:?}")
}

/// The draft of a stream whose number comes from outside.
fn draft(number: usize, drafts: &mut BTreeMap<usize, Draft>) -> Result<&mut Draft, String> {
    match number < MOST_STREAMS {
        true => Ok(drafts.entry(number).or_default()),
        false => Err(format!("it has more than {MOST_STREAMS} streams")),
    }
}

/// `tb 0: 1/25`, `dimensions 0: 320x180`.
fn describe(header: &str, drafts: &mut BTreeMap<usize, Draft>) -> Result<(), String> {
    let Some((name, value)) = header.split_once(':') else {
        return Ok(());
    };
    // What holds of the whole file has no number.
    let Some((key, number)) = name.split_once(' ') else {
        return Ok(());
    };
    let Ok(number) = number.trim().parse::<usize>() else {
        return Ok(());
    };
    let draft = draft(number, drafts)?;
    let value = value.trim();
    let properties = &mut draft.stream.properties;
    match key {
        "tb" => draft.unit = Some(ratio(value).ok_or_else(|| unexpected(header))?),
        "media_type" => draft.stream.kind = value.to_owned(),
        "codec_id" => drop(properties.insert("codec".to_owned(), value.to_owned())),
        // Pixels of an unknown shape are shown as squares.
        "sar" if value == "0/1" => drop(properties.insert("aspect".to_owned(), "1/1".to_owned())),
        _ => {
            let known = PROPERTIES.iter().find(|(known, _)| *known == key);
            if let Some((_, name)) = known {
                properties.insert((*name).to_owned(), value.to_owned());
            }
        }
    }
    Ok(())
}

/// `1/25`, both above 0.
fn ratio(text: &str) -> Option<(i128, i128)> {
    let (above, below) = text.split_once('/')?;
    let part = |text: &str| {
        let value = text.trim().parse::<i64>().ok()?;
        (value > 0).then(|| i128::from(value))
    };
    Some((part(above)?, part(below)?))
}

/// `0,  0,  0,  1,  86400, 1c05...`: stream, decoding time, time, duration, size, hash, and hashes of what goes with it.
fn frame(line: &str, drafts: &mut BTreeMap<usize, Draft>) -> Result<(), String> {
    let wrong = || unexpected(line);
    let words: Vec<&str> = line.split(',').map(str::trim).collect();
    let [number, _, time, _, size, hash, ..] = words.as_slice() else {
        return Err(wrong());
    };
    let number = number.parse::<usize>().map_err(|_| wrong())?;
    let time = time.parse::<i64>().map_err(|_| wrong())?;
    let size = size.parse::<u64>().map_err(|_| wrong())?;
    if hash.is_empty() || !hash.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(wrong());
    }
    let draft = draft(number, drafts)?;
    let (above, below) = draft.unit.ok_or_else(wrong)?;
    // 2^63 * 2^63 * 10^9 does not fit; units of ffmpeg are two numbers of 32 bits.
    let at_ns = i128::from(time).checked_mul(above * 1_000_000_000);
    let at_ns = at_ns.ok_or_else(wrong)? / below;
    draft.stream.frames.push(Frame {
        at_ns: (time != i64::MIN).then_some(at_ns),
        hash: format!("{hash}/{size}"),
    });
    Ok(())
}

/// Adds what only the log says of the streams of the output; the first error in it.
fn read_log(log: &str, streams: &mut [Stream]) -> Option<String> {
    let (mut fault, mut is_output) = (None, false);
    for line in log.lines() {
        let (is_error, text) = level(line);
        if is_error && fault.is_none() {
            fault = Some(text.chars().take(200).collect());
        }
        let text = text.trim_start();
        if text.starts_with("Output #") {
            is_output = true;
        } else if text.starts_with("Input #") {
            is_output = false;
        }
        let Some((number, kind, fields)) = stream_line(text) else {
            continue;
        };
        // 53 bits are exact.
        let is_too_wide = |field: &&str| matches!(*field, "s64" | "s64p");
        if kind == "Audio" && fields.iter().any(is_too_wide) && fault.is_none() {
            fault = Some("samples of 64 bits are not compared".to_owned());
        }
        let stream = streams.get_mut(number).filter(|_| is_output);
        if let (Some(stream), "Video", Some(format)) = (stream, kind, fields.get(1)) {
            picture(format, &mut stream.properties);
        }
    }
    for stream in streams {
        // All are decoded to one and the same form.
        if matches!(stream.kind.as_str(), "video" | "audio") {
            stream.properties.remove("codec");
        }
    }
    fault
}

/// Is a line of the log an error, and what does it say without `[in#0 @ 0x55d0] [error] `?
fn level(line: &str) -> (bool, &str) {
    let (mut is_error, mut text) = (false, line);
    while let Some((word, rest)) = text
        .strip_prefix('[')
        .and_then(|text| text.split_once("] "))
    {
        is_error |= matches!(word, "error" | "fatal" | "panic");
        text = rest;
    }
    (is_error, text)
}

/// `Stream #0:1(eng): Audio: pcm_f64le, 44100 Hz, stereo`: number, kind and fields, the codec first.
fn stream_line(text: &str) -> Option<(usize, &str, Vec<&str>)> {
    let rest = text.strip_prefix("Stream #")?;
    let (_, rest) = rest.split_once(':')?;
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let number = rest.get(..digits)?.parse().ok()?;
    // Identifiers and languages may come between.
    let (_, rest) = rest.get(digits..)?.split_once(": ")?;
    let (kind, rest) = rest.split_once(": ")?;
    Some((number, kind, fields(rest)))
}

/// Splits at commas that no bracket is around.
fn fields(text: &str) -> Vec<&str> {
    let (mut depth, mut from, mut fields) = (0usize, 0, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                fields.push(text[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    fields.push(text[from..].trim());
    fields
}

/// `yuv420p(tv, bt709, progressive)`: the form of a pixel, and what its values mean.
fn picture(format: &str, properties: &mut BTreeMap<String, String>) {
    let (name, colour) = match format.split_once('(') {
        Some((name, colour)) => (name, colour.strip_suffix(')').unwrap_or(colour)),
        None => (format, ""),
    };
    // Without a range, values of luma and chroma have the limited one.
    let is_usual = |word: &str| word == "tv" && (name.starts_with("yuv") || name.starts_with("nv"));
    let colour: Vec<&str> = fields(colour)
        .into_iter()
        .filter(|word| !word.is_empty() && !FIELD_ORDERS.contains(word) && !is_usual(word))
        .collect();
    let colour = match colour.as_slice() {
        [] => "unspecified".to_owned(),
        colour => colour.join(", "),
    };
    properties.insert("pixel format".to_owned(), name.trim().to_owned());
    properties.insert("colour".to_owned(), colour);
}
