//! The case for people.

use std::fmt::{Result, Write};
use understudy_case::{ArmFigures, CaseDocument, Effect, Input, Swing, Three};
use understudy_report::figures::count;

/// Swings that are shown; the JSON has all.
const MOST_SHOWN: usize = 5;

/// The decision and the figures behind it.
pub(super) fn short(document: &CaseDocument) -> String {
    let mut out = String::new();
    // Writing to a string cannot fail.
    let _ = decision(&mut out, document).and_then(|()| figures(&mut out, document));
    out
}

fn decision(out: &mut String, of: &CaseDocument) -> Result {
    writeln!(out, "{}  {}", of.verdict.name().to_uppercase(), of.name)?;
    for reason in &of.because {
        writeln!(out, "  because {}", reason.text)?;
    }
    for next in &of.next {
        writeln!(out, "  next: {next}")?;
    }
    writeln!(out)
}

fn figures(out: &mut String, of: &CaseDocument) -> Result {
    writeln!(
        out,
        "{:<14}{:>14}{:>16}{:>16}{:>16}{:>16}  paid back",
        of.currency, "instances", "cost a year", "saves a year", "costs once", "NPV"
    )?;
    for arm in &of.arms {
        row(out, arm)?;
    }
    let npv = of.arms.last().map(|arm| arm.npv);
    if let Some(Three { p10, p90, .. }) = npv {
        let (low, high) = (money(p10), money(p90));
        let (p, needed) = (percent(of.p_npv_positive), percent(of.threshold));
        writeln!(
            out,
            "\nprobability   {p} that the candidate's NPV is above 0 ({needed} needed); P10 to P90: {low} to {high}"
        )?;
        let better = percent(of.p_beats_tuning);
        writeln!(
            out,
            "              {better} that it is worth more than tuning in place"
        )?;
    }
    break_even(out, of)?;
    for (index, swing) in of.tornado.iter().take(MOST_SHOWN).enumerate() {
        let word = if index == 0 { "turns on" } else { "" };
        writeln!(out, "{word:<14}{}", swung(swing))?;
    }
    if let Some(flip) = &of.flip {
        writeln!(out, "flips with    {}", flip.text)?;
    }
    for check in of
        .checks
        .iter()
        .filter(|check| check.effect != Effect::None)
    {
        writeln!(out, "fit           {}", check.text)?;
    }
    let defaults = of.defaults;
    let share = defaults
        .share_of_uncertainty
        .map_or(String::new(), |share| {
            format!("; {} of the uncertainty is theirs", percent(share))
        });
    writeln!(
        out,
        "defaults      {} of {} figures{share} (--explain shows each with its source)",
        defaults.figures, defaults.of
    )
}

fn row(out: &mut String, arm: &ArmFigures) -> Result {
    let paid = match arm.payback_months {
        Some(months) => format!("after {months} months"),
        None => "-".to_owned(),
    };
    writeln!(
        out,
        "{:<14}{:>14}{:>16}{:>16}{:>16}{:>16}  {paid}",
        arm.arm.name(),
        money(arm.instances.p50),
        money(arm.yearly_cost.p50),
        money(arm.yearly_saving.p50),
        money(arm.one_off.p50),
        money(arm.npv.p50),
    )
}

fn break_even(out: &mut String, of: &CaseDocument) -> Result {
    let even = of.break_even;
    let Some(instances) = even.instances else {
        return writeln!(out, "break-even    at no fleet size");
    };
    let today = money(even.today.ceil());
    write!(
        out,
        "break-even    {} instances of the incumbent ({today} today)",
        money(instances.ceil())
    )?;
    if let Some(spend) = even.yearly_spend {
        write!(out, ", {} {} a year", money(spend), of.currency)?;
    }
    if let Some(demand) = even.demand_rps {
        write!(out, ", {}/s at the peak", money(demand))?;
    }
    writeln!(out)
}

fn swung(swing: &Swing) -> String {
    format!(
        "{:<24}NPV {} to {} ({})",
        swing.input,
        money(swing.npv_at_p10.min(swing.npv_at_p90)),
        money(swing.npv_at_p10.max(swing.npv_at_p90)),
        swing.source
    )
}

/// Every figure and every result, with formula and source.
pub(super) fn explained(document: &CaseDocument) -> String {
    let mut out = String::new();
    let _ = explain(&mut out, document);
    out
}

fn explain(out: &mut String, of: &CaseDocument) -> Result {
    writeln!(
        out,
        "\nResults with every figure at its median (formulas: docs/case.md)"
    )?;
    for line in &of.lines {
        writeln!(out, "\n{}: {} {}", line.name, exact(line.value), line.unit)?;
        writeln!(out, "  = {}", line.formula)?;
        for input in &line.inputs {
            writeln!(out, "    {input}")?;
        }
    }
    writeln!(out, "\nFigures")?;
    for figure in &of.assumptions {
        let shown = |number: f64| shown(&figure.input, number, &of.currency);
        let range = match figure.low == figure.high {
            true => shown(figure.median),
            false => format!(
                "{} ({} to {}, {})",
                shown(figure.median),
                shown(figure.low),
                shown(figure.high),
                figure.distribution
            ),
        };
        let (source, origin) = (&figure.source, &figure.origin);
        writeln!(out, "\n{}: {range}", figure.input)?;
        writeln!(out, "  {}; {source}: {origin}", figure.meaning)?;
    }
    Ok(())
}

/// A figure with its unit.
fn shown(input: &str, number: f64, currency: &str) -> String {
    match (Input::find(input), understudy_case::Currency::new(currency)) {
        (Ok(input), Some(currency)) => input.show(number, currency),
        _ => number.to_string(),
    }
}

/// A whole amount with its sign.
fn money(amount: f64) -> String {
    let digits = count(amount.abs().round() as u64);
    match amount.round() < 0.0 {
        true => format!("-{digits}"),
        false => digits,
    }
}

/// To the cent from one on, else with enough digits for a price.
fn exact(value: f64) -> String {
    match value.abs() < 10.0 {
        true => format!("{value:.6}"),
        false => format!("{value:.2}"),
    }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
