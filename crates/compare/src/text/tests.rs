use super::*;
use proptest::prelude::*;

fn differing(a: &str, b: &str) -> Vec<(String, String)> {
    let text = |token: Option<&str>| token.unwrap_or("-").to_owned();
    compare(a, b, 0)
        .unwrap_or_else(|| panic!("{a} and {b} differ as wholes"))
        .into_iter()
        .map(|of| (text(of.baseline), text(of.contender)))
        .collect()
}

#[test]
fn numbers_moments_and_identifiers_are_one_token_each() {
    let cases = [
        (
            "Hello Ann, 12 ms",
            vec!["Hello", " ", "Ann", ",", " ", "12", " ", "ms"],
        ),
        (
            "at 2024-05-01T10:00:00.123+02:00",
            vec!["at", " ", "2024-05-01T10:00:00.123+02:00"],
        ),
        (
            "6ba7b810-9dad-11d1-80b4-00c04fd430c8.",
            vec!["6ba7b810-9dad-11d1-80b4-00c04fd430c8", "."],
        ),
        ("-1,234.50 EUR", vec!["-1,234.50", " ", "EUR"]),
        (
            "a=-5;b=1,2",
            vec!["a", "=", "-5", ";", "b", "=", "1", ",", "2"],
        ),
        (
            "http://h/items/1001",
            vec!["http", "://", "h", "/", "items", "/", "1001"],
        ),
        (
            "t dGhpcyBpcyBh/2lzIGE+aXM=",
            vec!["t", " ", "dGhpcyBpcyBh/2lzIGE+aXM="],
        ),
        ("08:49:37 GMT", vec!["08:49:37", " ", "GMT"]),
        ("größe: 3 €", vec!["größe", ":", " ", "3", " ", "€"]),
    ];
    for (text, expected) in cases {
        assert_eq!(tokens(text), expected, "{text}");
    }
}

#[test]
fn a_changed_token_is_one_difference() {
    let changed = |a: &str, b: &str| vec![(a.to_owned(), b.to_owned())];
    assert_eq!(
        differing("balance 10 in 5 ms", "balance 11 in 5 ms"),
        changed("10", "11")
    );
    assert_eq!(differing("Ann Lee", "Ann Leo"), changed("Lee", "Leo"));
    let one_more = differing("a b", "a b c");
    assert_eq!(
        one_more,
        [("-", " "), ("-", "c")].map(|(a, b)| (a.into(), b.into()))
    );
    assert_eq!(compare("hello", "world", 0), None);
    let words = |word: &str| vec![word; 20].join(" ");
    assert_eq!(compare(&words("a"), &words("b"), 0), None, "another text");
}

#[test]
fn a_token_is_where_its_words_are_and_numbers_around_it_do_not_count() {
    let spot = |a: &str, b: &str| match compare(a, b, 0).as_deref() {
        Some(
            [
                Differing {
                    spot: Spot::Token { line, around, .. },
                    ..
                },
            ],
        ) => (*line, *around),
        other => panic!("{a} {b}: {other:?}"),
    };
    let balance = spot("balance 10 in 5 ms", "balance 99 in 5 ms");
    assert_eq!(balance, spot("balance 7 in 123 ms", "balance 8 in 123 ms"));
    let took = spot("balance 10 in 5 ms", "balance 10 in 6 ms");
    assert!(balance.0 != took.0 && balance.1 != took.1);
    let neighbours = [
        spot("1 2 3 4", "0 2 3 4"),
        spot("1 2 3 4", "1 0 3 4"),
        spot("1 2 3 4", "1 2 0 4"),
    ];
    for (a, b) in [(0, 1), (1, 2), (0, 2)] {
        assert_ne!(neighbours[a].1, neighbours[b].1);
        assert_ne!(neighbours[a].0, neighbours[b].0);
    }
    // Other words further away: the coarse context is the same, the precise one is not.
    let (foo, bar) = (
        spot("item foo seen 5 times", "item foo seen 6 times"),
        spot("item bar seen 5 times", "item bar seen 6 times"),
    );
    assert!(foo.0 != bar.0);
}

proptest! {
    #[test]
    fn tokens_cover_any_text_without_gaps(text in "\\PC{0,60}") {
        prop_assert_eq!(tokens(&text).concat(), text);
    }

    #[test]
    fn texts_that_differ_are_never_the_same(a in "[a-c0-2 .,-]{0,12}", b in "[a-c0-2 .,-]{0,12}") {
        prop_assume!(a != b);
        if let Some(differing) = compare(&a, &b, 0) {
            prop_assert!(!differing.is_empty());
        }
    }
}
