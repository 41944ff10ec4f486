use super::*;
use understudy_model::Happening;
use understudy_model::stored::BlockFigures;
use understudy_model::stored::{Happenings, Row};
use understudy_stats::random::Random;
use understudy_testkit::answered;

const MS: u64 = 1_000_000;
const WARMUP_MS: u64 = 1_000;

fn block(number: u32, seconds: f64, rows: Vec<Row>, happened: Vec<Happening>) -> LatencyBlock {
    LatencyBlock {
        rate_rps: 1000.0,
        side: Role::Incumbent,
        block: number,
        figures: BlockFigures {
            warmup_s: WARMUP_MS as f64 / 1e3,
            measured_s: seconds,
            ..BlockFigures::default()
        },
        rows,
        happened: Happenings {
            runtime: Some("go".to_owned()),
            all: happened,
        },
    }
}

fn stop(start_ns: u64, length_ns: u64) -> Happening {
    Happening {
        cause: Cause::RuntimeStop,
        start_ns,
        end_ns: start_ns + length_ns,
        error_ns: 0,
    }
}

fn judged(blocks: &[LatencyBlock]) -> Tail {
    let blocks: Vec<&LatencyBlock> = blocks.iter().collect();
    tail(Role::Incumbent, 1000.0, &blocks, 1).unwrap()
}

fn cause(tail: &Tail, cause: Cause) -> Option<&TailCause> {
    tail.causes.iter().find(|one| one.cause == cause)
}

/// The same measurement six times, as many as the shortest trial has of a side.
fn six(seconds: f64, rows: &[Row], happened: &[Happening]) -> Vec<LatencyBlock> {
    (0..6)
        .map(|number| block(number, seconds, rows.to_vec(), happened.to_vec()))
        .collect()
}

/// A subject with any number of workers, each request 1 ms, constant arrivals, that stops for 50 ms
/// every second: each request due in a stop waits for its end. So latency is uniform on 1 to 51 ms for
/// 5 % of the requests and 1 ms for the others; by arithmetic p99 is 41 ms, all of the tail is due to the
/// stops, and without them p99 is 1 ms.
#[test]
fn known_stops_are_found_with_the_share_and_the_rest_that_arithmetic_gives() {
    let (length_ms, every_ms, stop_ms) = (20_000, 1_000, 50);
    let mut rows = Vec::new();
    for index in 0..length_ms * 4 {
        let due = WARMUP_MS * MS + index * MS / 4;
        let into = (due / MS) % every_ms;
        let waits = if into < stop_ms {
            stop_ms * MS - due % (every_ms * MS)
        } else {
            0
        };
        rows.push(answered(0, (due, due, due + waits + MS)));
    }
    let stops: Vec<Happening> = (1..=20)
        .map(|k| stop(k * every_ms * MS, stop_ms * MS))
        .collect();
    let tail = judged(&six(20.0, &rows, &stops));
    let at_us = tail.at_us.unwrap();
    assert!((at_us / 41_000.0 - 1.0).abs() < 0.05, "p99 {at_us}");
    let stops = cause(&tail, Cause::RuntimeStop).unwrap();
    assert_eq!(
        (stops.share, stops.first_share, stops.events),
        (1.0, 1.0, 120)
    );
    assert_eq!(tail.unexplained, 0.0);
    assert!((stops.time_share - 0.05).abs() < 1e-9);
    let without = stops.quantile_without_us.unwrap();
    assert!(
        (without / 1_000.0 - 1.0).abs() < 0.05,
        "p99 without {without}"
    );
    assert!(stops.lift.unwrap().low.unwrap() > 2.0, "{stops:?}");
}

/// One worker that serves first in, first out and needs 0.5 ms a request, half of its time idle; it
/// stops for 20 ms in every 500 ms. Most victims are due while the backlog drains, and arithmetic on
/// the same arrivals says what p99 is without the stops' own time.
#[test]
fn the_backlog_that_a_stop_leaves_belongs_to_it() {
    let mut draws = Random::new(3);
    let (service, mut due, mut free) = (MS / 2, WARMUP_MS * MS, 0u64);
    let end = (WARMUP_MS + 40_000) * MS;
    let (mut rows, mut expected) = (Vec::new(), Vec::new());
    loop {
        due += (-(1.0 - draws.uniform()).ln() * MS as f64) as u64;
        if due >= end {
            break;
        }
        let mut begin = free.max(due);
        let mut work = service;
        let stop_at = |at: u64| at / (500 * MS) * 500 * MS;
        loop {
            // A stop lasts from each multiple of 500 ms for 20 ms.
            let stopped = stop_at(begin);
            if begin < stopped + 20 * MS {
                begin = stopped + 20 * MS;
            }
            let next = stopped + 500 * MS;
            if begin + work <= next {
                break;
            }
            work -= next - begin;
            begin = next;
        }
        let ended = begin + work;
        free = ended;
        let in_stops = |at: u64| at / (500 * MS) * 20 * MS + (at % (500 * MS)).min(20 * MS);
        expected.push((ended - due - (in_stops(ended) - in_stops(due))) as f64 / 1e3);
        rows.push(answered(0, (due, due, ended)));
    }
    let stops = (2..82).map(|k| stop(k * 500 * MS, 20 * MS)).collect();
    let tail = judged(&[block(0, 40.0, rows, stops)]);
    let stops = cause(&tail, Cause::RuntimeStop).unwrap();
    assert!(stops.share > 0.95, "{stops:?}");
    expected.sort_unstable_by(f64::total_cmp);
    let arithmetic = order_statistic(&expected, QUANTILE).unwrap();
    let without = stops.quantile_without_us.unwrap();
    assert!(
        (without / arithmetic - 1.0).abs() < 0.05,
        "{without} {arithmetic}"
    );
    assert!(without < 0.8 * tail.at_us.unwrap());
}

/// Stops that were logged and did not happen: they explain nothing, and what is slow for another
/// reason stays unexplained.
#[test]
fn unrelated_stops_explain_nothing() {
    let (mut draws, seeds) = (Random::new(9), 40);
    let mut explained = 0;
    for _ in 0..seeds {
        let mut rows = Vec::new();
        for index in 0..8_000u64 {
            let due = WARMUP_MS * MS + index * MS;
            let slow = -(1.0 - draws.uniform()).ln();
            rows.push(answered(0, (due, due, due + (slow * MS as f64) as u64 + 1)));
        }
        let stops = (0..40).map(|k| {
            let at = WARMUP_MS + k * 200 + (draws.uniform() * 190.0) as u64;
            stop(at * MS, 5 * MS)
        });
        let tail = judged(&[block(0, 8.0, rows, stops.collect())]);
        let stops = cause(&tail, Cause::RuntimeStop).unwrap();
        explained += u32::from(stops.explains);
        assert!((tail.unexplained + stops.first_share - 1.0).abs() < 1e-9);
    }
    // 2.5 % is chance.
    assert!(explained <= 5, "{explained} of {seeds}");
}

#[test]
fn waiting_for_a_connection_is_counted_in_the_request_s_own_time() {
    let row = |index: u64| {
        let due = WARMUP_MS * MS + index * MS;
        let waits = if index.is_multiple_of(50) {
            30 * MS + index
        } else {
            0
        };
        let mut row = answered(0, (due, due + waits, due + waits + MS));
        row.observation.free_ns = due + waits;
        row
    };
    let tail = judged(&[block(0, 8.0, (0..8_000).map(row).collect(), Vec::new())]);
    let wait = cause(&tail, Cause::ConnectionWait).unwrap();
    assert_eq!((wait.events, wait.share, wait.lift), (160, 1.0, None));
    assert!((wait.quantile_without_us.unwrap() - 1_000.0).abs() < 1e-6);
    assert_eq!(tail.unexplained, 0.0);
}

#[test]
fn requests_that_take_long_by_themselves_explain_those_behind_them() {
    // One worker; every 250th request is another one, which takes 40 ms instead of 0.2 ms.
    let (mut free, mut rows) = (0u64, Vec::new());
    for index in 0..8_000u64 {
        let due = WARMUP_MS * MS + index * MS;
        let (request, service) = match index % 250 {
            100 => (1, 40 * MS),
            _ => (0, MS / 5),
        };
        let begin = free.max(due);
        free = begin + service;
        rows.push(answered(request, (due, begin, free)));
    }
    let tail = judged(&six(8.0, &rows, &[]));
    let slow = cause(&tail, Cause::SlowRequest).unwrap();
    assert!(slow.explains && slow.share > 0.99, "{slow:?}");
    assert_eq!(slow.events, 6 * 32);
    assert_eq!(tail.unexplained, 0.0);
}

#[test]
fn shares_of_the_tail_add_up() {
    let mut draws = Random::new(5);
    let mut rows = Vec::new();
    for index in 0..8_000u64 {
        let due = WARMUP_MS * MS + index * MS;
        let stalled = if index % 400 < 10 {
            (400 - index % 400) * MS / 20
        } else {
            0
        };
        let own = (-(1.0 - draws.uniform()).ln() * 2.0 * MS as f64) as u64;
        rows.push(answered(0, (due, due, due + stalled + own + 1)));
    }
    let mut happened: Vec<Happening> = (0..20)
        .map(|k| stop((WARMUP_MS + k * 400) * MS, 10 * MS))
        .collect();
    happened.push(Happening {
        cause: Cause::RuntimeConcurrent,
        ..stop(2_000 * MS, 3_000 * MS)
    });
    let tail = judged(&[block(0, 8.0, rows, happened)]);
    let sum: f64 = tail.causes.iter().map(|cause| cause.first_share).sum();
    assert!((sum + tail.unexplained - 1.0).abs() < 1e-9);
    let concurrent = cause(&tail, Cause::RuntimeConcurrent).unwrap();
    assert_eq!(concurrent.quantile_without_us, None, "it holds nothing up");
}
