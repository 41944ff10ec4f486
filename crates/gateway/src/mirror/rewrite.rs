//! The request as the candidate gets it.

use crate::config::Rewrite;
use crate::proxy::{Head, MARKER, TRACEPARENT, host_from_authority};
use http::{HeaderName, HeaderValue, header};
use std::hash::{BuildHasher, RandomState};

/// What makes a request conditional on a version that the client has.
const CONDITIONS: [HeaderName; 2] = [header::IF_NONE_MATCH, header::IF_MODIFIED_SINCE];

impl Head {
    /// Marked as a copy, as a span of its own.
    pub(crate) fn marked(mut self) -> Head {
        self.headers.insert(&MARKER, HeaderValue::from_static("1"));
        let span = self
            .headers
            .get(&TRACEPARENT)
            .and_then(|parent| span_below(parent.to_str().ok()?));
        if let Some(span) = span {
            self.headers.insert(&TRACEPARENT, span);
        }
        self
    }

    /// Is it answered with 304 if the client has the newest version already?
    pub(crate) fn is_conditional(&self) -> bool {
        CONDITIONS
            .iter()
            .any(|name| self.headers.contains_key(name))
    }

    /// Answered as if the client had nothing yet.
    pub(crate) fn unconditional(mut self) -> Head {
        for name in &CONDITIONS {
            self.headers.remove(name);
        }
        self
    }

    /// Changed as the configuration says.
    pub(crate) fn rewritten(mut self, rewrite: &Rewrite) -> Head {
        host_from_authority(&self.uri, &mut self.headers);
        if let Some(host) = &rewrite.host {
            self.headers.insert(header::HOST, host.clone());
        }
        for name in &rewrite.remove {
            self.headers.remove(name);
        }
        for (name, value) in &rewrite.set {
            self.headers.insert(name, value.clone());
        }
        let before = self.uri.path_and_query().map_or("/", |path| path.as_str());
        // `*` is the server as a whole, and no path.
        if before != "*" && (rewrite.strip_prefix.is_some() || rewrite.add_prefix.is_some()) {
            let rest = rewrite
                .strip_prefix
                .as_deref()
                .and_then(|prefix| before.strip_prefix(prefix));
            let rest = rest.unwrap_or(before);
            let slash = if rest.starts_with('/') { "" } else { "/" };
            let path = format!(
                "{}{slash}{rest}",
                rewrite.add_prefix.as_deref().unwrap_or_default()
            );
            // What makes no target is left as it was.
            if let Ok(uri) = path.parse() {
                self.uri = uri;
                self.raw_target = None;
            }
        }
        self
    }
}

/// The same trace with another parent (W3C Trace Context: version, trace, parent, flags).
fn span_below(parent: &str) -> Option<HeaderValue> {
    let mut parts = parent.split('-');
    let (version, trace, _, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    // Numbers that cannot be foreseen, without asking the system for each.
    let span = RandomState::new().hash_one(parent) | 1;
    HeaderValue::try_from(format!("{version}-{trace}-{span:016x}-{flags}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, Method, Uri};

    fn copy(uri: &'static str) -> Head {
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("shop"));
        headers.insert("authorization", HeaderValue::from_static("Bearer a"));
        headers.insert(
            "traceparent",
            HeaderValue::from_static("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        );
        Head {
            method: Method::GET,
            uri: Uri::from_static(uri),
            headers,
            ..Head::default()
        }
    }

    #[test]
    fn a_copy_is_marked_and_has_a_span_of_its_own() {
        let marked = copy("/").marked();
        assert!(marked.headers.contains_key("x-understudy-shadow"));
        let trace = marked.headers["traceparent"].to_str().unwrap();
        assert!(
            trace.starts_with("00-4bf92f3577b34da6a3ce929d0e0e4736-") && trace.ends_with("-01")
        );
        assert!(!trace.contains("00f067aa0ba902b7"));
    }

    #[test]
    fn it_is_changed_as_configured_and_not_otherwise() {
        let rewrite = Rewrite {
            host: Some(HeaderValue::from_static("new")),
            strip_prefix: Some("/api".into()),
            add_prefix: Some("/v2".into()),
            remove: vec![HeaderName::from_static("authorization")],
            unconditional: false,
            set: vec![(
                HeaderName::from_static("x-a"),
                HeaderValue::from_static("b"),
            )],
        };
        let changed = copy("/api/items?x=1").rewritten(&rewrite);
        assert_eq!(
            (changed.uri.to_string().as_str(), &changed.headers["host"]),
            ("/v2/items?x=1", &HeaderValue::from_static("new"))
        );
        assert!(
            changed.headers.contains_key("x-a") && !changed.headers.contains_key("authorization")
        );
        assert_eq!(copy("*").rewritten(&rewrite).uri, Uri::from_static("*"));
        let same = copy("/api").rewritten(&Rewrite::default());
        assert_eq!(
            (same.uri, same.headers),
            (copy("/api").uri, copy("/api").headers)
        );
    }
}
