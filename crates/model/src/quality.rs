//! How good what encoders write is, and how many bits it takes.

use crate::Role;
use crate::verdict::Estimate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How pictures are compared with those that were encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    /// Peak signal-to-noise ratio of luma, decibels.
    Psnr,
    /// Structural similarity of luma, as decibels.
    Ssim,
    /// VMAF, points up to 100.
    Vmaf,
}

impl Metric {
    /// Every metric.
    pub const ALL: [Metric; 3] = [Metric::Psnr, Metric::Ssim, Metric::Vmaf];

    /// The name used in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Metric::Psnr => "psnr",
            Metric::Ssim => "ssim",
            Metric::Vmaf => "vmaf",
        }
    }

    /// The name for people.
    pub fn in_words(self) -> &'static str {
        match self {
            Metric::Psnr => "PSNR",
            Metric::Ssim => "SSIM",
            Metric::Vmaf => "VMAF",
        }
    }

    /// Its unit.
    pub fn unit(self) -> &'static str {
        match self {
            Metric::Psnr | Metric::Ssim => "dB",
            Metric::Vmaf => "points",
        }
    }
}

/// The quality of one output of one run: a line of `quality.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QualityPoint {
    /// Index of the case.
    pub case: u32,
    /// The clip that the case encodes.
    pub clip: String,
    /// The output, such as `file:out.ivf`.
    pub output: String,
    /// Whose it is.
    pub side: Role,
    /// How the quality was measured.
    pub metric: Metric,
    /// By how much a candidate may need more bits: a share.
    pub margin: f64,
    /// Its size.
    pub bytes: u64,
    /// The quality; `None` where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<f64>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// A point of a curve: so many bytes for this quality.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RatePoint {
    /// Size of the output, bytes.
    pub bytes: u64,
    /// Its quality: decibels, or points of VMAF.
    pub quality: f64,
}

/// The bits that two encoders need for the same quality, of one clip.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClipQuality {
    /// The clip.
    pub clip: String,
    /// The output that was compared, such as `file:out.ivf`.
    pub output: String,
    /// How quality is measured.
    pub metric: Metric,
    /// By how much the contender may need more bits: a share.
    pub margin: f64,
    /// Bjontegaard delta rate: by which share the contender needs more bits (below 0: fewer) for the same quality;
    /// null where the curves cannot be compared.
    pub bd_rate: Option<f64>,
    /// The same of the incumbent against its second run; null where that is not known.
    pub bd_rate_of_itself: Option<f64>,
    /// Why there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The incumbent's curve, by ascending quality.
    pub incumbent: Vec<RatePoint>,
    /// The contender's curve.
    pub contender: Vec<RatePoint>,
}

/// The bits that two encoders need for the same quality, of all clips of an output. No verdict rests on it: each clip is
/// judged by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OverClips {
    /// The output, such as `file:out.ivf`.
    pub output: String,
    /// How quality is measured.
    pub metric: Metric,
    /// Clips that have a BD-rate.
    pub clips: u32,
    /// The mean of their BD-rates with its 95 % interval over clips like these, both as shares; null where there are fewer
    /// than two.
    pub bd_rate: Option<Estimate>,
}
