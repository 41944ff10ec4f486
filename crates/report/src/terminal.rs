//! The verdict in about 25 lines of text.

use crate::figures::{change, count, memory, quantile, rate, share, time};
use std::fmt::Write;
use understudy_model::Side;
use understudy_model::verdict::{
    Cluster, Comparison, Equivalence, Estimate, Held, LatencyComparison, Resource,
    ResourceComparison, Verdict, VerdictDocument,
};

/// How the text is dressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Colours, for a terminal that has them.
    pub colour: bool,
}

/// Differences and reasons shown; the document has all.
const CLUSTERS: usize = 3;
const REASONS: usize = 4;
const NOISE: usize = 3;

/// The verdict, its reasons, and the figures behind them.
pub fn summary(document: &VerdictDocument, style: Style) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = write_summary(&mut out, document, style);
    out
}

fn write_summary(out: &mut String, document: &VerdictDocument, style: Style) -> std::fmt::Result {
    writeln!(
        out,
        "{}  {}",
        headline(document.verdict, style),
        document.name
    )?;
    for reason in document.because.iter().take(REASONS) {
        writeln!(out, "  because {}", reason.text)?;
    }
    rest(out, document.because.len(), REASONS, "reasons")?;
    for comparison in &document.comparisons {
        write_comparison(out, document, comparison)?;
    }
    write_objectives(out, document)?;
    write_gates(out, document)?;
    for limit in &document.limits_of_this_result {
        writeln!(out, "limit         {limit}")?;
    }
    Ok(())
}

fn headline(verdict: Verdict, style: Style) -> String {
    let word = verdict.name().to_uppercase().replace('_', " ");
    if !style.colour {
        return word;
    }
    let code = match verdict {
        Verdict::Replace | Verdict::NoWorse => "1;32",
        Verdict::Keep => "1;34",
        Verdict::Inconclusive => "1;33",
        Verdict::NotEquivalent | Verdict::Invalid | Verdict::Worse => "1;31",
    };
    format!("\u{1b}[{code}m{word}\u{1b}[0m")
}

fn rest(out: &mut String, all: usize, shown: usize, what: &str) -> std::fmt::Result {
    match all.checked_sub(shown) {
        Some(more) if more > 0 => writeln!(out, "  and {more} more {what} in verdict.json"),
        _ => Ok(()),
    }
}

fn write_comparison(
    out: &mut String,
    document: &VerdictDocument,
    comparison: &Comparison,
) -> std::fmt::Result {
    write_equivalence(out, &comparison.equivalence)?;
    if let Some(under_load) = &comparison.under_load {
        writeln!(
            out,
            "under load    {} of {} answers agree with the incumbent's, {} deviate, {} not inspected",
            count(under_load.agreeing),
            count(under_load.answered),
            count(under_load.deviating),
            count(under_load.not_inspected),
        )?;
    }
    let mut rates: Vec<f64> = comparison.latency.iter().map(|l| l.rate_rps).collect();
    rates.dedup();
    for rate_rps in rates {
        writeln!(
            out,
            "\n{:<22}{:>12}{:>12}   change (95 % interval)",
            format!("at {}", rate(rate_rps)),
            comparison.baseline.name(),
            comparison.contender.name(),
        )?;
        for line in comparison.latency.iter().filter(|l| l.rate_rps == rate_rps) {
            write_latency(out, document, line)?;
        }
        for line in comparison
            .resources
            .iter()
            .filter(|r| r.rate_rps == rate_rps)
        {
            write_resource(out, line)?;
        }
    }
    Ok(())
}

fn write_equivalence(out: &mut String, e: &Equivalence) -> std::fmt::Result {
    writeln!(
        out,
        "\nequivalence   {} compared: {} equal, {} different, {} excused; {} lost",
        count(e.compared),
        count(e.equal),
        count(e.different),
        count(e.excused),
        count(e.lost),
    )?;
    writeln!(
        out,
        "              at most {} of requests like these differ (upper 95 % bound)",
        share(e.mismatch_upper_95),
    )?;
    for noise in e.noise.iter().take(NOISE) {
        writeln!(
            out,
            "  noise       {} at {} of {} ({} pairs of the incumbent with itself)",
            noise.kind,
            noise.path,
            noise.endpoint,
            count(noise.pairs),
        )?;
    }
    rest(out, e.noise.len(), NOISE, "noisy places")?;
    for cluster in e.clusters.iter().take(CLUSTERS) {
        write_cluster(out, cluster)?;
    }
    rest(out, e.clusters.len(), CLUSTERS, "differences")
}

fn write_cluster(out: &mut String, cluster: &Cluster) -> std::fmt::Result {
    let again = cluster.reproduced.map_or_else(String::new, |r| {
        format!("; reproduced {} of {}", r.times, r.of)
    });
    writeln!(
        out,
        "  DIFFERENT   {} at {} of {}: {} of {}{again}",
        cluster.kind,
        cluster.path,
        cluster.endpoint,
        count(cluster.count),
        count(cluster.of),
    )?;
    if let Some(example) = cluster.examples.first() {
        let shown = |value: &str| {
            if value.is_empty() {
                "absent".to_owned()
            } else {
                value.to_owned()
            }
        };
        writeln!(out, "              incumbent {}", shown(&example.baseline))?;
        writeln!(out, "              candidate {}", shown(&example.contender))?;
    }
    if !cluster.reproduce.is_empty() {
        writeln!(out, "              {}", cluster.reproduce)?;
    }
    Ok(())
}

fn write_latency(
    out: &mut String,
    document: &VerdictDocument,
    line: &LatencyComparison,
) -> std::fmt::Result {
    let endpoint = if line.endpoint == "*" {
        "latency".to_owned()
    } else {
        line.endpoint.clone()
    };
    let is_primary = document.primary.as_ref().is_some_and(|p| {
        p.endpoint == line.endpoint && p.quantile == line.quantile && p.rate_rps == line.rate_rps
    });
    let label = format!("  {endpoint} {}", quantile(line.quantile));
    if !line.judged {
        let why = line
            .not_judged_because
            .as_deref()
            .unwrap_or("too few samples");
        return writeln!(out, "{label:<22}not judged: {why}");
    }
    let mut note = String::new();
    if let (Some(ratio), Some(mde)) = (line.ratio, line.mde)
        && contains_one(ratio)
    {
        note = format!(
            "; no difference seen, {} would have been",
            change(1.0 + mde)
        );
    }
    let side = |estimate: Option<Estimate>| {
        estimate.map_or("-".to_owned(), |e| or_infinite(e.estimate, time))
    };
    writeln!(
        out,
        "{label:<22}{:>12}{:>12}   {}{note}{}",
        side(line.baseline_us),
        side(line.contender_us),
        ratio_text(line.ratio),
        if is_primary { "  <- primary" } else { "" },
    )
}

fn contains_one(ratio: Estimate) -> bool {
    ratio.low.is_some_and(|low| low <= 1.0) && ratio.high.is_some_and(|high| high >= 1.0)
}

fn or_infinite(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| "infinite".to_owned(), show)
}

fn ratio_text(ratio: Option<Estimate>) -> String {
    let Some(ratio) = ratio else {
        return "no ratio".to_owned();
    };
    let end = |end: Option<f64>| or_infinite(end, change);
    format!(
        "{} ({} to {})",
        end(ratio.estimate),
        end(ratio.low),
        end(ratio.high)
    )
}

fn write_resource(out: &mut String, line: &ResourceComparison) -> std::fmt::Result {
    let label = format!("  {}", line.resource.label());
    if line.unmeasured.is_some() {
        // The cgroup's figure is an extra; the others say why they are missing.
        if line.resource == Resource::CpuUsPerRequest {
            let why = line.unmeasured.as_deref().unwrap_or_default();
            return writeln!(out, "{:<22}unmeasured: {why}", "  resources");
        }
        return Ok(());
    }
    let show = |estimate: Option<Estimate>| {
        let value = estimate.and_then(|e| e.estimate);
        value.map_or_else(
            || "-".to_owned(),
            |v| {
                if line.resource == Resource::CpuUsPerRequest {
                    time(v)
                } else {
                    memory(v)
                }
            },
        )
    };
    writeln!(
        out,
        "{label:<22}{:>12}{:>12}   {}",
        show(line.baseline),
        show(line.contender),
        ratio_text(line.ratio),
    )
}

fn write_objectives(out: &mut String, document: &VerdictDocument) -> std::fmt::Result {
    if !document.slo.is_empty() || !document.goals.is_empty() {
        writeln!(out)?;
    }
    let word = |held: Held| match held {
        Held::Holds => "holds",
        Held::Misses => "MISSES",
        Held::Undecided => "undecided",
        Held::NotJudged => "not judged",
    };
    for incumbent in document
        .slo
        .iter()
        .filter(|slo| slo.side == Side::Incumbent)
    {
        let candidate = document.slo.iter().find(|slo| {
            slo.side == Side::Candidate
                && slo.slo == incumbent.slo
                && slo.rate_rps == incumbent.rate_rps
        });
        writeln!(
            out,
            "objective     {} at {}: incumbent {}, candidate {}",
            incumbent.slo,
            rate(incumbent.rate_rps),
            word(incumbent.held),
            candidate.map_or("-", |slo| word(slo.held)),
        )?;
    }
    for goal in &document.goals {
        let held = match goal.held {
            Held::Holds => "reached",
            Held::Misses => "NOT REACHED",
            Held::Undecided => "undecided",
            Held::NotJudged => "not judged",
        };
        writeln!(
            out,
            "goal          {}: {held}, {}",
            goal.goal,
            ratio_text(goal.ratio)
        )?;
    }
    Ok(())
}

fn write_gates(out: &mut String, document: &VerdictDocument) -> std::fmt::Result {
    let failed = document.gates.iter().any(|gate| !gate.passed);
    if let Some(aa) = document.aa.iter().find(|aa| {
        document
            .primary
            .as_ref()
            .is_some_and(|p| p.quantile == aa.quantile && p.rate_rps == aa.rate_rps)
    }) && aa.ratio.is_some()
    {
        writeln!(
            out,
            "A/A           incumbent against itself, {} at {}: {}",
            quantile(aa.quantile),
            rate(aa.rate_rps),
            ratio_text(aa.ratio)
        )?;
    }
    // Gates that failed are the reasons of the verdict.
    if !document.gates.is_empty() && !failed {
        writeln!(out, "gates         all {} held", document.gates.len())?;
    }
    Ok(())
}
