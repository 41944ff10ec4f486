//! Access logs of proxies that are neither the combined format nor JSON: the text of Envoy and Istio,
//! of HAProxy (`option httplog`) and of the load balancers of AWS.

use super::duration::{MILLISECOND, SECOND, Took};
use super::fields::{Field, fields};
use super::served::{Served, owned};
use super::{asked, quoted};

/// What a line of one of them says of the answer.
pub(super) fn served(line: &str) -> Option<Served> {
    envoy(line).or_else(|| aws(line)).or_else(|| haproxy(line))
}

fn answer(request: &str, status: &str, took: Took) -> Option<Served> {
    let is_status = status.len() == 3 && status.bytes().all(|b| b.is_ascii_digit());
    // HAProxy says -1 where there was none.
    let status = match is_status {
        true => status.parse().ok()?,
        false if status == "-1" || status == "-" => 0,
        false => return None,
    };
    Some(Served {
        status,
        took,
        asked: owned(asked(request)),
    })
}

fn is_time(text: &str) -> bool {
    text.len() >= 20 && text.as_bytes()[10] == b'T' && text.ends_with('Z')
}

/// `[time] "request" status flags ... received sent duration upstream "..."`: what is before the
/// bytes differs from version to version, four numbers in a row do not.
fn envoy(line: &str) -> Option<Served> {
    let (time, rest) = line.strip_prefix('[')?.split_once("] \"")?;
    let (request, rest) = quoted(rest)?;
    let all = fields(rest);
    let status = all.first().filter(|_| is_time(time))?;
    let is_count = |field: &Field<'_>| {
        !field.quoted && (field.text == "-" || field.text.parse::<u64>().is_ok())
    };
    let behind = all.get(2..)?;
    let counts = behind
        .windows(5)
        .find(|five| five[..4].iter().all(is_count) && five[4].quoted)?;
    let took = match counts[2].text.parse::<u64>() {
        Ok(ms) => Took::of(ms as f64, MILLISECOND),
        Err(_) => Took::Missing,
    };
    answer(&request, &status.text, took)
}

/// `[type ]time balancer client target request_s target_s response_s status target_status received sent
/// "request"`; a time of -1 is one of a connection that broke.
fn aws(line: &str) -> Option<Served> {
    let all = fields(line);
    let numbers = |at: usize| -> Option<Vec<f64>> {
        let three = all.get(at..at + 3)?.iter();
        three.map(|field| field.text.parse().ok()).collect()
    };
    // A collector may have moved the time away.
    let (at, times) = (3..=5).find_map(|at| Some((at, numbers(at)?)))?;
    let took = match times.iter().all(|time| *time >= 0.0) {
        true => Took::of(times.iter().sum(), SECOND),
        false => Took::Missing,
    };
    let request = all.get(at + 7).filter(|field| field.quoted)?;
    answer(&request.text, &all.get(at + 3)?.text, took)
}

/// `client [time] frontend backend/server TR/Tw/Tc/Tr/Ta status bytes ... "request"`, the times in
/// milliseconds. One with `+` was written before the answer was complete (`option logasap`).
fn haproxy(line: &str) -> Option<Served> {
    let (_, rest) = line.split_once(" [")?;
    let (_, rest) = rest.split_once("] ")?;
    let mut words = rest.split_ascii_whitespace();
    let (_frontend, server) = (words.next()?, words.next()?);
    let times: Vec<&str> = words.next()?.split('/').collect();
    let is_number = |text: &&str| text.parse::<i64>().is_ok();
    (server.contains('/') && times.len() == 5 && times.iter().all(is_number)).then_some(())?;
    let took = match times[4].parse::<u64>() {
        Ok(ms) if !times[4].starts_with('+') => Took::of(ms as f64, MILLISECOND),
        _ => Took::Missing,
    };
    let (_, request) = rest.split_once(" \"")?;
    answer(&quoted(request)?.0, words.next()?, took)
}
