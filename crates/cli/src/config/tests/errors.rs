//! Every mistake has its line and says what to do; all are told at once.

use super::*;

/// Reads a text as if to run it, in a folder with nothing but `requests.jsonl`.
fn refused(text: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("requests.jsonl"), "").unwrap();
    let errors = parse(text, folder.path(), "trial.toml", Mode::Run(today())).unwrap_err();
    let path = format!("{}/", folder.path().display());
    errors
        .iter()
        .map(|error| error.replace(&path, "/lab/"))
        .collect()
}

#[track_caller]
fn check(text: &str, expected: &[&str]) {
    assert_eq!(refused(text), expected, "{text}");
}

/// Adds sections to a trial that is right otherwise; the first added line is line 6.
#[track_caller]
fn check_added(added: &str, expected: &[&str]) {
    check(&format!("{SMALLEST}{added}"), expected);
}

#[test]
fn nothing_at_all_is_told_what_is_missing() {
    check("", &[]);
}
