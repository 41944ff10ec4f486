//! The HTTP interface: the incumbent's, mistakes included.

use crate::quotes::quote;
use crate::tariffs::Tariffs;
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

pub(crate) fn router(tariffs: Arc<Tariffs>) -> Router {
    Router::new()
        .route("/healthz", get(health).fallback(not_found))
        .route("/quotes", post(quotes).fallback(not_found))
        .fallback(not_found)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(tariffs)
}

async fn health() -> Response {
    #[derive(Serialize)]
    struct Health {
        status: &'static str,
    }
    reply(StatusCode::OK, &Health { status: "ok" })
}

async fn quotes(
    State(tariffs): State<Arc<Tariffs>>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let Ok(body) = body else {
        let message = "the body has more than 64 KiB";
        return problem(StatusCode::PAYLOAD_TOO_LARGE, "too_large", message);
    };
    let Ok(request) = serde_json::from_slice(&body) else {
        return problem(StatusCode::BAD_REQUEST, "bad_json", "the body must be JSON");
    };
    match quote(&tariffs, &request) {
        Ok(quotes) => reply(StatusCode::OK, &quotes),
        Err(error) => problem(StatusCode::UNPROCESSABLE_ENTITY, error.code, &error.message),
    }
}

async fn not_found() -> Response {
    problem(StatusCode::NOT_FOUND, "not_found", "no such page")
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
        Ok(json) => {
            let kind = [(CONTENT_TYPE, "application/json; charset=utf-8")];
            (status, kind, json).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
