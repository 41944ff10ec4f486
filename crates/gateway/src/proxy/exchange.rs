//! One request of a client, from its head to the head of the answer.

use super::alarm::Alarm;
use super::answer::{NoAnswer, Received, Unanswered};
use super::download::Download;
use super::fields::Written;
use super::head::Head;
use super::headers;
use super::inbound::Interims;
use super::record::{Record, Slot};
use super::refusal::Refusal;
use super::route;
use super::tunnel::Stream;
use super::upload::{Fault, Incoming, Progress, Upload, drain};
use super::upstream::{Lease, Reuse};
use super::worker::{Plane, Worker};
use crate::access_log::Line;
use crate::mirror::Offer;
use crate::traffic::End;
use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version, request};
use std::future::poll_fn;
use std::net::IpAddr;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, ready};
use std::time::{Duration, Instant, SystemTime};
use understudy_wire::http1 as wire;

/// Times one request is sent at most.
const ATTEMPTS: u32 = 3;

/// The client's end of a connection.
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    /// The same, as a header has it.
    pub(crate) address_text: HeaderValue,
    pub(crate) tls: bool,
    pub(crate) trusted: bool,
    /// What sends interim answers, where the protocol has them.
    pub(crate) interims: Option<Interims>,
}

/// A request as a client sent it.
pub(crate) struct Asking {
    pub(crate) request: Request<Incoming>,
    pub(crate) written: Written,
    pub(crate) raw_target: Option<Bytes>,
}

/// What a client gets.
pub(crate) struct Answered {
    pub(crate) response: Response<Download>,
    pub(crate) written: Written,
    /// What comes next on this connection cannot be trusted, or is of no use.
    pub(crate) closes: bool,
    /// The server's end of the connection, if that is HTTP no longer.
    pub(crate) server: Option<Stream>,
}

/// Answers a request.
pub(crate) async fn answer(worker: Rc<Worker>, client: Rc<Client>, asking: Asking) -> Answered {
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
    if let Some(log) = &worker.shared.log {
        record.log = Some((log.clone(), Box::new(line(&client, &asking))));
    }
    let mut rest = None;
    let is_http2 = asking.request.version() == Version::HTTP_2;
    let answered = match admit(&plane, &client, asking, &mut record, &mut rest) {
        Ok(carried) => {
            match send(&worker, &plane, &client, &mut record, carried, &mut rest).await {
                Ok((response, upgrades)) => hand_on(&plane, record, response, upgrades),
                Err(refusal) => Err((record, refusal)),
            }
        }
        Err(refusal) => Err((record, refusal)),
    };
    match answered {
        Ok(answered) => answered,
        Err((mut record, refusal)) => {
            record.status = refusal.status.as_u16();
            if let Some((_, line)) = &mut record.log {
                line.why = Some(refusal.why.clone());
            }
            record.finish(refusal.end);
            if is_http2 && let Some(rest) = rest {
                tokio::task::spawn_local(drain(rest));
            }
            Answered {
                response: refusal.response(),
                written: Written::default(),
                closes: refusal.closes,
                server: None,
            }
        }
    }
}

type Refused = (Box<Record>, Refusal);

/// A request on its way to the incumbent.
struct Carried {
    head: Head,
    body: Option<(Upload, Rc<Progress>)>,
    /// Has the client asked for another protocol?
    upgrades: bool,
    /// Does the client know interim answers?
    takes_interim: bool,
}

/// Makes of a client's request what the incumbent gets, and shows it to the candidate. What is not read
/// of a refused request is left in `rest`.
fn admit(
    plane: &Plane,
    client: &Client,
    asking: Asking,
    record: &mut Record,
    rest: &mut Option<Incoming>,
) -> Result<Carried, Refusal> {
    let (mut parts, incoming) = asking.request.into_parts();
    let incoming = rest.insert(incoming);
    let route = route_of(plane, &parts, incoming, record)?;
    let (settings, traffic) = &plane.routes[route];
    record.route = traffic.clone();
    if let Some((_, line)) = &mut record.log {
        line.route.clone_from(&settings.name);
    }
    headers::count_forward(&parts.method, &mut parts.headers)?;
    let version = parts.version;
    let upgrade = headers::upgrade_of(&parts.headers).filter(|_| version == Version::HTTP_11);
    prepare(&mut parts, client, plane.config.via);
    let mut head = Head {
        method: parts.method,
        uri: parts.uri,
        headers: parts.headers,
        written: asking.written,
        raw_target: asking.raw_target,
    };

    let bodiless = incoming.is_end_stream();
    let mut tee = None;
    if let Some(shadow) = plane.shadow.as_ref().filter(|_| upgrade.is_none()) {
        let offer = Offer {
            route: settings,
            traffic,
            head: &head,
            client: client.address,
            hint: (!bodiless).then(|| incoming.size_hint()),
        };
        if let Some((watched, copy)) = shadow.offer(offer) {
            record.watched = Some(watched);
            tee = copy;
        }
    }
    let upgrades = upgrade.is_some();
    if let Some(protocol) = upgrade {
        head.headers
            .insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        head.headers.insert(header::UPGRADE, protocol);
    }
    let limits = &plane.config.limits;
    let body = rest.take().filter(|_| !bodiless);
    Ok(Carried {
        head,
        body: body
            .map(|incoming| Upload::stream(incoming, limits.body_bytes, limits.body_timeout, tee)),
        upgrades,
        takes_interim: version == Version::HTTP_11,
    })
}

/// Makes of the incumbent's answer what the client gets.
fn hand_on(
    plane: &Plane,
    mut record: Box<Record>,
    mut response: Response<Received>,
    upgrades: bool,
) -> Result<Answered, Refused> {
    record.answered(response.status());
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return switch(upgrades, response, record);
    }
    if let Some(watched) = &mut record.watched {
        watched.answered(response.status(), response.headers());
    }
    headers::remove_hop_by_hop(response.headers_mut());
    if response.status() == StatusCode::NO_CONTENT {
        // There is nothing that it could be the length of (RFC 9110, section 8.6).
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    *response.version_mut() = Version::HTTP_11;
    let side = &plane.incumbent.config;
    let deadline = side
        .total_timeout
        .map(|total| (record.started + total).into());
    let written = response.body().written();
    Ok(Answered {
        response: response
            .map(|incoming| Download::stream(incoming, record, side.idle_timeout, deadline)),
        written,
        closes: false,
        server: None,
    })
}

/// Is it a request that may be carried on, and by which route?
fn route_of(
    plane: &Plane,
    parts: &request::Parts,
    body: &Incoming,
    record: &Record,
) -> Result<usize, Refusal> {
    let closing = |status, why| Err(Refusal::closing(status, why));
    if record.slot.is_none() {
        return Err(Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too many requests are under way",
        ));
    }
    if parts.method == Method::CONNECT {
        return closing(StatusCode::NOT_IMPLEMENTED, "CONNECT is not supported");
    }
    if parts.version == Version::HTTP_2 {
        headers::check_http2(&parts.uri, &parts.headers)
            .map_err(|why| Refusal::new(StatusCode::BAD_REQUEST, why))?;
    }
    let host = match (parts.uri.authority(), parts.headers.get(header::HOST)) {
        (Some(authority), _) => authority.as_str(),
        (None, Some(host)) => host.to_str().unwrap_or_default(),
        (None, None) => "",
    };
    if parts.headers.len() > plane.config.limits.headers {
        return closing(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "the request has too many header lines",
        );
    }
    if parts.version != Version::HTTP_10 && !headers::expects_only_continue(&parts.headers) {
        return closing(
            StatusCode::EXPECTATION_FAILED,
            "the only expectation that is supported is 100-continue",
        );
    }
    let limit = plane.config.limits.body_bytes;
    if body.size_hint().lower() > limit {
        return Err(Refusal::of_fault(Fault::TooLarge));
    }
    route::find(
        &plane.routes,
        |(route, _)| route,
        host,
        parts.uri.path(),
        &parts.method,
    )
    .ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, "no route covers this request"))
}

/// Makes of a request as a client sent it one as a server behind a proxy gets it.
fn prepare(parts: &mut request::Parts, client: &Client, via: bool) {
    headers::host_from_authority(&parts.uri, &mut parts.headers);
    headers::join_cookies(&mut parts.headers, parts.version);
    headers::remove_hop_by_hop(&mut parts.headers);
    headers::remove_misleading(&mut parts.headers, client.trusted);
    // The gateway itself says to continue, as soon as the body is read.
    parts.headers.remove(header::EXPECT);
    headers::add_forwarded(
        &mut parts.headers,
        &client.address_text,
        client.tls,
        client.trusted,
    );
    if via {
        headers::add_via(&mut parts.headers, parts.version);
    }
    parts.version = Version::HTTP_11;
}

/// Sends the request until it is answered or must not be sent again.
async fn send(
    worker: &Worker,
    plane: &Plane,
    client: &Client,
    record: &mut Record,
    carried: Carried,
    rest: &mut Option<Incoming>,
) -> Result<(Response<Received>, bool), Refusal> {
    let Carried { head, body, .. } = carried;
    let side = &plane.incumbent;
    worker.retries.earn(side.config.retry_budget);
    let repeatable = body.is_none() && head.method.is_idempotent();
    let interims = client.interims.as_ref().filter(|_| carried.takes_interim);
    let interim = |head: &wire::Head<'_>| {
        if let Some(interims) = interims {
            interims.push(head);
        }
    };
    let progress = body.as_ref().map(|(_, progress)| progress.clone());
    let mut body = body.map_or(Upload::Empty, |(upload, _)| upload);
    let mut reuse = match repeatable {
        true => Reuse::Any,
        false => Reuse::JustUsed,
    };
    loop {
        let mut lease = match side.lease(reuse).await {
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
            lease.send(&head, body, &interim),
        )
        .await;
        let error = match sent {
            Some(Ok(response)) => {
                lease.answered(response.status() != StatusCode::SERVICE_UNAVAILABLE);
                record.lease = Some(lease);
                return Ok((response, carried.upgrades));
            }
            Some(Err(error)) => Some(error),
            None => None,
        };
        if let Some(fault) = progress.as_ref().and_then(|progress| progress.fault.get()) {
            *rest = progress.and_then(|progress| progress.rest.take());
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
        let repeatable = repeatable && why == NoAnswer::Closed;
        let again = unsent.or(repeatable.then_some(Upload::Empty));
        let free = reused && reuse != Reuse::None;
        match again {
            Some(again) if record.retries + 1 < ATTEMPTS && (free || worker.retries.spend()) => {
                body = again;
                if reused {
                    reuse = Reuse::None;
                }
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
    upgrades: bool,
    response: Response<Received>,
    mut record: Box<Record>,
) -> Result<Answered, Refused> {
    let server = record.lease.take().and_then(Lease::into_stream);
    let Some(server) = server.filter(|_| upgrades) else {
        let refusal = Refusal::of(
            End::Closed,
            "the server changed the protocol without being asked",
        );
        return Err((record, refusal));
    };
    record.finish(End::Upgraded);
    let written = response.body().written();
    let mut response = response.map(|_| Download::Text(None));
    let protocol = response.headers_mut().remove(header::UPGRADE);
    headers::remove_hop_by_hop(response.headers_mut());
    if let Some(protocol) = protocol {
        response.headers_mut().insert(header::UPGRADE, protocol);
    }
    Ok(Answered {
        response,
        written,
        closes: false,
        server: Some(server),
    })
}

fn line(client: &Client, asking: &Asking) -> Line {
    let request = &asking.request;
    let host = request
        .headers()
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    let host = request
        .uri()
        .authority()
        .map(|authority| authority.as_str())
        .or(host);
    let target = match &asking.raw_target {
        Some(raw) => String::from_utf8_lossy(raw).into_owned(),
        None => request
            .uri()
            .path_and_query()
            .map_or("/", |target| target.as_str())
            .to_owned(),
    };
    Line {
        method: request.method().to_string(),
        host: host.unwrap_or_default().to_owned(),
        target,
        ..Line::begun(client.address, SystemTime::now())
    }
}
