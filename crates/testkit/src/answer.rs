//! The answers of the subject, and the ways in which a candidate's can be made to differ.

use std::time::{SystemTime, UNIX_EPOCH};

/// One planted change of the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// `$.stock` has another value.
    Value,
    /// `$.stock` is a string.
    Type,
    /// The status is 202.
    Status,
    /// `Cache-Control` says something else.
    Header,
    /// `$.tags` is in another order.
    Order,
    /// `$.price` is rounded.
    Rounding,
    /// `$.name` is null.
    Null,
    /// `$.nested.count` is missing.
    Missing,
    /// `$.big` went through a 64-bit float.
    BigInteger,
    /// `$.name` is there twice.
    DuplicateKey,
    /// The cookie `sid` lost `HttpOnly`.
    CookieAttribute,
    /// `$.stock` has another value in 2 % of the answers.
    TwoPercent,
    /// `$.generated_at`, which always differs, is a number.
    NoiseCharacter,
}

impl Plant {
    /// Every plant.
    pub const ALL: [Plant; 13] = [
        Plant::Value,
        Plant::Type,
        Plant::Status,
        Plant::Header,
        Plant::Order,
        Plant::Rounding,
        Plant::Null,
        Plant::Missing,
        Plant::BigInteger,
        Plant::DuplicateKey,
        Plant::CookieAttribute,
        Plant::TwoPercent,
        Plant::NoiseCharacter,
    ];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Plant::Value => "value",
            Plant::Type => "type",
            Plant::Status => "status",
            Plant::Header => "header",
            Plant::Order => "order",
            Plant::Rounding => "rounding",
            Plant::Null => "null",
            Plant::Missing => "missing",
            Plant::BigInteger => "big-integer",
            Plant::DuplicateKey => "duplicate-key",
            Plant::CookieAttribute => "cookie-attribute",
            Plant::TwoPercent => "two-percent",
            Plant::NoiseCharacter => "noise-character",
        }
    }

    /// Place and kind that a comparison should name.
    pub fn expected(self) -> (&'static str, &'static str) {
        match self {
            Plant::Value | Plant::TwoPercent => ("$.stock", "value"),
            Plant::Type => ("$.stock", "type"),
            Plant::Status => ("code", "code"),
            Plant::Header => ("header:cache-control", "value"),
            Plant::Order => ("$.tags", "order"),
            Plant::Rounding => ("$.price", "value"),
            Plant::Null => ("$.name", "null"),
            Plant::Missing => ("$.nested.count", "missing"),
            Plant::BigInteger => ("$.big", "value"),
            Plant::DuplicateKey => ("$.name", "duplicate_key"),
            Plant::CookieAttribute => ("cookie:sid;httponly", "missing"),
            Plant::NoiseCharacter => ("$.generated_at", "type"),
        }
    }
}

/// The whole answer to `GET /items/{id}`. `generated_at` and `request_id` are never the same twice.
pub(crate) fn item(id: u64, plant: Option<Plant>) -> Vec<u8> {
    let is = |wanted: Plant| plant == Some(wanted);
    let changed = is(Plant::Value) || (is(Plant::TwoPercent) && id % 50 == 7);
    let stock = if changed { id % 100 + 1 } else { id % 100 };
    let stock = if is(Plant::Type) {
        format!("\"{stock}\"")
    } else {
        stock.to_string()
    };
    let name = if is(Plant::Null) {
        "null".to_owned()
    } else {
        format!("\"item {id}\"")
    };
    let twice = if is(Plant::DuplicateKey) {
        format!(r#""name":"item {id}","#)
    } else {
        String::new()
    };
    let price = if is(Plant::Rounding) {
        "12.35"
    } else {
        "12.345"
    };
    let tags = if is(Plant::Order) {
        r#"["b","a","c"]"#
    } else {
        r#"["a","b","c"]"#
    };
    let big = if is(Plant::BigInteger) {
        "9007199254740992"
    } else {
        "9007199254740993"
    };
    let nested = if is(Plant::Missing) {
        "{}"
    } else {
        r#"{"count":3}"#
    };
    let (nanos, request_id) = unique();
    let generated_at = if is(Plant::NoiseCharacter) {
        nanos.to_string()
    } else {
        format!(
            "\"2026-11-22T10:{:02}:{:02}.{:06}Z\"",
            nanos / 60_000_000 % 60,
            nanos / 1_000_000 % 60,
            nanos % 1_000_000
        )
    };
    let body = format!(
        r#"{{"id":{id},"name":{name},{twice}"stock":{stock},"price":{price},"tags":{tags},"big":{big},"nested":{nested},"generated_at":{generated_at},"request_id":"{request_id}"}}"#
    );
    let status = if is(Plant::Status) {
        "202 Accepted"
    } else {
        "200 OK"
    };
    let cache = if is(Plant::Header) {
        "no-store"
    } else {
        "max-age=60"
    };
    let only = if is(Plant::CookieAttribute) {
        ""
    } else {
        "; HttpOnly"
    };
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nCache-Control: {cache}\r\nSet-Cookie: sid=fixed; Path=/{only}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len(),
    )
    .into_bytes()
}

/// Microseconds of the clock, and a UUID that is new each time.
fn unique() -> (u128, String) {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_nanos());
    let mixed =
        (nanos as u64 ^ count ^ u64::from(std::process::id())).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let tail = mixed.rotate_left(32) & 0xffff_ffff_ffff;
    let uuid = format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{tail:012x}",
        (mixed >> 32) as u32,
        mixed as u16,
        (mixed >> 16) & 0xfff,
        count & 0xfff,
    );
    (nanos / 1000, uuid)
}
