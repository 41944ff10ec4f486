//! The hidden command that runs the commands of a trial: small, because a program takes over the peak memory of the
//! process that starts it.

use std::process::ExitCode;

/// The name of the command.
const NAME: &str = "launch-commands";

/// How it is started.
pub(crate) fn command() -> Vec<String> {
    ["/proc/self/exe", NAME].map(str::to_owned).into()
}

/// Serves, if that is what this process was started for. Arguments are not parsed before: that alone would double what
/// the process holds.
pub(crate) fn serve() -> Option<ExitCode> {
    let is_asked = std::env::args_os().nth(1).is_some_and(|name| name == NAME);
    is_asked.then(|| match understudy_subject_command::serve() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            crate::show::line(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    })
}
