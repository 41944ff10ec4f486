//! The threads that talk to the candidate.

use super::pulse::BEAT;
use super::{Breaker, Capture, Captured, Job, Pulse, Seen, Settings, TeeBody, Whole};
use crate::ledger::{Pair, Reason, Sample};
use crate::proxy::{Head, Lease, NoAnswer, NoLease, Received, Reuse, Side};
use bytes::Bytes;
use http::{Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::sync::mpsc;
use understudy_model::{Failure, FailureKind, plain_words};

/// How long an exchange with the candidate may take where nothing is said.
const DEADLINE: Duration = Duration::from_secs(10);
/// How much longer than the candidate the incumbent may take before the copy gives it up.
const GRACE: Duration = Duration::from_secs(5);
/// An answer of more bytes never ends.
const LONGEST_BODY: u64 = 256 << 20;
/// Nor does one that is so many bytes longer than twice the incumbent's, which is known to be whole.
const LONGER: u64 = 1 << 20;
/// How long exchanges under way may take once no more come.
const LAST: Duration = Duration::from_secs(3);
/// A thread this late has no CPU of its own to speak of; what took long then says nothing.
const LATE: Duration = Duration::from_millis(200);

/// The body of a copy.
pub(crate) enum CopyBody {
    Empty,
    Tee(TeeBody),
}

impl Body for CopyBody {
    type Data = Bytes;
    type Error = super::tee::CutShort;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut *self {
            CopyBody::Empty => Poll::Ready(None),
            CopyBody::Tee(tee) => Pin::new(tee).poll_frame(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            CopyBody::Empty => true,
            CopyBody::Tee(tee) => tee.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            CopyBody::Empty => SizeHint::with_exact(0),
            CopyBody::Tee(tee) => tee.size_hint(),
        }
    }
}

/// The sides as one configuration has them.
struct Sides {
    id: u64,
    candidate: Side<CopyBody>,
    second: Side<CopyBody>,
}

impl Sides {
    fn new(settings: &Settings, before: Option<&Sides>) -> Result<Sides, String> {
        let second = settings
            .candidate
            .second
            .as_ref()
            .unwrap_or(&settings.incumbent);
        Ok(Sides {
            id: settings.id,
            candidate: Side::new(
                &settings.candidate.side,
                &settings.servers,
                before.map(|of| &of.candidate),
            )?,
            second: Side::new(second, &settings.servers, before.map(|of| &of.second))?,
        })
    }
}

struct Thread {
    index: usize,
    sides: RefCell<Option<Rc<Sides>>>,
    breaker: Arc<Breaker>,
    pairs: SyncSender<Pair>,
    /// When this thread last ran much later than it wanted to.
    late: Cell<Option<Instant>>,
}

/// Carries copies until no more come and those under way are complete.
pub(crate) async fn run(
    index: usize,
    mut jobs: mpsc::Receiver<Job>,
    (breaker, pulse): (Arc<Breaker>, Arc<Pulse>),
    pairs: SyncSender<Pair>,
) {
    let thread = Rc::new(Thread {
        index,
        sides: RefCell::default(),
        breaker,
        pairs,
        late: Cell::new(None),
    });
    let mut look = tokio::time::interval(BEAT);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut under_way = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            job = jobs.recv() => match job {
                Some(job) => drop(under_way.spawn_local(carry(thread.clone(), job))),
                None => break,
            },
            Some(_) = under_way.join_next() => {}
            due = look.tick() => {
                let (now, late_by) = (Instant::now(), due.elapsed());
                pulse.beats(now, late_by);
                if late_by > LATE {
                    thread.late.set(Some(now));
                }
                // May a candidate that is left alone be asked again?
                thread.breaker.probe(now);
                if let Some(sides) = &*thread.sides.borrow() {
                    sides.candidate.sweep();
                    sides.second.sweep();
                }
            }
        }
    }
    let rest = async { while under_way.join_next().await.is_some() {} };
    // What is left then is dropped, and counted as such.
    let _ = tokio::time::timeout(LAST, rest).await;
}

impl Thread {
    fn sides(&self, settings: &Settings) -> Option<Rc<Sides>> {
        let mut known = self.sides.borrow_mut();
        if let Some(sides) = known.as_ref().filter(|sides| sides.id == settings.id) {
            return Some(sides.clone());
        }
        // What it needs was checked before it was handed out.
        let sides = Rc::new(Sides::new(settings, known.as_deref()).ok()?);
        *known = Some(sides.clone());
        Some(sides)
    }
}

impl Thread {
    /// Counts the exchange with the candidate, unless it was the copy that failed.
    fn note(&self, job: &Job, asked: &Asked) {
        if asked.cut.is_some() {
            return;
        }
        match &asked.candidate {
            Ok(_) => self.breaker.succeeded(),
            Err(_) => self.breaker.failed(Instant::now()),
        }
        let took = asked.candidate.is_ok().then_some(asked.took);
        job.traffic.shard(self.index).shown(took);
    }

    fn hand_over(&self, pair: Pair) {
        if let Err(TrySendError::Full(pair) | TrySendError::Disconnected(pair)) =
            self.pairs.try_send(pair)
        {
            pair.ticket.dropped(Reason::Comparison);
        }
    }

    /// Did the candidate run out of time while this thread had none?
    fn is_excused(&self, candidate: &Answered, started: Instant) -> bool {
        let timed_out = candidate.as_ref().is_err_and(|failure| {
            matches!(failure.kind, FailureKind::Timeout | FailureKind::Connect)
        });
        timed_out && self.late.get().is_some_and(|late| late >= started)
    }
}

type Answered = Result<Captured, Failure>;

/// What came of one copy.
struct Asked {
    candidate: Answered,
    /// What the candidate took.
    took: Duration,
    second: Option<Captured>,
    incumbent: Result<Box<Whole>, Reason>,
    /// Why the copy itself was aborted.
    cut: Option<Reason>,
}

async fn carry(thread: Rc<Thread>, mut job: Job) {
    let Some(sides) = thread.sides(&job.settings) else {
        return;
    };
    let deadline = sides.candidate.config.total_timeout.unwrap_or(DEADLINE);
    let has_body = job.body.is_some();
    let started = Instant::now();
    let mut asked = ask_all(&sides, &mut job, deadline).await;
    thread.note(&job, &asked);
    if let Ok(whole) = &mut asked.incumbent {
        let candidate = asked.cut.is_none().then_some(&asked.candidate);
        log_candidate(whole, candidate, asked.took);
    }
    let is_excused = thread.is_excused(&asked.candidate, started);
    let dropped = asked.cut.or_else(|| match &asked.incumbent {
        Err(reason) => Some(*reason),
        Ok(whole) => incomparable(whole, &asked.candidate, deadline),
    });
    let dropped = dropped.or(is_excused.then_some(Reason::Starved));
    let Job { ticket, head, .. } = job;
    match (asked.incumbent, dropped) {
        (Ok(whole), None) => {
            let (candidate, second) = (asked.candidate, asked.second);
            let sample = Sample { head, has_body };
            let incumbent = whole.captured;
            thread.hand_over(Pair {
                ticket,
                sample,
                incumbent,
                candidate,
                second,
            });
        }
        (Err(reason), _) | (Ok(_), Some(reason)) => ticket.dropped(reason),
    }
}

/// Asks the candidate, and the incumbent a second time if that is wanted, and waits for what the
/// client got.
async fn ask_all(sides: &Sides, job: &mut Job, deadline: Duration) -> Asked {
    let body = job.body.take();
    let aborted = body.as_ref().map(TeeBody::aborted);
    let mut marked = job.head.clone().marked();
    if job.unconditional {
        marked = marked.unconditional();
    }
    let again = (job.twice || job.unconditional).then(|| marked.clone());
    let longest = Cell::new(LONGEST_BODY);
    let bounds = (job.settings.candidate.capture_bytes, &longest);
    let (budget, seen) = (&job.budget, &mut job.seen);
    let started = Instant::now();
    let candidate = async {
        let head = marked.rewritten(&job.settings.candidate.rewrite);
        let body = body.map_or(CopyBody::Empty, CopyBody::Tee);
        // Waiting for a turn to connect is not the candidate's time.
        let sent = Cell::new(started);
        let times = (deadline, &sent);
        let asked = ask(&sides.candidate, (head, body), bounds, budget, times).await;
        (asked, sent.get().elapsed())
    };
    let second = async {
        let (copy, sent) = ((again?, CopyBody::Empty), Cell::new(started));
        let asked = ask(&sides.second, copy, bounds, budget, (deadline, &sent));
        asked.await.ok()?.ok()
    };
    let incumbent = async {
        match tokio::time::timeout(deadline + GRACE, seen).await {
            Ok(Ok(Seen::Whole(whole))) => {
                let twice = whole.captured.length.saturating_mul(2);
                longest.set(twice.saturating_add(LONGER));
                Ok(whole)
            }
            Ok(Ok(Seen::Lost(reason))) => Err(reason),
            Ok(Err(_)) => Err(Reason::Stopped),
            Err(_) => Err(Reason::TooSlow),
        }
    };
    let ((candidate, took), mut second, mut incumbent) = tokio::join!(candidate, second, incumbent);
    if let (true, Ok(whole)) = (job.unconditional, &mut incumbent)
        && whole.captured.code == StatusCode::NOT_MODIFIED
    {
        match second.take() {
            Some(unconditional) => whole.captured = unconditional,
            None => incumbent = Err(Reason::Incumbent),
        }
    }
    let cut = aborted.and_then(|aborted| aborted.reason());
    let (candidate, not_asked) = match candidate {
        Ok(answered) => (answered, None),
        Err(reason) => (
            Err(failure(FailureKind::Connect, reason.name())),
            Some(reason),
        ),
    };
    let cut = cut.or(not_asked);
    Asked {
        candidate,
        took,
        second,
        incumbent,
        cut,
    }
}

/// Why the two cannot be compared, though both are complete.
fn incomparable(whole: &Whole, candidate: &Answered, deadline: Duration) -> Option<Reason> {
    let candidate_spent = candidate
        .as_ref()
        .is_ok_and(|captured| captured.out_of_memory);
    if whole.captured.out_of_memory || candidate_spent {
        return Some(Reason::Memory);
    }
    match candidate {
        // What takes the incumbent longer than the deadline cannot be asked of the candidate within.
        Err(failure) if failure.kind == FailureKind::Timeout && whole.took >= deadline => {
            Some(Reason::TooSlow)
        }
        Err(failure)
            if failure.kind == FailureKind::TooLarge && whole.captured.length > LONGEST_BODY =>
        {
            Some(Reason::TooLong)
        }
        _ => None,
    }
}

/// Writes the line that waited for the candidate, if it was asked.
fn log_candidate(whole: &mut Whole, candidate: Option<&Answered>, took: Duration) {
    if let Some((log, mut line)) = whole.line.take() {
        line.candidate = candidate.map(|candidate| match candidate {
            Ok(captured) => captured.code.as_u16().to_string(),
            Err(failure) => failure.kind.to_string(),
        });
        let micros = u64::try_from(took.as_micros()).ok();
        line.candidate_us = micros.filter(|_| candidate.is_some());
        log.log(*line);
    }
}

/// Sends a copy and receives the answer; an error is why there was no connection for it, which is
/// not the server's failure.
async fn ask(
    side: &Side<CopyBody>,
    (head, body): (Head, CopyBody),
    bounds: (usize, &Cell<u64>),
    budget: &Arc<super::Budget>,
    (deadline, sent): (Duration, &Cell<Instant>),
) -> Result<Answered, Reason> {
    let repeatable = matches!(body, CopyBody::Empty);
    let reuse = match repeatable {
        true => Reuse::Any,
        false => Reuse::JustUsed,
    };
    let mut lease = match lease(side, reuse).await? {
        Ok(lease) => lease,
        Err(failure) => return Ok(Err(failure)),
    };
    sent.set(lease.started);
    let first = exchange(&mut lease, &head, body, bounds, budget);
    let answered = match tokio::time::timeout(deadline, first).await {
        Err(_) => Err(timeout()),
        // The server may have closed the connection just when it was used again.
        Ok(Err(Exchange::Unanswered(_))) if repeatable && lease.reused => {
            lease = match self::lease(side, Reuse::None).await? {
                Ok(lease) => lease,
                Err(failure) => return Ok(Err(failure)),
            };
            sent.set(lease.started);
            let again = exchange(&mut lease, &head, CopyBody::Empty, bounds, budget);
            let again = tokio::time::timeout(deadline, again).await;
            again.map_or_else(|_| Err(timeout()), |again| again.map_err(Exchange::failure))
        }
        Ok(answered) => answered.map_err(Exchange::failure),
    };
    if answered.is_ok() {
        lease.give_back(Instant::now());
    }
    Ok(answered)
}

/// A connection for a copy, or why the server cannot be reached.
async fn lease(
    side: &Side<CopyBody>,
    reuse: Reuse,
) -> Result<Result<Lease<CopyBody>, Failure>, Reason> {
    match side.lease_in_turn(reuse).await {
        Ok(lease) => Ok(Ok(lease)),
        Err(NoLease::Unreachable(error)) => {
            Ok(Err(failure(FailureKind::Connect, plain_words(&error))))
        }
        Err(NoLease::Behind) => Err(Reason::Behind),
        Err(NoLease::Exhausted) => Err(Reason::Exhausted),
    }
}

/// How an exchange on a connection failed.
enum Exchange {
    /// Before the head of an answer.
    Unanswered(NoAnswer),
    /// In the middle of the answer.
    Broken(Failure),
}

impl Exchange {
    fn failure(self) -> Failure {
        match self {
            Exchange::Unanswered(why) => unanswered(why),
            Exchange::Broken(failure) => failure,
        }
    }
}

async fn exchange(
    lease: &mut Lease<CopyBody>,
    head: &Head,
    body: CopyBody,
    bounds: (usize, &Cell<u64>),
    budget: &Arc<super::Budget>,
) -> Result<Captured, Exchange> {
    let sent = lease.send(head, body, &|_| {}).await;
    let response = sent.map_err(|error| Exchange::Unanswered(error.why))?;
    lease.answered(true);
    let received = receive(lease, response, bounds, budget).await;
    received.map_err(Exchange::Broken)
}

/// Receives a whole answer of which `limit` bytes are kept; it may have `longest` bytes.
async fn receive(
    lease: &mut Lease<CopyBody>,
    response: Response<Received>,
    (limit, longest): (usize, &Cell<u64>),
    budget: &Arc<super::Budget>,
) -> Answered {
    let (parts, mut body) = response.into_parts();
    let mut headers = parts.headers;
    crate::proxy::remove_hop_by_hop(&mut headers);
    let mut capture = Capture::new(parts.status, &headers, limit, budget);
    while let Some(frame) = std::future::poll_fn(|cx| lease.poll_frame(&mut body, cx)).await {
        capture.frame(&frame.map_err(unanswered)?);
        if capture.length() > longest.get() {
            return Err(failure(FailureKind::TooLarge, "the answer does not end"));
        }
    }
    Ok(capture.finish())
}

fn unanswered(why: NoAnswer) -> Failure {
    let kind = match why {
        NoAnswer::TooLarge => FailureKind::TooLarge,
        NoAnswer::Malformed(_) => FailureKind::Malformed,
        NoAnswer::Closed | NoAnswer::RequestCut => FailureKind::Closed,
    };
    failure(kind, why.as_text())
}

fn failure(kind: FailureKind, detail: impl Into<String>) -> Failure {
    Failure {
        kind,
        detail: detail.into(),
    }
}

fn timeout() -> Failure {
    failure(FailureKind::Timeout, "no whole answer within the deadline")
}
