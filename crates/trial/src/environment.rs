//! The machine and what was compared, for the record.

use crate::command::search_path;
use crate::config::{Launched, SideConfig, TrialConfig};
use crate::error::TrialError;
use crate::stages::Inputs;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use understudy_host::{CpuList, Machine};
use understudy_model::Role;
use understudy_model::verdict::{Environment, VerdictRules};
use understudy_probe::{Detected, split_command};
use understudy_subject_command::resolve;

/// Looks at the machine and hashes what is about to be compared.
pub(crate) fn look(
    config: &TrialConfig,
    inputs: &Inputs<'_>,
    workload: BTreeMap<String, String>,
) -> Environment {
    let machine = Machine::look();
    Environment {
        understudy: inputs.version.to_owned(),
        kernel: machine.kernel,
        cpu_model: machine.cpu_model,
        cpus: machine.cpus,
        governor: machine.governor,
        memory_bytes: machine.memory_bytes,
        cgroup: match inputs.cgroups.detected() {
            Detected::V1 => "v1".to_owned(),
            Detected::V2 => "v2".to_owned(),
            Detected::None(why) => format!("none: {why}"),
        },
        started_at: inputs.started_at.to_owned(),
        generator_cpus: inputs.cpus.generator.as_slice().to_vec(),
        subject_cpus: inputs.cpus.subject.as_slice().to_vec(),
        hashes: hashes(config, workload),
        versions: BTreeMap::from([("understudy".to_owned(), inputs.version.to_owned())]),
        one_program: is_one_program(config),
        rules: VerdictRules::default(),
    }
}

/// May a run that began in one environment continue in another?
///
/// # Errors
/// What changed and would make its measurements incomparable.
pub(crate) fn unchanged(began: &Environment, now: &Environment) -> Result<(), TrialError> {
    let cpus = |cpus: &[u32]| CpuList::new(cpus.iter().copied()).to_string();
    let mut pairs = vec![
        (
            "the kernel".to_owned(),
            began.kernel.clone(),
            now.kernel.clone(),
        ),
        (
            "the processor".to_owned(),
            began.cpu_model.clone(),
            now.cpu_model.clone(),
        ),
        (
            "the control group version".to_owned(),
            began.cgroup.clone(),
            now.cgroup.clone(),
        ),
        (
            "the frequency governor".to_owned(),
            began.governor.clone().unwrap_or_default(),
            now.governor.clone().unwrap_or_default(),
        ),
        (
            "the version of understudy".to_owned(),
            began.understudy.clone(),
            now.understudy.clone(),
        ),
        (
            "the generator's CPUs".to_owned(),
            cpus(&began.generator_cpus),
            cpus(&now.generator_cpus),
        ),
        (
            "the sides' CPUs".to_owned(),
            cpus(&began.subject_cpus),
            cpus(&now.subject_cpus),
        ),
    ];
    let hash = |of: &Environment, name: &str| of.hashes.get(name).cloned().unwrap_or_default();
    for name in began.hashes.keys().chain(now.hashes.keys()) {
        let what = match name.as_str() {
            "requests" => "the request file".to_owned(),
            "cases" => "the case file".to_owned(),
            "inputs" => "an input file of a case".to_owned(),
            "prepare" => "the prepare file".to_owned(),
            "workload" => "a body of the workload".to_owned(),
            side => format!("the program of the {side}"),
        };
        pairs.push((what, hash(began, name), hash(now, name)));
    }
    match pairs.into_iter().find(|(_, was, is)| was != is) {
        Some((what, was, is)) => Err(TrialError::Changed { what, was, is }),
        None => Ok(()),
    }
}

/// Is the program of a side the one that a run began with?
pub(crate) fn is_built(config: &TrialConfig, side: Role, began: &Environment) -> bool {
    let now = program_hashes(config, side);
    let of_side = |name: &str| name.split(' ').next() == Some(side.name());
    let was = began.hashes.iter().filter(|(name, _)| of_side(name));
    !now.is_empty() && was.eq(&now)
}

/// Are incumbent and candidate one and the same program, started in the same way? Links are not followed: a program may
/// do what its name says, and the Python of each virtual environment is a link to the same file.
fn is_one_program(config: &TrialConfig) -> bool {
    let launched = |side: Role| match config.side(side) {
        SideConfig::Launched(launched) => Some(launched),
        SideConfig::Running { .. } => None,
    };
    let Some((a, b)) = launched(Role::Incumbent).zip(launched(Role::Candidate)) else {
        return false;
    };
    let around = |side: &Launched| (side.dir.clone(), side.env.clone(), side.shell);
    around(a) == around(b) && (a.run == b.run || (!a.shell && words(a) == words(b)))
}

/// The words of a command, the first as the file that it stands for.
fn words(side: &Launched) -> Option<(PathBuf, Vec<String>)> {
    let mut words = split_command(&side.run).ok()?.into_iter();
    let path = side.env.get("PATH").cloned().unwrap_or_else(search_path);
    let file = resolve(&words.next()?, &side.dir, &path).ok()?;
    // `/bin` is a link to `/usr/bin` on many machines.
    let folder = file.parent()?.canonicalize().ok()?;
    Some((folder.join(file.file_name()?), words.collect()))
}

fn hashes(config: &TrialConfig, workload: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let sides = config.sides();
    let programs = sides.flat_map(|side| program_hashes(config, side));
    programs.chain(workload).collect()
}

/// The files that the command of a side names, the program first: `incumbent`, `incumbent server.mjs`.
fn program_hashes(config: &TrialConfig, side: Role) -> BTreeMap<String, String> {
    let SideConfig::Launched(Launched { run, dir, .. }) = config.side(side) else {
        return BTreeMap::new();
    };
    let words = split_command(run).unwrap_or_default();
    let named = words.iter().enumerate().filter_map(|(index, word)| {
        // A program without a slash is looked for elsewhere.
        let path = Some(dir.join(word)).filter(|_| index > 0 || word.contains('/'))?;
        let hash = sha256(&path.is_file().then_some(path)?)?;
        let name = match index {
            0 => side.name().to_owned(),
            _ => format!("{side} {word}"),
        };
        Some((name, hash))
    });
    named.collect()
}

/// The hash of a file; `None` if it cannot be read.
pub(crate) fn sha256(path: &Path) -> Option<String> {
    let mut file = std::fs::File::open(path).ok()?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer).ok()? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    Some(hexadecimal(hasher))
}

/// A hash as text.
pub(crate) fn hexadecimal(hasher: Sha256) -> String {
    let bytes = hasher.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
