//! Real programs that do what makes a listener lose its file, its process or its place.

use super::*;
use crate::{Launch, Limits};
use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A program whose pauses are recorded, in a folder of its own.
struct Stage {
    folder: tempfile::TempDir,
    launch: Launch,
    log: PauseLog,
}

impl Stage {
    fn new(runtime: Runtime) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut launch = Launch {
            name: "incumbent".to_owned(),
            argv: vec!["true".to_owned()],
            dir: folder.path().to_owned(),
            env: BTreeMap::new(),
            log: folder.path().join("incumbent.log"),
            limits: Limits::default(),
            cpus: None,
        };
        fs::write(&launch.log, "").unwrap();
        let log = PauseLog::prepare(runtime, &mut launch, folder.path()).unwrap();
        Stage {
            folder,
            launch,
            log,
        }
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap()
    }

    fn command(&self, argv: &[&str]) -> Command {
        let mut command = Command::new(argv[0]);
        command.args(&argv[1..]).envs(&self.launch.env);
        command.current_dir(self.folder.path());
        command
    }

    /// Runs a program to its end; what it says.
    fn run(&self, argv: &[&str]) -> String {
        let output = self.command(argv).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What was recorded, by line.
    fn lines(&mut self) -> Vec<String> {
        let written = self.log.read_new();
        let bytes: Vec<u8> = written.into_iter().flat_map(|one| one.bytes).collect();
        let text = String::from_utf8(bytes).unwrap();
        text.lines().map(str::to_owned).collect()
    }
}

fn greeted(lines: &[String]) -> BTreeSet<u32> {
    let greeting = |line: &String| {
        let rest = line.strip_prefix("listening ")?;
        rest.split(' ').next()?.parse().ok()
    };
    lines.iter().filter_map(greeting).collect()
}

fn stops(lines: &[String]) -> usize {
    lines
        .iter()
        .filter(|line| line.starts_with("stop "))
        .count()
}

/// Not every machine has all of them.
fn is_here(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok()
}

/// What makes a collection long enough to be recorded.
const HEAP: &str = "import gc, os\nkeep = [[] for _ in range(200000)]\n";

/// As daemons do: every inherited descriptor is closed, and the numbers are taken by files of the program.
#[test]
fn a_program_that_closes_all_descriptors_keeps_its_files_to_itself() {
    if !is_here("python3") {
        return;
    }
    let mut stage = Stage::new(Runtime::Python);
    let script = format!(
        "{HEAP}os.closerange(3, 4096)\nown = [open('own-%d' % n, 'w') for n in range(600)]\nassert own[0].fileno() == 3\nassert max(one.fileno() for one in own) > 512\nfor _ in range(3): gc.collect()\nfor one in own: one.write('mine')"
    );
    stage.run(&["python3", "-c", &script]);
    for number in 0..600 {
        assert_eq!(stage.read(&format!("own-{number}")), "mine", "{number}");
    }
    let lines = stage.lines();
    assert!(stops(&lines) >= 3, "it is recorded all the same: {lines:?}");
}

#[test]
fn a_closed_standard_input_is_not_taken() {
    if !is_here("python3") {
        return;
    }
    let mut stage = Stage::new(Runtime::Python);
    let script = format!(
        "{HEAP}os.closerange(3, 4096)\nos.close(0)\ngc.collect()\nassert os.open(os.devnull, os.O_RDONLY) == 0\ngc.collect()"
    );
    stage.run(&["python3", "-c", &script]);
    assert!(stops(&stage.lines()) >= 2);
}

/// A server with a master and workers, in the background: each process greets under its own id, and has its
/// own file.
#[test]
fn forked_workers_of_a_daemon_are_recorded_each() {
    if !is_here("python3") {
        return;
    }
    let mut stage = Stage::new(Runtime::Python);
    let script = format!(
        "{HEAP}if os.fork(): os._exit(0)\nos.setsid()\nif os.fork(): os._exit(0)\nos.closerange(3, 4096)\npids = []\nfor n in range(3):\n    pid = os.fork()\n    if not pid:\n        gc.collect()\n        os._exit(0)\n    pids.append(pid)\nfor pid in pids: os.waitpid(pid, 0)\nwith open('pids.part', 'w') as f: f.write(' '.join(map(str, pids + [os.getpid()])))\nos.rename('pids.part', 'pids')"
    );
    stage.run(&["python3", "-c", &script]);
    let pids = stage.folder.path().join("pids");
    let begun = Instant::now();
    while !pids.exists() && begun.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let lines = stage.lines();
    let greeted = greeted(&lines);
    for pid in stage.read("pids").split(' ') {
        let pid = pid.parse().unwrap();
        assert_eq!(stage.log.recording(pid, &greeted), Ok(()), "{lines:?}");
    }
    assert!(stops(&lines) >= 3, "{lines:?}");
}

const CHAINING: &str = "import os, sys\nhere = os.path.dirname(os.path.abspath(__file__))\nprint('agent')\nold = sys.path[:]\nsys.path[:] = [p for p in sys.path if os.path.abspath(p) != here]\nown = sys.modules.pop('sitecustomize')\nimport sitecustomize\nsys.path[:] = old\n";

/// The program's own sitecustomize is loaded once, as the module of that name, whether an agent that loads
/// the next one is in front of the listener or not.
#[test]
fn the_program_s_own_sitecustomize_is_loaded_too() {
    if !is_here("python3") {
        return;
    }
    for agent_in_front in [false, true] {
        let mut stage = Stage::new(Runtime::Python);
        stage.write("own/sitecustomize.py", "print('own')\nMARK = 17\n");
        stage.write("agent/sitecustomize.py", CHAINING);
        let ours = stage.launch.env["PYTHONPATH"].clone();
        let agent = if agent_in_front { "agent:" } else { "" };
        let paths = format!("{agent}{ours}:own");
        stage.launch.env.insert("PYTHONPATH".to_owned(), paths);
        let script = format!("{HEAP}import sitecustomize\nprint(sitecustomize.MARK)\ngc.collect()");
        let said = stage.run(&["python3", "-c", &script]);
        let expected = if agent_in_front {
            "agent\nown\n17\n"
        } else {
            "own\n17\n"
        };
        assert_eq!(said, expected);
        let lines = stage.lines();
        assert_eq!(
            (greeted(&lines).len(), stops(&lines) >= 1),
            (1, true),
            "{lines:?}"
        );
    }
}

/// A program that sleeps until it is killed.
struct Sleeper(Child);

impl Sleeper {
    fn start(stage: &Stage, argv: &[&str]) -> Self {
        let mut command = stage.command(argv);
        let log = fs::File::options()
            .append(true)
            .open(&stage.launch.log)
            .unwrap();
        let child = command.stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut sleeper = Sleeper(child);
        // It says when it runs.
        let mut one = [0];
        let stdout = sleeper.0.stdout.as_mut().unwrap();
        std::io::Read::read_exact(stdout, &mut one).unwrap();
        sleeper
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn an_agent_that_hides_the_listener_is_named() {
    if !is_here("python3") {
        return;
    }
    let mut stage = Stage::new(Runtime::Python);
    let agent = stage.write("agent/sitecustomize.py", "# It loads no other.\n");
    let folder = agent.parent().unwrap().to_str().unwrap();
    let ours = stage.launch.env["PYTHONPATH"].clone();
    let script = "import time\nprint('x', flush=True)\ntime.sleep(600)";
    let recorded = |stage: &mut Stage| {
        let sleeper = Sleeper::start(stage, &["python3", "-c", script]);
        let greeted = greeted(&stage.lines());
        stage.log.recording(sleeper.0.id(), &greeted)
    };
    assert_eq!(recorded(&mut stage), Ok(()));
    let hidden = format!("{folder}:{ours}");
    stage.launch.env.insert("PYTHONPATH".to_owned(), hidden);
    let why = recorded(&mut stage).unwrap_err();
    assert_eq!(why, format!("{} hides the listener", agent.display()));
    stage.launch.env.remove("PYTHONPATH");
    let why = recorded(&mut stage).unwrap_err();
    assert_eq!(why, "it did not load the listener (PYTHONPATH)");
}

/// Go writes to whatever its standard error is.
#[test]
fn a_process_with_another_standard_error_is_not_recorded() {
    let stage = Stage::new(Runtime::Go);
    let own = ["sh", "-c", "echo; exec sleep 600"];
    let other = ["sh", "-c", "exec 2>other; echo; exec sleep 600"];
    let recorded = |argv: &[&str]| {
        let sleeper = Sleeper::start(&stage, argv);
        stage.log.recording(sleeper.0.id(), &BTreeSet::new())
    };
    assert_eq!(recorded(&own), Ok(()));
    assert!(recorded(&other).unwrap_err().contains("standard error"));
}

/// Each process of a cluster greets; a worker thread stops itself alone.
#[test]
fn processes_and_threads_of_node_are_distinguished() {
    if !is_here("node") {
        return;
    }
    let mut stage = Stage::new(Runtime::Node);
    let script = r#"
const cluster = require('cluster');
const { Worker, isMainThread } = require('worker_threads');
const waste = () => { let n = 0; const f = () => { const a = []; for (let i = 0; i < 2e5; i++) a.push({ i }); if (n++ < 20) setTimeout(f, 1); }; f(); };
// A thread of a worker process takes itself for the primary.
if (!isMainThread) waste();
else if (cluster.isPrimary) { for (let i = 0; i < 2; i++) cluster.fork().on('exit', (code) => { if (code) process.exit(1); }); }
else new Worker(__filename).on('exit', () => process.exit(0));
"#;
    stage.write("server.js", script);
    stage.run(&["node", "server.js"]);
    let lines = stage.lines();
    assert_eq!(greeted(&lines).len(), 3, "{lines:?}");
    let of_workers = lines.iter().filter(|line| line.starts_with("assist "));
    assert!(of_workers.count() >= 10, "{lines:?}");
}
