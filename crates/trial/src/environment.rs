//! The machine and what was compared, for the record.

use crate::config::{Launched, RequestsFrom, SideConfig, TrialConfig};
use crate::cpus::Assignment;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use understudy_host::Machine;
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
