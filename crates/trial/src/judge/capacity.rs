//! The capacity of each side, from the stored trials of its search.

use super::{Evidence, LatencyBlock};
use crate::capacity::{Left, Search};
use crate::config::TrialConfig;
use understudy_model::capacity::SideCapacity;
use understudy_model::{Observation, Side};

/// The capacity of every side that was searched, as far as the search came.
pub(super) fn judge(config: &TrialConfig, evidence: &Evidence) -> Vec<SideCapacity> {
    let Some(search) = config.capacity() else {
        return Vec::new();
    };
    let of = |side: Side| {
        let blocks = evidence.capacity.iter().filter(|block| block.side == side);
        let mut search =
            Search::new(search, &config.slos, &evidence.endpoints).by(evidence.environment.rules);
        blocks.for_each(|block| record(&mut search, block));
        (search.trials_made() > 0).then(|| SideCapacity {
            side,
            capacity: search.result(),
        })
    };
    Side::ALL.into_iter().filter_map(of).collect()
}

/// Adds a stored trial to a search.
pub(crate) fn record(search: &mut Search<'_>, block: &LatencyBlock) {
    let observations: Vec<Observation> = block.rows.iter().map(|row| row.observation).collect();
    search.record(&Left::of(block, &observations));
}
