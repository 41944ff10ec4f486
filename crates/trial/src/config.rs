//! What a trial shall do: plain data, read from TOML or built from flags by the command line.

use std::collections::BTreeMap;
use std::path::PathBuf;
use understudy_case::Case;
use understudy_compare::Rule;
use understudy_host::CpuList;
use understudy_judge::search::capacity::CapacityConfig;
use understudy_judge::search::floor::FloorConfig;
use understudy_judge::terms::{
    EdgeTerms, Fresh, Goal, Level, LimitsConfig, Question, SideTerms, Sizing, Slo, Terms,
};
use understudy_model::{Arrivals, Pacing, Role, Span};
use understudy_observe::Attach;
use understudy_probe::Runtime;
use understudy_subject_command::Outputs;

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
    /// What its plan and its verdict are derived from.
    pub fn terms(&self) -> Terms {
        let terms = |side: Role| {
            let config = self.side(side);
            SideTerms {
                side,
                runs: config.runs().to_owned(),
                is_launched: matches!(config, SideConfig::Launched(_)),
            }
        };
        let paced = Paced::of(&self.workload);
        Terms {
            name: self.name.clone(),
            level: self.level,
            seed: self.seed,
            sides: self.sides().map(terms).collect(),
            pacing: paced.pacing,
            rates: paced.rates,
            arrivals: paced.arrivals,
            connections: paced.connections,
            fresh: paced.fresh,
            warmup: paced.warmup,
            slos: self.slos.clone(),
            goals: self.goals.clone(),
            question: self.question,
            sizing: self
                .workload
                .command()
                .map_or_else(Sizing::default, |of| of.sizing.clone()),
            limits: self.limits,
            capacity: self.capacity,
            memory_floor: self.memory_floor,
            edges: self
                .workload
                .http()
                .and_then(|of| of.edges)
                .map(|edges| EdgeTerms {
                    budget: edges.budget,
                    required: edges.required,
                }),
            case: self.case.as_ref().map(|stated| stated.case.clone()),
        }
    }

    /// Are instructions counted? A goal on them asks for it as well.
    pub fn counts_instructions(&self) -> bool {
        let mut goals = self.goals.iter();
        self.workload.instructions() || goals.any(|goal| matches!(goal, Goal::Instructions(_)))
    }

    /// The sides of the trial, the incumbent first.
    pub fn sides(&self) -> impl Iterator<Item = Role> + use<> {
        let tuned = self.tuned.is_some();
        let there = move |side: &Role| *side != Role::Tuned || tuned;
        Role::SIDES.into_iter().filter(there)
    }

    /// The configuration of one side. An incumbent without tuning is tuned as it is.
    pub fn side(&self, side: Role) -> &SideConfig {
        match side {
            Role::Incumbent | Role::Second => &self.incumbent,
            Role::Candidate => &self.candidate,
            Role::Tuned => self.tuned.as_ref().unwrap_or(&self.incumbent),
        }
    }

    /// The configuration of one side, to change it; `None` for a tuned side that there is not.
    pub fn side_mut(&mut self, side: Role) -> Option<&mut SideConfig> {
        match side {
            Role::Incumbent | Role::Second => Some(&mut self.incumbent),
            Role::Candidate => Some(&mut self.candidate),
            Role::Tuned => self.tuned.as_mut(),
        }
    }
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

impl SideConfig {
    /// The command that starts it, or where it runs.
    pub fn runs(&self) -> &str {
        match self {
            SideConfig::Launched(launched) => &launched.run,
            SideConfig::Running { url, .. } => url,
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
    /// It is a line for `sh -c`, and not a program with its arguments; of commands.
    pub shell: bool,
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

/// What is asked of all sides, and with it the kind of the subject.
#[derive(Clone, Debug, PartialEq)]
pub enum WorkloadConfig {
    /// Requests to services.
    Http(HttpWorkload),
    /// Runs of commands.
    Command(CommandWorkload),
}

/// A kind of subject.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Kind {
    /// A service that is asked over HTTP/1.1.
    #[default]
    Http,
    /// A command that runs once for each case.
    Command,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Kind; 2] = [Kind::Http, Kind::Command];

    /// The name used in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Http => "http",
            Kind::Command => "command",
        }
    }
}

impl WorkloadConfig {
    /// The kind of subject that it is for.
    pub fn kind(&self) -> Kind {
        match self {
            WorkloadConfig::Http(_) => Kind::Http,
            WorkloadConfig::Command(_) => Kind::Command,
        }
    }

    /// That of commands; `None` for another kind.
    pub fn command(&self) -> Option<&CommandWorkload> {
        match self {
            WorkloadConfig::Command(workload) => Some(workload),
            WorkloadConfig::Http(_) => None,
        }
    }

    /// That of services; `None` for another kind.
    pub fn http(&self) -> Option<&HttpWorkload> {
        match self {
            WorkloadConfig::Http(workload) => Some(workload),
            WorkloadConfig::Command(_) => None,
        }
    }

    /// Does it ask for the instructions to be counted?
    pub fn instructions(&self) -> bool {
        match self {
            WorkloadConfig::Http(workload) => workload.instructions,
            WorkloadConfig::Command(workload) => workload.instructions,
        }
    }

    /// That of services, to change it.
    pub fn http_mut(&mut self) -> Option<&mut HttpWorkload> {
        match self {
            WorkloadConfig::Http(workload) => Some(workload),
            WorkloadConfig::Command(_) => None,
        }
    }
}

impl Cache {
    /// Every state.
    pub const ALL: [Cache; 2] = [Cache::Warm, Cache::Cold];

    /// The name used in configuration.
    pub fn name(self) -> &'static str {
        match self {
            Cache::Warm => "warm",
            Cache::Cold => "cold",
        }
    }
}

/// When the cases of a workload are asked.
struct Paced {
    pacing: Pacing,
    rates: Vec<f64>,
    arrivals: Arrivals,
    connections: u32,
    fresh: Option<Fresh>,
    warmup: Option<Span>,
}

impl Paced {
    fn of(workload: &WorkloadConfig) -> Paced {
        match workload {
            WorkloadConfig::Http(http) => Paced {
                pacing: Pacing::Offered,
                rates: http.rates.clone(),
                arrivals: http.arrivals,
                connections: http.connections,
                fresh: http.fresh,
                warmup: http.warmup,
            },
            WorkloadConfig::Command(_) => Paced {
                pacing: Pacing::Serial,
                rates: vec![Pacing::NO_RATE],
                arrivals: Arrivals::default(),
                connections: 1,
                // A run is a start.
                fresh: Some(Fresh::Block),
                warmup: None,
            },
        }
    }
}

/// Runs of a command.
#[derive(Clone, Debug, PartialEq)]
pub struct CommandWorkload {
    /// What each run gets.
    pub cases: CasesFrom,
    /// Where the input files are when a run begins.
    pub cache: Cache,
    /// Longest time of one run, where its case says nothing.
    pub timeout: Span,
    /// How what runs write is compared.
    pub outputs: Outputs,
    /// Are the instructions of runs counted, after everything that is timed?
    pub instructions: bool,
    /// The program that reads outputs that are media.
    pub ffmpeg: String,
    /// Arguments of a start without a case, which take the place of those of a case; not measured where `None`.
    pub startup: Option<Vec<String>>,
    /// What the sizes of cases are counted in, and until when a run has to be done.
    pub sizing: Sizing,
}

/// Where the cases of a command come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CasesFrom {
    /// A file of JSON lines.
    File(PathBuf),
    /// One case for each file that matches a pattern.
    Pattern(String),
    /// The command as it is, which is one case.
    Alone,
}

/// Where input files are when a run begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Cache {
    /// In the page cache.
    #[default]
    Warm,
    /// Not in the page cache of this kernel. (A hypervisor may have them in its own.)
    Cold,
}

/// The requests to services.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpWorkload {
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
    /// Are the instructions of requests counted, after everything that is timed?
    pub instructions: bool,
    /// What `Host` says where a request does not.
    pub host: HostHeader,
    /// Requests that recorded traffic does not have; not asked where `None`.
    pub edges: Option<EdgesConfig>,
    /// The outside services that the sides call.
    pub dependencies: Vec<DependencyConfig>,
    /// What bodies mean that are protocol buffers; they are compared by byte where `None`.
    pub protobuf: Option<ProtobufConfig>,
}

/// What bodies mean that are protocol buffers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProtobufConfig {
    /// The file that `protoc --descriptor_set_out` wrote.
    pub descriptors: PathBuf,
    /// The message that answers hold, by pattern of the operation.
    pub named: Vec<(String, String)>,
}

/// An outside service that the sides call, and that Understudy stands in for.
#[derive(Clone, Debug, PartialEq)]
pub struct DependencyConfig {
    /// What it is called in configuration, reports and the words of a side.
    pub name: String,
    /// What it speaks.
    pub kind: DependencyKind,
}

/// What an outside service speaks.
#[derive(Clone, Debug, PartialEq)]
pub enum DependencyKind {
    /// HTTP/1.1: its answers are recorded and served to all sides.
    Http(HttpDependency),
    /// Anything over TCP: it is passed through, and all sides share what is behind it. Host and port.
    Tcp(String),
}

/// An outside service whose answers are recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct HttpDependency {
    /// Its base URL.
    pub url: String,
    /// How long a side waits for an answer of the stand-in: as long as it was waited for when it was recorded where `None`.
    pub latency: Option<Span>,
    /// Longest time for one of its answers.
    pub timeout: Span,
    /// For how long after its answer calls of a side belong to that.
    pub settle: Span,
}

impl HttpDependency {
    /// Longest time for one of its answers, where nothing is said.
    pub const TIMEOUT: Span = Span::from_secs(10);
    /// For how long after its answer calls of a side belong to that, where nothing is said.
    pub const SETTLE: Span = Span::from_millis(2);
}

impl DependencyConfig {
    /// The word in braces that stands for the address of its stand-in.
    pub fn placeholder(&self) -> String {
        placeholder(&self.name)
    }
}

/// The word in braces that stands for the address of the stand-in of this name.
pub(crate) fn placeholder(name: &str) -> String {
    format!("{{dependency.{name}}}")
}

/// How edge requests are made and judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EdgesConfig {
    /// Also with methods that are not safe.
    pub writes: bool,
    /// How long they may be compared.
    pub budget: Span,
    /// A difference makes the candidate not equivalent.
    pub required: bool,
    /// How long a connection is left idle, to see if it is closed; 0 where that is not asked.
    pub idle: Span,
}

impl EdgesConfig {
    /// How long they are compared, where nothing is said.
    pub const BUDGET: Span = Span::from_secs(30);
    /// How long a connection is left idle, where nothing is said: the 5 s of several servers are within it.
    pub const IDLE: Span = Span::from_secs(8);
}

impl Default for EdgesConfig {
    /// Nothing that may change data, and no part of the verdict.
    fn default() -> Self {
        EdgesConfig {
            writes: false,
            budget: EdgesConfig::BUDGET,
            required: false,
            idle: EdgesConfig::IDLE,
        }
    }
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

impl HttpWorkload {
    /// What `Host` says to every side; `None` if each has its own.
    pub fn host(&self, incumbent: &SideConfig) -> Option<String> {
        match &self.host {
            HostHeader::Own => None,
            HostHeader::Named(name) => Some(name.clone()),
            HostHeader::Same => match incumbent {
                SideConfig::Running { url, .. } => authority(url),
                SideConfig::Launched(_) => Some("localhost".to_owned()),
            },
        }
    }
}

/// Where requests come from.
#[derive(Clone, Debug, PartialEq)]
pub enum RequestsFrom {
    /// A file of JSON lines.
    File(PathBuf),
    /// One GET of each of these paths.
    Paths(Vec<String>),
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
