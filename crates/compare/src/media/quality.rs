//! How good frames are compared with those of a reference: the last line of a filter of ffmpeg.

use understudy_model::quality::Metric;

/// The graph that compares the first input with the second, frame by number.
pub fn graph(metric: Metric) -> String {
    let filter = match metric {
        Metric::Psnr => "psnr",
        Metric::Ssim => "ssim",
        Metric::Vmaf => "libvmaf=n_threads=1",
    };
    // Files round times differently: only their order says which frames belong together.
    format!("[0:v:0]settb=AVTB,setpts=N[d];[1:v:0]settb=AVTB,setpts=N[r];[d][r]{filter}")
}

/// The name of the filter that a metric needs.
pub fn filter(metric: Metric) -> &'static str {
    match metric {
        Metric::Psnr => "psnr",
        Metric::Ssim => "ssim",
        Metric::Vmaf => "libvmaf",
    }
}

/// Is this filter in what `ffmpeg -filters` prints?
pub fn has_filter(listed: &str, name: &str) -> bool {
    // ` TS  psnr   VV->V  Calculate the PSNR between two video streams.`
    listed
        .lines()
        .any(|line| line.split_whitespace().nth(1) == Some(name))
}

/// The quality that the log of such a graph reports: decibels of luma, or points of VMAF. SSIM becomes decibels.
///
/// # Errors
/// The log reports none, or one without an end.
pub fn read(metric: Metric, log: &str) -> Result<f64, String> {
    let (begin, keys): (&str, &[&str]) = match metric {
        // A picture without luma (RGB) has the mean of its planes.
        Metric::Psnr => ("PSNR ", &["y:", "average:"]),
        Metric::Ssim => ("SSIM ", &["Y:", "All:"]),
        Metric::Vmaf => ("VMAF score: ", &[""]),
    };
    let line = log.lines().rev().find_map(|line| {
        let (before, rest) = line.split_once(begin)?;
        // Its own context and level come before it, and nothing else.
        before.trim_end().ends_with(']').then_some(rest)
    });
    let missing = || format!("ffmpeg reports no {}", metric.in_words());
    let line = line.ok_or_else(missing)?;
    let mut words = keys.iter().filter_map(|key| {
        line.split_whitespace()
            .find_map(|word| word.strip_prefix(key))
    });
    let word = words.next().ok_or_else(missing)?;
    let value = word.parse::<f64>().map_err(|_| missing())?;
    let value = match metric {
        Metric::Ssim => -10.0 * (1.0 - value).log10(),
        Metric::Psnr | Metric::Vmaf => value,
    };
    match value.is_finite() {
        true => Ok(value),
        false => Err("it is equal to the reference, so it is not a point of a curve".to_owned()),
    }
}
