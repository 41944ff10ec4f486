//! What of a configuration may be stored, and how a resumed run gets the rest again.

use crate::exit::Failure;
use understudy_model::Role;
use understudy_redact::{Redactor, is_redacted, is_redaction_of};
use understudy_trial::config::{RequestsFrom, SideConfig, TrialConfig};

/// The configuration as it may be stored: values of secret variables, and whatever has the form of a
/// secret, are replaced. Judging needs none of them.
pub(super) fn without_secrets(config: &TrialConfig, redactor: &Redactor) -> TrialConfig {
    let mut config = config.clone();
    for side in Role::SIDES {
        match config.side_mut(side) {
            None => {}
            Some(SideConfig::Running { url, .. }) => *url = redactor.redact_text(url),
            Some(SideConfig::Launched(launched)) => {
                launched.run = redactor.redact_text(&launched.run);
                launched.build = launched.build.as_deref().map(|b| redactor.redact_text(b));
                for (name, value) in &mut launched.env {
                    *value = redactor.redact_field(name, value.as_bytes());
                }
            }
        }
    }
    if let Some(paths) = paths_mut(&mut config) {
        for path in paths {
            *path = redactor.redact_text(path);
        }
    }
    config
}

/// The paths that a configuration itself asks for.
fn paths_mut(config: &mut TrialConfig) -> Option<&mut Vec<String>> {
    match &mut config.workload.http_mut()?.requests {
        RequestsFrom::Paths(paths) => Some(paths),
        RequestsFrom::File(_) => None,
    }
}

/// Puts back what [`without_secrets`] took out, from the configuration that the run began with. Where
/// a side is attached to is taken from there too: it may have been started again.
///
/// # Errors
/// Values are hidden and `original` is not known, or says something else than the run began with.
pub(super) fn with_secrets(
    stored: &TrialConfig,
    original: Option<&TrialConfig>,
) -> Result<TrialConfig, Failure> {
    let mut config = stored.clone();
    let mut hidden = Hidden::default();
    for side in Role::SIDES {
        if let Some(of) = config.side_mut(side) {
            hidden.side(of, original.map(|original| original.side(side)));
        }
    }
    if let Some(paths) = paths_mut(&mut config) {
        let of_original = original.and_then(|original| original.workload.http());
        let known = match of_original.map(|workload| &workload.requests) {
            Some(RequestsFrom::Paths(known)) => known.as_slice(),
            _ => &[],
        };
        for (index, path) in paths.iter_mut().enumerate() {
            hidden.reveal("workload.paths", path, known.get(index));
        }
    }
    match hidden.wrong.is_empty() {
        true => Ok(config),
        false => Err(Failure::Usage(hidden.wrong)),
    }
}

/// What cannot be put back.
#[derive(Default)]
struct Hidden {
    wrong: Vec<String>,
}

impl Hidden {
    fn reveal(&mut self, key: &str, value: &mut String, original: Option<&String>) {
        if !is_redacted(value) {
            return;
        }
        match original {
            Some(original) if is_redaction_of(value, original) => value.clone_from(original),
            Some(_) => self.wrong.push(format!(
                "--resume: {key} is not what the run began with\nhint: put it back, or start a new run"
            )),
            None => self.wrong.push(format!(
                "--resume: the secret in {key} is not stored\nhint: give the file (or the flags) that it began with again, with `--resume`"
            )),
        }
    }

    fn side(&mut self, side: &mut SideConfig, original: Option<&SideConfig>) {
        match (side, original) {
            (SideConfig::Running { url, attach }, original) => {
                let known = match original {
                    Some(SideConfig::Running { url, attach: known }) => {
                        attach.clone_from(known);
                        Some(url)
                    }
                    _ => None,
                };
                self.reveal("url", url, known);
            }
            (SideConfig::Launched(launched), original) => {
                let known = match original {
                    Some(SideConfig::Launched(known)) => Some(known),
                    _ => None,
                };
                self.reveal("run", &mut launched.run, known.map(|known| &known.run));
                if let Some(build) = &mut launched.build {
                    self.reveal("build", build, known.and_then(|known| known.build.as_ref()));
                }
                for (name, value) in &mut launched.env {
                    let known = known.and_then(|known| known.env.get(name));
                    self.reveal(&format!("env.{name}"), value, known);
                }
            }
        }
    }
}

/// A key that exists only in this process, so that secrets cannot be guessed from their marks later.
pub(crate) fn redaction_key() -> anyhow::Result<[u8; 16]> {
    let mut key = [0; 16];
    getrandom::fill(&mut key)
        .map_err(|error| anyhow::anyhow!("the system gives no random numbers: {error}"))?;
    Ok(key)
}
