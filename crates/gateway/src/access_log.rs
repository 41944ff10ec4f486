//! One line of JSON for each request, written by a thread that nobody waits for.

use crate::config::LogTo;
use serde::Serialize;
use std::fs::OpenOptions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;
use understudy_redact::Redactor;

/// Lines that may wait for the disk; more are lost, and counted.
const WAITING: usize = 8192;
/// How long a line may stay in memory.
const FLUSH: Duration = Duration::from_millis(500);

/// What one request was. Its target is redacted before it is written.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    /// Seconds since 1970.
    pub(crate) time: f64,
    pub(crate) client: String,
    pub(crate) method: String,
    pub(crate) host: String,
    pub(crate) target: String,
    pub(crate) route: String,
    pub(crate) status: u16,
    pub(crate) bytes: u64,
    pub(crate) end: &'static str,
    pub(crate) upstream: String,
    pub(crate) retries: u32,
    /// Until the head and until the last byte of the incumbent's answer.
    pub(crate) head_us: Option<u64>,
    pub(crate) total_us: u64,
    /// How the exchange with the candidate ended; unset if it was not shown the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) candidate: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) candidate_us: Option<u64>,
}

/// Where lines go.
#[derive(Clone)]
pub(crate) struct AccessLog {
    lines: SyncSender<Option<Line>>,
    lost: Arc<AtomicU64>,
}

impl AccessLog {
    /// Opens the log; files are readable for their owner only.
    pub(crate) fn open(
        to: &LogTo,
        redactor: Redactor,
    ) -> io::Result<(AccessLog, std::thread::JoinHandle<()>)> {
        let out: Box<dyn Write + Send> = match to {
            LogTo::Stdout => Box::new(io::stdout()),
            LogTo::File(path) => Box::new(
                OpenOptions::new()
                    .append(true)
                    .create(true)
                    .mode(0o600)
                    .open(path)?,
            ),
        };
        let (sender, receiver) = sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let count = lost.clone();
        let writer = std::thread::Builder::new()
            .name("access-log".into())
            .spawn(move || write(&receiver, BufWriter::new(out), &redactor, &count))?;
        Ok((
            AccessLog {
                lines: sender,
                lost,
            },
            writer,
        ))
    }

    pub(crate) fn tell(&self, line: Line) {
        if self.lines.try_send(Some(line)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Lets the writer end once it has written what came before.
    pub(crate) fn close(&self) {
        // A writer that has ended already needs no word.
        let _ = self.lines.send(None);
    }

    /// Lines that did not reach the log.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

fn write(
    lines: &Receiver<Option<Line>>,
    mut out: BufWriter<Box<dyn Write + Send>>,
    redactor: &Redactor,
    lost: &AtomicU64,
) {
    loop {
        let written = match lines.recv_timeout(FLUSH) {
            Ok(Some(line)) => line_of(line, redactor, &mut out),
            Err(RecvTimeoutError::Timeout) => out.flush(),
            Ok(None) | Err(RecvTimeoutError::Disconnected) => return drop(out.flush()),
        };
        // A full disk stops no traffic; what is missing is counted.
        if written.is_err() {
            lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn line_of(mut line: Line, redactor: &Redactor, out: &mut impl Write) -> io::Result<()> {
    line.target = redactor.redact_text(&line.target);
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
}
