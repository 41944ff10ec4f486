//! A request's body on its way to two servers: the copy is bounded and never waited for.

use super::budget::{Budget, Credit};
use crate::ledger::Reason;
use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Bytes of one request's body that may wait for the candidate.
pub(crate) const WAITING_BYTES: usize = 256 * 1024;
/// Pieces up to this size are copied, so that they do not keep a whole read buffer alive. What a
/// longer piece keeps alive is at most four times its length.
const COPIED_BYTES: usize = 16 * 1024;

enum Piece {
    Data(Bytes, Credit),
    Trailers(HeaderMap),
    End,
}

/// What both ends know.
struct Shared {
    waiting: AtomicUsize,
    /// Why the copy ended before its end.
    aborted: OnceLock<Reason>,
}

/// The client's side of the copy. Dropped before [`Tee::end`], the copy is aborted: the candidate
/// never sees a false end of the body.
pub(crate) struct Tee {
    pieces: Option<mpsc::UnboundedSender<Piece>>,
    shared: Arc<Shared>,
    budget: Arc<Budget>,
}

/// The candidate's side of the copy.
pub(crate) struct TeeBody {
    pieces: mpsc::UnboundedReceiver<Piece>,
    shared: Arc<Shared>,
    hint: SizeHint,
    ended: bool,
}

/// The two sides of a copy of a body of about this size.
pub(crate) fn tee(budget: &Arc<Budget>, hint: SizeHint) -> (Tee, TeeBody) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let shared = Arc::new(Shared {
        waiting: AtomicUsize::new(0),
        aborted: OnceLock::new(),
    });
    let tee = Tee {
        pieces: Some(sender),
        shared: shared.clone(),
        budget: budget.clone(),
    };
    (
        tee,
        TeeBody {
            pieces: receiver,
            shared,
            hint,
            ended: false,
        },
    )
}

impl Tee {
    /// Adds a piece, unless too many wait already: then the copy is aborted.
    pub(crate) fn data(&mut self, data: &Bytes) {
        let Some(pieces) = &self.pieces else { return };
        let waiting = self.shared.waiting.fetch_add(data.len(), Ordering::Relaxed);
        let mut credit = self.budget.open();
        if waiting + data.len() > WAITING_BYTES {
            return self.abort(Reason::BodyTooFast);
        }
        if !credit.grow(data.len()) {
            return self.abort(Reason::Memory);
        }
        let copy = match data.len() <= COPIED_BYTES {
            true => Bytes::copy_from_slice(data),
            false => data.clone(),
        };
        // A receiver that is gone has said why; the rest of the body is of no interest.
        if pieces.send(Piece::Data(copy, credit)).is_err() {
            self.pieces = None;
        }
    }

    pub(crate) fn trailers(&mut self, trailers: &HeaderMap) {
        if let Some(pieces) = &self.pieces {
            let _ = pieces.send(Piece::Trailers(trailers.clone()));
        }
    }

    /// The body is complete.
    pub(crate) fn end(&mut self) {
        if let Some(pieces) = self.pieces.take() {
            let _ = pieces.send(Piece::End);
        }
    }

    /// The copy ends here, incomplete.
    pub(crate) fn abort(&mut self, reason: Reason) {
        if self.pieces.take().is_some() {
            let _ = self.shared.aborted.set(reason);
        }
    }
}

impl Drop for Tee {
    fn drop(&mut self) {
        self.abort(Reason::RequestCut);
    }
}

/// Asks, once the body has been handed over, why a copy was aborted.
#[derive(Clone)]
pub(crate) struct Aborted(Arc<Shared>);

impl Aborted {
    pub(crate) fn reason(&self) -> Option<Reason> {
        self.0.aborted.get().copied()
    }
}

impl TeeBody {
    pub(crate) fn aborted(&self) -> Aborted {
        Aborted(self.shared.clone())
    }
}

/// The copy ended before the body did.
#[derive(Debug, thiserror::Error)]
#[error("the copy of the request's body was cut short")]
pub(crate) struct CutShort;

impl Body for TeeBody {
    type Data = Bytes;
    type Error = CutShort;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, CutShort>>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let piece = std::task::ready!(self.pieces.poll_recv(cx));
        Poll::Ready(match piece {
            // What was waiting when the copy was cut is worth nothing.
            _ if self.shared.aborted.get().is_some() => Some(Err(CutShort)),
            Some(Piece::Data(data, _credit)) => {
                self.shared.waiting.fetch_sub(data.len(), Ordering::Relaxed);
                Some(Ok(Frame::data(data)))
            }
            Some(Piece::Trailers(trailers)) => Some(Ok(Frame::trailers(trailers))),
            Some(Piece::End) => {
                self.ended = true;
                None
            }
            None => Some(Err(CutShort)),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.ended
    }

    fn size_hint(&self) -> SizeHint {
        self.hint
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    async fn received(mut body: TeeBody) -> Result<Vec<u8>, CutShort> {
        let mut all = Vec::new();
        while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await
        {
            if let Ok(data) = frame?.into_data() {
                all.extend_from_slice(&data);
            }
        }
        Ok(all)
    }

    fn block_on<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(future)
    }

    #[test]
    fn a_candidate_that_never_reads_costs_no_more_than_its_share() {
        let budget = Budget::new(64 << 20);
        let (mut tee, body) = tee(&budget, SizeHint::default());
        for _ in 0..1000 {
            tee.data(&Bytes::from(vec![7; 10_000]));
            assert!(budget.used() <= WAITING_BYTES);
        }
        assert_eq!(body.aborted().reason(), Some(Reason::BodyTooFast));
        tee.end();
        assert!(
            block_on(received(body)).is_err(),
            "no false end of the body"
        );
        drop(tee);
        assert_eq!(budget.used(), 0);
    }

    #[test]
    fn a_client_that_goes_away_ends_no_body() {
        let budget = Budget::new(1 << 20);
        let (mut tee, body) = tee(&budget, SizeHint::default());
        tee.data(&Bytes::from_static(b"half"));
        drop(tee);
        assert_eq!(body.aborted().reason(), Some(Reason::RequestCut));
        assert!(block_on(received(body)).is_err());
    }

    proptest! {
        #[test]
        fn what_is_received_is_what_was_sent_or_an_error(pieces in proptest::collection::vec(0usize..100_000, 0..12), limit in 0usize..400_000) {
            let budget = Budget::new(limit);
            let (mut tee, body) = tee(&budget, SizeHint::default());
            let mut sent = Vec::new();
            for (index, length) in pieces.iter().enumerate() {
                let piece = vec![index as u8; *length];
                tee.data(&Bytes::from(piece.clone()));
                sent.extend(piece);
            }
            tee.end();
            let aborted = body.aborted();
            match block_on(received(body)) {
                Ok(all) => prop_assert_eq!(all, sent),
                Err(CutShort) => prop_assert!(aborted.reason().is_some()),
            }
            drop(tee);
            prop_assert_eq!(budget.used(), 0);
        }
    }
}
