//! The machine and what was compared, for the record.

use crate::config::{Launched, RequestsFrom, SideConfig, TrialConfig};
use crate::cpus::Assignment;
use crate::error::TrialError;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use understudy_host::{CpuList, Machine};
use understudy_model::Side;
use understudy_model::verdict::Environment;
use understudy_probe::{Cgroups, Detected, split_command};

/// Looks at the machine and hashes what is about to be compared.
pub(crate) fn look(
    config: &TrialConfig,
    cpus: &Assignment,
    cgroups: &Cgroups,
    version: &str,
    started_at: &str,
) -> Environment {
    let machine = Machine::look();
    Environment {
        understudy: version.to_owned(),
        kernel: machine.kernel,
        cpu_model: machine.cpu_model,
        cpus: machine.cpus,
        governor: machine.governor,
        memory_bytes: machine.memory_bytes,
        cgroup: match cgroups.detected() {
            Detected::V1 => "v1".to_owned(),
            Detected::V2 => "v2".to_owned(),
            Detected::None(why) => format!("none: {why}"),
        },
        started_at: started_at.to_owned(),
        generator_cpus: cpus.generator.as_slice().to_vec(),
        subject_cpus: cpus.subject.as_slice().to_vec(),
        hashes: hashes(config),
        versions: BTreeMap::from([("understudy".to_owned(), version.to_owned())]),
    }
}

/// May a run that began in one environment go on in another?
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
            side => format!("the program of the {side}"),
        };
        pairs.push((what, hash(began, name), hash(now, name)));
    }
    match pairs.into_iter().find(|(_, was, is)| was != is) {
        Some((what, was, is)) => Err(TrialError::Changed { what, was, is }),
        None => Ok(()),
    }
}

fn hashes(config: &TrialConfig) -> BTreeMap<String, String> {
    let mut hashes = BTreeMap::new();
    for side in Side::ALL {
        if let SideConfig::Launched(launched) = config.side(side)
            && let Some(hash) = program(launched).and_then(|path| sha256(&path))
        {
            hashes.insert(side.name().to_owned(), hash);
        }
    }
    if let RequestsFrom::File(path) = &config.workload.requests
        && let Some(hash) = sha256(path)
    {
        hashes.insert("requests".to_owned(), hash);
    }
    hashes
}

/// The program's file, where its command names one.
fn program(launched: &Launched) -> Option<PathBuf> {
    let program = split_command(&launched.run).ok()?.into_iter().next()?;
    let path = launched.dir.join(&program);
    (program.contains('/') && path.is_file()).then_some(path)
}

fn sha256(path: &Path) -> Option<String> {
    let mut file = std::fs::File::open(path).ok()?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer).ok()? {
            0 => break,
            count => hasher.update(&buffer[..count]),
        }
    }
    Some(
        hasher
            .finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    )
}
