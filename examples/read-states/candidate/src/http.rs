use crate::id::Id;
use crate::store::{ReadState, Store};
use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::StatusCode;
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

const MAX_BODY: usize = 4096;
const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 200;
const MAX_MENTIONS: u32 = 1000;

/// The HTTP interface of a store.
pub(crate) fn router(store: Arc<Store>) -> Router {
    let read_state = get(read_state)
        .put(ack)
        .fallback(|| not_allowed("GET, HEAD, PUT"));
    Router::new()
        .route(
            "/healthz",
            get(health).fallback(|| not_allowed("GET, HEAD")),
        )
        .route(
            "/users/{user}/read-states",
            get(list).fallback(|| not_allowed("GET, HEAD")),
        )
        .route("/users/{user}/channels/{channel}/read-state", read_state)
        .route(
            "/users/{user}/channels/{channel}/mentions",
            post(mention).fallback(|| not_allowed("POST")),
        )
        .fallback(|| async { Problem::NotFound })
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(store)
}

type Channel = Result<Path<(Id, Id)>, PathRejection>;
type Body = Result<Bytes, BytesRejection>;

async fn health() -> Response {
    #[derive(Serialize)]
    struct Health {
        status: &'static str,
    }
    reply(StatusCode::OK, &Health { status: "ok" })
}

async fn list(
    State(store): State<Arc<Store>>,
    user: Result<Path<Id>, PathRejection>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    #[derive(Serialize)]
    struct List {
        user_id: Id,
        read_states: Vec<ReadState>,
    }
    let Path(user_id) = user?;
    let limit = match query.iter().find(|(name, _)| name == "limit") {
        Some((_, text)) if !text.is_empty() => text.parse().unwrap_or(0),
        _ => DEFAULT_LIMIT,
    };
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(Problem::InvalidLimit);
    }
    let read_states = store.list(user_id, limit);
    Ok(reply(
        StatusCode::OK,
        &List {
            user_id,
            read_states,
        },
    ))
}

async fn read_state(
    State(store): State<Arc<Store>>,
    channel: Channel,
) -> Result<Response, Problem> {
    let Path((user, channel)) = channel?;
    let state = store.get(user, channel).ok_or(Problem::UnknownReadState)?;
    Ok(reply(StatusCode::OK, &state))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ack {
    last_message_id: Id,
    #[serde(default)]
    mention_count: u32,
}

async fn ack(
    State(store): State<Arc<Store>>,
    channel: Channel,
    body: Body,
) -> Result<Response, Problem> {
    let Path((user, channel)) = channel?;
    let ack: Ack = decode(&body?)?;
    let (state, created) = store.ack(user, channel, ack.last_message_id, ack.mention_count);
    Ok(reply(status_of(created), &state))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mentions {
    count: u32,
}

async fn mention(
    State(store): State<Arc<Store>>,
    channel: Channel,
    body: Body,
) -> Result<Response, Problem> {
    let Path((user, channel)) = channel?;
    let Mentions { count } = decode(&body?)?;
    if !(1..=MAX_MENTIONS).contains(&count) {
        return Err(Problem::InvalidBody);
    }
    let (state, created) = store.mention(user, channel, count);
    Ok(reply(status_of(created), &state))
}

fn decode<'de, T: Deserialize<'de>>(body: &'de [u8]) -> Result<T, Problem> {
    // serde would take an array of the fields' values for the object.
    if body.trim_ascii_start().first() != Some(&b'{') {
        return Err(Problem::InvalidBody);
    }
    serde_json::from_slice(body).map_err(|_| Problem::InvalidBody)
}

fn status_of(created: bool) -> StatusCode {
    if created {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    }
}

fn reply(status: StatusCode, body: &impl Serialize) -> Response {
    let headers = [
        (CONTENT_TYPE, "application/json"),
        (CACHE_CONTROL, "no-store"),
    ];
    match serde_json::to_vec(body) {
        Ok(text) => (status, headers, text).into_response(),
        Err(error) => {
            crate::log(&format!("cannot encode an answer: {error}"));
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Every answer that is not a success.
enum Problem {
    NotFound,
    UnknownReadState,
    NotAllowed,
    InvalidId,
    InvalidLimit,
    InvalidBody,
    BodyTooLarge,
}

impl Problem {
    fn parts(&self) -> (StatusCode, &'static str, &'static str) {
        let bad = StatusCode::BAD_REQUEST;
        match self {
            Problem::NotFound => (
                StatusCode::NOT_FOUND,
                "not_found",
                "there is no such resource",
            ),
            Problem::UnknownReadState => (
                StatusCode::NOT_FOUND,
                "unknown_read_state",
                "no read state of this user for this channel",
            ),
            Problem::NotAllowed => (
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "this resource does not take that method",
            ),
            Problem::InvalidId => (
                bad,
                "invalid_id",
                "an id is a decimal number from 1 to 18446744073709551615",
            ),
            Problem::InvalidLimit => (bad, "invalid_limit", "limit is a number from 1 to 200"),
            Problem::InvalidBody => (
                bad,
                "invalid_body",
                "the body is not the JSON object that this resource takes",
            ),
            Problem::BodyTooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "body_too_large",
                "the body may have 4096 bytes",
            ),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Body {
            error: &'static str,
            message: &'static str,
        }
        let (status, error, message) = self.parts();
        reply(status, &Body { error, message })
    }
}

impl From<PathRejection> for Problem {
    fn from(_: PathRejection) -> Self {
        Problem::InvalidId
    }
}

impl From<BytesRejection> for Problem {
    fn from(rejection: BytesRejection) -> Self {
        match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Problem::BodyTooLarge,
            _ => Problem::InvalidBody,
        }
    }
}

async fn not_allowed(methods: &'static str) -> Response {
    ([(ALLOW, methods)], Problem::NotAllowed).into_response()
}

#[cfg(test)]
mod tests;
