//! The difference of two JSON documents.

use crate::align::{align, align_by, answering};
use crate::document::{Form, ORDER};
use crate::json::{Json, Value, number};
use crate::place::{self, Step};
use crate::relation::is_made_up;
use std::collections::BTreeMap;
use understudy_model::DifferenceKind as Kind;

/// What a document has at a place.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Seen<'a> {
    /// Nothing.
    Absent,
    /// This value.
    Value(&'a Json),
    /// This many entries of one name.
    Times(usize),
    /// A name that is made up.
    Name(&'a str),
}

impl<'a> Seen<'a> {
    /// The text that is there.
    pub(crate) fn string(self) -> Option<&'a str> {
        match self {
            Seen::Value(json) => match json.value() {
                Value::String(text) => Some(text),
                _ => None,
            },
            Seen::Name(name) => Some(name),
            Seen::Absent | Seen::Times(_) => None,
        }
    }

    /// The bytes that are there and are not text.
    pub(crate) fn octets(self) -> Option<&'a [u8]> {
        match self {
            Seen::Value(json) => match json.value() {
                Value::Bytes(bytes) => Some(bytes),
                _ => None,
            },
            Seen::Absent | Seen::Times(_) | Seen::Name(_) => None,
        }
    }

    /// About how many bytes what is there takes as JSON.
    pub(crate) fn bytes(self) -> Option<u64> {
        match self {
            Seen::Value(json) => Some(json.bytes()),
            Seen::Name(name) => Some(name.len() as u64 + 2),
            Seen::Absent | Seen::Times(_) => None,
        }
    }
}

/// The place of a name that is made up, below its value.
pub(crate) const NAME: &str = "#name";

/// Receives each difference: the way to its place, its kind, and what the baseline and the contender have
/// there.
pub(crate) type OnDifference<'f, 'a> = &'f mut dyn FnMut(&[Step<'a>], Kind, Seen<'a>, Seen<'a>);

/// The member by which the elements of the array at some steps answer to each other; `None` where nothing says so.
pub(crate) type KeyOf<'f> = &'f dyn for<'s> Fn(&[Step<'s>]) -> Option<&'f str>;

/// Reports every difference of two documents of one form to `found`.
pub(crate) fn compare<'a>(
    (form, key): (Form, KeyOf<'_>),
    baseline: &'a Json,
    contender: &'a Json,
    found: OnDifference<'_, 'a>,
) {
    Walk {
        is_markup: form == Form::Markup,
        steps: Vec::new(),
        key,
        found,
    }
    .values(baseline, contender);
}

struct Walk<'a, 'f, 'k> {
    is_markup: bool,
    steps: Vec<Step<'a>>,
    key: KeyOf<'k>,
    found: OnDifference<'f, 'a>,
}

impl<'a> Walk<'a, '_, '_> {
    fn report(&mut self, kind: Kind, baseline: Seen<'a>, contender: Seen<'a>) {
        (self.found)(&self.steps, kind, baseline, contender);
    }

    fn report_at(&mut self, step: Step<'a>, kind: Kind, baseline: Seen<'a>, contender: Seen<'a>) {
        self.steps.push(step);
        self.report(kind, baseline, contender);
        self.steps.pop();
    }

    fn values_at(&mut self, step: Step<'a>, baseline: &'a Json, contender: &'a Json) {
        self.steps.push(step);
        self.values(baseline, contender);
        self.steps.pop();
    }

    /// Recursion is bounded by the depth that the parser allows.
    fn values(&mut self, baseline: &'a Json, contender: &'a Json) {
        if baseline.hash() == contender.hash() {
            return;
        }
        let kind = match (baseline.value(), contender.value()) {
            (Value::Array(a), Value::Array(b)) => return self.arrays(baseline, contender, a, b),
            (Value::Object(a), Value::Object(b)) => return self.objects(a, b),
            (Value::Null, _) | (_, Value::Null) => Kind::Null,
            (Value::Number(a), Value::Number(b)) if number::same_value(a, b) => Kind::NumberText,
            (Value::Number(_), Value::Number(_))
            | (Value::Bool(_), Value::Bool(_))
            | (Value::String(_), Value::String(_)) => Kind::Value,
            (Value::Bytes(_), Value::Bytes(_)) => Kind::Bytes,
            _ => Kind::Type,
        };
        self.report(kind, Seen::Value(baseline), Seen::Value(contender));
    }

    fn arrays(&mut self, baseline: &'a Json, contender: &'a Json, a: &'a [Json], b: &'a [Json]) {
        let alignment = match (self.key)(&self.steps) {
            Some(key) => align_by(key, a, b),
            None => align(a, b),
        };
        if alignment.reordered {
            self.report(Kind::Order, Seen::Value(baseline), Seen::Value(contender));
        }
        for (i, j) in alignment.changed {
            let step = Step::Index {
                baseline: Some(i),
                contender: Some(j),
                of: place::of(a.len(), b.len()),
            };
            self.values_at(step, &a[i], &b[j]);
        }
        for i in alignment.missing {
            let step = Step::Index {
                baseline: Some(i),
                contender: None,
                of: 0,
            };
            self.report_at(step, Kind::Missing, Seen::Value(&a[i]), Seen::Absent);
        }
        for j in alignment.extra {
            let step = Step::Index {
                baseline: None,
                contender: Some(j),
                of: 0,
            };
            self.report_at(step, Kind::Extra, Seen::Absent, Seen::Value(&b[j]));
        }
    }

    /// Merges the two ordered lists of entries, one name at a time.
    fn objects(&mut self, mut a: &'a [(Box<str>, Json)], mut b: &'a [(Box<str>, Json)]) {
        let (mut only_a, mut only_b) = (Vec::new(), Vec::new());
        loop {
            let name: &'a str = match (a.first(), b.first()) {
                (Some((a, _)), Some((b, _))) => a.min(b),
                (Some((name, _)), None) | (None, Some((name, _))) => name,
                (None, None) => break,
            };
            let (of_a, rest_a) = split(a, name);
            let (of_b, rest_b) = split(b, name);
            (a, b) = (rest_a, rest_b);
            if self.is_markup && name == ORDER {
                self.orders(of_a, of_b);
                continue;
            }
            if of_a.is_empty() != of_b.is_empty() && is_made_up(name) {
                only_a.extend(of_a);
                only_b.extend(of_b);
                continue;
            }
            self.entries(Step::to(name), of_a, of_b);
        }
        self.made_up(&only_a, &only_b);
    }

    /// Entries whose names one side has made up: a list of values that answer to each other, with the names as
    /// identifiers.
    fn made_up(&mut self, a: &[&'a (Box<str>, Json)], b: &[&'a (Box<str>, Json)]) {
        let values = |entries: &[&(Box<str>, Json)]| -> Vec<Json> {
            entries.iter().map(|(_, value)| value.clone()).collect()
        };
        let (mut is_alone_a, mut is_alone_b) = (vec![true; a.len()], vec![true; b.len()]);
        for (i, j) in answering(&values(a), &values(b)) {
            (is_alone_a[i], is_alone_b[j]) = (false, false);
            let ((name_a, value_a), (name_b, value_b)) = (a[i], b[j]);
            self.steps.push(Step::Key {
                baseline: Some(name_a),
                contender: Some(name_b),
            });
            let (of_a, of_b) = (Seen::Name(name_a), Seen::Name(name_b));
            self.report_at(Step::Name(NAME), Kind::Value, of_a, of_b);
            self.values(value_a, value_b);
            self.steps.pop();
        }
        for ((name, value), _) in a.iter().zip(is_alone_a).filter(|(_, is_alone)| *is_alone) {
            let (baseline, contender) = (Some(&**name), None);
            let step = Step::Key {
                baseline,
                contender,
            };
            self.report_at(step, Kind::Missing, Seen::Value(value), Seen::Absent);
        }
        for ((name, value), _) in b.iter().zip(is_alone_b).filter(|(_, is_alone)| *is_alone) {
            let (baseline, contender) = (None, Some(&**name));
            let step = Step::Key {
                baseline,
                contender,
            };
            self.report_at(step, Kind::Extra, Seen::Absent, Seen::Value(value));
        }
    }

    /// Compares the order of the children of two elements, as far as both have them: what one has more
    /// often is missing or extra, and reported as that.
    fn orders(&mut self, a: Entries<'a>, b: Entries<'a>) {
        let ([(_, x)], [(_, y)]) = (a, b) else { return };
        let (x, y) = (names(x), names(y));
        let mut balance: BTreeMap<&str, i64> = BTreeMap::new();
        x.iter()
            .for_each(|name| *balance.entry(name).or_default() += 1);
        y.iter()
            .for_each(|name| *balance.entry(name).or_default() -= 1);
        let common = |names: Vec<&'a str>| -> Vec<&'a str> {
            let is_common = |name: &&str| balance.get(*name) == Some(&0);
            names.into_iter().filter(is_common).collect()
        };
        if common(x) != common(y) {
            self.report(Kind::Order, Seen::Value(&a[0].1), Seen::Value(&b[0].1));
        }
    }

    /// The entries of one name.
    fn entries(&mut self, step: Step<'a>, a: &'a [(Box<str>, Json)], b: &'a [(Box<str>, Json)]) {
        match (a, b) {
            ([(_, value), ..], []) => {
                self.report_at(step, Kind::Missing, Seen::Value(value), Seen::Absent);
            }
            ([], [(_, value), ..]) => {
                self.report_at(step, Kind::Extra, Seen::Absent, Seen::Value(value));
            }
            _ if a.len() != b.len() => {
                let (times_a, times_b) = (Seen::Times(a.len()), Seen::Times(b.len()));
                self.report_at(step, Kind::DuplicateKey, times_a, times_b);
            }
            _ => {
                for ((_, a), (_, b)) in a.iter().zip(b) {
                    self.values_at(step, a, b);
                }
            }
        }
    }
}

type Entries<'a> = &'a [(Box<str>, Json)];

/// The texts of a list.
fn names(list: &Json) -> Vec<&str> {
    let Value::Array(items) = list.value() else {
        return Vec::new();
    };
    items
        .iter()
        .filter_map(|item| match item.value() {
            Value::String(name) => Some(&**name),
            _ => None,
        })
        .collect()
}

/// Splits off the entries of this name, which come first if there are any.
fn split<'a>(entries: Entries<'a>, name: &str) -> (Entries<'a>, Entries<'a>) {
    entries.split_at(
        entries
            .iter()
            .take_while(|(entry, _)| **entry == *name)
            .count(),
    )
}
