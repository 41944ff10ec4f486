//! Encoders: for each clip, how many more bits a contender needs for the same quality.

use std::collections::BTreeMap;
use understudy_model::Role;
use understudy_model::quality::{ClipQuality, Metric, OverClips, QualityPoint, RatePoint};
use understudy_model::verdict::Estimate;
use understudy_stats::bd_rate::bd_rate;
use understudy_stats::paired::log_mean_interval;

/// The points of a clip, by side and case.
type Points<'p> = BTreeMap<(Role, u32), &'p QualityPoint>;

/// The clips among these points, by name. Of a case that was run more than once the last point counts.
pub fn of<'p>(
    points: impl IntoIterator<Item = &'p QualityPoint>,
    contender: Role,
) -> Vec<ClipQuality> {
    let mut clips: BTreeMap<(&str, &str), Points<'_>> = BTreeMap::new();
    for point in points {
        let clip = clips.entry((&point.clip, &point.output)).or_default();
        clip.insert((point.side, point.case), point);
    }
    let of = |((clip, output), points): ((&str, &str), Points<'_>)| {
        let any = points.values().next()?;
        let curve = |side: Role| {
            let own = points.iter().filter(|((of, _), _)| *of == side);
            let own = own.map(|(_, point)| *point);
            own.collect::<Vec<&QualityPoint>>()
        };
        let (incumbent, second) = (curve(Role::Incumbent), curve(Role::Second));
        let contending = curve(contender);
        let rate = rate(&incumbent, &contending);
        Some(ClipQuality {
            clip: clip.to_owned(),
            output: output.to_owned(),
            metric: any.metric,
            margin: any.margin,
            bd_rate: rate.as_ref().ok().copied(),
            bd_rate_of_itself: self::rate(&incumbent, &second).ok(),
            why: rate.err(),
            incumbent: drawn(&incumbent),
            contender: drawn(&contending),
        })
    };
    clips.into_iter().filter_map(of).collect()
}

/// The mean of the clips of each output, with its interval over clips.
pub fn over(clips: &[ClipQuality]) -> Vec<OverClips> {
    let mut outputs: BTreeMap<&str, (Metric, Vec<f64>)> = BTreeMap::new();
    for clip in clips {
        let of = outputs.entry(&clip.output);
        let (_, ratios) = of.or_insert_with(|| (clip.metric, Vec::new()));
        ratios.extend(clip.bd_rate.map(|rate| 1.0 + rate));
    }
    // A rate is a mean on the log scale itself; there, as much more and as much less are the same distance.
    let share = |ratio: f64| Some(ratio - 1.0);
    let of = |(output, (metric, ratios)): (&str, (Metric, Vec<f64>))| OverClips {
        output: output.to_owned(),
        metric,
        clips: ratios.len() as u32,
        bd_rate: log_mean_interval(&ratios).map(|interval| Estimate {
            estimate: share(interval.estimate),
            low: share(interval.low),
            high: share(interval.high),
        }),
    };
    outputs.into_iter().map(of).collect()
}

/// The Bjontegaard delta rate, or why there is none.
fn rate(baseline: &[&QualityPoint], contender: &[&QualityPoint]) -> Result<f64, String> {
    let of = |points: &[&QualityPoint]| {
        let point = |point: &&QualityPoint| match point.quality {
            Some(quality) => Ok((quality, point.bytes as f64)),
            None => Err(point.why.clone().unwrap_or_default()),
        };
        points.iter().map(point).collect::<Result<Vec<_>, _>>()
    };
    bd_rate(&of(baseline)?, &of(contender)?).map_err(|why| why.to_string())
}

/// The points that have a quality, ascending.
fn drawn(points: &[&QualityPoint]) -> Vec<RatePoint> {
    let point = |point: &&QualityPoint| {
        let bytes = point.bytes;
        point.quality.map(|quality| RatePoint { bytes, quality })
    };
    let mut drawn: Vec<RatePoint> = points.iter().filter_map(point).collect();
    drawn.sort_by(|a, b| a.quality.total_cmp(&b.quality));
    drawn
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(side: Role, scale: f64) -> Vec<QualityPoint> {
        let levels = [
            (30.0, 1000.0),
            (33.0, 2000.0),
            (36.0, 4000.0),
            (39.0, 8000.0),
        ];
        let point = |(case, (quality, bytes)): (u32, (f64, f64))| QualityPoint {
            case,
            clip: "bikes".to_owned(),
            output: "file:out.ivf".to_owned(),
            side,
            metric: Metric::Psnr,
            margin: 0.05,
            bytes: (bytes * scale) as u64,
            quality: Some(quality),
            why: None,
        };
        (0..).zip(levels).map(point).collect()
    }

    #[test]
    fn a_curve_of_a_quarter_more_bits_is_a_quarter_more() {
        let mut all = points(Role::Incumbent, 1.0);
        all.extend(points(Role::Second, 1.0));
        all.extend(points(Role::Candidate, 1.25));
        let clips = of(&all, Role::Candidate);
        assert_eq!(clips.len(), 1);
        let rate = clips[0].bd_rate.unwrap();
        assert!((rate - 0.25).abs() < 1e-12, "{rate}");
        assert_eq!(clips[0].bd_rate_of_itself, Some(0.0));
        assert_eq!(clips[0].contender[0].bytes, 1250);
    }

    #[test]
    fn the_last_point_of_a_case_counts_and_a_missing_one_says_why() {
        let mut all = points(Role::Incumbent, 1.0);
        all.extend(points(Role::Candidate, 3.0));
        all.extend(points(Role::Candidate, 1.0));
        assert_eq!(of(&all, Role::Candidate)[0].bd_rate, Some(0.0));
        let last = all.last_mut().unwrap();
        last.quality = None;
        last.why = Some("it has 49 frames".to_owned());
        let clip = &of(&all, Role::Candidate)[0];
        assert_eq!((clip.bd_rate, clip.contender.len()), (None, 3));
        assert_eq!(clip.why.as_deref(), Some("it has 49 frames"));
        let few: Vec<QualityPoint> = all.into_iter().filter(|point| point.case < 3).collect();
        let why = of(&few, Role::Candidate)[0].why.clone().unwrap();
        assert!(why.contains("3 points"), "{why}");
    }

    /// exp(m +- t s / 2) - 1 of the logarithms of 0.9, 0.95, 1.0 and 1.1, with t = 3.182446 of three degrees of freedom.
    #[test]
    fn the_interval_is_students_over_the_clips_that_were_compared() {
        let clip = |rate: Option<f64>| ClipQuality {
            bd_rate: rate,
            ..of(&points(Role::Incumbent, 1.0), Role::Candidate).remove(0)
        };
        let rates = [Some(-0.1), Some(-0.05), None, Some(0.0), Some(0.1)];
        let all = over(&rates.map(clip));
        assert_eq!((all.len(), all[0].clips), (1, 4));
        let found = all[0].bd_rate.unwrap();
        let near = |value: Option<f64>, expected: f64| (value.unwrap() - expected).abs() < 1e-6;
        assert!(
            near(found.estimate, -0.0152189113)
                && near(found.low, -0.1403352529)
                && near(found.high, 0.12810696942),
            "{found:?}"
        );
        let one = over(&[clip(Some(0.2)), clip(None)]);
        assert_eq!((one[0].clips, one[0].bd_rate), (1, None));
        assert_eq!(over(&[]), []);
    }
}
