//! The one output policy: data goes to standard output, everything else to standard error; a pipe
//! that closes ends the output quietly.

pub(crate) mod load;

use std::io::{self, Write};

/// Writes data to standard output. A reader that went away is no failure.
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

/// Tells people something on standard error.
pub(crate) fn tell(line: &str) {
    // There is no other place left to report a failure of standard error.
    let _ = writeln!(io::stderr().lock(), "{line}");
}
