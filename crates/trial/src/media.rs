//! Outputs of commands that are sound, pictures or video: read by an external ffmpeg, compared by frame; those of encoders
//! by the bits that they need for the same quality.

mod curves;
mod faults;
mod ffmpeg;
#[cfg(test)]
mod tests;

pub(crate) use curves::Curves;
pub(crate) use faults::plant;
pub(crate) use ffmpeg::{Ffmpeg, Source};

use crate::config::CommandWorkload;
use sha2::{Digest, Sha256};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use understudy_compare::media::{Frames, Media, compare};
use understudy_compare::{Content, plain};
use understudy_model::Part;
use understudy_model::quality::Metric;
use understudy_subject_command::{ANY_FRAMES, Cases, ComparedAs};

/// Files of which what was read is remembered: an output is compared with several others.
const REMEMBERED: usize = 32;

/// Reads media, each file once.
pub(crate) struct Reader {
    ffmpeg: Ffmpeg,
    described: Remembered<Described>,
    measured: Remembered<Result<f64, String>>,
}

type Described = Result<Arc<Media>, String>;

impl Reader {
    pub(crate) fn new(ffmpeg: Ffmpeg) -> Self {
        Reader {
            ffmpeg,
            described: Remembered::default(),
            measured: Remembered::default(),
        }
    }

    /// What is in a file.
    pub(crate) fn describe(&self, source: Source<'_>) -> Described {
        let read = || self.ffmpeg.describe(source).map(Arc::new);
        self.described.get_or(key(source).finalize().into(), read)
    }

    /// How good the frames of a file are, compared with those of a reference.
    pub(crate) fn quality(
        &self,
        metric: Metric,
        source: Source<'_>,
        reference: &Path,
    ) -> Result<f64, String> {
        let mut hasher = key(source);
        hasher.update(metric.name());
        hasher.update(reference.as_os_str().as_encoded_bytes());
        let measure = || self.ffmpeg.quality(metric, source, reference);
        self.measured.get_or(hasher.finalize().into(), measure)
    }

    /// Compares two parts of one output.
    pub(crate) fn compare(&self, baseline: &Part, contender: &Part) -> Content {
        let frames = match is_any_frames(baseline) {
            true => Frames::Any,
            false => Frames::Exact,
        };
        let of = |part: &Part| self.describe(Source::Bytes(&part.bytes, ending(part)));
        let bytes = baseline.bytes.len() as u64;
        let compared = match (of(baseline), of(contender)) {
            // What the incumbent wrote is no measure.
            (Err(why), _) => Err(why),
            // The candidate's is not what the incumbent's is: media.
            (Ok(_), Err(why)) => {
                let of_fault = Media {
                    fault: Some(why),
                    ..Media::default()
                };
                of(baseline).and_then(|a| compare(&a, &of_fault, frames, bytes))
            }
            (Ok(a), Ok(b)) => compare(&a, &b, frames, bytes),
        };
        match compared {
            Ok(found) if found.is_empty() => Content::Same,
            Ok(found) => Content::Different(found),
            Err(why) => Content::NotCompared(why),
        }
    }
}

/// What is a file known by.
fn key(source: Source<'_>) -> Sha256 {
    let mut hasher = Sha256::new();
    match source {
        Source::Bytes(bytes, ending) => {
            hasher.update(ending);
            hasher.update([0]);
            hasher.update(Sha256::digest(bytes));
        }
        Source::File(path) => hasher.update(path.as_os_str().as_encoded_bytes()),
    }
    hasher
}

/// The last results, by key.
struct Remembered<T>(Mutex<VecDeque<([u8; 32], T)>>);

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Remembered(Mutex::default())
    }
}

impl<T: Clone> Remembered<T> {
    fn get_or(&self, key: [u8; 32], make: impl FnOnce() -> T) -> T {
        let all = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all()
            .iter()
            .find(|(of, _)| *of == key)
            .map(|(_, known)| known.clone());
        if let Some(known) = known {
            return known;
        }
        let made = make();
        let mut all = all();
        if all.len() >= REMEMBERED {
            all.pop_front();
        }
        all.push_back((key, made.clone()));
        made
    }
}

/// Is a part compared by its quality instead of its frames?
fn is_any_frames(part: &Part) -> bool {
    part.media.starts_with(plain::MEDIA) && part.media.ends_with(ANY_FRAMES)
}

/// The ending of the name of the file that a part was.
pub(crate) fn ending(part: &Part) -> &str {
    let parameters = part.media.split(';').map(str::trim);
    let mut endings = parameters.filter_map(|one| one.strip_prefix("type="));
    endings.next().unwrap_or_default()
}

/// What is wrong with the outputs that are media, before anything is started: the program that reads them, the
/// references, and too few points of a clip.
pub fn check_media(workload: &CommandWorkload, cases: &Cases) -> Vec<String> {
    let outputs = &workload.outputs;
    if !outputs.ways().any(|way| way == ComparedAs::Media) {
        return Vec::new();
    }
    let mut metrics: Vec<_> = outputs.qualities().map(|(_, of)| of.metric).collect();
    metrics.dedup();
    let mut errors = Vec::new();
    if let Err(why) = ffmpeg::check(&workload.ffmpeg, &metrics) {
        errors.push(format!("compare.media.ffmpeg: {why}"));
    }
    errors.extend(curves::check(outputs, cases));
    errors
}

/// The references that the outputs of these cases are compared with.
pub(crate) fn references(workload: &CommandWorkload, cases: &Cases) -> Vec<PathBuf> {
    let clips = cases.all.iter().filter_map(|case| case.clip.as_deref());
    let mut all: Vec<PathBuf> = clips
        .flat_map(|clip| {
            let of = workload.outputs.qualities();
            of.map(move |(_, quality)| quality.reference_of(clip))
        })
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}
