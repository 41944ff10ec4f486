//! Curves and series of two noisy sides.

use crate::fixtures::MIB;
use understudy_model::Role;
use understudy_model::series::{
    BlockSeries, CurvePoint, LatencyPoint, PercentileCurve, ResourcePoint, SeriesDocument,
};

/// Numbers that look like measurements, the same every time (Lehmer's generator, MINSTD).
struct Noisy(u64);

impl Noisy {
    /// Between 0 and 1.
    fn uniform(&mut self) -> f64 {
        self.0 = self.0 * 48_271 % 2_147_483_647;
        self.0 as f64 / 2_147_483_647.0
    }

    /// About 1, always above 0, now and then far above.
    fn factor(&mut self, spread: f64) -> f64 {
        let bell: f64 = (0..6).map(|_| self.uniform()).sum::<f64>() - 3.0;
        let burst = if self.uniform() > 0.985 { 2.5 } else { 0.0 };
        (spread * bell + burst * spread).exp()
    }
}

/// A trial's length.
#[derive(Clone, Copy)]
pub(crate) struct Length {
    pub(crate) rates: usize,
    pub(crate) pairs: u32,
    pub(crate) windows: usize,
    pub(crate) samples: usize,
}

/// What `--default` measures.
pub(crate) const DEFAULT: Length = Length {
    rates: 2,
    pairs: 10,
    windows: 32,
    samples: 16,
};

/// Curves and series of two noisy sides, the candidate at this part of the incumbent.
pub(crate) fn series(tail: f64, cpu: f64, length: Length) -> SeriesDocument {
    of_sides(&[Role::Incumbent, Role::Candidate], (tail, cpu), length)
}

/// Likewise of these sides; the tuned one is between the other two.
fn of_sides(sides: &[Role], (tail, cpu): (f64, f64), length: Length) -> SeriesDocument {
    let part = |side: Role| match side {
        Role::Incumbent | Role::Second => (1.0, 1.0, 1.0),
        Role::Candidate => (tail, cpu, 0.42),
        Role::Tuned => (tail.sqrt(), 0.9, 1.6),
    };
    let mut noisy = Noisy(20_261_122);
    let mut series = SeriesDocument {
        schema: 1,
        ..SeriesDocument::default()
    };
    let mut started_s = 0.0;
    for index in 0..length.rates {
        // The last is 4,000/s, the others are below it.
        let rate_rps = 4000.0 / 4_f64.powi((length.rates - 1 - index) as i32);
        for side in sides.iter().copied() {
            series
                .curves
                .push(curve(rate_rps, side, part(side).0, length, &mut noisy));
        }
        for number in 0..length.pairs {
            let mut turns = sides.to_vec();
            if number % 2 == 1 {
                turns.reverse();
            }
            for side in turns {
                series.blocks.push(block(
                    (rate_rps, side, number),
                    started_s,
                    part(side),
                    length,
                    &mut noisy,
                ));
                started_s += 10.5;
            }
        }
    }
    series
}

fn curve(
    rate_rps: f64,
    side: Role,
    part: f64,
    length: Length,
    noisy: &mut Noisy,
) -> PercentileCurve {
    let requests = (rate_rps * 8.0) as u64 * u64::from(length.pairs);
    // Evenly spaced on the scale of nines, as far as ten requests lie beyond.
    let furthest = (requests as f64 / 10.0).log10();
    let steps = (furthest * 24.0) as u32;
    let even = (0..=steps).map(|k| 1.0 - 10_f64.powf(-f64::from(k) / 24.0));
    let mut quantiles: Vec<f64> = even.chain([0.5, 0.75]).collect();
    quantiles.sort_by(f64::total_cmp);
    quantiles.dedup();
    let alone = (rate_rps * 8.0 / 10.0).log10();
    let points = quantiles.into_iter().map(|quantile| {
        let nines = -(1.0 - quantile).log10();
        let us = 70.0
            * (1.0 + 0.8 * nines + 0.9 * nines.powi(3))
            * part.powf(0.3 + 0.5 * nines.min(2.0));
        let width = 0.05 + 0.12 * nines;
        let range =
            (nines < alone).then(|| (us / (1.0 + width), us * (1.0 + width * noisy.factor(0.1))));
        CurvePoint {
            quantile: (quantile * 1e9).round() / 1e9,
            latency_us: Some(us),
            lowest_us: range.map(|r| r.0),
            highest_us: range.map(|r| r.1),
        }
    });
    PercentileCurve {
        rate_rps,
        side,
        blocks: length.pairs,
        requests,
        unanswered: 0,
        points: points.collect(),
    }
}

fn block(
    (rate_rps, side, number): (f64, Role, u32),
    started_s: f64,
    (tail, cpu, memory): (f64, f64, f64),
    length: Length,
    noisy: &mut Noisy,
) -> BlockSeries {
    let measured_s = 8.0;
    let windows = (0..length.windows).map(|k| {
        let p50 = 105.0 * tail.powf(0.5) * noisy.factor(0.08);
        let p99 = 900.0 * tail * noisy.factor(0.35);
        LatencyPoint {
            at_s: (k as f64 + 0.5) * measured_s / length.windows as f64,
            requests: (rate_rps * measured_s / length.windows as f64) as u64,
            unanswered: 0,
            mean_us: None,
            p50_us: Some(p50),
            p99_us: Some(p99.max(p50)),
            max_us: Some(p99.max(p50) * (1.0 + 2.0 * noisy.uniform())),
            longest_pause_us: (side == Role::Incumbent && k % 3 == 0)
                .then_some(400.0 + (k % 5) as f64 * 40.0),
        }
    });
    let latency = windows.collect();
    let busy = rate_rps * 80.0e-6 * cpu;
    let samples = (0..length.samples).map(|k| ResourcePoint {
        at_s: (k as f64 + 0.5) * measured_s / length.samples as f64,
        cpu_user: Some(busy * 0.6 * noisy.factor(0.06)),
        cpu_system: Some(busy * 0.4 * noisy.factor(0.08)),
        rss_bytes: Some((240.0 + 30.0 * noisy.uniform()) * MIB * memory),
        pss_bytes: (k == length.samples - 1).then_some(250.0 * MIB * memory),
        working_set_bytes: Some((236.0 + 20.0 * noisy.uniform()) * MIB * memory),
        threads: Some(if side == Role::Candidate { 3.0 } else { 11.0 }),
        open_files: Some(88.0),
        voluntary_switches: Some(rate_rps * 0.8 * cpu * noisy.factor(0.1)),
        involuntary_switches: Some(20.0 * noisy.factor(0.4)),
        major_faults: Some(0.0),
        run_queue_wait: Some(0.004 * noisy.factor(0.5)),
        throttled: Some(0.0),
        cpu_pressure: Some(0.01 * noisy.factor(0.5)),
        ..ResourcePoint::default()
    });
    let resources = samples.collect();
    BlockSeries {
        rate_rps,
        side,
        block: number,
        started_s,
        measured_s,
        latency,
        resources,
    }
}

/// The series of a fixture of this length, where its trial has one.
pub(crate) fn series_of(name: &str, length: Length) -> Option<SeriesDocument> {
    let mut all = match name {
        "not_equivalent" => return None,
        "keep" => series(0.97, 0.9, length),
        "tuned" => of_sides(&Role::SIDES, (0.3, 0.49), length),
        "worse" => series(1.1, 1.22, length),
        "no_worse" => series(1.01, 1.004, Length { rates: 1, ..length }),
        _ => series(0.3, 0.49, length),
    };
    if name == "inconclusive" {
        all.blocks
            .iter_mut()
            .for_each(|block| block.resources.clear());
    }
    if name == "worse" {
        // The slowest were never answered.
        let last = all.curves.last_mut().unwrap();
        last.unanswered = 41;
        for point in last.points.iter_mut().filter(|p| p.quantile > 0.9995) {
            point.latency_us = None;
        }
    }
    Some(all)
}
