//! Errors of the system in the words of people.

use std::io::{self, ErrorKind};

/// Numbers of errors that have no kind of their own, the same on Linux, macOS and the BSDs.
const NO_SUCH_PROCESS: i32 = 3;
const NO_EXECUTABLE: i32 = 8;
const FILES_OF_SYSTEM: i32 = 23;
const FILES_OF_PROCESS: i32 = 24;

/// How the standard library begins an error of the resolver, which has no kind of its own.
const RESOLVER: &str = "failed to lookup address information: ";

/// What an error of the system says, as the end of a sentence that names the file or the address: no number,
/// and none of the words of a library. An error that says more than that keeps its own words.
pub fn plain_words(error: &io::Error) -> String {
    if error.get_ref().is_some() {
        let own = error.to_string();
        return match own.strip_prefix(RESOLVER) {
            Some(why) if why.starts_with("Temporary") => "no name server answers".to_owned(),
            Some(_) => "the name is not known".to_owned(),
            None => own,
        };
    }
    let words = match error.kind() {
        ErrorKind::NotFound => "it does not exist",
        ErrorKind::PermissionDenied => "permission denied",
        ErrorKind::AlreadyExists => "it exists already",
        ErrorKind::IsADirectory => "it is a directory",
        ErrorKind::NotADirectory => "a part of its path is not a directory",
        ErrorKind::DirectoryNotEmpty => "the directory is not empty",
        ErrorKind::InvalidFilename => "its name is too long or not valid",
        ErrorKind::StorageFull => "the disk is full",
        ErrorKind::QuotaExceeded => "the disk quota is used up",
        ErrorKind::FileTooLarge => "the file would be too large",
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only",
        ErrorKind::ExecutableFileBusy => "another process is writing to it",
        ErrorKind::ResourceBusy => "it is in use",
        ErrorKind::AddrInUse => "the address is in use",
        ErrorKind::AddrNotAvailable => "the address is not available on this machine",
        ErrorKind::ConnectionRefused => "connection refused",
        ErrorKind::ConnectionReset => "the connection was reset",
        ErrorKind::ConnectionAborted => "the connection was aborted",
        ErrorKind::BrokenPipe => "the reader has closed it",
        ErrorKind::NotConnected => "it is not connected",
        ErrorKind::HostUnreachable => "the host is unreachable",
        ErrorKind::NetworkUnreachable => "the network is unreachable",
        ErrorKind::NetworkDown => "the network is down",
        ErrorKind::TimedOut => "no answer in time",
        ErrorKind::WouldBlock => "it is not ready",
        ErrorKind::UnexpectedEof => "it ends too early",
        ErrorKind::OutOfMemory => "there is not enough memory",
        ErrorKind::Unsupported => "this system does not support it",
        // Of text that was read; the system itself has no such error.
        ErrorKind::InvalidData if error.raw_os_error().is_none() => "it is not UTF-8 text",
        _ => return other(error),
    };
    words.to_owned()
}

fn other(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(NO_SUCH_PROCESS) => return "there is no such process".to_owned(),
        Some(NO_EXECUTABLE) => {
            return "it is not a program for this machine, or a script without a `#!` line"
                .to_owned();
        }
        Some(FILES_OF_SYSTEM | FILES_OF_PROCESS) => return "too many files are open".to_owned(),
        _ => {}
    }
    let text = error.to_string();
    let text = match text.rsplit_once(" (os error ") {
        Some((words, _)) => words,
        None => &text,
    };
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_lowercase().chain(letters).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_error_of_the_system_shows_a_number() {
        for code in 1..140 {
            let words = plain_words(&io::Error::from_raw_os_error(code));
            assert!(!words.contains("os error"), "{code}: {words}");
            assert!(
                !words.is_empty() && !words.starts_with(char::is_uppercase),
                "{words}"
            );
        }
    }

    #[test]
    fn what_people_meet_most_is_in_plain_words() {
        let of = |code| plain_words(&io::Error::from_raw_os_error(code));
        assert_eq!(of(2), "it does not exist");
        assert_eq!(of(13), "permission denied");
        assert_eq!(of(28), "the disk is full");
        assert_eq!(of(24), "too many files are open");
        assert!(of(8).contains("not a program"));
        assert_eq!(
            plain_words(&ErrorKind::TimedOut.into()),
            "no answer in time"
        );
    }

    #[test]
    fn an_error_that_says_more_keeps_its_words() {
        let own = io::Error::other("the server closed the connection");
        assert_eq!(plain_words(&own), "the server closed the connection");
        for (why, expected) in [
            ("Name or service not known", "the name is not known"),
            (
                "Temporary failure in name resolution",
                "no name server answers",
            ),
        ] {
            let of_resolver = io::Error::other(format!("{RESOLVER}{why}"));
            assert_eq!(plain_words(&of_resolver), expected);
        }
        let text = String::from_utf8(vec![0xff])
            .map_err(|error| io::Error::new(ErrorKind::InvalidData, error));
        assert!(plain_words(&text.unwrap_err()).contains("utf-8"));
    }
}
