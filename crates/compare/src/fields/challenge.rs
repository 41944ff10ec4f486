//! Challenges of authentication (RFC 9110, section 11.6.1).

use super::parameters::directive;
use super::syntax::{Member, SPACE, by_name, list, trimmed};

/// A scheme without case, and what comes with it.
struct Challenge {
    scheme: String,
    /// `token68`, whose case counts.
    token: Option<String>,
    parameters: Vec<Member>,
}

/// Challenges in their order, the parameters of each in any.
pub(super) fn canonical(value: &str) -> Vec<String> {
    let mut all: Vec<Challenge> = Vec::new();
    for part in list(value) {
        match (parameter(part), all.last_mut()) {
            (Some(parameter), Some(last)) => last.parameters.push(parameter),
            _ => all.push(challenge(part)),
        }
    }
    let one = |of: Challenge| {
        let token = of.token.map(|token| format!(" {token:?}"));
        let parameters = by_name(of.parameters);
        format!("{}{} {parameters}", of.scheme, token.unwrap_or_default())
    };
    all.into_iter().map(one).collect()
}

/// A scheme, and a parameter or a token behind it.
fn challenge(part: &str) -> Challenge {
    let (scheme, rest) = part.split_once(SPACE).unwrap_or((part, ""));
    let rest = trimmed(rest);
    let parameter = parameter(rest);
    Challenge {
        scheme: scheme.to_ascii_lowercase(),
        token: (parameter.is_none() && !rest.is_empty()).then(|| rest.to_owned()),
        parameters: parameter.into_iter().collect(),
    }
}

/// `name = value`. `None` for a scheme, for a scheme with its first parameter, and for the padding of a `token68`.
fn parameter(part: &str) -> Option<Member> {
    let (name, value) = part.split_once('=')?;
    let is_name = !trimmed(name).is_empty() && !trimmed(name).contains(SPACE);
    let is_padding = value.trim_start_matches('=').is_empty();
    if !is_name || is_padding {
        return None;
    }
    let (name, value) = directive(part);
    let value = match name.as_str() {
        // A flag without case (RFC 7616, section 3.3).
        "stale" => value.map(|value| value.to_ascii_lowercase()),
        _ => value,
    };
    Some((name, value))
}
