use super::*;
use std::ffi::OsStr;
use std::time::{Duration, Instant};
use understudy_load::{DEFAULT_QUEUE, Rate, Recorder};
use understudy_model::Arrivals;
use understudy_model::{Class, Ending, Observation, Span};

fn plan() -> Plan {
    Plan {
        rate: Rate::PerSecond(1.0),
        arrivals: Arrivals::Constant,
        warmup: Span::default(),
        duration: Span::from_secs(1),
        connections: 1,
        threads: 1,
        cpus: None,
        timeout: Span::from_secs(1),
        seed: 1,
        queue: DEFAULT_QUEUE,
        apart: false,
    }
}

/// One a second: a row group has 31, and every exchange is handed over alone.
fn observation(second: u64) -> Observation {
    let at_ns = second * 1_000_000_001;
    Observation {
        case: 0,
        operation: 0,
        due_ns: at_ns,
        free_ns: at_ns,
        sent_ns: at_ns,
        first_ns: at_ns,
        last_ns: at_ns,
        ending: Ending::Answered,
        class: Class::Ok,
        code: 200,
        bytes: 1,
        hash: 0,
    }
}

#[test]
fn a_failed_run_keeps_what_it_measured_and_one_that_never_began_leaves_nothing() {
    let folder = std::env::temp_dir().join(format!("understudy-log-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("log.parquet");
    let (log, senders) = Log::start(&path, &plan()).unwrap();
    drop(senders);
    assert!(log.end().is_none());
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);

    let (log, mut senders) = Log::start(&path, &plan()).unwrap();
    (0..40).for_each(|second| senders[0].record(&observation(second)));
    drop(senders);
    let written = log.end().unwrap();
    assert_eq!((written.logged.rows, written.failure()), (40, None));
    assert!(path.exists());
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Names the file to the child of [`a_log_that_fails_is_reported_at_once_and_does_not_delay_the_engine`].
const FILE: &str = "UNDERSTUDY_TEST_LOG";

/// The system refuses to write beyond a size, in a process of its own: the limit is one of processes.
#[test]
fn a_log_that_fails_is_reported_at_once_and_does_not_delay_the_engine() {
    if let Some(path) = std::env::var_os(FILE) {
        return record_until_refused(&path);
    }
    let path = std::env::temp_dir().join(format!("understudy-full-{}", std::process::id()));
    let test = "commands::load::log::tests::a_log_that_fails_is_reported_at_once_and_does_not_delay_the_engine";
    let child = std::process::Command::new("sh")
        .args(["-c", "trap '' XFSZ; ulimit -f 24; exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(FILE, &path)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stderr);
    let _ = std::fs::remove_file(&path);
    assert!(child.status.success(), "{said}");
    assert_eq!(
        said.matches("the log ends here, and the run continues: cannot write")
            .count(),
        1
    );
}

fn record_until_refused(path: &OsStr) {
    let (log, mut senders) = Log::start(Path::new(path), &plan()).unwrap();
    let sender = &mut senders[0];
    let begun = Instant::now();
    let mut recorded = 0;
    while !log.storing.is_finished() {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "it never stopped"
        );
        sender.record(&observation(recorded));
        recorded += 1;
        std::thread::sleep(Duration::from_micros(20));
    }
    assert!(!sender.wants_rest());
    drop(senders);
    let written = log.finish();
    let report = written.report(recorded, Clock::since(begun));
    assert!(report.rows >= 31, "{} rows", report.rows);
    assert_eq!(report.missed, recorded - report.rows);
    assert!(
        written
            .failure()
            .unwrap()
            .contains("the file would be too large")
    );
}
