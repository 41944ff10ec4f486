use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use understudy_model::{ByteSize, Cpus, plain_words};

/// What to start, and under which conditions.
#[derive(Clone, Debug, PartialEq)]
pub struct Launch {
    /// What messages call it: `incumbent`.
    pub name: String,
    /// The program and its arguments. A program with a slash is looked up relative to `dir`, one
    /// without in `PATH`.
    pub argv: Vec<String>,
    /// The directory it starts in.
    pub dir: PathBuf,
    /// Variables added to Understudy's own environment.
    pub env: BTreeMap<String, String>,
    /// Standard output and standard error are appended here (created with mode 0600).
    pub log: PathBuf,
    /// How much of the machine it may use.
    pub limits: Limits,
    /// The CPUs it may run on; `None`: those that Understudy's main thread may use.
    pub cpus: Option<Vec<u32>>,
}

/// How much of the machine a child and its descendants may use.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// Whole numbers narrow the set of CPUs, fractions are a CFS quota (period 100 ms).
    pub cpus: Option<Cpus>,
    /// Memory of the cgroup, swap off where the kernel lets it be turned off.
    pub memory: Option<ByteSize>,
}

/// Why a child could not be started.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// The command has a quote that is not closed.
    #[error("the command {line:?} cannot be split into words\nhint: close the open quote")]
    Quote {
        /// The command.
        line: String,
    },
    /// The command is empty.
    #[error("the command of {name} is empty\nhint: name a program")]
    Empty {
        /// Name of the child.
        name: String,
    },
    /// The directory to start in is not one.
    #[error("{name} cannot be started: `{dir}` is not a directory\nhint: correct `dir`")]
    Directory {
        /// Name of the child.
        name: String,
        /// The path.
        dir: PathBuf,
    },
    /// The log cannot be opened.
    #[error("the log {path} of {name} cannot be opened: {}", plain_words(source))]
    Log {
        /// Name of the child.
        name: String,
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The program cannot be started.
    #[error(
        "{name} cannot be started: `{program}` in {dir}: {}\nhint: {}",
        plain_words(source),
        advice(source)
    )]
    Start {
        /// Name of the child.
        name: String,
        /// The program.
        program: String,
        /// The directory it should start in.
        dir: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// This operating system is not Linux.
    #[error(
        "{name} cannot be started: Understudy starts and measures programs on Linux only\nhint: name the `url` of one that already runs"
    )]
    Unsupported {
        /// Name of the child.
        name: String,
    },
}

/// What to do about a program that cannot be started.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => {
            "build it, or correct its path: it is relative to `dir`, and what a script names after `#!` has to exist"
        }
        io::ErrorKind::PermissionDenied => {
            "make it executable (`chmod +x`), or name the program that runs it"
        }
        _ => "start it by hand to see why",
    }
}

/// Splits a command line into program and arguments by the quoting rules of a POSIX shell, without
/// running one: no variables, globs, pipes or redirections.
///
/// # Errors
/// [`LaunchError::Quote`] for a quote that is not closed, [`LaunchError::Empty`] without a word.
pub fn split_command(line: &str) -> Result<Vec<String>, LaunchError> {
    let words = shell_words::split(line).map_err(|_| LaunchError::Quote { line: line.into() })?;
    if words.is_empty() {
        return Err(LaunchError::Empty {
            name: "this side".into(),
        });
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_splits_without_a_shell() {
        let words = split_command("node 'my server.js' --port 80 \"$HOME\" a|b").unwrap();
        assert_eq!(
            words,
            ["node", "my server.js", "--port", "80", "$HOME", "a|b"]
        );
        assert!(matches!(
            split_command("sh -c 'oops"),
            Err(LaunchError::Quote { .. })
        ));
        assert!(matches!(
            split_command("  "),
            Err(LaunchError::Empty { .. })
        ));
    }
}
