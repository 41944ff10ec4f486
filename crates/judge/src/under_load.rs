//! Are the answers under load those of the incumbent?
//!
//! Under load state depends on the order in which requests meet, so values are compared only where
//! the incumbent gives one and the same answer in all of its measurements.

use crate::Evidence;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use understudy_model::Role;
use understudy_model::stored::Row;
use understudy_model::verdict::{Deviation, UnderLoad};

/// What the incumbent showed for one request.
#[derive(Default)]
struct Shown {
    codes_and_shapes: BTreeSet<(i32, u64)>,
    values: BTreeSet<u64>,
    blocks: BTreeSet<(u64, u32)>,
    not_inspected: bool,
}

/// Measurements in which the incumbent has to agree with itself before values are compared.
const AGREEING_BLOCKS: usize = 2;

/// Compares a contender's answers with what the incumbent showed for the same request; `None`
/// without measurements.
pub(crate) fn compare(evidence: &Evidence, contender: Role) -> Option<UnderLoad> {
    let shown = incumbent(evidence);
    let mut result = UnderLoad {
        answered: 0,
        agreeing: 0,
        deviating: 0,
        not_inspected: 0,
        deviations: Vec::new(),
    };
    let mut deviations: BTreeMap<(u32, &str), (u64, u32)> = BTreeMap::new();
    let measured = evidence.blocks.iter().filter(|b| b.side == contender);
    for row in measured.flat_map(|b| &b.rows).filter(|row| comparable(row)) {
        result.answered += 1;
        match deviation(row, shown.get(&row.observation.case)) {
            None => result.not_inspected += 1,
            Some(None) => result.agreeing += 1,
            Some(Some(what)) => {
                result.deviating += 1;
                let key = (row.observation.operation, what);
                deviations.entry(key).or_insert((0, row.observation.case)).0 += 1;
            }
        }
    }
    result.deviations = deviations
        .into_iter()
        .map(|((operation, what), (count, request))| Deviation {
            operation: evidence
                .operations
                .get(operation as usize)
                .cloned()
                .unwrap_or_default(),
            what: what.to_owned(),
            count,
            request,
        })
        .collect();
    (result.answered > 0).then_some(result)
}

/// Server errors belong to the error rate, not here.
fn comparable(row: &Row) -> bool {
    !row.observation.is_error()
}

fn incumbent(evidence: &Evidence) -> HashMap<u32, Shown> {
    let mut all: HashMap<u32, Shown> = HashMap::new();
    for block in evidence.blocks.iter().filter(|b| b.side == Role::Incumbent) {
        for row in block.rows.iter().filter(|row| comparable(row)) {
            let shown = all.entry(row.observation.case).or_default();
            shown.blocks.insert((block.rate_rps.to_bits(), block.block));
            shown
                .codes_and_shapes
                .insert((row.observation.code, row.shape));
            shown.values.insert(row.value);
            shown.not_inspected |= row.shape == 0;
        }
    }
    all
}

/// `None`: nothing to compare with. `Some(None)`: agrees. `Some(Some(what))`: deviates.
fn deviation(row: &Row, shown: Option<&Shown>) -> Option<Option<&'static str>> {
    let shown = shown.filter(|shown| shown.blocks.len() >= AGREEING_BLOCKS)?;
    if !shown
        .codes_and_shapes
        .iter()
        .any(|(code, _)| *code == row.observation.code)
    {
        return Some(Some("code"));
    }
    if row.shape == 0 || shown.not_inspected {
        return None;
    }
    if !shown
        .codes_and_shapes
        .contains(&(row.observation.code, row.shape))
    {
        return Some(Some("shape"));
    }
    let agrees_with_itself = shown.values.len() == 1;
    if agrees_with_itself && !shown.values.contains(&row.value) {
        return Some(Some("value"));
    }
    Some(None)
}
