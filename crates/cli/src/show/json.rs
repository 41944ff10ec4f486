//! Where JSON goes: opened before anything is measured, so that a wrong path costs nothing.

use crate::exit::{Failure, usage};
use anyhow::Context;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The target of `--json`.
pub(crate) enum JsonOutput {
    /// `-`
    Stdout,
    /// A file, created anew.
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

    /// Writes the document.
    pub(crate) fn write(&mut self, text: &str) -> anyhow::Result<()> {
        match self {
            JsonOutput::Stdout => super::print(text).context("cannot write the result"),
            JsonOutput::File(path, file) => file
                .write_all(text.as_bytes())
                .with_context(|| format!("cannot write {}", path.display())),
        }
    }

    /// Does standard output belong to the document?
    pub(crate) fn is_stdout(&self) -> bool {
        matches!(self, JsonOutput::Stdout)
    }
}
