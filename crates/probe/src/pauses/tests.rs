use super::*;
use crate::Limits;
use std::process::Command;

fn launch(folder: &Path) -> Launch {
    Launch {
        name: "second incumbent".to_owned(),
        argv: vec!["true".to_owned()],
        dir: folder.to_owned(),
        env: BTreeMap::new(),
        log: folder.join("second-incumbent.log"),
        limits: Limits::default(),
        cpus: None,
    }
}

fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

#[test]
fn the_runtime_of_a_command_is_recognised_by_name_script_or_linker() {
    let folder = tempfile::tempdir().unwrap();
    let of = |line: &str| Runtime::recognise(&words(line), folder.path());
    assert_eq!(of("java -jar app.jar"), Some(Runtime::Jvm));
    assert_eq!(of("env A=b /usr/bin/node server.js"), Some(Runtime::Node));
    assert_eq!(of("python3.11 -m app"), Some(Runtime::Python));
    fs::write(folder.path().join("serve"), "#!/usr/bin/env python3\n").unwrap();
    assert_eq!(of("./serve --port 1"), Some(Runtime::Python));
    assert_eq!(of("dotnet app.dll"), Some(Runtime::DotNet));
    fs::write(folder.path().join("broken"), b"\x7fELF\x02\x01\x01").unwrap();
    for none in ["sh -c java", "./missing", "./broken", "env", ""] {
        assert_eq!(of(none), None, "{none}");
    }
    // This test is a program without a collector.
    let own = std::env::current_exe().unwrap();
    let argv = [own.to_str().unwrap().to_owned()];
    assert_eq!(Runtime::recognise(&argv, folder.path()), None);
    // A host of .NET is such a program with a file next to it.
    std::os::unix::fs::symlink(&own, folder.path().join("Shop.Api")).unwrap();
    assert_eq!(of("./Shop.Api"), None);
    fs::write(folder.path().join("Shop.Api.runtimeconfig.json"), "{}").unwrap();
    assert_eq!(of("./Shop.Api"), Some(Runtime::DotNet));
}

#[test]
fn what_a_side_sets_itself_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut with_env = launch(folder.path());
    with_env
        .env
        .insert("GODEBUG".to_owned(), "madvdontneed=1".to_owned());
    PauseLog::prepare(Runtime::Go, &mut with_env, folder.path()).unwrap();
    assert_eq!(with_env.env["GODEBUG"], "madvdontneed=1,gctrace=1");
    with_env
        .env
        .insert("PYTHONPATH".to_owned(), "lib".to_owned());
    PauseLog::prepare(Runtime::Python, &mut with_env, folder.path()).unwrap();
    assert!(with_env.env["PYTHONPATH"].ends_with("/preload:lib"));
}

/// A program of .NET that was published as one file has its runtime in itself, whose debuggers look for
/// this name.
#[test]
#[cfg(target_os = "linux")]
fn a_runtime_within_a_program_is_found_by_what_it_exports() {
    let folder = tempfile::tempdir().unwrap();
    for (name, runtime) in [
        ("DotNetRuntimeInfo", Some(Runtime::DotNet)),
        ("DotNetRuntimeNews", None),
    ] {
        let source =
            format!("char {name}[18] = \"DotNetRuntimeInfo\"; int main(void) {{ return 0; }}");
        fs::write(folder.path().join("one.c"), source).unwrap();
        let mut cc = Command::new("cc");
        cc.args(["-rdynamic", "-o", "one", "one.c"]);
        let Ok(built) = cc.current_dir(folder.path()).output() else {
            return; // Not every machine has it.
        };
        assert!(built.status.success(), "{built:?}");
        assert_eq!(Runtime::recognise(&words("./one"), folder.path()), runtime);
    }
}

/// A process writes one trace, and the one that the side asks for is not taken from it.
#[test]
fn a_side_that_traces_itself_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    for variable in ["DOTNET_EnableEventPipe", "COMPlus_EnableEventPipe"] {
        let mut traced = launch(folder.path());
        traced.env.insert(variable.to_owned(), "1".to_owned());
        let as_it_was = traced.env.clone();
        let refused = PauseLog::prepare(Runtime::DotNet, &mut traced, folder.path()).unwrap_err();
        assert!(refused.to_string().starts_with(variable), "{refused}");
        assert_eq!(traced.env, as_it_was);
    }
    let mut off = launch(folder.path());
    let switch = "DOTNET_EnableEventPipe";
    off.env.insert(switch.to_owned(), "0".to_owned());
    PauseLog::prepare(Runtime::DotNet, &mut off, folder.path()).unwrap();
    assert_eq!(off.env[switch], "1");
}

/// Bytes of a trace have no lines to wait for the end of; each process has one of its own.
#[test]
fn a_trace_is_read_as_far_as_it_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let mut launch = launch(folder.path());
    let mut log = PauseLog::prepare(Runtime::DotNet, &mut launch, folder.path()).unwrap();
    let path = &launch.env["DOTNET_EventPipeOutputPath"];
    let [first, second] = ["7", "8"].map(|pid| PathBuf::from(path.replace("{pid}", pid)));
    fs::write(&launch.log, "no trace").unwrap();
    fs::write(&first, b"Nett\nra").unwrap();
    let written = |file: &Path, start: u64, bytes: &[u8]| Written {
        file: file.to_owned(),
        start,
        bytes: bytes.to_vec(),
    };
    assert_eq!(log.read_new(), [written(&first, 0, b"Nett\nra")]);
    fs::write(&first, b"Nett\nrace").unwrap();
    fs::write(&second, b"\0").unwrap();
    assert_eq!(
        log.read_new(),
        [written(&first, 7, b"ce"), written(&second, 0, b"\0")]
    );
    assert_eq!(log.read_new(), []);
}

#[test]
fn a_path_that_options_cannot_hold_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let odd = folder.path().join("a b:c");
    let refused = PauseLog::prepare(Runtime::Jvm, &mut launch(&odd), &odd);
    assert!(matches!(refused, Err(PauseError::Path { .. })));
    // A variable of .NET holds any.
    PauseLog::prepare(Runtime::DotNet, &mut launch(&odd), &odd).unwrap();
}

#[test]
fn only_whole_and_new_lines_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut launch = launch(folder.path());
    fs::write(&launch.log, "of an earlier process\n").unwrap();
    let mut log = PauseLog::prepare(Runtime::Go, &mut launch, folder.path()).unwrap();
    assert_eq!(log.read_new(), []);
    let append = |text: &str| {
        let all = fs::read_to_string(&launch.log).unwrap() + text;
        fs::write(&launch.log, all).unwrap();
    };
    append("one\ntw");
    let read = log.read_new();
    assert_eq!(
        (read[0].start, read[0].bytes.as_slice()),
        (22, &b"one\n"[..])
    );
    append("o\n");
    assert_eq!(log.read_new()[0].bytes, b"two\n");
}

/// Runs a program that collects garbage, with its pauses recorded, and returns its lines.
fn listened(runtime: Runtime, argv: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let mut launch = launch(folder.path());
    let mut log = PauseLog::prepare(runtime, &mut launch, folder.path()).unwrap();
    let output = Command::new(argv[0])
        .args(&argv[1..])
        .envs(&launch.env)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let lines = log.read_new();
    let bytes: Vec<u8> = lines.into_iter().flat_map(|lines| lines.bytes).collect();
    String::from_utf8(bytes).unwrap()
}

#[cfg(target_os = "linux")]
fn monotonic_ns() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}

/// Each mark is between the start and the end of the program, by this process's clock.
#[cfg(target_os = "linux")]
fn assert_marks(runtime: Runtime, argv: &[&str]) {
    if Command::new(argv[0]).arg("--version").output().is_err() {
        return; // Not every machine has it.
    }
    let before = monotonic_ns();
    let lines = listened(runtime, argv);
    let after = monotonic_ns();
    let mut lines = lines.lines();
    let greeting = lines.next().unwrap_or_default();
    assert!(greeting.starts_with("listening "), "{greeting}");
    let marks: Vec<&str> = lines.collect();
    assert!(!marks.is_empty(), "{runtime:?} recorded nothing");
    for line in marks {
        let words = words(line);
        let (start, end): (u64, u64) = (words[1].parse().unwrap(), words[2].parse().unwrap());
        assert_eq!(words[0], "stop");
        assert!(before < start && start <= end && end < after, "{line}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn node_logs_on_the_monotonic_clock() {
    let script = "let n = 0; const f = () => { const a = []; for (let i = 0; i < 2e5; i++) a.push({ i }); if (n++ < 20) setTimeout(f, 1); }; f();";
    assert_marks(Runtime::Node, &["node", "-e", script]);
}

#[test]
#[cfg(target_os = "linux")]
fn python_logs_on_the_monotonic_clock() {
    let script = "import gc\nkeep = [[] for _ in range(200000)]\nfor _ in range(3): gc.collect()";
    assert_marks(Runtime::Python, &["python3", "-c", script]);
}

#[test]
#[cfg(target_os = "linux")]
fn growth_is_seen_when_it_happens() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    fs::write(&path, "").unwrap();
    let growth = crate::Growth::watch(&path).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(30));
    let before = monotonic_ns();
    let mut log = fs::OpenOptions::new().append(true).open(&path).unwrap();
    std::io::Write::write_all(&mut log, b"line\n").unwrap();
    std::thread::sleep(std::time::Duration::from_millis(100));
    let seen = growth.stop().unwrap();
    let full = seen.iter().find(|grown| grown.length == 5).unwrap();
    assert!(full.at_ns >= before, "{seen:?} after {before}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_that_takes_the_place_of_another_is_watched() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log");
    fs::write(&path, "").unwrap();
    let lengths = |seen: &mut Vec<u64>, grown: crate::Grown| seen.push(grown.length);
    let growth = crate::Growth::follow(&path, Vec::new(), lengths).unwrap();
    fs::rename(&path, folder.path().join("log.1")).unwrap();
    for text in ["one", "three"] {
        fs::write(&path, text).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    let seen = growth.stop().unwrap();
    assert!(seen.contains(&3) && seen.contains(&5), "{seen:?}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_jvm_logs_on_the_monotonic_clock() {
    if Command::new("java").arg("-version").output().is_err() {
        return; // Not every machine has it.
    }
    let folder = tempfile::tempdir().unwrap();
    let source = "public class Collects { public static void main(String[] a) { for (int i = 0; i < 5; i++) System.gc(); } }";
    let file = folder.path().join("Collects.java");
    fs::write(&file, source).unwrap();
    let before = monotonic_ns();
    let lines = listened(Runtime::Jvm, &["java", file.to_str().unwrap()]);
    let after = monotonic_ns();
    let safepoints = lines.lines().filter(|line| line.contains("Safepoint \""));
    let stamps: Vec<u64> = safepoints.map(stamp).collect();
    assert!(stamps.len() >= 5, "{lines}");
    let within = stamps.iter().all(|stamp| (before..after).contains(stamp));
    assert!(within, "{before} {stamps:?} {after}");
}

/// The monotonic time in the first brackets of a line.
#[cfg(target_os = "linux")]
fn stamp(line: &str) -> u64 {
    let first = line.split("ns]").next().unwrap();
    first.trim_start_matches('[').parse().unwrap()
}

/// A JVM that sleeps and collects, or nothing where there is no JDK.
#[cfg(target_os = "linux")]
fn jvm(folder: &Path) -> Option<std::process::Child> {
    let source = "public class Sleeper { public static void main(String[] a) throws Exception { while (true) { System.gc(); Thread.sleep(50); } } }";
    let file = folder.join("Sleeper.java");
    fs::write(&file, source).unwrap();
    // With a JDK 11 or later a source file runs as it is.
    let found = Command::new("jcmd").arg("-h").output().is_ok();
    let mut java = Command::new("java");
    java.arg("-Xmx32m").arg(&file);
    java.stdout(std::process::Stdio::null());
    found.then(|| java.spawn().unwrap())
}

#[test]
#[cfg(target_os = "linux")]
fn a_jvm_that_runs_logs_while_it_is_attached_to_and_not_after() {
    let folder = tempfile::tempdir().unwrap();
    let Some(mut child) = jvm(folder.path()) else {
        return;
    };
    // It answers once it has come up.
    let attached = (0..50).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(200));
        crate::AttachedJvm::attach(child.id(), "incumbent", folder.path()).ok()
    });
    let (jvm, mut log) = attached.expect("a JVM can be asked");
    let before = monotonic_ns();
    std::thread::sleep(std::time::Duration::from_millis(400));
    drop(jvm);
    let lines = log.read_new();
    std::thread::sleep(std::time::Duration::from_millis(300));
    let late = log.read_new();
    child.kill().unwrap();
    child.wait().unwrap();
    let text = String::from_utf8(lines[0].bytes.clone()).unwrap();
    let safepoint = text
        .lines()
        .find(|line| line.contains("Safepoint"))
        .unwrap();
    let stamp = safepoint
        .split("ns]")
        .next()
        .unwrap()
        .trim_start_matches('[');
    let stamp: u64 = stamp.parse().unwrap();
    assert!(
        before < stamp + 1_000_000_000 && stamp < monotonic_ns(),
        "{safepoint}"
    );
    assert_eq!(late, [], "it stopped");
}
