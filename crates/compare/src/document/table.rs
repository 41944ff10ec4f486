//! Comma-separated values (RFC 4180) and tab-separated ones.

use super::{Layout, array, lines, object, string};
use crate::json::Json;
use std::collections::BTreeSet;

/// The most columns that a row may have.
const COLUMNS: usize = 16_384;

/// The rows by column where the first row names the columns, else by position. `None` where a quote
/// is never closed.
pub(super) fn read(text: &str, tabs: bool, layout: &mut Layout) -> Option<Json> {
    lines::note_ends(text, layout);
    let separator = separator(text, tabs);
    let usual = if tabs { '\t' } else { ',' };
    // A reader of the file expects what its type says.
    if separator != usual {
        layout.note(format!("separator {separator:?}"));
    }
    let rows = rows(text, separator)?;
    let Some((header, rest)) = rows.split_first().filter(|(first, _)| is_header(first)) else {
        let rows = rows.iter().map(|row| positional(row)).collect();
        return Some(object(vec![("rows".into(), array(rows))]));
    };
    let named = |row: &Vec<String>| match row.len() == header.len() {
        true => {
            let cells = header.iter().zip(row);
            object(
                cells
                    .map(|(name, cell)| (name.as_str().into(), string(cell)))
                    .collect(),
            )
        }
        false => positional(row),
    };
    Some(object(vec![
        ("header".into(), positional(header)),
        ("rows".into(), array(rest.iter().map(named).collect())),
    ]))
}

fn positional(row: &[String]) -> Json {
    array(row.iter().map(|cell| string(cell)).collect())
}

/// The separator that the first line has most of.
fn separator(text: &str, tabs: bool) -> char {
    let first = lines::of(text).next().unwrap_or_default();
    let count = |c: char| first.matches(c).count();
    match () {
        () if tabs || count('\t') > count(',') => '\t',
        () if count(';') > count(',') => ';',
        () => ',',
    }
}

/// Names, each once, and none of them a number.
fn is_header(row: &[String]) -> bool {
    let names: BTreeSet<&String> = row.iter().collect();
    let is_name = |cell: &String| !cell.trim().is_empty() && cell.trim().parse::<f64>().is_err();
    names.len() == row.len() && row.iter().all(is_name)
}

fn rows(text: &str, separator: char) -> Option<Vec<Vec<String>>> {
    let mut rows = Vec::new();
    let (mut row, mut cell) = (Vec::new(), String::new());
    let (mut is_quoted, mut was_quoted) = (false, false);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if is_quoted => is_quoted = false,
            c if is_quoted => cell.push(c),
            '"' if cell.is_empty() && !was_quoted => (is_quoted, was_quoted) = (true, true),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' => {
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
                was_quoted = false;
            }
            c if c == separator => {
                if row.len() >= COLUMNS {
                    return None;
                }
                row.push(std::mem::take(&mut cell));
                was_quoted = false;
            }
            c => cell.push(c),
        }
    }
    if is_quoted {
        return None;
    }
    if !cell.is_empty() || !row.is_empty() || was_quoted {
        row.push(cell);
        rows.push(row);
    }
    Some(rows)
}
