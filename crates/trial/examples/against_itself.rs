//! Is a commit that is compared with itself called `worse`, and how soon is it `no_worse`? Simulated from recorded runs.
//!
//!     cargo run --release -p understudy-trial --example against_itself -- [--runs N] [--seconds S] [--before B] RUN...
//!
//! The runs are trials of one program against itself that started the sides anew for every pair (`bench/versions.py`
//! makes some). ABBA blocks are drawn from all of them with replacement, which side is which by a coin, and judged as a
//! trial judges them, look by look, until they decide or the time (S, 180 s) is over. Of that, B seconds (as planned) go by before
//! the first measurement; what the measurements of the recorded runs took, with the starts between them, says what a look
//! takes. Of the rows one in ten,
//! drawn at random, is kept: a thousand comparisons are then judged in minutes. Prints how many got which verdict, and when.

#![expect(
    clippy::print_stdout,
    reason = "a simulation for developers prints its result"
)]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use understudy_compare::Rules;
use understudy_evidence::RunDirectory;
use understudy_judge::plan::Plan;
use understudy_judge::terms::{Fresh, Level, LimitsConfig, Question, SideTerms, Sizing, Terms};
use understudy_judge::{Evidence, judge};
use understudy_model::Arrivals;
use understudy_model::stored::LatencyBlock;
use understudy_model::verdict::{Verdict, VerdictRules};
use understudy_model::{Role, Share, Span};
use understudy_stats::seeds::{Purpose, derived};

/// Of so many rows one is kept.
const THINNED: u64 = 10;

fn main() -> Result<(), Box<dyn Error>> {
    let (mut runs, mut seconds, mut before, mut folders) = (1000u64, 180.0, None, Vec::new());
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or("a value is missing");
        match argument.as_str() {
            "--runs" => runs = value()?.parse()?,
            "--seconds" => seconds = value()?.parse()?,
            "--before" => before = Some(value()?.parse::<f64>()?),
            _ => folders.push(argument),
        }
    }
    let mut recorded: Option<Evidence> = None;
    let mut abbas = Vec::new();
    // How long it took from the start of the first measurement of a run to that of its last, and how many were made.
    let (mut spent_s, mut made) = (0.0, 0usize);
    for folder in &folders {
        let mut evidence = understudy_trial::read(&RunDirectory::open(Path::new(folder))?)?;
        let started = evidence
            .blocks
            .iter()
            .map(|block| block.figures.started_unix_s);
        let (first, last) = started.fold((f64::INFINITY, 0.0_f64), |(first, last), at| {
            (first.min(at), last.max(at))
        });
        spent_s += (last - first).max(0.0);
        made += evidence.blocks.len().saturating_sub(1);
        abbas.extend(of_abbas(std::mem::take(&mut evidence.blocks)));
        recorded.get_or_insert(evidence);
    }
    let mut recorded = recorded.ok_or("name at least one run directory")?;
    // Runs of older rules had other looks.
    recorded.environment.rules = VerdictRules::default();
    let rate_rps = abbas.first().ok_or("no ABBA block is complete")?[0].rate_rps * THINNED as f64;
    println!(
        "{} ABBA blocks of {} runs, at {rate_rps}/s",
        abbas.len(),
        folders.len()
    );

    let mut terms = terms(rate_rps);
    let mut plan = Plan::new(&terms);
    // Comparing the answers and the first starts.
    let before_s = before.unwrap_or(plan.seconds(usize::MAX) - plan.side_by_side().secs());
    terms.question = Question::NoWorse {
        margin: Share::new(0.05),
        longest: Some(Span::from_secs_f64(seconds - before_s)),
    };
    plan = Plan::new(&terms);
    let each_s = spent_s / made.max(1) as f64;
    let looks: Vec<(usize, f64)> = (0..plan.looks.len())
        .map(|look| {
            (
                look,
                before_s + each_s * plan.until(look).measurements() as f64,
            )
        })
        .filter(|(look, until_s)| *look == 0 || *until_s <= seconds)
        .collect();
    let mut ended: BTreeMap<(String, String), u64> = BTreeMap::new();
    for run in 0..runs {
        let (verdict, at) = compare(&terms, &plan, &looks, &recorded, &abbas, run);
        *ended.entry((verdict.to_string(), at)).or_default() += 1;
    }
    for ((verdict, at), count) in ended {
        println!("{count:>6} {verdict:<14} {at}");
    }
    Ok(())
}

/// One comparison, until it is decided.
fn compare(
    terms: &Terms,
    plan: &Plan,
    looks: &[(usize, f64)],
    recorded: &Evidence,
    abbas: &[[LatencyBlock; 4]],
    run: u64,
) -> (Verdict, String) {
    let mut evidence = recorded.clone();
    let mut drawn = 0u32;
    let mut last = (Verdict::Inconclusive, String::new());
    for (look, until_s) in looks {
        while drawn < plan.looks[*look] {
            let draw = derived(run + 1, Purpose::CapacityStep, u64::from(drawn));
            let swapped = draw & 1 == 1;
            let abba = &abbas[(draw >> 1) as usize % abbas.len()];
            evidence.blocks.extend(abba.iter().map(|block| {
                let mut block = block.clone();
                block.rate_rps = terms.rates[0];
                block.block = drawn * 2 + block.block % 2;
                if swapped {
                    block.side = match block.side {
                        Role::Incumbent | Role::Second => Role::Candidate,
                        _ => Role::Incumbent,
                    };
                }
                block
            }));
            drawn += 1;
        }
        let verdict = judge(terms, &Rules::default(), &evidence).verdict.verdict;
        last = (verdict, format!("at {until_s:.0} s ({} pairs)", drawn * 2));
        if matches!(verdict, Verdict::Worse | Verdict::NoWorse) {
            break;
        }
    }
    last
}

/// The measurements by ABBA block, thinned.
fn of_abbas(blocks: Vec<LatencyBlock>) -> Vec<[LatencyBlock; 4]> {
    let mut by_abba: BTreeMap<u32, Vec<LatencyBlock>> = BTreeMap::new();
    for mut block in blocks {
        let all = block.rows.len();
        // Every row with the same chance, so that random arrivals stay random.
        let mut number = 0u64;
        block.rows.retain(|_| {
            number += 1;
            derived(block.figures.seed, Purpose::CapacityStep, number).is_multiple_of(THINNED)
        });
        let kept = block.rows.len() as f64 / (all as f64).max(1.0);
        let part = |count: u64| (count as f64 * kept).round() as u64;
        // Answers of different runs are of different histories: they are not what is asked here.
        block
            .rows
            .iter_mut()
            .for_each(|row| (row.shape, row.value) = (0, 0));
        let figures = &mut block.figures;
        (figures.due, figures.sent) = (part(figures.due), part(figures.sent));
        (figures.late, figures.stamped) = (part(figures.late), part(figures.stamped));
        figures.side_cpu_us = figures.side_cpu_us.map(|us| us * kept);
        block.rate_rps /= THINNED as f64;
        by_abba.entry(block.block / 2).or_default().push(block);
    }
    let whole = by_abba
        .into_values()
        .filter_map(|abba| abba.try_into().ok());
    whole.collect()
}

fn terms(rate_rps: f64) -> Terms {
    let side = |side| SideTerms {
        side,
        runs: "the same program".to_owned(),
        is_launched: true,
    };
    Terms {
        name: "against-itself".to_owned(),
        level: Level::Quick,
        seed: 1,
        sides: [Role::Incumbent, Role::Candidate].map(side).into(),
        pacing: understudy_model::Pacing::Offered,
        rates: vec![rate_rps],
        arrivals: Arrivals::Poisson,
        connections: 64,
        fresh: Some(Fresh::Pair),
        warmup: None,
        slos: Vec::new(),
        goals: Vec::new(),
        question: Question::NoWorse {
            margin: Share::new(0.05),
            longest: None,
        },
        limits: LimitsConfig::default(),
        sizing: Sizing::default(),
        capacity: None,
        memory_floor: None,
        edges: None,
        case: None,
    }
}
