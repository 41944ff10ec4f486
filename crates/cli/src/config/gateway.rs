//! `gateway.toml`: a gateway.

mod listen;
mod own;
mod sides;

use super::reader::{Problems, Section, text};
use super::{Mode, SCHEMA, absolute, no_document, protobuf, rules, text_of};
use crate::config::cannot_read;
use http::Method;
use own::{Own, overlap};
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;
use toml::de::DeTable;
use understudy_compare::{Day, Messages};
use understudy_gateway::GatewayConfig;
use understudy_gateway::config::{
    AdminConfig, CompareConfig, Limits, Listener, LogTo, Payloads, Route,
};
use understudy_model::{ByteSize, Share, Span};

/// Where the admin interface is, where nothing is said.
const ADMIN: &str = "127.0.0.1:9901";
/// How long requests under way may take after SIGTERM.
const DRAIN: Duration = Duration::from_secs(30);
/// The share of differing answers that has to be excluded.
const GOAL: f64 = 0.001;
/// Shortest token.
const TOKEN_BYTES: usize = 16;

/// Reads a gateway's file, with the certificates and tokens that it names.
///
/// # Errors
/// Every mistake, one line each: `FILE:LINE: KEY: what`.
pub(crate) fn gateway(path: &Path, today: Day) -> Result<GatewayConfig, Vec<String>> {
    let shown = path.display().to_string();
    let text = text_of(path)?;
    let absolute = std::path::absolute(path).map_err(|error| vec![cannot_read(path, &error)])?;
    let folder = absolute.parent().unwrap_or(&absolute);
    parse(&text, folder, &shown, today)
}

fn parse(text: &str, folder: &Path, file: &str, today: Day) -> Result<GatewayConfig, Vec<String>> {
    let problems = Problems::new(text);
    let (document, errors) = DeTable::parse_recoverable(text);
    if no_document(&errors, text, &problems) {
        return Err(problems.lines(file));
    }
    let config = whole(Section::root(document.get_ref(), &problems), folder, today);
    match config {
        Some(config) if problems.is_empty() => Ok(config),
        // Whatever is missing, a problem says why.
        _ => Err(problems.lines(file)),
    }
}

fn whole(mut root: Section<'_>, folder: &Path, today: Day) -> Option<GatewayConfig> {
    if !root.is_of_version(SCHEMA) {
        return None;
    }
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let workers = root
        .whole("workers", 1..=1024)
        .map_or(cores, |workers| workers as usize);
    let drain = time(&mut root, "drain").unwrap_or(DRAIN);
    let state = root.text("state").map(|path| absolute(folder, path));
    let access_log = root.text("access_log").map(|to| match to {
        "-" => LogTo::Stdout,
        path => LogTo::File(absolute(folder, path)),
    });
    root.need(
        &["listen"],
        "write [[listen]] with an address such as \"0.0.0.0:8080\"",
    );
    let via = root.boolean("via").unwrap_or(true);
    let listeners = listen::read(root.sections("listen"), folder);
    let limits = limits(root.section("limits"));
    root.need(
        &["incumbent"],
        "write [incumbent] with servers = [\"http://127.0.0.1:9000\"]",
    );
    let admin = admin(root.section("admin"), folder, &listeners);
    let own = Own::new(&listeners, admin.address);
    let incumbent = sides::incumbent(root.section("incumbent"), folder, &own);
    let candidate = root
        .has("candidate")
        .then(|| sides::candidate(root.section("candidate"), folder, &own, incumbent.as_ref()));
    let routes = routes(root.sections("route"));
    let compare = compare(root.section("compare"), folder, today);
    root.section("candidate");
    root.finish();
    Some(GatewayConfig {
        workers,
        drain,
        listeners,
        limits,
        routes,
        via,
        incumbent: incumbent?,
        candidate: match candidate {
            Some(candidate) => Some(candidate?),
            None => None,
        },
        compare,
        admin,
        state,
        access_log,
    })
}

/// A time that is not 0.
fn time(section: &mut Section<'_>, key: &'static str) -> Option<Duration> {
    let span: Span = section.quantity(key)?;
    if span.nanos() == 0 {
        section.refuse(key, "0 leaves no time for anything");
        return None;
    }
    Some(Duration::from_nanos(span.nanos()))
}

/// A number of bytes that fits into memory.
fn bytes(section: &mut Section<'_>, key: &'static str, least: u64) -> Option<u64> {
    let size: ByteSize = section.quantity(key)?;
    if size.bytes() < least {
        section.refuse(
            key,
            format!("is less than {least} bytes, which is too little to work with"),
        );
        return None;
    }
    Some(size.bytes())
}

fn share(section: &mut Section<'_>, key: &'static str) -> Option<f64> {
    section.quantity::<Share>(key).map(Share::get)
}

fn limits(mut section: Section<'_>) -> Limits {
    let of = Limits::default();
    let count = |section: &mut Section<'_>, key, default: usize| {
        section
            .whole(key, 1..=1_000_000_000)
            .map_or(default, |count| count as usize)
    };
    let limits = Limits {
        connections: count(&mut section, "connections", of.connections),
        requests: count(&mut section, "requests", of.requests),
        headers: count(&mut section, "headers", of.headers),
        header_bytes: bytes(&mut section, "header_bytes", 1024)
            .map_or(of.header_bytes, |size| size as usize),
        body_bytes: bytes(&mut section, "body_bytes", 0).unwrap_or(of.body_bytes),
        header_timeout: time(&mut section, "header_timeout").unwrap_or(of.header_timeout),
        body_timeout: time(&mut section, "body_timeout").unwrap_or(of.body_timeout),
        send_timeout: time(&mut section, "send_timeout").unwrap_or(of.send_timeout),
        streams: section
            .whole("streams", 1..=1_000_000)
            .map_or(of.streams, |streams| streams as u32),
    };
    section.finish();
    limits
}

fn routes(sections: Vec<Section<'_>>) -> Vec<Route> {
    if sections.is_empty() {
        return vec![Route::everything()];
    }
    let mut names = BTreeSet::new();
    sections
        .into_iter()
        .zip(1..)
        .map(|(section, number)| route(section, number, &mut names))
        .collect()
}

fn route(mut section: Section<'_>, number: u32, names: &mut BTreeSet<String>) -> Route {
    let of = Route::everything();
    let host = section.text("host").map(str::to_owned);
    if host.as_ref().is_some_and(|host| {
        host.strip_prefix("*.")
            .unwrap_or(host)
            .contains(['*', '/', ':'])
    }) {
        section.refuse(
            "host",
            "expected a name such as \"shop.example\" or \"*.shop.example\", without a port",
        );
    }
    let path = section.text("path").map_or(of.path, str::to_owned);
    if !path.starts_with('/') {
        section.refuse("path", format!("{path:?} does not begin with /"));
    }
    let what = "a list of methods such as [\"GET\", \"HEAD\"]";
    let methods = section.list("methods", what, |value| {
        let word = text(value)?;
        let known = word.bytes().all(|byte| byte.is_ascii_uppercase());
        Method::from_bytes(word.as_bytes())
            .ok()
            .filter(|_| known)
            .ok_or_else(|| format!("{word:?} is not a method\nhint: write {what}"))
    });
    let route = Route {
        name: section
            .text("name")
            .map_or_else(|| format!("route-{number}"), str::to_owned),
        host,
        path,
        methods: methods.unwrap_or_default(),
        shadow: section.boolean("shadow").unwrap_or(of.shadow),
        writes: section.boolean("writes").unwrap_or(of.writes),
        fraction: share(&mut section, "fraction"),
    };
    if !names.insert(route.name.clone()) {
        section.refuse(
            "name",
            format!("{:?} names another route already", route.name),
        );
    }
    section.finish();
    route
}

fn compare(mut section: Section<'_>, folder: &Path, today: Day) -> CompareConfig {
    let goal = share(&mut section, "goal");
    if goal.is_some_and(|goal| goal <= 0.0 || goal >= 1.0) {
        section.refuse(
            "goal",
            "can never be reached, or always is\nhint: write a share such as \"0.1%\"",
        );
    }
    let payloads = [("redacted", Payloads::Redacted), ("hash", Payloads::Hash)];
    let names = |value| text(value).map(str::to_owned);
    let file =
        |section: &mut Section<'_>, key| section.text(key).map(|path| absolute(folder, path));
    let protobuf = protobuf::read(&mut section, file, true);
    let compare = CompareConfig {
        messages: protobuf.map_or_else(Messages::default, |(_, messages)| messages),
        goal: goal.unwrap_or(GOAL),
        payloads: section
            .choice("payloads", &payloads)
            .unwrap_or(Payloads::Redacted),
        secret_names: section
            .list(
                "secret_names",
                "a list of names such as [\"customer_no\"]",
                names,
            )
            .unwrap_or_default(),
        rules: rules::read_from(
            &mut section,
            Mode::Run {
                day: today,
                sides: &[],
            },
        ),
    };
    section.finish();
    compare
}

fn admin(mut section: Section<'_>, folder: &Path, listeners: &[Listener]) -> AdminConfig {
    let off = section.boolean("enabled") == Some(false);
    let address = listen::address(&mut section, "an address such as \"127.0.0.1:9901\"");
    let token = section.get("token_file", |value| {
        let path = absolute(folder, text(value)?);
        let token = std::fs::read_to_string(&path).map_err(|error| cannot_read(&path, &error))?;
        match token.trim() {
            short if short.len() < TOKEN_BYTES => Err(format!(
                "{} holds no token of {TOKEN_BYTES} characters or more",
                path.display()
            )),
            token => Ok(token.to_owned()),
        }
    });
    if address.is_some_and(|address| !address.ip().is_loopback()) && !section.has("token_file") {
        section.refuse(
            "address",
            "can be reached from other machines\nhint: name a `token_file`, or use an address of loopback",
        );
    }
    let default = || ADMIN.parse().expect("the default is an address");
    let address = (!off).then(|| address.unwrap_or_else(default));
    let taken = |admin: &SocketAddr| listeners.iter().find(|of| overlap(of.address, *admin));
    if let Some(admin) = address
        && let Some(listener) = taken(&admin)
    {
        let what = format!(
            "{admin} is where clients connect, see [[listen]] {}\nhint: give the admin interface another port",
            listener.address
        );
        section.refuse("address", what);
    }
    section.finish();
    AdminConfig { address, token }
}

#[cfg(test)]
mod tests;
