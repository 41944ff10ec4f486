use super::*;
use crate::recorded::CredentialAt;
use crate::recorded::{Part, Reason, Recorded};
use proptest::prelude::*;
use serde_json::json;

const SHOP: &str = include_str!("../../fixtures/shop.openapi.yaml");

fn of(text: &str) -> Vec<(String, Result<Recorded, Reason>)> {
    let found = requests(text, "api.yaml", &()).unwrap();
    found
        .into_iter()
        .map(|found| match found.place {
            Place::Operation(operation) => (operation, found.request),
            other => panic!("{other:?} of a document"),
        })
        .collect()
}

fn error(text: &str) -> (Option<u64>, String) {
    let (line, problem) = requests(text, "api.yaml", &()).unwrap_err();
    (line, problem.to_string())
}

#[test]
fn operations_become_requests() {
    let all = of(SHOP);
    let shown: Vec<String> = all
        .iter()
        .map(|(operation, request)| match request {
            Ok(request) => format!("{} {}", request.method, request.path),
            Err(reason) => format!("{operation}: {reason:?}"),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "POST /avatar: NoValue",
            "GET /elsewhere (parameters.yaml#/Page): OtherFile",
            "GET /v1/items?limit=20",
            "POST /v1/items?limit=20",
            "POST /v1/items?limit=20",
            "GET /v1/items/1001",
            "GET /v1/items/1002",
            "PUT /v1/items/1001",
            "PUT /v1/items/1002",
            "GET /v1/report",
            "POST /v1/tree",
        ]
    );
    let put = all[7].1.as_ref().unwrap();
    assert_eq!(put.operation.as_deref(), Some("PUT /v1/items/{itemId}"));
    assert_eq!(
        put.credentials[0].at,
        CredentialAt::Header("Authorization".to_owned())
    );
    let body: Value = serde_json::from_slice(&put.body).unwrap();
    assert_eq!(
        body,
        json!({"name": "string", "price": 1, "tags": ["new"], "parent": {"label": "root", "children": []}})
    );
    assert!(
        all[5].1.as_ref().unwrap().credentials.is_empty(),
        "security: [] needs none"
    );
}

#[test]
fn the_same_document_as_json_gives_the_same() {
    let yaml = parse::parsed(SHOP).unwrap();
    let json = of(&yaml.to_string());
    assert_eq!(format!("{json:?}"), format!("{:?}", of(SHOP)));
}

#[test]
fn what_cannot_be_read_is_reported_with_its_line() {
    assert!(
        error("swagger: '1.2'\npaths: {}\n")
            .1
            .contains("version \"1.2\"")
    );
    assert!(error("openapi: 4.0.0\n").1.contains("version \"4.0.0\""));
    assert!(error("info: {}\n").1.contains("no key `openapi`"));
    assert!(
        error("openapi: 3.1.0\npaths: {}\n")
            .1
            .contains("no operation")
    );
    assert_eq!(error("{\n\"openapi\": 3\n\"a\": 1}").0, Some(3));
    assert_eq!(error("openapi: 3.0.0\npaths: [\n  a: }\n").0, Some(2));
    assert_eq!(
        of("openapi: 3.1\npaths: {/a: {get: {}}, x-b: {get: {}}}\n").len(),
        1
    );
}

/// Operations with their paths, or the reasons.
fn shown(text: &str) -> Vec<String> {
    let of = |(operation, request): (String, Result<Recorded, Reason>)| match request {
        Ok(request) => format!("{} {}", request.method, request.path),
        Err(reason) => format!("{operation}: {reason:?}"),
    };
    self::of(text).into_iter().map(of).collect()
}

#[test]
fn references_that_lead_nowhere_are_named() {
    let text = "openapi: 3.0.3\nx-ops:\n  C: {parameters: [{name: q, in: query, required: true, schema: {enum: [v]}}]}\npaths:\n\
                \x20 /ok: {get: {}}\n  /foo: {$ref: 'paths/foo.yaml'}\n  /a: {post: {$ref: 'ops/create.yml'}}\n\
                \x20 /c: {get: {$ref: '#/x-ops/C'}}\n  /d: {get: {$ref: '#/x-ops/D'}}\n\
                \x20 /e: {get: {parameters: [{name: q, in: query, required: true, schema: {$ref: 'a.yaml#/B'}}]}}\n\
                \x20 /f: {post: {requestBody: {required: true, content: {application/json: {schema: {$ref: '#/gone'}}}}}}\n";
    assert_eq!(
        shown(text),
        [
            "POST /a (ops/create.yml): OtherFile",
            "GET /c?q=v",
            "GET /d (#/x-ops/D): Reference",
            "GET /e (a.yaml#/B): OtherFile",
            "POST /f (#/gone): Reference",
            "/foo (paths/foo.yaml): OtherFile",
            "GET /ok",
        ]
    );
}

#[test]
fn queries_and_fragments_may_stand_in_paths() {
    let text = "openapi: 3.0.3\npaths:\n  '/?Action=Foo':\n    get: {parameters: [{name: Version, in: query, required: true, schema: {enum: ['2016']}}]}\n\
                \x20 '/#X-Target=Do.It': {post: {}}\n  '/a?b': {get: {}}\n";
    assert_eq!(
        shown(text),
        ["POST /", "GET /?Action=Foo&Version=2016", "GET /a?b"]
    );
    let operation = of(text)[1].1.as_ref().unwrap().operation.clone();
    assert_eq!(operation.as_deref(), Some("GET /?Action=Foo"));
}

#[test]
fn variables_of_servers_have_values_or_leave_out() {
    let path = |server: Value| {
        let text = json!({"openapi": "3.0.0", "servers": [server], "paths": {"/a": {"get": {}}}});
        shown(&text.to_string()).remove(0)
    };
    let with = |url: &str, variables: Value| path(json!({"url": url, "variables": variables}));
    assert_eq!(
        with("https://h/{v}/api", json!({"v": {"default": 2}})),
        "GET /2/api/a"
    );
    assert_eq!(
        with(
            "https://h/{v}",
            json!({"v": {"default": "x", "enum": ["y"]}})
        ),
        "GET /x/a"
    );
    assert_eq!(
        with("https://h/{v}", json!({"v": {"enum": ["y", "z"]}})),
        "GET /y/a"
    );
    assert_eq!(with("https://{host}/b", json!({})), "GET /b/a");
    for variables in [
        json!({}),
        json!({"base": {}}),
        json!({"base": {"default": null}}),
        json!(null),
    ] {
        assert_eq!(
            with("https://h/{base}", variables),
            "GET /a: ServerVariable"
        );
    }
}

#[test]
fn swagger_2_is_read_as_what_it_means() {
    let text = json!({
        "swagger": "2.0", "host": "h", "basePath": "/v2", "consumes": ["application/json"],
        "securityDefinitions": {"b": {"type": "basic"}, "k": {"type": "apiKey", "in": "header", "name": "X-Key"}},
        "security": [{"k": []}],
        "parameters": {
            "P": {"name": "page", "in": "query", "required": true, "type": "integer", "default": 3},
            "B": {"name": "body", "in": "body", "required": true, "schema": {"$ref": "#/definitions/Pet"}},
            "F": {"name": "f", "in": "formData", "type": "file", "required": true},
        },
        "paths": {"/pets/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": true, "type": "string", "x-example": "p1"}],
            "get": {"parameters": [
                {"$ref": "#/parameters/P"},
                {"name": "tags", "in": "query", "required": true, "type": "array", "items": {"enum": ["a"]}, "minItems": 2, "collectionFormat": "multi"},
                {"name": "csv", "in": "query", "required": true, "type": "array", "items": {"enum": ["a"]}, "minItems": 2},
            ]},
            "put": {"security": [{"b": []}], "parameters": [{"$ref": "#/parameters/B"}]},
            "delete": {"parameters": [{"name": "id", "in": "path", "required": true, "type": "string", "enum": ["p2"]}, {"name": "body", "in": "body", "schema": {"example": [1]}}]},
            "post": {"parameters": [{"$ref": "#/parameters/F"}, {"name": "n", "in": "formData", "type": "string"}]},
            "patch": {"parameters": [{"name": "n", "in": "formData", "type": "string", "default": "a b"}]},
        }},
        "definitions": {"Pet": {"type": "object", "properties": {"n": {"type": "integer", "example": "5"}}}},
    });
    let all = of(&text.to_string());
    let request = |method: &str| {
        let of_method = |(operation, _): &&(String, _)| operation.starts_with(method);
        all.iter().find(of_method).unwrap().1.as_ref().unwrap()
    };
    assert_eq!(
        request("GET").path,
        "/v2/pets/p1?page=3&tags=a&tags=a&csv=a,a"
    );
    assert_eq!(
        request("GET").credentials[0].at,
        CredentialAt::Header("X-Key".to_owned())
    );
    assert_eq!(request("PUT").body, br#"{"n":5}"#);
    assert_eq!(
        request("PUT").credentials[0].at,
        CredentialAt::Header("Authorization".to_owned())
    );
    let form = String::from_utf8(request("POST").body.clone()).unwrap();
    assert!(
        form.contains("name=\"f\"; filename=\"f\"\r\nContent-Type: application/octet-stream"),
        "{form}"
    );
    assert!(
        !form.contains("name=\"n\""),
        "only what is required: {form}"
    );
    assert_eq!(request("PATCH").body, b"n=a%20b");
    let own = request("DELETE");
    assert_eq!(
        (own.path.as_str(), own.body.as_slice()),
        ("/v2/pets/p2", b"[1]".as_slice())
    );
}

#[test]
fn an_optional_body_without_a_value_is_said_to_be_missing() {
    let text = "openapi: 3.0.3\npaths: {/a: {post: {requestBody: {content: {application/xml: {schema: {type: object}}}}}}}\n";
    let request = of(text).remove(0).1.unwrap();
    assert_eq!(
        (request.body.len(), request.without),
        (0, vec![Part::OptionalBody])
    );
}

#[test]
fn aliases_that_multiply_are_refused() {
    let mut text = "openapi: 3.0.0\na0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9]\n".to_owned();
    for level in 1..10 {
        let before = format!("*a{}", level - 1);
        text += &format!("a{level}: &a{level} [{}]\n", vec![before; 9].join(", "));
    }
    assert!(
        error(&text).1.contains("not an OpenAPI document"),
        "{}",
        error(&text).1
    );
}

#[test]
fn servers_and_security_schemes_in_all_forms() {
    let document = |server: Value, schemes: Value, security: Value| {
        json!({
            "openapi": "3.0.0",
            "servers": [server],
            "security": security,
            "paths": {"/a": {"get": {}}},
            "components": {"securitySchemes": schemes},
        })
        .to_string()
    };
    for (url, path) in [
        ("https://h.test/v1/", "/v1/a"),
        ("/v2", "/v2/a"),
        ("https://h.test", "/a"),
        ("v3", "/v3/a"),
        ("/", "/a"),
    ] {
        let text = document(json!({ "url": url }), json!({}), json!([]));
        assert_eq!(of(&text)[0].1.as_ref().unwrap().path, path, "{url}");
    }
    for (scheme, at) in [
        (
            json!({"type": "http", "scheme": "basic"}),
            CredentialAt::Header("Authorization".to_owned()),
        ),
        (
            json!({"type": "oauth2", "flows": {}}),
            CredentialAt::Header("Authorization".to_owned()),
        ),
        (
            json!({"type": "apiKey", "in": "header", "name": "X-Key"}),
            CredentialAt::Header("X-Key".to_owned()),
        ),
        (
            json!({"type": "apiKey", "in": "cookie", "name": "sid"}),
            CredentialAt::Cookie("sid".to_owned()),
        ),
        (
            json!({"type": "apiKey", "in": "query", "name": "key"}),
            CredentialAt::Query("key".to_owned()),
        ),
    ] {
        let text = document(json!({}), json!({ "s": scheme }), json!([{"s": []}]));
        let credential = of(&text)[0].1.as_ref().unwrap().credentials[0].clone();
        assert_eq!(credential.at, at);
    }
    let unknown = document(json!({}), json!({}), json!([{"gone": []}]));
    assert_eq!(of(&unknown)[0].1.as_ref().unwrap_err(), &Reason::Reference);
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,120}", schema in "[{}\\[\\]:,\"a-z$#/ ]{0,60}") {
        let _ = requests(&text, "f", &());
        let _ = requests(&format!("openapi: 3.0.0\npaths:\n  /a/{{b}}:\n    get: {text}\n"), "f", &());
        let _ = requests(&format!(
            r#"{{"openapi":"3.1.0","paths":{{"/a":{{"post":{{"requestBody":{{"content":{{"application/json":{{"schema":{schema}}}}}}}}}}}}}}}"#
        ), "f", &());
    }
}
