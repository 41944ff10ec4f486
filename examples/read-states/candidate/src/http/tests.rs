use super::*;
use axum::http::Request;
use http_body_util::BodyExt;
use tower::ServiceExt;

struct Answer {
    status: u16,
    body: String,
    headers: axum::http::HeaderMap,
}

async fn send(router: &Router, method: &str, path: &str, body: &str) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .body(body.to_owned())
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Answer {
        status,
        body: String::from_utf8(body.into()).unwrap(),
        headers,
    }
}

/// Sends the steps in order; an answer is the whole body, or a part of it after `~`.
async fn check(steps: &[(&str, &str, &str, u16, &str)]) {
    let router = router(Arc::new(Store::new(1000)));
    for (method, path, body, status, wanted) in steps {
        let answer = send(&router, method, path, body).await;
        assert_eq!(
            answer.status, *status,
            "{method} {path} {body}: {}",
            answer.body
        );
        match wanted.strip_prefix('~') {
            Some(part) => assert!(
                answer.body.contains(part),
                "{method} {path}: {}",
                answer.body
            ),
            None => assert_eq!(answer.body, *wanted, "{method} {path}"),
        }
        assert_eq!(answer.headers[CONTENT_TYPE], "application/json");
        assert_eq!(answer.headers[CACHE_CONTROL], "no-store");
    }
}

#[tokio::test]
async fn read_states_move_forward_only() {
    let path = "/users/1/channels/2/read-state";
    let at_50 =
        r#"{"user_id":"1","channel_id":"2","last_message_id":"50","mention_count":3,"version":1}"#;
    let at_end = r#"{"user_id":"1","channel_id":"2","last_message_id":"18446744073709551615","mention_count":0,"version":2}"#;
    check(&[
        ("GET", path, "", 404, "~unknown_read_state"),
        (
            "PUT",
            path,
            r#"{"last_message_id":"50","mention_count":3}"#,
            201,
            at_50,
        ),
        ("PUT", path, r#"{"last_message_id":"40"}"#, 200, at_50),
        (
            "PUT",
            path,
            r#"{"last_message_id":"18446744073709551615"}"#,
            200,
            at_end,
        ),
        (
            "POST",
            "/users/1/channels/2/mentions",
            r#"{"count":7}"#,
            200,
            r#"~"mention_count":7,"version":3"#,
        ),
        ("GET", path, "", 200, r#"~"mention_count":7,"version":3"#),
        (
            "POST",
            "/users/1/channels/9/mentions",
            r#"{"count":1}"#,
            201,
            r#"~"last_message_id":"0""#,
        ),
    ])
    .await;
}

#[tokio::test]
async fn lists_are_sorted_and_limited() {
    let put = r#"{"last_message_id":"5"}"#;
    let first = r#"{"user_id":"1","read_states":[{"user_id":"1","channel_id":"9","last_message_id":"5","mention_count":0,"version":1}]}"#;
    check(&[
        (
            "GET",
            "/users/1/read-states",
            "",
            200,
            r#"{"user_id":"1","read_states":[]}"#,
        ),
        ("PUT", "/users/1/channels/10/read-state", put, 201, "~"),
        ("PUT", "/users/1/channels/9/read-state", put, 201, "~"),
        (
            "GET",
            "/users/1/read-states",
            "",
            200,
            r#"~"version":1},{"user_id":"1","channel_id":"10""#,
        ),
        ("GET", "/users/1/read-states?limit=1", "", 200, first),
        (
            "GET",
            "/users/1/read-states?limit=0",
            "",
            400,
            "~invalid_limit",
        ),
        (
            "GET",
            "/users/1/read-states?limit=many",
            "",
            400,
            "~invalid_limit",
        ),
    ])
    .await;
}

#[tokio::test]
async fn wrong_requests_are_refused() {
    let path = "/users/1/channels/2/read-state";
    let long = " ".repeat(5000);
    check(&[
        ("GET", "/", "", 404, "~not_found"),
        (
            "GET",
            "/users/1/channels/2/read-state/",
            "",
            404,
            "~not_found",
        ),
        (
            "GET",
            "/users//channels/2/read-state",
            "",
            400,
            "~invalid_id",
        ),
        ("DELETE", path, "", 405, "~method_not_allowed"),
        ("POST", "/healthz", "", 405, "~method_not_allowed"),
        (
            "GET",
            "/users/01/channels/2/read-state",
            "",
            400,
            "~invalid_id",
        ),
        (
            "GET",
            "/users/18446744073709551616/read-states",
            "",
            400,
            "~invalid_id",
        ),
        (
            "PUT",
            path,
            r#"{"last_message_id":"5""#,
            400,
            "~invalid_body",
        ),
        (
            "PUT",
            path,
            r#"{"last_message_id":5}"#,
            400,
            "~invalid_body",
        ),
        (
            "PUT",
            path,
            r#"{"last_message_id":"5"} {}"#,
            400,
            "~invalid_body",
        ),
        (
            "PUT",
            path,
            r#"{"last_message_id":"5","colour":1}"#,
            400,
            "~invalid_body",
        ),
        ("PUT", path, r#"["5",1]"#, 400, "~invalid_body"),
        ("PUT", path, r#"{"mention_count":5}"#, 400, "~invalid_body"),
        (
            "PUT",
            path,
            r#"{"last_message_id":"5","mention_count":-1}"#,
            400,
            "~invalid_body",
        ),
        ("PUT", path, &long, 413, "~body_too_large"),
        (
            "POST",
            "/users/1/channels/2/mentions",
            r#"{"count":0}"#,
            400,
            "~invalid_body",
        ),
        (
            "POST",
            "/users/1/channels/2/mentions",
            "",
            400,
            "~invalid_body",
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_405_names_what_is_allowed() {
    let router = router(Arc::new(Store::new(1)));
    let answer = send(&router, "DELETE", "/users/1/channels/2/read-state", "").await;
    assert_eq!(
        (answer.status, &answer.headers[ALLOW]),
        (405, &"GET, HEAD, PUT".parse().unwrap())
    );
}
