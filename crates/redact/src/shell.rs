//! Texts as a POSIX shell takes them.

/// An argument of a command line that is shown to people: as it is where the shell takes it so, else in
/// quotes.
pub fn shell_word(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,=".contains(c);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => shell_quoted(text),
    }
}

/// In single quotes: nothing in it means anything to the shell.
pub fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_shell_would_read_otherwise_is_quoted() {
        for plain in ["runs/a-2026", "http://h:80/x", "./a_b.toml", "50%"] {
            assert_eq!(shell_word(plain), plain);
        }
        let quoted = [
            ("my runs/a", "'my runs/a'"),
            ("", "''"),
            ("it's", r"'it'\''s'"),
            ("a;b", "'a;b'"),
            ("$HOME", "'$HOME'"),
            ("~x", "'~x'"),
            ("a*", "'a*'"),
            ("prüfung", "'prüfung'"),
        ];
        for (text, expected) in quoted {
            assert_eq!(shell_word(text), expected);
        }
    }
}
