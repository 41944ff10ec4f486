//! Runs a command some times under a launcher, without control groups, and prints a line of JSON for each run:
//! what `bench/launcher.py` reads, and what a test kills meanwhile. With `UNDERSTUDY_WATCHED` in its environment it looks
//! for what the runs change outside of their directories, and prints to standard error what it could not see.

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    use std::collections::BTreeMap;
    use std::path::PathBuf;
    use std::sync::atomic::AtomicBool;
    use std::time::{Duration, Instant};
    use understudy_probe::{Cgroups, Limits};
    use understudy_subject_command::*;

    let words: Vec<String> = std::env::args().skip(1).collect();
    let [launcher, folder, runs, command @ ..] = words.as_slice() else {
        return Err("usage: run_command LAUNCHER FOLDER RUNS COMMAND...".into());
    };
    let folder = PathBuf::from(folder);
    let setup = LauncherSetup {
        name: "command".to_owned(),
        argv: vec![launcher.clone()],
        dir: folder.clone(),
        log: folder.join("launcher.log"),
        limits: Limits::default(),
        cpus: None,
    };
    let mut launcher = Launcher::start(&setup, &Cgroups::none("this is an example"))?;
    let mut workdir = Workdir::new(&folder.join("runs"), 'a')?;
    let places = (0..runs.parse()?).map(|_| workdir.place(&Case::default()));
    let places = places.collect::<Result<Vec<Place>, _>>()?;
    let at = workdir.in_use();
    let argv = command_line(command, &Case::default())?;
    let name = argv.first().ok_or("no command is given")?;
    let order = Order {
        program: resolve(name, &folder, DEFAULT_PATH).map_err(|why| format!("{why:?}"))?,
        argv,
        env: environment(DEFAULT_PATH, &at, &BTreeMap::new()),
        at,
        places: places.iter().map(|place| place.root().to_owned()).collect(),
        cpus: None,
        umask: 0o022,
        timeout: Duration::from_secs(3600),
        limits: OutputLimits::default(),
        is_watched: std::env::var_os("UNDERSTUDY_WATCHED").is_some(),
        kept: Vec::new(),
    };
    let started = Instant::now();
    let all = launcher.run(&order, &AtomicBool::new(false))?;
    let elapsed = started.elapsed();
    let mut text = String::new();
    for ran in all {
        for why in &ran.elsewhere.unseen {
            std::io::Write::write_all(&mut std::io::stderr(), format!("{why}\n").as_bytes())?;
        }
        text += &serde_json::to_string(&(&ran.ending, &ran.figures))?;
        text.push('\n');
    }
    text += &serde_json::to_string(&(elapsed.as_nanos() as u64, launcher.floor()))?;
    text.push('\n');
    std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes())?;
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn main() {}
