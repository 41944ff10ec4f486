//! A trial, read and checked before anything starts.

use super::Search;
use crate::config::{self, Flags, Mode, SideArgument};
use crate::exit::{Failure, usage};
use crate::workload_files;
use std::collections::BTreeSet;
use std::path::Path;
use understudy_compare::{Day, Rules};
use understudy_judge::plan::Plan;
use understudy_judge::terms::Level;
use understudy_model::Role;
use understudy_observe::Attach;
use understudy_subject_command::{Case, Cases, file_cases};
use understudy_subject_http::{Requests, Target, WorkloadRequest};
use understudy_trial::config::{
    CasesFrom, CommandWorkload, EdgesConfig, HttpWorkload, RequestsFrom, SideConfig, TrialConfig,
    WorkloadConfig,
};
use understudy_trial::instructions::{COUNTER, can_count};
use understudy_trial::{check_commands, check_media, has_sizes};

/// The trial's file where neither it nor a flag is given.
const DEFAULT_FILE: &str = "trial.toml";

/// What a trial is made of, read and checked.
pub(crate) struct Checked {
    pub(crate) config: TrialConfig,
    pub(crate) plan: Plan,
    pub(crate) cases: CheckedCases,
    pub(crate) rules: Rules,
}

/// The workload of a trial, of the kind that its configuration names.
pub(crate) enum CheckedCases {
    Http {
        requests: Requests,
        prepare: Option<Requests>,
    },
    Command(Cases),
}

impl CheckedCases {
    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            CheckedCases::Http { requests, .. } => requests.all.len(),
            CheckedCases::Command(cases) => cases.all.len(),
        }
    }
}

/// What of the arguments of a command names a trial.
pub(crate) struct Asked<'a> {
    /// Its file, or the flags that stand for one.
    pub(crate) flags: &'a Flags,
    /// Sides that replace those of the file.
    pub(crate) sides: &'a [SideArgument],
    /// Overrides the level of the file.
    pub(crate) level: Option<Level>,
    /// Searches of the file that are left out.
    pub(crate) without: &'a [Search],
    /// Edge requests are made, whether the file asks for them or not.
    pub(crate) edges: bool,
}

/// Reads and checks a trial: all mistakes at once, before anything starts.
pub(crate) fn check(asked: &Asked<'_>) -> Result<Checked, Failure> {
    let today = today();
    let mut config = configuration(asked, today)?;
    if let Some(level) = asked.level {
        config.level = level;
    }
    for search in asked.without {
        match search {
            Search::Capacity => config.capacity = None,
            Search::MemoryFloor => config.memory_floor = None,
        }
    }
    if asked.edges {
        let services = config.workload.http_mut().ok_or_else(|| {
            usage("--edges: is about services\nhint: commands are compared by their cases alone")
        })?;
        services.edges.get_or_insert(EdgesConfig::default());
    }
    checked(config, today)
}

/// The configuration that a file or flags describe.
pub(crate) fn configuration(asked: &Asked<'_>, today: Day) -> Result<TrialConfig, Failure> {
    let Some(path) = asked.path() else {
        if !asked.sides.is_empty() {
            return Err(usage(
                "`--side` replaces a side of a file, and no file is given\nhint: name the file, or use `--incumbent` and `--candidate`",
            ));
        }
        return config::from_flags(asked.flags).map_err(Failure::Usage);
    };
    let conflicts = asked.flags.given();
    if !conflicts.is_empty() {
        return Err(usage(format!(
            "{} and {} both say what to compare\nhint: use one of them",
            path.display(),
            conflicts.join(", "),
        )));
    }
    let mode = Mode::Run {
        day: today,
        sides: asked.sides,
    };
    config::read(path, mode).map_err(Failure::Usage)
}

impl<'a> Asked<'a> {
    /// The file that is read; `None` where flags say everything.
    pub(crate) fn path(&self) -> Option<&'a Path> {
        let default = Path::new(DEFAULT_FILE);
        self.flags
            .file()
            .or_else(|| self.flags.given().is_empty().then_some(default))
    }
}

/// Adds to a configuration what it names, and the plan. `day` is when its rules have to hold.
pub(crate) fn checked(config: TrialConfig, day: Day) -> Result<Checked, Failure> {
    let rules = Rules::compile(config.rules.clone(), day)
        .map_err(|errors| Failure::Usage(errors.iter().map(ToString::to_string).collect()))?;
    let protobuf = config.workload.http().and_then(|of| of.protobuf.as_ref());
    let messages = protobuf.map(config::protobuf::messages_of).transpose();
    let messages = messages.map_err(|why| Failure::Usage(vec![why]))?;
    let rules = rules.with_messages(messages.unwrap_or_default());
    let cases = match &config.workload {
        WorkloadConfig::Http(workload) => {
            let (requests, prepare) = read_requests(workload)?;
            let mut errors = running_sides((&config, workload), &requests, prepare.as_ref());
            errors.extend(missing_counter(&config));
            if !errors.is_empty() {
                return Err(Failure::Usage(errors));
            }
            CheckedCases::Http { requests, prepare }
        }
        WorkloadConfig::Command(workload) => CheckedCases::Command(read_cases(&config, workload)?),
    };
    Ok(Checked {
        plan: Plan::new(&config.terms()),
        config,
        cases,
        rules,
    })
}

/// The cases of commands, and whether the commands are there and go with them.
fn read_cases(config: &TrialConfig, workload: &CommandWorkload) -> Result<Cases, Failure> {
    let cases = match &workload.cases {
        CasesFrom::File(path) => workload_files::cases(path),
        CasesFrom::Pattern(pattern) => file_cases(pattern),
        CasesFrom::Alone => Ok(Cases {
            all: vec![Case::default()],
        }),
    };
    let cases = cases.map_err(Failure::Usage)?;
    let wrong = check_commands(config, workload, &cases).into_iter();
    let mut wrong: Vec<String> = wrong
        .map(|(side, why)| format!("side.{side}.run: {why}"))
        .collect();
    wrong.extend(missing_counter(config));
    wrong.extend(check_media(workload, &cases));
    if workload.sizing.deadline.is_some() && !has_sizes(config, &cases) {
        wrong.push(
            "capacity.deadline: no operation has cases of two sizes, and one size does not show how the time grows\nhint: give the lines of the case file a `size`, such as {\"args\": [\"big.csv\"], \"size\": 100000}".to_owned(),
        );
    }
    match wrong.is_empty() {
        true => Ok(cases),
        false => Err(Failure::Usage(wrong)),
    }
}

/// That the program is missing which counts instructions, where they are counted.
fn missing_counter(config: &TrialConfig) -> Option<String> {
    if !config.counts_instructions() || can_count() {
        return None;
    }
    let section = match config.workload.instructions() {
        true => "workload",
        false => "goal",
    };
    Some(format!(
        "{section}.instructions: there is no `{COUNTER}` in PATH\nhint: install it (Debian: apt-get install \
         {COUNTER}), or leave `instructions` out"
    ))
}

fn read_requests(workload: &HttpWorkload) -> Result<(Requests, Option<Requests>), Failure> {
    let mut errors = Vec::new();
    let mut read =
        |path: &Path, captured: &[&str]| match workload_files::requests_after(path, captured) {
            Ok(requests) => Some(requests),
            Err(more) => {
                errors.extend(more);
                None
            }
        };
    let prepare = workload.prepare.as_deref();
    let prepare = prepare.map(|path| read(path, &[]));
    let captured: Vec<&str> = prepare
        .iter()
        .flatten()
        .flat_map(Requests::captured)
        .collect();
    let requests = match &workload.requests {
        RequestsFrom::File(path) => read(path, &captured),
        RequestsFrom::Paths(paths) => Some(Requests {
            all: paths
                .iter()
                .map(|path| WorkloadRequest::get(path))
                .collect(),
        }),
    };
    if requests.iter().any(|all| all.captured().next().is_some()) {
        errors.push("\"capture\" belongs into the file that workload.prepare names: these requests are measured".to_owned());
        return Err(Failure::Usage(errors));
    }
    match (requests, prepare) {
        (Some(requests), None) => Ok((requests, None)),
        (Some(requests), Some(Some(prepare))) => Ok((requests, Some(prepare))),
        _ => Err(Failure::Usage(errors)),
    }
}

/// What is wrong with sides that run already: where they are, and what must not be sent to them
/// unless the trial says that it may.
fn running_sides(
    (config, workload): (&TrialConfig, &HttpWorkload),
    requests: &Requests,
    prepare: Option<&Requests>,
) -> Vec<String> {
    let running: Vec<Role> = config
        .sides()
        .filter(|side| matches!(config.side(*side), SideConfig::Running { .. }))
        .collect();
    let mut errors = Vec::new();
    for side in &running {
        if let SideConfig::Running { url, attach } = config.side(*side) {
            if let Err(error) = Target::parse_server(url) {
                errors.push(format!("side.{side}.url: {error}"));
            }
            if let Some(Err(error)) = attach.as_ref().map(Attach::sampler) {
                errors.push(format!("side.{side}.attach: {error}"));
            }
        }
    }
    let all = requests
        .all
        .iter()
        .chain(prepare.iter().flat_map(|p| &p.all));
    let methods: BTreeSet<&str> = all
        .filter(|request| !request.is_safe())
        .map(|request| request.method.as_str())
        .collect();
    if !running.is_empty() && !workload.writes && workload.edges.is_some_and(|of| of.writes) {
        errors.push(format!(
            "edges.writes: the {} runs already\nhint: if its data may be changed, set `writes = true` in `[workload]` as well",
            running.iter().map(|side| side.in_words()).collect::<Vec<_>>().join(" and the "),
        ));
    }
    if !running.is_empty() && !methods.is_empty() && !workload.writes {
        errors.push(format!(
            "the requests change data ({}), and the {} runs already\nhint: if its data may be changed, set `writes = true` in `[workload]` (`--writes`)",
            methods.into_iter().collect::<Vec<_>>().join(", "),
            running.iter().map(|side| side.in_words()).collect::<Vec<_>>().join(" and the "),
        ));
    }
    errors
}

/// A day on which every rule holds: a resumed run is judged by the rules that held when it began.
pub(crate) fn first_day() -> Day {
    Day::new(1, 1, 1).expect("the first of January of year 1 is a day")
}

/// Today in UTC.
pub(crate) fn today() -> Day {
    let date = jiff::Timestamp::now()
        .to_zoned(jiff::tz::TimeZone::UTC)
        .date();
    let (year, month, day) = (date.year(), date.month(), date.day());
    // A clock before year 0 is set back to the first day that can be known.
    Day::new(year.max(1) as u16, month as u8, day as u8)
        .or_else(|_| Day::new(1970, 1, 1))
        .expect("1 January 1970 is a day")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_of_the_file_can_be_left_out_and_take_no_time_then() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("trial.toml");
        let text = r#"
            schema = 1
            [side.incumbent]
            run = "old --port {port}"
            [side.candidate]
            run = "new --port {port}"
            [workload]
            paths = ["/"]
            rates = [1000]
            [[slo]]
            quantile = 0.99
            max = "20ms"
            [limits]
            memory = "64MiB"
            [capacity]
            [memory_floor]
        "#;
        std::fs::write(&file, text).unwrap();
        let seconds = |without: &[Search]| {
            let checked = check(&Asked {
                flags: &Flags::of_file(&file),
                sides: &[],
                level: Some(Level::Quick),
                without,
                edges: false,
            });
            checked
                .map(|checked| checked.plan.until(0).seconds(1))
                .unwrap()
        };
        let capacity = seconds(&[Search::MemoryFloor]);
        let floor = seconds(&[Search::Capacity]);
        assert!(seconds(&[Search::Capacity, Search::MemoryFloor]) < 90.0);
        assert!(capacity > 90.0 && floor > 90.0, "{capacity} s, {floor} s");
        assert!(seconds(&[]) > capacity.max(floor));
    }
}
