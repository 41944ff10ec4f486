use super::*;
use understudy_model::Character;

fn difference(pattern: &str, kind: Kind, baseline: &str, contender: &str) -> Difference {
    Difference {
        path: pattern.into(),
        pattern: pattern.into(),
        kind,
        baseline: String::new(),
        contender: String::new(),
        baseline_character: Character(baseline.into()),
        contender_character: Character(contender.into()),
        relation: Default::default(),
        spot: None,
        position: None,
        bytes: 0,
        rules: Vec::new(),
    }
}

fn value(pattern: &str, character: &str) -> Difference {
    difference(pattern, Kind::Value, character, character)
}

fn rows(count: u32, noise: &[Difference], differences: &[Difference]) -> Vec<Row> {
    let (noise, differences) = (noise.to_vec(), differences.to_vec());
    let row = Row {
        noise,
        differences,
        ..Row::default()
    };
    (0..count)
        .map(|request| Row {
            request,
            ..row.clone()
        })
        .collect()
}

const MS: &str = "timestamp rfc3339 ms Z";

#[test]
fn noise_excuses_its_kind_and_character_at_its_place() {
    let noise = Noise::learn(&rows(50, &[value("$.at", MS)], &[]));
    assert!(noise.excuses(0, &value("$.at", MS)));
    for other in [
        value("$.other", MS),
        difference("$.at", Kind::Value, MS, "timestamp rfc3339 s Z"),
        difference("$.at", Kind::Value, MS, "text"),
        difference("$.at", Kind::Value, MS, "empty"),
        difference("$.at", Kind::Null, MS, "null"),
        difference("$.at", Kind::Type, MS, "integer"),
        difference("$.at", Kind::Missing, MS, "absent"),
    ] {
        assert!(!noise.excuses(0, &other), "{other:?}");
    }
    assert!(!noise.excuses(1, &value("$.at", MS)));
}

#[test]
fn presence_order_and_codes_are_noise_of_their_own() {
    let shown = [
        difference("$.debug", Kind::Missing, "object", "absent"),
        difference("$.list", Kind::Order, "array", "array"),
        difference("$.n", Kind::NumberText, "integer", "decimal 1"),
        difference("code", Kind::Code, "200", "503"),
        difference("outcome", Kind::Outcome, "answered", "failed: timeout"),
    ];
    let noise = Noise::learn(&rows(50, &shown, &[]));
    assert!(noise.excuses(0, &difference("$.debug", Kind::Extra, "absent", "object")));
    assert!(!noise.excuses(0, &difference("$.debug", Kind::Extra, "absent", "array")));
    assert!(!noise.excuses(0, &difference("$.debug", Kind::Value, "object", "object")));
    assert!(noise.excuses(0, &difference("$.list", Kind::Order, "array", "array")));
    assert!(noise.excuses(
        0,
        &difference("$.n", Kind::NumberText, "decimal 1", "integer")
    ));
    assert!(!noise.excuses(0, &difference("$.n", Kind::Value, "integer", "integer")));
    assert!(noise.excuses(0, &difference("code", Kind::Code, "200", "503")));
    assert!(!noise.excuses(0, &difference("code", Kind::Code, "200", "500")));
    assert!(!noise.excuses(
        0,
        &difference("outcome", Kind::Outcome, "answered", "failed: timeout")
    ));
    let more = difference("body", Kind::Value, MORE, MORE);
    assert!(!Noise::learn(&rows(50, std::slice::from_ref(&more), &[])).excuses(0, &more));
}

#[test]
fn rare_noise_does_not_excuse_frequent_change() {
    let field = value("$.total", "integer");
    let with = |noisy: u32, changed: u32| {
        let mut all = rows(5000, &[], &[]);
        for row in &mut all {
            if row.request < noisy {
                row.noise.push(field.clone());
            }
            if row.request >= 5000 - changed {
                row.differences.push(field.clone());
            }
        }
        Noise::learn(&all).excuses(0, &field)
    };
    assert!(with(1, 3));
    assert!(with(1, 17));
    assert!(!with(1, 18));
    assert!(!with(2, 100), "2 % of changed answers must be found");
    assert!(with(3000, 5000));
}

#[test]
fn the_list_names_operation_place_kind_characters_and_pairs() {
    let shown = [
        value("$.at", MS),
        difference("$.at", Kind::Null, MS, "null"),
        value("$.at", MS),
    ];
    let noise = Noise::learn(&rows(3, &shown, &[]));
    let list = noise.list(&["GET /x".to_owned()]);
    assert_eq!(list.len(), 2);
    assert_eq!(
        (
            list[0].operation.as_str(),
            list[0].path.to_string().as_str(),
            list[0].pairs
        ),
        ("GET /x", "$.at", 3)
    );
    assert_eq!(list[0].characters, ["null", MS]);
}

#[test]
fn a_constant_digest_is_not_an_identifier() {
    let bound = |pattern: &str, bond| Difference {
        relation: understudy_model::Relation {
            bond: Some(bond),
            ..Default::default()
        },
        ..value(pattern, "hex 64")
    };
    let (digest, id) = (bound("$.sha256", Bond::Unnamed), bound("$.id", Bond::Kept));
    let all = rows(ALONE as u32, &[], &[digest.clone(), id.clone()]);
    let noise = Noise::learn(&all);
    assert!(!noise.excuses(0, &digest));
    assert!(noise.excuses(0, &id));
    assert!(noise.excuses(0, &bound("$.id", Bond::New)));
    let once = Noise::learn_counted(all.iter().map(|row| (row, 1, 0)));
    assert!(
        once.excuses(0, &digest),
        "it may be noise: nothing shows that it is not"
    );
}
