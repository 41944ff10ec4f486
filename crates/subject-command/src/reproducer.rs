//! A run as a line that people can run in a shell, without its secrets.

use crate::cases::{Case, Input};
use std::fmt::Write;
use std::path::Path;
use understudy_redact::{Redactor, shell_printed, shell_word, variable};

/// Longest content of a file or of standard input that a line repeats, bytes.
const CONTENT_BYTES: usize = 8 << 10;
/// Where the line runs: a fresh directory with the parts of a place.
const PLACE: &str = "cd \"$(mktemp -d)\" && mkdir work home tmp && cd work";
/// A line feed at the end of a word, and what makes it.
const FEED: &str = "\"$LF\"";
const MAKE_FEED: &str = "LF=\"$(printf '\\n.')\" && LF=\"${LF%.}\"";

/// The run of a case by the words that a side runs for it, in a fresh directory: its files, its environment, its standard input.
/// Secrets become variables or placeholders. `dir` is what the command's own path is relative to, `path` the value of
/// `PATH`. What is longer than the line may be is named in a comment at its end.
pub fn shell_line(
    words: &[String],
    dir: &Path,
    path: &str,
    case: &Case,
    redactor: &Redactor,
) -> String {
    let mut words = words.to_vec();
    if let Some(program) = words.first_mut()
        && program.contains('/')
    {
        *program = dir.join(program.as_str()).to_string_lossy().into_owned();
    }
    let mut line = Line {
        redactor,
        steps: vec![PLACE.to_owned()],
        left_out: Vec::new(),
    };
    for (name, input) in &case.files {
        line.file(name, input);
    }
    let run = format!("{}{}", line.environment(path, case), line.words(&words));
    let run = match &case.stdin {
        None => format!("{run} < /dev/null"),
        Some(Input::File(from)) => format!("{run} < {}", shown_path(from)),
        // From a file as it was: a pipe is something else to some programs.
        Some(Input::Text(text)) => {
            line.write(text, "../stdin", "standard input");
            format!("{run} < ../stdin")
        }
    };
    if run.contains(FEED) {
        line.steps.push(MAKE_FEED.to_owned());
    }
    line.steps.push(run);
    let mut whole = line.steps.join(" && ");
    if !line.left_out.is_empty() {
        let _ = write!(whole, "  # {}", line.left_out.join("; "));
    }
    whole
}

struct Line<'r> {
    redactor: &'r Redactor,
    steps: Vec<String>,
    /// What the line does not make, in words.
    left_out: Vec<String>,
}

impl Line<'_> {
    fn file(&mut self, name: &Path, input: &Input) {
        if let Some(folder) = name.parent().filter(|folder| *folder != Path::new("")) {
            self.steps.push(format!("mkdir -p {}", shown_path(folder)));
        }
        let to = shown_path(name);
        match input {
            Input::File(from) => self.steps.push(format!("cp {} {to}", shown_path(from))),
            Input::Text(text) => self.write(text, &to, &name.to_string_lossy()),
        }
    }

    /// Writes a text to a quoted path, or says that it is left out.
    fn write(&mut self, text: &[u8], to: &str, what: &str) {
        if text.len() > CONTENT_BYTES {
            let size = text.len();
            self.left_out.push(format!(
                "{} has {size} bytes: write it to {to} first",
                one_line(what)
            ));
            return;
        }
        let shown = match std::str::from_utf8(text) {
            Ok(text) => self.redactor.redact_text(text).into_bytes(),
            Err(_) => text.to_vec(),
        };
        self.steps.push(match shown.is_empty() {
            true => format!(": > {to}"),
            false => format!("printf {} > {to}", shell_printed(&shown)),
        });
    }

    /// The whole environment, as the launcher makes it.
    fn environment(&self, path: &str, case: &Case) -> String {
        let mut out = "env -i HOME=\"$PWD/../home\" TMPDIR=\"$PWD/../tmp\"".to_owned();
        let fixed = [("LC_ALL", "C"), ("PATH", path), ("TZ", "UTC")];
        for (name, value) in fixed {
            if !case.env.contains_key(name) {
                let _ = write!(out, " {name}={}", shell_word(value));
            }
        }
        for (name, value) in &case.env {
            let shown = match self.is_secret(name, value) {
                true => format!("\"{}\"", variable(name)),
                false => word_in_line(value),
            };
            let _ = write!(out, " {}={shown}", shell_word(name));
        }
        out.push(' ');
        out
    }

    /// The words of the command. What follows the name of a secret (`--password x`) is one.
    fn words(&self, words: &[String]) -> String {
        let mut out: Vec<String> = Vec::new();
        let mut before = "";
        for word in words {
            let name = before.trim_start_matches('-');
            let follows_name = before.starts_with('-') && !before.contains('=');
            out.push(match follows_name && self.redactor.is_sensitive(name) {
                true => format!("\"{}\"", variable(name)),
                false => word_in_line(&self.redactor.redact_text(word)),
            });
            before = word;
        }
        out.join(" ")
    }

    fn is_secret(&self, name: &str, value: &str) -> bool {
        self.redactor.is_sensitive(name) || self.redactor.redact_text(value) != value
    }
}

fn shown_path(path: &Path) -> String {
    // One that begins with a dash is no option.
    let text = path.to_string_lossy();
    match text.starts_with('-') {
        true => word_in_line(&format!("./{text}")),
        false => word_in_line(&text),
    }
}

/// A word of the line. One with line feeds or other control characters is printed by `printf`, so that the line stays one.
fn word_in_line(text: &str) -> String {
    match text.chars().any(char::is_control) {
        false => shell_word(text),
        // The shell removes line feeds from the end of what a command prints.
        true => {
            let kept = text.trim_end_matches('\n');
            let feeds = FEED.repeat(text.len() - kept.len());
            format!("\"$(printf {})\"{feeds}", shell_printed(kept.as_bytes()))
        }
    }
}

fn one_line(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::command_line;
    use std::collections::BTreeMap;
    use std::process::Command;

    fn redactor() -> Redactor {
        Redactor::new([7; 16])
    }

    fn words(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    fn line(command: &[&str], case: &Case) -> String {
        let path = crate::DEFAULT_PATH;
        let words = command_line(&words(command), case).unwrap();
        shell_line(&words, Path::new("/srv"), path, case, &redactor())
    }

    /// What a shell prints that runs the line.
    fn run(line: &str) -> Vec<u8> {
        let ran = Command::new("sh").args(["-c", line]).output().unwrap();
        assert!(ran.status.success(), "{line}\n{ran:?}");
        ran.stdout
    }

    #[test]
    fn a_line_is_one_line_that_names_everything() {
        let text = |text: &str| Input::Text(text.as_bytes().to_vec());
        let case = Case {
            args: words(&["-n", "a b"]),
            stdin: Some(text("1\n2")),
            files: BTreeMap::from([("d/in.txt".into(), text("x\n"))]),
            env: BTreeMap::from([("LC_ALL".to_owned(), "en_US.UTF-8".to_owned())]),
            ..Case::default()
        };
        assert_eq!(
            line(&["bin/sort"], &case),
            format!(
                "cd \"$(mktemp -d)\" && mkdir work home tmp && cd work && mkdir -p d && printf 'x\\n' > d/in.txt && printf \
                 '1\\n2' > ../stdin && env -i HOME=\"$PWD/../home\" TMPDIR=\"$PWD/../tmp\" PATH={} TZ=UTC \
                 LC_ALL=en_US.UTF-8 /srv/bin/sort -n 'a b' < ../stdin",
                crate::DEFAULT_PATH
            )
        );
    }

    #[test]
    fn a_shell_runs_it_with_the_same_bytes() {
        let odd = b"-e it's %d \\n \"$(x)\" `y` \xff\x00\x07\r\n\xc3\xbc\x7f1\n\n".to_vec();
        let case = Case {
            args: words(&["-", "-dash", "b 'c'/%s"]),
            stdin: Some(Input::Text(odd.clone())),
            files: BTreeMap::from([
                ("-dash".into(), Input::Text(odd.clone())),
                ("b 'c'/%s".into(), Input::Text(b"".to_vec())),
            ]),
            ..Case::default()
        };
        let made = line(&["cat", "--"], &case);
        assert!(!made.contains('\n'));
        assert_eq!(run(&made), [odd.as_slice(), &odd].concat());
        let case = Case {
            args: words(&[
                "%s|",
                "a\nb",
                "tab\there",
                "-",
                "",
                "$HOME",
                "~",
                "*",
                "end\n\n",
            ]),
            ..Case::default()
        };
        let made = line(&["printf"], &case);
        assert!(!made.contains('\n'));
        assert_eq!(
            String::from_utf8(run(&made)).unwrap(),
            "a\nb|tab\there|-||$HOME|~|*|end\n\n|"
        );
        let env = BTreeMap::from([("A B".to_owned(), "c\nd".to_owned())]);
        let made = line(
            &["env"],
            &Case {
                env,
                ..Case::default()
            },
        );
        assert!(!made.contains('\n'));
        assert!(
            String::from_utf8(run(&made))
                .unwrap()
                .contains("A B=c\nd\n")
        );
    }

    #[test]
    fn secrets_stay_out_and_what_is_long_is_named() {
        let case = Case {
            args: words(&["--password", "hunter2", "--token=abcdefgh", "ok"]),
            stdin: Some(Input::Text(vec![b'x'; CONTENT_BYTES + 1])),
            files: BTreeMap::from([(
                "c.json".into(),
                Input::Text(br#"{"password":"hunter3"}"#.to_vec()),
            )]),
            env: BTreeMap::from([("API_KEY".to_owned(), "hunter4".to_owned())]),
            ..Case::default()
        };
        let made = line(&["tool"], &case);
        for secret in ["hunter", "abcdefgh"] {
            assert!(!made.contains(secret), "{made}");
        }
        assert!(made.contains("--password \"$PASSWORD\""), "{made}");
        assert!(made.contains("API_KEY=\"$API_KEY\""), "{made}");
        assert!(
            made.ends_with(
                "< ../stdin  # standard input has 8193 bytes: write it to ../stdin first"
            ),
            "{made}"
        );
    }
}
