//! Document types and the XML declaration, without what their writing leaves open: white space, quotes, case.

/// What ends a declaration: one with declarations in brackets ends behind them.
pub(super) fn end(rest: &str, may_have_declarations: bool) -> &'static str {
    let bracket = rest
        .find(['[', '>'])
        .filter(|at| rest[*at..].starts_with('['));
    match bracket {
        Some(_) if may_have_declarations && rest.contains("]>") => "]>",
        _ => ">",
    }
}

/// `DOCTYPE html PUBLIC "..." "..."`: HTML has no case in the name and the keywords, the identifiers have one. Anything
/// else as it is written.
pub(super) fn doctype(inner: &str, is_html: bool) -> String {
    let is_doctype = match inner.get(..7) {
        Some(keyword) if is_html => keyword.eq_ignore_ascii_case("doctype"),
        keyword => keyword == Some("DOCTYPE"),
    };
    let Some(tokens) = tokens(inner).filter(|_| is_doctype && !inner.contains('[')) else {
        return inner.to_owned();
    };
    let one = |token: Token<'_>| match token {
        Token::Word(word) if is_html => word.to_ascii_lowercase(),
        Token::Word(word) => word.to_owned(),
        Token::Quoted(text) => format!("{text:?}"),
    };
    tokens.into_iter().map(one).collect::<Vec<_>>().join(" ")
}

/// An instruction; of the XML declaration the name of the encoding has no case (XML, section 4.3.3).
pub(super) fn instruction(inner: &str) -> String {
    let is_declaration = inner
        .strip_prefix("xml")
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_whitespace()));
    let Some(tokens) = tokens(inner).filter(|_| is_declaration) else {
        return inner.to_owned();
    };
    let mut out = String::new();
    let mut is_encoding = false;
    for token in tokens {
        match token {
            Token::Word("=") => out.push('='),
            Token::Word(word) => {
                is_encoding = word == "encoding";
                out.push_str(if out.is_empty() { "" } else { " " });
                out.push_str(word);
            }
            Token::Quoted(text) if is_encoding => {
                out.push_str(&format!("{:?}", text.to_ascii_lowercase()));
            }
            Token::Quoted(text) => out.push_str(&format!("{text:?}")),
        }
    }
    out
}

enum Token<'t> {
    Word(&'t str),
    Quoted(&'t str),
}

/// Words, signs of equality and texts in quotes. `None` where a quote is not closed.
fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_ascii_start();
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '"' | '\'' => {
                let (inner, behind) = rest[1..].split_once(first)?;
                tokens.push(Token::Quoted(inner));
                behind
            }
            '=' => {
                tokens.push(Token::Word("="));
                &rest[1..]
            }
            _ => {
                let is_end = |c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\'' | '=');
                let (word, behind) = rest.split_at(rest.find(is_end).unwrap_or(rest.len()));
                tokens.push(Token::Word(word));
                behind
            }
        };
        rest = rest.trim_ascii_start();
    }
    Some(tokens)
}
