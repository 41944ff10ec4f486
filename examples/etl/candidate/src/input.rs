//! What is read: JSON lines whose texts are borrowed from the file where they need no unescaping.

use anyhow::Context;
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

#[derive(Deserialize)]
pub(crate) struct Order<'a> {
    pub(crate) id: i64,
    pub(crate) version: i32,
    #[serde(borrow)]
    pub(crate) at: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) customer: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) currency: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) status: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) coupon: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) note: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) lines: Vec<Line<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct Line<'a> {
    #[serde(borrow)]
    pub(crate) sku: Cow<'a, str>,
    pub(crate) quantity: Option<i32>,
    #[serde(borrow)]
    pub(crate) price: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(crate) struct Customer<'a> {
    #[serde(borrow)]
    pub(crate) id: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) country: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(crate) segment: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(crate) struct Rate<'a> {
    #[serde(borrow)]
    pub(crate) day: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) currency: Cow<'a, str>,
    #[serde(borrow)]
    pub(crate) rate: Cow<'a, str>,
}

/// A row of each line.
pub(crate) fn rows<'a, T: Deserialize<'a>>(text: &'a str) -> anyhow::Result<Vec<T>> {
    let parsed = (1..).zip(text.lines()).map(|(number, line)| {
        serde_json::from_str(line).with_context(|| format!("line {number} is not valid"))
    });
    parsed.collect()
}

/// The newest version of each order; of the same version the one that was delivered last.
pub(crate) fn latest(orders: Vec<Order<'_>>) -> Vec<Order<'_>> {
    let mut places: HashMap<i64, usize> = HashMap::with_capacity(orders.len());
    let mut newest: Vec<Order<'_>> = Vec::with_capacity(orders.len());
    for order in orders {
        match places.entry(order.id) {
            Entry::Vacant(place) => {
                place.insert(newest.len());
                newest.push(order);
            }
            Entry::Occupied(place) => {
                let known = &mut newest[*place.get()];
                if order.version >= known.version {
                    *known = order;
                }
            }
        }
    }
    newest
}
