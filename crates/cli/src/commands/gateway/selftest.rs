//! `understudy gateway selftest|propose`: what the comparison would miss, and which rules it could do
//! with.

use super::client::At;
use crate::config;
use crate::exit::{self, Failure};
use crate::show;
use anyhow::Context;
use clap::Args;
use std::collections::BTreeMap;
use std::fmt::Write;
use understudy_compare::Rule;
use understudy_gateway::status::Proposals;
use understudy_model::proof::{Proposal, SelfTest};

/// Says how many synthetic faults in real answers the rules, waivers and noise of now would hide.
///
/// Exit codes: 0, or 4 if a rule or waiver hides faults at places where no answer has ever differed.
#[derive(Debug, Args)]
pub(crate) struct SelfTestArgs {
    #[command(flatten)]
    at: At,
}

/// Proposes rules for what differs, each with what else it would hide.
#[derive(Debug, Args)]
pub(crate) struct ProposeArgs {
    #[command(flatten)]
    at: At,
}

/// Carries out `selftest`.
pub(super) fn selftest(args: &SelfTestArgs) -> Result<u8, Failure> {
    let test: SelfTest = args.at.document("/api/selftest")?;
    if !args.at.json {
        show::print(&summary(&test)).context("cannot write")?;
    }
    let is_narrow = test.hidden_by.iter().all(|hides| hides.needless.is_empty());
    Ok(match is_narrow {
        true => exit::DONE,
        false => exit::INCONCLUSIVE,
    })
}

fn summary(test: &SelfTest) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "{} of {} synthetic faults in real answers would be missed",
        test.missed, test.injected
    );
    let missed = test.faults.iter().filter(|fault| fault.missed > 0);
    for fault in missed {
        let _ = writeln!(
            text,
            "  {}  {}: {} of {} missed ({})",
            fault.operation, fault.fault, fault.missed, fault.injected, fault.description
        );
    }
    for hides in &test.hidden_by {
        let _ = writeln!(
            text,
            "{}\n    hides {}: {}",
            hides.by,
            hides.missed,
            counted(&hides.faults)
        );
        if !hides.needless.is_empty() {
            let _ = writeln!(
                text,
                "    broader than it has to be: no answer differs at {}",
                hides.needless.join(", ")
            );
        }
    }
    text
}

/// `null 3, number_off 4`
fn counted(faults: &BTreeMap<String, u64>) -> String {
    let each: Vec<String> = faults
        .iter()
        .map(|(name, n)| format!("{name} {n}"))
        .collect();
    each.join(", ")
}

/// Carries out `propose`.
pub(super) fn propose(args: &ProposeArgs) -> Result<u8, Failure> {
    let found: Proposals = args.at.document("/api/proposals")?;
    if args.at.json {
        return Ok(exit::DONE);
    }
    let mut text = String::new();
    for proposal in &found.proposals {
        propose_one(&mut text, proposal);
    }
    if found.proposals.is_empty() {
        text += "nothing differs that a rule could excuse\n";
    }
    show::print(&text).context("cannot write")?;
    Ok(exit::DONE)
}

/// A rule, ready to paste, under what it does as a comment.
fn propose_one(text: &mut String, proposal: &Proposal) {
    let share = proposal.explains as f64 / proposal.of.max(1) as f64 * 100.0;
    let _ = writeln!(
        text,
        "# explains {share:.1} % of the answers that differ ({} of {}; nothing else differs in {}), such as\n\
         #   incumbent  {}\n#   candidate  {}",
        proposal.explains, proposal.of, proposal.resolves, proposal.baseline, proposal.contender
    );
    for also in &proposal.also_hides {
        let _ = writeln!(
            text,
            "# would also hide {} unlike these: {} {} ({}), {} and {}",
            also.pairs, also.operation, also.path, also.kind, also.baseline, also.contender
        );
    }
    let hidden: u64 = proposal.faults_hidden.values().sum();
    if hidden > 0 {
        let _ = writeln!(
            text,
            "# would hide {hidden} of {} synthetic faults found today: {}",
            proposal.faults,
            counted(&proposal.faults_hidden)
        );
    }
    let rule = Rule {
        path: proposal.rule.path.to_string(),
        operation: proposal.rule.operation.clone(),
        kind: proposal.rule.kind,
        reason: Some("say why this is acceptable".to_owned()),
        owner: Some("say who answers for it".to_owned()),
        expires: None,
        ..Rule::default()
    };
    let _ = writeln!(text, "{}", config::rule_text(&rule).trim_start());
}
