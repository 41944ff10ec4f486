//! The admin interface over HTTP.

use super::Admin;
use crate::ledger::Waiver;
use crate::proxy::{self, Plan};
use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::{Deserialize, Serialize};
use std::convert::Infallible;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use understudy_model::Place;

/// The page, which loads these alone and asks this interface alone. They hold no data, so they need no
/// token.
const PAGE: [(&str, &str, &str); 3] = [
    ("/", "text/html; charset=utf-8", include_str!("page.html")),
    (
        "/page.css",
        "text/css; charset=utf-8",
        include_str!("page.css"),
    ),
    (
        "/page.js",
        "text/javascript; charset=utf-8",
        include_str!("page.js"),
    ),
];
/// Connections at once.
const CONNECTIONS: usize = 64;
/// How long a request's head may take.
const HEAD: Duration = Duration::from_secs(30);
/// Bytes of a waiver.
const BODY_BYTES: usize = 16 * 1024;

/// Serves the interface, notes the history and checks the servers, until it is stopped.
pub(crate) async fn run(
    admin: Arc<Admin>,
    socket: Option<TcpListener>,
    mut plans: watch::Receiver<Plan>,
    mut stopped: watch::Receiver<()>,
) {
    if let Some(socket) = socket {
        tokio::task::spawn_local(accept(admin.clone(), socket));
    }
    let mut checks = checks(&plans.borrow_and_update());
    let mut second = tokio::time::interval(Duration::from_secs(1));
    loop {
        tokio::select! {
            _ = second.tick() => admin.tick(),
            Ok(()) = plans.changed() => {
                let plan = plans.borrow_and_update();
                admin.took(&plan);
                checks = self::checks(&plan);
            }
            _ = stopped.changed() => break,
        }
    }
    drop(checks);
}

/// The health checks of a plan; they end when dropped.
fn checks(plan: &Plan) -> JoinSet<()> {
    let mut checks = JoinSet::new();
    for (_, side) in plan.config.sides() {
        proxy::watch(side, &plan.servers, &mut checks);
    }
    checks
}

async fn accept(admin: Arc<Admin>, socket: TcpListener) {
    let listener = socket
        .set_nonblocking(true)
        .and_then(|()| tokio::net::TcpListener::from_std(socket));
    let Ok(listener) = listener else {
        return;
    };
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let Ok((tcp, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let admin = admin.clone();
        tokio::task::spawn_local(async move {
            let service = service_fn(|request| {
                let admin = admin.clone();
                async move { Ok::<_, Infallible>(answer(&admin, request).await) }
            });
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEAD)
                .serve_connection(TokioIo::new(tcp), service);
            // The other end may leave at any time.
            let _ = served.await;
            drop(place);
        });
    }
}

#[derive(Serialize)]
struct Errors {
    errors: Vec<String>,
}

/// Which waiver is taken back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unwaive {
    operation: String,
    path: Place,
}

async fn answer(admin: &Admin, request: Request<Incoming>) -> Response<String> {
    let part = PAGE
        .iter()
        .find(|(path, _, _)| *path == request.uri().path());
    if let Some((_, kind, part)) = part.filter(|_| request.method() == Method::GET) {
        return text(kind, (*part).to_owned());
    }
    if let Err((status, why)) = admit(admin, request.headers()) {
        return failure(status, vec![why.to_owned()]);
    }
    match (request.method(), request.uri().path()) {
        (&Method::GET, "/healthz") => text("text/plain", "ok\n".to_owned()),
        (&Method::GET, "/metrics") => {
            text("text/plain; version=0.0.4; charset=utf-8", admin.metrics())
        }
        (&Method::GET, "/api/status") => json(&admin.status()),
        (&Method::GET, "/api/differences") => json(&admin.differences()),
        (&Method::GET, "/api/selftest") => json(&admin.self_test()),
        (&Method::GET, "/api/proposals") => json(&admin.proposals()),
        (&Method::POST, "/api/waivers") => {
            change(request, |waiver: Waiver| admin.waive(waiver).map(|()| true)).await
        }
        (&Method::DELETE, "/api/waivers") => {
            change(request, |of: Unwaive| {
                admin.unwaive(&of.operation, &of.path)
            })
            .await
        }
        (_, "/api/waivers") => not_allowed("POST, DELETE"),
        (
            _,
            "/" | "/healthz" | "/metrics" | "/api/status" | "/api/differences" | "/api/selftest"
            | "/api/proposals",
        ) => not_allowed("GET"),
        _ => failure(
            StatusCode::NOT_FOUND,
            vec!["404 not found; see / or /api/status".to_owned()],
        ),
    }
}

/// May the sender of this request look?
fn admit(admin: &Admin, headers: &HeaderMap) -> Result<(), (StatusCode, &'static str)> {
    if let Some(token) = &admin.token {
        let given = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        return match given.is_some_and(|given| is_same(given.as_bytes(), token.as_bytes())) {
            true => Ok(()),
            false => Err((
                StatusCode::UNAUTHORIZED,
                "401 unauthorized; send Authorization: Bearer TOKEN",
            )),
        };
    }
    // A page of another origin can make a browser come here, but only by a name of its own.
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    match matches!(name, "localhost" | "127.0.0.1" | "[::1]") {
        true => Ok(()),
        false => Err((
            StatusCode::FORBIDDEN,
            "403 forbidden; without a token, use localhost, 127.0.0.1 or [::1]",
        )),
    }
}

/// Compares in a time that says nothing of where they part.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |sum, (a, b)| sum | (a ^ b)) == 0
}

async fn change<T: for<'de> Deserialize<'de>>(
    request: Request<Incoming>,
    carry_out: impl FnOnce(T) -> Result<bool, Vec<String>>,
) -> Response<String> {
    // A form of another origin cannot send this type without being asked first.
    let is_json = request
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|of| of.as_bytes().starts_with(b"application/json"));
    if !is_json {
        return failure(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            vec!["415 unsupported media type; send application/json".to_owned()],
        );
    }
    let Some(body) = body(request.into_body()).await else {
        return failure(
            StatusCode::PAYLOAD_TOO_LARGE,
            vec!["413 content too large".to_owned()],
        );
    };
    match serde_json::from_slice(&body) {
        Err(error) => failure(StatusCode::BAD_REQUEST, vec![error.to_string()]),
        Ok(asked) => match carry_out(asked) {
            Ok(true) => text("application/json", "{}".to_owned()),
            Ok(false) => failure(
                StatusCode::NOT_FOUND,
                vec!["404 not found; no waiver has this operation and path".to_owned()],
            ),
            Err(errors) => failure(StatusCode::UNPROCESSABLE_ENTITY, errors),
        },
    }
}

async fn body(mut body: Incoming) -> Option<Vec<u8>> {
    let mut all = Vec::new();
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        all.extend_from_slice(frame.ok()?.data_ref().unwrap_or(&Bytes::new()));
        if all.len() > BODY_BYTES {
            return None;
        }
    }
    Some(all)
}

fn json(document: &impl Serialize) -> Response<String> {
    match serde_json::to_string(document) {
        Ok(document) => text("application/json", document),
        Err(error) => failure(StatusCode::INTERNAL_SERVER_ERROR, vec![error.to_string()]),
    }
}

fn not_allowed(allowed: &'static str) -> Response<String> {
    let mut response = failure(
        StatusCode::METHOD_NOT_ALLOWED,
        vec!["405 method not allowed".to_owned()],
    );
    let allowed = HeaderValue::from_static(allowed);
    response.headers_mut().insert(header::ALLOW, allowed);
    response
}

fn failure(status: StatusCode, errors: Vec<String>) -> Response<String> {
    let mut response = json(&Errors { errors });
    *response.status_mut() = status;
    if status == StatusCode::UNAUTHORIZED {
        let how = HeaderValue::from_static("Bearer");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, how);
    }
    response
}

fn text(kind: &'static str, text: String) -> Response<String> {
    let mut response = Response::new(text);
    let policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                  frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
    for (name, value) in [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, policy),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
