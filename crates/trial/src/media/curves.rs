//! Encoders: the quality and the size of what each case wrote, and for each clip the curves of its cases.

use super::{Reader, Source, ending, is_any_frames};
use crate::error::TrialError;
use crate::store;
use crate::subject::Seen;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};
use understudy_compare::{Row, media};
use understudy_evidence::{JsonLines, RunDirectory};
use understudy_judge::clips;
use understudy_model::place::PartName;
use understudy_model::quality::{ClipQuality, QualityPoint};
use understudy_model::{
    Answer, Character, Difference, DifferenceKind, Outcome, Part, Place, Relation, Role,
};
use understudy_stats::bd_rate::LEAST_POINTS;
use understudy_subject_command::{Case, Cases, Outputs, Quality};

/// What needs more bits is one kind of difference, whatever the figure.
const CHARACTER: &str = "bits for the quality";

/// What the outputs of encoders show together.
pub(crate) struct Curves<'a> {
    outputs: &'a Outputs,
    cases: &'a [Case],
    points: Mutex<Points>,
}

struct Points {
    all: Vec<QualityPoint>,
    lines: JsonLines<QualityPoint>,
}

impl<'a> Curves<'a> {
    /// With the points of an interrupted run.
    ///
    /// # Errors
    /// The evidence cannot be read or written.
    pub(crate) fn open(
        outputs: &'a Outputs,
        cases: &'a [Case],
        run: &RunDirectory,
    ) -> Result<Self, TrialError> {
        let all = store::quality(run)?;
        let lines = JsonLines::open(run, store::QUALITY)?;
        Ok(Curves {
            outputs,
            cases,
            points: Mutex::new(Points { all, lines }),
        })
    }

    /// Notes the quality of what a side wrote in a case.
    ///
    /// # Errors
    /// The evidence cannot be written.
    pub(crate) fn note(
        &self,
        reader: &Reader,
        (case, side): (u32, Role),
        outcome: &Outcome,
    ) -> Result<(), TrialError> {
        let Outcome::Answered(answer) = outcome else {
            return Ok(());
        };
        let clip = self.cases.get(case as usize);
        let Some(clip) = clip.and_then(|case| case.clip.as_deref()) else {
            return Ok(());
        };
        for part in parts(answer) {
            let Some(quality) = self.quality_of(part) else {
                continue;
            };
            let measured = measure(reader, part, quality, clip);
            let (value, why) = match measured {
                Ok(value) => (Some(value), None),
                Err(why) => (None, Some(why)),
            };
            let point = QualityPoint {
                case,
                clip: clip.to_owned(),
                output: part.name.clone(),
                side,
                metric: quality.metric,
                margin: quality.margin.get(),
                bytes: part.bytes.len() as u64,
                quality: value,
                why,
            };
            let mut points = self.points.lock().unwrap_or_else(PoisonError::into_inner);
            points.lines.write(&point)?;
            points.all.push(point);
        }
        Ok(())
    }

    fn quality_of(&self, part: &Part) -> Option<&'a Quality> {
        match Place::from(part.name.as_str()).part()? {
            PartName::File(name) => self.outputs.quality_of(name),
            PartName::Body | PartName::Stdout | PartName::Stderr | PartName::Calls(_) => None,
        }
    }

    /// Adds to a row what the curves of its clip show, if its case is the last one of it.
    pub(crate) fn conclude(&self, row: &mut Row, seen: &Seen<'_>) {
        let Some(clip) = self.completed_by(row.request) else {
            return;
        };
        let points = self.points.lock().unwrap_or_else(PoisonError::into_inner);
        let of_clip = points.all.iter().filter(|point| point.clip == clip);
        for curves in clips::of(of_clip, seen.contender) {
            let says = |rate: f64| rate > curves.margin;
            match curves.bd_rate {
                Some(rate) if says(rate) => row.differences.push(difference(&curves, rate, seen)),
                Some(_) => {}
                None => not_compared(row, &curves),
            }
            if let Some(rate) = curves.bd_rate_of_itself.filter(|rate| says(rate.abs())) {
                row.noise.push(difference(&curves, rate.abs(), seen));
            }
        }
    }

    /// The clip of which a case is the last one.
    fn completed_by(&self, case: u32) -> Option<&'a str> {
        let clip = self.cases.get(case as usize)?.clip.as_deref()?;
        let later = self.cases.iter().skip(case as usize + 1);
        let mut later = later.filter(|case| case.clip.as_deref() == Some(clip));
        later.next().is_none().then_some(clip)
    }
}

/// The outputs that are compared by their quality.
fn parts(answer: &Answer) -> impl Iterator<Item = &Part> {
    answer.parts.iter().filter(|part| is_any_frames(part))
}

/// The quality of an output, if it has as many frames of the same size as its reference.
fn measure(reader: &Reader, part: &Part, quality: &Quality, clip: &str) -> Result<f64, String> {
    if part.truncated {
        return Err("it is larger than what is kept of an output".to_owned());
    }
    let reference = quality.reference_of(clip);
    let source = Source::Bytes(&part.bytes, ending(part));
    let (own, of_reference) = (
        reader.describe(source)?,
        reader
            .describe(Source::File(&reference))
            .map_err(|why| format!("the reference {}: {why}", reference.display()))?,
    );
    let shown = |media: &understudy_compare::media::Media| {
        let video = media.streams.iter().find(|stream| stream.kind == "video");
        video.map(|video| {
            let size = video.properties.get("size").cloned();
            let size = size.unwrap_or_default();
            format!("{} frames of {size}", video.frames.len())
        })
    };
    match (shown(&own), shown(&of_reference)) {
        (Some(own), Some(reference)) if own == reference => {}
        (Some(own), Some(other)) => {
            return Err(format!(
                "it has {own}, and the reference {} has {other}",
                reference.display()
            ));
        }
        (None, _) => return Err("it has no video".to_owned()),
        (_, None) => {
            return Err(format!(
                "the reference {} has no video",
                reference.display()
            ));
        }
    }
    reader.quality(quality.metric, source, &reference)
}

fn difference(curves: &ClipQuality, rate: f64, seen: &Seen<'_>) -> Difference {
    let place = Place::from(curves.output.as_str()).aspect(&media::of_clip(&curves.clip));
    let kind = DifferenceKind::Value;
    let rules = seen.rules.at_place(seen.operation, &place, kind);
    Difference {
        path: place.clone(),
        pattern: place,
        kind,
        baseline: format!("bits for its {}", curves.metric.in_words()),
        contender: format!(
            "needs {:.1} % more bits for the same quality, clip {}",
            rate * 100.0,
            curves.clip
        ),
        baseline_character: Character(CHARACTER.to_owned()),
        contender_character: Character(CHARACTER.to_owned()),
        relation: Relation::default(),
        rules,
        spot: None,
        position: None,
        bytes: 0,
    }
}

/// What is not known is not the same.
fn not_compared(row: &mut Row, curves: &ClipQuality) {
    let why = curves.why.as_deref().unwrap_or_default();
    let why = format!(
        "{}: bits for the same quality of clip {} were not compared: {why}",
        curves.output, curves.clip
    );
    match row.differences.is_empty() {
        true => drop(row.lost.get_or_insert(why)),
        false => drop(row.unread.get_or_insert(why)),
    }
}

/// What is wrong with the clips of the cases.
pub(super) fn check(outputs: &Outputs, cases: &Cases) -> Vec<String> {
    let mut errors = Vec::new();
    let mut qualities = outputs.qualities().peekable();
    if qualities.peek().is_none() {
        return errors;
    }
    let mut clips: BTreeMap<&str, usize> = BTreeMap::new();
    let mut without = Vec::new();
    for (number, case) in (1..).zip(&cases.all) {
        match &case.clip {
            Some(clip) => *clips.entry(clip).or_default() += 1,
            None => without.push(number),
        }
    }
    if let [first, rest @ ..] = without.as_slice() {
        let more = match rest.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        errors.push(format!(
            "case {first}{more} has no \"clip\", and an output is compared by its quality\nhint: add \"clip\", the name of what the case encodes"
        ));
    }
    let few = clips.iter().filter(|(_, count)| **count < LEAST_POINTS);
    errors.extend(few.map(|(clip, count)| {
        format!("the clip {clip:?} has {count} of the {LEAST_POINTS} cases that a curve needs\nhint: add cases at other levels of quality")
    }));
    let references: BTreeSet<_> = qualities
        .flat_map(|(_, quality)| clips.keys().map(|clip| quality.reference_of(clip)))
        .collect();
    let missing = references.iter().filter(|path| !path.is_file());
    errors.extend(
        missing.map(|path| format!("compare.output.quality.reference: {path:?} is not a file")),
    );
    errors
}
