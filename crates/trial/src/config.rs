//! What a trial shall do: plain data, read from TOML or built from flags by the command line.

use crate::capacity::CapacityConfig;
use crate::floor::FloorConfig;
use std::collections::BTreeMap;
use std::path::PathBuf;
use understudy_case::Case;
use understudy_compare::Rule;
use understudy_host::CpuList;
use understudy_load::Arrivals;
use understudy_model::verdict::Bearing;
use understudy_model::{ByteSize, Change, Cpus, Share, Side, Span};
use understudy_probe::{Given, Runtime, SampleError, Sampler};

/// How much time a trial may take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// The highest rate only, in under 90 seconds.
    Quick,
    /// Every rate, in under 6 minutes.
    #[default]
    Default,
    /// More and longer blocks: smaller effects show, for about half an hour.
    Thorough,
}

impl Level {
    /// Every level, the shortest first.
    pub const ALL: [Level; 3] = [Level::Quick, Level::Default, Level::Thorough];

    /// Time to look for the capacity of one side.
    pub fn capacity_budget(self) -> Span {
        match self {
            Level::Quick => Span::from_secs(45),
            Level::Default => CapacityConfig::BUDGET,
            Level::Thorough => Span::from_secs(300),
        }
    }

    /// The name used in configuration and output.
    pub fn name(self) -> &'static str {
        match self {
            Level::Quick => "quick",
            Level::Default => "default",
            Level::Thorough => "thorough",
        }
    }
}

/// A whole trial.
#[derive(Clone, Debug, PartialEq)]
pub struct TrialConfig {
    /// Name of the trial; the run directory begins with it.
    pub name: String,
    /// How much time it may take.
    pub level: Level,
    /// Fixes schedules, block order and resampling.
    pub seed: u64,
    /// What runs today.
    pub incumbent: SideConfig,
    /// What may replace it.
    pub candidate: SideConfig,
    /// What runs today in another setting: what tuning alone would gain. Not measured where `None`.
    pub tuned: Option<SideConfig>,
    /// What is asked of all of them.
    pub workload: WorkloadConfig,
    /// What has to be held. May be empty.
    pub slos: Vec<Slo>,
    /// What the rewrite is for. May be empty.
    pub goals: Vec<Goal>,
    /// What the verdict answers.
    pub question: Question,
    /// Equal limits for both sides.
    pub limits: LimitsConfig,
    /// Differences that are accepted.
    pub rules: Vec<Rule>,
    /// Which CPUs belong to which process; chosen by the program where `None`.
    pub machine: MachineConfig,
    /// How the highest rate that holds the objectives is looked for; not at all where `None`.
    pub capacity: Option<CapacityConfig>,
    /// How the smallest memory limit that holds the objectives is looked for; not at all where `None`.
    pub memory_floor: Option<FloorConfig>,
    /// The business case that has to agree before anything is replaced.
    pub case: Option<CaseConfig>,
}

/// What is stated for the business case of a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct CaseConfig {
    /// Its figures; what the trial measures may be missing.
    pub case: Case,
    /// The file that they are in, as it is kept with the run.
    pub text: String,
}

impl TrialConfig {
    /// What `Host` says to every side; `None` if each has its own.
    pub fn host(&self) -> Option<String> {
        match &self.workload.host {
            HostHeader::Own => None,
            HostHeader::Named(name) => Some(name.clone()),
            HostHeader::Same => match self.side(Side::Incumbent) {
                SideConfig::Running { url, .. } => authority(url),
                SideConfig::Launched(_) => Some("localhost".to_owned()),
            },
        }
    }

    /// When the sides start again. Two starts of one program differ by some percent of CPU time (where their memory
    /// came to lie: Mytkowicz et al., ASPLOS 2009; Kalibera and Jones, ISMM 2013), which is about the margin that "no
    /// worse" is asked with. Whether to replace turns on more, and what compiles as it runs needs its time.
    pub fn fresh(&self) -> Fresh {
        self.workload.fresh.unwrap_or(match self.question {
            Question::Replace => Fresh::Trial,
            Question::NoWorse { .. } => Fresh::Pair,
        })
    }

    /// The goals that are judged: those that are stated, or, where it is only asked whether a newer
    /// version is worse, that nothing grows by more than the margin.
    pub fn judged_goals(&self) -> Vec<Goal> {
        let Question::NoWorse { margin, .. } = self.question else {
            return self.goals.clone();
        };
        if !self.goals.is_empty() {
            return self.goals.clone();
        }
        let change = Change::new(margin.get());
        let mut quantiles = vec![0.5, self.primary_quantile().1];
        quantiles.dedup();
        let latency = quantiles
            .into_iter()
            .map(|quantile| Goal::Latency { quantile, change });
        let resources = [Goal::Cpu(change), Goal::Memory(change)];
        latency.chain(resources).collect()
    }

    /// Endpoint and quantile on which the verdict rests first: the first latency objective, p99 of
    /// all requests where none is stated.
    pub fn primary_quantile(&self) -> (String, f64) {
        let first = self.slos.iter().find_map(|slo| match slo {
            Slo::Latency {
                endpoint, quantile, ..
            } => Some((endpoint.clone(), *quantile)),
            Slo::ErrorRate { .. } => None,
        });
        first.unwrap_or_else(|| ("*".to_owned(), 0.99))
    }

    /// The highest quantile that an objective, a goal or the primary outcome names.
    pub(crate) fn highest_quantile(&self) -> f64 {
        let goals = self.judged_goals();
        let goals = goals.iter().filter_map(|goal| match goal {
            Goal::Latency { quantile, .. } => Some(*quantile),
            Goal::Cpu(_) | Goal::Memory(_) => None,
        });
        let slos = self.slos.iter().filter_map(Slo::quantile);
        slos.chain(goals).fold(self.primary_quantile().1, f64::max)
    }

    /// The search for a capacity, with the time that the level gives it.
    pub fn capacity(&self) -> Option<CapacityConfig> {
        let config = self.capacity?;
        Some(CapacityConfig {
            budget: Some(config.budget.unwrap_or(self.level.capacity_budget())),
            ..config
        })
    }

    /// The sides of the trial, the incumbent first.
    pub fn sides(&self) -> impl Iterator<Item = Side> + use<> {
        let tuned = self.tuned.is_some();
        let there = move |side: &Side| *side != Side::Tuned || tuned;
        Side::ALL.into_iter().filter(there)
    }

    /// The configuration of one side. An incumbent without tuning is tuned as it is.
    pub fn side(&self, side: Side) -> &SideConfig {
        match side {
            Side::Incumbent => &self.incumbent,
            Side::Candidate => &self.candidate,
            Side::Tuned => self.tuned.as_ref().unwrap_or(&self.incumbent),
        }
    }

    /// The configuration of one side, to change it; `None` for a tuned side that there is not.
    pub fn side_mut(&mut self, side: Side) -> Option<&mut SideConfig> {
        match side {
            Side::Incumbent => Some(&mut self.incumbent),
            Side::Candidate => Some(&mut self.candidate),
            Side::Tuned => self.tuned.as_mut(),
        }
    }
}

/// What a verdict answers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Question {
    /// Should the candidate replace the incumbent?
    #[default]
    Replace,
    /// Is the candidate, a newer version of the same service, worse by more than a margin?
    NoWorse {
        /// What it may be worse.
        margin: Share,
        /// How long it is measured at most while that is undecided, equivalence and starts apart;
        /// chosen by the level where `None`.
        longest: Option<Span>,
    },
}

impl Question {
    /// The margin, where nothing is said.
    pub const MARGIN: f64 = 0.05;
}

/// How a side comes to run.
#[derive(Clone, Debug, PartialEq)]
pub enum SideConfig {
    /// Understudy builds, starts and stops it.
    Launched(Launched),
    /// It runs already; nothing is restarted or frozen.
    Running {
        /// Its base URL.
        url: String,
        /// What is measured of it; nothing where `None`.
        attach: Option<Attach>,
    },
}

/// Where the CPU time and memory of a side that runs already are measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attach {
    /// This process and its descendants.
    Pid(u32),
    /// This process, a JVM, and its descendants; it is asked to log its pauses while it is measured.
    Jvm(u32),
    /// Everything in this control group, such as a container's: named as `/proc/PID/cgroup` does, or
    /// by its directory.
    Cgroup(PathBuf),
}

impl Attach {
    /// Reads what it names.
    ///
    /// # Errors
    /// There is no such process or group, or nothing runs in it.
    pub fn sampler(&self) -> Result<Sampler, SampleError> {
        match self {
            Attach::Pid(pid) | Attach::Jvm(pid) => Sampler::of_pid(*pid),
            Attach::Cgroup(path) => Sampler::of_cgroup(path),
        }
    }

    /// What it may use at most.
    pub fn given(&self) -> Given {
        match self {
            Attach::Pid(pid) | Attach::Jvm(pid) => Given::of_pid(*pid),
            Attach::Cgroup(path) => Given::of_cgroup(path),
        }
    }
}

/// A side that Understudy starts.
#[derive(Clone, Debug, PartialEq)]
pub struct Launched {
    /// Working directory.
    pub dir: PathBuf,
    /// Commit, branch or tag of the repository around `dir`: it is checked out next to the working
    /// tree, and `dir` means the same folder there.
    pub git: Option<String>,
    /// Shell command that builds it, run once.
    pub build: Option<String>,
    /// Command that starts it; `{port}`, `{cpus}`, `{memory}` (bytes), `{memory_mib}` and
    /// `{heap_mib}` are replaced.
    pub run: String,
    /// Environment added to Understudy's own.
    pub env: BTreeMap<String, String>,
    /// How it shows that it is ready.
    pub ready: Ready,
    /// Longest time until then.
    pub ready_timeout: Span,
    /// Whether its runtime is made to log when it pauses.
    pub pauses: Pauses,
}

/// Whether a runtime is made to log when it pauses its program.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pauses {
    /// The one that the command shows, if any.
    #[default]
    Auto,
    /// None.
    Off,
    /// This one.
    Of(Runtime),
}

impl Pauses {
    /// Every choice.
    pub const ALL: [Pauses; 7] = [
        Pauses::Auto,
        Pauses::Off,
        Pauses::Of(Runtime::Go),
        Pauses::Of(Runtime::Jvm),
        Pauses::Of(Runtime::Node),
        Pauses::Of(Runtime::Python),
        Pauses::Of(Runtime::DotNet),
    ];

    /// The name used in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Pauses::Auto => "auto",
            Pauses::Off => "off",
            Pauses::Of(runtime) => runtime.name(),
        }
    }
}

/// How a side shows that it is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ready {
    /// It accepts connections on its port.
    Port,
    /// This path answers with a 2xx status.
    Path(String),
    /// A line of its log matches this regular expression.
    Log(String),
}

/// When the sides start again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fresh {
    /// Once for the equivalence stage and once for the latency stage.
    Trial,
    /// Before every pair of measurements, and warmed up as at the first.
    Pair,
    /// Before every measurement.
    Block,
}

/// The requests.
#[derive(Clone, Debug, PartialEq)]
pub struct WorkloadConfig {
    /// Where they come from.
    pub requests: RequestsFrom,
    /// Sent after each start, in order, unmeasured.
    pub prepare: Option<PathBuf>,
    /// Offered rates, requests per second, ascending; at least one.
    pub rates: Vec<f64>,
    /// Distribution of the gaps.
    pub arrivals: Arrivals,
    /// When the sides start again; chosen by the question where `None`.
    pub fresh: Option<Fresh>,
    /// Connections to the side under load.
    pub connections: u32,
    /// Longest time for one exchange.
    pub timeout: Span,
    /// Discarded load before each measured block; chosen by the level where `None`.
    pub warmup: Option<Span>,
    /// Requests with methods that are not safe may be sent to sides that run already.
    pub writes: bool,
    /// What `Host` says where a request does not.
    pub host: HostHeader,
}

/// What the `Host` of a request says that has none of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HostHeader {
    /// One and the same name for all sides: that of the incumbent's `url`, else `localhost`.
    #[default]
    Same,
    /// This name, for all sides.
    Named(String),
    /// Each side's own address.
    Own,
}

/// Where requests come from.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestsFrom {
    /// A file of JSON lines.
    File(PathBuf),
    /// One GET of each of these paths.
    Paths(Vec<String>),
}

/// A service level objective.
#[derive(Clone, Debug, PartialEq)]
pub enum Slo {
    /// A latency quantile has to stay at or below a bound at every rate.
    Latency {
        /// Endpoint template, `*` for all.
        endpoint: String,
        /// The quantile, between 0 and 1.
        quantile: f64,
        /// The bound.
        max: Span,
    },
    /// The share of requests without an answer, or answered with a 5xx status.
    ErrorRate {
        /// The bound.
        max: Share,
    },
}

impl Slo {
    /// The quantile that it bounds; `None` if it is about errors.
    pub(crate) fn quantile(&self) -> Option<f64> {
        match self {
            Slo::Latency { quantile, .. } => Some(*quantile),
            Slo::ErrorRate { .. } => None,
        }
    }

    /// The objective in words.
    pub fn describe(&self) -> String {
        match self {
            Slo::Latency {
                endpoint,
                quantile,
                max,
            } => {
                let all = if endpoint == "*" {
                    "all requests"
                } else {
                    endpoint
                };
                format!("p{} of {all} at most {max}", (quantile * 1e8).round() / 1e6)
            }
            Slo::ErrorRate { max } => format!("error rate at most {max}"),
        }
    }
}

/// What a rewrite is for.
#[derive(Clone, Debug, PartialEq)]
pub enum Goal {
    /// A latency quantile at the highest rate, candidate over incumbent.
    Latency {
        /// The quantile, between 0 and 1.
        quantile: f64,
        /// The change to reach.
        change: Change,
    },
    /// CPU time per request at the highest rate.
    Cpu(Change),
    /// Peak memory (PSS) at the highest rate.
    Memory(Change),
}

impl Goal {
    /// The goal in words.
    pub fn describe(&self) -> String {
        match self {
            Goal::Latency { quantile, change } => {
                format!("p{} {change}", (quantile * 1e8).round() / 1e6)
            }
            Goal::Cpu(change) => format!("CPU per request {change}"),
            Goal::Memory(change) => format!("memory {change}"),
        }
    }

    /// What the gates of its figure bear on.
    pub(crate) fn bearing(&self) -> Bearing {
        match self {
            Goal::Latency { .. } => Bearing::Latency,
            Goal::Cpu(_) => Bearing::Cpu,
            Goal::Memory(_) => Bearing::Memory,
        }
    }
}

/// Equal limits for both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LimitsConfig {
    /// CPUs: whole numbers by a CPU set, fractions by a quota.
    pub cpus: Option<Cpus>,
    /// Memory.
    pub memory: Option<ByteSize>,
}

/// Which CPUs belong to which process.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MachineConfig {
    /// CPUs of the load generator.
    pub generator: Option<CpuList>,
    /// CPUs of the sides.
    pub subject: Option<CpuList>,
}

/// The authority of a URL, as it is written.
fn authority(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    rest.split(['/', '?', '#']).next().map(str::to_owned)
}
