//! Finds, for each impression, the campaign that pays most.

use crate::audience::Audience;
use crate::campaign::Campaign;
use crate::openrtb::{Bid, BidRequest, BidResponse, Imp, SeatBid};
use std::collections::HashMap;

const CURRENCY: &str = "USD";

pub(crate) struct Bidder {
    by_size: HashMap<(i32, i32), Vec<Campaign>>,
    audience: Audience,
}

impl Bidder {
    pub(crate) fn new(campaigns: Vec<Campaign>, audience: Audience) -> Self {
        let mut by_size: HashMap<_, Vec<_>> = HashMap::new();
        for campaign in campaigns {
            by_size
                .entry((campaign.w, campaign.h))
                .or_default()
                .push(campaign);
        }
        Bidder { by_size, audience }
    }

    /// How many campaigns there are.
    pub(crate) fn campaigns(&self) -> usize {
        self.by_size.values().map(Vec::len).sum()
    }

    /// The bids by seat, in the order of the impressions; `None` if the request lacks its id,
    /// impressions, or one of theirs.
    pub(crate) fn bid<'a>(&'a self, request: &'a BidRequest) -> Option<BidResponse<'a>> {
        let id = request.id.as_deref()?;
        let imps = request.imp.as_deref().filter(|imps| !imps.is_empty())?;
        let ids: Option<Vec<&str>> = imps.iter().map(|imp| imp.id.as_deref()).collect();
        let segments = self.audience.segments(request.user());
        let mut seatbid: Vec<SeatBid<'a>> = Vec::new();
        for (imp, imp_id) in imps.iter().zip(ids?) {
            let Some((campaign, price)) = self.best(request, imp, segments) else {
                continue;
            };
            let bid = bid(campaign, price, id, imp_id);
            match seatbid.iter_mut().find(|of| of.seat == campaign.seat) {
                Some(seat) => seat.bid.push(bid),
                None => seatbid.push(SeatBid {
                    seat: &campaign.seat,
                    bid: vec![bid],
                }),
            }
        }
        Some(BidResponse {
            id,
            cur: CURRENCY,
            seatbid,
        })
    }

    /// The highest offer that reaches the floor; of equal ones that of the campaign which comes first.
    fn best(&self, request: &BidRequest, imp: &Imp, segments: u64) -> Option<(&Campaign, f64)> {
        let banner = imp.banner.as_ref()?;
        if imp
            .bidfloorcur
            .as_deref()
            .is_some_and(|currency| currency != CURRENCY)
        {
            return None;
        }
        let floor = imp.bidfloor.unwrap_or(0.0);
        let mut best: Option<(&Campaign, u64)> = None;
        for campaign in self.by_size.get(&(banner.w?, banner.h?))? {
            if is_blocked(request, campaign)
                || !campaign.accepts(request.country(), request.device_type(), segments)
            {
                continue;
            }
            let price = campaign.price(request.content(), segments);
            if dollars(price) >= floor && best.is_none_or(|(_, most)| price > most) {
                best = Some((campaign, price));
            }
        }
        best.map(|(campaign, price)| (campaign, dollars(price)))
    }
}

/// A price in hundredths of a cent, in dollars.
fn dollars(price: u64) -> f64 {
    price as f64 / 10_000.0
}

fn is_blocked(request: &BidRequest, campaign: &Campaign) -> bool {
    request.blocked_domains().contains(&campaign.domain)
        || request
            .blocked_categories()
            .iter()
            .any(|blocked| campaign.categories.contains(blocked))
}

fn bid<'a>(campaign: &'a Campaign, price: f64, request_id: &str, imp_id: &'a str) -> Bid<'a> {
    Bid {
        id: format!("{request_id}-{imp_id}"),
        impid: imp_id,
        price,
        cid: campaign.id.to_string(),
        crid: &campaign.creative,
        adomain: [&campaign.domain],
        cat: &campaign.categories,
        w: campaign.w,
        h: campaign.h,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn bidder() -> Bidder {
        let campaign = |id: u32, price: u32, category: &str, countries: Value, segments: u64| {
            json!({
                "id": id, "seat": format!("seat-{id}"), "domain": format!("brand{id}.example"),
                "creative": format!("cr-{id}"), "w": 300, "h": 250, "base_price": price,
                "categories": [category], "countries": countries, "device_types": [],
                "boosts": {"IAB17": 105}, "segments": segments
            })
        };
        let campaigns = json!([
            campaign(1, 12_000, "IAB1", json!([]), 0),
            campaign(2, 20_000, "IAB7", json!(["DEU"]), 0),
            campaign(3, 30_000, "IAB2", json!([]), u64::MAX)
        ]);
        let campaigns = serde_json::from_value(campaigns).unwrap();
        Bidder::new(campaigns, Audience::made_up(10, 1))
    }

    /// The seats of the answer to a request with these fields more.
    fn bids(more: &Value) -> String {
        let mut request = json!({
            "id": "r1", "at": 2,
            "imp": [{"id": "1", "banner": {"w": 300, "h": 250}, "bidfloor": 0.5, "secure": 1}]
        });
        for (name, value) in more.as_object().unwrap() {
            request[name] = value.clone();
        }
        let request: BidRequest = serde_json::from_value(request).unwrap();
        serde_json::to_string(&bidder().bid(&request).unwrap().seatbid).unwrap()
    }

    fn price(more: &Value) -> f64 {
        let bids: Value = serde_json::from_str(&bids(more)).unwrap();
        bids[0]["bid"][0]["price"].as_f64().unwrap()
    }

    // The incumbent's test has the same answers.
    const CHEAP_BID: &str = r#"[{"seat":"seat-1","bid":[{"id":"r1-1","impid":"1","price":1.2,"cid":"1","crid":"cr-1","adomain":["brand1.example"],"cat":["IAB1"],"w":300,"h":250}]}]"#;
    const GERMAN_BID: &str = r#"[{"seat":"seat-2","bid":[{"id":"r1-1","impid":"1","price":2.0,"cid":"2","crid":"cr-2","adomain":["brand2.example"],"cat":["IAB7"],"w":300,"h":250}]}]"#;

    #[test]
    fn the_highest_offer_that_may_be_shown_wins() {
        let german = json!({"geo": {"country": "DEU"}});
        assert_eq!(bids(&json!({})), CHEAP_BID);
        assert_eq!(bids(&json!({"device": german})), GERMAN_BID);
        assert_eq!(
            bids(&json!({"device": german, "bcat": ["IAB7"]})),
            CHEAP_BID
        );
        assert_eq!(
            bids(&json!({"device": german, "badv": ["brand2.example"]})),
            CHEAP_BID
        );
    }

    #[test]
    fn content_and_segments_raise_the_price() {
        assert_eq!(price(&json!({"site": {"cat": ["IAB17", "IAB3"]}})), 1.326);
        // User 3 is in 17 segments: 3.00 * (1 + 17 * 0.05).
        assert_eq!(price(&json!({"user": {"id": "user-3"}})), 5.55);
        assert_eq!(price(&json!({"user": {"id": "user-10"}})), 1.2);
    }

    #[test]
    fn below_the_floor_or_of_another_size_nobody_bids() {
        let imp = |banner: Value, floor: f64, currency: &str| json!({"imp": [{"id": "1", "banner": banner, "bidfloor": floor, "bidfloorcur": currency}]});
        let size = json!({"w": 300, "h": 250});
        assert_eq!(bids(&imp(size.clone(), 1.2, "USD")), CHEAP_BID);
        assert_eq!(bids(&imp(size.clone(), 1.2001, "USD")), "[]");
        assert_eq!(bids(&imp(size, 0.5, "EUR")), "[]");
        assert_eq!(bids(&imp(json!({"w": 300, "h": 251}), 0.5, "USD")), "[]");
    }
}
