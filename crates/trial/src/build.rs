//! Builds of the sides, before anything runs.

use crate::config::{SideConfig, TrialConfig};
use crate::environment;
use crate::error::TrialError;
use crate::placeholders::fill;
use crate::{Event, Watch};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use understudy_judge::terms::LimitsConfig;
use understudy_model::verdict::Environment;
use understudy_probe::{Task, run_to_completion};

/// Builds the sides. One that a run that continues finds as it was is not built again: not every build
/// gives the same bytes twice.
pub(crate) fn build(
    config: &TrialConfig,
    began: Option<&Environment>,
    logs: &Path,
    (stop, watch): (&AtomicBool, &Watch<'_>),
) -> Result<(), TrialError> {
    let interrupted = || stop.load(Ordering::Relaxed);
    for side in config.sides() {
        if interrupted() {
            return Err(TrialError::Interrupted);
        }
        let SideConfig::Launched(launched) = config.side(side) else {
            continue;
        };
        let Some(command) = &launched.build else {
            continue;
        };
        if began.is_some_and(|began| environment::is_built(config, side, began)) {
            continue;
        }
        watch(Event::Building(side));
        let task = Task {
            name: format!("the build of the {}", side.in_words()),
            command: command.clone(),
            dir: launched.dir.clone(),
            env: env_of_build(&launched.env, config.limits),
            log: logs.join(format!("build-{side}.log")),
            timeout: None,
        };
        run_to_completion(&task, stop).map_err(|error| match interrupted() {
            true => TrialError::Interrupted,
            false => error.into(),
        })?;
    }
    Ok(())
}

/// What of a side's environment its build gets too: what does not hang on a port or a limit, which only
/// one that runs has. (A Go compiler that meets `GOMEMLIMIT={heap_mib}MiB` ends at once.)
fn env_of_build(env: &BTreeMap<String, String>, limits: LimitsConfig) -> BTreeMap<String, String> {
    let kept = env
        .iter()
        .filter(|(_, value)| fill(value, 0, limits) == **value);
    kept.map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use understudy_model::ByteSize;

    #[test]
    fn a_build_gets_the_variables_without_placeholders() {
        let limits = LimitsConfig {
            memory: Some(ByteSize::new(64 << 20)),
            ..LimitsConfig::default()
        };
        let env = [
            ("GOFLAGS", "-trimpath"),
            ("GOMEMLIMIT", "{heap_mib}MiB"),
            ("PORT", "{port}"),
        ];
        let env = env.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let kept = env_of_build(&BTreeMap::from(env), limits);
        assert_eq!(kept.into_keys().collect::<Vec<_>>(), ["GOFLAGS"]);
    }
}
