//! Which file a command names, and the environment it runs in.

use crate::{Ending, Refusal};
use rustix::fs::{Access, access};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use understudy_model::plain_words;

/// Where programs are looked for if nothing else is said.
pub const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The environment of a run: the same for both sides and on every machine, but for `PATH` and what the case
/// adds. `place` is where its directories are while it runs.
pub fn environment(
    path: &str,
    place: &Path,
    case: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let inside = |name: &str| place.join(name).to_string_lossy().into_owned();
    let fixed = [
        ("HOME", inside("home")),
        ("LC_ALL", "C".to_owned()),
        ("PATH", path.to_owned()),
        ("TMPDIR", inside("tmp")),
        ("TZ", "UTC".to_owned()),
    ];
    let fixed = fixed.map(|(name, value)| (name.to_owned(), value));
    let added = case
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()));
    fixed.into_iter().chain(added).collect()
}

/// The file that a command names: with a slash relative to `dir`, else in the directories of `path`. It is
/// looked up once, so that no run pays for it.
///
/// # Errors
/// An [`Ending::NotStarted`] with the reason.
pub fn resolve(program: &str, dir: &Path, path: &str) -> Result<PathBuf, Ending> {
    let refused = |why| Err(Ending::NotStarted(why));
    if program.contains('/') {
        let file = dir.join(program);
        return match found(&file) {
            Found::Program => Ok(file),
            Found::NotExecutable => refused(Refusal::NotExecutable {
                program: program.to_owned(),
            }),
            Found::Nothing => refused(Refusal::NotFound {
                program: program.to_owned(),
                path: None,
            }),
            Found::Unknown(why) => refused(Refusal::Other {
                program: program.to_owned(),
                why,
            }),
        };
    }
    let mut may_not = false;
    // An empty directory of `PATH` is the current one of a run, which holds no program of the side.
    for folder in path.split(':').filter(|folder| !folder.is_empty()) {
        match found(&dir.join(folder).join(program)) {
            Found::Program => return Ok(dir.join(folder).join(program)),
            Found::NotExecutable => may_not = true,
            Found::Nothing | Found::Unknown(_) => {}
        }
    }
    let program = program.to_owned();
    match may_not {
        true => refused(Refusal::NotExecutable { program }),
        false => refused(Refusal::NotFound {
            program,
            path: Some(path.to_owned()),
        }),
    }
}

enum Found {
    Program,
    NotExecutable,
    Nothing,
    Unknown(String),
}

fn found(file: &Path) -> Found {
    match fs::metadata(file) {
        Ok(data) if !data.is_file() => Found::NotExecutable,
        Ok(_) if access(file, Access::EXEC_OK).is_ok() => Found::Program,
        Ok(_) => Found::NotExecutable,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Found::Nothing,
        Err(error) => Found::Unknown(plain_words(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_program_is_found_or_the_reason_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path();
        fs::create_dir(dir.join("bin")).unwrap();
        let put = |name: &str, mode: u32| {
            fs::write(dir.join(name), "#!/bin/sh\n").unwrap();
            fs::set_permissions(dir.join(name), fs::Permissions::from_mode(mode)).unwrap();
        };
        put("bin/tool", 0o755);
        put("bin/text", 0o644);
        assert_eq!(resolve("bin/tool", dir, ""), Ok(dir.join("bin/tool")));
        assert_eq!(resolve("tool", dir, ":/none:bin"), Ok(dir.join("bin/tool")));
        let why = |program: &str| match resolve(program, dir, "bin") {
            Err(Ending::NotStarted(why)) => why.to_string(),
            other => format!("{other:?}"),
        };
        assert!(why("bin/text").starts_with("`bin/text` may not be executed\nhint: "));
        assert!(why("text").contains("may not be executed"));
        assert!(why("./bin").contains("may not be executed"));
        assert!(why("bin/gone").starts_with("`bin/gone` does not exist\nhint: "));
        assert!(why("gone").starts_with("`gone` is not in `PATH` (bin)\nhint: "));
        assert!(why("").contains("may not be executed"), "{}", why(""));
        assert!(why("bin/tool/x").contains("not a directory"));
    }

    #[test]
    fn the_environment_is_fixed_but_for_the_path_and_the_case() {
        let case = BTreeMap::from([
            ("LC_ALL".to_owned(), "de_DE.UTF-8".to_owned()),
            ("A".to_owned(), "b".to_owned()),
        ]);
        let found = environment("/bin", Path::new("/r/a/run"), &case);
        let expected = [
            ("A", "b"),
            ("HOME", "/r/a/run/home"),
            ("LC_ALL", "de_DE.UTF-8"),
            ("PATH", "/bin"),
            ("TMPDIR", "/r/a/run/tmp"),
            ("TZ", "UTC"),
        ];
        let found: Vec<(&str, &str)> = found
            .iter()
            .map(|(k, v)| (k.as_str(), v.as_str()))
            .collect();
        assert_eq!(found, expected);
    }
}
