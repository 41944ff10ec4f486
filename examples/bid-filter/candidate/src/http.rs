//! The HTTP interface: OpenRTB over POST, 204 for no bid; the incumbent's, mistakes included.

use crate::bidder::Bidder;
use crate::openrtb::BidRequest;
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;
use std::sync::Arc;

const MAX_BODY: usize = 64 * 1024;

pub(crate) fn router(bidder: Arc<Bidder>) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/bids", post(bids))
        .fallback(async || problem(StatusCode::NOT_FOUND, "not_found", "no such page"))
        .method_not_allowed_fallback(async || {
            let message = "not by this method";
            problem(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                message,
            )
        })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(bidder)
}

async fn health(State(bidder): State<Arc<Bidder>>) -> Response {
    #[derive(Serialize)]
    struct Health {
        status: &'static str,
        campaigns: usize,
    }
    let health = Health {
        status: "ok",
        campaigns: bidder.campaigns(),
    };
    reply(StatusCode::OK, &health)
}

async fn bids(State(bidder): State<Arc<Bidder>>, body: Result<Bytes, BytesRejection>) -> Response {
    let Ok(body) = body else {
        let message = "the body has more than 64 KiB";
        return problem(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message);
    };
    let Ok(request) = serde_json::from_slice::<BidRequest>(&body) else {
        let message = "the body must be an OpenRTB bid request";
        return problem(StatusCode::BAD_REQUEST, "bad_request", message);
    };
    match bidder.bid(&request) {
        Some(response) if response.seatbid.is_empty() => StatusCode::NO_CONTENT.into_response(),
        Some(response) => reply(StatusCode::OK, &response),
        None => {
            let message = "a bid request needs an id and impressions with ids";
            problem(StatusCode::BAD_REQUEST, "incomplete", message)
        }
    }
}

fn problem(status: StatusCode, error: &str, message: &str) -> Response {
    #[derive(Serialize)]
    struct Problem<'a> {
        error: &'a str,
        message: &'a str,
    }
    reply(status, &Problem { error, message })
}

fn reply(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(json) => (status, [(CONTENT_TYPE, "application/json")], json).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
