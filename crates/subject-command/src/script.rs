//! Lines that a shell reads: how the name of an input file is written in one, and which files it names.

use crate::cases::{Input, PLACEHOLDER, inside};
use glob::{MatchOptions, Pattern};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use understudy_probe::split_command;
use understudy_redact::shell_word;

/// Most bytes of the files that a line names together: each run gets copies of them.
const MAX_NAMED: u64 = 64 << 20;
/// Most files that a line names.
const MAX_FILES: usize = 10_000;
/// What ends a word of a line, whatever is around it.
const ENDS: &str = "|&;()<>\"'`=";
/// What makes the place of a word other than a plain one: within quotes, behind a backslash, in a here-document.
const QUOTES: [&str; 5] = ["\"", "'", "`", "\\", "<<"];

/// The line with the name of an input file in place of `{in}`: as one word, whatever is in the name. The shell would
/// run what a name such as `$(x).txt` says.
///
/// # Errors
/// Cause and hint: the name needs quotes, and the line has quotes before it already.
pub(crate) fn with_input(line: &str, input: &str) -> Result<String, String> {
    let word = shell_word(input);
    let before = line.rfind(PLACEHOLDER).map_or("", |at| &line[..at]);
    if word != input && QUOTES.iter().any(|quote| before.contains(quote)) {
        return Err(format!(
            "the name {input:?} needs quotes, and where `{PLACEHOLDER}` is the line may have quotes already\nhint: write \
             `{PLACEHOLDER}` before the first quote of the line, rename the file, or run a script that gets it as an argument"
        ));
    }
    Ok(line.replace(PLACEHOLDER, &word))
}

/// The files of a folder that a line names, by name or by pattern: a run gets copies of them where the line looks for
/// them, in its own directory. A copy of a file that the line does not mean does no harm.
///
/// # Errors
/// Cause and hint: they are too large for that.
pub(crate) fn named_files(line: &str, dir: &Path) -> Result<BTreeMap<PathBuf, Input>, String> {
    let mut files = BTreeMap::new();
    for word in words(line) {
        let Ok(name) = inside(&word) else {
            continue;
        };
        match dir.join(&name) {
            path if path.is_file() => drop(files.insert(name, Input::File(path))),
            path if path.is_dir() => files.extend(within(&path, dir)),
            _ => files.extend(matching(&word, dir)),
        }
    }
    let sizes = files.values().filter_map(|input| match input {
        Input::File(path) => fs::metadata(path).ok(),
        Input::Text(_) => None,
    });
    let size: u64 = sizes.map(|data| data.len()).sum();
    if size > MAX_NAMED || files.len() > MAX_FILES {
        return Err(format!(
            "the files and folders that the shell line names are too large: each run gets copies, of up to {} MiB in \
             {MAX_FILES} files\nhint: name large ones with their absolute paths",
            MAX_NAMED >> 20
        ));
    }
    Ok(files)
}

/// The absolute paths of files that a line names.
pub(crate) fn absolute_files(line: &str) -> Vec<PathBuf> {
    let paths = words(line).into_iter().map(PathBuf::from);
    paths
        .filter(|path| path.is_absolute() && path.is_file())
        .collect()
}

/// What may be names of files: the words of the line, and its pieces between what a shell gives a meaning to.
fn words(line: &str) -> BTreeSet<String> {
    let ends = |c: char| c.is_whitespace() || ENDS.contains(c);
    let pieces = line.split(ends).map(str::to_owned);
    let words = split_command(line).unwrap_or_default();
    let all = pieces.chain(words);
    all.filter(|word| !word.is_empty() && !word.starts_with('-'))
        .collect()
}

/// The files in a folder, up to one more than are copied. Links to folders are not followed.
fn within(folder: &Path, dir: &Path) -> Vec<(PathBuf, Input)> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                open.push(path);
            } else if path.is_file()
                && let Ok(name) = path.strip_prefix(dir)
            {
                files.push((name.to_owned(), Input::File(path)));
            }
        }
        if files.len() > MAX_FILES {
            break;
        }
    }
    files
}

/// The files that a pattern of a shell matches.
fn matching(pattern: &str, dir: &Path) -> BTreeMap<PathBuf, Input> {
    let options = MatchOptions {
        require_literal_leading_dot: true,
        ..MatchOptions::default()
    };
    if !pattern.contains(['*', '?', '[']) || pattern.contains("**") {
        return BTreeMap::new();
    }
    let whole = Path::new(&Pattern::escape(&dir.to_string_lossy())).join(pattern);
    let found = glob::glob_with(&whole.to_string_lossy(), options);
    let paths = found.into_iter().flatten().flatten();
    paths
        .filter(|path| path.is_file())
        .filter_map(|path| {
            let name = path.strip_prefix(dir).ok()?.to_owned();
            Some((name, Input::File(path)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_input_stays_one_word() {
        let odd = "it's $(touch x) `y` \"z\" $HOME;.txt";
        let line = with_input("printf '%s|' {in}", "plain.txt").unwrap();
        assert_eq!(line, "printf '%s|' plain.txt");
        let line = with_input("printf %s. {in} b", odd).unwrap();
        let ran = std::process::Command::new("sh")
            .args(["-c", &line])
            .output();
        let printed = String::from_utf8(ran.unwrap().stdout).unwrap();
        assert_eq!(printed, format!("{odd}.b."));
        for line in [
            "cat \"{in}\"",
            "cat '{in}'",
            "cat <<E\n{in}\nE\n",
            "echo \\{in}",
        ] {
            let refused = with_input(line, odd).unwrap_err();
            assert!(refused.contains("\nhint: "), "{refused}");
            assert!(with_input(line, "plain.txt").is_ok());
        }
        // The name of a file may look like the placeholder.
        assert_eq!(with_input("cat {in}", "{in}").unwrap(), "cat '{in}'");
    }

    #[test]
    fn files_are_found_in_every_place_of_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        fs::create_dir(dir.join("d")).unwrap();
        for name in ["a.txt", "b c.txt", "d/e.json", "d/.f.json", "awk", "unused"] {
            fs::write(dir.join(name), "x").unwrap();
        }
        let named = |line: &str| {
            let files = named_files(line, dir).unwrap();
            let names = files.into_keys().map(|name| name.display().to_string());
            names.collect::<Vec<_>>()
        };
        assert_eq!(named("sort <a.txt|tr a b"), ["a.txt"]);
        assert_eq!(
            named("x --file=./a.txt; cat 'b c.txt'"),
            ["a.txt", "b c.txt"]
        );
        assert_eq!(named("cat d/*.json | wc -l"), ["d/e.json"]);
        assert_eq!(named("cat ../x /etc/passwd . -a.txt"), [""; 0]);
        assert_eq!(named("grep -r x d | wc -l"), ["d/.f.json", "d/e.json"]);
        assert_eq!(named("echo \"$(cat a.txt)\""), ["a.txt"]);
        let large = fs::File::create(dir.join("large")).unwrap();
        large.set_len(MAX_NAMED + 1).unwrap();
        let refused = named_files("cat large", dir).unwrap_err();
        assert!(refused.contains("\nhint: "), "{refused}");
        let absolute = dir.join("a.txt").display().to_string();
        assert_eq!(
            absolute_files(&format!("cat <{absolute} a.txt")),
            [PathBuf::from(absolute)]
        );
    }
}
