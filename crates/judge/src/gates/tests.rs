use super::*;
use crate::simulated::{self};
use crate::terms::Level;
use understudy_model::neighbours::{Neighbour, Neighbours, OnCpu};
use understudy_model::stored::BlockFigures;
use understudy_testkit::answered;

const RATE: f64 = 1000.0;

fn neighbours(pid: u32, cpu_s: f64) -> Neighbours {
    Neighbours {
        seconds: 10.0,
        generator_cpus: vec![0],
        processes: vec![Neighbour {
            pid,
            name: "cargo".to_owned(),
            cpu_s,
            share: cpu_s / 10.0,
            on: vec![OnCpu { cpu: 0, cpu_s }],
            ..Neighbour::default()
        }],
        side: Some(Vec::new()),
        ..Neighbours::default()
    }
}

/// A measurement whose generator waited for its CPU for a share of the time.
fn block(number: u32, run_queue_share: f64, neighbours: Option<Neighbours>) -> LatencyBlock {
    let rows = (0..1000).map(|_| answered(0, (0, 0, 1_000_000))).collect();
    let mut block = simulated::block((Role::Incumbent, number), (RATE, 10.0), rows);
    block.figures.run_queue_share = Some(run_queue_share);
    block.figures.neighbours = neighbours;
    block
}

fn run_queue(blocks: &[LatencyBlock]) -> Gate {
    let terms = simulated::terms(Level::Quick, &[RATE], 0.9);
    let plan = Plan::new(&terms);
    let latencies = Latencies::new(
        blocks,
        &terms,
        &["GET /".to_owned()],
        VerdictRules::default(),
    );
    let gates = judge(&terms, &plan, blocks, &latencies, (&[], &[]));
    let mut gates = gates.into_iter();
    gates
        .find(|gate| gate.code == "generator_run_queue")
        .unwrap()
}

/// Only the measurements that broke the gate say who was in the way.
#[test]
fn a_gate_that_failed_names_the_culprit_of_its_measurements() {
    let blocks: Vec<LatencyBlock> = (0..4)
        .map(|number| match number {
            0 | 1 => block(number, 0.2, Some(neighbours(4711, 3.8))),
            _ => block(number, 0.0, Some(neighbours(12, 9.0))),
        })
        .collect();
    let gate = run_queue(&blocks);
    assert!(!gate.passed);
    assert_eq!(
        gate.text,
        "in 2 of 4 measurements at 1000/s: the generator waited 20.0 % of the time for a CPU (limit 5 %); process 4711 \"cargo\" took 38 % of CPU 0 meanwhile: stop it, or pin the generator apart (--cpus; [machine] in trial.toml)"
    );
}

/// A run that was stored before neighbours were observed is judged in the same words as then.
#[test]
fn without_neighbours_the_sentence_is_the_old_one() {
    let blocks: Vec<LatencyBlock> = (0..4).map(|number| block(number, 0.2, None)).collect();
    assert_eq!(
        run_queue(&blocks).text,
        "in 4 of 4 measurements at 1000/s: the generator waited 20.0 % of the time for a CPU (limit 5 %); something else uses its CPU: stop it, or pin the generator apart (--cpus; [machine] in trial.toml)"
    );
    // One of ten that broke it is no failure, and names none.
    let one: Vec<LatencyBlock> = (0..10)
        .map(|number| {
            block(
                number,
                if number == 0 { 0.2 } else { 0.0 },
                Some(neighbours(1, 9.0)),
            )
        })
        .collect();
    let gate = run_queue(&one);
    assert!(gate.passed && !gate.text.contains("cargo"), "{}", gate.text);
}

#[test]
fn figures_read_with_and_without_neighbours() {
    let old = block(0, 0.1, None).figures;
    let text = serde_json::to_string(&old).unwrap();
    assert!(!text.contains("neighbours"), "{text}");
    assert_eq!(serde_json::from_str::<BlockFigures>(&text).unwrap(), old);
    let new = block(0, 0.1, Some(neighbours(4711, 1.0 / 3.0))).figures;
    let text = serde_json::to_string(&new).unwrap();
    assert_eq!(serde_json::from_str::<BlockFigures>(&text).unwrap(), new);
}
