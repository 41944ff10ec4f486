//! Operation templates: `GET /items/{id}` for `GET /items/123?x=1`.

use std::collections::{BTreeMap, BTreeSet};

/// Stands for a segment that identifies one thing among many.
const ID: &str = "{id}";
/// More different segments than this at one place are identifiers, whatever they look like.
const SIBLINGS: usize = 30;

/// Templates learned from the targets of a workload.
///
/// A segment is an identifier when it looks like one (number, UUID, hexadecimal word, long token) or
/// when the workload has more than 30 different ones at its place. The query does not count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Templates {
    /// Places where every segment is an identifier: the template before it, with the method and the
    /// number of segments of the whole.
    crowded: BTreeSet<(String, usize)>,
}

impl Templates {
    /// Learns from all targets, each a method and a path with or without query.
    pub fn learn<'t>(targets: impl IntoIterator<Item = (&'t str, &'t str)>) -> Templates {
        let paths: BTreeSet<(&str, Vec<&str>)> = targets
            .into_iter()
            .map(|(method, target)| (method, segments(target)))
            .collect();
        let deepest = paths
            .iter()
            .map(|(_, segments)| segments.len())
            .max()
            .unwrap_or_default();
        let mut templates = Templates::default();
        // From left to right: what is learned of one place decides what counts as one place further on.
        for depth in 0..deepest {
            let mut siblings: BTreeMap<(String, usize), BTreeSet<&str>> = BTreeMap::new();
            for (method, segments) in &paths {
                let Some(segment) = segments
                    .get(depth)
                    .filter(|segment| !looks_like_id(segment))
                else {
                    continue;
                };
                let place = (templates.render(method, segments, depth), segments.len());
                siblings.entry(place).or_default().insert(segment);
            }
            let crowded = siblings
                .into_iter()
                .filter(|(_, segments)| segments.len() > SIBLINGS);
            templates.crowded.extend(crowded.map(|(place, _)| place));
        }
        templates
    }

    /// The template of a target.
    pub fn template(&self, method: &str, target: &str) -> String {
        let segments = segments(target);
        self.render(method, &segments, segments.len())
    }

    /// The template of the first `depth` segments.
    fn render(&self, method: &str, segments: &[&str], depth: usize) -> String {
        let mut template = format!("{method} ");
        for segment in &segments[..depth] {
            let crowded = self.crowded.contains(&(template.clone(), segments.len()));
            template.push('/');
            template.push_str(&if crowded {
                ID.to_owned()
            } else {
                generalised(segment)
            });
        }
        template
    }
}

/// The path without query or fragment, split at slashes; `/` is one empty segment.
fn segments(target: &str) -> Vec<&str> {
    let path = target.split(['?', '#']).next().unwrap_or_default();
    path.strip_prefix('/').unwrap_or(path).split('/').collect()
}

/// The segment, or what stands for it: `{id}`, `{id}.json`.
fn generalised(segment: &str) -> String {
    if looks_like_id(segment) {
        return ID.to_owned();
    }
    match segment.rsplit_once('.') {
        Some((stem, extension)) if looks_like_id(stem) => format!("{ID}.{extension}"),
        _ => segment.to_owned(),
    }
}

fn looks_like_id(segment: &str) -> bool {
    let all = |test: fn(u8) -> bool| segment.bytes().all(test);
    let digits = segment.bytes().filter(u8::is_ascii_digit).count();
    let hex = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    let token = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'=');
    digits > 0
        && (digits == segment.len()
            || segment.len() >= 8 && all(hex)
            || segment.len() >= 16 && all(token))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn identifiers_are_known_by_their_looks() {
        let templates = Templates::default();
        for (target, expected) in [
            ("/items/123?x=1", "GET /items/{id}"),
            (
                "/users/6ba7b810-9dad-11d1-80b4-00c04fd430c8/posts",
                "GET /users/{id}/posts",
            ),
            ("/blobs/d41d8cd98f00b204", "GET /blobs/{id}"),
            ("/s/V1StGXR8_Z5jdHi6B-myT", "GET /s/{id}"),
            ("/img/42.png", "GET /img/{id}.png"),
            ("/v1/items", "GET /v1/items"),
            ("/", "GET /"),
            ("", "GET /"),
            ("/a/", "GET /a/"),
        ] {
            assert_eq!(templates.template("GET", target), expected);
        }
    }

    #[test]
    fn crowded_places_are_learned() {
        let users: Vec<String> = ('a'..='z')
            .flat_map(|a| ['x', 'y'].map(|b| format!("/users/{a}{b}/posts/{b}{a}/z")))
            .collect();
        let mut targets: Vec<(&str, &str)> =
            users.iter().map(|path| ("GET", path.as_str())).collect();
        targets.extend([
            ("GET", "/users/ax"),
            ("POST", "/users/ax/posts/b/z"),
            ("GET", "/health"),
        ]);
        let templates = Templates::learn(targets);
        let of = |method, target| templates.template(method, target);
        assert_eq!(
            of("GET", "/users/ax/posts/new/z"),
            "GET /users/{id}/posts/{id}/z"
        );
        assert_eq!(of("GET", "/users/ax"), "GET /users/ax");
        assert_eq!(
            of("POST", "/users/ax/posts/b/z"),
            "POST /users/ax/posts/b/z"
        );
        assert_eq!(of("GET", "/health"), "GET /health");
    }

    proptest! {
        #[test]
        fn any_target_has_a_template_and_the_query_never_matters(target in "[^?#]{0,40}", query: String) {
            let templates = Templates::learn([("GET", target.as_str())]);
            let template = templates.template("GET", &target);
            prop_assert!(template.starts_with("GET /"));
            prop_assert_eq!(templates.template("GET", &format!("{target}?{query}")), template);
        }
    }
}
