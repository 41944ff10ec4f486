//! Cleans, joins and adds up.

use crate::input::{Customer, Order, Rate};
use crate::number::{fixed, rounded};
use anyhow::Context;
use jiff::civil::Date;
use jiff::{Timestamp, tz::TimeZone};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

/// An order line that is in order.
pub(crate) struct Good<'a> {
    pub(crate) order: &'a Order<'a>,
    pub(crate) line: i32,
    pub(crate) at: Timestamp,
    pub(crate) group: Group<'a>,
    pub(crate) quantity: i32,
    pub(crate) price_cents: i64,
    pub(crate) amount_cents: i64,
}

/// What lines are added up by.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Group<'a> {
    pub(crate) day: Date,
    pub(crate) country: Option<Cow<'a, str>>,
    pub(crate) segment: Option<&'a str>,
}

#[derive(Default)]
pub(crate) struct Sums<'a> {
    pub(crate) orders: HashSet<i64>,
    pub(crate) customers: HashSet<&'a str>,
    pub(crate) units: i64,
    pub(crate) cents: i64,
    pub(crate) most_cents: i64,
}

/// An order, or a line of one, that is left out.
pub(crate) struct Reject {
    pub(crate) order: i64,
    pub(crate) line: Option<i32>,
    pub(crate) reason: &'static str,
}

#[derive(Default)]
pub(crate) struct Tables<'a> {
    pub(crate) lines: Vec<Good<'a>>,
    pub(crate) daily: BTreeMap<Group<'a>, Sums<'a>>,
    pub(crate) rejects: Vec<Reject>,
}

pub(crate) fn run<'a>(
    orders: &'a [Order<'a>],
    customers: &'a [Customer<'a>],
    rates: &'a [Rate<'a>],
) -> anyhow::Result<Tables<'a>> {
    let customers: HashMap<&str, &Customer<'_>> =
        customers.iter().map(|row| (&*row.id, row)).collect();
    let mut by_day = HashMap::new();
    for row in rates {
        let day: Date = row.day.parse().context("a rate has no valid day")?;
        let rate = fixed(&row.rate, 4).context("a rate is not a number of four digits")?;
        by_day.insert((day, &*row.currency), rate);
    }
    let mut tables = Tables::default();
    for order in orders {
        if order.status.eq_ignore_ascii_case("cancelled") {
            continue;
        }
        let joined = order.at.parse::<Timestamp>().map_err(|_| "bad time");
        let joined = joined.and_then(|at| match customers.get(&*order.customer) {
            Some(customer) => Ok((at, *customer)),
            None => Err("unknown customer"),
        });
        match joined {
            Ok((at, customer)) => add(&mut tables, order, at, customer, &by_day)?,
            Err(reason) => tables.rejects.push(Reject {
                order: order.id,
                line: None,
                reason,
            }),
        }
    }
    Ok(tables)
}

/// Adds the lines of an order.
fn add<'a>(
    tables: &mut Tables<'a>,
    order: &'a Order<'a>,
    at: Timestamp,
    customer: &'a Customer<'a>,
    rates: &HashMap<(Date, &str), i64>,
) -> anyhow::Result<()> {
    let group = Group {
        day: at.to_zoned(TimeZone::UTC).date(),
        country: cleaned(customer.country.as_deref()),
        segment: customer.segment.as_deref(),
    };
    let rate = rates
        .get(&(group.day, &*order.currency))
        .with_context(|| format!("there is no rate of {} for {}", order.currency, group.day))?;
    for (number, line) in (1..).zip(&order.lines) {
        let mut reject = |reason| {
            tables.rejects.push(Reject {
                order: order.id,
                line: Some(number),
                reason,
            });
        };
        let Some(quantity) = line.quantity.filter(|quantity| *quantity > 0) else {
            reject("bad quantity");
            continue;
        };
        let Some(price_cents) = line.price.as_deref().and_then(price) else {
            reject("bad price");
            continue;
        };
        let exact = i128::from(price_cents) * i128::from(quantity) * i128::from(*rate);
        let amount_cents =
            i64::try_from(rounded(exact, 10_000)).context("an amount is too large")?;
        let sums = tables.daily.entry(group.clone()).or_default();
        sums.orders.insert(order.id);
        sums.customers.insert(&customer.id);
        sums.units += i64::from(quantity);
        sums.cents += amount_cents;
        sums.most_cents = sums.most_cents.max(amount_cents);
        tables.lines.push(Good {
            order,
            line: number,
            at,
            group: group.clone(),
            quantity,
            price_cents,
            amount_cents,
        });
    }
    Ok(())
}

fn price(text: &str) -> Option<i64> {
    fixed(&text.trim().replace(',', "."), 2)
}

/// Without spaces around it and in capitals; an empty text is none.
pub(crate) fn cleaned(text: Option<&str>) -> Option<Cow<'_, str>> {
    let text = text?.trim();
    if text.is_empty() {
        return None;
    }
    let is_clean = text
        .bytes()
        .all(|byte| byte.is_ascii() && !byte.is_ascii_lowercase());
    Some(match is_clean {
        true => Cow::Borrowed(text),
        false => Cow::Owned(text.to_uppercase()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{latest, rows};

    const CUSTOMERS: &str = r#"{"id":"c-1","country":" ch ","segment":null}"#;
    const RATES: &str = r#"{"day":"2026-03-01","currency":"CHF","rate":"1.0642"}"#;

    fn order(version: i32, more: &str) -> String {
        format!(
            r#"{{"id":1,"version":{version},"currency":"CHF","coupon":"","note":"a\tb","status":"paid",{more}}}"#
        )
    }

    /// Amounts, countries and reasons.
    fn tried(orders: &[String]) -> (Vec<i64>, Vec<Option<String>>, Vec<&'static str>) {
        let text = orders.join("\n");
        let orders = latest(rows(&text).unwrap());
        let (customers, rates) = (rows(CUSTOMERS).unwrap(), rows(RATES).unwrap());
        let tables = run(&orders, &customers, &rates).unwrap();
        let countries = tables.daily.keys().map(|group| group.country.as_deref());
        (
            tables.lines.iter().map(|row| row.amount_cents).collect(),
            countries.map(|text| text.map(str::to_owned)).collect(),
            tables.rejects.iter().map(|row| row.reason).collect(),
        )
    }

    #[test]
    fn a_line_is_cleaned_joined_and_converted() {
        let lines = r#""lines":[{"sku":"a","quantity":3,"price":" 12,50"}]"#;
        // The day of the rate is that of the instant in UTC.
        let at = format!(r#""at":"2026-03-02T00:30:00.000+01:00","customer":"c-1",{lines}"#);
        // 3 x 12.50 x 1.0642 = 39.9075
        let expected = (vec![3991], vec![Some("CH".to_owned())], vec![]);
        assert_eq!(tried(&[order(1, &at)]), expected);
    }

    #[test]
    fn what_cannot_be_used_has_a_reason() {
        let of = |at: &str, customer: &str, line: &str| {
            let more = format!(r#""at":"{at}","customer":"{customer}","lines":[{line}]"#);
            tried(&[order(1, &more)]).2
        };
        let (at, good) = (
            "2026-03-01T10:00:00Z",
            r#"{"sku":"a","quantity":1,"price":"1"}"#,
        );
        assert_eq!(of(at, "c-1", good), Vec::<&str>::new());
        assert_eq!(of("yesterday", "c-2", good), ["bad time"]);
        assert_eq!(of("2026-03-01T10:00:00", "c-1", good), ["bad time"]);
        assert_eq!(of(at, "c-2", good), ["unknown customer"]);
        let no_quantity = r#"{"sku":"a","quantity":null,"price":null}"#;
        assert_eq!(of(at, "c-1", no_quantity), ["bad quantity"]);
        let no_price = r#"{"sku":"a","quantity":1,"price":"n/a"}"#;
        assert_eq!(of(at, "c-1", no_price), ["bad price"]);
    }

    #[test]
    fn the_newest_version_counts_whenever_it_is_delivered() {
        let of = |price: &str| {
            let line = format!(r#"{{"sku":"a","quantity":1,"price":"{price}"}}"#);
            format!(r#""at":"2026-03-01T10:00:00Z","customer":"c-1","lines":[{line}]"#)
        };
        let (old, new) = (order(1, &of("1")), order(2, &of("2")));
        assert_eq!(tried(&[old.clone(), new.clone()]).0, [213]);
        assert_eq!(tried(&[new, old.clone()]).0, [213]);
        assert_eq!(tried(&[old, order(1, &of("3"))]).0, [319]);
    }
}
