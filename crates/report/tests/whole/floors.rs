//! Memory floors as their search gives them.

use crate::fixtures::MIB;
use understudy_model::Role;
use understudy_model::floor::{FloorKind, FloorOutcome, FloorPoint, SideFloor};

/// Both sides: a collected heap that saves where it must, and one that needs what it takes.
pub(crate) fn both() -> Vec<SideFloor> {
    vec![
        side(Role::Incumbent, 96.0, 273.0),
        side(Role::Candidate, 21.0, 24.0),
    ]
}

/// With a third side that has none: it uses more the longer it runs.
pub(crate) fn all() -> Vec<SideFloor> {
    let mut leaks = side(Role::Tuned, 180.0, 437.0);
    leaks.kind = FloorKind::Leaks;
    leaks.high_bytes = None;
    leaks.low_bytes = None;
    leaks.because =
        Some("its memory grew by 1.2 MiB a second for 30 s and did not get flatter".to_owned());
    let mut all = both();
    all.push(leaks);
    all
}

/// Limits in the order of a descent by 30 % and a bisection, around a floor in MiB.
fn side(side: Role, floor: f64, peak: f64) -> SideFloor {
    let mut limits = vec![peak * 1.05];
    while limits[limits.len() - 1] > floor {
        limits.push(limits[limits.len() - 1] * 0.7);
    }
    limits.extend([floor * 0.95, floor]);
    limits.sort_by(f64::total_cmp);
    let held = |limit: f64| limit >= floor;
    let mut curve: Vec<FloorPoint> = limits
        .iter()
        .flat_map(|limit| (0..if held(*limit) { 3 } else { 1 }).map(move |turn| (*limit, turn)))
        .map(|(limit, turn)| point(Some(limit), (floor, peak), turn, held(limit)))
        .collect();
    curve.push(FloorPoint {
        soak: true,
        ..point(Some(floor * 1.1), (floor, peak), 1, true)
    });
    curve.sort_by(|a, b| a.limit_bytes.unwrap().total_cmp(&b.limit_bytes.unwrap()));
    curve.push(point(None, (floor, peak), 0, true));
    SideFloor {
        side,
        kind: FloorKind::Between,
        high_bytes: Some(floor * MIB),
        low_bytes: Some(floor * 0.95 * MIB),
        because: None,
        rate_rps: 4000.0,
        repeats: 3,
        objectives: vec!["p99 of all requests at most 2ms".to_owned()],
        verified_bytes: Some(floor * 1.1 * MIB),
        verified_s: Some(30.0),
        growth_bytes_per_s: Some(0.0),
        peak_rss_bytes: Some(peak * MIB),
        peak_cgroup_bytes: Some(peak * 1.04 * MIB),
        runs: None,
        curve,
    }
}

fn point(limit: Option<f64>, (floor, peak): (f64, f64), turn: u32, held: bool) -> FloorPoint {
    let tight = floor / limit.unwrap_or(peak * 2.0);
    let killed = !held && tight > 1.3;
    FloorPoint {
        limit_bytes: limit.map(|mib| mib * MIB),
        soak: false,
        outcome: match (held, killed) {
            (true, _) => FloorOutcome::Held,
            (false, true) => FloorOutcome::Killed,
            (false, false) => FloorOutcome::Missed,
        },
        because: (!held).then(|| "p99 was above the bound".to_owned()),
        wall_us: None,
        p99_us: (!killed).then(|| 900.0 + 900.0 * tight.powi(6) + 40.0 * f64::from(turn)),
        cpu: (!killed).then(|| 0.3 + 0.35 * tight.powi(4)),
        peak_rss_bytes: Some(limit.map_or(peak, |limit| limit.min(peak) * 0.97) * MIB),
    }
}
