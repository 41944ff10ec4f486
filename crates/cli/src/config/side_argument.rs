//! `--side candidate=git:REF`: a side that replaces that of the file.

use super::sides::{Limited, READY_TIMEOUT, mistakes, resolve};
use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;
use understudy_judge::terms::Question;
use understudy_model::Role;
use understudy_subject_http::Target;
use understudy_trial::config::{Launched, Pauses, Ready, SideConfig, TrialConfig};

/// One `--side`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SideArgument {
    pub(super) side: Role,
    given: Given,
}

/// What is in the place of the side.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Given {
    /// The same side (or the other one, where the file has none; a tuned side that it has not is the
    /// incumbent), at this commit, branch or tag.
    Git(String),
    /// One that runs already.
    Url(String),
    /// A command that starts it.
    Command(String),
}

impl FromStr for SideArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = "write incumbent=..., candidate=... or tuned=..., followed by git:REF, a command or an http:// URL";
        let (name, value) = text.split_once('=').ok_or(wanted)?;
        let side = Role::SIDES
            .into_iter()
            .find(|side| side.name() == name.trim());
        let given = match value.trim() {
            "" | "git:" => return Err(wanted.to_owned()),
            value if value.starts_with("http://") || value.starts_with("https://") => {
                Given::Url(value.to_owned())
            }
            value => match value.strip_prefix("git:") {
                Some(name) => Given::Git(name.to_owned()),
                None => Given::Command(value.to_owned()),
            },
        };
        Ok(SideArgument {
            side: side.ok_or(wanted)?,
            given,
        })
    }
}

/// Puts the given sides in the place of those of the configuration, whose paths are relative to
/// `folder`.
///
/// # Errors
/// Every mistake, one line each: `--side NAME: what`.
pub(super) fn apply(
    config: &mut TrialConfig,
    arguments: &[SideArgument],
    folder: &Path,
) -> Result<(), Vec<String>> {
    let mut wrong = Vec::new();
    let limited = Limited {
        kind: config.workload.kind(),
        memory: config.limits.memory.is_some(),
        cpus: config.limits.cpus.is_some(),
    };
    for argument in arguments {
        if argument.side == Role::Tuned && config.question != Question::Replace {
            let what = "no_worse compares two versions of one service";
            wrong.push(argument.wrong(what));
        }
        match argument.instead_of(config.side(argument.side), folder) {
            Ok(replacement) => {
                let mistakes = match &replacement {
                    SideConfig::Launched(launched) => mistakes(launched, limited),
                    SideConfig::Running { .. } => Vec::new(),
                };
                match argument.side {
                    Role::Incumbent | Role::Second => config.incumbent = replacement,
                    Role::Candidate => config.candidate = replacement,
                    Role::Tuned => config.tuned = Some(replacement),
                }
                wrong.extend(mistakes.into_iter().map(|(_, what)| argument.wrong(&what)));
            }
            Err(what) => wrong.push(argument.wrong(&what)),
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong),
    }
}

impl SideArgument {
    fn wrong(&self, what: &str) -> String {
        format!("--side {}: {what}", self.side)
    }

    fn instead_of(&self, side: &SideConfig, folder: &Path) -> Result<SideConfig, String> {
        match (&self.given, side) {
            (Given::Git(name), SideConfig::Launched(launched)) => {
                Ok(SideConfig::Launched(Launched {
                    git: Some(resolve(&launched.dir, name)?),
                    ..launched.clone()
                }))
            }
            (Given::Git(_), SideConfig::Running { .. }) => Err(
                "a commit needs a side in the file that says run and build (and no url)".to_owned(),
            ),
            (Given::Url(url), _) => match Target::parse_server(url) {
                Ok(_) => Ok(SideConfig::Running {
                    url: url.clone(),
                    attach: None,
                }),
                Err(error) => Err(error.to_string()),
            },
            (Given::Command(run), _) => Ok(SideConfig::Launched(Launched {
                dir: folder.to_owned(),
                git: None,
                build: None,
                shell: false,
                run: run.clone(),
                env: BTreeMap::new(),
                ready: Ready::Port,
                ready_timeout: READY_TIMEOUT,
                pauses: Pauses::default(),
            })),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_is_named_with_what_replaces_it() {
        let parse = |text: &str| text.parse::<SideArgument>();
        let given = |text: &str| parse(text).unwrap().given;
        assert_eq!(
            given("candidate=git:HEAD~1"),
            Given::Git("HEAD~1".to_owned())
        );
        assert_eq!(
            given("incumbent=http://127.0.0.1:1/"),
            Given::Url("http://127.0.0.1:1/".to_owned())
        );
        let command = "./serve --listen={port}";
        assert_eq!(
            given(&format!("candidate={command}")),
            Given::Command(command.to_owned())
        );
        assert_eq!(parse("incumbent=x").unwrap().side, Role::Incumbent);
        for wrong in [
            "candidate",
            "candidat=x",
            "candidate=",
            "candidate=git:",
            "=x",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
