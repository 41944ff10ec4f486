//! Links (RFC 8288).

use super::parameters::directive;
use super::reference;
use super::syntax::{Member, by_name, list, parts, words};
use std::collections::BTreeSet;

/// Relation types of one link that count as a link each: a header of many more is one of its own kind.
const RELATIONS: usize = 16;

/// Every link with its text. A link of several relation types is one link of each (section 3.3); the order of links of
/// different types means nothing.
pub(super) fn canonical(value: &str) -> Vec<(String, String)> {
    let mut all: Vec<(String, String, String)> = Vec::new();
    for text in list(value) {
        let (relations, link) = link(text);
        for relation in relations {
            let canonical = format!("{relation} {link}");
            all.push((relation, canonical, text.to_owned()));
        }
    }
    // A stable sort: the order of links of one type counts.
    all.sort_by(|(a, ..), (b, ..)| a.cmp(b));
    all.into_iter()
        .map(|(_, canonical, text)| (canonical, text))
        .collect()
}

/// The relation types, and the rest of the link.
fn link(text: &str) -> (Vec<String>, String) {
    let mut parts = parts(text, ';');
    let target = parts.next().unwrap_or_default();
    let inner = target
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'));
    let target = inner.map_or_else(
        || target.to_owned(),
        |of| format!("<{}>", reference::normal(of)),
    );
    let mut met: BTreeSet<String> = BTreeSet::new();
    let mut members: Vec<Member> = Vec::new();
    for (name, value) in parts.map(directive) {
        // The first of these counts (section 3.4.1).
        let is_single = matches!(name.as_str(), "rel" | "media" | "title" | "title*" | "type");
        if is_single && !met.insert(name.clone()) {
            continue;
        }
        let value = value.map(|value| match name.as_str() {
            "anchor" => reference::normal(&value),
            // Without case: RFC 8288, sections 2.1.1 and 3.4.1; HTML, section 4.2.4.
            "rel" | "rev" | "hreflang" | "type" | "crossorigin" | "as" => {
                value.to_ascii_lowercase()
            }
            _ => value,
        });
        members.push((name, value));
    }
    let relation = members.iter().position(|(name, _)| name == "rel");
    let relation = relation.and_then(|at| members.remove(at).1);
    let relation = relation.unwrap_or_default();
    let mut relations: Vec<String> = words(&relation).map(str::to_owned).collect();
    relations.sort();
    relations.dedup();
    if relations.is_empty() || relations.len() > RELATIONS {
        relations = vec![relations.join(" ")];
    }
    (relations, format!("{target};{}", by_name(members)))
}
