//! Real programs under a real launcher.

use crate::support::{Side, cgroups, eventually, example, living, setup, text};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use understudy_model::{ByteSize, Outcome};
use understudy_probe::Cgroups;
use understudy_subject::{Asker, Runner};
use understudy_subject_command::*;

const MB: u64 = 1 << 20;

#[test]
fn codes_and_signals_are_endings_of_their_own() {
    let mut side = Side::new('a');
    assert_eq!(side.run(&["true"]).ending, Ending::Exit(0));
    assert_eq!(side.sh("exit 77").ending, Ending::Exit(77));
    assert_eq!(side.sh("kill -SEGV $$").ending, Ending::Signal(11));
    // A shell's word for a signal of its child is a code.
    assert_eq!(
        side.sh("sh -c 'kill -9 $$'; exit $?").ending,
        Ending::Exit(137)
    );
    // An uncaught write to a closed pipe: the launcher's own mask of signals is not passed on.
    assert_eq!(side.sh("kill -PIPE $$").ending, Ending::Signal(13));
}

#[test]
fn what_cannot_be_started_has_a_reason_in_plain_words() {
    let mut side = Side::new('a');
    fs::write(side.folder.path().join("text"), "no program").unwrap();
    fs::write(side.folder.path().join("script"), "#!/none/shell\n").unwrap();
    let mode = |name: &str, mode: &str| {
        let path = side.folder.path().join(name);
        assert!(
            Command::new("chmod")
                .arg(mode)
                .arg(path)
                .status()
                .unwrap()
                .success()
        );
    };
    mode("text", "644");
    mode("script", "755");
    let mut why = |program: &str| match side.run(&[program]).ending {
        Ending::NotStarted(why) => why.to_string(),
        other => format!("{other:?}"),
    };
    assert!(why("./gone").starts_with("`./gone` does not exist\nhint: "));
    assert!(why("./text").starts_with("`./text` may not be executed\nhint: "));
    // The script exists, the program that it names does not.
    assert!(why("./script").contains("what a script names after `#!` has to exist"));
    let (mut order, _places) = side.order(&["true"], &Case::default(), 1);
    fs::remove_dir(order.places[0].join("work")).unwrap();
    let ran = side.launcher.run(&order, &AtomicBool::new(false)).unwrap();
    assert!(matches!(
        &ran[0].ending,
        Ending::NotStarted(Refusal::NoDirectory { dir }) if dir.ends_with("/a/run/work")
    ));
    assert_eq!(ran[0].figures, Figures::default());
    // The launcher continues, and asking for nothing is refused before it is asked.
    assert_eq!(side.run(&["true"]).ending, Ending::Exit(0));
    order.places.clear();
    let refused = side.launcher.run(&order, &AtomicBool::new(false));
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .contains("1 to 256 runs, not 0")
    );
    order.places.push(OsStr::from_bytes(b"/\xff").into());
    let refused = side.launcher.run(&order, &AtomicBool::new(false));
    assert!(
        refused
            .unwrap_err()
            .to_string()
            .ends_with("is not UTF-8 text")
    );
    // No limit is the largest number.
    side.limits.captured_bytes = u64::MAX;
    assert_eq!(side.run(&["true"]).ending, Ending::Exit(0));
}

#[test]
fn standard_files_are_what_the_run_read_and_wrote() {
    let mut side = Side::new('a');
    let case = Case {
        stdin: Some(Input::Text(b"b\nc\na\n".to_vec())),
        ..Case::default()
    };
    let (ran, changes) = side.runs(&["sort"], &case, 1).remove(0);
    assert_eq!(text(&ran.stdout), "a\nb\nc\n");
    assert_eq!((ran.stdout.size, ran.stdout.truncated), (6, false));
    assert_eq!((ran.stderr.size, ran.left_behind.len()), (0, 0));
    assert!(changes.is_empty(), "{changes:?}");
    let read = ran.figures.read_bytes.unwrap();
    assert!(
        read >= 6 && ran.figures.written_bytes == Some(6),
        "{:?}",
        ran.figures
    );
    // Without standard input there is an empty one.
    let ran = side.sh("cat; echo out; echo err >&2; test ! -t 0 && test ! -t 1");
    assert_eq!(
        (text(&ran.stdout), text(&ran.stderr)),
        ("out\n".into(), "err\n".into())
    );
    assert_eq!(ran.ending, Ending::Exit(0));
}

#[test]
fn the_surroundings_of_a_run_are_exact() {
    let mut side = Side::new('b');
    let case = Case {
        env: [("MINE".to_owned(), "1".to_owned())].into(),
        ..Case::default()
    };
    let (ran, _) = side.runs(&["env"], &case, 1).remove(0);
    let place = side.workdir.in_use();
    let place = place.display();
    let expected = format!(
        "HOME={place}/home\nLC_ALL=C\nMINE=1\nPATH={DEFAULT_PATH}\nTMPDIR={place}/tmp\nTZ=UTC\n"
    );
    assert_eq!(text(&ran.stdout), expected);
    // `ls` itself opens 3.
    let ran = side.sh("umask; pwd; echo $(ls /proc/self/fd); touch $TMPDIR/x && touch ~/x");
    let expected = format!("0022\n{place}/work\n0 1 2 3\n");
    assert_eq!(text(&ran.stdout), expected);
    assert_eq!(ran.ending, Ending::Exit(0));
    side.cpus = Some(vec![0]);
    assert_eq!(text(&side.run(&["nproc"]).stdout), "1\n");
    // A process group of its own, in the session of the launcher.
    let ran = side.sh("cut -d' ' -f1,5,6 /proc/$$/stat");
    let ids: Vec<u32> = text(&ran.stdout)
        .split_whitespace()
        .map(|n| n.parse().unwrap())
        .collect();
    assert_eq!(ids[0], ids[1]);
    assert_ne!(ids[0], ids[2]);
}

#[test]
fn the_memory_of_who_starts_a_run_is_not_in_its_figures() {
    let mut ballast = vec![0u8; 300 << 20];
    ballast.iter_mut().step_by(4096).for_each(|byte| *byte = 1);
    let mut side = Side::new('a');
    let ran = side.run(&["true"]);
    assert!(ran.figures.peak_rss_bytes < 15 * MB, "{:?}", ran.figures);
    assert!(
        side.launcher.floor().peak_rss_bytes < 8 * MB,
        "{:?}",
        side.launcher.floor()
    );
    // The kernel counts pages for each CPU apart and adds them up in batches.
    let floor = side.launcher.floor().peak_rss_bytes;
    assert!(ran.figures.peak_rss_bytes + MB >= floor, "{floor}");
    assert_eq!(ballast[4096], 1);
}

/// A program that fills this many MB of memory.
fn filling(mb: usize) -> String {
    // dd's buffer is one block of this size, and it fills it once.
    format!("dd if=/dev/zero of=/dev/null bs={mb}M count=1 2>/dev/null")
}

#[test]
fn a_fifth_more_memory_is_seen_also_after_a_larger_run() {
    let mut side = Side::new('a');
    let mut peak = |mb: usize| side.sh(&filling(mb)).figures.peak_rss_bytes as f64;
    let (large, small, more) = (peak(200), peak(50), peak(60));
    assert!(large > 190.0 * MB as f64, "{large}");
    let ratio = more / small;
    assert!((1.12..1.25).contains(&ratio), "{small} {more}");
}

#[test]
fn time_is_that_of_the_program() {
    let mut side = Side::new('a');
    let ran = side.run(&["sleep", "0.05"]);
    let wall = Duration::from_nanos(ran.figures.wall_ns);
    assert!(wall >= Duration::from_millis(50), "{wall:?}");
    assert!(wall < Duration::from_secs(5), "{wall:?}");
    assert!(
        ran.figures.user_us + ran.figures.system_us < 50_000,
        "{:?}",
        ran.figures
    );
    assert!(ran.figures.voluntary_switches > 0);
    let busy = side.sh("i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done");
    let cpu = busy.figures.user_us + busy.figures.system_us;
    assert!(cpu > 20_000, "{:?}", busy.figures);
    // Its CPU time is its own again: nothing is carried over from the run before.
    let idle = side.run(&["true"]).figures;
    assert!(idle.user_us + idle.system_us < cpu / 2, "{idle:?}");
}

#[test]
fn each_run_of_a_batch_has_figures_and_files_of_its_own() {
    let mut side = Side::new('a');
    let case = Case {
        files: [("n".into(), Input::Text(b"0".to_vec()))].into(),
        ..Case::default()
    };
    let script = "read n < n; n=$((n+1)); echo $n > n; echo $$; pwd >&2";
    let runs = side.runs(&["sh", "-c", script], &case, 20);
    let mut pids: Vec<String> = runs.iter().map(|(ran, _)| text(&ran.stdout)).collect();
    pids.sort();
    pids.dedup();
    assert_eq!(pids.len(), 20);
    for (ran, changes) in &runs {
        assert_eq!(ran.ending, Ending::Exit(0));
        assert!(ran.figures.wall_ns > 0 && ran.figures.launch_ns > 0);
        // Each began with the input of the case, in the same directory.
        assert_eq!(changes.changed.len(), 1, "{changes:?}");
        assert!(matches!(
            &changes.changed[0].1.kind,
            Kind::File { content: Some(content), .. } if content == b"1\n"
        ));
        assert_eq!(ran.stderr, runs[0].0.stderr);
    }
}

#[test]
fn a_run_that_ignores_sigterm_is_ended_with_its_children() {
    let mut side = Side::new('a');
    side.timeout = Duration::from_millis(300);
    let started = Instant::now();
    let ran = side.sh("trap '' TERM; sleep 97.1234 & echo begun; while :; do sleep 97.1234; done");
    assert_eq!(ran.ending, Ending::TimedOut);
    assert_eq!(text(&ran.stdout), "begun\n");
    assert!(ran.figures.wall_ns >= 300_000_000);
    assert!(started.elapsed() < Duration::from_secs(20));
    assert!(living("97.1234").is_empty());
}

#[test]
fn output_without_end_is_stopped_and_marked() {
    let mut side = Side::new('a');
    side.limits.captured_bytes = 100_000;
    let ran = side.run(&["yes"]);
    assert_eq!(ran.ending, Ending::TooLarge);
    assert_eq!(
        (ran.stdout.bytes.len(), ran.stdout.truncated),
        (100_000, true)
    );
    assert!(ran.stdout.size > 100_000);
    let ran = side.sh("head -c 200000 /dev/zero >&2");
    // It may have ended before it was looked at.
    assert!(matches!(ran.ending, Ending::Exit(0) | Ending::TooLarge));
    assert!(ran.stderr.truncated && !ran.stdout.truncated);
    side.limits.file_bytes = 1 << 20;
    let ran = side.run(&["sh", "-c", "exec cat /dev/zero > endless"]);
    assert_eq!(ran.ending, Ending::Signal(25), "SIGXFSZ");
}

#[test]
fn what_outlives_its_run_is_found_and_killed() {
    let mut side = Side::new('a');
    let ran = side.sh("setsid sh -c 'sleep 98.1234; :' & echo done");
    assert_eq!(
        (ran.ending, text(&ran.stdout)),
        (Ending::Exit(0), "done\n".into())
    );
    assert!(!ran.left_behind.is_empty(), "{:?}", ran.left_behind);
    assert!(living("98.1234").is_empty());
    // One that ended by itself, but was not waited for, is not left.
    let ran = side.sh("(sh -c 'exit 0' &) ; sleep 0.3");
    assert_eq!((ran.ending, ran.left_behind), (Ending::Exit(0), Vec::new()));
}

#[test]
fn an_interrupt_stops_what_runs_also_what_left_its_session() {
    let mut side = Side::with('a', &Cgroups::none("not for this test"), |_| {});
    let stop = Arc::new(AtomicBool::new(false));
    let script = "setsid sleep 99.1234 & sleep 99.1234";
    let (order, _places) = side.order(&["sh", "-c", script], &Case::default(), 1);
    let interrupt = Arc::clone(&stop);
    let later = std::thread::spawn(move || {
        eventually("both run", || living("sleep\x0099.1234").len() == 2);
        interrupt.store(true, Ordering::Relaxed);
    });
    let ended = side.launcher.run(&order, &stop);
    later.join().unwrap();
    assert!(matches!(ended, Err(LauncherError::Interrupted)));
    assert!(living("99.1234").is_empty());
    let after = side.launcher.run(&order, &AtomicBool::new(false));
    assert!(after.unwrap_err().to_string().contains("does not answer"));
}

#[test]
fn nothing_is_left_when_understudy_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let mut understudy = Command::new(example("run_command"))
        .arg(example("command_launcher"))
        .arg(folder.path())
        .args(["1", "sh", "-c", "setsid sleep 96.1234 & sleep 96.1234"])
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    // The run, and a process of it in a session of its own.
    eventually("both run", || living("sleep\x0096.1234").len() >= 2);
    understudy.kill().unwrap();
    understudy.wait().unwrap();
    eventually("all have ended", || living("96.1234").is_empty());
    let launcher = example("command_launcher").display().to_string();
    eventually("the launcher has ended", || {
        let pids = living(&launcher);
        let here = |pid: &u32| {
            let dir = fs::read_link(format!("/proc/{pid}/cwd")).ok();
            dir.is_some_and(|dir| dir.starts_with(folder.path()))
        };
        !pids.iter().any(here)
    });
}

#[test]
fn a_launcher_that_is_none_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let mut setup = setup(folder.path());
    setup.argv = ["sh", "-c", "echo 'no such command'"]
        .map(str::to_owned)
        .into();
    let error = Launcher::start(&setup, &cgroups()).unwrap_err().to_string();
    assert!(
        error.starts_with("the launcher of incumbent does not answer"),
        "{error}"
    );
    assert!(error.ends_with("no such command"), "{error}");
}

#[test]
fn a_memory_limit_that_is_reached_is_named() {
    if cgroups().memory().is_err() {
        return;
    }
    let limit = ByteSize::new(64 << 20);
    let mut side = Side::with('a', &cgroups(), |setup| setup.limits.memory = Some(limit));
    let ran = side.sh(&format!("exec {}", filling(200)));
    assert_eq!((ran.ending, ran.out_of_memory), (Ending::Signal(9), true));
    let ran = side.sh("kill -9 $$");
    assert_eq!((ran.ending, ran.out_of_memory), (Ending::Signal(9), false));
}

#[test]
fn a_limit_that_the_launcher_does_not_fit_into_is_named_and_a_larger_one_is_enough() {
    if cgroups().memory().is_err() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let started = |kib: u64| {
        let mut setup = setup(folder.path());
        setup.limits.memory = Some(ByteSize::new(kib << 10));
        Launcher::start(&setup, &cgroups())
    };
    for kib in [4, 64, 256] {
        let error = started(kib).unwrap_err();
        assert!(
            matches!(error, LauncherError::NoMemory { .. }),
            "{kib} KiB: {error}"
        );
        let error = CommandError::Launcher(error);
        assert!(error.may_be_of_memory());
        assert!(error.to_string().contains("too small for the launcher"));
    }
    let launcher = started(8 << 10).unwrap();
    let memory = launcher.memory();
    assert_eq!(memory.kills, Some(0));
    assert!(
        memory.peak_bytes.is_none_or(|bytes| bytes < 8 << 20),
        "{memory:?}"
    );
}

/// A command without arguments.
fn command(
    folder: &Path,
    what: Executed,
    startup: Option<&[&str]>,
) -> understudy_subject_command::Command {
    let words = |words: &[&str]| -> Vec<String> {
        let words = words.iter();
        words.map(|word| (*word).to_owned()).collect()
    };
    understudy_subject_command::Command {
        what,
        dir: folder.to_owned(),
        path: DEFAULT_PATH.to_owned(),
        env: BTreeMap::new(),
        timeout: Duration::from_secs(60),
        longest: None,
        is_cold: false,
        outputs: Outputs::default(),
        under: Vec::new(),
        startup: startup.map(words),
    }
}

/// A side that runs it for one case.
fn side_of(
    folder: &Path,
    command: understudy_subject_command::Command,
    memory: Option<ByteSize>,
) -> CommandSide {
    let cases = Arc::new(Cases {
        all: vec![Case::default()],
    });
    let mut setup = setup(folder);
    setup.limits.memory = memory;
    let placing = Placing {
        slot: 'a',
        base: folder.join("runs"),
        setup,
    };
    let machine = (&cgroups(), Arc::new(AtomicBool::new(false)));
    CommandSide::start(command, cases, &placing, machine).unwrap()
}

fn script(line: &str) -> Executed {
    Executed::Script(line.to_owned())
}

#[test]
fn a_side_starts_without_a_case_where_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let side = |what: &Executed, startup: Option<&[&str]>| {
        let command = command(folder.path(), what.clone(), startup);
        side_of(folder.path(), command, None)
    };
    // The input file of a case belongs to the case.
    let words = ["sh", "{in}", "-c"].map(str::to_owned).to_vec();
    let program = Executed::Program(words);
    let ends = |arguments: &[&str]| {
        let starts = side(&program, Some(arguments)).start_up(3).unwrap();
        assert_eq!(starts.len(), 3);
        assert!(starts.iter().all(|start| start.wall_ns > 0));
        starts[2].unusual.clone()
    };
    assert_eq!(ends(&["exit 0"]), None);
    assert_eq!(ends(&["exit 3"]).as_deref(), Some("exit code 3"));
    assert_eq!(ends(&["kill -9 $$"]).as_deref(), Some("signal 9"));
    assert_eq!(side(&program, None).start_up(3).unwrap(), []);
    let line = script("cat");
    let starts = side(&line, Some(&[])).start_up(1).unwrap();
    assert_eq!(starts[0].unusual, None, "its standard input is empty");
}

#[test]
fn a_start_without_a_case_cannot_take_a_file_out_of_a_shell_line() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = command(folder.path(), script("wc < {in}"), None);
    assert!(command.start_line().is_none());
    command.startup = Some(Vec::new());
    let error = command.start_line().unwrap().unwrap_err().to_string();
    assert!(
        error.contains("`{in}`") && error.contains("hint: "),
        "{error}"
    );
}

#[test]
fn a_side_that_is_renewed_has_another_launcher_and_the_same_answers() {
    let folder = tempfile::tempdir().unwrap();
    let command = command(folder.path(), script("echo $PPID"), None);
    let mut side = side_of(folder.path(), command, None);
    let mut launcher = |renew: bool| {
        if renew {
            side.renew().unwrap();
        }
        match side.ask(0).unwrap() {
            Outcome::Answered(answer) => answer.parts[0].bytes.clone(),
            Outcome::Failed(failure) => panic!("{failure:?}"),
        }
    };
    let first = launcher(false);
    assert_eq!(launcher(false), first);
    assert_ne!(launcher(true), first);
}

#[test]
fn under_a_memory_limit_the_output_of_a_run_is_not_in_the_way_of_the_next() {
    if cgroups().memory().is_err() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let limit = Some(ByteSize::new(24 << 20));
    let command = command(folder.path(), script("head -c 4194304 /dev/zero"), None);
    let mut side = side_of(folder.path(), command, limit);
    for run in side.run(&[0; 12]).unwrap() {
        assert!(!run.out_of_memory && run.bytes >= 4 << 20, "{run:?}");
    }
    assert_eq!(side.memory().kills, Some(0));
}
