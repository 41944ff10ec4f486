//! What sampling a side costs it: CPU time per request with and without the samples of a trial, in
//! randomised pairs of measurements of one and the same process.
//!
//!     cargo run --release -p understudy-trial --example sampling_cost -- \
//!         "./target/release/read-states --listen 127.0.0.1:{port} --preload 1000000" /healthz 4000 20
//!
//! The arguments are a command with `{port}`, a path, a rate per second and a number of pairs.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement for developers prints its result, and ends where it cannot continue"
)]

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc;
use std::time::Duration;
use understudy_host::{CpuList, allowed_cpus, pin_current_thread};
use understudy_load::{DEFAULT_QUEUE, Histograms, Plan, Progress, Rate};
use understudy_model::Arrivals;
use understudy_model::Span;
use understudy_observe::resources::{self, Observed, Others};
use understudy_probe::{
    Cgroups, Child, Launch, Limits, Readiness, free_port, split_command, wait_ready,
};
use understudy_stats::paired::{Centre, effect};
use understudy_subject_http::{Requests, Target, WorkloadRequest};
use understudy_subject_http::{Workload, run};

const WARMUP: Span = Span::from_millis(500);
const MEASURED: Span = Span::from_secs(4);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [command, path, rate, pairs] = arguments.as_slice() else {
        println!("usage: sampling_cost \"COMMAND {{port}}\" PATH RATE PAIRS");
        return;
    };
    let (rate, pairs): (f64, u64) = (rate.parse().unwrap(), pairs.parse().unwrap());
    let cpus = allowed_cpus();
    let generator = CpuList::new([cpus.as_slice()[0]]);
    let subject = cpus.as_slice().last().copied().unwrap();
    pin_current_thread(&generator).unwrap();
    let port = free_port().unwrap();
    let child = start(&command.replace("{port}", &port.to_string()), port, subject);
    let bench = Bench {
        child,
        target: Target::local(port),
        path: path.clone(),
        rate,
        generator,
    };
    bench.measure(0, false);
    let differences: Vec<f64> = (1..=pairs).map(|pair| bench.pair(pair)).collect();
    let ratio = effect(&differences, Centre::Mean, 1).unwrap().ratio;
    let percent = |ratio: f64| (ratio - 1.0) * 100.0;
    println!(
        "CPU per request with sampling over without: {:+.2} % (95 % interval {:+.2} to {:+.2}), {pairs} pairs at {rate}/s",
        percent(ratio.estimate),
        percent(ratio.low),
        percent(ratio.high),
    );
}

fn start(command: &str, port: u16, cpu: u32) -> Child {
    let launch = Launch {
        name: "subject".to_owned(),
        argv: split_command(command).unwrap(),
        dir: std::env::current_dir().unwrap(),
        env: Default::default(),
        log: std::env::temp_dir().join("sampling-cost.log"),
        limits: Limits::default(),
        cpus: Some(vec![cpu]),
    };
    let mut child = launch
        .spawn(&Cgroups::detect(Path::new("/sys/fs/cgroup")))
        .unwrap();
    let never = AtomicBool::new(false);
    let listens = |_: &Child| match std::net::TcpStream::connect(("127.0.0.1", port)) {
        Ok(_) => Readiness::Ready,
        Err(error) => Readiness::NotYet(error.to_string()),
    };
    wait_ready(&mut child, Duration::from_secs(30), &never, listens).unwrap();
    child
}

struct Bench {
    child: Child,
    target: Target,
    path: String,
    rate: f64,
    generator: CpuList,
}

impl Bench {
    /// ln(with) - ln(without); which comes first alternates, both meet the same arrivals.
    fn pair(&self, pair: u64) -> f64 {
        let first = pair.is_multiple_of(2);
        let one = self.measure(pair, first);
        let other = self.measure(pair, !first);
        let (with, without) = if first { (one, other) } else { (other, one) };
        println!("pair {pair}: {with:.2} us with, {without:.2} us without");
        with.ln() - without.ln()
    }

    /// CPU time per request of one measurement, microseconds.
    fn measure(&self, seed: u64, sampled: bool) -> f64 {
        let requests = Requests {
            all: vec![WorkloadRequest::get(&self.path)],
        };
        let prepared = requests.prepare(&self.target.host, |_| 0).unwrap();
        let plan = Plan {
            rate: Rate::PerSecond(self.rate),
            arrivals: Arrivals::Poisson,
            warmup: WARMUP,
            duration: MEASURED,
            connections: 64,
            threads: 1,
            cpus: Some(self.generator.clone()),
            timeout: Span::from_secs(10),
            seed,
            queue: DEFAULT_QUEUE,
            apart: false,
        };
        let never = &AtomicBool::new(false);
        let mut counter = self.child.sampler().unwrap();
        let sampler = sampled.then(|| self.child.sampler().unwrap());
        let (announce, started) = mpsc::channel();
        let before = counter.sample(false).unwrap().cpu_us();
        let ran = std::thread::scope(|scope| {
            let window = (WARMUP.duration(), MEASURED.duration());
            scope.spawn(move || {
                let observed = Observed {
                    sampler,
                    cpus: &CpuList::new([0]),
                    others: Others::Observed,
                };
                resources::measure(observed, &started, window, never)
            });
            let progress = [Progress::default()];
            run::<Histograms>(
                &plan,
                Workload::new(&self.target, &prepared, &[1.0]),
                never,
                &progress,
                &|at| {
                    // A send fails only after the sampling thread has ended.
                    let _ = announce.send(at);
                },
            )
            .unwrap()
        });
        let used = counter.sample(false).unwrap().cpu_us() - before;
        // The warm-up is in the time and, by its share of the load, in the requests.
        let share = 1.0 + WARMUP.secs() / MEASURED.secs();
        used as f64 / (ran.generator.sent as f64 * share)
    }
}
