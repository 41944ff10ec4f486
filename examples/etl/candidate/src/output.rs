//! The three tables and what is printed of them.

use crate::pipeline::{Tables, cleaned};
use crate::table::{self, Column};
use jiff::civil::{Date, date};
use std::collections::BTreeMap;
use std::path::Path;

const LINES: &str = "message lines {
    optional int64 order_id; optional int32 line; optional int64 at (TIMESTAMP(MICROS, true));
    optional binary customer (STRING); optional binary country (STRING); optional binary segment (STRING);
    optional binary coupon (STRING); optional binary sku (STRING); optional int32 quantity;
    optional int64 price (DECIMAL(18, 2)); optional binary currency (STRING);
    optional int64 amount_eur (DECIMAL(18, 2)); optional binary note (STRING);
}";
const DAILY: &str = "message daily {
    optional int32 day (DATE); optional binary country (STRING); optional binary segment (STRING);
    optional int64 orders; optional int64 customers; optional int64 units;
    optional int64 revenue_eur (DECIMAL(18, 2)); optional double mean_order_eur;
    optional int64 largest_line_eur (DECIMAL(18, 2));
}";
const REJECTS: &str = "message rejects {
    optional int64 order_id; optional int32 line; optional binary reason (STRING);
}";
const EPOCH: Date = date(1970, 1, 1);

pub(crate) fn write(tables: &Tables<'_>, out: &Path) -> anyhow::Result<()> {
    table::write(&out.join("lines.parquet"), LINES, lines(tables))?;
    table::write(&out.join("daily.parquet"), DAILY, daily(tables)?)?;
    table::write(&out.join("rejects.parquet"), REJECTS, rejects(tables))
}

fn lines(tables: &Tables<'_>) -> Vec<Column> {
    let lines = &tables.lines;
    let place = |line: i32| usize::try_from(line - 1).unwrap_or_default();
    let coupons: Vec<_> = lines
        .iter()
        .map(|row| cleaned(row.order.coupon.as_deref()))
        .collect();
    vec![
        Column::Int64(lines.iter().map(|row| Some(row.order.id)).collect()),
        Column::Int32(lines.iter().map(|row| Some(row.line)).collect()),
        Column::Int64(
            lines
                .iter()
                .map(|row| Some(row.at.as_microsecond()))
                .collect(),
        ),
        Column::text(lines.iter().map(|row| Some(&*row.order.customer))),
        Column::text(lines.iter().map(|row| row.group.country.as_deref())),
        Column::text(lines.iter().map(|row| row.group.segment)),
        Column::text(coupons.iter().map(|coupon| coupon.as_deref())),
        Column::text(
            lines
                .iter()
                .map(|row| Some(&*row.order.lines[place(row.line)].sku)),
        ),
        Column::Int32(lines.iter().map(|row| Some(row.quantity)).collect()),
        Column::Int64(lines.iter().map(|row| Some(row.price_cents)).collect()),
        Column::text(lines.iter().map(|row| Some(&*row.order.currency))),
        Column::Int64(lines.iter().map(|row| Some(row.amount_cents)).collect()),
        Column::text(lines.iter().map(|row| row.order.note.as_deref())),
    ]
}

fn daily(tables: &Tables<'_>) -> anyhow::Result<Vec<Column>> {
    let (groups, sums): (Vec<_>, Vec<_>) = tables.daily.iter().unzip();
    let days = groups
        .iter()
        .map(|group| Ok(Some(EPOCH.until(group.day)?.get_days())))
        .collect::<anyhow::Result<_>>()?;
    let count = |of: usize| Some(of as i64);
    // Cents are below 2^53, so one division gives the double next to the decimal number.
    let mean = |cents: i64, orders: usize| Some(cents as f64 / 100.0 / orders as f64);
    Ok(vec![
        Column::Int32(days),
        Column::text(groups.iter().map(|group| group.country.as_deref())),
        Column::text(groups.iter().map(|group| group.segment)),
        Column::Int64(sums.iter().map(|sum| count(sum.orders.len())).collect()),
        Column::Int64(sums.iter().map(|sum| count(sum.customers.len())).collect()),
        Column::Int64(sums.iter().map(|sum| Some(sum.units)).collect()),
        Column::Int64(sums.iter().map(|sum| Some(sum.cents)).collect()),
        Column::Double(
            sums.iter()
                .map(|sum| mean(sum.cents, sum.orders.len()))
                .collect(),
        ),
        Column::Int64(sums.iter().map(|sum| Some(sum.most_cents)).collect()),
    ])
}

fn rejects(tables: &Tables<'_>) -> Vec<Column> {
    let rejects = &tables.rejects;
    vec![
        Column::Int64(rejects.iter().map(|row| Some(row.order)).collect()),
        Column::Int32(rejects.iter().map(|row| row.line).collect()),
        Column::text(rejects.iter().map(|row| Some(row.reason))),
    ]
}

/// How many rows there are, and why others are left out: one line of JSON.
pub(crate) fn summary(tables: &Tables<'_>) -> String {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for reject in &tables.rejects {
        *reasons.entry(reject.reason).or_default() += 1;
    }
    let reasons: Vec<_> = reasons
        .iter()
        .map(|(reason, count)| format!("\"{reason}\": {count}"))
        .collect();
    format!(
        "{{\"lines\": {}, \"daily\": {}, \"rejects\": {{{}}}}}",
        tables.lines.len(),
        tables.daily.len(),
        reasons.join(", ")
    )
}
