//! One request of a client, from its head to the head of the answer.

use super::alarm::Alarm;
use super::answer::{Received, Unanswered};
use super::download::Download;
use super::head::Head;
use super::headers;
use super::io::Notes;
use super::record::{Record, Slot};
use super::route;
use super::upload::{Fault, Progress, Upload};
use super::upstream::Lease;
use super::worker::{Plane, Worker};
use crate::access_log::Line;
use crate::mirror::{Offer, Tee};
use crate::traffic::End;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version, request};
use http_body::Body;
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Poll, ready};
use std::time::{Duration, Instant, SystemTime};

/// Times one request is sent at most.
const ATTEMPTS: u32 = 3;

/// The client's end of a connection.
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    /// The same, as a header has it.
    pub(crate) address_text: HeaderValue,
    pub(crate) tls: bool,
    pub(crate) trusted: bool,
    pub(crate) notes: Arc<Notes>,
}

/// A request that is answered by the gateway itself.
struct Refusal {
    status: StatusCode,
    why: &'static str,
    end: End,
    /// What comes next on this connection cannot be trusted, or is in nobody's interest.
    close: bool,
}

impl Refusal {
    fn new(status: StatusCode, why: &'static str) -> Refusal {
        Refusal {
            status,
            why,
            end: End::Refused,
            close: false,
        }
    }

    fn closing(status: StatusCode, why: &'static str) -> Refusal {
        Refusal {
            close: true,
            ..Refusal::new(status, why)
        }
    }

    fn of(end: End, why: &'static str) -> Refusal {
        let status = match end {
            End::Timeout => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_GATEWAY,
        };
        Refusal {
            end,
            ..Refusal::new(status, why)
        }
    }

    fn of_fault(fault: Fault) -> Refusal {
        let (status, why) = match fault {
            Fault::TooLarge => (
                StatusCode::PAYLOAD_TOO_LARGE,
                "the request's body is larger than this server takes",
            ),
            Fault::TooSlow => (
                StatusCode::REQUEST_TIMEOUT,
                "the request's body did not come in time",
            ),
            Fault::Broken => (
                StatusCode::BAD_REQUEST,
                "the request's body is malformed or broke off",
            ),
        };
        Refusal {
            end: End::ClientBody,
            ..Refusal::closing(status, why)
        }
    }

    fn response(&self) -> Response<Download> {
        let text = Bytes::from(format!("{} {}\n", self.status.as_u16(), self.why));
        let mut response = Response::new(Download::Text(Some(text)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("text/plain; charset=utf-8"),
        );
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        if self.close {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

/// Answers a request.
pub(crate) async fn answer(
    worker: Rc<Worker>,
    client: Rc<Client>,
    request: Request<Incoming>,
) -> Result<Response<Download>, Infallible> {
    let plane = worker.plane();
    // In a box from the beginning: it goes from hand to hand, and into the body of the answer.
    let mut record = Box::new(Record {
        started: Instant::now(),
        thread: worker.index,
        route: plane.unrouted.clone(),
        log: None,
        lease: None,
        watched: None,
        status: 0,
        retries: 0,
        bytes: 0,
        ended: false,
        slot: Slot::take(&worker.shared.requests, plane.config.limits.requests),
    });
    let http2 = request.version() == Version::HTTP_2;
    if let Some(log) = &worker.shared.log {
        record.log = Some((log.clone(), Box::new(line(&client, &request))));
    }
    let answered = match admit(&plane, &client, request, &mut record) {
        Ok(Carried {
            head,
            body,
            upgrading,
        }) => match send(&worker, &plane, &mut record, head, body).await {
            Ok(response) => hand_on(&plane, record, response, upgrading),
            Err(refusal) => Err((record, refusal)),
        },
        Err(refusal) => Err((record, refusal)),
    };
    match answered {
        Ok(response) => Ok(response),
        Err((mut record, refusal)) => {
            record.status = refusal.status.as_u16();
            if let Some((_, line)) = &mut record.log {
                line.why = Some(refusal.why);
            }
            record.finish(refusal.end);
            if refusal.close {
                client.notes.lingers();
            }
            let mut response = refusal.response();
            if http2 {
                response.headers_mut().remove(header::CONNECTION);
            }
            Ok(response)
        }
    }
}

type Refused = (Box<Record>, Refusal);

/// A request on its way to the incumbent.
struct Carried {
    head: Head,
    body: Option<(Upload, Rc<Progress>)>,
    /// The client's end of the connection, if it asked for another protocol.
    upgrading: Option<hyper::upgrade::OnUpgrade>,
}

/// Makes of a client's request what the incumbent gets, and shows it to the candidate.
fn admit(
    plane: &Plane,
    client: &Client,
    mut request: Request<Incoming>,
    record: &mut Record,
) -> Result<Carried, Refusal> {
    let route = route_of(plane, client, &request, record)?;
    let (settings, traffic) = &plane.routes[route];
    record.route = traffic.clone();
    if let Some((_, line)) = &mut record.log {
        line.route.clone_from(&settings.name);
    }
    let version = request.version();
    let upgrade = headers::upgrade_of(request.headers()).filter(|_| version == Version::HTTP_11);
    let upgrading = upgrade.is_some().then(|| hyper::upgrade::on(&mut request));
    let (mut parts, incoming) = request.into_parts();
    prepare(&mut parts, client);

    let bodiless = incoming.is_end_stream();
    let mut tee = None;
    if let Some(shadow) = plane.shadow.as_ref().filter(|_| upgrade.is_none()) {
        let hint = (!bodiless).then(|| incoming.size_hint());
        let offer = Offer {
            route: settings,
            traffic,
            parts: &parts,
            client: client.address,
            hint,
        };
        if let Some((watched, copy)) = shadow.offer(offer) {
            record.watched = Some(watched);
            tee = copy;
        }
    }
    if let Some(protocol) = upgrade {
        parts
            .headers
            .insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        parts.headers.insert(header::UPGRADE, protocol);
    }
    Ok(Carried {
        head: Head {
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
        },
        body: (!bodiless).then(|| upload(plane, client, incoming, tee)),
        upgrading,
    })
}

/// Makes of the incumbent's answer what the client gets.
fn hand_on(
    plane: &Plane,
    mut record: Box<Record>,
    mut response: Response<Received>,
    upgrading: Option<hyper::upgrade::OnUpgrade>,
) -> Result<Response<Download>, Refused> {
    record.answered(response.status());
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return switch(upgrading, response, record);
    }
    if let Some(watched) = &mut record.watched {
        watched.answered(response.status(), response.headers());
    }
    headers::remove_hop_by_hop(response.headers_mut());
    *response.version_mut() = Version::HTTP_11;
    let side = &plane.incumbent.config;
    let deadline = side
        .total_timeout
        .map(|total| (record.started + total).into());
    Ok(response.map(|incoming| Download::stream(incoming, record, side.idle_timeout, deadline)))
}

/// Is it a request that may be carried on, and by which route?
fn route_of(
    plane: &Plane,
    client: &Client,
    request: &Request<Incoming>,
    record: &Record,
) -> Result<usize, Refusal> {
    if let Some(why) = client.notes.refused() {
        return Err(Refusal::closing(StatusCode::BAD_REQUEST, why));
    }
    if record.slot.is_none() {
        return Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many requests are under way",
        ));
    }
    if request.method() == Method::CONNECT {
        return Err(Refusal::closing(
            StatusCode::NOT_IMPLEMENTED,
            "CONNECT is not supported",
        ));
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = match (request.uri().authority(), hosts.next()) {
        (Some(authority), _) => authority.as_str(),
        (None, Some(host)) => host.to_str().unwrap_or_default(),
        (None, None) if request.version() == Version::HTTP_10 => "",
        (None, None) => return Err(Refusal::closing(StatusCode::BAD_REQUEST, "Host is missing")),
    };
    if hosts.next().is_some() {
        return Err(Refusal::closing(
            StatusCode::BAD_REQUEST,
            "Host is given twice",
        ));
    }
    if request.headers().len() > plane.config.limits.headers {
        return Err(Refusal::closing(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "the request has too many headers",
        ));
    }
    let limit = plane.config.limits.body_bytes;
    if request.body().size_hint().lower() > limit {
        return Err(Refusal::of_fault(Fault::TooLarge));
    }
    route::find(
        &plane.routes,
        |(route, _)| route,
        host,
        request.uri().path(),
        request.method(),
    )
    .ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "no route covers this request"))
}

/// Makes of a request as a client sent it one as a server behind a proxy gets it.
fn prepare(parts: &mut request::Parts, client: &Client) {
    headers::host_from_authority(&parts.uri, &mut parts.headers);
    headers::join_cookies(&mut parts.headers, parts.version);
    headers::remove_hop_by_hop(&mut parts.headers);
    // The client is told to go on as soon as somebody reads its body.
    parts.headers.remove(header::EXPECT);
    headers::add_forwarded(
        &mut parts.headers,
        &client.address_text,
        client.tls,
        client.trusted,
    );
    parts.version = Version::HTTP_11;
}

fn upload(
    plane: &Plane,
    client: &Client,
    incoming: Incoming,
    tee: Option<Tee>,
) -> (Upload, Rc<Progress>) {
    let limits = &plane.config.limits;
    Upload::stream(
        incoming,
        limits.body_bytes,
        limits.body_timeout,
        tee,
        client.notes.clone(),
    )
}

/// Sends the request until it is answered or must not be sent again.
async fn send(
    worker: &Worker,
    plane: &Plane,
    record: &mut Record,
    head: Head,
    body: Option<(Upload, Rc<Progress>)>,
) -> Result<Response<Received>, Refusal> {
    let side = &plane.incumbent;
    worker.retries.earn(side.config.retry_budget);
    let repeatable = body.is_none() && head.method.is_idempotent();
    let progress = body.as_ref().map(|(_, progress)| progress.clone());
    let mut body = body.map_or(Upload::Empty, |(upload, _)| upload);
    let mut fresh = false;
    loop {
        let mut lease = match side.lease(fresh).await {
            Ok(lease) => lease,
            Err(_)
                if record.retries + 1 < ATTEMPTS
                    && plane.incumbent.has_choice()
                    && worker.retries.spend() =>
            {
                record.retries += 1;
                continue;
            }
            Err(error) => {
                let end = if error.kind() == std::io::ErrorKind::TimedOut {
                    End::Timeout
                } else {
                    End::Connect
                };
                return Err(Refusal::of(end, "the server cannot be reached"));
            }
        };
        if let Some((_, line)) = &mut record.log {
            line.upstream = lease.upstream().address.authority();
        }
        let reused = lease.reused;
        let sent = within(
            side.config.response_timeout,
            lease.started,
            lease.alarm(),
            progress.as_deref(),
            lease.send(&head, body),
        )
        .await;
        let error = match sent {
            Some(Ok(response)) => {
                lease.answered(response.status() != StatusCode::SERVICE_UNAVAILABLE);
                record.lease = Some(lease);
                return Ok(response);
            }
            Some(Err(error)) => Some(error),
            None => None,
        };
        if let Some(fault) = progress.as_ref().and_then(|progress| progress.fault.get()) {
            return Err(Refusal::of_fault(fault));
        }
        let Some(Unanswered { why, unsent }) = error else {
            lease.failed();
            return Err(Refusal::of(
                End::Timeout,
                "the server did not answer in time",
            ));
        };
        // A server may close a connection just when it is used again: that says nothing about it.
        if !reused {
            lease.failed();
        }
        // What was never sent can be sent again whatever it is; a connection that was closed while
        // it lay idle costs nothing from the budget.
        let again = unsent.or(repeatable.then_some(Upload::Empty));
        let free = reused && !fresh;
        match again {
            Some(again) if record.retries + 1 < ATTEMPTS && (free || worker.retries.spend()) => {
                body = again;
                fresh = reused;
                record.retries += 1;
            }
            _ => return Err(Refusal::of(End::Closed, why.as_text())),
        }
    }
}

/// Waits no longer than this after the last piece of the body was passed on.
async fn within<T>(
    longest: Duration,
    from: Instant,
    alarm: Alarm,
    progress: Option<&Progress>,
    sent: impl Future<Output = T>,
) -> Option<T> {
    let mut sent = pin!(sent);
    let mut until = from + longest;
    poll_fn(|cx| {
        if let Poll::Ready(done) = sent.as_mut().poll(cx) {
            return Poll::Ready(Some(done));
        }
        loop {
            ready!(alarm.poll(cx, until));
            match progress.map(|progress| progress.at.get() + longest) {
                Some(later) if later > until => until = later,
                _ => return Poll::Ready(None),
            }
        }
    })
    .await
}

/// Hands both connections over to one another: what comes from one goes to the other.
fn switch(
    upgrading: Option<hyper::upgrade::OnUpgrade>,
    response: Response<Received>,
    mut record: Box<Record>,
) -> Result<Response<Download>, Refused> {
    let server = record.lease.take().and_then(Lease::into_stream);
    let (Some(client), Some(mut server)) = (upgrading, server) else {
        let refusal = Refusal::of(
            End::Closed,
            "the server changed the protocol without being asked",
        );
        return Err((record, refusal));
    };
    record.finish(End::Upgraded);
    tokio::task::spawn_local(async move {
        if let Ok(client) = client.await {
            // Either end closes it; how is theirs to know.
            let _ = tokio::io::copy_bidirectional(&mut server, &mut TokioIo::new(client)).await;
        }
    });
    Ok(response.map(|_| Download::Text(None)))
}

fn line(client: &Client, request: &Request<Incoming>) -> Line {
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = request
        .uri()
        .authority()
        .map(|authority| authority.as_str())
        .or(host);
    Line {
        method: request.method().to_string(),
        host: host.unwrap_or_default().to_owned(),
        target: request
            .uri()
            .path_and_query()
            .map_or("/", |target| target.as_str())
            .to_owned(),
        ..Line::begun(client.address, SystemTime::now())
    }
}
