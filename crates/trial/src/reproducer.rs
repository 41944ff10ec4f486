//! A request as a command that people can run, without its secrets.

use understudy_redact::{Redactor, preview, shell_quoted};
use understudy_subject_http::WorkloadRequest;

/// Longest body that a command repeats.
const BODY_BYTES: usize = 2000;

/// The request as a curl command for `$URL`, the base of either side. Secret header values become
/// variables; `$TOKEN` stays `$TOKEN`.
pub(crate) fn curl(request: &WorkloadRequest, redactor: &Redactor) -> String {
    let mut command = vec!["curl".to_owned(), "-sS".to_owned(), "-i".to_owned()];
    if request.method == "HEAD" {
        command.push("--head".to_owned());
    } else if request.method != "GET" || !request.body.is_empty() {
        command.push(format!("-X {}", request.method));
    }
    for (name, value) in &request.headers {
        let shown = redactor.reproducible_field(name, value);
        // Double quotes, so that the shell fills variables in.
        command.push(format!(
            "-H {}\": {}\"",
            shell_quoted(name),
            in_double_quotes(&shown)
        ));
    }
    if !request.body.is_empty() {
        let text = redactor.redact_text(&String::from_utf8_lossy(&request.body));
        let shown = preview(text.as_bytes(), BODY_BYTES);
        let shown = with_variables(&shell_quoted(&shown), &request.variables);
        command.push(format!("--data-binary {shown}"));
    }
    let path = redactor.redact_text(&request.path);
    let path = with_variables(&shell_quoted(&path), &request.variables);
    command.push(format!("\"$URL\"{path}"));
    command.join(" ")
}

/// A text in single quotes that are interrupted where the shell shall fill a variable in.
fn with_variables(quoted: &str, names: &[String]) -> String {
    names.iter().fold(quoted.to_owned(), |text, name| {
        let variable = format!("${{{name}}}");
        text.replace(&variable, &format!("'\"{variable}\"'"))
    })
}

/// `$NAME` and `${NAME}` stay variables; no other `$` reaches the shell, least of all `$(`.
fn in_double_quotes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        let escaped = match c {
            '$' => !names_variable(rest),
            '\\' | '"' | '`' => true,
            _ => false,
        };
        if escaped {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Does a variable's name follow the dollar sign?
fn names_variable(after: &str) -> bool {
    let is_name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    match after.strip_prefix('{') {
        Some(braced) => braced
            .split_once('}')
            .is_some_and(|(name, _)| is_name(name)),
        None => after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_of_path_and_body_are_filled_in_by_the_shell() {
        let mut request = WorkloadRequest::get("/a?access_token=${TOKEN}&x=$y");
        request.method = "POST".to_owned();
        request.body = br#"{"password":"${TOKEN}","q":"$id"}"#.to_vec();
        let request = request
            .with_variables(vec!["TOKEN".to_owned()], &|_| Some("s3cret".to_owned()))
            .unwrap();
        assert_eq!(
            curl(&request, &Redactor::new([7; 16])),
            r#"curl -sS -i -X POST --data-binary '{"password":"'"${TOKEN}"'","q":"$id"}' "$URL"'/a?access_token='"${TOKEN}"'&x=$y'"#
        );
    }

    #[test]
    fn secrets_stay_out_and_variables_stay_variables() {
        let redactor = Redactor::new([7; 16]);
        let mut request = WorkloadRequest::get("/a'b?x=1");
        request.method = "PUT".to_owned();
        request.body = br#"{"password":"hunter2","n":1}"#.to_vec();
        let headers = vec![
            (
                "Authorization".to_owned(),
                "Bearer abcdefghijklmnop".to_owned(),
            ),
            ("X-Api-Key".to_owned(), "$TOKEN".to_owned()),
            ("Accept".to_owned(), "a\"b".to_owned()),
        ];
        let request = request
            .with_headers(headers, &|_| Some("s3cret".to_owned()))
            .unwrap();
        let command = curl(&request, &redactor);
        for secret in ["abcdefghijklmnop", "s3cret", "hunter2"] {
            assert!(!command.contains(secret), "{command}");
        }
        assert!(command.contains("-H 'X-Api-Key'\": $TOKEN\""), "{command}");
        assert!(command.contains("-H 'Accept'\": a\\\"b\""), "{command}");
        assert_eq!(
            in_double_quotes("$(rm) `x` $5 ${a b} $A ${B}"),
            "\\$(rm) \\`x\\` \\$5 \\${a b} $A ${B}"
        );
        assert!(command.ends_with("\"$URL\"'/a'\\''b?x=1'"), "{command}");
        assert!(command.starts_with("curl -sS -i -X PUT"), "{command}");
    }
}
