use super::canonical;
use proptest::prelude::*;
use understudy_model::{Answer, Field, Outcome};

/// A bare value of a structured field, another writing of it, and another value.
type Bare = (String, String, String);
/// Parameters by key, each with its value.
type Item = (Bare, Vec<(String, Bare)>);

fn bare() -> impl Strategy<Value = Bare> {
    let own = |text: String, other: &str| (text.clone(), text, other.to_owned());
    prop_oneof![
        (-999..999i32).prop_map(|n| {
            let sign = if n < 0 { "-" } else { "" };
            let written = format!("{sign}0{}", n.abs());
            (n.to_string(), written, (n + 1).to_string())
        }),
        (0..99u8, 1..9u8).prop_map(|(whole, part)| (
            format!("{whole}.{part}"),
            format!("{whole}.{part}00"),
            format!("{whole}.{part}1"),
        )),
        "[a-zA-Z*][a-zA-Z0-9:/*]{0,5}".prop_map(move |text| {
            let other = format!("\"{text}\"");
            own(text, &other)
        }),
        "[ -~]{0,6}".prop_map(move |text| {
            let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
            own(format!("\"{quoted}\""), &format!("\"{quoted}.\""))
        }),
        Just((":YWI=:".to_owned(), ":YWI:".to_owned(), ":YWM=:".to_owned())),
        Just(("@1".to_owned(), "@01".to_owned(), "@2".to_owned())),
        any::<bool>().prop_map(move |yes| {
            let of = |yes| if yes { "?1" } else { "?0" };
            own(of(yes).to_owned(), of(!yes))
        }),
    ]
}

fn item() -> impl Strategy<Value = Item> {
    let parameters = proptest::collection::btree_map("[a-z][a-z0-9_-]{0,2}", bare(), 0..4);
    (bare(), parameters.prop_map(|map| map.into_iter().collect()))
}

/// Draws of spaces and of what else may be written in two ways.
struct Style<'d>(std::iter::Cycle<std::slice::Iter<'d, bool>>);

impl Style<'_> {
    fn is(&mut self) -> bool {
        self.0.next().is_some_and(|draw| *draw)
    }

    fn either<'t>(&mut self, a: &'t str, b: &'t str) -> &'t str {
        if self.is() { b } else { a }
    }

    fn item(&mut self, (bare, parameters): &Item) -> String {
        let start = self.either(&bare.0, &bare.1).to_owned();
        let mut parameters: Vec<_> = parameters.iter().collect();
        if self.is() {
            parameters.reverse();
        }
        parameters.into_iter().fold(start, |all, (key, value)| {
            let space = self.either("", "  ");
            match value.0 == "?1" && self.is() {
                true => format!("{all};{space}{key}"),
                false => format!("{all};{space}{key}={}", self.either(&value.0, &value.1)),
            }
        })
    }

    fn joined(&mut self, members: &[String]) -> String {
        members
            .iter()
            .fold(String::new(), |all, member| match all.as_str() {
                "" => format!("{}{member}", self.either("", " ")),
                all => {
                    let (before, behind) = (self.either("", " \t"), self.either("", "\t "));
                    format!("{all}{before},{behind}{member}")
                }
            })
    }

    fn list(&mut self, items: &[Item]) -> String {
        let members: Vec<String> = items.iter().map(|item| self.item(item)).collect();
        self.joined(&members)
    }

    fn dictionary(&mut self, entries: &[(String, Vec<Item>)]) -> String {
        let mut members: Vec<String> = Vec::new();
        for (key, items) in entries {
            let all: Vec<String> = items.iter().map(|item| self.item(item)).collect();
            members.push(match all.as_slice() {
                // A value that is only true may be left out, its parameters not.
                [one] if one.starts_with("?1") && self.is() => format!("{key}{}", &one[2..]),
                [one] => format!("{key}={one}"),
                all => {
                    let (around, between) = (self.either("", " "), self.either(" ", "   "));
                    format!("{key}=({around}{}{around})", all.join(between))
                }
            });
        }
        if self.is() {
            members.reverse();
        }
        self.joined(&members)
    }
}

fn entries() -> impl Strategy<Value = Vec<(String, Vec<Item>)>> {
    let items = proptest::collection::vec(item(), 1..3);
    proptest::collection::btree_map("[a-z*][a-z0-9]{0,3}", items, 1..4)
        .prop_map(|map| map.into_iter().collect())
}

fn draws() -> impl Strategy<Value = Vec<bool>> {
    proptest::collection::vec(any::<bool>(), 1..40)
}

proptest! {
    #[test]
    fn a_list_is_the_same_however_it_is_written(items in proptest::collection::vec(item(), 1..5), draws in draws(), at: prop::sample::Index) {
        let plain = Style([false].iter().cycle()).list(&items);
        let mut style = Style(draws.iter().cycle());
        let written = style.list(&items);
        prop_assert_eq!(canonical("cache-status", &[&plain]), canonical("cache-status", &[&written]), "{} | {}", plain, written);
        let mut changed = items.clone();
        let (bare, _) = &mut changed[at.index(items.len())];
        bare.0 = bare.2.clone();
        let other = Style([false].iter().cycle()).list(&changed);
        prop_assert_ne!(canonical("cache-status", &[&plain]), canonical("cache-status", &[&other]), "{} | {}", plain, other);
    }

    #[test]
    fn a_dictionary_is_the_same_however_it_is_written(entries in entries(), draws in draws(), at: prop::sample::Index) {
        let plain = Style([false].iter().cycle()).dictionary(&entries);
        let mut style = Style(draws.iter().cycle());
        let written = style.dictionary(&entries);
        prop_assert_eq!(canonical("priority", &[&plain]), canonical("priority", &[&written]), "{} | {}", plain, written);
        let mut changed = entries.clone();
        let (_, items) = &mut changed[at.index(entries.len())];
        let last = items.len() - 1;
        match items[last].1.first_mut() {
            Some((_, value)) => value.0 = value.2.clone(),
            None => items[last].0.0 = items[last].0.2.clone(),
        }
        let other = Style([false].iter().cycle()).dictionary(&changed);
        prop_assert_ne!(canonical("priority", &[&plain]), canonical("priority", &[&other]), "{} | {}", plain, other);
    }

    #[test]
    fn an_item_is_the_same_however_it_is_written(item in item(), draws in draws()) {
        let plain = Style([false].iter().cycle()).item(&item);
        let written = Style(draws.iter().cycle()).item(&item);
        prop_assert_eq!(canonical("deprecation", &[&plain]), canonical("deprecation", &[&written]), "{} | {}", plain, written);
    }

    #[test]
    fn a_normal_reference_is_its_own_normal_form(reference in "(https?:)?(//[a-zA-Z.:@%0-9]{0,8})?[a-cA-C./%27eEfF:~-]{0,16}(\\?[a-c%27=]{0,4})?") {
        let once = super::super::reference::normal(&reference);
        prop_assert_eq!(super::super::reference::normal(&once), once);
    }

    /// References that are the same lead to the same place from anywhere (RFC 3986, section 5.2).
    #[test]
    fn two_references_of_one_normal_form_lead_to_one_place(a in REFERENCES, b in REFERENCES) {
        let normal = super::super::reference::normal;
        for reference in [&a, &b] {
            prop_assert_eq!(resolved(reference), resolved(&normal(reference)), "{} | {}", reference, normal(reference));
        }
        if normal(&a) == normal(&b) {
            prop_assert_eq!(resolved(&a), resolved(&b));
        }
    }

    /// No header panics, whatever it holds.
    #[test]
    fn any_header_is_read(name in prop::sample::select(NAMES.to_vec()), value in "[ -~\u{a0}é]{0,60}|[a-c;=,\" '*()<>:%?@0-9-]{0,60}") {
        let of = canonical(name, &[&value]);
        prop_assert_eq!(canonical(name, &[&format!(" {value}\t")]), of);
    }
}

const REFERENCES: &str = "(//h)?[ab./]{0,7}(\\?a?)?";

/// Where a reference of [`REFERENCES`] leads from `//g/x/y/z?q`, by the algorithm of the standard.
fn resolved(reference: &str) -> String {
    let (rest, query) = match reference.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (reference, None),
    };
    let (host, path) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("g", rest),
    };
    let is_whole = path.starts_with('/') || rest.starts_with("//");
    let (path, query) = match is_whole {
        true => (path.to_owned(), query),
        false if path.is_empty() => ("/x/y/z".to_owned(), query.or(Some("q"))),
        false => (format!("/x/y/{path}"), query),
    };
    let mut input = path;
    let mut output = String::new();
    // Section 5.2.4, its steps by their letters.
    while !input.is_empty() {
        if input.starts_with("/./") {
            input.drain(..2);
        } else if input == "/." {
            input.pop();
        } else if input.starts_with("/../") || input == "/.." {
            input.replace_range(..3, if input == "/.." { "/" } else { "" });
            output.truncate(output.rfind('/').unwrap_or(0));
        } else {
            let end = input[1..].find('/').map_or(input.len(), |at| at + 1);
            output.extend(input.drain(..end));
        }
    }
    // An empty path is the root (section 6.2.3).
    let path = if output.is_empty() { "/" } else { &output };
    format!("//{host}{path}?{query:?}")
}

fn answer(name: &str, value: &str) -> Answer {
    let field = Field {
        name: name.to_owned(),
        value: value.as_bytes().to_vec(),
    };
    crate::http::answer(200, vec![field], Vec::new(), false)
}

proptest! {
    /// What the hash of an answer under load says, the comparison says as well, and both ways.
    #[test]
    fn a_difference_is_one_for_the_hash_and_both_ways(name in prop::sample::select(NAMES.to_vec()), a in VALUES, b in VALUES) {
        let (a, b) = (answer(name, &a), answer(name, &b));
        let is_same = super::super::canonical(&a) == super::super::canonical(&b);
        let rules = crate::Rules::default();
        let differ = crate::Differ::new(&rules, &|_, text| text.to_owned());
        let differs = |a: &Answer, b: &Answer| {
            let (a, b) = (Outcome::Answered(a.clone()), Outcome::Answered(b.clone()));
            !differ.differences("GET /", &a, &b).is_empty()
        };
        prop_assert_eq!(differs(&a, &b), !is_same);
        prop_assert_eq!(differs(&b, &a), !is_same);
    }
}

/// Few characters, so that two values are often nearly the same.
const VALUES: &str = "[aA \",;=<>/.%2Ff*'-]{0,5}|[aA ,;=]{0,3}";

const NAMES: [&str; 24] = [
    "accept-ch",
    "accept-patch",
    "allow",
    "cache-control",
    "cache-status",
    "content-disposition",
    "content-range",
    "content-security-policy",
    "content-type",
    "deprecation",
    "expires",
    "feature-policy",
    "link",
    "location",
    "nel",
    "permissions-policy",
    "ratelimit",
    "refresh",
    "retry-after",
    "signature-input",
    "strict-transport-security",
    "warning",
    "www-authenticate",
    "x-robots-tag",
];
