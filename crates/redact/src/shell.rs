//! Texts as a POSIX shell takes them.

/// In single quotes: nothing in it means anything to the shell.
pub fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
