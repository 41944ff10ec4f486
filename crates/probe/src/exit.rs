use std::fmt;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// What it returned or what ended it.
    pub how: How,
    /// Its cgroup counted at least one kill because the memory limit was reached.
    pub out_of_memory: bool,
}

/// The ways in which a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It returned this code.
    Code(i32),
    /// This signal ended it.
    Signal(i32),
    /// It is gone, and something else in this program took its exit status.
    Unknown,
}

impl Exit {
    /// It returned 0.
    pub fn success(self) -> bool {
        self.how == How::Code(0)
    }

    /// The code it returned; `None` if a signal ended it.
    pub fn code(self) -> Option<i32> {
        match self.how {
            How::Code(code) => Some(code),
            How::Signal(_) | How::Unknown => None,
        }
    }

    /// The signal that ended it.
    pub fn signal(self) -> Option<i32> {
        match self.how {
            How::Code(_) | How::Unknown => None,
            How::Signal(signal) => Some(signal),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.how {
            How::Code(code) => write!(f, "exit code {code}")?,
            How::Signal(signal) => write!(f, "ended by signal {signal}{}", name(signal))?,
            How::Unknown => f.write_str("ended, for an unknown reason")?,
        }
        if self.out_of_memory {
            f.write_str(", its memory limit was reached")
        } else {
            Ok(())
        }
    }
}

/// The names of the signals that end programs, the same number on every Linux and BSD.
fn name(signal: i32) -> &'static str {
    match signal {
        1 => " (SIGHUP)",
        2 => " (SIGINT)",
        3 => " (SIGQUIT)",
        4 => " (SIGILL)",
        6 => " (SIGABRT)",
        8 => " (SIGFPE)",
        9 => " (SIGKILL)",
        11 => " (SIGSEGV)",
        13 => " (SIGPIPE)",
        15 => " (SIGTERM)",
        _ => "",
    }
}
