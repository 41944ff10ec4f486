//! The business case: the decision, and what it rests on.

use super::{badge, more, shell, table, typeset};
use crate::charts::{distribution, fleets, legend};
use crate::figures::{amount_of, count, money, share, three_digits};
use maud::{Markup, html};
use understudy_case::{
    ArmFigures, Assumption, CaseDocument, Currency, Effect, Input, Swing, Three,
};
use understudy_model::verdict::Verdict;

/// Rows of the tornado; the table of figures has all.
const SWINGS: usize = 12;

/// A page of its own, for a case that no trial belongs to.
pub fn case_page(document: &CaseDocument) -> String {
    let title = format!("{}: {}", decision(document.verdict), document.name);
    let masthead = html! {
        header {
            p class="brand" { "Understudy " span { "\u{b7} business case" } }
            h1 { (document.name) }
        }
    };
    let content = html! {
        (verdict(document))
        section aria-label="The case" { (body(document)) }
    };
    let footer = html! { "Drawn by Understudy from the figures of the case. This file loads nothing from anywhere." };
    shell(&title, masthead, content, footer)
}

/// The section of a trial's report.
pub(super) fn section(document: &CaseDocument) -> Markup {
    html! {
        (verdict(document))
        (body(document))
    }
}

fn decision(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Replace => "It pays",
        Verdict::Inconclusive => "Open",
        _ => "Keep the incumbent",
    }
}

fn verdict(of: &CaseDocument) -> Markup {
    let (class, sign) = match of.verdict {
        Verdict::Replace => ("good", "\u{2713}"),
        Verdict::Inconclusive => ("open", "?"),
        _ => ("", "="),
    };
    let candidate = of.arms.last().map(|arm| arm.npv);
    html! {
        div class={"verdict " (class)} {
            div class="answer" { span class="sign" aria-hidden="true" { (sign) } h2 { (decision(of.verdict)) } }
            p class="meaning" {
                "A replacement pays with a probability of " strong { (typeset(&share(of.p_npv_positive))) }
                " (" (share(of.threshold)) " are needed)."
                @if let Some(Three { p10, p50, p90 }) = candidate {
                    " Net present value " (amount(of, p50)) ", with 80 % probability between " (amount(of, p10)) " and " (amount(of, p90)) "."
                }
            }
            ul class="reasons" { @for reason in &of.because { li { (reason.text) } } }
            @if !of.next.is_empty() {
                p class="because" { "To decide it" }
                ul class="reasons" { @for next in &of.next { li { (next) } } }
            }
        }
    }
}

fn body(of: &CaseDocument) -> Markup {
    html! {
        (arms(of))
        @if let Some(chart) = fleets::chart(of) {
            figure {
                figcaption {
                    h3 { "From which size does it pay?" }
                    p { "Cost a year in " (of.currency) " by the number of instances of the incumbent. What is spent once is spread over the years that count, so where two lines cross, both cost the same." }
                }
                (legend(&[("line incumbent", "keep the incumbent"), ("line tuned", "tune it in place"), ("line candidate", "replace it"), ("bound-key bound-note", "break-even")]))
                (chart)
            }
        }
        (turns(of))
        @if let Some(chart) = distribution::histogram(of) {
            figure {
                figcaption {
                    h3 { "How sure is it?" }
                    p { "Net present value of the candidate against doing nothing in " (of.currency) ", over " (count(u64::from(of.draws))) " draws of all uncertain figures; the outermost percent on each side is not shown." }
                }
                (chart)
            }
        }
        (tornado(of))
        (fit(of))
        (assumptions(of))
        (more("How each result comes about", lines(of)))
    }
}

fn arms(of: &CaseDocument) -> Markup {
    let three = |three: Three| {
        let all = [three.p10, three.p50, three.p90].map(amount_of);
        match three.p10 == three.p90 {
            true => all[1].clone(),
            false => format!("{} ({} to {})", all[1], all[0], all[2]),
        }
    };
    let instances = |of: &ArmFigures| {
        let all = [of.instances.p50, of.instances.p10, of.instances.p90].map(|n| count(n as u64));
        match of.instances.p10 == of.instances.p90 {
            true => all[0].clone(),
            false => format!("{} ({} to {})", all[0], all[1], all[2]),
        }
    };
    let rows = of.arms.iter().map(|arm| {
        vec![
            arm.arm.name().to_owned(),
            instances(arm),
            three(arm.yearly_cost),
            three(arm.yearly_saving),
            three(arm.one_off),
            three(arm.npv),
            arm.payback_months
                .map_or("-".to_owned(), |months| format!("{months} months")),
        ]
    });
    table(
        &format!(
            "What competes: median (P10 to P90), money in {}",
            of.currency
        ),
        &[
            "",
            "instances",
            "cost a year",
            "saves a year",
            "costs once",
            "net present value",
            "paid back after",
        ],
        rows,
    )
}

/// Break-even, and the one figure that would flip the answer.
fn turns(of: &CaseDocument) -> Markup {
    let even = of.break_even;
    html! {
        dl class="facts" {
            dt { "Break-even" }
            dd {
                @match even.instances {
                    Some(instances) => {
                        (count(instances.ceil() as u64)) " instances of the incumbent (" (count(even.today.ceil() as u64)) " today)"
                        @if let Some(spend) = even.yearly_spend { ", " (amount(of, spend)) " a year" }
                        @if let Some(demand) = even.demand_rps { ", " (count(demand.round() as u64)) " requests/s at the peak" }
                    }
                    None => "at no size",
                }
            }
            @if let Some(flip) = &of.flip { dt { "The answer flips with" } dd { (flip.text) } }
            dt { "Against tuning" }
            dd { "worth more than tuning in place with a probability of " (share(of.p_beats_tuning)) }
            dt { "Defaults" }
            dd {
                (of.defaults.figures) " of " (of.defaults.of) " figures are defaults"
                @if let Some(part) = of.defaults.share_of_uncertainty { "; " (share(part)) " of the uncertainty is theirs" }
            }
        }
    }
}

fn tornado(of: &CaseDocument) -> Markup {
    let Some(axis) = distribution::tornado_axis(of) else {
        return html! {};
    };
    let title = |swing: &Swing| {
        format!(
            "{} from {} to {} moves the net present value from {} to {}",
            swing.input,
            shown(of, &swing.input, swing.p10),
            shown(of, &swing.input, swing.p90),
            money(swing.npv_at_p10, &of.currency),
            money(swing.npv_at_p90, &of.currency)
        )
    };
    html! {
        h3 { "What does it turn on?" }
        p class="lead" { "Each figure alone from its P10 to its P90, all others at their medians. Left of the line the candidate does not pay." }
        table class="forest" {
            thead { tr { th scope="col" { "figure" } th scope="col" { "P10" } th scope="col" { "P90" } th scope="col" class="drawn" { "net present value, " (of.currency) } th scope="col" { "source" } } }
            tbody {
                @for swing in of.tornado.iter().take(SWINGS) {
                    tr {
                        th scope="row" { (meaning(&swing.input)) small { (swing.input) } }
                        td data-of="P10" { (typeset(&shown(of, &swing.input, three_digits(swing.p10)))) }
                        td data-of="P90" { (typeset(&shown(of, &swing.input, three_digits(swing.p90)))) }
                        td class="drawn" { (distribution::swing(&axis, swing, &title(swing))) }
                        td data-of="source" { (source(&swing.source)) }
                    }
                }
                tr class="axis" { td {} td {} td {} td class="drawn" { (distribution::tornado_labels(&axis)) } td {} }
            }
        }
    }
}

fn fit(of: &CaseDocument) -> Markup {
    let shown = of
        .checks
        .iter()
        .filter(|check| check.effect != Effect::None);
    let shown: Vec<&str> = shown.map(|check| check.text.as_str()).collect();
    html! {
        @if !shown.is_empty() {
            h3 { "Does it fit?" }
            ul class="reasons" { @for text in shown { li { (text) } } }
        }
    }
}

fn assumptions(of: &CaseDocument) -> Markup {
    let row = |figure: &Assumption| {
        let show = |value: f64| shown(of, &figure.input, value);
        let range = match figure.low == figure.high {
            true => show(figure.median),
            false => format!(
                "{} ({} to {})",
                show(figure.median),
                show(figure.low),
                show(figure.high)
            ),
        };
        html! {
            tr {
                th scope="row" { (figure.meaning) " " small { (figure.input) } }
                td { (typeset(&range)) }
                td { (source(&figure.source)) }
                td { (figure.origin) }
            }
        }
    };
    html! {
        h3 { "What is assumed" }
        div class="scroll" tabindex="0" role="region" aria-label="Assumptions" {
            table class="figures" {
                caption { "Every figure with its source: --set NAME=VALUE replaces any of them" }
                thead { tr { th scope="col" { "figure" } th scope="col" { "median (range)" } th scope="col" { "source" } th scope="col" { "from" } } }
                tbody { @for figure in &of.assumptions { (row(figure)) } }
            }
        }
    }
}

fn lines(of: &CaseDocument) -> Markup {
    html! {
        dl class="facts" {
            @for line in &of.lines {
                dt { (line.name) }
                dd {
                    (typeset(&exact(line.value))) " " (line.unit) " = " (line.formula)
                    @if !line.inputs.is_empty() { br; span class="name" { (line.inputs.join(", ")) } }
                }
            }
        }
    }
}

fn source(source: &str) -> Markup {
    match source {
        "measured" => badge("better", "\u{25cf}", "measured"),
        "stated" => badge("", "\u{25cb}", "stated"),
        _ => badge("worse", "\u{25b3}", "default"),
    }
}

fn meaning(input: &str) -> &str {
    match Input::find(input) {
        Ok(input) => input.what(),
        Err(_) => input,
    }
}

/// A figure with its unit.
fn shown(of: &CaseDocument, input: &str, value: f64) -> String {
    match (Input::find(input), Currency::new(&of.currency)) {
        (Ok(input), Some(currency)) => input.show(value, currency),
        _ => value.to_string(),
    }
}

fn amount(of: &CaseDocument, value: f64) -> String {
    typeset(&money(value, &of.currency))
}

/// To the cent from one on, else with enough digits for a price.
fn exact(value: f64) -> String {
    match value.abs() < 10.0 {
        true => format!("{value:.6}"),
        false => format!("{value:.2}"),
    }
}
