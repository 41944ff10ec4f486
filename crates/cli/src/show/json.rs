//! Where JSON goes: opened before anything is measured, so that a wrong path costs nothing.

use crate::exit::{Failure, usage};
use anyhow::Context;
use serde::Serialize;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The target of `--json`.
pub(crate) enum JsonOutput {
    /// `-`
    Stdout,
    /// A new file.
    File(PathBuf, File),
}

impl JsonOutput {
    /// Opens what `--json` names.
    pub(crate) fn open(path: Option<&Path>) -> Result<Option<Self>, Failure> {
        match path {
            None => Ok(None),
            Some(path) if path.as_os_str() == "-" => Ok(Some(JsonOutput::Stdout)),
            Some(path) => match File::create(path) {
                Ok(file) => Ok(Some(JsonOutput::File(path.to_owned(), file))),
                Err(error) => {
                    let shown = path.display();
                    Err(usage(format!("--json: cannot write {shown}: {error}")))
                }
            },
        }
    }

    fn write(&mut self, text: &str) -> anyhow::Result<()> {
        match self {
            JsonOutput::Stdout => super::print(text).context("cannot write the result"),
            JsonOutput::File(path, file) => file
                .write_all(text.as_bytes())
                .with_context(|| format!("cannot write {}", path.display())),
        }
    }
}

/// Writes the document where `--json` asks for it. True: standard output belongs to it, and nothing else
/// goes there.
pub(crate) fn deliver(
    json: Option<&mut JsonOutput>,
    document: &impl Serialize,
) -> anyhow::Result<bool> {
    let Some(json) = json else {
        return Ok(false);
    };
    let text = serde_json::to_string_pretty(document).context("the result is not JSON")?;
    json.write(&(text + "\n"))?;
    Ok(matches!(json, JsonOutput::Stdout))
}
