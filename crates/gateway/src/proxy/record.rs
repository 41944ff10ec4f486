//! What is written down of one exchange, once, however it ends.

use super::answer::{Piece, Received};
use super::upload::Upload;
use super::upstream::Lease;
use crate::access_log::{AccessLog, Line};
use crate::ledger::Reason;
use crate::mirror::Watched;
use crate::traffic::{End, RouteTraffic};
use bytes::Bytes;
use http::StatusCode;
use http_body::Frame;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

/// The status that logs have for a client that left before its answer (as nginx does).
pub(super) const CLIENT_LEFT: u16 = 499;

/// One of the requests under way.
pub(crate) struct Slot(Arc<AtomicUsize>);

impl Slot {
    /// None if there are as many as may be.
    pub(crate) fn take(count: &Arc<AtomicUsize>, most: usize) -> Option<Slot> {
        let slot = Slot(count.clone());
        (count.fetch_add(1, Ordering::Relaxed) < most).then_some(slot)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// An exchange with a client. Dropped before its end, the client has left.
pub(crate) struct Record {
    pub(crate) started: Instant,
    pub(crate) thread: usize,
    pub(crate) route: Arc<RouteTraffic>,
    pub(crate) log: Option<(AccessLog, Box<Line>)>,
    pub(crate) lease: Option<Lease<Upload>>,
    pub(crate) watched: Option<Watched>,
    pub(crate) status: u16,
    pub(crate) retries: u32,
    pub(crate) bytes: u64,
    pub(crate) ended: bool,
    pub(crate) slot: Option<Slot>,
}

impl Record {
    /// The head of the answer is there.
    pub(crate) fn answered(&mut self, status: StatusCode) {
        self.status = status.as_u16();
        if let Some((_, line)) = &mut self.log {
            line.head_us = Some(micros(self.started));
        }
    }

    /// The next piece of the answer's body.
    pub(crate) fn poll_frame(&mut self, body: &mut Received, cx: &mut Context<'_>) -> Poll<Piece> {
        match &mut self.lease {
            Some(lease) => lease.poll_frame(body, cx),
            // The exchange is over: what there is left to take waits in the body.
            None => body.poll_alone(cx),
        }
    }

    pub(crate) fn passed(&mut self, frame: &Frame<Bytes>) {
        if let Some(data) = frame.data_ref() {
            self.bytes += data.len() as u64;
        }
        if let Some(watched) = &mut self.watched {
            watched.passed(frame);
        }
    }

    /// Writes down how it ended; what comes later changes nothing.
    pub(crate) fn finish(&mut self, end: End) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        self.slot = None;
        let now = Instant::now();
        match (end, self.lease.take()) {
            (End::Complete, Some(lease)) => lease.give_back(now),
            // The rest of the exchange is still on that connection, so it cannot be used again.
            (_, lease) => drop(lease),
        }
        let took = now.saturating_duration_since(self.started);
        {
            let mut traffic = self.route.shard(self.thread);
            traffic.ended(self.status, end, took, self.bytes);
            traffic.retries += u64::from(self.retries);
        }
        let line = self.log.take().map(|(log, mut line)| {
            line.status = self.status;
            line.bytes = self.bytes;
            line.end = end.name();
            line.retries = self.retries;
            line.total_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            (log, line)
        });
        match (self.watched.take(), end) {
            // The line goes with the copy: it is written when the candidate has answered as well.
            (Some(watched), End::Complete) => watched.complete(took, line),
            (watched, _) => {
                if let Some(watched) = watched {
                    watched.lost(match end {
                        End::ClientLeft => Reason::ClientLeft,
                        End::ClientBody => Reason::RequestCut,
                        _ => Reason::Incumbent,
                    });
                }
                if let Some((log, line)) = line {
                    log.log(*line);
                }
            }
        }
    }
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

impl Drop for Record {
    fn drop(&mut self) {
        if !self.ended {
            self.status = CLIENT_LEFT;
            self.finish(End::ClientLeft);
        }
    }
}
