//! Lines of text that are not in the combined format: load balancers, proxies and development servers.
//!
//! What they have in common is the request line in quotes with its version, a status, and an address.

use super::{Entry, LineError, Parts, address, asked, first_address, parts, quoted};
use std::borrow::Cow;

/// Is the line one of an access log?
pub(super) fn is_known(line: &str) -> bool {
    parts(line).is_some() || find(line).is_some()
}

/// A request line somewhere in a line.
struct Found<'l> {
    before: &'l str,
    request: Cow<'l, str>,
    behind: &'l str,
}

fn find(line: &str) -> Option<Found<'_>> {
    let mut rest = line;
    while let Some(at) = rest.find('"') {
        let begin = line.len() - rest.len() + at;
        let (request, behind) = quoted(&line[begin + 1..])?;
        let is_versioned = |(_, version): (&str, &str)| version.starts_with("HTTP/");
        if request.rsplit_once(' ').is_some_and(is_versioned) || request == "<BADREQ>" {
            let before = &line[..begin];
            let is_status = |word: &str| {
                word.len() == 3
                    && word
                        .parse()
                        .is_ok_and(|status: u16| (100..600).contains(&status))
            };
            let mut words = before
                .split_ascii_whitespace()
                .chain(behind.split_ascii_whitespace());
            return words.any(is_status).then_some(Found {
                before,
                request,
                behind,
            });
        }
        rest = behind;
    }
    None
}

/// Reads one.
///
/// # Errors
/// It is not a line of an access log, or what it logs was no HTTP request.
pub(super) fn entry(line: &str) -> Result<Entry, LineError> {
    let Found {
        before,
        request,
        behind,
    } = find(line).ok_or(LineError::Form)?;
    // An upgrade to a WebSocket, as load balancers log it.
    if line.starts_with("ws ") || line.starts_with("wss ") {
        return Err(LineError::Request);
    }
    let (method, target) = asked(&request)?;
    let fields = all_quoted(behind);
    let text = |at: usize| {
        fields
            .get(at)
            .map(|field| field.to_string())
            .filter(|of| of != "-")
    };
    let mut entry = Entry {
        client: before
            .split_ascii_whitespace()
            .find_map(address)
            .map(str::to_owned),
        method: method.to_owned(),
        target: target.to_owned(),
        user_agent: text(0),
        ..Entry::default()
    };
    if line.starts_with('[') && fields.len() >= 5 {
        // Envoy and Istio: forwarded for, user agent, identifier, authority, server; then addresses.
        let first = fields.len() - 5;
        entry.user_agent = text(first + 1);
        entry.host = text(first + 3);
        let remote = || {
            let words = behind.rsplit('"').next()?.split_ascii_whitespace();
            words.rev().find_map(address).map(str::to_owned)
        };
        let forwarded = text(first).and_then(|list| first_address(&list).map(str::to_owned));
        entry.client = forwarded.or_else(remote);
    }
    Ok(entry)
}

/// Everything in quotes, in order.
fn all_quoted(mut text: &str) -> Vec<Cow<'_, str>> {
    let mut all = Vec::new();
    while let Some((_, rest)) = text.split_once('"') {
        let Some((field, rest)) = quoted(rest) else {
            break;
        };
        all.push(field);
        text = rest;
    }
    all
}

/// The client that a proxy before the server names: the list of addresses behind the user agent, where nginx's own
/// `main` format has it.
pub(super) fn forwarded(parts: &Parts<'_>) -> Option<String> {
    let fields = all_quoted(parts.behind);
    let mut lists = fields.iter();
    lists.find_map(|list| {
        let all = list
            .split(',')
            .all(|of| address(of.trim()).is_some() || of.trim() == "unknown");
        first_address(list).filter(|_| all).map(str::to_owned)
    })
}
