//! The HTTP interface: the incumbent's, mistakes included.

use crate::model::Model;
use crate::payment::Payment;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

pub(crate) fn router(model: Arc<Model>) -> Router {
    Router::new()
        .route("/healthz", get(health))
        .route("/score", post(score))
        .fallback(async || problem(StatusCode::NOT_FOUND, "not_found", BTreeSet::new()))
        .method_not_allowed_fallback(async || {
            problem(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                BTreeSet::new(),
            )
        })
        .with_state(model)
}

async fn health(State(model): State<Arc<Model>>) -> Response {
    #[derive(Serialize)]
    struct Health<'m> {
        status: &'static str,
        model: &'m str,
    }
    let health = Health {
        status: "ok",
        model: &model.version,
    };
    reply(StatusCode::OK, &health)
}

async fn score(State(model): State<Arc<Model>>, headers: HeaderMap, body: Bytes) -> Response {
    if body.is_empty() || !is_json(&headers) {
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid", BTreeSet::new());
    }
    let Ok(value) = serde_json::from_slice::<Value>(&body) else {
        return problem(StatusCode::BAD_REQUEST, "bad_json", BTreeSet::new());
    };
    match Payment::read(&value) {
        Ok(payment) => reply(StatusCode::OK, &model.score(&payment)),
        Err(fields) => problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid", fields),
    }
}

/// Whether the body is said to be JSON; FastAPI takes any other for bytes, which are no payment.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default();
    let kind = kind
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    kind == "application/json" || kind.starts_with("application/") && kind.ends_with("+json")
}

fn problem(status: StatusCode, error: &str, fields: BTreeSet<String>) -> Response {
    #[derive(Serialize)]
    struct Problem<'a> {
        error: &'a str,
        fields: BTreeSet<String>,
    }
    reply(status, &Problem { error, fields })
}

fn reply(status: StatusCode, body: &impl Serialize) -> Response {
    match serde_json::to_vec(body) {
        Ok(json) => (status, [(CONTENT_TYPE, "application/json")], json).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
