//! A request as a command that people can run, without its secrets.

use understudy_redact::{Redactor, preview, shell_filled, shell_quoted};
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
        command.push(format!(
            "-H {}{}",
            shell_quoted(name),
            shell_filled(&format!(": {shown}"))
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
        assert!(command.ends_with("\"$URL\"'/a'\\''b?x=1'"), "{command}");
        assert!(command.starts_with("curl -sS -i -X PUT"), "{command}");
    }
}
