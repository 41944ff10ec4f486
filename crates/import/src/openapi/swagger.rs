//! Documents of OpenAPI 2.0 (Swagger) as those of 3.0: the same requests under other names.

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
    let parameters = root.get("parameters").cloned().unwrap_or_default();
    let schemes = root.get("securityDefinitions").map(security_schemes);
    let paths = root.get_mut("paths").and_then(Value::as_object_mut);
    for item in paths.into_iter().flat_map(|paths| paths.values_mut()) {
        let shared = item.get("parameters").cloned();
        let shared = list(shared.as_ref());
        for method in METHODS {
            if let Some(operation) = item.get_mut(method).and_then(Value::as_object_mut) {
                convert(operation, &shared, &parameters, consumes.as_ref());
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

/// Converts one operation; `named` are the parameters that it may refer to.
fn convert(
    operation: &mut Map<String, Value>,
    shared: &[Value],
    named: &Value,
    consumes: Option<&Value>,
) {
    let own = list(operation.get("parameters"));
    let mut all: Vec<Value> = Vec::new();
    for parameter in shared.iter().chain(&own) {
        let parameter = match parameter.get("$ref").and_then(Value::as_str) {
            Some(to) => {
                let name = to.strip_prefix("#/parameters/");
                name.and_then(|name| named.get(name)).unwrap_or(parameter)
            }
            None => parameter,
        };
        let key = |of: &Value| (of.get("name").cloned(), of.get("in").cloned());
        all.retain(|known| key(known) != key(parameter) || known.get("$ref").is_some());
        all.push(parameter.clone());
    }
    let consumes = operation.get("consumes").or(consumes);
    let kinds: Vec<String> = list(consumes)
        .iter()
        .filter_map(|kind| kind.as_str().map(str::to_owned))
        .collect();
    let is =
        |parameter: &Value, place: &str| parameter.get("in").and_then(Value::as_str) == Some(place);
    if let Some(body) = all.iter().find(|parameter| is(parameter, "body")) {
        let kind = kinds.first().map_or("application/json", String::as_str);
        let media = json!({ "schema": body.get("schema").cloned().unwrap_or_default() });
        let required = body.get("required").cloned().unwrap_or_default();
        let body = json!({ "required": required, "content": { kind: media } });
        operation.insert("requestBody".to_owned(), body);
    }
    let fields: Vec<&Value> = all
        .iter()
        .filter(|parameter| is(parameter, "formData"))
        .collect();
    if !fields.is_empty() {
        operation.insert("requestBody".to_owned(), form(&fields, &kinds));
    }
    let others = all
        .iter()
        .filter(|of| !is(of, "body") && !is(of, "formData"));
    let others: Vec<Value> = others.map(parameter).collect();
    operation.insert("parameters".to_owned(), Value::Array(others));
}

/// The fields of a form as a body.
fn form(fields: &[&Value], kinds: &[String]) -> Value {
    let has_file = fields
        .iter()
        .any(|field| field.get("type") == Some(&json!("file")));
    let stated = kinds.iter().find(|kind| kind.contains("form"));
    let kind = match stated {
        _ if has_file => "multipart/form-data",
        Some(kind) => kind,
        None => "application/x-www-form-urlencoded",
    };
    let name = |field: &Value| field.get("name").and_then(Value::as_str).map(str::to_owned);
    let required = fields
        .iter()
        .filter(|field| field.get("required") == Some(&Value::Bool(true)));
    let required: Vec<String> = required.filter_map(|field| name(field)).collect();
    // Only what is required is sent, as in queries; without any, all of it.
    let sent = fields
        .iter()
        .filter_map(|field| Some((name(field)?, schema(field))));
    let properties: Map<String, Value> = sent
        .filter(|(name, _)| required.is_empty() || required.contains(name))
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
