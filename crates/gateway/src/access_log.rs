//! One line of JSON for each request, written by a thread that no request waits for.

use crate::config::LogTo;
use serde::Serialize;
use std::borrow::Cow;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::net::IpAddr;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant, SystemTime};
use understudy_model::plain_words;
use understudy_redact::Redactor;

/// Lines that may wait for the disk; more are lost, and counted.
const WAITING: usize = 8192;
/// How long a line may stay in memory where the file takes it.
const FLUSH: Duration = Duration::from_millis(500);
/// Bytes that are written at once.
const PIECE: usize = 64 * 1024;
/// Bytes that wait for a file that takes none, a full disk for example; lines behind them are lost.
const MOST: usize = 1 << 20;

/// What one request was. Its target is redacted before it is written.
#[derive(Debug, Default, Serialize)]
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
    /// What was said to the client of a request that was refused or failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) why: Option<Cow<'static, str>>,
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

impl Line {
    /// A request of this client that began then; the rest is not known yet.
    pub(crate) fn begun(client: IpAddr, at: SystemTime) -> Line {
        Line {
            time: at
                .duration_since(SystemTime::UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs_f64(),
            client: client.to_string(),
            ..Line::default()
        }
    }
}

/// What the writer gets.
enum Word {
    Line(Box<Line>),
    Reopen,
    Close,
}

/// Where lines go.
#[derive(Clone)]
pub(crate) struct AccessLog {
    words: SyncSender<Word>,
    lost: Arc<AtomicU64>,
}

impl AccessLog {
    /// Opens the log; files are readable for their owner only.
    ///
    /// # Errors
    /// One line: it cannot be opened.
    pub(crate) fn open(
        to: &LogTo,
        redactor: Redactor,
        report: fn(&str),
    ) -> Result<(AccessLog, std::thread::JoinHandle<()>), String> {
        let (sender, receiver) = sync_channel(WAITING);
        let lost = Arc::new(AtomicU64::new(0));
        let mut writer = Writer::new(out(to)?, lost.clone(), report);
        let to = to.clone();
        let written = std::thread::Builder::new()
            .name("access-log".into())
            .spawn(move || write(&receiver, &mut writer, &to, &redactor));
        let log = AccessLog {
            words: sender,
            lost,
        };
        Ok((
            log,
            written.map_err(|error| format!("the access log: {}", plain_words(&error)))?,
        ))
    }

    pub(crate) fn log(&self, line: Line) {
        if self.words.try_send(Word::Line(Box::new(line))).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Continues in a new file if the log was moved away.
    pub(crate) fn reopen(&self) {
        // A writer that has ended has no file.
        let _ = self.words.send(Word::Reopen);
    }

    /// Lets the writer end once it has written what came before.
    pub(crate) fn close(&self) {
        // A writer that has ended already needs no word.
        let _ = self.words.send(Word::Close);
    }

    /// Lines that did not reach the log.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

type Out = Box<dyn Write + Send>;

fn out(to: &LogTo) -> Result<Out, String> {
    match to {
        LogTo::Stdout => Ok(Box::new(io::stdout())),
        LogTo::File(path) => match open(path) {
            Ok(file) => Ok(Box::new(file)),
            Err(error) => Err(format!(
                "cannot write the access log {}: {}",
                path.display(),
                plain_words(&error)
            )),
        },
    }
}

fn open(path: &Path) -> io::Result<File> {
    let mut file = OpenOptions::new()
        .append(true)
        .read(true)
        .create(true)
        .mode(0o600)
        .open(path)?;
    let known = file.metadata()?;
    let mut last = [b'\n'];
    if known.is_file() && known.len() > 0 {
        file.read_exact_at(&mut last, known.len() - 1)?;
    }
    // A full disk or a power cut has left half a line: the next one is not to be spoilt by it.
    if last != *b"\n" {
        file.write_all(b"\n")?;
    }
    Ok(file)
}

fn write(words: &Receiver<Word>, writer: &mut Writer<Out>, to: &LogTo, redactor: &Redactor) {
    loop {
        match words.recv_timeout(FLUSH) {
            Ok(Word::Line(line)) => writer.add(*line, redactor),
            Ok(Word::Reopen) => match out(to) {
                Ok(out) => writer.change(out),
                Err(why) => {
                    (writer.report)(&format!("{why}; the gateway continues in the old file"))
                }
            },
            Err(RecvTimeoutError::Timeout) => writer.write(),
            Ok(Word::Close) | Err(RecvTimeoutError::Disconnected) => return writer.end(),
        }
    }
}

/// Writes whole lines, and continues with the rest of one where a full disk has cut it.
struct Writer<W> {
    out: W,
    /// Lines that were not written, the first of them perhaps in part.
    waiting: Vec<u8>,
    is_cut: bool,
    written: Instant,
    failed: bool,
    lost: Arc<AtomicU64>,
    report: fn(&str),
}

impl<W: Write> Writer<W> {
    fn new(out: W, lost: Arc<AtomicU64>, report: fn(&str)) -> Writer<W> {
        Writer {
            out,
            waiting: Vec::new(),
            is_cut: false,
            written: Instant::now(),
            failed: false,
            lost,
            report,
        }
    }

    fn add(&mut self, mut line: Line, redactor: &Redactor) {
        line.target = redactor.redact_text(&line.target);
        let before = self.waiting.len();
        if before >= MOST || serde_json::to_writer(&mut self.waiting, &line).is_err() {
            self.waiting.truncate(before);
            self.lose(1);
        } else {
            self.waiting.push(b'\n');
        }
        let is_due = self.written.elapsed() >= FLUSH;
        if is_due || (self.waiting.len() >= PIECE && !self.failed) {
            self.write();
        }
    }

    fn write(&mut self) {
        self.written = Instant::now();
        let mut done = 0;
        let error = loop {
            if done == self.waiting.len() {
                break self.out.flush().err();
            }
            match self.out.write(&self.waiting[done..]) {
                Ok(0) => break Some(ErrorKind::WriteZero.into()),
                Ok(more) => done += more,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => break Some(error),
            }
        };
        if done > 0 {
            self.is_cut = self.waiting[done - 1] != b'\n';
            self.waiting.drain(..done);
        }
        match error {
            Some(ref error) if !self.failed => (self.report)(&format!(
                "cannot write the access log: {}; the gateway tries again, and loses the lines that do not fit into memory",
                plain_words(error)
            )),
            None if self.failed => (self.report)(&format!(
                "the access log is written again; {} lines were lost since the start",
                self.lost.load(Ordering::Relaxed)
            )),
            _ => {}
        }
        self.failed = error.is_some();
    }

    /// What waits goes to the old file as far as it takes it. A line is never in two files.
    fn change(&mut self, out: W) {
        self.write();
        if self.is_cut {
            let end = self.waiting.iter().position(|byte| *byte == b'\n');
            self.waiting
                .drain(..end.map_or(self.waiting.len(), |end| end + 1));
            self.is_cut = false;
            self.lose(1);
        }
        self.out = out;
        self.write();
    }

    fn end(&mut self) {
        self.write();
        let left = self.waiting.iter().filter(|byte| **byte == b'\n');
        self.lose(left.count() as u64);
    }

    fn lose(&self, lines: u64) {
        self.lost.fetch_add(lines, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    /// A disk with room for so many bytes.
    #[derive(Clone, Default)]
    struct Disk {
        bytes: Arc<Mutex<Vec<u8>>>,
        room: Arc<AtomicU64>,
    }

    impl Disk {
        fn with(room: u64) -> Disk {
            let disk = Disk::default();
            disk.room.store(room, Ordering::Relaxed);
            disk
        }

        fn targets(&self) -> Vec<String> {
            let text = String::from_utf8(self.bytes.lock().unwrap().clone()).unwrap();
            let line = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
            let target = |line| line_target(&line);
            text.lines().map(line).map(target).collect()
        }
    }

    fn line_target(line: &serde_json::Value) -> String {
        line["target"].as_str().unwrap().to_owned()
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let room = self.room.load(Ordering::Relaxed);
            let taken = bytes.len().min(room as usize);
            if taken == 0 {
                return Err(ErrorKind::StorageFull.into());
            }
            self.room.fetch_sub(taken as u64, Ordering::Relaxed);
            self.bytes
                .lock()
                .unwrap()
                .extend_from_slice(&bytes[..taken]);
            Ok(taken)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn writer(disk: &Disk, report: fn(&str)) -> (Writer<Disk>, Arc<AtomicU64>) {
        let lost = Arc::<AtomicU64>::default();
        (Writer::new(disk.clone(), lost.clone(), report), lost)
    }

    fn add(writer: &mut Writer<Disk>, target: impl ToString) {
        let target = target.to_string();
        writer.add(
            Line {
                target,
                ..Line::default()
            },
            &Redactor::new([7; 16]),
        );
    }

    #[test]
    fn a_disk_that_is_full_for_a_while_cuts_no_line_and_loses_none_that_found_room() {
        static REPORTED: Mutex<Vec<String>> = Mutex::new(Vec::new());
        let disk = Disk::with(1000);
        let (mut writer, lost) =
            writer(&disk, |line| REPORTED.lock().unwrap().push(line.to_owned()));
        for n in 0..100 {
            add(&mut writer, n);
        }
        writer.write();
        writer.write();
        assert_eq!(REPORTED.lock().unwrap().len(), 1, "it is reported once");
        disk.room.store(u64::MAX, Ordering::Relaxed);
        add(&mut writer, 100);
        writer.write();
        assert!(
            REPORTED.lock().unwrap()[1]
                .ends_with("written again; 0 lines were lost since the start")
        );
        let all: Vec<String> = (0..=100).map(|n| n.to_string()).collect();
        assert_eq!((disk.targets(), lost.load(Ordering::Relaxed)), (all, 0));
    }

    #[test]
    fn what_finds_no_room_is_counted_and_every_line_is_written_or_lost() {
        let disk = Disk::with(1000);
        let (mut writer, lost) = writer(&disk, |_| ());
        let many = 20_000;
        for n in 0..many {
            add(&mut writer, n);
        }
        assert!(
            writer.waiting.len() < MOST + 1000,
            "{}",
            writer.waiting.len()
        );
        let missing = lost.load(Ordering::Relaxed);
        assert!(missing > 0);
        disk.room.store(u64::MAX, Ordering::Relaxed);
        writer.write();
        assert_eq!(disk.targets().len() as u64 + missing, many);

        disk.room.store(0, Ordering::Relaxed);
        add(&mut writer, "late");
        writer.end();
        assert_eq!(
            lost.load(Ordering::Relaxed),
            missing + 1,
            "what is left at the end"
        );
    }

    #[test]
    fn a_line_that_was_cut_does_not_continue_in_another_file() {
        let (old, new) = (Disk::with(10), Disk::with(u64::MAX));
        let (mut writer, lost) = writer(&old, |_| ());
        (0..3).for_each(|n| add(&mut writer, n));
        writer.change(new.clone());
        assert_eq!(
            (new.targets(), lost.load(Ordering::Relaxed)),
            (vec!["1".into(), "2".into()], 1)
        );
    }

    #[test]
    fn half_a_line_that_a_kill_left_spoils_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("access.jsonl");
        for (found, kept) in [
            ("", "a\n"),
            ("x\n", "x\na\n"),
            ("x\n{\"ti", "x\n{\"ti\na\n"),
        ] {
            std::fs::write(&path, found).unwrap();
            open(&path).unwrap().write_all(b"a\n").unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), kept);
        }
    }
}
