//! Compares two data sets and nothing else, for counting instructions:
//! `valgrind --tool=callgrind target/release/examples/work A B [KEY]`.

use std::path::PathBuf;
use understudy_compare::dataset::ChosenColumns;
use understudy_dataset::{Options, compare_files};

fn main() -> std::process::ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let mut path = || PathBuf::from(arguments.next().unwrap_or_default());
    let (a, b) = (path(), path());
    let key = arguments
        .next()
        .map(|key| key.to_string_lossy().into_owned());
    let options = Options {
        columns: ChosenColumns {
            key: key.into_iter().collect(),
            ..ChosenColumns::default()
        },
        filter: None,
        format: None,
        null: None,
        delimiter: None,
        threads: 1,
        memory: 192 << 20,
        passes: None,
        redact: &|_, text| text.to_owned(),
        stop: None,
        progress: &|_| {},
    };
    let rows = compare_files(&a, &b, &options).map(|report| report.a.rows + report.b.rows);
    std::process::ExitCode::from(u8::from(!rows.is_ok_and(|rows| rows > 0)))
}
