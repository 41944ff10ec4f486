//! `[workload]`: what is asked of both sides.

use super::Surroundings;
use super::reader::{self, Section};
use super::sides::check_path;
use understudy_judge::terms::Fresh;
use understudy_model::Arrivals;
use understudy_model::Span;
use understudy_trial::config::{
    DependencyConfig, EdgesConfig, HostHeader, HttpWorkload, ProtobufConfig, RequestsFrom,
};

/// Connections, where nothing is said.
pub(super) const CONNECTIONS: u32 = 64;
/// Longest time for one exchange, where nothing is said.
pub(super) const TIMEOUT: Span = Span::from_secs(10);

/// The words for the distribution of arrivals.
const ARRIVALS: [(&str, Arrivals); 2] = [
    ("poisson", Arrivals::Poisson),
    ("constant", Arrivals::Constant),
];
pub(super) const FRESH: [(&str, Fresh); 3] = [
    ("trial", Fresh::Trial),
    ("pair", Fresh::Pair),
    ("block", Fresh::Block),
];

/// What tables of their own say of the requests.
pub(super) struct Besides {
    pub(super) edges: Option<EdgesConfig>,
    pub(super) dependencies: Vec<DependencyConfig>,
    pub(super) protobuf: Option<ProtobufConfig>,
}

/// Reads the section; `None` if a problem says why.
pub(super) fn read(
    mut section: Section<'_>,
    besides: Besides,
    around: &Surroundings<'_>,
) -> Option<HttpWorkload> {
    let requests = requests(&mut section, around);
    section.need(
        &["rates"],
        "write the requests per second, such as rates = [500]",
    );
    let rates = section.list(
        "rates",
        "numbers of requests per second such as [500]",
        |value| {
            check_rate(
                reader::number(value).ok_or_else(|| reader::expected("a finite number", value))?,
            )
        },
    );
    let prepare = around.file(&mut section, "prepare");
    let arrivals = section.choice("arrivals", &ARRIVALS).unwrap_or_default();
    let fresh = section.choice("fresh", &FRESH);
    let connections = section.whole("connections", 1..=65_536);
    let timeout = section.quantity("timeout").unwrap_or(TIMEOUT);
    if timeout.nanos() == 0 {
        section.refuse("timeout", "0 leaves no time to answer");
    }
    let warmup = section.quantity("warmup");
    let writes = section.boolean("writes").unwrap_or(false);
    let instructions = section.boolean("instructions").unwrap_or(false);
    let host = section.text("host").map(host);
    if let Some(Err(problem)) = &host {
        section.refuse("host", problem);
    }
    section.finish();
    Some(HttpWorkload {
        requests: requests?,
        prepare,
        rates: ascending(rates?),
        arrivals,
        fresh,
        connections: connections
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(CONNECTIONS),
        timeout,
        warmup,
        writes,
        instructions,
        host: host.and_then(Result::ok).unwrap_or_default(),
        edges: besides.edges,
        dependencies: besides.dependencies,
        protobuf: besides.protobuf,
    })
}

/// The word for each side's own address.
pub(super) const OWN_HOST: &str = "own";

/// What `Host` says: a name with or without a port, or `own`.
fn host(name: &str) -> Result<HostHeader, String> {
    let is_host =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    match name {
        OWN_HOST => Ok(HostHeader::Own),
        name if !name.is_empty() && name.chars().all(is_host) => {
            Ok(HostHeader::Named(name.to_owned()))
        }
        _ => Err(format!(
            "{name:?} is not a host such as \"shop.example\", or \"own\""
        )),
    }
}

fn requests(section: &mut Section<'_>, around: &Surroundings<'_>) -> Option<RequestsFrom> {
    section.need(
        &["requests", "paths"],
        "write requests, a file of JSON lines, or paths, such as [\"/items/1\"]",
    );
    let file = around.file(section, "requests");
    let paths = section.list("paths", "paths such as [\"/items/1\"]", |value| {
        let path = reader::text(value)?;
        check_path(path).map(|()| path.to_owned())
    });
    if section.has("requests") && section.has("paths") {
        section.refuse("paths", "excludes requests: a file, or paths");
    }
    file.map(RequestsFrom::File)
        .or(paths.map(RequestsFrom::Paths))
}

/// Is it a rate that can be offered?
pub(super) fn check_rate(rate: f64) -> Result<f64, String> {
    if (0.001..=1e7).contains(&rate) {
        Ok(rate)
    } else {
        Err(format!(
            "{rate} is not a rate from 0.001 to 10000000 requests per second"
        ))
    }
}

/// Each rate once, the lowest first.
pub(super) fn ascending(mut rates: Vec<f64>) -> Vec<f64> {
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    rates
}
