//! `understudy plan`: what a trial will take and what it can show.

use super::trial::{Asked, check};
use crate::config::{Flags, SideArgument};
use crate::exit::{self, Failure};
use crate::show;
use anyhow::Context;
use clap::Args;
use std::fmt::Write;
use understudy_judge::plan::{ASSUMED_VARIATION, Plan, RatePlan};
use understudy_judge::search::floor::ASSUMED_RUNS;
use understudy_judge::terms::Level;
use understudy_model::Span;
use understudy_report::figures::{change, count, quantile, rate};
use understudy_trial::config::Kind;

/// Says how long a trial takes and the smallest effect it will see; nothing is started.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    flags: Flags,
    /// Replace a side of the file, as in `understudy trial` (repeatable)
    #[arg(long = "side", value_name = "SIDE=git:REF|COMMAND|URL")]
    sides: Vec<SideArgument>,
    /// As in `understudy trial`
    #[arg(long)]
    edges: bool,
}

/// Carries out the command.
pub(crate) fn plan(args: &PlanArgs) -> Result<u8, Failure> {
    let mut checked = check(&Asked {
        flags: &args.flags,
        sides: &args.sides,
        level: None,
        without: &[],
        edges: args.edges,
    })?;
    let requests = checked.cases.len();
    let mut out = format!(
        "{}: {} {}{}\n",
        checked.config.name,
        count(requests as u64),
        match checked.config.workload.kind() {
            Kind::Http => "request",
            Kind::Command => "case",
        },
        if requests == 1 { "" } else { "s" },
    );
    for level in Level::ALL {
        checked.config.level = level;
        // Writing to a string cannot fail.
        let _ = describe(
            &mut out,
            &Plan::new(&checked.config.terms()),
            level,
            requests,
        );
    }
    let _ = writeln!(
        out,
        "\nSmallest effects hold for blocks that vary by {:.0} %, an assumption; a run measures its own\nand prints it with every \"no significant difference\". Builds come on top of the times.",
        ASSUMED_VARIATION * 100.0,
    );
    show::print(&out).context("cannot write the plan")?;
    Ok(exit::DONE)
}

fn describe(out: &mut String, plan: &Plan, level: Level, requests: usize) -> std::fmt::Result {
    let length = |plan: &Plan| match plan.seconds(requests) {
        s if s < 120.0 => format!("{s:.0} s"),
        s => format!("{:.0} min", s / 60.0),
    };
    let first = plan.until(0);
    write!(out, "\n{:<10}about {}", level.name(), length(&first))?;
    match plan.looks.len() {
        1 => writeln!(out)?,
        // The time is what is planned, whatever the number of looks.
        looks if length(&first) == length(plan) => {
            writeln!(out, ", {looks} looks at the evidence")?
        }
        looks => writeln!(
            out,
            ", up to {} while it is undecided ({looks} looks at the evidence)",
            length(plan)
        )?,
    }
    match plan.primary.resource {
        Some(_) => runs(out, plan)?,
        None => rates(out, plan)?,
    }
    writeln!(
        out,
        "  up to {} measurements are made again where something else disturbs them",
        first.repeats()
    )?;
    let primary = &plan.primary;
    if let Some(resource) = primary.resource {
        let effect = |plan: &Plan| plan.smallest_effect(ASSUMED_VARIATION);
        return match effect(&first).zip(effect(plan)) {
            Some((first, last)) => writeln!(
                out,
                "  smallest effect on {}: about {} at the first look, {} at the last",
                resource.label(),
                change(1.0 + first),
                change(1.0 + last)
            ),
            None => Ok(()),
        };
    }
    let name = format!(
        "{} at {}",
        quantile(primary.quantile),
        rate(primary.rate_rps)
    );
    match plan.smallest_effect(ASSUMED_VARIATION) {
        Some(effect) => writeln!(
            out,
            "  smallest effect on {name}: about {}",
            change(1.0 + effect)
        ),
        None => writeln!(
            out,
            "  {name} cannot be judged: a measurement has too few requests"
        ),
    }
}

/// What is measured at each rate.
fn rates(out: &mut String, plan: &Plan) -> std::fmt::Result {
    for (plan, most) in plan.until(0).rates.iter().zip(&plan.rates) {
        let pairs = match most.pairs() == plan.pairs() {
            true => format!("{}", plan.pairs()),
            false => format!("{} to {}", plan.pairs(), most.pairs()),
        };
        writeln!(
            out,
            "  at {:<12}{pairs} pairs, {} requests in each measurement of {:.1} s",
            rate(plan.rate_rps),
            count(plan.requests_per_block() as u64),
            plan.measured.secs(),
        )?;
    }
    Ok(())
}

/// What is measured of runs one after the other.
fn runs(out: &mut String, plan: &Plan) -> std::fmt::Result {
    let [first, last] = [0, plan.looks.len().saturating_sub(1)].map(|look| plan.until(look));
    let pairs = |plan: &Plan| plan.rates.iter().map(RatePlan::pairs).sum::<u32>();
    writeln!(
        out,
        "  one run after the other: {} pairs of measurements, and up to {} as far as the time reaches",
        count(pairs(&first).into()),
        count(pairs(&last).into()),
    )?;
    if plan.floor > Span::default() {
        writeln!(
            out,
            "  the memory floor: about {:.0} s for each side, counted as if the cases of a trial took {ASSUMED_RUNS}; \
             at most {} and the trial that runs then",
            plan.floor.secs(),
            plan.longest_floor,
        )?;
    }
    Ok(())
}
