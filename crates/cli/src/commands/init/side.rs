//! A side as it was given, made ready for the file.

use super::listeners::Listener;
use understudy_probe::split_command;
use understudy_subject_http::Target;

/// One side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SideDraft {
    /// Not given.
    Missing,
    /// It runs already.
    Url {
        url: String,
        port: u16,
        /// Is it on this machine?
        local: bool,
        /// The process that listens there.
        pid: Option<u32>,
    },
    /// A command starts it.
    Command {
        run: String,
        /// The number that became `{port}`.
        replaced: Option<String>,
    },
}

impl SideDraft {
    /// Reads a command or URL.
    ///
    /// # Errors
    /// One fragment that says what is wrong.
    pub(super) fn read(text: Option<&str>) -> Result<Self, String> {
        let Some(text) = text.map(str::trim) else {
            return Ok(SideDraft::Missing);
        };
        if text.starts_with("http://") || text.starts_with("https://") {
            let target = Target::parse_server(text).map_err(|error| error.to_string())?;
            return Ok(SideDraft::Url {
                url: text.to_owned(),
                port: target.address.port(),
                local: target.is_loopback(),
                pid: None,
            });
        }
        split_command(text).map_err(|error| error.to_string())?;
        let (run, replaced) = with_placeholder(text);
        Ok(SideDraft::Command { run, replaced })
    }

    pub(super) fn is_missing(&self) -> bool {
        matches!(self, SideDraft::Missing)
    }

    pub(super) fn is_url(&self) -> bool {
        matches!(self, SideDraft::Url { .. })
    }

    /// Adds the process that listens where it runs.
    pub(super) fn attach(&mut self, listening: &[Listener]) {
        if let SideDraft::Url {
            port,
            local: true,
            pid,
            ..
        } = self
        {
            let there = listening.iter().find(|of| of.address.port() == *port);
            *pid = there.and_then(|of| Some(of.process.as_ref()?.pid));
        }
    }
}

/// The command with `{port}` where it names a port, and the number that stood there.
fn with_placeholder(command: &str) -> (String, Option<String>) {
    if command.contains("{port}") {
        return (command.to_owned(), None);
    }
    let numbers = numbers(command);
    let named = |(start, _): &&(usize, usize)| is_named_port(&command[..*start]);
    let alone = |(start, _): &&(usize, usize)| is_alone(&command[..*start]);
    let found = numbers
        .iter()
        .find(named)
        .or_else(|| numbers.iter().find(alone));
    match found {
        None => (command.to_owned(), None),
        Some((start, end)) => (
            format!("{}{{port}}{}", &command[..*start], &command[*end..]),
            Some(command[*start..*end].to_owned()),
        ),
    }
}

/// Where the command has whole numbers that a port can be.
fn numbers(command: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let bytes = command.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes[at..]
            .iter()
            .take_while(|b| b.is_ascii_digit())
            .count();
        let end = at + length;
        let after = bytes.get(end).is_none_or(|b| b" /\"',".contains(b));
        let before = at == 0 || b" =:\"'".contains(&bytes[at - 1]);
        let port = command
            .get(at..end)
            .and_then(|text| text.parse::<u16>().ok());
        if before && after && port.is_some_and(|port| port >= 80) {
            found.push((at, end));
        }
        at = end.max(at + 1);
    }
    found
}

/// Does what is before a number say that it is a port: `host:`, `--port `, `PORT=`, `-p `?
fn is_named_port(before: &str) -> bool {
    let word = before.trim_end_matches([' ', '=', '"', '\'']);
    let word = word.rsplit([' ', '"', '\'']).next().unwrap_or_default();
    let word = word.to_ascii_lowercase();
    before.ends_with(':') || word.ends_with("port") || word == "-p" || word == "--listen"
}

/// Is the number an argument of its own, not the value of an option?
fn is_alone(before: &str) -> bool {
    let last = before.trim_end().rsplit(' ').next().unwrap_or_default();
    before.ends_with(' ') && !last.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_become_placeholders() {
        for (command, expected) in [
            ("./server --port 8080", "./server --port {port}"),
            (
                "./server --cache 4096 --port=8080",
                "./server --cache 4096 --port={port}",
            ),
            (
                "./server --listen 127.0.0.1:8080/x",
                "./server --listen 127.0.0.1:{port}/x",
            ),
            ("env PORT=3000 node a.js", "env PORT={port} node a.js"),
            ("./server -p \"9000\"", "./server -p \"{port}\""),
            (
                "python3 -m http.server 8000",
                "python3 -m http.server {port}",
            ),
            ("./server --workers 100", "./server --workers 100"),
            (
                "./server2 v1.8080 --port {port} 8080",
                "./server2 v1.8080 --port {port} 8080",
            ),
            ("./server 70000 5", "./server 70000 5"),
            ("", ""),
        ] {
            let (run, replaced) = with_placeholder(command);
            assert_eq!(run, expected);
            assert_eq!(replaced.is_some(), command != expected, "{command}");
        }
    }

    #[test]
    fn what_is_not_a_side_is_refused() {
        let error = |text: &str| SideDraft::read(Some(text)).unwrap_err();
        assert!(error("https://127.0.0.1/").contains("only http://"));
        assert!(
            error("./server 'open").contains("quote"),
            "{}",
            error("./server 'open")
        );
        let url = SideDraft::read(Some("http://127.0.0.1:7001")).unwrap();
        assert!(url.is_url() && !url.is_missing());
    }
}
