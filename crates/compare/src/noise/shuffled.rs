//! Faults in lists whose order and number are noise, and whose elements have noise of their own.

use super::kinds_of_body::{ANSWERS, RUNS, WORDS, answer, different};
use crate::{Differ, History, Outcomes, Row, Rules};
use understudy_model::{Outcome, Place};
use understudy_stats::random::Random;

/// One element: what it is, a figure that counts, and a moment that does not.
struct Item {
    name: &'static str,
    price: u64,
    at: String,
    id: String,
}

/// A kind of list: its media type, how an element is written, and what is before, between and behind elements.
struct Kind {
    name: &'static str,
    media: &'static str,
    one: fn(&Item) -> String,
    around: [&'static str; 3],
}

impl Kind {
    fn write(&self, items: &[Item]) -> (&'static str, Vec<u8>) {
        let [before, between, behind] = self.around;
        let items: Vec<String> = items.iter().map(self.one).collect();
        let body = format!("{before}{}{behind}", items.join(between));
        (self.media, body.into())
    }
}

const JSON: &str = "application/json";

fn kinds() -> [Kind; 7] {
    let kind = |name, media, around, one| Kind {
        name,
        media,
        one,
        around,
    };
    [
        kind("objects", JSON, ["[", ",", "]"], |i| {
            let Item {
                name, price, at, ..
            } = i;
            format!(r#"{{"sku":"{name}","price":{price},"at":"{at}"}}"#)
        }),
        kind(
            "nested objects with an identifier made up",
            JSON,
            [r#"{"items":["#, ",", "]}"],
            |i| {
                let Item {
                    name,
                    price,
                    at,
                    id,
                } = i;
                format!(
                    r#"{{"id":"{id}","of":{{"sku":"{name}","cost":{{"n":{price}}}}},"at":["{at}"]}}"#
                )
            },
        ),
        kind(
            "objects by identifiers made up",
            JSON,
            [r#"{"items":{"#, ",", "}}"],
            |i| {
                let Item {
                    name,
                    price,
                    at,
                    id,
                } = i;
                format!(r#""{id}":{{"sku":"{name}","price":{price},"at":"{at}"}}"#)
            },
        ),
        kind("xml", "application/xml", ["<l>", "", "</l>"], |i| {
            let Item {
                name, price, at, ..
            } = i;
            format!("<item at='{at}'><sku>{name}</sku><price>{price}</price></item>")
        }),
        kind("csv", "text/csv", ["at,sku,price\n", "\n", "\n"], |i| {
            format!("{},{},{}", i.at, i.name, i.price)
        }),
        kind("lines", "text/plain", ["", "\n", "\n"], |i| {
            format!("{} sold {} for {} today", i.at, i.name, i.price)
        }),
        kind(
            "json lines",
            "application/x-ndjson",
            ["", "\n", "\n"],
            |i| {
                format!(
                    r#"{{"at":"{}","sku":"{}","price":{}}}"#,
                    i.at, i.name, i.price
                )
            },
        ),
    ]
}

/// What changes from answer to answer, except moments and identifiers.
#[derive(Clone, Copy, Debug)]
enum Varies {
    Order,
    /// Which of the items there are, but for [`ALWAYS`].
    Number,
}

/// The item that is always there.
const ALWAYS: usize = 2;

/// The pairs of a run; `wrong`: the item whose price the candidate has wrong in every answer.
fn run(kind: &Kind, varies: Varies, wrong: Option<usize>, seed: u64) -> Vec<Row> {
    let mut dice = Random::new(seed);
    let prices: Vec<u64> = (0..6).map(|_| 10 + dice.below(900) as u64).collect();
    let (rules, mut history) = (Rules::default(), History::default());
    let redact = |_: Option<&Place>, text: &str| text.to_owned();
    let differ = Differ::new(&rules, &redact);
    let mut one = |tick: u64, wrong: Option<usize>| -> Outcome {
        let item = |(at, price): (usize, &u64)| Item {
            name: WORDS[at],
            price: price + u64::from(wrong == Some(at)),
            at: format!(
                "2026-11-29T10:{:02}:{:02}.{:03}Z",
                tick / 60,
                tick % 60,
                dice.below(1000)
            ),
            id: format!("{:016x}{:016x}", dice.next(), dice.next()),
        };
        let mut items: Vec<Item> = prices.iter().enumerate().map(item).collect();
        match varies {
            Varies::Order => {
                for last in (1..items.len()).rev() {
                    items.swap(last, dice.below(last + 1));
                }
            }
            Varies::Number => {
                items.retain(|item| item.name == WORDS[ALWAYS] || dice.below(5) > 0);
            }
        }
        answer(kind.write(&items))
    };
    (0..ANSWERS)
        .map(|tick| {
            let (incumbent, second, candidate) =
                (one(tick, None), one(tick, None), one(tick, wrong));
            let outcomes = Outcomes {
                incumbent: &incumbent,
                second: Some(&second),
                candidate: &candidate,
            };
            Row::compare(&differ, &mut history, 0, (0, "GET /"), outcomes)
        })
        .collect()
}

#[test]
fn a_wrong_figure_in_a_shuffled_list_of_noisy_elements_is_found() {
    holds(Varies::Order, 0);
}

#[test]
fn a_wrong_figure_in_a_list_of_varying_length_is_found() {
    // Elements that have a figure in common by chance are taken for one another in 1 of 100 runs.
    holds(Varies::Number, 1);
}

fn holds(varies: Varies, most_made_up: usize) {
    for kind in kinds() {
        let name = kind.name;
        let (mut missed, mut made_up) = (Vec::new(), Vec::new());
        for seed in 0..RUNS {
            let wrong = match varies {
                Varies::Order => Random::new(seed).below(6),
                Varies::Number => ALWAYS,
            };
            let found = different(&run(&kind, varies, Some(wrong), seed)) as u64;
            if found < ANSWERS {
                missed.push((seed, found));
            }
            let found = different(&run(&kind, varies, None, seed));
            if found > 0 {
                made_up.push((seed, found));
            }
        }
        assert!(
            missed.len() <= 1,
            "{name}: missed {} of {RUNS}: {missed:?}",
            missed.len()
        );
        assert!(
            made_up.len() <= most_made_up,
            "{name}: made up {} of {RUNS}: {made_up:?}",
            made_up.len()
        );
    }
}
