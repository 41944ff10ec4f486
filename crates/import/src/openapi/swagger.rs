//! Documents of OpenAPI 2.0 (Swagger) as those of 3.0: the same requests under other names.

use super::document::reference;
use serde_json::{Map, Value, json};

/// Keys of a parameter that belong to its schema.
const OF_SCHEMA: [&str; 17] = [
    "type",
    "format",
    "items",
    "default",
    "enum",
    "maximum",
    "exclusiveMaximum",
    "minimum",
    "exclusiveMinimum",
    "maxLength",
    "minLength",
    "pattern",
    "maxItems",
    "minItems",
    "uniqueItems",
    "multipleOf",
    "x-example",
];
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

/// The document as one of 3.0. Definitions stay where they are, so that references still lead to them.
pub(super) fn converted(mut root: Value) -> Value {
    let text = |key: &str| root.get(key).and_then(Value::as_str).unwrap_or_default();
    let host = text("host");
    let scheme = root
        .get("schemes")
        .and_then(|all| all.get(0)?.as_str())
        .unwrap_or("https");
    let server = match host {
        "" => text("basePath").to_owned(),
        host => format!("{scheme}://{host}{}", text("basePath")),
    };
    let consumes = root.get("consumes").cloned();
    // Those that operations refer to stay where they are, under the names of 3.0.
    let named = root.get_mut("parameters").and_then(Value::as_object_mut);
    for of in named.into_iter().flat_map(|named| named.values_mut()) {
        *of = parameter(of);
    }
    let named = root.get("parameters").cloned().unwrap_or_default();
    let schemes = root.get("securityDefinitions").map(security_schemes);
    let paths = root.get_mut("paths").and_then(Value::as_object_mut);
    for item in paths.into_iter().flat_map(|paths| paths.values_mut()) {
        let shared = item.get("parameters").cloned();
        let shared = list(shared.as_ref());
        for method in METHODS {
            if let Some(operation) = item.get_mut(method).and_then(Value::as_object_mut) {
                convert(operation, &shared, &named, consumes.as_ref());
            }
        }
        if let Some(item) = item.as_object_mut() {
            item.remove("parameters");
        }
    }
    if let Value::Object(root) = &mut root {
        root.insert("servers".to_owned(), json!([{ "url": server }]));
        root.insert(
            "components".to_owned(),
            json!({ "securitySchemes": schemes.unwrap_or_default() }),
        );
    }
    root
}

fn list(value: Option<&Value>) -> Vec<Value> {
    value.and_then(Value::as_array).cloned().unwrap_or_default()
}

/// A parameter of an operation.
struct Described<'p> {
    /// What the operation has: the parameter, or a reference to it.
    written: &'p Value,
    /// The parameter itself.
    parameter: &'p Value,
}

impl<'p> Described<'p> {
    fn of(written: &'p Value, named: &'p Value) -> Self {
        let to = reference(written).and_then(|to| to.strip_prefix("#/parameters/"));
        let parameter = to.and_then(|name| named.get(name)).unwrap_or(written);
        Described { written, parameter }
    }

    fn text(&self, key: &str) -> Option<&'p str> {
        self.parameter.get(key).and_then(Value::as_str)
    }

    fn is_required(&self) -> bool {
        self.parameter.get("required") == Some(&Value::Bool(true))
    }

    /// Its schema, by reference where the parameter is.
    fn schema(&self) -> Value {
        match reference(self.written) {
            Some(to) => json!({ "$ref": format!("{to}/schema") }),
            None => self
                .parameter
                .get("schema")
                .cloned()
                .unwrap_or_else(|| schema(self.parameter)),
        }
    }
}

/// Converts one operation; `named` are the parameters that it may refer to.
fn convert(
    operation: &mut Map<String, Value>,
    shared: &[Value],
    named: &Value,
    consumes: Option<&Value>,
) {
    let own = list(operation.get("parameters"));
    let mut all: Vec<Described<'_>> = Vec::new();
    for written in shared.iter().chain(&own) {
        let of = Described::of(written, named);
        // Those of the operation replace those of the path.
        let key = (of.text("name"), of.text("in"));
        all.retain(|known| key.0.is_none() || (known.text("name"), known.text("in")) != key);
        all.push(of);
    }
    let consumes = operation.get("consumes").or(consumes);
    let kinds: Vec<String> = list(consumes)
        .iter()
        .filter_map(|kind| kind.as_str().map(str::to_owned))
        .collect();
    let is = |of: &Described<'_>, place: &str| of.text("in") == Some(place);
    if let Some(body) = all.iter().find(|of| is(of, "body")) {
        let kind = kinds.first().map_or("application/json", String::as_str);
        let media = json!({ "schema": body.schema() });
        let body = json!({ "required": body.is_required(), "content": { kind: media } });
        operation.insert("requestBody".to_owned(), body);
    }
    let fields: Vec<&Described<'_>> = all.iter().filter(|of| is(of, "formData")).collect();
    if !fields.is_empty() {
        operation.insert("requestBody".to_owned(), form(&fields, &kinds));
    }
    let others = all
        .iter()
        .filter(|of| !is(of, "body") && !is(of, "formData"));
    let others: Vec<Value> = others.map(|of| parameter(of.written)).collect();
    operation.insert("parameters".to_owned(), Value::Array(others));
}

/// The fields of a form as a body.
fn form(fields: &[&Described<'_>], kinds: &[String]) -> Value {
    // A named one has been converted already.
    let is_file = |of: &&&Described<'_>| {
        let schema = of
            .parameter
            .get("schema")
            .and_then(|schema| schema.get("format"));
        of.text("type") == Some("file") || schema == Some(&json!("binary"))
    };
    let stated = kinds.iter().find(|kind| kind.contains("form"));
    let kind = match stated {
        _ if fields.iter().any(|of| is_file(&of)) => "multipart/form-data",
        Some(kind) => kind,
        None => "application/x-www-form-urlencoded",
    };
    let required = fields.iter().filter(|of| of.is_required());
    let required: Vec<&str> = required.filter_map(|of| of.text("name")).collect();
    // Only what is required is sent, as in queries; without any, all of it.
    let sent = fields
        .iter()
        .filter_map(|of| Some((of.text("name")?.to_owned(), of.schema())));
    let properties: Map<String, Value> = sent
        .filter(|(name, _)| required.is_empty() || required.contains(&name.as_str()))
        .collect();
    json!({
        "required": !required.is_empty(),
        "content": { kind: { "schema": { "type": "object", "required": required, "properties": properties } } },
    })
}

/// A parameter of 3.0, whose type is in a schema and whose style has another name.
fn parameter(of: &Value) -> Value {
    let Some(object) = of.as_object().filter(|object| !object.contains_key("$ref")) else {
        return of.clone();
    };
    if object.contains_key("schema") {
        return of.clone();
    }
    let mut out: Map<String, Value> = object
        .iter()
        .filter(|(key, _)| !OF_SCHEMA.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    out.insert("schema".to_owned(), schema(of));
    let format = object.get("collectionFormat").and_then(Value::as_str);
    let style = match format {
        Some("multi") => Some(("form", true)),
        Some("ssv") => Some(("spaceDelimited", false)),
        Some("pipes") => Some(("pipeDelimited", false)),
        // Comma-separated is what 2.0 does if nothing is said.
        _ => None,
    };
    let place = object.get("in").and_then(Value::as_str);
    let (style, explode) = style.unwrap_or(match place {
        Some("query") => ("form", false),
        _ => ("simple", false),
    });
    out.insert("style".to_owned(), json!(style));
    out.insert("explode".to_owned(), json!(explode));
    Value::Object(out)
}

fn schema(of: &Value) -> Value {
    let keys = of.as_object().into_iter().flatten();
    let keys = keys.filter(|(key, _)| OF_SCHEMA.contains(&key.as_str()));
    let mut schema: Map<String, Value> = keys
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    if schema.get("type") == Some(&json!("file")) {
        schema.insert("type".to_owned(), json!("string"));
        schema.insert("format".to_owned(), json!("binary"));
    }
    if let Some(example) = schema.remove("x-example") {
        schema.insert("example".to_owned(), example);
    }
    Value::Object(schema)
}

/// Security schemes under the names of 3.0.
fn security_schemes(of: &Value) -> Value {
    let mut schemes = of.clone();
    let all = schemes.as_object_mut();
    for scheme in all.into_iter().flat_map(|all| all.values_mut()) {
        if scheme.get("type") == Some(&json!("basic")) {
            *scheme = json!({"type": "http", "scheme": "basic"});
        }
    }
    schemes
}
