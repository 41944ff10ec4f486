//! What encoders need for the same quality, in sentences.

use understudy_model::quality::ClipQuality;

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

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_model::quality::Metric;

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
