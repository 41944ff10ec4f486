//! The arguments of every command that puts a service under load.

use crate::exit::Failure;
use crate::workload_files;
use clap::Args;
use std::path::PathBuf;
use understudy_host::CpuList;
use understudy_load::{DEFAULT_QUEUE, Plan, Rate};
use understudy_model::Arrivals;
use understudy_model::Span;
use understudy_subject_http::{Requests, Target};

/// The generator, and what it sends.
#[derive(Debug, Args)]
pub(crate) struct GeneratorArgs {
    /// Connections, all threads together
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=65_536))]
    pub(crate) connections: u32,
    /// Pin the generator to these CPUs, e.g. 0 or 2-3
    #[arg(long, value_name = "LIST")]
    pub(crate) cpus: Option<CpuList>,
    /// Requests as JSON lines (method, path, headers, body, weight), in place of one to the URL
    #[arg(long, value_name = "FILE.jsonl")]
    requests: Option<PathBuf>,
    /// Longest time from sending a request to the last byte of its answer
    #[arg(long, default_value = "10s")]
    pub(crate) timeout: Span,
    /// Fixes the schedule and the choice of requests
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Allow a target that is not on this machine
    #[arg(long)]
    allow_remote: bool,
}

impl GeneratorArgs {
    /// Poisson arrivals from one thread; how long is measured is not said yet.
    pub(crate) fn plan(&self, rate: Rate, warmup: Span) -> Plan {
        Plan {
            rate,
            arrivals: Arrivals::Poisson,
            warmup,
            duration: Span::default(),
            connections: self.connections as usize,
            threads: 1,
            cpus: self.cpus.clone(),
            timeout: self.timeout,
            seed: self.seed,
            queue: DEFAULT_QUEUE,
            apart: false,
        }
    }

    /// Adds what is wrong with the arguments.
    pub(crate) fn check(&self, target: Option<&Target>, errors: &mut Vec<String>) {
        if self.timeout.nanos() == 0 {
            errors.push("--timeout: 0 leaves no time to answer".to_owned());
        }
        if let Some(target) = target
            && !target.is_loopback()
            && !self.allow_remote
        {
            errors.push(format!(
                "{} is not on this machine\nhint: if you may send load there, use `--allow-remote`",
                target.host
            ));
        }
    }

    /// The requests of a file, if one is named.
    pub(crate) fn requests(&self) -> Result<Option<Requests>, Failure> {
        let read = self.requests.as_deref().map(workload_files::requests);
        read.transpose().map_err(Failure::Usage)
    }
}
