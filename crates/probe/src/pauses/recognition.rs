//! Which runtime a command starts.

use super::Runtime;
use object::{Object, ObjectSection, ObjectSymbol, ReadCache};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

pub(super) fn runtime(argv: &[String], dir: &Path) -> Option<Runtime> {
    let program = program(argv)?;
    by_name(program).or_else(|| by_file(&find(program, dir)?))
}

/// The program that a command runs: `env` and its assignments are passed over.
fn program(argv: &[String]) -> Option<&str> {
    let mut words = argv
        .iter()
        .map(String::as_str)
        .skip_while(|word| file_name(word) == "env" || word.contains('='));
    words.next()
}

/// By the name of a launcher that means one runtime and nothing else.
fn by_name(program: &str) -> Option<Runtime> {
    let name = file_name(program);
    // `python3.11` is `python`.
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    match stem {
        "java" => Some(Runtime::Jvm),
        "node" | "nodejs" | "npm" | "npx" | "yarn" | "pnpm" | "tsx" | "ts-node" => {
            Some(Runtime::Node)
        }
        "python" | "gunicorn" | "uvicorn" | "hypercorn" | "flask" => Some(Runtime::Python),
        "dotnet" => Some(Runtime::DotNet),
        _ => None,
    }
}

/// By what the file is: a script names its interpreter, the Go linker leaves a section, a .NET program
/// has its runtime in itself or a file next to it that says which one it starts.
fn by_file(path: &Path) -> Option<Runtime> {
    if let Some(interpreter) = interpreter(path) {
        let words: Vec<String> = interpreter.split_whitespace().map(str::to_owned).collect();
        return by_name(program(&words)?);
    }
    let file = ReadCache::new(File::open(path).ok()?);
    let file = object::File::parse(&file).ok()?;
    let of_go = |name: &str| name == ".go.buildinfo" || name == ".gopclntab";
    if file
        .sections()
        .any(|section| section.name().is_ok_and(of_go))
    {
        return Some(Runtime::Go);
    }
    let of_dotnet = |name: &str| name == "DotNetRuntimeInfo";
    let starts = path.with_file_name(format!(
        "{}.runtimeconfig.json",
        path.file_name()?.to_str()?
    ));
    let holds = || {
        file.dynamic_symbols()
            .any(|symbol| symbol.name().is_ok_and(of_dotnet))
    };
    (starts.is_file() || holds()).then_some(Runtime::DotNet)
}

fn interpreter(path: &Path) -> Option<String> {
    let mut first = Vec::new();
    let file = BufReader::new(File::open(path).ok()?);
    std::io::Read::take(file, 256)
        .read_until(b'\n', &mut first)
        .ok()?;
    let line = String::from_utf8(first).ok()?;
    line.strip_prefix("#!").map(|rest| rest.trim().to_owned())
}

/// The file of a program: relative to the folder if it has a slash, else from `PATH`.
fn find(program: &str, dir: &Path) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(dir.join(program));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

fn file_name(program: &str) -> &str {
    program.rsplit('/').next().unwrap_or(program)
}
