//! For tests: exchanges on a virtual clock, and the configuration of a trial that has them.

use crate::terms::{Level, LimitsConfig, Question, SideTerms, Sizing, Slo, Terms};
use crate::{Evidence, judge};
use understudy_compare::{Row as Compared, Rules};
use understudy_model::Arrivals;
use understudy_model::stored::{BlockFigures, LatencyBlock, RequestFacts};
use understudy_model::stored::{Happenings, Row};
use understudy_model::verdict::VerdictDocument;
use understudy_model::{Pacing, Role, Span};

/// Nanoseconds of a time on the virtual clock.
pub(crate) fn ns(seconds: f64) -> u64 {
    (seconds * 1e9) as u64
}

/// A measurement of so many requests per second and seconds that nothing disturbed.
pub(crate) fn block(
    (side, number): (Role, u32),
    (rate_rps, measured_s): (f64, f64),
    rows: Vec<Row>,
) -> LatencyBlock {
    LatencyBlock {
        rate_rps,
        side,
        block: number,
        figures: BlockFigures {
            measured_s,
            due: rows.len() as u64,
            sent: rows.len() as u64,
            generator_busy_share: 0.2,
            run_queue_share: Some(0.001),
            ..BlockFigures::default()
        },
        rows,
        happened: Happenings::default(),
    }
}

/// What is measured of sides whose answers are the same.
pub(crate) fn evidence(blocks: Vec<LatencyBlock>) -> Evidence {
    Evidence {
        operations: vec!["GET /".to_owned()],
        requests: vec![RequestFacts::default(); 400],
        rows: vec![Compared::default(); 400],
        blocks,
        ..Evidence::default()
    }
}

/// The verdict of this evidence.
pub(crate) fn verdict(terms: &Terms, evidence: &Evidence) -> VerdictDocument {
    judge(terms, &Rules::default(), evidence).verdict
}

/// A trial of two running sides at these rates, with one objective of 20 ms at a quantile.
pub(crate) fn terms(level: Level, rates: &[f64], quantile: f64) -> Terms {
    let side = |side| SideTerms {
        side,
        runs: "http://127.0.0.1:1".to_owned(),
        is_launched: false,
    };
    Terms {
        name: "simulated".to_owned(),
        level,
        seed: 1,
        sides: [Role::Incumbent, Role::Candidate].map(side).into(),
        pacing: Pacing::Offered,
        rates: rates.to_vec(),
        arrivals: Arrivals::Poisson,
        connections: 64,
        fresh: None,
        warmup: None,
        slos: vec![Slo::Latency {
            operation: "*".to_owned(),
            quantile,
            max: Span::from_millis(20),
        }],
        goals: Vec::new(),
        question: Question::Replace,
        limits: LimitsConfig::default(),
        sizing: Sizing::default(),
        capacity: None,
        memory_floor: None,
        edges: None,
        case: None,
    }
}
