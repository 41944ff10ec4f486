//! The evidence of a trial in its run directory: written by the stages, read by the judge.

use crate::error::TrialError;
use crate::generator::Loaded;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use understudy_case::CaseDocument;
use understudy_compare::{Row as ComparedRow, TriedFault, http};
use understudy_evidence::{BlockId, BlockWriter, EvidenceError, Folder, RunDirectory};
use understudy_judge::search::floor::runs::Endings;
use understudy_judge::series;
use understudy_judge::{EdgeAnswers, Evidence};
use understudy_model::edges::EdgeFacts;
use understudy_model::instructions::CountedRun;
use understudy_model::quality::QualityPoint;
use understudy_model::series::SeriesDocument;
use understudy_model::stored::{
    BlockFigures, LatencyBlock, ReproducedCluster, Start, WorkloadFacts,
};
use understudy_model::stored::{During, Exited};
use understudy_model::stored::{Happenings, Row, Table};
use understudy_model::verdict::Environment;
use understudy_model::{Observation, Pacing, Role};

pub(crate) const FAULTS: &str = "faults.jsonl";
const COUNTED: &str = "instructions.jsonl";
const NOTES: &str = "notes.jsonl";
const WORKLOAD: &str = "workload.json";
const ENVIRONMENT: &str = "environment.json";
/// Names of the stages that are finished, a line each.
const STAGES: &str = "stages.jsonl";
/// The stage of the measurements under load, finished where the time for them was over before all were made.
const LOAD_STAGE: &str = "load";
const SERIES: &str = "series.json";
const CASE: &str = "case.json";
const FIGURES: &str = "figures";
const RATE: &str = "rate_rps";
const LATENCY: &str = "latency-";
/// The first load of each side.
const SETTLING: &str = "settling-";
/// Every start of a side, a line each.
const STARTS: &str = "starts.jsonl";
/// Contenders that ended while they were needed, a line each.
const EXITS: &str = "exits.jsonl";
/// The edge requests that were made.
const EDGES: &str = "edges.json";
/// The quality of what encoders wrote, a line each.
pub(crate) const QUALITY: &str = "quality.jsonl";
const CAPACITY: &str = "capacity";
const FLOOR: &str = "floor";

/// What is compared: each has files of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// The cases of the workload.
    Workload,
    /// Edge requests.
    Edges,
}

impl Part {
    /// The stage that compares it, and the name of its exchanges.
    pub(crate) fn stage(self) -> &'static str {
        match self {
            Part::Workload => "equivalence",
            Part::Edges => "edges",
        }
    }

    /// The file with what a contender answered differently.
    pub(crate) fn differences(self, contender: Role) -> &'static str {
        match (self, contender) {
            (Part::Workload, Role::Tuned) => "differences-tuned.jsonl",
            (Part::Workload, _) => "differences.jsonl",
            (Part::Edges, Role::Tuned) => "edges-tuned.jsonl",
            (Part::Edges, _) => "edges.jsonl",
        }
    }

    /// The file with the clusters that were asked again.
    fn reproduced(self) -> &'static str {
        match self {
            Part::Workload => "reproduced.jsonl",
            Part::Edges => "edges-reproduced.jsonl",
        }
    }

    /// The file with the contenders that ended.
    pub(crate) fn exits(self) -> &'static str {
        match self {
            Part::Workload => EXITS,
            Part::Edges => "edges-exits.jsonl",
        }
    }

    /// When a contender ended that is in it.
    pub(crate) fn during(self) -> During {
        match self {
            Part::Workload => During::Comparison,
            Part::Edges => During::Edges,
        }
    }
}

/// Writes what is known of the workload.
pub(crate) fn write_workload(run: &RunDirectory, facts: &WorkloadFacts) -> Result<(), TrialError> {
    Ok(run.write_json(WORKLOAD, facts)?)
}

/// Writes what is known of the workload at the begin of a run; one that continues has it already.
pub(crate) fn begin_workload(run: &RunDirectory, facts: &WorkloadFacts) -> Result<(), TrialError> {
    match run.path().join(WORKLOAD).exists() {
        true => Ok(()),
        false => write_workload(run, facts),
    }
}

/// Removes the verdict and what was drawn of it.
pub(crate) fn forget_verdict(run: &RunDirectory) -> Result<(), TrialError> {
    for name in ["verdict.json", SERIES, CASE, "report.html"] {
        let path = run.path().join(name);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                let action = "remove";
                return Err(EvidenceError::Io {
                    action,
                    path,
                    source,
                }
                .into());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Writes the machine and the versions.
pub(crate) fn write_environment(
    run: &RunDirectory,
    environment: &Environment,
) -> Result<(), TrialError> {
    Ok(run.write_json(ENVIRONMENT, environment)?)
}

/// Remembers that a stage is finished: a run that is resumed does not repeat it.
pub(crate) fn finish(run: &RunDirectory, stage: &str) -> Result<(), TrialError> {
    let mut lines = understudy_evidence::JsonLines::<String>::open(run, STAGES)?;
    lines.write(&stage.to_owned())?;
    Ok(lines.sync()?)
}

/// Is a stage finished?
pub(crate) fn is_finished(run: &RunDirectory, stage: &str) -> Result<bool, TrialError> {
    let stages: Vec<String> = if_there(run, STAGES, |name| run.read_lines(name))?;
    Ok(stages.iter().any(|finished| finished == stage))
}

/// Remembers that no measurement under load is made any more.
pub(crate) fn end_load(run: &RunDirectory) -> Result<(), TrialError> {
    finish(run, LOAD_STAGE)
}

/// Was the time for measurements under load over before all were made?
pub(crate) fn is_load_over(run: &RunDirectory) -> Result<bool, TrialError> {
    is_finished(run, LOAD_STAGE)
}

/// The environment that a run began in; `None` if it has not come so far.
pub(crate) fn environment(run: &RunDirectory) -> Result<Option<Environment>, TrialError> {
    if_there(run, ENVIRONMENT, |name| run.read_json(name).map(Some))
}

/// Adds a note about the reach of the result, once.
pub(crate) fn note(run: &RunDirectory, note: &str) -> Result<(), TrialError> {
    let notes: Vec<String> = if_there(run, NOTES, |name| run.read_lines(name))?;
    if notes.iter().any(|there| there == note) {
        return Ok(());
    }
    let mut lines = understudy_evidence::JsonLines::<String>::open(run, NOTES)?;
    Ok(lines.write(&note.to_owned())?)
}

/// Remembers how long a side took to start.
pub(crate) fn started(run: &RunDirectory, start: &Start) -> Result<(), TrialError> {
    let mut lines = understudy_evidence::JsonLines::<Start>::open(run, STARTS)?;
    Ok(lines.write(start)?)
}

/// Writes which edge requests were made.
pub(crate) fn write_edges(run: &RunDirectory, facts: &EdgeFacts) -> Result<(), TrialError> {
    Ok(run.write_json(EDGES, facts)?)
}

/// Remembers that a contender ended.
pub(crate) fn exited(run: &RunDirectory, exited: &Exited) -> Result<(), TrialError> {
    let part = match exited.during {
        During::Edges => Part::Edges,
        During::Comparison | During::Load => Part::Workload,
    };
    let mut lines = understudy_evidence::JsonLines::<Exited>::open(run, part.exits())?;
    lines.write(exited)?;
    Ok(lines.sync()?)
}

/// Adds what asking a cluster again showed.
pub(crate) fn reproduced(
    run: &RunDirectory,
    part: Part,
    cluster: &ReproducedCluster,
) -> Result<(), TrialError> {
    let name = part.reproduced();
    let mut lines = understudy_evidence::JsonLines::<ReproducedCluster>::open(run, name)?;
    Ok(lines.write(cluster)?)
}

/// Adds a run whose instructions were counted.
pub(crate) fn add_counted(run: &RunDirectory, counted: &CountedRun) -> Result<(), TrialError> {
    let mut lines = understudy_evidence::JsonLines::<CountedRun>::open(run, COUNTED)?;
    Ok(lines.write(counted)?)
}

/// The runs whose instructions were counted so far.
pub(crate) fn counted(run: &RunDirectory) -> Result<Vec<CountedRun>, TrialError> {
    if_there(run, COUNTED, |name| run.read_lines(name))
}

/// The clusters that were asked again so far.
pub(crate) fn asked_again(
    run: &RunDirectory,
    part: Part,
) -> Result<Vec<ReproducedCluster>, TrialError> {
    if_there(run, part.reproduced(), |name| run.read_lines(name))
}

/// Gives a file of an interrupted run another name, so that it is kept and no longer counts.
pub(crate) fn put_aside(run: &RunDirectory, name: &str) -> Result<(), TrialError> {
    let path = run.path().join(name);
    let aside = (1u32..)
        .map(|number| run.path().join(format!("interrupted-{number}-{name}")))
        .find(|aside| !aside.exists())
        .unwrap_or_else(|| path.with_extension("interrupted"));
    std::fs::rename(&path, aside).map_err(|source| {
        let action = "rename";
        TrialError::from(EvidenceError::Io {
            action,
            path,
            source,
        })
    })
}

/// The quality of what encoders wrote so far.
pub(crate) fn quality(run: &RunDirectory) -> Result<Vec<QualityPoint>, TrialError> {
    if_there(run, QUALITY, |name| run.read_lines(name))
}

/// The measurements so far.
pub(crate) fn measured(run: &RunDirectory) -> Result<Vec<LatencyBlock>, TrialError> {
    read_blocks(run, |stage| stage.starts_with(LATENCY))
}

/// What was measured before the first measurement of each side.
pub(crate) fn settling(run: &RunDirectory) -> Result<Vec<LatencyBlock>, TrialError> {
    read_blocks(run, |stage| stage.starts_with(SETTLING))
}

/// The faults that were put into answers so far.
pub(crate) fn faults(run: &RunDirectory) -> Result<Vec<TriedFault>, TrialError> {
    if_there(run, FAULTS, |name| run.read_lines(name))
}

/// What was compared of a contender so far.
pub(crate) fn rows(
    run: &RunDirectory,
    part: Part,
    contender: Role,
) -> Result<Vec<ComparedRow>, TrialError> {
    if_there(run, part.differences(contender), |name| {
        run.read_lines(name)
    })
}

/// The name of a measurement.
pub(crate) fn latency_block(rate_rps: f64, side: Role, block: u32) -> BlockId {
    BlockId {
        stage: format!("{LATENCY}{rate_rps}"),
        side,
        block,
    }
}

/// Cases that every program answered alike to the byte, as often as they were compared: the hash of another answer says
/// if that is the same. Of the rest it says nothing: they vary by themselves, or are the same in other bytes.
pub(crate) fn exact_cases(run: &RunDirectory) -> Result<BTreeSet<u32>, TrialError> {
    Ok(endings(run)?.exact.into_keys().collect())
}

/// How runs ended where outputs were compared.
pub(crate) fn endings(run: &RunDirectory) -> Result<Endings, TrialError> {
    let mut endings = Endings::default();
    let mut hashes: BTreeMap<u32, BTreeSet<u64>> = BTreeMap::new();
    let stage = Part::Workload.stage();
    for id in run.blocks()?.iter().filter(|id| id.stage == stage) {
        for row in run.read_block(id)?.rows {
            let Observation {
                case,
                ending,
                code,
                hash,
                ..
            } = row.observation;
            let seen = endings.seen.entry((id.side, case)).or_default();
            seen.insert((ending, code));
            hashes.entry(case).or_default().insert(hash);
        }
    }
    for (case, hashes) in hashes {
        let only = hashes.first().filter(|hash| **hash != 0);
        if let (1, Some(hash)) = (hashes.len(), only) {
            endings.exact.insert(case, *hash);
        }
    }
    Ok(endings)
}

/// The name of the first load of a side.
pub(crate) fn settling_block(rate_rps: f64, side: Role) -> BlockId {
    BlockId {
        stage: format!("{SETTLING}{rate_rps}"),
        side,
        block: 0,
    }
}

/// The name of a trial of the search for the capacity.
pub(crate) fn capacity_block(side: Role, block: u32) -> BlockId {
    BlockId {
        stage: CAPACITY.to_owned(),
        side,
        block,
    }
}

/// The trials of the search for the capacity so far, in order.
pub(crate) fn capacity_blocks(run: &RunDirectory) -> Result<Vec<LatencyBlock>, TrialError> {
    in_order(run, CAPACITY)
}

/// The name of a trial of the search for the memory floor.
pub(crate) fn floor_block(side: Role, block: u32) -> BlockId {
    BlockId {
        stage: FLOOR.to_owned(),
        side,
        block,
    }
}

/// The trials of the search for the memory floor so far, in order.
pub(crate) fn floor_blocks(run: &RunDirectory) -> Result<Vec<LatencyBlock>, TrialError> {
    in_order(run, FLOOR)
}

fn in_order(run: &RunDirectory, wanted: &str) -> Result<Vec<LatencyBlock>, TrialError> {
    let mut blocks = read_blocks(run, |stage| stage == wanted)?;
    blocks.sort_by_key(|block| (block.side, block.block));
    Ok(blocks)
}

/// Writes one measurement: whole or not at all.
pub(crate) fn write_block(
    run: &RunDirectory,
    id: &BlockId,
    rate_rps: f64,
    figures: &BlockFigures,
    rows: &[Row],
) -> Result<(), TrialError> {
    let mut writer = BlockWriter::create(run, id)?;
    writer.append(rows)?;
    let figures = serde_json::to_string(figures).map_err(|source| EvidenceError::Json {
        action: "write",
        path: run.path().to_owned(),
        source,
    })?;
    let meta = BTreeMap::from([
        (FIGURES.to_owned(), figures),
        (RATE.to_owned(), rate_rps.to_string()),
    ]);
    Ok(writer.finish(&meta)?)
}

/// Writes a trial of a search, with its samples.
pub(crate) fn write_trial(
    run: &RunDirectory,
    id: BlockId,
    rate_rps: f64,
    loaded: Loaded,
) -> Result<LatencyBlock, TrialError> {
    run.write_table(Folder::Samples, &id, &loaded.samples)?;
    write_step(run, id, rate_rps, (loaded.figures, loaded.rows))
}

/// Writes a trial of a search that has no samples.
pub(crate) fn write_step(
    run: &RunDirectory,
    id: BlockId,
    rate_rps: f64,
    (figures, rows): (BlockFigures, Vec<Row>),
) -> Result<LatencyBlock, TrialError> {
    write_block(run, &id, rate_rps, &figures, &rows)?;
    Ok(LatencyBlock {
        rate_rps,
        side: id.side,
        block: id.block,
        figures,
        rows,
        happened: Happenings::default(),
    })
}

/// Reads everything that a verdict rests on.
///
/// # Errors
/// The directory is not a run, or a file in it cannot be read.
pub fn read(run: &RunDirectory) -> Result<Evidence, TrialError> {
    let floor = floor_blocks(run)?;
    let has_runs = floor.iter().any(|block| block.rate_rps == Pacing::NO_RATE);
    Ok(Evidence {
        endings: if has_runs {
            endings(run)?
        } else {
            Endings::default()
        },
        blocks: measured(run)?,
        load_is_over: is_load_over(run)?,
        settling: settling(run)?,
        capacity: capacity_blocks(run)?,
        floor,
        counted: counted(run)?,
        exits: exits(run)?,
        quality: quality(run)?,
        ..read_answers(run)?
    })
}

/// The contenders that ended, whatever they were needed for.
fn exits(run: &RunDirectory) -> Result<Vec<Exited>, TrialError> {
    let mut all = Vec::new();
    for part in [Part::Workload, Part::Edges] {
        let of_part: Vec<Exited> = if_there(run, part.exits(), |name| run.read_lines(name))?;
        all.extend(of_part);
    }
    Ok(all)
}

/// What was compared of edge requests; `None` where none were made.
fn edges(run: &RunDirectory) -> Result<Option<EdgeAnswers>, TrialError> {
    let facts: EdgeFacts = if_there(run, EDGES, |name| run.read_json(name))?;
    if facts.classes.is_empty() {
        return Ok(None);
    }
    Ok(Some(EdgeAnswers {
        facts,
        rows: rows(run, Part::Edges, Role::Candidate)?,
        tuned_rows: rows(run, Part::Edges, Role::Tuned)?,
        reproduced: asked_again(run, Part::Edges)?,
    }))
}

/// What the stages that compare answers left, without the measurements under load.
pub(crate) fn read_answers(run: &RunDirectory) -> Result<Evidence, TrialError> {
    let workload: WorkloadFacts = if_there(run, WORKLOAD, |name| run.read_json(name))?;
    Ok(Evidence {
        operations: workload.operations,
        requests: workload.requests,
        rows: rows(run, Part::Workload, Role::Candidate)?,
        tuned_rows: rows(run, Part::Workload, Role::Tuned)?,
        faults: faults(run)?,
        reproduced: asked_again(run, Part::Workload)?,
        edges: edges(run)?,
        notes: if_there(run, NOTES, |name| run.read_lines(name))?,
        environment: if_there(run, ENVIRONMENT, |name| run.read_json(name))?,
        starts: if_there(run, STARTS, |name| run.read_lines(name))?,
        ..Evidence::default()
    })
}

/// Draws the curves and time series of what is stored, and stores them for the report.
///
/// # Errors
/// A table of samples cannot be read, or the document not be written.
pub fn write_series(run: &RunDirectory, evidence: &Evidence) -> Result<SeriesDocument, TrialError> {
    let samples: Result<Vec<Table>, EvidenceError> = evidence
        .blocks
        .iter()
        .map(|block| {
            let id = latency_block(block.rate_rps, block.side, block.block);
            match block.rate_rps == Pacing::NO_RATE {
                // Runs are measured one by one, and not sampled.
                true => Ok(Table::default()),
                false => run.read_table(Folder::Samples, &id),
            }
        })
        .collect();
    let document = series::draw(&evidence.blocks, &samples?);
    run.write_json(SERIES, &document)?;
    Ok(document)
}

/// Stores the business case, for the report.
///
/// # Errors
/// It cannot be written.
pub fn write_case(run: &RunDirectory, case: &CaseDocument) -> Result<(), TrialError> {
    Ok(run.write_json(CASE, case)?)
}

/// What an interrupted run has not written yet is empty.
fn if_there<T: Default>(
    run: &RunDirectory,
    name: &str,
    read: impl FnOnce(&str) -> Result<T, EvidenceError>,
) -> Result<T, TrialError> {
    if run.path().join(name).exists() {
        Ok(read(name)?)
    } else {
        Ok(T::default())
    }
}

fn read_blocks(
    run: &RunDirectory,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Vec<LatencyBlock>, TrialError> {
    let mut blocks = Vec::new();
    for id in run.blocks()?.into_iter().filter(|id| is_wanted(&id.stage)) {
        let mut block = run.read_block(&id)?;
        if !block.has_classes {
            for row in &mut block.rows {
                row.observation.class = http::class(row.observation.code);
            }
        }
        let path = run.path().join(format!(
            "requests/{}-{}-{}.parquet",
            id.stage, id.side, id.block
        ));
        let figures: BlockFigures = from_meta(&block.meta, FIGURES, &path)?;
        let rate_rps: f64 = from_meta(&block.meta, RATE, &path)?;
        blocks.push(LatencyBlock {
            rate_rps,
            side: id.side,
            block: id.block,
            figures,
            rows: block.rows,
            happened: run.read_happenings(&id)?,
        });
    }
    Ok(blocks)
}

/// A value that was stored in the footer of a block.
fn from_meta<T: serde::de::DeserializeOwned>(
    meta: &BTreeMap<String, String>,
    key: &str,
    path: &Path,
) -> Result<T, EvidenceError> {
    let text = meta.get(key).map_or("", String::as_str);
    serde_json::from_str(text).map_err(|source| EvidenceError::Json {
        action: "read",
        path: path.to_owned(),
        source,
    })
}
