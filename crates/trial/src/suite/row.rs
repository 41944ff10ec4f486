//! What of a verdict is in the row of a suite.

use understudy_model::Role;
use understudy_model::suite::{RowChange, SuiteRow};
use understudy_model::verdict::{Comparison, Figure, Primary, Resource, VerdictDocument};

/// Peak memory, the fairest figure first.
const MEMORY: [Resource; 3] = [
    Resource::PeakPssBytes,
    Resource::PeakRssBytes,
    Resource::PeakCgroupBytes,
];

/// The row of a pair whose trial was judged; name and directory are those of `blank`. A figure that a gate refused has
/// no ratio in the verdict, and none here.
pub(super) fn of(document: &VerdictDocument, blank: SuiteRow) -> SuiteRow {
    let mut comparisons = document.comparisons.iter();
    let comparison = comparisons.find(|of| of.contender == Role::Candidate);
    let equivalence = comparison.map(|of| &of.equivalence);
    let primary = document.primary.as_ref();
    SuiteRow {
        verdict: Some(document.verdict.into()),
        because: document.because.first().cloned(),
        time: comparison.and_then(|of| time(of, primary)),
        cpu: comparison.and_then(|of| resource(of, &[Resource::CpuUsPerRequest])),
        memory: comparison.and_then(|of| resource(of, &MEMORY)),
        cases: document.method.requests,
        compared: equivalence.map_or(0, |of| of.compared),
        different: equivalence.map_or(0, |of| of.different),
        ..blank
    }
}

/// Wall time where it is measured, else the latency that was declared before the run.
fn time(comparison: &Comparison, primary: Option<&Primary>) -> Option<RowChange> {
    resource(comparison, &[Resource::WallUsPerRun]).or_else(|| {
        let primary = primary?;
        let mut lines = comparison.latency.iter();
        let line = lines.find(|line| {
            line.operation == primary.operation
                && line.quantile == primary.quantile
                && line.rate_rps == primary.rate_rps
        })?;
        Some(RowChange {
            about: line.about(),
            ratio: line.ratio.filter(|_| line.judged)?,
        })
    })
}

/// The first of these that was measured, at the highest rate.
fn resource(comparison: &Comparison, wanted: &[Resource]) -> Option<RowChange> {
    wanted.iter().find_map(|wanted| {
        let mut lines = comparison.resources.iter();
        let line = lines.rfind(|line| line.resource == *wanted && line.ratio.is_some())?;
        Some(RowChange {
            about: Figure::Resource(*wanted),
            ratio: line.ratio?,
        })
    })
}
