//! `[edges]`: whether requests are made that recorded traffic does not have.

use super::reader::Section;
use understudy_trial::config::EdgesConfig;

/// Reads the section; `None` where there is none: no such requests are made then.
pub(super) fn read(mut section: Section<'_>) -> Option<EdgesConfig> {
    if !section.is_there() {
        return None;
    }
    let config = EdgesConfig {
        writes: section.boolean("writes").unwrap_or(false),
        required: section.boolean("required").unwrap_or(false),
        budget: section.quantity("budget").unwrap_or(EdgesConfig::BUDGET),
        idle: section.quantity("idle").unwrap_or(EdgesConfig::IDLE),
    };
    if config.budget.nanos() == 0 {
        section.refuse("budget", "0 leaves no time to ask anything");
    }
    section.finish();
    Some(config)
}
