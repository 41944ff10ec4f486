//! The memory floor of each side, from the stored trials of its search.

use super::Evidence;
use crate::assessment::Objectives;
use crate::config::TrialConfig;
use crate::floor::Search;
use understudy_model::Side;
use understudy_model::floor::SideFloor;

/// The memory floor of every side that was searched, as far as the search came.
pub(super) fn judge(config: &TrialConfig, evidence: &Evidence) -> Vec<SideFloor> {
    let Some(floor) = config.memory_floor else {
        return Vec::new();
    };
    let objectives = Objectives {
        slos: &config.slos,
        endpoints: &evidence.endpoints,
        rules: evidence.environment.rules,
    };
    let of = |side: Side| {
        let mut search = Search::new(side, floor, config.limits, objectives);
        let blocks = evidence.floor.iter().filter(|block| block.side == side);
        blocks.for_each(|block| search.record(block));
        (search.trials_made() > 0).then(|| search.result())
    };
    Side::ALL.into_iter().filter_map(of).collect()
}
