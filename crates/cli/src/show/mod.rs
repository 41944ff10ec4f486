//! The one output policy: data goes to standard output, everything else to standard error; a pipe
//! that closes ends the output quietly.

pub(crate) mod json;
pub(crate) mod load;
pub(crate) mod progress;

use std::io::{self, IsTerminal, Write};
use std::path::Path;
use understudy_redact::shell_word;
use understudy_report::terminal::Style;

/// Writes data to standard output. A reader that went away is not a failure.
///
/// # Errors
/// Standard output cannot be written, for example because the disk is full.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// What was wrong, with its hint on a line of its own.
pub(crate) fn error(message: &str) {
    line(&format!("error: {message}"));
}

/// What is not done, or not as asked, while the command continues.
pub(crate) fn warning(message: &str) {
    line(&format!("warning: {message}"));
}

/// What people should know.
pub(crate) fn note(message: &str) {
    line(&format!("note: {message}"));
}

/// A path as an argument of a command line that is shown: the shell takes it as one word, and no command takes it
/// for a flag.
pub(crate) fn argument(path: &Path) -> String {
    let text = path.to_string_lossy();
    match text.starts_with('-') {
        true => shell_word(&format!("./{text}")),
        false => shell_word(&text),
    }
}

/// Writes a line for people to standard error.
pub(crate) fn line(line: &str) {
    // There is no other place left to report a failure of standard error.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Colours on a terminal that has them, unless `NO_COLOR` (no-color.org) is set; lines as wide as the
/// terminal is.
pub(crate) fn style() -> Style {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
        || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    Style {
        colour: io::stdout().is_terminal() && !refused,
        width: terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| width.0.into()),
    }
}
