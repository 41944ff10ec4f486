//! A JVM that runs already is asked by `jcmd` to log its pauses, and to stop when that is over.

use super::{JVM_LOGS, PauseError, PauseLog, Runtime, Source, plain};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use understudy_model::plain_words;

/// A JVM that logs its pauses for Understudy. Dropping it ends that; its other logs are left alone.
#[derive(Debug)]
pub struct AttachedJvm {
    pid: u32,
    jcmd: PathBuf,
    file: String,
}

/// What every JVM has loaded.
const LIBRARY: &[u8] = b"libjvm.so";
/// How long a JVM may take to do what it is asked.
const WITHIN: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(20);

impl AttachedJvm {
    /// Asks the JVM with this id. The file is in `folder`, an absolute path that the JVM can write to:
    /// it runs as the same user and sees the same files.
    ///
    /// # Errors
    /// When it is not a JVM, `jcmd` is not found or the JVM refuses, with what it says.
    pub fn attach(
        pid: u32,
        name: &str,
        folder: &Path,
    ) -> Result<(AttachedJvm, PauseLog), PauseError> {
        // `jcmd` wakes a JVM with SIGQUIT, which ends any other program.
        let maps = std::fs::read(format!("/proc/{pid}/maps")).map_err(|error| {
            let why = format!("what it has loaded cannot be read: {}", plain_words(&error));
            PauseError::Refused { pid, why }
        })?;
        if !maps.windows(LIBRARY.len()).any(|bytes| bytes == LIBRARY) {
            let why = "it is not a JVM".to_owned();
            return Err(PauseError::Refused { pid, why });
        }
        let prefix = format!("{}-pauses", name.replace(' ', "-"));
        let file = plain(&folder.join(format!("{prefix}-{pid}.log")))?;
        let attached = AttachedJvm {
            pid,
            jcmd: jcmd_of(pid),
            file,
        };
        attached.configure(&format!("what={JVM_LOGS} decorators=timenanos,level,tags"))?;
        let log = PauseLog {
            runtime: Some(Runtime::Jvm),
            source: Source::Files(folder.to_owned(), prefix),
            read: BTreeMap::new(),
        };
        Ok((attached, log))
    }

    /// Runs `VM.log` for the file. A JVM that does not answer in time is left to itself.
    fn configure(&self, how: &str) -> Result<(), PauseError> {
        let refused = |why: String| PauseError::Refused { pid: self.pid, why };
        let mut child = Command::new(&self.jcmd)
            .arg(self.pid.to_string())
            .arg(format!("VM.log output=file={} {how}", self.file))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| {
                let why = plain_words(&error);
                refused(format!("{} cannot be run: {why}", self.jcmd.display()))
            })?;
        let deadline = Instant::now() + WITHIN;
        while matches!(child.try_wait(), Ok(None)) {
            if Instant::now() >= deadline {
                // It has ended, or cannot be ended.
                let _ = child.kill();
                let _ = child.wait();
                return Err(refused(format!(
                    "it did not answer within {} s",
                    WITHIN.as_secs()
                )));
            }
            std::thread::sleep(POLL);
        }
        let output = child
            .wait_with_output()
            .map_err(|error| refused(error.to_string()))?;
        if output.status.success() {
            return Ok(());
        }
        let said = [output.stderr, output.stdout].concat();
        let said = String::from_utf8_lossy(&said);
        Err(refused(
            said.split_whitespace()
                .take(40)
                .collect::<Vec<_>>()
                .join(" "),
        ))
    }
}

impl Drop for AttachedJvm {
    fn drop(&mut self) {
        // A JVM that has ended logs nothing more; `disable` would end the logs of others too.
        let _ = self.configure("what=all=off");
    }
}

/// The `jcmd` next to the program that runs, as versions have to fit; else the one on `PATH`.
fn jcmd_of(pid: u32) -> PathBuf {
    let program = std::fs::read_link(format!("/proc/{pid}/exe")).ok();
    let in_same_folder = program.map(|program| program.with_file_name("jcmd"));
    in_same_folder
        .filter(|jcmd| jcmd.is_file())
        .unwrap_or_else(|| PathBuf::from("jcmd"))
}
