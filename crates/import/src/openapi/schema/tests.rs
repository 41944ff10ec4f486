use super::*;

fn of(document: Value, schema: Value) -> Option<Value> {
    let document = Document::new(document);
    Maker::new(&document).value(&schema)
}

fn made(schema: Value) -> Value {
    of(json!({}), schema).unwrap()
}

#[test]
fn what_the_schema_gives_comes_first() {
    for (schema, expected) in [
        (
            json!({"type": "string", "example": "e", "default": "d"}),
            json!("e"),
        ),
        (json!({"examples": [5, 6], "const": 7}), json!(5)),
        (json!({"const": 7}), json!(7)),
        (json!({"default": null, "enum": [1]}), json!(null)),
        (json!({"enum": [null, "a"]}), json!("a")),
        (json!({}), json!("string")),
        (json!(true), json!("string")),
    ] {
        assert_eq!(made(schema.clone()), expected, "{schema}");
    }
}

#[test]
fn numbers_and_texts_keep_their_bounds() {
    for (schema, expected) in [
        (json!({"type": "integer"}), json!(1)),
        (json!({"type": "integer", "minimum": 10}), json!(10)),
        (
            json!({"type": "integer", "minimum": 10, "exclusiveMinimum": true}),
            json!(11),
        ),
        (
            json!({"type": "integer", "exclusiveMinimum": 10}),
            json!(11),
        ),
        (json!({"type": "integer", "maximum": -3}), json!(-3)),
        (
            json!({"type": "integer", "multipleOf": 25, "minimum": 30}),
            json!(50),
        ),
        (json!({"type": "number", "exclusiveMaximum": 1}), json!(0.5)),
        (
            json!({"type": "number", "multipleOf": 0.25, "maximum": 0.6}),
            json!(0.5),
        ),
        (json!({"type": "string", "maxLength": 3}), json!("str")),
        (json!({"type": "string", "minLength": 8}), json!("stringxx")),
        (
            json!({"type": "string", "format": "date"}),
            json!("2026-01-15"),
        ),
        (json!({"type": ["null", "boolean"]}), json!(true)),
        (json!({"type": "null"}), json!(null)),
        (json!({"minimum": 2}), json!(2)),
    ] {
        assert_eq!(made(schema.clone()), expected, "{schema}");
    }
}

#[test]
fn objects_lists_and_alternatives() {
    let schema = json!({
        "required": ["a"],
        "properties": {
            "a": {"type": "array", "items": {"type": "integer"}, "minItems": 2},
            "id": {"type": "string", "readOnly": true},
            "t": {"prefixItems": [{"const": 1}, {"const": "x"}], "type": "array"},
        }
    });
    assert_eq!(made(schema), json!({"a": [1, 1], "t": [1, "x"]}));
    assert_eq!(
        made(
            json!({"allOf": [{"properties": {"a": {"const": 1}}}, {"properties": {"b": {"const": 2}}}], "properties": {"c": {"const": 3}}})
        ),
        json!({"a": 1, "b": 2, "c": 3})
    );
    assert_eq!(made(json!({"allOf": [{"type": "integer"}]})), json!(1));
    assert_eq!(
        made(json!({"oneOf": [{"$ref": "#/none"}, {"const": 4}]})),
        json!(4)
    );
    assert_eq!(
        made(
            json!({"anyOf": [{"properties": {"a": {"const": 1}}}], "properties": {"k": {"const": 2}}})
        ),
        json!({"a": 1, "k": 2})
    );
    assert_eq!(
        made(json!({"additionalProperties": {"const": 1}})),
        json!({"key": 1})
    );
}

#[test]
fn parts_without_a_type_say_nothing_about_it() {
    let document =
        json!({"s": {"Num": {"type": "integer"}, "Text": {"type": "string", "maxLength": 3}}});
    let number = json!({"$ref": "#/s/Num"});
    for (schema, expected) in [
        (
            json!({"allOf": [{"description": "how many"}, number]}),
            json!(1),
        ),
        (json!({"allOf": [number, {"minimum": 10}]}), json!(10)),
        (
            json!({"allOf": [{"minimum": 5}, {"type": "integer", "minimum": 3}]}),
            json!(5),
        ),
        (
            json!({"type": "integer", "oneOf": [{"description": "x"}, {"minimum": 7}]}),
            json!(1),
        ),
        (
            json!({"anyOf": [{"description": "x"}], "type": "boolean"}),
            json!(true),
        ),
        (
            json!({"allOf": [{"nullable": true}, {"$ref": "#/s/Text"}]}),
            json!("str"),
        ),
        (
            json!({"allOf": [{"type": "array"}, {"items": number}]}),
            json!([1]),
        ),
        (
            json!({"allOf": [{"required": ["a"]}, {"properties": {"a": number}}]}),
            json!({"a": 1}),
        ),
        (
            json!({"description": "x", "allOf": [{"default": 4}, number]}),
            json!(4),
        ),
        (
            json!({"allOf": [{"properties": {"a": number, "b": number}, "example": {"a": 9}}, {"properties": {"c": {"const": 3}}}]}),
            json!({"a": 9, "b": 1, "c": 3}),
        ),
    ] {
        assert_eq!(
            of(document.clone(), schema.clone()),
            Some(expected),
            "{schema}"
        );
    }
    assert_eq!(of(document, json!({"anyOf": []})), Some(json!("string")));
}

#[test]
fn discriminators_have_the_name_of_what_was_chosen() {
    let mapping = json!({"propertyName": "kind", "mapping": {"cat": "#/s/Cat", "hound": "Dog"}});
    let pet = json!({"type": "object", "required": ["kind"], "discriminator": mapping, "properties": {"kind": {"type": "string"}, "n": {"const": 1}}});
    let own = |name: &str| json!({"allOf": [{"$ref": "#/s/Pet"}, {"properties": {name: {"const": true}}}]});
    let document = json!({"s": {
        "Pet": pet,
        "Cat": own("meow"),
        "Dog": own("bark"),
        "Fish": own("swim"),
        "Plain": {"type": "object", "properties": {"kind": {"type": "string"}}},
        "Fixed": {"properties": {"kind": {"enum": ["other"]}}},
    }});
    let reference = |name: &str| json!({"$ref": format!("#/s/{name}")});
    let one_of = |name: &str, discriminator: Value| json!({"oneOf": [reference(name)], "discriminator": discriminator});
    for (schema, expected) in [
        (
            reference("Cat"),
            json!({"kind": "cat", "meow": true, "n": 1}),
        ),
        (
            reference("Dog"),
            json!({"kind": "hound", "bark": true, "n": 1}),
        ),
        (
            reference("Fish"),
            json!({"kind": "Fish", "swim": true, "n": 1}),
        ),
        (
            json!({"description": "x", "allOf": [reference("Cat")]}),
            json!({"kind": "cat", "meow": true, "n": 1}),
        ),
        (reference("Pet"), json!({"kind": "Pet", "n": 1})),
        (
            one_of(
                "Plain",
                json!({"propertyName": "kind", "mapping": {"plain": "#/s/Plain"}}),
            ),
            json!({"kind": "plain"}),
        ),
        (
            one_of("Plain", json!({"propertyName": "kind"})),
            json!({"kind": "Plain"}),
        ),
        (
            one_of("Fixed", json!({"propertyName": "kind"})),
            json!({"kind": "other"}),
        ),
    ] {
        assert_eq!(
            of(document.clone(), schema.clone()),
            Some(expected),
            "{schema}"
        );
    }
}

#[test]
fn examples_are_of_the_type_of_their_schema() {
    for (schema, expected) in [
        (json!({"type": "string", "example": 10001}), json!("10001")),
        (json!({"type": "string", "example": true}), json!("true")),
        (json!({"type": "integer", "example": "7"}), json!(7)),
        (json!({"type": "integer", "example": 7.0}), json!(7)),
        (json!({"type": "number", "example": "1.5"}), json!(1.5)),
        (json!({"type": "boolean", "example": "false"}), json!(false)),
        (json!({"type": "integer", "example": "many"}), json!(1)),
        (
            json!({"type": "integer", "example": "many", "default": 3}),
            json!(3),
        ),
        (
            json!({"type": "object", "example": "{\"a\": 1}"}),
            json!({"a": 1}),
        ),
        (
            json!({"type": "array", "items": {"type": "string"}, "example": [1, "b"]}),
            json!(["1", "b"]),
        ),
        (
            json!({"type": "array", "items": {"type": "string"}, "example": "b"}),
            json!(["string"]),
        ),
        (
            json!({"type": "object", "properties": {"s": {"type": "string"}}, "example": {"s": 1, "t": 2}}),
            json!({"s": "1", "t": 2}),
        ),
        (
            json!({"type": "string", "nullable": true, "example": null}),
            json!(null),
        ),
        (
            json!({"type": ["string", "null"], "example": null}),
            json!(null),
        ),
        (json!({"type": "string", "example": null}), json!("string")),
        (
            json!({"type": ["string", "integer"], "example": 5}),
            json!(5),
        ),
    ] {
        assert_eq!(made(schema.clone()), expected, "{schema}");
    }
}

#[test]
fn circles_end_where_they_may() {
    let document = json!({"s": {
        "tree": {"properties": {"name": {"const": "n"}, "children": {"type": "array", "items": {"$ref": "#/s/tree"}}}},
        "must": {"required": ["next"], "properties": {"next": {"$ref": "#/s/must"}}},
        "self": {"$ref": "#/s/self"},
        "wide": {"properties": {"a": {"$ref": "#/s/tree"}, "b": {"$ref": "#/s/tree"}}},
    }});
    let reference = |name: &str| json!({"$ref": format!("#/s/{name}")});
    let tree = json!({"name": "n", "children": []});
    assert_eq!(of(document.clone(), reference("tree")), Some(tree.clone()));
    assert_eq!(of(document.clone(), reference("must")), None);
    assert_eq!(of(document.clone(), reference("self")), None);
    assert_eq!(of(document.clone(), json!({"$ref": "other.yaml#/a"})), None);
    assert_eq!(
        of(document, reference("wide")),
        Some(json!({"a": tree, "b": tree}))
    );
}

#[test]
fn a_document_that_grows_without_bound_is_cut() {
    let mut schemas = Map::new();
    for level in 0..30 {
        let next = json!({"$ref": format!("#/l{}", level + 1)});
        let properties: Map<String, Value> =
            (0..9).map(|n| (format!("p{n}"), next.clone())).collect();
        schemas.insert(format!("l{level}"), json!({"properties": properties}));
    }
    schemas.insert("l30".to_owned(), json!({"type": "string"}));
    let made = of(Value::Object(schemas), json!({"$ref": "#/l0"}));
    assert!(made.is_some(), "what could be made is made");
}
