//! A memory floor as text.

use crate::figures::{memory, rate};
use understudy_model::floor::{FloorKind, SideFloor};

/// The memory floor in one sentence, without the side it belongs to.
pub(crate) fn sentence(floor: &SideFloor) -> String {
    let bytes = |bytes: Option<f64>| bytes.map_or_else(|| "?".to_owned(), memory);
    let why = floor.because.as_deref().unwrap_or("nothing was measured");
    let verified = || {
        format!(
            "at {}, verified at {} for {:.0} s",
            rate(floor.rate_rps),
            bytes(floor.verified_bytes),
            floor.verified_s.unwrap_or(0.0),
        )
    };
    let found = match floor.kind {
        FloorKind::Between => format!(
            "{} ({} did not hold) {}",
            bytes(floor.high_bytes),
            bytes(floor.low_bytes),
            verified(),
        ),
        FloorKind::AtMost => format!(
            "at most {}, the lowest limit tried, {}",
            bytes(floor.high_bytes),
            verified(),
        ),
        FloorKind::Leaks => format!("none: {why}"),
        FloorKind::NotVerified => {
            format!("not known, above {}: {why}", bytes(floor.high_bytes))
        }
        FloorKind::Unknown => format!("not known: {why}"),
    };
    match floor.peak_rss_bytes {
        Some(peak) => format!(
            "{found}; its peak RSS without a tighter limit was {}, which is what it takes when nothing makes it save",
            memory(peak)
        ),
        None => found,
    }
}
