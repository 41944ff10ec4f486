//! Commands as subjects: tools and batch jobs that run once for each case.
//!
//! * [`Cases`] reads what is to be run: a line of JSON a case, or a file a case.
//! * A [`Workdir`] gives each run a fresh directory with the files of its case, and finds afterwards what the
//!   run has written, changed and removed.
//! * A [`Launcher`] is a small process that runs the commands of one side and measures each: a program takes
//!   over the peak memory of the process that starts it, so Understudy itself cannot be that process.
//! * [`warm`] and [`cold`] bring the files of a case into the page cache, or out of it.
//! * [`Ran`] is what came of a run: plain data.
//! * [`Outputs`] says how each output is compared, and [`answer`](fn@answer) makes of a run the answer that
//!   `understudy-compare` compares in its plain dialect.
//! * [`shell_line`] writes a run as a line that people can run.
//!
//! Nothing here compares or judges.

mod answer;
mod cache;
mod cases;
mod launcher;
mod outputs;
mod ran;
mod reproducer;
mod script;
mod side;
mod workdir;

pub use answer::{answer, name_of, shared_files};
pub use cache::{CacheError, cold, warm};
pub use cases::{Case, Cases, Input, command_line, file_cases, literal_pattern, script_line};
pub use launcher::{
    DEFAULT_PATH, Launcher, LauncherError, LauncherSetup, MAX_RUNS, Order, OutputLimits,
    environment, resolve, serve,
};
pub use outputs::{ANY_FRAMES, CLIP, ComparedAs, Outputs, Quality};
pub use ran::{Captured, Elsewhere, Ending, Figures, Floor, Ran, Refusal};
pub use reproducer::shell_line;
pub use side::{Command, CommandError, CommandSide, Executed, Placing};
pub use workdir::{Changes, Entry, Kind, MAX_CONTENT, Place, Tree, Workdir, WorkdirError};
