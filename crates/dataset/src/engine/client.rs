//! Runs the command-line client of an engine.

use super::Engine;
use super::place::Place;
use super::sql::END;
use crate::DatasetError;
use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use understudy_model::plain_words;

/// The last bytes of an error that are shown.
const MOST_SHOWN: usize = 600;

/// Results must not depend on a session's settings: a cast that fails is an error, not a null.
pub(super) const SPARK_SETTINGS: [&str; 3] = [
    "spark.sql.session.timeZone=UTC",
    "spark.sql.ansi.enabled=true",
    "spark.sql.cli.print.header=false",
];

/// Runs statements and returns the lines of their results.
pub(super) fn run(
    engine: Engine,
    place: &Place,
    statements: &str,
    stop: Option<&AtomicBool>,
) -> Result<Vec<String>, DatasetError> {
    let failed = |why: String| DatasetError::Engine {
        engine: engine.name(),
        why,
    };
    let mut file = None;
    if engine == Engine::Spark {
        // It treats what it reads from a pipe as typed by a person, and prints it.
        let mut script =
            tempfile::NamedTempFile::new().map_err(|error| failed(plain_words(&error)))?;
        script
            .write_all(statements.as_bytes())
            .map_err(|error| failed(plain_words(&error)))?;
        file = Some(script);
    }
    let mut command = command(engine, place, file.as_ref().map(|file| file.path()));
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => failed(format!(
            "`{}` is not in PATH\nhint: {}",
            engine.program(),
            engine.installed_by()
        )),
        _ => failed(plain_words(&error)),
    })?;
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (status, printed, said) = std::thread::scope(|scope| {
        scope.spawn(move || {
            // A client that ends early says why itself.
            if let Some(mut input) = input.filter(|_| engine != Engine::Spark) {
                let _ = input.write_all(statements.as_bytes());
            }
        });
        let printed = scope.spawn(|| text(output));
        let said = scope.spawn(|| text(errors));
        let status = loop {
            if stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
                let _ = child.kill();
            }
            match child.try_wait() {
                Ok(None) => std::thread::sleep(Duration::from_millis(20)),
                Ok(Some(status)) => break Ok(status),
                Err(error) => break Err(error),
            }
        };
        let of =
            |thread: std::thread::ScopedJoinHandle<'_, String>| thread.join().unwrap_or_default();
        (status, of(printed), of(said))
    });
    if stop.is_some_and(|stop| stop.load(Ordering::Relaxed)) {
        return Err(DatasetError::Interrupted);
    }
    let status = status.map_err(|error| failed(plain_words(&error)))?;
    let lines: Vec<String> = printed.lines().map(str::to_owned).collect();
    if status.success() && lines.iter().any(|line| line.trim_end() == END) {
        return Ok(lines);
    }
    Err(failed(reason(&said, place)))
}

/// The client with its arguments. Statements, and with them names and values, are not among them: others see those.
fn command(engine: Engine, place: &Place, script: Option<&std::path::Path>) -> Command {
    let mut command = Command::new(engine.program());
    match engine {
        Engine::DuckDb => {
            command.args([
                "-batch",
                "-noheader",
                "-list",
                "-bail",
                "-init",
                "/dev/null",
            ]);
        }
        Engine::Postgres => {
            command.args(["-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1"]);
            command.args(
                place
                    .database()
                    .iter()
                    .flat_map(|database| ["-d", database]),
            );
            if let Some(password) = place.password() {
                command.env("PGPASSWORD", password);
            }
        }
        Engine::Spark => {
            command.arg("-S");
            command.args(
                SPARK_SETTINGS
                    .iter()
                    .flat_map(|setting| ["--conf", setting]),
            );
            if place.is_files() {
                // Otherwise the catalog of Hive makes its own database in the current folder.
                command.args(["--conf", "spark.sql.catalogImplementation=in-memory"]);
            }
            command.arg("-f").args(script);
        }
    }
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn text(from: Option<impl Read>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut from) = from {
        // What was read until then is judged by the end line.
        let _ = from.read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What the client says, as a cause of one line.
fn reason(said: &str, place: &Place) -> String {
    let lines: Vec<&str> = said
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let is_error = |line: &&&str| line.to_ascii_lowercase().contains("error");
    let first = lines.iter().find(is_error).or(lines.last());
    let mut reason = first.map_or_else(
        || "it printed no result".to_owned(),
        |line| (*line).to_owned(),
    );
    if let Some(password) = place.password().filter(|password| !password.is_empty()) {
        reason = reason.replace(password, "<redacted>");
    }
    if let Some((end, _)) = reason.char_indices().nth(MOST_SHOWN) {
        reason.truncate(end);
    }
    reason
}
