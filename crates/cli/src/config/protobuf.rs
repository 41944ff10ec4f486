//! `[compare.protobuf]`: what bodies mean that are protocol buffers.

use super::reader::Section;
use std::path::{Path, PathBuf};
use understudy_compare::{Messages, MessagesError};
use understudy_trial::config::ProtobufConfig;

/// Reads the section; nothing where there is none. `file` reads the path of a key. Names are looked up if the file `is_there`.
pub(super) fn read(
    compare: &mut Section<'_>,
    file: impl Fn(&mut Section<'_>, &'static str) -> Option<PathBuf>,
    is_there: bool,
) -> Option<(ProtobufConfig, Messages)> {
    let mut section = compare.section("protobuf");
    if !section.is_there() {
        return None;
    }
    section.need(
        &["descriptors"],
        "write the file that protoc --include_imports --descriptor_set_out=FILE made",
    );
    let descriptors = file(&mut section, "descriptors");
    let read = descriptors.as_deref().filter(|_| is_there).map(messages);
    let known = match read {
        Some(Err(why)) => {
            section.refuse("descriptors", why);
            None
        }
        Some(Ok(messages)) => Some(messages),
        None => None,
    };
    let is_known = known.is_some();
    let mut messages = known.unwrap_or_default();
    let mut named = Vec::new();
    for mut one in section.sections("message") {
        one.need(
            &["type"],
            "write the message, such as type = \"shop.Order\"",
        );
        let operation = one.text("operation").unwrap_or("*").to_owned();
        if let Some(name) = one.text("type") {
            if is_known && let Err(why) = messages.name(operation.clone(), name) {
                one.refuse("type", why);
            }
            named.push((operation, name.to_owned()));
        }
        one.finish();
    }
    section.finish();
    let descriptors = descriptors?;
    Some((ProtobufConfig { descriptors, named }, messages))
}

/// The messages of a configuration that was read.
///
/// # Errors
/// The file has changed since.
pub(crate) fn messages_of(config: &ProtobufConfig) -> Result<Messages, String> {
    let path = &config.descriptors;
    let wrong = |why: MessagesError| format!("{path:?} {why}");
    let mut messages = messages(path)?;
    for (operation, name) in &config.named {
        messages.name(operation.clone(), name).map_err(wrong)?;
    }
    Ok(messages)
}

fn messages(path: &Path) -> Result<Messages, String> {
    let bytes = std::fs::read(path).map_err(|error| {
        let why = understudy_model::plain_words(&error);
        format!("cannot read {path:?}: {why}")
    })?;
    Messages::read(&bytes).map_err(|why| format!("{path:?} {why}"))
}
