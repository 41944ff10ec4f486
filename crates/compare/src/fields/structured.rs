//! Structured fields (RFC 9651): equal by their parsed value.

use super::syntax::trimmed;
use sfv::{Dictionary, FieldType, InnerList, Item, List, ListEntry, Parameters, Parser};

/// The type that the registry gives a field, and what its standard adds to that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One value.
    Item,
    /// Values whose order counts.
    List,
    /// Values by key; the order of keys means nothing.
    Dictionary,
    /// A dictionary whose parameters have an order: a signature covers it (RFC 9421, section 2.3).
    Signatures,
    /// A dictionary of lists without an order (Permissions Policy, section 5.2): `*` stands for every origin.
    Allowlists,
    /// A list today, a dictionary in the drafts that servers still follow (`RateLimit`).
    ListOrDictionary,
}

/// The values that count, in their order: the members of a list, else all in one. A text that does not parse has no
/// meaning by the standard; it is compared as it is.
pub(super) fn values(kind: Kind, text: &str) -> Vec<String> {
    let parsed = match kind {
        Kind::Item => parse::<Item>(text).map(|item| vec![one(entry(item.into(), false))]),
        Kind::List => members(text),
        Kind::Dictionary => keys(text, |value| entry(value, false)),
        Kind::Signatures => keys(text, |value| entry(value, true)),
        Kind::Allowlists => keys(text, |value| entry(allowlist(value), false)),
        Kind::ListOrDictionary => members(text).or_else(|| keys(text, |value| entry(value, false))),
    };
    parsed.unwrap_or_else(|| vec![trimmed(text).to_owned()])
}

fn parse<T: FieldType>(text: &str) -> Option<T> {
    Parser::new(trimmed(text)).parse::<T>().ok()
}

fn members(text: &str) -> Option<Vec<String>> {
    let members = parse::<List>(text)?;
    Some(members.into_iter().map(|m| one(entry(m, false))).collect())
}

fn keys(text: &str, of: impl Fn(ListEntry) -> ListEntry) -> Option<Vec<String>> {
    let dictionary = parse::<Dictionary>(text)?;
    let mut sorted: Dictionary = dictionary
        .into_iter()
        .map(|(key, value)| (key, of(value)))
        .collect();
    sorted.sort_by(|a, _, b, _| a.as_str().cmp(b.as_str()));
    Some(sorted.serialize().into_iter().collect())
}

/// A member with its parameters in one order, unless theirs counts.
fn entry(mut entry: ListEntry, keeps_order: bool) -> ListEntry {
    let sort = |params: &mut Parameters| {
        if !keeps_order {
            params.sort_by(|a, _, b, _| a.as_str().cmp(b.as_str()));
        }
    };
    match &mut entry {
        ListEntry::Item(item) => sort(&mut item.params),
        ListEntry::InnerList(list) => {
            sort(&mut list.params);
            list.items
                .iter_mut()
                .for_each(|item| sort(&mut item.params));
        }
    }
    entry
}

/// A single value is a list of one; `*` makes the others superfluous.
fn allowlist(entry: ListEntry) -> ListEntry {
    let mut list = match entry {
        ListEntry::InnerList(list) => list,
        // The parameters (`report-to`) are the whole list's.
        ListEntry::Item(item) => {
            InnerList::with_params(vec![Item::new(item.bare_item)], item.params)
        }
    };
    let text = |item: &Item| one(item.clone().into());
    let every = list.items.iter().position(|item| text(item) == "*");
    if let Some(every) = every {
        list.items = vec![list.items.swap_remove(every)];
    }
    list.items.sort_by_key(text);
    list.items.dedup();
    list.into()
}

/// A member in the one form of RFC 9651, section 4.1.
fn one(entry: ListEntry) -> String {
    vec![entry].serialize().unwrap_or_default()
}
