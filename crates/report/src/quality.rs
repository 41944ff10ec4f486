//! What encoders need for the same quality, in sentences.

use understudy_model::quality::{ClipQuality, OverClips};

/// A change of the rate: `+23.1 %`.
pub(crate) fn rate(share: f64) -> String {
    format!("{:+.1} %", share * 100.0)
}

/// `+23.1 % bits for the same PSNR (at most +5.0 % allowed)`, or why that is not known.
pub(crate) fn sentence(clip: &ClipQuality) -> String {
    let metric = clip.metric.in_words();
    let Some(found) = clip.bd_rate else {
        let why = clip.why.as_deref().unwrap_or("it was not measured");
        return format!("not compared: {why}");
    };
    let itself = match clip.bd_rate_of_itself {
        Some(rate_of_itself) if rate_of_itself != 0.0 => {
            format!("; the incumbent against itself: {}", rate(rate_of_itself))
        }
        _ => String::new(),
    };
    format!(
        "{} bits for the same {metric} (at most {} allowed){itself}",
        rate(found),
        rate(clip.margin)
    )
}

/// All clips on one line: `bikes +23.1 %, bunny -3.0 % for the same PSNR`.
pub(crate) fn short(clips: &[ClipQuality]) -> Option<String> {
    let first = clips.first()?;
    let one = |clip: &ClipQuality| match clip.bd_rate {
        Some(found) => format!("{} {}", clip.clip, rate(found)),
        None => format!("{} not compared", clip.clip),
    };
    let all: Vec<String> = clips.iter().map(one).collect();
    Some(format!(
        "{} for the same {} (BD-rate)",
        all.join(", "),
        first.metric.in_words()
    ))
}

/// The mean of the clips with its interval, or that one clip has none; nothing where no clip was compared.
pub(crate) fn over_clips(of: &OverClips) -> Option<String> {
    let metric = of.metric.in_words();
    match (of.clips, of.bd_rate) {
        (0, _) => None,
        (1, _) => Some("one clip, so there is no interval over clips".to_owned()),
        (clips, Some(found)) => {
            let shown = |end: Option<f64>| end.map_or("-".to_owned(), rate);
            Some(format!(
                "mean of {clips} clips {} bits for the same {metric} (95 % interval over clips like these: {} to {})",
                shown(found.estimate),
                shown(found.low),
                shown(found.high)
            ))
        }
        (clips, None) => Some(format!("{clips} clips without an interval")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_model::quality::Metric;
    use understudy_model::verdict::Estimate;

    #[test]
    fn several_clips_have_an_interval_and_one_says_that_it_has_none() {
        let of = |clips: u32, rates: Option<[f64; 3]>| OverClips {
            output: "file:out.ivf".to_owned(),
            metric: Metric::Psnr,
            clips,
            bd_rate: rates.map(|[low, estimate, high]| Estimate {
                estimate: Some(estimate),
                low: Some(low),
                high: Some(high),
            }),
        };
        assert_eq!(
            over_clips(&of(6, Some([-0.181, -0.12, 0.004]))).unwrap(),
            "mean of 6 clips -12.0 % bits for the same PSNR (95 % interval over clips like these: -18.1 % to +0.4 %)"
        );
        let one = over_clips(&of(1, None)).unwrap();
        assert_eq!(one, "one clip, so there is no interval over clips");
        assert_eq!(over_clips(&of(0, None)), None);
    }

    #[test]
    fn a_clip_is_one_sentence() {
        let clip = ClipQuality {
            clip: "bikes".to_owned(),
            output: "file:out.ivf".to_owned(),
            metric: Metric::Psnr,
            margin: 0.05,
            bd_rate: Some(0.231),
            bd_rate_of_itself: Some(0.0),
            why: None,
            incumbent: Vec::new(),
            contender: Vec::new(),
        };
        let said = "+23.1 % bits for the same PSNR (at most +5.0 % allowed)";
        assert_eq!(sentence(&clip), said);
        let noisy = ClipQuality {
            bd_rate_of_itself: Some(-0.01),
            ..clip.clone()
        };
        assert!(sentence(&noisy).ends_with("; the incumbent against itself: -1.0 %"));
        let open = ClipQuality {
            clip: "bunny".to_owned(),
            bd_rate: None,
            why: Some("the curves have no quality in common".to_owned()),
            ..clip.clone()
        };
        assert_eq!(
            sentence(&open),
            "not compared: the curves have no quality in common"
        );
        assert_eq!(
            short(&[clip, open]).unwrap(),
            "bikes +23.1 %, bunny not compared for the same PSNR (BD-rate)"
        );
        assert_eq!(short(&[]), None);
    }
}
