//! `[[dependency]]`: the outside services that the sides call.

use super::reader::{self, Section};
use super::{Mode, Surroundings};
use understudy_model::{Role, Span};
use understudy_subject_http::Target;
use understudy_trial::config::{
    DependencyConfig, DependencyKind, HttpDependency, Launched, SideConfig,
};

/// The word for as long as it was waited for when an answer was recorded.
pub(super) const RECORDED: &str = "recorded";
/// What an outside service speaks.
pub(super) const HTTP: &str = "http";
pub(super) const TCP: &str = "tcp";
/// Most letters of a name.
const MOST_LETTERS: usize = 40;

/// Reads the sections, and holds the sides to calling what stands in for each.
pub(super) fn read(
    sections: Vec<Section<'_>>,
    sides: &[(Role, Option<&SideConfig>)],
    around: &Surroundings<'_>,
) -> Vec<DependencyConfig> {
    let mut all: Vec<DependencyConfig> = Vec::new();
    for mut section in sections {
        let kind = section.choice("kind", &[(HTTP, HTTP), (TCP, TCP)]);
        if kind.is_none() && section.has("kind") {
            // Which keys it has turns on that: it is the one mistake.
            continue;
        }
        let Some(dependency) = dependency(&mut section, kind, around) else {
            section.finish();
            continue;
        };
        if all.iter().any(|before| before.name == dependency.name) {
            section.refuse(
                "name",
                format!("there are two of the name {:?}", dependency.name),
            );
        }
        if around.mode != Mode::Judge {
            for (role, side) in sides {
                if let Some(why) = side.and_then(|side| not_stood_in(*role, side, &dependency)) {
                    section.refuse("name", why);
                }
            }
        }
        section.finish();
        all.push(dependency);
    }
    all
}

fn dependency(
    section: &mut Section<'_>,
    kind: Option<&str>,
    around: &Surroundings<'_>,
) -> Option<DependencyConfig> {
    section.need(
        &["name"],
        "write what it is called, such as name = \"prices\"",
    );
    let name = section.get("name", |value| named(reader::text(value)?));
    let kind = match kind {
        Some(TCP) => tcp(section),
        _ => http(section, around),
    };
    Some(DependencyConfig {
        name: name?,
        kind: kind?,
    })
}

fn http(section: &mut Section<'_>, around: &Surroundings<'_>) -> Option<DependencyKind> {
    section.need(
        &["url"],
        "write where it is, such as url = \"http://127.0.0.1:9000\"",
    );
    let url = section.text("url").map(str::to_owned);
    if let (Some(url), true) = (&url, around.mode != Mode::Judge)
        && let Err(error) = Target::parse_server(url)
    {
        section.refuse("url", error);
    }
    let latency = section.get("latency", |value| match reader::text(value)? {
        RECORDED => Ok(None),
        text => text
            .parse::<Span>()
            .map(Some)
            .map_err(|error| error.to_string()),
    });
    let timeout = section
        .quantity("timeout")
        .unwrap_or(HttpDependency::TIMEOUT);
    if timeout.nanos() == 0 {
        section.refuse("timeout", "0 leaves no time to answer");
    }
    let settle = section.quantity("settle").unwrap_or(HttpDependency::SETTLE);
    Some(DependencyKind::Http(HttpDependency {
        url: url?,
        latency: latency.flatten(),
        timeout,
        settle,
    }))
}

fn tcp(section: &mut Section<'_>) -> Option<DependencyKind> {
    section.need(
        &["address"],
        "write where it is, such as address = \"127.0.0.1:6379\"",
    );
    section.need(
        &["shared"],
        "what is passed through is not told apart by side: write shared = true if nothing goes wrong where all sides use the \
         same data, or give each side a service of its own",
    );
    let address = section.get("address", |value| host_and_port(reader::text(value)?));
    if section.boolean("shared") == Some(false) {
        section.refuse(
            "shared",
            "sides that are passed through to one service share what it stores\nhint: write shared = true if nothing goes wrong then",
        );
    }
    Some(DependencyKind::Tcp(address?))
}

fn host_and_port(text: &str) -> Result<String, String> {
    let port = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    match port.and_then(|(_, port)| port.parse::<u16>().ok()) {
        Some(1..) => Ok(text.to_owned()),
        _ => Err(format!(
            "{:?} is not host:port, such as \"127.0.0.1:6379\"",
            text.chars().take(60).collect::<String>()
        )),
    }
}

/// A name that a place of a difference and a word in braces can have.
fn named(name: &str) -> Result<String, String> {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match !name.is_empty() && name.len() <= MOST_LETTERS && name.chars().all(is_letter) {
        true => Ok(name.to_owned()),
        false => Err(format!(
            "{:?} is not a name: it has 1 to {MOST_LETTERS} letters, digits, - and _",
            name.chars().take(60).collect::<String>()
        )),
    }
}

/// Why a side would call the outside service itself.
fn not_stood_in(role: Role, side: &SideConfig, dependency: &DependencyConfig) -> Option<String> {
    let word = dependency.placeholder();
    match side {
        SideConfig::Running { .. } => Some(format!(
            "the {} runs already, so it calls {:?} itself\nhint: let Understudy start it by run, with {word} in its command or env",
            role.in_words(),
            dependency.name
        )),
        SideConfig::Launched(launched) if !says(launched, &word) => Some(format!(
            "the {} would call the outside service itself: neither run nor env of side.{role} has {word}\nhint: write {word} where its address belongs, such as env = {{ PRICES_URL = \"http://{word}\" }}",
            role.in_words(),
        )),
        SideConfig::Launched(_) => None,
    }
}

fn says(launched: &Launched, word: &str) -> bool {
    launched.run.contains(word) || launched.env.values().any(|value| value.contains(word))
}
