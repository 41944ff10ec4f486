//! When a measurement cannot be trusted: the generator, not the subject, was the bottleneck.
//!
//! An overloaded subject is a result; an overloaded generator is none.

/// What the generator itself used and lost over the measured window.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct GeneratorUse {
    /// Requests that were due.
    pub due: u64,
    /// Those of them that were sent in the window.
    pub sent: u64,
    /// Those of them that had a connection before the window ended and were sent after it: the
    /// generator fell behind.
    pub late: u64,
    /// CPU time for work, nanoseconds, all threads together; waiting awake is not work.
    pub work_ns: u64,
    /// Share of the busiest thread's time that was work.
    pub busy_share: f64,
    /// Share of time the worst thread was ready to run and did not; `None` where it is not known.
    pub run_queue_share: Option<f64>,
    /// Share of the time that the machine's CPUs wanted to run and the hypervisor took
    /// (the time that it took, over the time that they wanted); `None` where it is not known.
    pub steal_share: Option<f64>,
    /// Length of the measured window, nanoseconds; shorter than planned if interrupted.
    pub wall_ns: u64,
    /// Requests that were sent again on a fresh connection, because a kept one was closed before any byte
    /// of their answer; the warm-up included.
    pub resent: u64,
    /// Connections that the subject accepted before the load began.
    pub connected: u32,
    /// Answers of the window whose end the kernel stamped as it arrived, and that the generator delayed in no other way
    /// than by sending late.
    pub stamped: u64,
}

/// The figures that the gates look at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figures {
    /// What the generator used.
    pub generator: GeneratorUse,
    /// Requests per second of the schedule; `None` in a closed model.
    pub offered_rate_rps: Option<f64>,
    /// The quantile that the result rests on.
    pub quantile: f64,
    /// The generator's own lateness at that quantile, microseconds.
    pub send_lag_us: f64,
    /// The latency at that quantile, microseconds; `None` if it is infinite.
    pub latency_us: Option<f64>,
    /// Lateness that changes nothing that is judged, microseconds; 150 us are always allowed.
    pub negligible_us: f64,
}

/// One gate, with its figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// Stable identifier.
    pub code: &'static str,
    /// Did it hold?
    pub passed: bool,
    /// The figure with its limit.
    pub figure: String,
    /// What to change where it failed.
    pub advice: String,
}

impl Gate {
    /// One sentence with figure, limit and, where it failed, what to change.
    pub fn text(&self) -> String {
        match self.passed {
            true => self.figure.clone(),
            false => format!("{}; {}", self.figure, self.advice),
        }
    }
}

/// The gate of requests that left late. Where their latencies are known from when they left as well, it bounds
/// them instead.
pub const SEND_LAG: &str = "send_lag";
/// The gate of the generator's waiting for its CPU.
pub const RUN_QUEUE: &str = "generator_run_queue";
/// The gate of what the hypervisor took.
pub const STEAL: &str = "steal";
/// The gate of CPUs that did not run equally fast for both sides.
pub const FREQUENCY: &str = "frequency";
/// The gate of a load that was not what was offered: no count of it is one at its rate.
pub const SENT_RATE: &str = "sent_rate";

/// Share of its time that a generator thread may work; beyond it, waiting requests are its fault.
const MOST_BUSY: f64 = 0.80;
/// The same for a closed model, where the generator never waits for a clock.
const MOST_BUSY_CLOSED: f64 = 0.98;
/// Share of its time that a generator thread may wait for its CPU.
const MOST_RUN_QUEUE: f64 = 0.05;
/// Share of requests that may be sent late although a connection was free.
const MOST_LATE: f64 = 0.01;
/// Share of a latency quantile that the generator's own lateness may be at the same quantile.
const MOST_LAG: f64 = 0.20;
/// Share of the time that the CPUs want to run that the hypervisor may take while this machine measures.
pub const MOST_STOLEN: f64 = 0.05;
/// Lateness that a wake-up on an ordinary kernel can take; below it the share does not count.
const LAG_FLOOR_US: f64 = 150.0;

/// The most that the generator may be late at a quantile at which the latency is `latency_us`
/// (`None`: infinite), microseconds.
fn most_send_lag_us(latency_us: Option<f64>) -> f64 {
    latency_us.map_or(f64::INFINITY, |latency| {
        (latency * MOST_LAG).max(LAG_FLOOR_US)
    })
}

/// What spoiled a measurement from outside.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Disturbance {
    /// The hypervisor took this share of the time that the CPUs wanted to run.
    Stolen(f64),
    /// The generator was ready and waited for its CPU for this share of the time.
    Waited(f64),
}

impl Disturbance {
    /// The gate that it breaks.
    pub fn gate(self) -> Gate {
        match self {
            Disturbance::Stolen(share) => steal(share),
            Disturbance::Waited(share) => run_queue(share),
        }
    }
}

/// Was a measurement spoiled from outside? Only what the subject has no part in is looked at, so that making it again
/// favours no outcome; how long the generator waited for a CPU is such a thing if it has CPUs of its own (`is_apart`).
pub fn disturbance(generator: &GeneratorUse, is_apart: bool) -> Option<Disturbance> {
    let stolen = generator.steal_share.filter(|share| *share > MOST_STOLEN);
    let waited = generator
        .run_queue_share
        .filter(|share| is_apart && *share > MOST_RUN_QUEUE);
    stolen
        .map(Disturbance::Stolen)
        .or(waited.map(Disturbance::Waited))
}

/// Judges a run.
pub fn judge(figures: &Figures) -> Vec<Gate> {
    let open = figures.offered_rate_rps.is_some();
    let mut gates = vec![cpu(&figures.generator, open)];
    gates.extend(figures.generator.run_queue_share.map(run_queue));
    gates.extend(figures.generator.steal_share.map(steal));
    if open {
        gates.push(sent(figures));
        gates.push(send_lag(figures));
    }
    gates
}

/// The same without what is a bound of each latency and no refusal: the lateness of single requests, and where all of the
/// generator's lateness is such ([`is_lateness_known`]), that it waited for its CPU.
pub fn of_generator(
    generator: GeneratorUse,
    offered_rate_rps: Option<f64>,
    lateness_is_known: bool,
) -> Vec<Gate> {
    let figures = Figures {
        generator,
        offered_rate_rps,
        quantile: 0.5,
        send_lag_us: 0.0,
        latency_us: None,
        negligible_us: f64::INFINITY,
    };
    let is_a_bound =
        |gate: &Gate| gate.code == SEND_LAG || gate.code == RUN_QUEUE && lateness_is_known;
    let mut gates = judge(&figures);
    gates.retain(|gate| !is_a_bound(gate));
    gates
}

/// Share of the answers whose arrival may be unknown where lateness of the generator is a bound of the latencies, and
/// how many of those beyond a quantile that is asked for.
const MOST_UNSTAMPED: f64 = 0.001;
const MOST_UNSTAMPED_BEYOND: f64 = 0.1;
/// Share of the requests that may wait for a connection before their sending times say nothing about the generator.
pub const MOST_WAITING: f64 = 0.01;

/// Is lateness of the generator in a measurement all in the two readings of its latencies? So it is if the kernel says
/// when its answers arrived (`stamped` of `answered`), hardly any beyond the `highest` quantile that is asked for
/// excepted, and if no more than a few of its requests (`waiting`, a share) waited for connections that late ones held.
pub fn is_lateness_known(answered: u64, stamped: u64, waiting: f64, highest: f64) -> bool {
    let most_unstamped = MOST_UNSTAMPED.min((1.0 - highest) * MOST_UNSTAMPED_BEYOND);
    let unstamped = answered as f64 - stamped as f64;
    answered > 0 && unstamped <= answered as f64 * most_unstamped && waiting <= MOST_WAITING
}

/// Is every exchange in the log that was asked for? `failure` says why it could not be written.
pub fn log_complete(missed: u64, requests: u64, failure: Option<&str>) -> Gate {
    let figure = format!("{missed} of {requests} exchanges are missing from the log");
    let slow = "the CPU or the disk could not keep up with it: lower the rate, or leave it out";
    let passed = missed == 0 && failure.is_none();
    gate("log_incomplete", passed, &figure, failure.unwrap_or(slow))
}

fn gate(code: &'static str, passed: bool, figure: &str, advice: &str) -> Gate {
    Gate {
        code,
        passed,
        figure: figure.to_owned(),
        advice: advice.to_owned(),
    }
}

fn cpu(generator: &GeneratorUse, open: bool) -> Gate {
    let limit = if open { MOST_BUSY } else { MOST_BUSY_CLOSED };
    let figure = format!(
        "the busiest generator thread worked {:.0} % of the time (limit {:.0} %)",
        generator.busy_share * 100.0,
        limit * 100.0,
    );
    let advice = "use --threads on more CPUs or a lower rate";
    gate(
        "generator_cpu",
        generator.busy_share <= limit,
        &figure,
        advice,
    )
}

fn run_queue(share: f64) -> Gate {
    let figure = format!(
        "the generator waited {:.1} % of the time for a CPU (limit {:.0} %)",
        share * 100.0,
        MOST_RUN_QUEUE * 100.0,
    );
    let advice = "something else uses its CPU: stop it, or pin the generator apart (--cpus; [machine] in trial.toml)";
    gate(RUN_QUEUE, share <= MOST_RUN_QUEUE, &figure, advice)
}

fn steal(share: f64) -> Gate {
    let figure = format!(
        "CPU steal was {:.1} % (limit {:.0} %)",
        share * 100.0,
        MOST_STOLEN * 100.0,
    );
    let advice = "other guests of this host use its CPUs: measure when they are quiet, or on a machine of your own";
    gate(STEAL, share <= MOST_STOLEN, &figure, advice)
}

fn sent(figures: &Figures) -> Gate {
    let share = figures.generator.late as f64 / (figures.generator.due as f64).max(1.0);
    let figure = format!(
        "{:.2} % of the requests that were due were sent after the window though a connection was free (limit {:.0} %)",
        share * 100.0,
        MOST_LATE * 100.0,
    );
    let advice = "the generator cannot keep this rate: lower it or use more --threads";
    gate(SENT_RATE, share <= MOST_LATE, &figure, advice)
}

/// Lateness must be a small part of what is measured, at the quantile that the result rests on.
fn send_lag(figures: &Figures) -> Gate {
    let limit = most_send_lag_us(figures.latency_us).max(figures.negligible_us);
    let figure = format!(
        "requests left {:.0} us after they were due and had a connection (p{}; limit {limit:.0} us)",
        figures.send_lag_us,
        (figures.quantile * 1e8).round() / 1e6,
    );
    let advice = "the generator was kept from its CPU: quieten the machine, or pin the generator apart (--cpus; [machine] in trial.toml)";
    gate(SEND_LAG, figures.send_lag_us <= limit, &figure, advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quiet() -> Figures {
        Figures {
            generator: GeneratorUse {
                due: 10_000,
                sent: 10_000,
                late: 0,
                work_ns: 1,
                busy_share: 0.2,
                run_queue_share: Some(0.001),
                steal_share: Some(0.0),
                wall_ns: 1_000_000_000,
                ..GeneratorUse::default()
            },
            offered_rate_rps: Some(10_000.0),
            quantile: 0.99,
            send_lag_us: 5.0,
            latency_us: Some(400.0),
            negligible_us: 0.0,
        }
    }

    fn failed(change: impl Fn(&mut Figures)) -> Vec<&'static str> {
        let mut figures = quiet();
        change(&mut figures);
        judge(&figures)
            .into_iter()
            .filter(|gate| !gate.passed)
            .map(|gate| gate.code)
            .collect()
    }

    #[test]
    fn lateness_is_known_where_arrivals_are() {
        assert!(is_lateness_known(100_000, 99_900, 0.0, 0.99));
        assert!(!is_lateness_known(100_000, 99_899, 0.0, 0.99));
        assert!(
            !is_lateness_known(100_000, 99_900, 0.0, 0.999),
            "ten times as many"
        );
        assert!(is_lateness_known(100_000, 99_990, 0.0, 0.999));
        assert!(
            !is_lateness_known(100_000, 100_000, 0.02, 0.5),
            "they waited"
        );
        assert!(!is_lateness_known(0, 0, 0.0, 0.5));
        let waited = GeneratorUse {
            run_queue_share: Some(0.2),
            ..quiet().generator
        };
        let refused = |known| {
            let gates = of_generator(waited, Some(1000.0), known);
            gates.iter().any(|gate| !gate.passed)
        };
        assert!(refused(false) && !refused(true));
    }

    #[test]
    fn only_lateness_that_the_subject_did_not_cause_is_a_disturbance() {
        let with = |run_queue, steal| GeneratorUse {
            run_queue_share: Some(run_queue),
            steal_share: Some(steal),
            ..quiet().generator
        };
        assert_eq!(disturbance(&with(0.01, 0.01), true), None);
        let stolen = Some(Disturbance::Stolen(0.06));
        assert_eq!(disturbance(&with(0.2, 0.06), true), stolen);
        let waited = Some(Disturbance::Waited(0.2));
        assert_eq!(disturbance(&with(0.2, 0.01), true), waited);
        assert_eq!(
            disturbance(&with(0.2, 0.01), false),
            None,
            "the subject itself may be why"
        );
    }

    #[test]
    fn each_gate_refuses_the_fault_it_is_for_and_nothing_else() {
        assert!(failed(|_| {}).is_empty());
        assert_eq!(failed(|f| f.generator.busy_share = 0.85), ["generator_cpu"]);
        assert_eq!(
            failed(|f| f.generator.run_queue_share = Some(0.2)),
            ["generator_run_queue"]
        );
        assert_eq!(failed(|f| f.generator.steal_share = Some(0.06)), ["steal"]);
        assert_eq!(failed(|f| f.generator.late = 200), ["sent_rate"]);
        assert_eq!(failed(|f| f.send_lag_us = 151.0), ["send_lag"]);
        assert!(failed(|f| (f.send_lag_us, f.latency_us) = (199.0, Some(1000.0))).is_empty());
        assert!(failed(|f| (f.send_lag_us, f.latency_us) = (1e6, None)).is_empty());
        assert!(failed(|f| (f.send_lag_us, f.negligible_us) = (900.0, 1000.0)).is_empty());
        assert!(log_complete(0, 10, None).passed && !log_complete(1, 10, None).passed);
        let full = log_complete(0, 10, Some("the disk is full"));
        assert!(!full.passed && full.text().ends_with("; the disk is full"));
    }
}
