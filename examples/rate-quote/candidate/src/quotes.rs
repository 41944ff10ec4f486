//! What sending parcels costs, by carrier. All money is in whole cents, all weights in whole grams.

use crate::tariffs::{Carrier, Service, Tariffs};
use serde::Serialize;
use serde_json::Value;

const MAX_PARCELS: usize = 50;

/// A request that cannot be quoted; `code` is stable, the message is for people.
#[derive(Debug)]
pub(crate) struct Unquotable {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

#[derive(Debug, Serialize)]
pub(crate) struct Quotes<'t> {
    currency: &'t str,
    zone: usize,
    quotes: Vec<Quote<'t>>,
}

#[derive(Debug, Serialize)]
struct Quote<'t> {
    carrier: &'t str,
    service: &'t str,
    billable_weight_g: u64,
    base_cents: u64,
    fuel_cents: u64,
    remote_cents: u64,
    total_cents: u64,
    days: Days,
}

#[derive(Debug, Serialize)]
struct Days {
    min: u32,
    max: u32,
}

struct Place<'r> {
    country: &'r str,
    group: usize,
    text: &'r str,
}

struct Parcel {
    weight_g: u64,
    longest_mm: u64,
    volume_mm3: u64,
}

/// Quotes every carrier that takes all of the parcels, the cheapest first.
pub(crate) fn quote<'t>(tariffs: &'t Tariffs, request: &Value) -> Result<Quotes<'t>, Unquotable> {
    let from = place("from", &request["from"], tariffs)?;
    let to = place("to", &request["to"], tariffs)?;
    let load = parcels(&request["parcels"])?;
    let wanted = service(&request["service"])?;
    let zone = match from.country == to.country {
        true => 0,
        false => 1 + from.group.abs_diff(to.group),
    };
    let mut quotes = Vec::new();
    for carrier in &tariffs.carriers {
        let Some(weights) = billable_weights(carrier, &load) else {
            continue;
        };
        let services = carrier.services.iter();
        let services = services.filter(|of| wanted.is_none_or(|wanted| of.service == wanted));
        quotes
            .extend(services.map(|service| price(tariffs, carrier, service, zone, &weights, &to)));
    }
    quotes.sort_by(|a, b| (a.total_cents, a.carrier).cmp(&(b.total_cents, b.carrier)));
    Ok(Quotes {
        currency: &tariffs.currency,
        zone,
        quotes,
    })
}

fn refused<T>(code: &'static str, message: impl Into<String>) -> Result<T, Unquotable> {
    Err(Unquotable {
        code,
        message: message.into(),
    })
}

/// Reads a place such as `DE-10115`.
fn place<'r>(field: &str, value: &'r Value, tariffs: &Tariffs) -> Result<Place<'r>, Unquotable> {
    let Some((text, country)) = value.as_str().and_then(|text| Some((text, country(text)?))) else {
        return refused(
            "bad_place",
            format!("{field} must be a country and a postal code such as DE-10115"),
        );
    };
    match tariffs.groups.get(country) {
        Some(&group) => Ok(Place {
            country,
            group,
            text,
        }),
        None => refused(
            "unknown_country",
            format!("{field}: {country} is not served"),
        ),
    }
}

fn country(text: &str) -> Option<&str> {
    let (country, code) = text.split_once('-')?;
    let letters = country.len() == 2 && country.bytes().all(|b| b.is_ascii_uppercase());
    let digits = (4..=5).contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit());
    (letters && digits).then_some(country)
}

fn service(value: &Value) -> Result<Option<&str>, Unquotable> {
    match value.as_str() {
        Some(service @ ("standard" | "express")) => Ok(Some(service)),
        None if value.is_null() => Ok(None),
        _ => refused("bad_service", "service must be standard or express"),
    }
}

fn parcels(value: &Value) -> Result<Vec<Parcel>, Unquotable> {
    let list = value.as_array().filter(|list| !list.is_empty());
    let Some(list) = list.filter(|list| list.len() <= MAX_PARCELS) else {
        return refused(
            "bad_parcels",
            format!("parcels must be a list of 1 to {MAX_PARCELS}"),
        );
    };
    let mut parcels = Vec::with_capacity(list.len());
    for (index, value) in list.iter().enumerate() {
        let Some(parcel) = parcel(value) else {
            return refused(
                "bad_parcel",
                format!(
                    "parcel {} needs weight_g, length_mm, width_mm and height_mm as whole numbers",
                    index + 1
                ),
            );
        };
        parcels.push(parcel);
    }
    Ok(parcels)
}

fn parcel(value: &Value) -> Option<Parcel> {
    let mm = |field: &str| whole(&value[field], 10_000);
    let sides = [mm("length_mm")?, mm("width_mm")?, mm("height_mm")?];
    Some(Parcel {
        weight_g: whole(&value["weight_g"], 1_000_000)?,
        longest_mm: sides.into_iter().max()?,
        volume_mm3: sides.into_iter().product(),
    })
}

/// A whole number from 1 to `most`. JavaScript has one kind of number: 2.0 is as whole as 2.
fn whole(value: &Value, most: u64) -> Option<u64> {
    let number = value.as_f64()?;
    (number.fract() == 0.0 && (1.0..=most as f64).contains(&number)).then_some(number as u64)
}

/// The weight that counts of each parcel: the real or the volumetric one; `None` if one is not taken.
fn billable_weights(carrier: &Carrier, load: &[Parcel]) -> Option<Vec<u64>> {
    let weight = |parcel: &Parcel| {
        let volumetric_g = parcel.volume_mm3.div_ceil(carrier.volumetric_divisor);
        let weight_g = parcel.weight_g.max(volumetric_g);
        let taken = weight_g <= carrier.max_weight_g && parcel.longest_mm <= carrier.max_length_mm;
        taken.then_some(weight_g)
    };
    load.iter().map(weight).collect()
}

fn price<'t>(
    tariffs: &Tariffs,
    carrier: &'t Carrier,
    service: &'t Service,
    zone: usize,
    weights: &[u64],
    to: &Place<'_>,
) -> Quote<'t> {
    let bracket = |weight: &u64| tariffs.brackets_g.partition_point(|limit| limit < weight);
    let base_cents: u64 = weights
        .iter()
        .map(|weight| service.cents[zone][bracket(weight)])
        .sum();
    // Half a cent is rounded up, as everywhere in this company.
    let fuel_cents = (base_cents * carrier.fuel_permille + 500) / 1000;
    let remote = carrier
        .remote_prefixes
        .iter()
        .any(|prefix| to.text.starts_with(prefix.as_str()));
    let remote_cents = match remote {
        true => carrier.remote_cents * weights.len() as u64,
        false => 0,
    };
    Quote {
        carrier: &carrier.name,
        service: &service.service,
        billable_weight_g: weights.iter().sum(),
        base_cents,
        fuel_cents,
        remote_cents,
        total_cents: base_cents + fuel_cents + remote_cents,
        days: Days {
            min: service.min_days,
            max: service.max_days,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::path::Path;

    fn tariffs() -> Tariffs {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tariffs.json");
        crate::tariffs::read(&file).unwrap()
    }

    fn request() -> Value {
        let parcel = json!({"weight_g": 1200, "length_mm": 300, "width_mm": 200, "height_mm": 150});
        json!({"from": "DE-10115", "to": "FR-75001", "parcels": [parcel]})
    }

    #[test]
    fn quotes_are_sorted_by_price_and_add_up() {
        let tariffs = tariffs();
        let quotes = quote(&tariffs, &request()).unwrap();
        assert_eq!(quotes.zone, 2);
        assert!(quotes.quotes.len() > 4);
        assert!(quotes.quotes.is_sorted_by_key(|quote| quote.total_cents));
        for quote in &quotes.quotes {
            let sum = quote.base_cents + quote.fuel_cents + quote.remote_cents;
            assert_eq!(quote.total_cents, sum);
        }
    }

    #[test]
    fn what_cannot_be_quoted_says_why() {
        let tariffs = tariffs();
        let refused = |field: &str, value: Value| {
            let mut request = request();
            request[field] = value;
            quote(&tariffs, &request).unwrap_err().code
        };
        assert_eq!(refused("from", json!("10115")), "bad_place");
        assert_eq!(refused("to", json!("US-10001")), "unknown_country");
        assert_eq!(refused("parcels", json!([])), "bad_parcels");
        assert_eq!(refused("parcels", json!([{"weight_g": 0.5}])), "bad_parcel");
        assert_eq!(refused("service", json!("pigeon")), "bad_service");
    }
}
