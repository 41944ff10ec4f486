//! A recorded request, with what edge requests are made from. Pure.

use super::json::Object;
use super::target::Parts;
use super::wire::Raw;
use crate::requests::{Requests, WorkloadRequest};
use std::collections::BTreeSet;

/// A recorded request.
pub(super) struct Recorded<'r> {
    /// Its number in the workload.
    pub(super) number: u32,
    raw: Raw,
    /// Its body, if that is an object in JSON.
    object: Option<Object>,
    routes: &'r Routes,
}

impl<'r> Recorded<'r> {
    /// What a variable stands for in a path or a body is not to be shown, so that nothing is made from such a request;
    /// nor from one that could not be sent as it is.
    pub(super) fn of(number: u32, request: &WorkloadRequest, routes: &'r Routes) -> Option<Self> {
        if !request.variables.is_empty() || request.render("host").is_err() {
            return None;
        }
        let raw = Raw::of(request);
        Some(Recorded {
            number,
            object: Object::parse(&raw.body.bytes),
            raw,
            routes,
        })
    }

    /// The method.
    pub(super) fn method(&self) -> &str {
        &self.raw.method
    }

    /// The request itself, if it is a GET.
    pub(super) fn read(&self) -> Option<Raw> {
        (self.raw.method == "GET").then(|| self.raw.clone())
    }

    /// The request itself, if it brings a body that a service is to store or to work on.
    pub(super) fn upload(&self) -> Option<Raw> {
        let is_upload = matches!(self.raw.method.as_str(), "POST" | "PUT" | "PATCH");
        (is_upload && !self.raw.body.bytes.is_empty()).then(|| self.raw.clone())
    }

    /// The request itself, if it brings an object in JSON.
    pub(super) fn document(&self) -> Option<Raw> {
        self.object.as_ref().and_then(|_| self.upload())
    }

    /// The request with another body in place of its object in JSON, if it brings one.
    pub(super) fn json(&self, edit: impl FnOnce(&Object) -> Option<Vec<u8>>) -> Option<Raw> {
        let body = edit(self.object.as_ref()?)?;
        Some(self.upload()?.with_body(body))
    }

    /// Its path with another method and without a body, unless the workload has such a request.
    pub(super) fn lacking(&self, method: &str) -> Option<Raw> {
        (!self.routes.have(method, &self.raw.target)).then(|| self.with_method(method))
    }

    /// The same, whatever the workload has.
    pub(super) fn with_method(&self, method: &str) -> Raw {
        let raw = self.raw.clone().without_body();
        Raw {
            method: method.to_owned(),
            ..raw
        }
    }

    /// A GET with another path.
    pub(super) fn at(&self, path: impl FnOnce(&Parts<'_>) -> Option<String>) -> Option<Raw> {
        let raw = self.read()?;
        let parts = Parts::of(&raw.target);
        let target = parts.with_path(&path(&parts)?);
        Some(raw.with_target(target))
    }

    /// A GET with another query.
    pub(super) fn asking(&self, query: impl FnOnce(&Parts<'_>) -> Option<String>) -> Option<Raw> {
        let raw = self.read()?;
        let parts = Parts::of(&raw.target);
        let target = parts.with_query(&query(&parts)?);
        Some(raw.with_target(target))
    }
}

/// Which methods are recorded for which paths.
pub(super) struct Routes(BTreeSet<(String, String)>);

impl Routes {
    /// Those of a workload.
    pub(super) fn of(requests: &Requests) -> Self {
        let all = requests.all.iter();
        Routes(
            all.map(|request| (request.method.clone(), shape(&request.path)))
                .collect(),
        )
    }

    /// Is a request recorded with this method and a path like this?
    fn have(&self, method: &str, target: &str) -> bool {
        self.0.contains(&(method.to_owned(), shape(target)))
    }
}

/// A path whose identifiers are no longer told apart: segments with a digit are.
fn shape(target: &str) -> String {
    let path = target.split('?').next().unwrap_or_default();
    let is_identifier = |segment: &str| segment.bytes().any(|byte| byte.is_ascii_digit());
    let segments = path.split('/').map(|segment| match is_identifier(segment) {
        true => "*",
        false => segment,
    });
    segments.collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_known_by_another_identifier() {
        let mut delete = WorkloadRequest::get("/items/17?soft=1");
        delete.method = "DELETE".to_owned();
        let requests = Requests {
            all: vec![WorkloadRequest::get("/items/1"), delete],
        };
        let routes = Routes::of(&requests);
        let recorded = Recorded::of(0, &requests.all[0], &routes).unwrap();
        assert!(recorded.lacking("DELETE").is_none());
        assert_eq!(recorded.lacking("PUT").unwrap().method, "PUT");
        assert_eq!(shape("/v1/items/a3f/parts"), "/*/items/*/parts");
    }

    #[test]
    fn nothing_is_made_from_what_a_variable_hides() {
        let routes = Routes(BTreeSet::new());
        let hidden = WorkloadRequest::get("/items/${ID}")
            .with_variables(vec!["ID".to_owned()], &|_| Some("7".to_owned()))
            .unwrap();
        assert!(Recorded::of(0, &hidden, &routes).is_none());
        let unsendable = WorkloadRequest::get("/a b");
        assert!(Recorded::of(0, &unsendable, &routes).is_none());
    }
}
