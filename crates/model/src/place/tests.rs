use super::*;
use proptest::prelude::*;

/// Every form that answers of services and commands have, and what it is.
fn forms() -> Vec<(&'static str, Place)> {
    let path = |steps: &[Step<'_>]| {
        let mut path = ValuePath::root();
        for step in steps {
            match step {
                Step::Name(name) => path.push_name(name),
                Step::Index(index) => path.push_index(*index),
                Step::Any => path.push_any(),
            }
        }
        path
    };
    let name = |name: &'static str| Step::Name(Cow::Borrowed(name));
    let stdout = Place::STDOUT;
    let file = |name: &str, within| Place::Part(PartName::File(name.into()), within);
    let aspect = |text: &str| Within::Aspect(text.into());
    vec![
        ("outcome", Place::Outcome),
        ("code", Place::Status),
        ("header:cache-control", Place::header("cache-control")),
        ("header:x:y", Place::header("x:y")),
        ("header:", Place::header("")),
        ("cookie:sid", Place::cookie("sid")),
        (
            "cookie:sid;httponly",
            Place::cookie("sid").aspect("httponly"),
        ),
        (
            "cookie:sid;jwt.claims.sub",
            Place::Cookie("sid".into(), Some("jwt.claims.sub".into())),
        ),
        ("body", Place::BODY),
        ("body;layout", Place::BODY.aspect("layout")),
        ("body:3", Place::BODY.line(3)),
        ("$", Place::in_body(ValuePath::root())),
        (
            "$.items[3]['odd price'][*]",
            Place::BODY.document(path(&[
                name("items"),
                Step::Index(3),
                name("odd price"),
                Step::Any,
            ])),
        ),
        (
            "$['it\\'s']['a\\\\b\\n\\u0001'].größe['1a']['']",
            Place::in_body(path(&[
                name("it's"),
                name("a\\b\n\u{1}"),
                name("größe"),
                name("1a"),
                name(""),
            ])),
        ),
        (
            "calls:prices",
            Place::Part(PartName::Calls("prices".into()), Within::Whole),
        ),
        (
            "calls:prices:$[3].path",
            Place::from("calls:prices").document(path(&[Step::Index(3), name("path")])),
        ),
        ("stdout", stdout.clone()),
        ("stdout;layout", stdout.aspect("layout")),
        ("stdout;class", stdout.aspect("class")),
        ("stdout;coding", stdout.aspect("coding")),
        ("stdout:12", stdout.line(12)),
        ("stdout:$", stdout.document(ValuePath::root())),
        ("stdout:$.a", stdout.document(path(&[name("a")]))),
        ("stderr", Place::STDERR),
        ("file:out.json", Place::file("out.json")),
        ("file:$HOME/a;entry", file("$HOME/a", aspect("entry"))),
        (
            "file:$HOME/a:$.b",
            file("$HOME/a", Within::Document(path(&[name("b")]))),
        ),
        (
            "file:a.mkv;stream 0;frame 17",
            file("a.mkv", aspect("stream 0;frame 17")),
        ),
        ("file:a.ivf;clip a:b", file("a.ivf", aspect("clip a:b"))),
        // A part of its own, said of another one: what it is a line of decides nothing.
        ("stdout;coding:2", stdout.aspect("coding").line(2)),
        ("outside:/var/b%3Ac", Place::outside("/var/b%3Ac")),
        ("outside:../x", Place::outside("../x")),
        ("left_behind", Place::LEFT_BEHIND),
        ("flag:aa", Place::Field("flag:aa".into())),
    ]
}

#[test]
fn every_form_is_written_and_read() {
    for (text, place) in forms() {
        assert_eq!(place.to_string(), text);
        assert_eq!(Place::from(text), place, "{text}");
        let json = serde_json::to_string(&place).unwrap();
        assert_eq!(json, serde_json::to_string(text).unwrap());
        assert_eq!(serde_json::from_str::<Place>(&json).unwrap(), place);
    }
}

#[test]
fn what_is_written_otherwise_is_a_name_and_stays_as_it_is() {
    for text in [
        "",
        "$x",
        "$..a",
        "$['a']",
        "$.a-b",
        "$[01]",
        "$[-1]",
        "$.",
        "$['a",
        "$['\\u0041']",
        "$.a ",
        "body:$.a",
        "body:03",
        "body:",
        "body:x",
        "bodyx",
        "stdout:$..a",
        "stdout:99999999999999999999",
        "file:",
        "file:;entry",
        "file:a:b",
        "outside:",
        "codes",
        "Header:x",
    ] {
        assert_eq!(Place::from(text), Place::Field(text.into()));
        assert_eq!(Place::from(text).to_string(), text);
    }
}

#[test]
fn a_place_contains_what_is_below_it_and_nothing_that_only_begins_alike() {
    for (of, place, expected) in [
        ("$", "$.a[3].b", true),
        ("$.a", "$.a", true),
        ("$.a", "$.a[*].b", true),
        ("$.a", "$.ab", false),
        ("$.a", "$", false),
        ("$.a['b.c']", "$.a['b.c'].d", true),
        ("cookie:sid", "cookie:sid;path", true),
        ("cookie:sid;jwt", "cookie:sid;jwt.claims.sub", true),
        ("cookie:sid;jwt", "cookie:sid;jwt-x", false),
        ("body", "body;layout", true),
        ("body", "body:3", true),
        // The document of the body has a root of its own.
        ("body", "$.a", false),
        ("stdout", "stdout:$.a", true),
        ("file:a;stream 0", "file:a;stream 0;frame 3", true),
        ("file:a;stream 0", "file:a;stream 01", false),
        ("header:a", "header:a", true),
        // Other names that begin in the same way.
        ("header:a", "header:a.b", false),
        ("cookie:a", "cookie:a.b", false),
        ("file:a", "file:a.txt", false),
        ("outside:/a", "outside:/a.b", false),
    ] {
        let (of, place) = (Place::from(of), Place::from(place));
        assert_eq!(of.contains(&place), expected, "{of} {place}");
    }
}

#[test]
fn a_parent_ends_at_a_step_and_not_in_a_name() {
    for (place, parent) in [
        ("$.a.b", Some("$.a")),
        ("$.a[*]", Some("$.a")),
        ("$.a['b.c[0]']", Some("$.a")),
        ("$.a", Some("$")),
        ("$", None),
        ("stdout:$.a", Some("stdout:$")),
        ("cookie:sid;jwt.claims", None),
        ("file:a.txt", None),
        ("header:a.b", None),
    ] {
        assert_eq!(Place::from(place).parent(), parent.map(Place::from));
    }
}

#[test]
fn what_is_in_one_object_is_next_to_one_another() {
    for (a, b, expected) in [
        ("$.a.b", "$.a['b.c']", true),
        ("$.a.b", "$.a[*]", true),
        ("$.a", "$", true),
        ("$.a.b", "$.b.b", false),
        ("stdout:$.a", "$.b", false),
        ("cookie:sid;jwt.sub", "cookie:sid;jwt.iss", true),
        ("cookie:sid;jwt.sub", "cookie:tid;jwt.iss", false),
        ("header:a", "header:a", true),
        ("header:a.b", "header:a.c", false),
        ("file:a.txt", "file:a.csv", false),
    ] {
        let (a, b) = (Place::from(a), Place::from(b));
        assert_eq!((a.is_next_to(&b), b.is_next_to(&a)), (expected, expected));
    }
}

#[test]
fn names_are_those_that_are_meant() {
    let names = |place: &str| -> Vec<String> {
        let place = Place::from(place);
        place.names().map(Cow::into_owned).collect()
    };
    assert_eq!(
        names("$.user['it\\'s key'][2].id"),
        ["user", "it's key", "id"]
    );
    assert_eq!(names("file:a.json:$.pin"), ["a.json", "pin"]);
    assert_eq!(names("cookie:sid;path"), ["sid", "path"]);
    assert_eq!(names("header:etag"), ["etag"]);
    assert_eq!(names("body;layout"), ["layout"]);
    assert!(names("$[*]").is_empty() && names("code").is_empty());
}

#[test]
fn a_rule_may_select_more_than_a_place_is() {
    let split = |text| Place::split_query(text).map(|(part, query)| (part.to_string(), query));
    let of = |part: &str, query| Some((part.to_owned(), query));
    assert_eq!(split("$..a[?@.b > 1]"), of("body", "$..a[?@.b > 1]"));
    assert_eq!(split("body:$.a"), of("body", "$.a"));
    assert_eq!(
        split("file:$HOME/a:$['x:$']"),
        of("file:$HOME/a", "$['x:$']")
    );
    assert_eq!(split("file:$HOME/a"), None);
    assert_eq!(split("stdout;entry"), None);
    assert_eq!(split("header:$.a"), None);
}

#[test]
fn only_a_watched_run_shows_what_it_changed_at_absolute_names() {
    let field = |place: Place| Field {
        name: place.to_string(),
        value: Vec::new(),
    };
    let outside = |path| field(Place::outside(path));
    assert_eq!(outside("/var/x").watched_file(), Some("/var/x"));
    assert_eq!(outside("../x").watched_file(), None);
    assert_eq!(field(Place::LEFT_BEHIND).watched_file(), None);
}

/// Texts that are near to those of places.
fn text() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "$",
        ".",
        "[",
        "]",
        "'",
        "\\",
        "*",
        "0",
        "12",
        "a",
        "b c",
        "ü",
        ";",
        ":",
        "[*]",
        "['",
        "']",
        "\\u000",
        "\n",
        "body",
        "stdout",
        "stderr",
        "file:",
        "header:",
        "cookie:",
        "outside:",
        "code",
        "outcome",
        "left_behind",
        "layout",
        "stream 0",
    ]);
    let built = prop::collection::vec(pieces, 0..8).prop_map(|pieces| pieces.concat());
    prop_oneof![3 => built, 1 => "\\PC{0,12}"]
}

fn path() -> impl Strategy<Value = ValuePath> {
    let step = prop_oneof![
        ".{0,6}".prop_map(|name| Step::Name(Cow::Owned(name))),
        "[a-z\\\\'\\[\\].\u{0}-\u{1f}]{0,4}".prop_map(|name| Step::Name(Cow::Owned(name))),
        any::<usize>().prop_map(Step::Index),
        Just(Step::Any),
    ];
    prop::collection::vec(step, 0..5).prop_map(|steps| {
        let mut path = ValuePath::root();
        steps.iter().for_each(|step| path.push(step));
        assert!(path.steps().eq(steps));
        path
    })
}

fn place() -> impl Strategy<Value = Place> {
    let part = prop_oneof![
        Just(Place::BODY),
        Just(Place::STDOUT),
        Just(Place::STDERR),
        "[^:;]{1,6}".prop_map(|name| Place::file(&name)),
    ];
    let within = prop_oneof![
        Just(Within::Whole),
        ".{0,8}".prop_map(|aspect| Within::Aspect(aspect.into())),
        any::<u64>().prop_map(Within::Line),
        path().prop_map(Within::Document),
    ];
    prop_oneof![
        Just(Place::Outcome),
        Just(Place::Status),
        ".{0,8}".prop_map(|name| Place::header(&name)),
        "[^;]{0,8}".prop_map(|name| Place::cookie(&name)),
        ("[^;]{0,8}", ".{0,8}").prop_map(|(name, of)| Place::cookie(&name).aspect(&of)),
        (part, within).prop_map(|(part, within)| part.within(within)),
        ".{1,8}".prop_map(|path| Place::outside(&path)),
        Just(Place::LEFT_BEHIND),
        text().prop_map(Place::from),
    ]
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(place in place()) {
        prop_assert_eq!(Place::from(place.to_string()), place);
    }

    #[test]
    fn every_text_stays_as_it_is(text in text()) {
        let place = Place::from(text.as_str());
        prop_assert_eq!(place.to_string(), &*text);
        if let Some(parent) = place.parent() {
            prop_assert!(parent.contains(&place) && !place.contains(&parent));
            prop_assert!(parent.path().is_some_and(|path| Place::from(parent.to_string()).path() == Some(path)));
        }
    }

    #[test]
    fn places_are_ordered_by_their_texts(a in place(), b in place()) {
        prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
    }

    /// Nothing in a document contains another value than those that its steps lead to.
    #[test]
    fn a_way_contains_what_begins_with_its_steps(a in path(), b in path()) {
        let (x, y): (Vec<_>, Vec<_>) = (a.steps().collect(), b.steps().collect());
        prop_assert_eq!(a.contains(&b), y.starts_with(&x));
        let mut below = a.clone();
        below.push_any();
        prop_assert!(a.contains(&below));
        prop_assert_eq!(below.parent(), Some(a));
    }
}
