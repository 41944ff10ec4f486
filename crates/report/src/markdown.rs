//! The verdict in GitHub-flavoured Markdown, for a comment below a pull request.

use crate::figures::{count, time};
use crate::{against_itself, edges, growth, history, quality, tail, warm_up, wording};
use understudy_model::edges::Edges;
use understudy_model::history::History;
use understudy_model::verdict::{
    Cluster, Comparison, Equivalence, Held, LatencyComparison, ResourceComparison, Verdict,
    VerdictDocument,
};
use understudy_model::{Pacing, Role};

/// Clusters shown; the document has all. A comment on GitHub holds 65,536 characters.
const CLUSTERS: usize = 10;
/// Operations, rates and quantiles shown.
const ROWS: usize = 60;

/// Verdict, reasons, a table of effects, objectives, differences, what earlier runs showed, and limits.
pub fn summary(document: &VerdictDocument, earlier: Option<&History>) -> String {
    let mut out = format!(
        "## {} {}: {}\n\n{}\n\n",
        sign(document.verdict),
        wording::headline(document.verdict),
        text(&document.name),
        text(wording::meaning(document)),
    );
    for reason in &document.because {
        out += &format!("- because {}\n", text(&reason.text));
    }
    if let Some(comparison) = wording::of_contender(document, Role::Candidate) {
        effects(&mut out, document, comparison);
        equivalence(&mut out, document.method.pacing, comparison);
        if let Some(of) = &comparison.edges {
            edge_requests(&mut out, of);
        }
        for clip in &comparison.quality {
            let (name, said) = (text(&clip.clip), text(&quality::sentence(clip)));
            out += &format!("\nClip {name}: {said}\n");
        }
        for said in comparison
            .quality_over_clips
            .iter()
            .filter_map(quality::over_clips)
        {
            out += &format!("\nClips: {}\n", text(&said));
        }
    }
    if let Some(comparison) = wording::of_contender(document, Role::Tuned) {
        let ledger = wording::ledger(&comparison.equivalence);
        out += &format!("\n**What tuning alone gains** (answers: {ledger})\n");
        effects(&mut out, document, comparison);
    }
    if !document.warm_up.is_empty() {
        out += "\n**Warm-up**\n\n";
    }
    for side in &document.warm_up {
        out += &format!("- {}\n", text(&warm_up::sentence(side)));
    }
    let mut tails = tail::primary(document).peekable();
    if tails.peek().is_some() {
        out += "\n**Where the tail comes from**\n\n";
    }
    for one in tails {
        out += &format!("- {}\n", text(&tail::sentence(one)));
    }
    objectives(&mut out, document);
    for of in &document.capacity {
        let found = text(&crate::knee::sentence(&of.capacity));
        out += &format!("\nCapacity of the {}: {found}\n", of.side);
    }
    for of in &document.memory_floors {
        let found = text(&crate::memory_floor::sentence(of));
        out += &format!("\nMemory floor of the {}: {found}\n", of.side);
    }
    if let Some(counted) = crate::instructions::sentence(document) {
        out += &format!("\nInstructions: {}\n", text(&counted));
    }
    gates(&mut out, document);
    if let Some(earlier) = earlier {
        runs(&mut out, earlier);
    }
    if !document.limits_of_this_result.is_empty() {
        out += "\n**Limits of this result**\n\n";
    }
    for limit in &document.limits_of_this_result {
        out += &format!("- {}\n", text(limit));
    }
    out += &format!(
        "\n<sub>Understudy {}, level {}, seed {}, {}. Repeat with {}</sub>\n",
        text(&document.environment.understudy),
        text(&document.method.level),
        document.method.seed,
        text(&document.environment.started_at),
        code(&document.method.repeat),
    );
    out
}

/// A sign that is read without colour.
pub(crate) fn sign(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Replace | Verdict::NoWorse => "\u{2705}",
        Verdict::Keep => "\u{1f535}",
        Verdict::Inconclusive => "\u{2754}",
        Verdict::NotEquivalent | Verdict::Worse => "\u{274c}",
        Verdict::Invalid => "\u{26a0}\u{fe0f}",
    }
}

fn effects(out: &mut String, document: &VerdictDocument, comparison: &Comparison) {
    let rows = comparison.latency.len() + comparison.resources.len();
    if rows == 0 {
        return;
    }
    if document.verdict == Verdict::Invalid {
        *out += "\nThe measurement was refused; these figures are not a result.\n";
    }
    *out += &format!(
        "\n| | {} | {} | change (95 % interval) |\n|---|--:|--:|---|\n",
        comparison.baseline, comparison.contender
    );
    let latency = comparison
        .latency
        .iter()
        .map(|line| latency_row(document, line));
    let resources = comparison.resources.iter().filter_map(resource_row);
    for row in latency.chain(resources).take(ROWS) {
        *out += &row;
    }
    if rows > ROWS {
        *out += &format!("\n{} more rows in `verdict.json`.\n", rows - ROWS);
    }
    let starts = growth::start_of_run(comparison).into_iter();
    let starts: Vec<String> = starts
        .map(|(side, share)| format!("{side} {share}"))
        .collect();
    if !starts.is_empty() {
        *out += &format!("\nStart-up: {}.\n", starts.join("; "));
    }
    if !comparison.growth.is_empty() {
        *out += "\n**Time by size** (fixed time + time per unit x size)\n\n";
    }
    for of in &comparison.growth {
        *out += &format!("- {}\n", text(&growth::sentence(of, comparison)));
    }
}

fn latency_row(document: &VerdictDocument, line: &LatencyComparison) -> String {
    let mut label = format!(
        "{} {}",
        text(&wording::latency_label(line)),
        wording::at(line.rate_rps)
    );
    if wording::is_primary(document, line) {
        label = format!("**{label}** (primary)");
    }
    if !line.judged {
        let why = text(wording::not_judged(line));
        return format!("| {label} | - | - | not judged: {why} |\n");
    }
    let [baseline, contender] =
        [line.baseline_us, line.contender_us].map(|side| wording::estimate(side, time));
    let note = wording::remarks(line).map_or_else(String::new, |n| format!("; {n}"));
    let effect = wording::effect(line.ratio);
    format!("| {label} | {baseline} | {contender} | {effect}{note} |\n")
}

fn resource_row(line: &ResourceComparison) -> Option<String> {
    let name = wording::resource_label(line.resource, line.rate_rps);
    let label = format!("{name} {}", wording::at(line.rate_rps));
    if let Some(why) = &line.unmeasured {
        return Some(format!("| {label} | - | - | unmeasured: {} |\n", text(why)));
    }
    let show = |value| wording::resource(line.resource, value);
    let [baseline, contender] =
        [line.baseline, line.contender].map(|side| wording::estimate(side, show));
    let effect = wording::effect(line.ratio);
    Some(format!(
        "| {label} | {baseline} | {contender} | {effect} |\n"
    ))
}

fn equivalence(out: &mut String, pacing: Pacing, comparison: &Comparison) {
    let e: &Equivalence = &comparison.equivalence;
    *out += &format!(
        "\n**Answers**: {}; {}.",
        wording::ledger(e),
        wording::mismatch(pacing, e)
    );
    if let Some(under_load) = &comparison.under_load {
        *out += &format!(" Under load: {}.", wording::under_load(under_load));
    }
    out.push('\n');
    for shown in e.clusters.iter().take(CLUSTERS) {
        cluster(out, shown);
    }
    if e.clusters.len() > CLUSTERS {
        let more = e.clusters.len() - CLUSTERS;
        *out += &format!("\n{more} more differences in `verdict.json`.\n");
    }
}

/// Edge requests: a row for each class that differs.
fn edge_requests(out: &mut String, of: &Edges) {
    *out += &format!("\n**Edge requests**: {}.\n", edges::ledger(of));
    if of.clusters.is_empty() {
        return;
    }
    *out += "\n| request and answers | whom it breaks |\n|---|---|\n";
    for class in of.clusters.iter().take(CLUSTERS) {
        *out += &format!(
            "| {} | {} |\n",
            cell(&edges::sentence(class)),
            cell(&class.breaks)
        );
    }
    if of.clusters.len() > CLUSTERS {
        let more = of.clusters.len() - CLUSTERS;
        *out += &format!("\n{more} more classes in `verdict.json`.\n");
    }
}

fn cluster(out: &mut String, cluster: &Cluster) {
    *out += &format!(
        "\n<details><summary><b>{}</b>: {}</summary>\n\n",
        within_html(&wording::place(cluster)),
        within_html(&wording::seen(cluster)),
    );
    if !cluster.examples.is_empty() {
        *out += "| | incumbent | candidate |\n|---|---|---|\n";
    }
    for example in &cluster.examples {
        *out += &format!(
            "| {} | {} | {} |\n",
            cell(&example.path.to_string()),
            cell(wording::value(&example.baseline)),
            cell(wording::value(&example.contender)),
        );
    }
    if !cluster.reproduce.is_empty() {
        *out += &format!("\n{}\n", fenced(&cluster.reproduce));
    }
    *out += "\n</details>\n";
}

fn objectives(out: &mut String, document: &VerdictDocument) {
    if document.slo.is_empty() && document.goals.is_empty() {
        return;
    }
    let has_tuned = wording::of_contender(document, Role::Tuned).is_some();
    *out += match has_tuned {
        true => "\n| objective or goal | incumbent | candidate | tuned |\n|---|---|---|---|\n",
        false => "\n| objective or goal | incumbent | candidate |\n|---|---|---|\n",
    };
    // The cell of the tuned side, in a table that has one.
    let last = |cell: Option<String>| match has_tuned {
        true => format!(" {} |", cell.unwrap_or_else(|| "-".to_owned())),
        false => String::new(),
    };
    let held = |held: Held| match held {
        Held::Misses => format!("**{}**", wording::objective_held(held)),
        held => wording::objective_held(held).to_owned(),
    };
    for objective in wording::objectives(document) {
        let candidate = objective
            .candidate
            .map_or("-".to_owned(), |slo| held(slo.held));
        *out += &format!(
            "| {} {} | {} | {candidate} |{}\n",
            text(&objective.incumbent.slo),
            wording::at(objective.incumbent.rate_rps),
            held(objective.incumbent.held),
            last(objective.tuned.map(|slo| held(slo.held))),
        );
    }
    for goal in &document.goals {
        let mut tuned = document.tuned_goals.iter();
        let tuned = tuned.find(|of| of.goal == goal.goal).map(wording::goal);
        *out += &format!(
            "| {} | | {} |{}\n",
            text(&goal.goal),
            wording::goal(goal),
            last(tuned)
        );
    }
}

fn gates(out: &mut String, document: &VerdictDocument) {
    let failed = document.gates.iter().filter(|gate| !gate.passed).count();
    let all = count(document.gates.len() as u64);
    if let Some(looks) = wording::looks(document) {
        *out += &format!("\n**Looks**: {looks}.\n");
    }
    if let Some(aa) = against_itself::sentence(document) {
        *out += &format!("\n**A/A**: {aa}.\n");
    }
    if document.gates.is_empty() {
        return;
    }
    *out += &match failed {
        0 => format!("\n**Gates**: all {all} held.\n"),
        failed => format!("\n**Gates**: {failed} of {all} failed.\n"),
    };
    for refused in &document.refused {
        *out += &format!("\n**Refused**: {}.\n", text(refused));
    }
}

/// What earlier runs of the trial showed.
fn runs(out: &mut String, earlier: &History) {
    *out += &format!(
        "\n**Earlier runs**: {}.\n\n",
        text(&history::overview(earlier))
    );
    for figure in &earlier.figures {
        let sentences = [Some(history::level(figure)), history::ratio(figure)];
        for sentence in sentences.into_iter().flatten() {
            *out += &format!("- {}\n", text(&wording::capital(&sentence)));
        }
    }
}

/// Text escaped so that no part of it is markup or mentions a user, on one line.
pub(crate) fn text(raw: &str) -> String {
    let mut out = String::with_capacity(raw.len());
    for c in wording::one_line(raw).chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '$' => {
                out.push('\\');
                out.push(c);
            }
            // A zero-width space, so that `@name` does not mention a user.
            '@' => out += "@\u{200b}",
            c => out.push(c),
        }
    }
    out
}

/// The same within an HTML element, where backslashes are shown.
fn within_html(raw: &str) -> String {
    let escaped = wording::one_line(raw)
        .replace('&', "&amp;")
        .replace('<', "&lt;");
    escaped.replace('>', "&gt;").replace('@', "@\u{200b}")
}

/// A code span; in it only backticks have a meaning.
fn code(raw: &str) -> String {
    let raw = wording::one_line(raw);
    let fence = "`".repeat(longest_run(&raw) + 1);
    format!("{fence} {raw} {fence}")
}

/// A code span within a table, where a bar ends the cell even in code.
fn cell(raw: &str) -> String {
    code(raw).replace('|', "\\|")
}

/// A block of code.
fn fenced(raw: &str) -> String {
    let raw = wording::visible(raw);
    let fence = "`".repeat(longest_run(&raw).max(2) + 1);
    format!("{fence}sh\n{raw}\n{fence}")
}

/// The most backticks in a row.
fn longest_run(text: &str) -> usize {
    let runs = text.split(|c| c != '`').map(str::len);
    runs.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_outside_is_escaped() {
        assert_eq!(
            text("<b>|@team `x` [a](b) #1\n"),
            "&lt;b&gt;\\|@\u{200b}team \\`x\\` \\[a\\](b) \\#1\u{240a}"
        );
        assert_eq!(
            within_html("<b>&@x_y\n"),
            "&lt;b&gt;&amp;@\u{200b}x_y\u{240a}"
        );
        assert_eq!(code("a``b"), "``` a``b ```");
        assert_eq!(cell("a|b"), "` a\\|b `");
        assert_eq!(fenced("x```y"), "````sh\nx```y\n````");
    }
}
