//! Texts as a POSIX shell takes them.

use std::fmt::Write;

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

/// In double quotes: the shell fills `$NAME` and `${NAME}` in, and takes nothing else of it, least of all `$(`.
pub fn shell_filled(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        let is_escaped = match c {
            '$' => !begins_with_variable(rest),
            '\\' | '"' | '`' => true,
            _ => false,
        };
        if is_escaped {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// Does the name of a variable follow the dollar sign?
fn begins_with_variable(after: &str) -> bool {
    let begins = |name: &str| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let continues = |c: char| c.is_ascii_alphanumeric() || c == '_';
    match after.strip_prefix('{') {
        Some(braced) => braced
            .split_once('}')
            .is_some_and(|(name, _)| begins(name) && name.chars().all(continues)),
        None => begins(after),
    }
}

/// The format of `printf` that prints these bytes, in single quotes on one line.
pub fn shell_printed(bytes: &[u8]) -> String {
    let mut out = String::from("'");
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\'' => out.push_str(r"'\''"),
                '\\' => out.push_str(r"\\"),
                '%' => out.push_str("%%"),
                '\n' => out.push_str(r"\n"),
                '\t' => out.push_str(r"\t"),
                '\r' => out.push_str(r"\r"),
                // A byte order mark is not seen.
                c if c.is_control() || c == '\u{feff}' => {
                    let mut bytes = [0; 4];
                    octal(&mut out, c.encode_utf8(&mut bytes).as_bytes());
                }
                c => out.push(c),
            }
        }
        octal(&mut out, chunk.invalid());
    }
    // What begins with a dash is an option to some.
    match out.strip_prefix("'-") {
        Some(rest) => format!(r"'\055{rest}'"),
        None => out + "'",
    }
}

fn octal(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        let _ = write!(out, "\\{byte:03o}");
    }
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

    #[test]
    fn variables_are_filled_in_and_nothing_else_is() {
        assert_eq!(
            shell_filled("$(rm) `x` $5 ${a b} $A ${B} \"\\"),
            r#""\$(rm) \`x\` \$5 \${a b} $A ${B} \"\\""#
        );
        assert_eq!(shell_filled(""), r#""""#);
    }

    #[test]
    fn what_printf_prints_is_on_one_line() {
        assert_eq!(
            shell_printed(b"-5% it's \\ \xff\x00\n\xc3\xbc\xef\xbb\xbf"),
            r"'\0555%% it'\''s \\ \377\000\nü\357\273\277'"
        );
        assert_eq!(shell_printed(b""), "''");
    }
}
