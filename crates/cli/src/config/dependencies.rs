//! `[[dependency]]`: the outside services that the sides call.

use super::reader::{self, Section};
use super::{Mode, Surroundings};
use understudy_model::{Role, Span};
use understudy_subject_http::Target;
use understudy_trial::config::{DependencyConfig, Launched, SideConfig};

/// The word for as long as it was waited for when an answer was recorded.
pub(super) const RECORDED: &str = "recorded";
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
        let Some(dependency) = dependency(&mut section, around) else {
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

fn dependency(section: &mut Section<'_>, around: &Surroundings<'_>) -> Option<DependencyConfig> {
    section.need(
        &["name"],
        "write what it is called, such as name = \"prices\"",
    );
    section.need(
        &["url"],
        "write where it is, such as url = \"http://127.0.0.1:9000\"",
    );
    let name = section.get("name", |value| named(reader::text(value)?));
    // The one kind so far; a file says it all the same, so that it reads the same later.
    section.choice("kind", &[("http", ())]);
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
        .unwrap_or(DependencyConfig::TIMEOUT);
    if timeout.nanos() == 0 {
        section.refuse("timeout", "0 leaves no time to answer");
    }
    let settle = section
        .quantity("settle")
        .unwrap_or(DependencyConfig::SETTLE);
    Some(DependencyConfig {
        name: name?,
        url: url?,
        latency: latency.flatten(),
        timeout,
        settle,
    })
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
