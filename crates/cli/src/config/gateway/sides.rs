//! `[incumbent]` and `[candidate]`: servers, times, and how the candidate is shown the traffic.

use super::super::absolute;
use super::super::reader::{Section, text};
use super::own::Own;
use super::{bytes, listen, share, time};
use crate::config::cannot_read;
use http::{HeaderName, HeaderValue, Uri};
use std::path::Path;
use std::time::Duration;
use understudy_gateway::config::{
    CandidateConfig, Health, Rewrite, SampleKey, SideConfig, UpstreamAddress,
};
use understudy_gateway::tls;

/// How long the whole exchange with the candidate may take, where nothing is said.
const DEADLINE: Duration = Duration::from_secs(10);
/// How often servers are asked whether they are well.
const HEALTH_INTERVAL: Duration = Duration::from_secs(2);
const SERVERS: &str =
    "a list of addresses such as [\"http://127.0.0.1:9000\"] or [\"unix:/run/app.sock\"]";

pub(super) fn incumbent(mut section: Section<'_>, folder: &Path, own: &Own) -> Option<SideConfig> {
    let side = side(&mut section, folder, own);
    section.finish();
    side
}

/// A second incumbent is spoken to as the first one is.
pub(super) fn candidate(
    mut section: Section<'_>,
    folder: &Path,
    own: &Own,
    incumbent: Option<&SideConfig>,
) -> Option<CandidateConfig> {
    let side = side(&mut section, folder, own);
    let http2 = incumbent.is_some_and(|of| of.upstreams.iter().any(|server| server.http2));
    let second = section
        .list("second", SERVERS, |value| {
            server(text(value)?, http2, own, folder)
        })
        .map(|upstreams| SideConfig {
            upstreams,
            ..incumbent.map_or_else(|| SideConfig::of(Vec::new()), Clone::clone)
        });
    let count = |section: &mut Section<'_>, key, most, default: usize| {
        section
            .whole(key, 1..=most)
            .map_or(default, |of| of as usize)
    };
    let (ask_twice, fraction) = (
        share(&mut section, "ask_twice"),
        share(&mut section, "fraction"),
    );
    let concurrency = count(&mut section, "concurrency", 1_000_000, 256);
    let threads = count(&mut section, "threads", 256, 1);
    let gives_way = section.boolean("gives_way").unwrap_or(true);
    let capture_bytes =
        bytes(&mut section, "capture", 1024).map_or(256 * 1024, |size| size as usize);
    let memory = bytes(&mut section, "memory", 1024 * 1024).map_or(64 << 20, |size| size as usize);
    let key = section
        .get("key", |value| sample_key(text(value)?))
        .unwrap_or(SampleKey::Request);
    let rewrite = rewrite(section.section("request"));
    section.finish();
    let mut side = side?;
    side.total_timeout.get_or_insert(DEADLINE);
    Some(CandidateConfig {
        side,
        second,
        ask_twice: ask_twice.unwrap_or(0.1),
        fraction: fraction.unwrap_or(1.0),
        key,
        concurrency,
        rewrite,
        capture_bytes,
        memory,
        threads,
        gives_way,
    })
}

fn side(section: &mut Section<'_>, folder: &Path, own: &Own) -> Option<SideConfig> {
    section.need(
        &["servers"],
        "write where it answers, such as servers = [\"http://127.0.0.1:9000\"]",
    );
    let http2 = section.boolean("http2").unwrap_or_default();
    let servers = section.list("servers", SERVERS, |value| {
        server(text(value)?, http2, own, folder)
    });
    let of = SideConfig::of(Vec::new());
    let interval = time(section, "health_interval").unwrap_or(HEALTH_INTERVAL);
    let health = section.text("health").map(str::to_owned);
    if health
        .as_ref()
        .is_some_and(|path| !path.starts_with('/') || path.parse::<Uri>().is_err())
    {
        section.refuse("health", "expected a path such as \"/health\"");
    }
    let authorities = section.get("ca", |value| {
        let path = absolute(folder, text(value)?);
        let pem = std::fs::read(&path).map_err(|error| cannot_read(&path, &error))?;
        tls::certificates(&pem)
    });
    // One without the other is a mistake.
    if section.has("client_certificate") || section.has("client_key") {
        section.need(
            &["client_certificate"],
            "name the file with the certificate that servers are shown (PEM)",
        );
        section.need(&["client_key"], "name the file with its private key (PEM)");
    }
    let names = ("client_certificate", "client_key");
    let certificate = listen::certificate_of(section, names, Vec::new(), folder);
    let side = SideConfig {
        upstreams: Vec::new(),
        connect_timeout: time(section, "connect_timeout").unwrap_or(of.connect_timeout),
        response_timeout: time(section, "response_timeout").unwrap_or(of.response_timeout),
        idle_timeout: time(section, "idle_timeout").unwrap_or(of.idle_timeout),
        total_timeout: time(section, "deadline"),
        keep_alive: time(section, "keep_alive").unwrap_or(of.keep_alive),
        health: health.map(|path| Health { path, interval }),
        retry_budget: share(section, "retries").unwrap_or(of.retry_budget),
        authorities,
        certificate,
    };
    Some(SideConfig {
        upstreams: servers?,
        ..side
    })
}

/// `http://host:port` or `https://host`, and not one of the addresses that the gateway listens on; or
/// `unix:PATH`.
fn server(address: &str, http2: bool, own: &Own, folder: &Path) -> Result<UpstreamAddress, String> {
    if let Some(path) = address.strip_prefix("unix:") {
        if path.is_empty() {
            return Err("\"unix:\" has no path\nhint: write such as \"unix:/run/app.sock\"".into());
        }
        return Ok(UpstreamAddress {
            host: "localhost".into(),
            port: 0,
            tls: false,
            http2,
            socket: Some(absolute(folder, path)),
        });
    }
    let wrong = |why: &str| {
        format!("{address:?} {why}\nhint: write an address such as \"http://127.0.0.1:9000\"")
    };
    let uri: Uri = address.parse().map_err(|_| wrong("is not an address"))?;
    let tls = match uri.scheme_str() {
        Some("http") => false,
        Some("https") => true,
        _ => return Err(wrong("begins with neither http:// nor https://")),
    };
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return Err(format!(
            "{address:?} has a path\nhint: use `add_prefix` of `[candidate.request]`"
        ));
    }
    let host = uri
        .host()
        .unwrap_or_default()
        .trim_start_matches('[')
        .trim_end_matches(']');
    if host.is_empty()
        || uri
            .authority()
            .is_some_and(|authority| authority.as_str().contains('@'))
    {
        return Err(wrong("has no host, or a user"));
    }
    let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
    if port == 0 {
        return Err(wrong("has port 0, where no server answers"));
    }
    if let Some(part) = own.part_at(host, port) {
        return Err(wrong(part));
    }
    Ok(UpstreamAddress {
        host: host.to_owned(),
        port,
        tls,
        http2,
        socket: None,
    })
}

fn sample_key(word: &str) -> Result<SampleKey, String> {
    let wrong = || {
        format!(
            "{word:?} is not known\nhint: use \"request\", \"address\", \"header:NAME\" or \"cookie:NAME\""
        )
    };
    match word.split_once(':') {
        None if word == "request" => Ok(SampleKey::Request),
        None if word == "address" => Ok(SampleKey::Address),
        Some(("header", name)) => name.parse().map(SampleKey::Header).map_err(|_| wrong()),
        Some(("cookie", name)) if !name.is_empty() => Ok(SampleKey::Cookie(name.to_owned())),
        _ => Err(wrong()),
    }
}

fn rewrite(mut section: Section<'_>) -> Rewrite {
    let name = |value| {
        text(value).and_then(|name| {
            name.parse::<HeaderName>()
                .map_err(|_| format!("{name:?} is not the name of a header"))
        })
    };
    let prefix = |section: &mut Section<'_>, key| {
        let prefix = section.text(key).map(str::to_owned);
        if prefix
            .as_ref()
            .is_some_and(|prefix| !prefix.starts_with('/'))
        {
            section.refuse(key, "does not begin with /");
        }
        prefix
    };
    let rewrite = Rewrite {
        host: section.get("host", |value| {
            HeaderValue::from_str(text(value)?).map_err(|error| error.to_string())
        }),
        strip_prefix: prefix(&mut section, "strip_prefix"),
        add_prefix: prefix(&mut section, "add_prefix")
            .map(|prefix| prefix.trim_end_matches('/').to_owned()),
        remove: section
            .list(
                "remove",
                "a list of headers such as [\"authorization\"]",
                name,
            )
            .unwrap_or_default(),
        unconditional: section.boolean("unconditional").unwrap_or_default(),
        set: headers(section.section("set")),
    };
    section.finish();
    rewrite
}

/// Headers with their values; `$NAME` is read from the environment, so that no secret is in the file.
fn headers(section: Section<'_>) -> Vec<(HeaderName, HeaderValue)> {
    let mut all = Vec::new();
    for (name, value) in section.entries() {
        let read = || {
            let header = name
                .parse::<HeaderName>()
                .map_err(|_| format!("{name:?} is not the name of a header"))?;
            let value = text(value)?;
            let value = match value.strip_prefix('$') {
                Some(variable) => std::env::var(variable)
                    .map_err(|_| format!("the variable {variable} is not set"))?,
                None => value.to_owned(),
            };
            let mut value = HeaderValue::try_from(value)
                .map_err(|_| "holds a character that no header may".to_owned())?;
            value.set_sensitive(true);
            Ok::<_, String>((header, value))
        };
        match read() {
            Ok(header) => all.push(header),
            Err(error) => section.refuse(name, error),
        }
    }
    all
}
