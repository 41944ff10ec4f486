//! Where JSON goes: opened before anything is measured, so that a wrong path costs nothing.

use crate::exit::{Failure, usage};
use crate::output::{self, OutputFile};
use anyhow::{Context, anyhow};
use serde::Serialize;
use std::path::Path;

/// The target of `--json`.
pub(crate) enum JsonOutput {
    /// `-`
    Stdout,
    /// A file, which is replaced when the document is complete.
    File(Option<OutputFile>),
}

impl JsonOutput {
    /// Opens what `--json` names.
    pub(crate) fn open(path: Option<&Path>) -> Result<Option<Self>, Failure> {
        match path {
            None => Ok(None),
            Some(path) if path.as_os_str() == "-" => Ok(Some(JsonOutput::Stdout)),
            Some(path) => match OutputFile::open(path) {
                Ok(file) => Ok(Some(JsonOutput::File(Some(file)))),
                Err(error) => Err(usage(output::cannot_write("--json", path, &error))),
            },
        }
    }

    fn write(&mut self, text: &str) -> anyhow::Result<()> {
        match self {
            JsonOutput::Stdout => super::print(text).context("cannot write the result"),
            JsonOutput::File(file) => {
                let Some(file) = file.take() else {
                    return Ok(());
                };
                let path = file.path().to_owned();
                let written = file.write(text);
                written.map_err(|error| anyhow!(output::cannot_write("--json", &path, &error)))
            }
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
