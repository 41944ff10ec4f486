//! Searches on a virtual clock, of queues whose answer is known.

use super::*;
use crate::random::Random;

#[derive(Clone, Copy, Debug)]
enum Service {
    Exponential,
    Fixed,
}

/// One worker with a mean service time of 1 ms, first in first out.
#[derive(Clone, Copy, Debug)]
struct Queue {
    service: Service,
    /// Bound on the latency, in service times.
    bound: f64,
    allowed: f64,
}

impl Queue {
    /// P(latency > bound) at a utilisation, from theory.
    fn share(&self, load: f64) -> f64 {
        match self.service {
            Service::Exponential => (-(1.0 - load) * self.bound).exp(),
            Service::Fixed => 1.0 - waits_at_most(load, self.bound - 1.0),
        }
    }

    /// The utilisation at which the allowed share is reached.
    fn answer(&self) -> f64 {
        let (mut low, mut high) = (1e-6, 1.0 - 1e-9);
        for _ in 0..300 {
            let middle = f64::midpoint(low, high);
            match self.share(middle) < self.allowed {
                true => low = middle,
                false => high = middle,
            }
        }
        low
    }

    /// A trial of `length` s after a warm-up of `warmup` s that begins with an empty queue.
    fn trial(&self, rate: f64, (warmup, length): (f64, f64), random: &mut Random) -> Trial {
        let (mut now, mut free) = (0.0, 0.0f64);
        let (mut requests, mut violations) = (0, 0);
        let exponential = |random: &mut Random| -(1.0 - random.uniform()).ln();
        loop {
            now += exponential(random) / rate;
            if now > warmup + length {
                break;
            }
            let service = 1e-3
                * match self.service {
                    Service::Exponential => exponential(random),
                    Service::Fixed => 1.0,
                };
            free = free.max(now) + service;
            if now >= warmup {
                requests += 1;
                violations += u64::from(free - now > self.bound * 1e-3);
            }
        }
        Trial {
            rate,
            counts: vec![Count::exact(requests, violations)],
            trusted: true,
        }
    }

    fn search(&self, goal: &Goal, seed: u64) -> Capacity {
        let mut random = Random::new(seed);
        let mut trials = Vec::new();
        loop {
            match next(goal, &trials) {
                Step::Measure { rate, requests } => {
                    let length = (requests / rate).clamp(1.0, 60.0);
                    trials.push(self.trial(rate, (1.0, length), &mut random));
                }
                Step::Done(capacity) => return capacity,
            }
        }
    }
}

/// P(wait <= t) of M/D/1, service time 1 (Erlang 1909; Franx 2001 for the form of it).
fn waits_at_most(load: f64, t: f64) -> f64 {
    let mut sum = 0.0;
    let mut factorial = 1.0;
    let whole = t.floor() as i32;
    for k in 0..=whole {
        if k > 0 {
            factorial *= f64::from(k);
        }
        let y = load * (f64::from(k) - t);
        sum += y.powi(k) / factorial * (-y).exp();
    }
    (1.0 - load) * sum
}

/// The interval contains the answer of theory in 92 to 98 % of 500 searches, and no search ends
/// without one.
#[test]
fn the_interval_contains_the_answer_of_theory() {
    let queues = [
        (Service::Exponential, 10.0, 0.01),
        (Service::Exponential, 20.0, 0.01),
        (Service::Exponential, 20.0, 0.05),
        (Service::Exponential, 50.0, 0.01),
        (Service::Fixed, 5.0, 0.01),
        (Service::Fixed, 10.0, 0.01),
        (Service::Fixed, 20.0, 0.01),
        (Service::Fixed, 10.0, 0.05),
        (Service::Fixed, 10.0, 0.001),
        (Service::Exponential, 15.0, 0.01),
    ];
    let searches: Vec<(Queue, Vec<u64>)> = queues
        .iter()
        .enumerate()
        .map(|(index, &(service, bound, allowed))| {
            let queue = Queue {
                service,
                bound,
                allowed,
            };
            (
                queue,
                (0..50).map(|run| run + 1000 * index as u64).collect(),
            )
        })
        .collect();
    let hits: Vec<usize> = std::thread::scope(|scope| {
        let threads: Vec<_> = searches
            .iter()
            .map(|(queue, seeds)| {
                scope.spawn(move || {
                    seeds
                        .iter()
                        .filter(|seed| queue.is_contained(**seed))
                        .count()
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let hits: usize = hits.into_iter().sum();
    assert!(
        (460..=490).contains(&hits),
        "{hits} of 500 intervals contain the answer"
    );
}

impl Queue {
    fn is_contained(&self, seed: u64) -> bool {
        let goal = Goal {
            allowed: vec![self.allowed],
            width: 0.05,
            first_rate: 100.0,
            lowest_rate: 1.0,
            highest_rate: 1e6,
            most_trials: 60,
        };
        let answer = self.answer() * 1000.0;
        match self.search(&goal, seed) {
            Capacity::Between { interval, .. } => {
                assert!(
                    interval.high / interval.low < 1.15,
                    "{self:?} {seed}: {interval:?}"
                );
                interval.low <= answer && answer <= interval.high
            }
            other => panic!("{self:?} {seed}: {other:?}"),
        }
    }
}
