//! Who kept the generator from its CPUs, in the sentence of a gate that failed. It says what was seen and
//! guesses nothing.

use crate::assumptions::POISSON;
use std::collections::{BTreeMap, BTreeSet};
use understudy_model::gates::{Gate, RUN_QUEUE, SEND_LAG, SENT_RATE, STEAL};
use understudy_model::neighbours::{Neighbours, seconds_on};

/// Share of one CPU below which nothing is named: the gates judge a p99 and shares of some percent.
const NOTABLE: f64 = 0.01;
/// The same for interrupts, which the load itself causes.
const NOTABLE_INTERRUPTS: f64 = 0.05;
/// A share is exact if the CPU time on CPUs that are not known is at most such a part of it.
const EXACT: f64 = 0.1;
/// Process ids and CPUs that are listed.
const LISTED: usize = 4;

const APART: &str = "pin the generator apart (--cpus; [machine] in trial.toml)";

/// The sentence of a gate, with who was in the way in the measurements that it refused. What was not
/// observed leaves it as it is.
pub fn sentence<'n>(gate: &Gate, seen: impl IntoIterator<Item = &'n Neighbours>) -> String {
    let seen: Vec<&Neighbours> = seen.into_iter().collect();
    match explained(gate, &seen).filter(|_| !gate.passed && !seen.is_empty()) {
        Some(culprit) => format!("{}; {culprit}", gate.figure),
        None => gate.text(),
    }
}

fn explained(gate: &Gate, seen: &[&Neighbours]) -> Option<String> {
    let seen = Seen::new(seen);
    match gate.code {
        STEAL => seen.hypervisor(),
        RUN_QUEUE | SEND_LAG => Some(seen.culprit().unwrap_or_else(|| {
            format!(
                "{}; {}: the cause is not known",
                gate.advice,
                seen.nothing()
            )
        })),
        // It may be the generator itself that cannot keep the rate.
        SENT_RATE | POISSON => Some(
            seen.culprit()
                .unwrap_or_else(|| format!("{}; {}", gate.advice, seen.nothing())),
        ),
        _ => None,
    }
}

/// Processes of one name.
#[derive(Default)]
struct Group {
    pids: BTreeSet<u32>,
    /// CPU time on the generator's CPUs, seconds.
    there_s: f64,
    /// CPU time on CPUs that are not known.
    somewhere_s: f64,
    /// All of it.
    all_s: f64,
}

/// What was seen in several measurements, together.
struct Seen<'n> {
    all: &'n [&'n Neighbours],
    seconds: f64,
    /// The generator's CPUs; empty where it was not bound.
    cpus: &'n [u32],
    /// By name, and whether it is a thread of the kernel.
    groups: BTreeMap<(&'n str, bool), Group>,
}

impl<'n> Seen<'n> {
    fn new(all: &'n [&'n Neighbours]) -> Self {
        let cpus = all.first().map_or(&[][..], |one| &one.generator_cpus);
        let mut groups: BTreeMap<(&str, bool), Group> = BTreeMap::new();
        for one in all.iter().flat_map(|seen| &seen.processes) {
            let group = groups.entry((&one.name, one.kernel)).or_default();
            group.pids.insert(one.pid);
            group.all_s += one.cpu_s;
            let located = seconds_on(&one.on, &[]);
            let unknown = (one.cpu_s - located).max(0.0);
            match cpus.is_empty() {
                true => group.there_s += one.cpu_s,
                false => {
                    group.there_s += seconds_on(&one.on, cpus);
                    group.somewhere_s += unknown;
                }
            }
        }
        Seen {
            all,
            seconds: all.iter().map(|seen| seen.seconds).sum(),
            cpus,
            groups,
        }
    }

    fn share(&self, seconds: f64) -> f64 {
        seconds / self.seconds.max(1e-9)
    }

    /// A share of the generator's CPUs, in words.
    fn part(&self, seconds: f64) -> String {
        let percent = self.share(seconds) * 100.0;
        match self.cpus {
            [] => format!("{percent:.0} % of one CPU"),
            [cpu] => format!("{percent:.0} % of CPU {cpu}"),
            cpus => format!("{percent:.0} % of one CPU, on CPUs {}", listed(cpus)),
        }
    }

    /// What a group took of the generator's CPUs: a bound where much is not known of its threads.
    fn located(&self, group: &Group) -> String {
        let part = self.part(group.there_s);
        match group.somewhere_s > group.there_s * EXACT {
            true => format!(
                "at least {part} (in all {:.0} % of one CPU)",
                self.share(group.all_s) * 100.0
            ),
            false => part,
        }
    }

    /// The heaviest of what took the generator's CPUs.
    fn culprit(&self) -> Option<String> {
        let heaviest = |of: fn(&Group) -> f64| {
            let groups = self
                .groups
                .iter()
                .map(|(name, group)| (of(group), name, group));
            groups.max_by(|a, b| a.0.total_cmp(&b.0))
        };
        let mut suspects: Vec<(f64, String)> = Vec::new();
        if let Some((there_s, name, group)) = heaviest(|group| group.there_s) {
            suspects.push((there_s, self.process(*name, group, &self.located(group))));
        }
        suspects.push((self.side_s(), self.side()));
        let (stolen_s, cpus) = (self.stolen_s(), self.part(self.stolen_s()));
        suspects.push((
            stolen_s,
            format!("the hypervisor took {cpus} meanwhile: {QUIET}"),
        ));
        suspects.push(self.unexplained());
        let suspect = suspects
            .into_iter()
            .reduce(|a, b| if b.0 > a.0 { b } else { a });
        if let Some((_, text)) = suspect.filter(|(took_s, _)| self.share(*took_s) >= NOTABLE) {
            return Some(text);
        }
        if let Some((took_s, name, group)) = heaviest(|group| group.there_s + group.somewhere_s)
            && self.share(took_s) >= NOTABLE
        {
            let part = format!(
                "{:.0} % of one CPU, on CPUs that are not known,",
                self.share(took_s) * 100.0
            );
            return Some(self.process(*name, group, &part));
        }
        let interrupts_s = self.on_cpus(|cpu| cpu.interrupts_s);
        (self.share(interrupts_s) >= NOTABLE_INTERRUPTS).then(|| {
            let part = self.part(interrupts_s);
            format!("interrupts took {part} meanwhile: {APART}")
        })
    }

    fn process(&self, (name, kernel): (&str, bool), group: &Group, part: &str) -> String {
        let pids: Vec<u32> = group.pids.iter().copied().collect();
        let who = match (kernel, pids.as_slice()) {
            (true, [pid]) => format!("kernel thread {pid} {name:?}"),
            (true, many) => format!("{} kernel threads {name:?}", many.len()),
            (false, [pid]) => format!("process {pid} {name:?}"),
            (false, many) => format!("{} processes {name:?} ({})", many.len(), listed(many)),
        };
        let them = if pids.len() == 1 { "it" } else { "them" };
        // Where the processes of the subject are not known, this may be one of them.
        let is_known = self.all.iter().all(|seen| seen.side.is_some());
        let advice = match (kernel, is_known) {
            (true, _) => APART.to_owned(),
            (false, true) => format!("stop {them}, or {APART}"),
            (false, false) => format!("stop {them} unless it is the subject, or {APART}"),
        };
        format!("{who} took {part} meanwhile: {advice}")
    }

    /// What the side took of CPUs that the generator was bound to. One that is not bound shares all CPUs.
    fn side_s(&self) -> f64 {
        if self.cpus.is_empty() {
            return 0.0;
        }
        let sides = self.all.iter().filter_map(|seen| seen.side.as_ref());
        sides.map(|side| seconds_on(side, self.cpus)).sum()
    }

    fn side(&self) -> String {
        let part = self.part(self.side_s());
        format!("the measured side itself took {part} meanwhile: {APART}")
    }

    /// CPU time that no process explains. Where it was used is not known: at most as much as the
    /// generator's CPUs ran.
    fn unexplained(&self) -> (f64, String) {
        let sum = |of: fn(&Neighbours) -> f64| self.all.iter().map(|seen| of(seen)).sum::<f64>();
        let unexplained_s = sum(|seen| seen.unexplained_s);
        let percent = self.share(unexplained_s) * 100.0;
        let started: u64 = self.all.iter().map(|seen| seen.started).sum();
        // What lived between two searches, or ended after one, used at most the time between two.
        let short_s = sum(|seen| (seen.started + seen.ended) as f64 * seen.longest_gap_s);
        let text = match short_s >= unexplained_s {
            true => format!(
                "short-lived processes took {percent:.0} % of one CPU meanwhile ({started} processes and threads were started): stop what starts them, or {APART}"
            ),
            false => format!(
                "{percent:.0} % of one CPU went to processes that are not visible from here (another container?): stop them, or {APART}"
            ),
        };
        // The counters of CPUs and of processes are not exact to some percent.
        let counts = percent >= LEAST_UNEXPLAINED * 100.0;
        let took_s = unexplained_s.min(self.on_cpus(|cpu| cpu.ran_s));
        (if counts { took_s } else { 0.0 }, text)
    }

    fn stolen_s(&self) -> f64 {
        self.on_cpus(|cpu| cpu.stolen_s)
    }

    /// A time of the generator's CPUs; of all where it was not bound.
    fn on_cpus(&self, of: fn(&understudy_model::neighbours::CpuUse) -> f64) -> f64 {
        let cpus = self.all.iter().flat_map(|seen| &seen.cpus);
        let there = cpus.filter(|cpu| self.cpus.is_empty() || self.cpus.contains(&cpu.cpu));
        there.map(of).sum()
    }

    /// Where the hypervisor ran something else.
    fn hypervisor(&self) -> Option<String> {
        let mut by_cpu: BTreeMap<u32, f64> = BTreeMap::new();
        for cpu in self.all.iter().flat_map(|seen| &seen.cpus) {
            *by_cpu.entry(cpu.cpu).or_default() += cpu.stolen_s;
        }
        let mut heaviest: Vec<(u32, f64)> = by_cpu.into_iter().collect();
        heaviest.retain(|(_, stolen_s)| self.share(*stolen_s) >= NOTABLE);
        heaviest.sort_by(|a, b| b.1.total_cmp(&a.1));
        let parts: Vec<String> = heaviest
            .iter()
            .take(LISTED)
            .map(|(cpu, stolen_s)| format!("{:.0} % of CPU {cpu}", self.share(*stolen_s) * 100.0))
            .collect();
        (!parts.is_empty()).then(|| {
            let took = parts.join(", ");
            format!("the hypervisor took {took}, not a process of this machine: {QUIET}")
        })
    }

    fn nothing(&self) -> String {
        let place = match self.cpus {
            [] => "one CPU".to_owned(),
            [cpu] => format!("CPU {cpu}"),
            cpus => format!("CPUs {}", listed(cpus)),
        };
        format!("no other process and no hypervisor took 1 % of {place} meanwhile")
    }
}

const QUIET: &str =
    "measure when the other guests of this host are quiet, or on a machine of your own";
/// Share of one CPU below which unexplained time is not named.
const LEAST_UNEXPLAINED: f64 = 0.05;

fn listed(numbers: &[u32]) -> String {
    let shown = numbers.iter().take(LISTED).map(u32::to_string);
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if numbers.len() > LISTED {
        text += ", ...";
    }
    text
}

#[cfg(test)]
mod tests;
