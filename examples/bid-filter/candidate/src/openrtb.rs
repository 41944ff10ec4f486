//! The parts of OpenRTB 2.5 that this bidder reads and writes.

use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize)]
pub(crate) struct BidRequest {
    pub(crate) id: Option<String>,
    pub(crate) imp: Option<Vec<Imp>>,
    site: Option<Page>,
    app: Option<Page>,
    device: Option<Device>,
    user: Option<User>,
    bcat: Option<Vec<String>>,
    badv: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Imp {
    pub(crate) id: Option<String>,
    pub(crate) banner: Option<Banner>,
    pub(crate) bidfloor: Option<f64>,
    pub(crate) bidfloorcur: Option<String>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Banner {
    pub(crate) w: Option<i32>,
    pub(crate) h: Option<i32>,
}

/// A site or an app.
#[derive(Debug, Deserialize)]
struct Page {
    cat: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
struct Device {
    geo: Option<Geo>,
    devicetype: Option<i32>,
}

#[derive(Debug, Deserialize)]
struct Geo {
    country: Option<String>,
}

#[derive(Debug, Deserialize)]
struct User {
    id: Option<String>,
}

impl BidRequest {
    /// The categories of the site or app.
    pub(crate) fn content(&self) -> &[String] {
        let page = self.site.as_ref().or(self.app.as_ref());
        page.and_then(|page| page.cat.as_deref())
            .unwrap_or_default()
    }

    /// The country of the device, empty if it is not given.
    pub(crate) fn country(&self) -> &str {
        let geo = self.device.as_ref().and_then(|device| device.geo.as_ref());
        geo.and_then(|geo| geo.country.as_deref())
            .unwrap_or_default()
    }

    /// The type of the device, 0 if it is not given.
    pub(crate) fn device_type(&self) -> i32 {
        self.device
            .as_ref()
            .and_then(|device| device.devicetype)
            .unwrap_or_default()
    }

    /// The user, empty if it is not given.
    pub(crate) fn user(&self) -> &str {
        self.user
            .as_ref()
            .and_then(|user| user.id.as_deref())
            .unwrap_or_default()
    }

    pub(crate) fn blocked_categories(&self) -> &[String] {
        self.bcat.as_deref().unwrap_or_default()
    }

    pub(crate) fn blocked_domains(&self) -> &[String] {
        self.badv.as_deref().unwrap_or_default()
    }
}

#[derive(Debug, Serialize)]
pub(crate) struct BidResponse<'a> {
    pub(crate) id: &'a str,
    pub(crate) cur: &'static str,
    pub(crate) seatbid: Vec<SeatBid<'a>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct SeatBid<'a> {
    pub(crate) seat: &'a str,
    pub(crate) bid: Vec<Bid<'a>>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Bid<'a> {
    pub(crate) id: String,
    pub(crate) impid: &'a str,
    /// US dollars for a thousand impressions.
    pub(crate) price: f64,
    pub(crate) cid: String,
    pub(crate) crid: &'a str,
    pub(crate) adomain: [&'a str; 1],
    pub(crate) cat: &'a [String],
    pub(crate) w: i32,
    pub(crate) h: i32,
}
