//! What the value of a header means, by the grammar that its standard gives it.
//!
//! Two values are the same if no reader that keeps to the standard can distinguish them: spacing, quotes that a token
//! does not need, the case of names that have none, the order of lists that have none. What a standard leaves open
//! counts, and so does a value that its grammar does not allow.

use super::structured::{self, Kind};
use super::syntax::{self, SPACE, by_name, digits, list, parts, sorted, trimmed, words};
use super::{challenge, link, parameters, policy, reference, refresh};
use crate::date::http_date;
use crate::json::Json;

/// The grammars.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Grammar {
    /// Names without case, in any order, on one line or several (`Content-Language`).
    Names,
    /// As [`Grammar::Names`], where `*` stands for all others (`Vary`, RFC 9110, section 12.5.5).
    Vary,
    /// Words with case, in any order (`Allow`: methods have one, RFC 9110, section 9.1).
    Words,
    /// As [`Grammar::Words`], where `*` stands for all others (`Timing-Allow-Origin`).
    Origins,
    /// Directives in any order, names without case, values with or without quotes (`Cache-Control`).
    Directives,
    /// The same, set off by `;` (`Strict-Transport-Security`).
    Settings,
    /// A value without case, then parameters in any order, set off by `;` (`Content-Disposition`).
    Parameters,
    /// As [`Grammar::Parameters`], of which there may be several in any order (`Accept-Patch`).
    ParameterLists,
    /// References with parameters; the order of those of one relation type counts (`Link`).
    Links,
    /// Policies of directives, each of sources in any order (`Content-Security-Policy`).
    Policies,
    /// Features and the origins that may use them (`Feature-Policy`).
    Features,
    /// One word without case (`X-DNS-Prefetch-Control`).
    Word,
    /// The first word of a list, without case (`X-Content-Type-Options`: Fetch, section 3.6).
    FirstWord,
    /// Words without case in an order that counts (`Referrer-Policy`: the last one known wins).
    Ordered,
    /// Rules; those of one robot follow its name (`X-Robots-Tag`).
    Robots,
    /// A moment in any form that HTTP allows (`Last-Modified`).
    Date,
    /// The same, where every text that is not a date is a moment in the past (`Expires`, RFC 9111, section 5.3).
    Expiry,
    /// A moment or seconds (`Retry-After`).
    DateOrSeconds,
    /// Seconds (`Access-Control-Max-Age`).
    Seconds,
    /// A scheme without case, then parameters or a token with case (`WWW-Authenticate`).
    Challenges,
    /// A reference in its normal form (`Location`, RFC 3986, section 6.2.2).
    Reference,
    /// Seconds and a reference (`Refresh`).
    Refresh,
    /// A unit without case, then numbers (`Content-Range`).
    Range,
    /// A code, an agent, a text and perhaps a date (`Warning`, RFC 7234, section 5.5).
    Warnings,
    /// Members of a JSON array (`NEL`).
    Json,
    /// A structured field (RFC 9651) of this type.
    Structured(Kind),
}

/// The grammar of a header of this name (lower case), of those whose text is not their meaning: the fields of the
/// registry of HTTP field names that answers carry, and others in use. Every other header is compared by its bytes, as
/// browsers compare `Access-Control-Allow-Origin`, `Access-Control-Allow-Credentials` and
/// `Cross-Origin-Resource-Policy` (Fetch, sections 4.9 and 3.7).
pub(super) fn of(name: &str) -> Option<Grammar> {
    use Grammar::*;
    Some(match name {
        "accept-ch"
        | "accept-ranges"
        | "access-control-allow-headers"
        | "access-control-expose-headers"
        | "content-language"
        | "critical-ch"
        | "x-frame-options" => Names,
        "vary" => Vary,
        "access-control-allow-methods" | "allow" | "clear-site-data" | "dav" | "public" => Words,
        "timing-allow-origin" => Origins,
        "authentication-info"
        | "cache-control"
        | "digest"
        | "expect-ct"
        | "pragma"
        | "preference-applied"
        | "proxy-authentication-info"
        | "surrogate-control" => Directives,
        "public-key-pins"
        | "public-key-pins-report-only"
        | "strict-transport-security"
        | "x-xss-protection" => Settings,
        "content-disposition" | "content-type" => Parameters,
        "accept" | "accept-encoding" | "accept-patch" | "accept-post" | "want-digest" => {
            ParameterLists
        }
        "link" => Links,
        "content-security-policy"
        | "content-security-policy-report-only"
        | "x-content-security-policy"
        | "x-webkit-csp" => Policies,
        "feature-policy" => Features,
        "content-transfer-encoding"
        | "x-dns-prefetch-control"
        | "x-download-options"
        | "x-permitted-cross-domain-policies" => Word,
        "x-content-type-options" => FirstWord,
        "referrer-policy" => Ordered,
        "x-robots-tag" => Robots,
        "last-modified" | "memento-datetime" | "sunset" => Date,
        "expires" => Expiry,
        "retry-after" => DateOrSeconds,
        "access-control-max-age" | "ttl" => Seconds,
        "authentication-control"
        | "optional-www-authenticate"
        | "proxy-authenticate"
        | "www-authenticate" => Challenges,
        "content-location"
        | "location"
        | "service-worker-allowed"
        | "sourcemap"
        | "x-sourcemap" => Reference,
        "refresh" => Refresh,
        "content-range" => Range,
        "warning" => Warnings,
        "attribution-reporting-register-source"
        | "attribution-reporting-register-trigger"
        | "nel" => Json,
        _ => return structured(name).map(Structured),
    })
}

/// The type of a structured field, by the registry of HTTP field names and the standards of W3C and WHATWG.
fn structured(name: &str) -> Option<Kind> {
    Some(match name {
        "activate-storage-access"
        | "available-dictionary"
        | "capsule-protocol"
        | "cross-origin-embedder-policy"
        | "cross-origin-embedder-policy-report-only"
        | "cross-origin-opener-policy"
        | "cross-origin-opener-policy-report-only"
        | "deprecation"
        | "dictionary-id"
        | "document-isolation-policy"
        | "document-isolation-policy-report-only"
        | "incremental"
        | "observe-browsing-topics"
        | "origin-agent-cluster"
        | "set-login" => Kind::Item,
        "accept-query"
        | "cache-group-invalidation"
        | "cache-groups"
        | "cache-status"
        | "link-template"
        | "proxy-status"
        | "ratelimit-limit"
        | "ratelimit-remaining"
        | "ratelimit-reset"
        | "speculation-rules"
        | "supports-loading-mode" => Kind::List,
        "cdn-cache-control"
        | "content-digest"
        | "document-policy"
        | "document-policy-report-only"
        | "integrity-policy"
        | "integrity-policy-report-only"
        | "no-vary-search"
        | "priority"
        | "reporting-operations"
        | "repr-digest"
        | "require-document-policy"
        | "unencoded-digest"
        | "use-as-dictionary"
        | "want-content-digest"
        | "want-repr-digest" => Kind::Dictionary,
        "accept-signature" | "signature" | "signature-input" => Kind::Signatures,
        "permissions-policy" | "permissions-policy-report-only" => Kind::Allowlists,
        "ratelimit" | "ratelimit-policy" => Kind::ListOrDictionary,
        _ => return None,
    })
}

/// A value that counts: equal for values that mean the same, and as it is shown.
pub(super) type Value = (String, String);

impl Grammar {
    /// What the lines of a header of this name say, value by value: equal for headers that mean the same.
    pub(super) fn values(self, name: &str, lines: &[String]) -> Vec<Value> {
        let joined = lines.join(", ");
        let all = |canonical: String| match canonical.is_empty() {
            // The empty list: what a header says that is not there (RFC 9110, section 5.6.1).
            true => Vec::new(),
            false => vec![(canonical, joined.clone())],
        };
        let each = |of: &dyn Fn(&str) -> String| {
            let one = |line: &String| (of(trimmed(line)), line.clone());
            lines.iter().map(one).collect::<Vec<_>>()
        };
        match self {
            Grammar::Names => all(names(&joined)),
            Grammar::Vary => match list(&joined).any(|member| member == "*") {
                true => all("*".to_owned()),
                // Codings are not compared.
                false => all(sorted(
                    list(&joined)
                        .map(str::to_ascii_lowercase)
                        .filter(|member| member != "accept-encoding"),
                )),
            },
            // An answer that allows no method says so with an empty list (RFC 9110, section 10.2.1).
            Grammar::Words if name == "allow" => {
                vec![(sorted(list(&joined).map(str::to_owned)), joined)]
            }
            Grammar::Words => all(sorted(list(&joined).map(str::to_owned))),
            Grammar::Origins => match list(&joined).any(|member| member == "*") {
                true => all("*".to_owned()),
                false => all(sorted(list(&joined).map(str::to_owned))),
            },
            Grammar::Directives => all(by_name(list(&joined).map(parameters::setting).collect())),
            Grammar::Settings => each(&settings),
            Grammar::Parameters => each(&parameters::parameters),
            Grammar::ParameterLists => all(sorted(list(&joined).map(parameters::parameters))),
            Grammar::Links => link::canonical(&joined),
            Grammar::Policies => all(policy::policies(&joined)),
            Grammar::Features => all(policy::features(&joined)),
            Grammar::Word => each(&str::to_ascii_lowercase),
            Grammar::FirstWord => {
                let first = trimmed(joined.split(',').next().unwrap_or_default());
                vec![(first.to_ascii_lowercase(), joined)]
            }
            Grammar::Ordered => all(ordered(&joined)),
            Grammar::Robots => match lines.iter().any(|line| line.contains(':')) {
                true => each(&ordered),
                false => all(names(&joined)),
            },
            Grammar::Date => each(&date),
            Grammar::Expiry => each(&expiry),
            Grammar::DateOrSeconds => each(&|text| match moment(text) {
                Some(_) => date(text),
                None => digits(text).to_owned(),
            }),
            Grammar::Seconds => each(&|text| digits(text).to_owned()),
            Grammar::Challenges => listed(challenge::canonical(&joined), &joined),
            Grammar::Reference => each(&reference::normal),
            Grammar::Refresh => each(&refresh::canonical),
            Grammar::Range => each(&range),
            Grammar::Warnings => listed(list(&joined).map(warning).collect(), &joined),
            Grammar::Json => all(json(&joined)),
            Grammar::Structured(kind) => listed(structured::values(kind, &joined), &joined),
        }
    }
}

/// The members of a list whose order counts. One alone is shown as it is written.
fn listed(values: Vec<String>, text: &str) -> Vec<Value> {
    let is_one = values.len() == 1;
    let shown = |value: String| {
        let shown = if is_one {
            text.to_owned()
        } else {
            value.clone()
        };
        (value, shown)
    };
    values
        .into_iter()
        .filter(|value| !value.is_empty())
        .map(shown)
        .collect()
}

fn names(value: &str) -> String {
    sorted(list(value).map(str::to_ascii_lowercase))
}

fn ordered(value: &str) -> String {
    let members: Vec<String> = list(value).map(str::to_ascii_lowercase).collect();
    members.join(",")
}

fn settings(value: &str) -> String {
    let mut members: Vec<syntax::Member> = parts(value, ';').map(parameters::setting).collect();
    // Pins are a set (RFC 7469, section 2.1.1); of any other directive the first one counts.
    members.sort_by(|a, b| match a.0.starts_with("pin-") {
        true => a.cmp(b),
        false => a.0.cmp(&b.0),
    });
    by_name(members)
}

/// Seconds since 1970 of a date in one of the forms of RFC 9110, section 5.6.7: all of them are in GMT.
fn moment(text: &str) -> Option<i64> {
    let last = text.rsplit(SPACE).next().unwrap_or_default();
    let is_year = last.len() == 4 && last.bytes().all(|byte| byte.is_ascii_digit());
    let is_gmt = is_year || last.eq_ignore_ascii_case("gmt");
    http_date(text).filter(|_| is_gmt)
}

fn date(text: &str) -> String {
    moment(text).map_or_else(|| text.to_owned(), |seconds| format!("@{seconds}"))
}

fn expiry(text: &str) -> String {
    match http_date(text) {
        None => "in the past".to_owned(),
        // A date in a form that some caches read.
        Some(_) => date(text),
    }
}

fn range(value: &str) -> String {
    let mut words = words(value);
    let unit = words.next().unwrap_or_default().to_ascii_lowercase();
    words.fold(unit, |all, word| all + " " + word)
}

fn warning(member: &str) -> String {
    let mut parts: Vec<String> = parts(member, ' ').map(str::to_owned).collect();
    if let Some(agent) = parts.get_mut(1) {
        *agent = agent.to_ascii_lowercase();
    }
    if let Some(at) = parts.get_mut(3) {
        *at = date(&syntax::unquoted(at));
    }
    format!("{parts:?}")
}

fn json(value: &str) -> String {
    let Ok(json) = Json::parse(format!("[{value}]").as_bytes()) else {
        return trimmed(value).to_owned();
    };
    let mut out = String::new();
    json.write(&mut out);
    out
}
