//! What observing the other processes costs: CPU time of a look and over a window, with so many more
//! processes on the machine.
//!
//!     cargo run -p understudy-probe --example neighbours_cost -- 0 1800
//!
//! The arguments are numbers of sleeping processes that are started. It looks as a trial does: once before
//! the window, every 500 ms in it, once after it.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement for developers prints its result, and ends where it cannot go on"
)]

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use understudy_host::ThreadUsage;
use understudy_probe::NeighbourSampler;

const WINDOW: Duration = Duration::from_secs(10);
const EVERY: Duration = Duration::from_millis(500);

/// Processes that end with the measurement.
struct Sleepers(Vec<Child>);

impl Sleepers {
    fn start(number: usize) -> Sleepers {
        let mut all = Sleepers(Vec::with_capacity(number));
        for _ in 0..number {
            let mut sleep = Command::new("sleep");
            sleep.arg("300").stdin(Stdio::null()).stdout(Stdio::null());
            all.0.push(sleep.spawn().unwrap());
        }
        all
    }
}

impl Drop for Sleepers {
    fn drop(&mut self) {
        for one in &mut self.0 {
            // It may have ended by itself.
            let _ = one.kill();
            let _ = one.wait();
        }
    }
}

fn main() {
    let loads = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load of the machine: {}", loads.trim());
    for number in std::env::args().skip(1) {
        let sleepers = Sleepers::start(number.parse().unwrap());
        measure();
        drop(sleepers);
    }
}

fn measure() {
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let is_number =
        |name: std::ffi::OsString| name.to_str().is_some_and(|n| n.parse::<u32>().is_ok());
    let processes = entries.filter(|entry| is_number(entry.file_name())).count();
    let cpu = || Duration::from_nanos(ThreadUsage::now().cpu_ns);
    let before = cpu();
    let mut sampler = NeighbourSampler::begin(Some(&[]), Instant::now() + EVERY).unwrap();
    let search = cpu() - before;
    let begin = Instant::now();
    let mut looks = Vec::new();
    while begin.elapsed() < WINDOW {
        std::thread::sleep(EVERY);
        let before = cpu();
        sampler.look(Some(&[]), begin + WINDOW);
        looks.push(cpu() - before);
    }
    let within: Duration = looks.iter().sum();
    let window = begin.elapsed();
    sampler.end(Some(&[]));
    let us = |time: Duration| time.as_secs_f64() * 1e6;
    println!(
        "{processes} processes: a search {:.0} us; {} looks in {:.1} s: {:.0} us at the mean, {:.0} us at most, {:.2} % of one CPU in the window, {:.2} % with the searches around it",
        us(search),
        looks.len(),
        window.as_secs_f64(),
        us(within) / looks.len() as f64,
        us(looks.iter().max().copied().unwrap_or_default()),
        within.as_secs_f64() / window.as_secs_f64() * 100.0,
        (within + 2 * search).as_secs_f64() / window.as_secs_f64() * 100.0,
    );
}
