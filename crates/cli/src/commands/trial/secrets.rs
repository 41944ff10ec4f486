//! What of a configuration may be stored, and how a resumed run gets the rest again.

use crate::exit::{Failure, usage};
use understudy_model::Side;
use understudy_redact::Redactor;
use understudy_trial::config::{RequestsFrom, SideConfig, TrialConfig};

/// The configuration as it may be stored: values of secret variables, and whatever has the form of a
/// secret, are replaced. Judging needs none of them.
pub(super) fn without_secrets(config: &TrialConfig, redactor: &Redactor) -> TrialConfig {
    let mut config = config.clone();
    for side in [&mut config.incumbent, &mut config.candidate] {
        match side {
            SideConfig::Running { url, .. } => *url = redactor.redact_text(url),
            SideConfig::Launched(launched) => {
                launched.run = redactor.redact_text(&launched.run);
                launched.build = launched.build.as_deref().map(|b| redactor.redact_text(b));
                for (name, value) in &mut launched.env {
                    *value = redactor.redact_field(name, value.as_bytes());
                }
            }
        }
    }
    if let RequestsFrom::Paths(paths) = &mut config.workload.requests {
        for path in paths {
            *path = redactor.redact_text(path);
        }
    }
    config
}

/// How a value begins that was replaced.
const REPLACED: &str = "<redacted ";

/// Puts back what [`without_secrets`] took out, from the configuration that the run began with.
///
/// # Errors
/// The values are hidden and `original` is not known, or has no such value.
pub(super) fn with_secrets(
    stored: &TrialConfig,
    original: Option<&TrialConfig>,
) -> Result<TrialConfig, Failure> {
    let mut config = stored.clone();
    let mut hidden = Hidden::default();
    let from = |side| original.map(|original| original.side(side));
    hidden.side(&mut config.incumbent, from(Side::Incumbent));
    hidden.side(&mut config.candidate, from(Side::Candidate));
    if let RequestsFrom::Paths(paths) = &mut config.workload.requests {
        let original = original.map(|original| &original.workload.requests);
        for (index, path) in paths.iter_mut().enumerate() {
            let known = match original {
                Some(RequestsFrom::Paths(paths)) => paths.get(index),
                _ => None,
            };
            hidden.reveal(path, known);
        }
    }
    match hidden.unknown {
        0 => Ok(config),
        count => Err(usage(format!(
            "--resume: {count} secret value{} of the configuration {} not stored; name the trial's file (or give its flags) again beside --resume",
            if count == 1 { "" } else { "s" },
            if count == 1 { "is" } else { "are" },
        ))),
    }
}

/// Counts the values that nobody knows any more.
#[derive(Default)]
struct Hidden {
    unknown: usize,
}

impl Hidden {
    fn reveal(&mut self, value: &mut String, original: Option<&String>) {
        if !value.contains(REPLACED) {
            return;
        }
        match original {
            Some(original) => value.clone_from(original),
            None => self.unknown += 1,
        }
    }

    fn side(&mut self, side: &mut SideConfig, original: Option<&SideConfig>) {
        match (side, original) {
            (SideConfig::Running { url, .. }, original) => {
                let known = match original {
                    Some(SideConfig::Running { url, .. }) => Some(url),
                    _ => None,
                };
                self.reveal(url, known);
            }
            (SideConfig::Launched(launched), original) => {
                let known = match original {
                    Some(SideConfig::Launched(known)) => Some(known),
                    _ => None,
                };
                self.reveal(&mut launched.run, known.map(|known| &known.run));
                if let Some(build) = &mut launched.build {
                    self.reveal(build, known.and_then(|known| known.build.as_ref()));
                }
                for (name, value) in &mut launched.env {
                    self.reveal(value, known.and_then(|known| known.env.get(name)));
                }
            }
        }
    }
}

/// A key that is forgotten with the process, so that nobody can try secrets against their marks.
pub(crate) fn redaction_key() -> anyhow::Result<[u8; 16]> {
    let mut key = [0; 16];
    getrandom::fill(&mut key)
        .map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
    Ok(key)
}
