//! Why a trial ends without a verdict.

use std::path::PathBuf;
use understudy_evidence::EvidenceError;
use understudy_model::{Role, plain_words};
use understudy_probe::{FreezeError, LaunchError, ReadyError, SampleError, TaskError};
use understudy_subject::Trouble;
use understudy_subject_command::CommandError;
use understudy_subject_http::{HttpLoadError, TargetError};

/// Why a trial ends without a verdict. What was measured until then is kept.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// A signal asked for the end.
    #[error("interrupted")]
    Interrupted,
    /// A build failed.
    #[error(transparent)]
    Build(#[from] TaskError),
    /// A commit cannot be checked out.
    #[error("git {command} in {dir}: {why}", dir = .dir.display())]
    Git {
        /// Where.
        dir: PathBuf,
        /// Its arguments.
        command: String,
        /// What git says.
        why: String,
    },
    /// A run cannot continue because something is not as it was when it began.
    #[error(
        "{what} changed since the run began (was {was}, is {is}): its measurements would not be comparable\nhint: start a new run"
    )]
    Changed {
        /// What.
        what: String,
        /// When the run began.
        was: String,
        /// Now.
        is: String,
    },
    /// A side cannot be started.
    #[error(transparent)]
    Launch(#[from] LaunchError),
    /// A side did not become ready.
    #[error(transparent)]
    Ready(#[from] ReadyError),
    /// No port is available.
    #[error("no free port on 127.0.0.1: {}", plain_words(.0))]
    Port(std::io::Error),
    /// Another program answers on the side's port.
    #[error(
        "the {side} was given port {port}, but another program listens there\nhint: use `{{port}}` in its `run` command"
    )]
    Foreign {
        /// The side.
        side: Role,
        /// The port.
        port: u16,
    },
    /// A side exited while it was needed.
    #[error("the {name} exited {during} ({exit}){log}\nhint: its whole log is `{file}`", file = .file.display())]
    Ended {
        /// Which process.
        name: String,
        /// During what.
        during: String,
        /// How it ended.
        exit: String,
        /// Its last log lines, as the end of the sentence.
        log: String,
        /// Where its whole log is.
        file: PathBuf,
    },
    /// A request that prepares a side failed.
    #[error("request {line} of the prepare file failed at the {name}: {why}")]
    Prepare {
        /// Which process.
        name: String,
        /// Number of the request, from 1.
        line: usize,
        /// Why.
        why: String,
    },
    /// A side cannot be frozen or woken.
    #[error(transparent)]
    Freeze(#[from] FreezeError),
    /// A side that runs already does not take connections.
    #[error("the {name} does not answer at {address}: {why}\nhint: start it, or correct its `url`")]
    Unreachable {
        /// Which process.
        name: String,
        /// Where.
        address: String,
        /// Why.
        why: String,
    },
    /// An outside service that the sides call is not there.
    #[error(
        "{name:?} does not answer at {address}: {why}\nhint: start it, or correct the `{key}` of its [[dependency]]"
    )]
    DependencyUnreachable {
        /// What it is called.
        name: String,
        /// Where.
        address: String,
        /// Why.
        why: String,
        /// The key that says where it is.
        key: &'static str,
    },
    /// An outside service that the sides call has no usable URL.
    #[error("dependency {name:?}: url")]
    DependencyUrl {
        /// What it is called.
        name: String,
        /// What is wrong with it.
        source: TargetError,
    },
    /// A side that runs already has no usable URL.
    #[error("side.{side}.url")]
    Url {
        /// The side.
        side: Role,
        /// What is wrong.
        source: TargetError,
    },
    /// A side that runs already cannot be measured.
    #[error("side.{side}.attach")]
    Attach {
        /// The side.
        side: Role,
        /// What is wrong.
        source: SampleError,
    },
    /// A request cannot be sent to a target.
    #[error("request {0} of the workload: {1}")]
    Request(usize, understudy_wire::http1::RequestError),
    /// The cases are of another kind than the configuration.
    #[error("the cases are not of the kind of subject that the configuration names")]
    OtherKind,
    /// A command cannot be run.
    #[error("the {side} cannot be run: {why}")]
    Command {
        /// The side.
        side: Role,
        /// Why not, with a hint in a second line.
        why: String,
    },
    /// A case could not be put to a side.
    #[error("the {name} cannot be asked: {source}")]
    Ask {
        /// Which side.
        name: String,
        /// Why.
        source: Trouble,
    },
    /// The load generator failed.
    #[error("the {name} could not be put under load: {source}")]
    Load {
        /// Which process.
        name: String,
        /// Why.
        source: HttpLoadError,
    },
    /// The generator cannot be kept on its CPUs.
    #[error(
        "cannot pin Understudy to CPU {cpus}: {}\nhint: set `generator` in `[machine]`",
        plain_words(source)
    )]
    Pin {
        /// The CPUs.
        cpus: understudy_host::CpuList,
        /// The system's word.
        source: std::io::Error,
    },
    /// Evidence cannot be stored or read.
    #[error(transparent)]
    Evidence(#[from] EvidenceError),
}

impl TrialError {
    /// A side could not be asked.
    pub(crate) fn asking(side: Role, source: impl Into<Trouble>) -> Self {
        TrialError::Ask {
            name: side.in_words().to_owned(),
            source: source.into(),
        }
    }

    /// May a memory limit that is too small be why runs could not be made?
    pub(crate) fn may_be_of_memory(&self) -> bool {
        let TrialError::Ask { source, .. } = self else {
            return false;
        };
        let of_command = source.downcast_ref::<CommandError>();
        of_command.is_some_and(CommandError::may_be_of_memory)
    }

    /// What is wrong, without the lines of a log and without a hint.
    pub(crate) fn first_line(&self) -> String {
        let text = self.to_string();
        let line = text.lines().next().unwrap_or_default();
        line.trim_end_matches("; its last log lines:").to_owned()
    }

    /// Is it the side that failed, and not what is around it?
    pub(crate) fn is_of_the_side(&self) -> bool {
        matches!(
            self,
            TrialError::Ready(_) | TrialError::Ended { .. } | TrialError::Prepare { .. }
        )
    }

    /// Did a side end before it was ready because its memory limit was reached?
    pub(crate) fn is_out_of_memory(&self) -> bool {
        matches!(self, TrialError::Ready(ReadyError::Ended { exit, .. }) if exit.out_of_memory)
    }
}
