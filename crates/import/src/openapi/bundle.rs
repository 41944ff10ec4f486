//! Other files that a document refers to become parts of it.
//!
//! Every reference is then one inside of the document. A file that cannot be read leaves its references as they
//! are, and they are found to lead nowhere where they are followed.

use super::parse::{MAX_BYTES, parsed};
use crate::target::decoded;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Reads the files next to a document.
pub trait Neighbours {
    /// The bytes of a file in the folder of `document` or below it; `path` is relative to that folder and leads
    /// neither out of it nor to the root. Nothing if it cannot be read or is too large.
    fn read(&self, document: &str, path: &str) -> Option<Vec<u8>>;
}

/// There are none.
impl Neighbours for () {
    fn read(&self, _document: &str, _path: &str) -> Option<Vec<u8>> {
        None
    }
}

/// Where the other files are in the document.
pub(super) const FILES: &str = "x-understudy-files";
/// Most other files of one document.
const MAX_FILES: usize = 500;
/// Most levels of a document.
const MAX_DEPTH: usize = 200;

/// Keys that contain names of the document, not names of the specification.
const NAMES: [&str; 16] = [
    "$defs",
    "callbacks",
    "definitions",
    "encoding",
    "examples",
    "headers",
    "links",
    "parameters",
    "pathItems",
    "paths",
    "patternProperties",
    "properties",
    "requestBodies",
    "responses",
    "schemas",
    "securitySchemes",
];
/// Keys whose values are data: a `$ref` in them is a text like any other.
const DATA: [&str; 5] = ["const", "default", "enum", "example", "value"];

/// Puts the other files into the document.
pub(super) fn bundled(mut root: Value, document: &str, neighbours: &dyn Neighbours) -> Value {
    let mut files = Files {
        document,
        neighbours,
        left: MAX_BYTES,
        known: BTreeMap::new(),
        open: Vec::new(),
    };
    files.rewrite(&mut root, "", false, 0);
    let mut read = Map::new();
    while let Some((path, mut value)) = files.open.pop() {
        files.rewrite(&mut value, &path, false, 0);
        read.insert(path, value);
    }
    if let Value::Object(root) = &mut root
        && !read.is_empty()
    {
        root.insert(FILES.to_owned(), Value::Object(read));
    }
    root
}

struct Files<'f> {
    document: &'f str,
    neighbours: &'f dyn Neighbours,
    /// Bytes that may still be read.
    left: usize,
    /// Files that were looked for, and whether they were found.
    known: BTreeMap<String, bool>,
    /// Those that were found and whose own references are still to be followed.
    open: Vec<(String, Value)>,
}

impl Files<'_> {
    /// Rewrites the references of a part of the file `base` (the document itself if it is empty).
    fn rewrite(&mut self, value: &mut Value, base: &str, are_names: bool, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        match value {
            Value::Array(all) => {
                for one in all {
                    self.rewrite(one, base, false, depth + 1);
                }
            }
            Value::Object(object) => {
                for (key, value) in object {
                    match (key.as_str(), &mut *value) {
                        ("$ref", Value::String(to)) if !are_names => *to = self.inside(to, base),
                        ("mapping", Value::Object(names)) if !are_names => {
                            for to in names.values_mut() {
                                if let Value::String(to) = to
                                    && to.contains(['/', '#', '.'])
                                {
                                    *to = self.inside(to, base);
                                }
                            }
                        }
                        (key, _) if !are_names && DATA.contains(&key) => {}
                        (key, value) => {
                            let are_names = !are_names && NAMES.contains(&key);
                            self.rewrite(value, base, are_names, depth + 1);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    /// A reference of the file `base` as one inside of the document, if the file it leads to can be read.
    fn inside(&mut self, to: &str, base: &str) -> String {
        let (file, pointer) = to.split_once('#').unwrap_or((to, ""));
        let path = match file {
            "" if base.is_empty() => return to.to_owned(),
            "" => Some(base.to_owned()),
            file => relative(base, &decoded(file, false)),
        };
        let Some(path) = path.filter(|path| self.is_known(path)) else {
            return to.to_owned();
        };
        let escaped = path
            .replace('~', "~0")
            .replace('/', "~1")
            .replace('%', "%25");
        format!("#/{FILES}/{escaped}{pointer}")
    }

    /// Can this file be read? It is, once.
    fn is_known(&mut self, path: &str) -> bool {
        if let Some(known) = self.known.get(path) {
            return *known;
        }
        if self.known.len() >= MAX_FILES {
            return false;
        }
        let bytes = self.neighbours.read(self.document, path);
        let bytes = bytes.filter(|bytes| bytes.len() <= self.left);
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        let value = text.and_then(|text| {
            self.left -= text.len();
            parsed(text.strip_prefix('\u{feff}').unwrap_or(&text)).ok()
        });
        let is_found = value.is_some();
        self.known.insert(path.to_owned(), is_found);
        self.open
            .extend(value.map(|value| (path.to_owned(), value)));
        is_found
    }
}

/// A path relative to the file `base`, without `.` and `..`; nothing if it leads out of the folder of the document or
/// is a URL.
fn relative(base: &str, file: &str) -> Option<String> {
    if file.starts_with('/') || file.contains(['\\', ':', '\0']) {
        return None;
    }
    let mut path: Vec<&str> = match base.rsplit_once('/') {
        Some((folder, _)) => folder.split('/').collect(),
        None => Vec::new(),
    };
    for piece in file.split('/') {
        match piece {
            "" | "." => {}
            ".." => drop(path.pop()?),
            piece => path.push(piece),
        }
    }
    (!path.is_empty()).then(|| path.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    struct Folder(&'static [(&'static str, &'static str)]);

    impl Neighbours for Folder {
        fn read(&self, document: &str, path: &str) -> Option<Vec<u8>> {
            assert_eq!(document, "api.yaml");
            let (_, text) = self.0.iter().find(|(name, _)| *name == path)?;
            Some(text.as_bytes().to_vec())
        }
    }

    #[test]
    fn references_to_other_files_become_references_inside() {
        let folder = Folder(&[
            (
                "paths/foo.yaml",
                "get: {parameters: [{$ref: '../parameters.json#/Page'}], x: {$ref: '#/get'}}",
            ),
            (
                "parameters.json",
                r#"{"Page": {"$ref": "./parameters.json#/Other"}, "Other": {"in": "query"}}"#,
            ),
        ]);
        let root = json!({
            "paths": {"/foo": {"$ref": "paths/foo.yaml"}, "/bar": {"$ref": "paths/bar.yaml"}},
            "a": {"example": {"$ref": "paths/foo.yaml"}, "properties": {"example": {"$ref": "parameters.json"}}},
            "b": {"discriminator": {"mapping": {"x": "parameters.json#/Page", "y": "Name"}}},
            "c": [{"$ref": "https://h/x.yaml"}, {"$ref": "../x.yaml"}, {"$ref": "/etc/passwd"}, {"$ref": "#/a"}],
        });
        let bundled = bundled(root.clone(), "api.yaml", &folder);
        let files = &bundled[FILES];
        let foo = "#/x-understudy-files/paths~1foo.yaml";
        let parameters = "#/x-understudy-files/parameters.json";
        assert_eq!(bundled["paths"]["/foo"]["$ref"], foo);
        assert_eq!(
            bundled["paths"]["/bar"], root["paths"]["/bar"],
            "it is not there"
        );
        assert_eq!(bundled["a"]["example"], root["a"]["example"], "data");
        assert_eq!(bundled["a"]["properties"]["example"]["$ref"], parameters);
        assert_eq!(
            bundled["b"]["discriminator"]["mapping"]["x"],
            format!("{parameters}/Page")
        );
        assert_eq!(bundled["b"]["discriminator"]["mapping"]["y"], "Name");
        assert_eq!(
            bundled["c"], root["c"],
            "neither URLs nor what is outside of the folder is read"
        );
        let read = &files["paths/foo.yaml"]["get"];
        assert_eq!(read["parameters"][0]["$ref"], format!("{parameters}/Page"));
        assert_eq!(read["x"]["$ref"], format!("{foo}/get"));
        assert_eq!(
            files["parameters.json"]["Page"]["$ref"],
            format!("{parameters}/Other")
        );
    }
}
