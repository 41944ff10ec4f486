//! Faults in bodies that are not JSON: in the words and numbers of a text, in its lines (records, events, rows), in
//! elements of markup, in bytes.

use super::{Fault, off, other, recased, scaled, shifted};
use crate::character;
use crate::document;
use crate::json::Value;
use crate::relation::{Identifier, Plain, identifier};
use crate::text::tokens;
use std::borrow::Cow;

/// The body with this fault in it, at a place that `draw` decides; `None` if it has no place for it.
pub(super) fn inject(body: &[u8], is_markup: bool, fault: Fault, draw: u64) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(body)
        .ok()
        .filter(|text| !text.contains('\0'));
    let Some(text) = text else {
        return bytes(body, fault, draw);
    };
    let changed = match fault {
        Fault::ItemMissing | Fault::ItemDuplicated | Fault::ItemsSwapped => {
            lines(text, fault, draw)?
        }
        Fault::ElementMissing if is_markup => element_missing(text, draw)?,
        _ => token(text, fault, draw)?,
    };
    Some(changed.into_bytes())
}

fn bytes(body: &[u8], fault: Fault, draw: u64) -> Option<Vec<u8>> {
    let at = usize::try_from(draw.checked_rem(body.len() as u64)?).ok()?;
    let mut body = body.to_vec();
    match fault {
        Fault::ByteChanged => body[at] ^= 1,
        Fault::ByteMissing => drop(body.remove(at)),
        _ => return None,
    }
    Some(body)
}

/// What a fault makes of a token.
fn changed(fault: Fault, token: &str) -> Option<String> {
    let is_number = token.parse::<f64>().is_ok() && !token.contains(['e', 'E', 'n', 'N']);
    let is_word = token.len() > 1 && token.chars().all(char::is_alphabetic);
    match fault {
        Fault::NumberOff if is_number => Some(off(token)),
        Fault::NumberScaled if is_number => scaled(token),
        Fault::CaseChanged if is_word => recased(token),
        Fault::TextTruncated if is_word => {
            let mut token = token.to_owned();
            token.pop();
            Some(token)
        }
        Fault::TimeShifted => match shifted(&Value::String(token.into()))? {
            Value::String(text) => Some(text.into()),
            _ => None,
        },
        Fault::IdentifierChanged => {
            let kind = identifier("", Plain::Text(token))?;
            (kind == Identifier::Long && !character::of_text(token).0.starts_with("timestamp"))
                .then(|| other(token))
        }
        _ => None,
    }
    .filter(|changed| changed != token)
}

fn token(text: &str, fault: Fault, draw: u64) -> Option<String> {
    let tokens = tokens(text);
    let fits = |at: &usize| changed(fault, tokens[*at]).is_some();
    let places: Vec<usize> = (0..tokens.len()).filter(fits).collect();
    let at = places[usize::try_from(draw.checked_rem(places.len() as u64)?).ok()?];
    let word = changed(fault, tokens[at])?;
    let all = tokens.iter().enumerate();
    Some(
        all.map(|(i, token)| if i == at { &word } else { *token })
            .collect(),
    )
}

/// A line that is missing, there twice, or has changed places with the next one.
fn lines(text: &str, fault: Fault, draw: u64) -> Option<String> {
    let mut all: Vec<Cow<'_, str>> = document::lines_of(text).map(Cow::Borrowed).collect();
    let places: Vec<usize> = (0..all.len().saturating_sub(1))
        .filter(|at| !all[*at].trim().is_empty() && all[*at] != all[at + 1])
        .collect();
    let at = places[usize::try_from(draw.checked_rem(places.len() as u64)?).ok()?];
    match fault {
        Fault::ItemMissing => drop(all.remove(at)),
        Fault::ItemDuplicated => all.insert(at, all[at].clone()),
        _ => all.swap(at, at + 1),
    }
    let end = if text.ends_with('\n') { "\n" } else { "" };
    Some(all.join("\n") + end)
}

/// An element without elements in it is missing.
fn element_missing(text: &str, draw: u64) -> Option<String> {
    let leaf = |at: &usize| -> Option<(usize, usize)> {
        let tag = &text[at + 1..];
        let name = &tag[..tag.find(|c: char| !c.is_alphanumeric())?];
        let open = tag.find('>')?;
        let content = &tag[open + 1..];
        let next = content.find('<')?;
        let end = format!("</{name}>");
        let is_leaf = !name.is_empty() && content[next..].starts_with(&end) && next > 0;
        is_leaf.then_some((*at, at + 1 + open + 1 + next + end.len()))
    };
    let leaves: Vec<(usize, usize)> = text
        .match_indices('<')
        .map(|(at, _)| at)
        .filter_map(|at| leaf(&at))
        .collect();
    let (start, end) = leaves[usize::try_from(draw.checked_rem(leaves.len() as u64)?).ok()?];
    Some(format!("{}{}", &text[..start], &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Differ, Rules};
    use understudy_model::{Answer, Field, Outcome, Place};

    /// Every fault that a body of this type has a place for, as it is found.
    fn found(media: &str, body: &[u8]) -> Vec<&'static str> {
        let (rules, redact) = (Rules::default(), |_: Option<&Place>, text: &str| {
            text.to_owned()
        });
        let differ = Differ::new(&rules, &redact);
        let answer = crate::http::answer(
            200,
            vec![Field {
                name: "content-type".into(),
                value: media.into(),
            }],
            body.to_vec(),
            false,
        );
        let mut found = Vec::new();
        for fault in Fault::HTTP {
            let wrong = (0..20).filter_map(|draw| super::super::inject(&answer, *fault, draw));
            let wrong: Vec<Answer> = wrong.collect();
            for wrong in &wrong {
                let (a, b) = (
                    Outcome::Answered(answer.clone()),
                    Outcome::Answered(wrong.clone()),
                );
                assert!(
                    !differ.differences("GET /", &a, &b).is_empty(),
                    "{media} {}: {wrong:?}",
                    fault.name()
                );
            }
            if !wrong.is_empty()
                && !["status", "header_missing", "header_changed", "body_empty"]
                    .contains(&fault.name())
            {
                found.push(fault.name());
            }
        }
        found
    }

    #[test]
    fn faults_in_bodies_of_every_type_are_found_without_rules() {
        let text = "Hello Ann, total 12.50 at 2026-11-29T10:00:00Z by 6ba7b810-9dad-11d1-80b4-00c04fd430c8\nand more\n";
        let of_text = [
            "number_off",
            "number_scaled",
            "case_changed",
            "text_truncated",
            "time_shifted",
            "identifier_changed",
            "items_swapped",
            "item_missing",
            "item_duplicated",
        ];
        assert_eq!(found("text/plain", text.as_bytes()), of_text);
        assert_eq!(
            found("application/xml", b"<o><a>12</a>\n<b>word</b>\n</o>"),
            [
                "number_off",
                "number_scaled",
                "case_changed",
                "text_truncated",
                "items_swapped",
                "item_missing",
                "item_duplicated",
                "element_missing"
            ]
        );
        assert_eq!(
            found("text/csv", b"a,b\n1,2\n3,4\n"),
            [
                "number_off",
                "number_scaled",
                "items_swapped",
                "item_missing",
                "item_duplicated"
            ]
        );
        assert_eq!(
            found("application/x-ndjson", b"{\"n\":1}\n{\"n\":2}\n"),
            [
                "number_off",
                "number_scaled",
                "items_swapped",
                "item_missing",
                "item_duplicated"
            ]
        );
        assert_eq!(
            found("image/png", &[137, 0, 255, 7]),
            ["byte_changed", "byte_missing"]
        );
        assert!(found("text/plain", b"").is_empty());
    }
}
