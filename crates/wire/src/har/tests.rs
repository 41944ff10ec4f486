use super::*;
use proptest::prelude::*;

fn read(json: &str) -> Entry {
    entry(json).unwrap()
}

#[test]
fn a_request_is_read_with_what_exporters_add() {
    let plain = read(
        r#"{"pageref":"page_1","request":{"method":"GET","url":"https://shop.test/a?b=1",
        "headers":[{"name":"Accept","value":"*/*"}],"cookies":[{"name":"sid","value":"x"},{"name":"t","value":"d"}]},
        "response":{"status":200,"content":{"text":"long"}},"time":3.5}"#,
    );
    assert_eq!(
        (plain.page.as_deref(), plain.status),
        (Some("page_1"), Some(200))
    );
    assert_eq!(
        plain.headers[1],
        ("Cookie".to_owned(), "sid=x; t=d".to_owned())
    );
    assert_eq!((plain.body, plain.cached), (Body::None, false));
    let cached = read(
        r#"{"request":{"method":"GET","url":"/"},"_fromCache":"disk","response":{"status":0}}"#,
    );
    assert_eq!((cached.cached, cached.status), (true, Some(0)));
    assert!(read(r#"{"request":{"method":"GET","url":"wss://a/"}}"#).websocket);
    assert!(
        read(r#"{"request":{"method":"GET","url":"https://a/"},"_webSocketMessages":[]}"#)
            .websocket
    );
    assert_eq!(
        read(r#"{"request":{"method":"G","url":"/"},"response":{"status":-5e9}}"#).status,
        Some(0)
    );
}

#[test]
fn bodies_come_as_text_base64_or_params() {
    let of = |request: &str| {
        read(&format!(
            r#"{{"request":{{"method":"POST","url":"/",{request}}}}}"#
        ))
        .body
    };
    let bytes = |text: &str| Body::Bytes(text.as_bytes().to_vec());
    assert_eq!(
        of(r#""postData":{"mimeType":"application/json","text":"{}"}"#),
        bytes("{}")
    );
    assert_eq!(
        of(r#""postData":{"text":"aGk=","encoding":"base64"}"#),
        bytes("hi")
    );
    let form = r#""postData":{"mimeType":"application/x-www-form-urlencoded","params":[{"name":"a b","value":"ü&"},{"name":"c","value":"d%20e"},{"name":"f"}]}"#;
    assert_eq!(of(form), bytes("a+b=%C3%BC%26&c=d%20e&f="));
    let parts = r#""postData":{"mimeType":"multipart/form-data; boundary=\"XX\"","params":[{"name":"n\"","value":"v"}]}"#;
    assert_eq!(
        of(parts),
        bytes("--XX\r\nContent-Disposition: form-data; name=\"n%22\"\r\n\r\nv\r\n--XX--\r\n")
    );
    let file = r#""postData":{"mimeType":"multipart/form-data; boundary=X","params":[{"name":"f","fileName":"a.png"}]}"#;
    assert_eq!(of(file), Body::NotKept);
    assert_eq!(of(r#""bodySize":12"#), Body::NotKept);
    assert_eq!(
        of(r#""bodySize":-1,"headers":[{"name":"content-length","value":"7"}]"#),
        Body::NotKept
    );
    assert_eq!(
        of(r#""bodySize":0,"postData":{"mimeType":"","text":""}"#),
        Body::None
    );
}

#[test]
fn broken_entries_are_reported_one_by_one_with_their_line() {
    let text = "{\"log\": {\n\"entries\": [\n{\"request\": {\"method\": \"GET\", \"url\": \"/\"}},\n\n{\"request\": 5},\n{\"request\": {\"method\": \"GET\", \"url\": \"/b\"}}]}}";
    let all: Vec<_> = Archive::new(text).unwrap().entries().collect();
    assert_eq!(
        all.iter().map(|(line, _)| *line).collect::<Vec<_>>(),
        [3, 5, 6]
    );
    assert_eq!(all[2].1.as_ref().unwrap().url, "/b");
    let wrong = all[1].1.as_ref().unwrap_err().to_string();
    assert!(
        wrong.ends_with("it has no request with method and URL"),
        "{wrong}"
    );
    let error = Archive::new("{\n\"log\": {}}").unwrap_err();
    assert_eq!(error.line, 2);
    assert_eq!(
        error.to_string(),
        "is not a HAR file: it has no list `log.entries`"
    );
    let error = Archive::new("{\"log\":{\"entries\":[{\"time\":undefined}]}}").unwrap_err();
    assert!(
        error.to_string().ends_with("undefined is not JSON"),
        "{error}"
    );
}

fn of_request(request: &str) -> Entry {
    read(&format!(
        r#"{{"request":{{"method":"POST","url":"https://h/",{request}}}}}"#
    ))
}

#[test]
fn values_of_another_type_are_read_where_they_have_one_meaning() {
    let entry = read(
        r#"{"pageref":7,"request":{"method":"post","url":"https://h/","cookies":null,"queryString":null,
        "headers":[{"name":"N","value":1.50},{"name":"B","value":true},{"name":"Null","value":null},null]},
        "response":{"status":"200"},"_fromCache":null}"#,
    );
    let headers: Vec<String> = entry
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    assert_eq!(headers, ["N: 1.50", "B: true"]);
    assert_eq!(
        (entry.page.as_deref(), entry.status),
        (Some("7"), Some(200))
    );
    assert_eq!((entry.method.as_str(), entry.cached), ("POST", false));
    let object = of_request(r#""headers":{"Accept":"*/*","X-N":5}"#);
    assert_eq!(object.headers[1], ("X-N".to_owned(), "5".to_owned()));
    let form = of_request(
        r#""postData":{"mimeType":"application/x-www-form-urlencoded","params":[{"name":"remember","value":true},{"name":"n","value":2}]}"#,
    );
    assert_eq!(form.body, Body::Bytes(b"remember=true&n=2".to_vec()));
    for (response, status) in [
        ("", None),
        (r#","response":null"#, None),
        (r#","response":{}"#, None),
        (r#","response":{"status":null}"#, Some(0)),
        (r#","response":{"status":0}"#, Some(0)),
    ] {
        let json = format!(r#"{{"request":{{"method":"GET","url":"/"}}{response}}}"#);
        assert_eq!(read(&json).status, status, "{json}");
    }
    let nan =
        Archive::new(r#"{"log":{"entries":[{"time":NaN,"request":{"method":"GET","url":"/a"}}]}}"#);
    assert_eq!(nan.unwrap().entries().count(), 1);
}

#[test]
fn what_a_browser_answers_itself_is_known() {
    for (more, cached) in [
        (r#""_fromCache":"memory""#, true),
        (r#""_fromCache":false"#, false),
        (r#""_fetchType":"Memory Cache""#, true),
        (r#""_fetchType":"Disk Cache""#, true),
        (r#""_fetchType":"Service Worker""#, true),
        (r#""_fetchType":"Network Load""#, false),
        (r#""time":0,"cache":{"afterRequest":{"eTag":"x"}}"#, true),
        (r#""time":12,"cache":{"afterRequest":{"eTag":"x"}}"#, false),
        (r#""time":0,"cache":{"afterRequest":null}"#, false),
        (r#""time":0,"cache":{}"#, false),
        (
            r#""response":{"status":200,"_fetchedViaServiceWorker":true}"#,
            true,
        ),
    ] {
        let json = format!(r#"{{"request":{{"method":"GET","url":"/"}},{more}}}"#);
        assert_eq!(read(&json).cached, cached, "{json}");
    }
}

#[test]
fn the_query_may_be_in_the_list_only() {
    let url = |url: &str, list: &str| {
        read(&format!(
            r#"{{"request":{{"method":"GET","url":"{url}","queryString":{list}}}}}"#
        ))
        .url
    };
    let list = r#"[{"name":"q","value":"a b"},{"name":"page","value":2},{"name":"flag"}]"#;
    assert_eq!(url("https://h/s", list), "https://h/s?q=a+b&page=2&flag");
    assert_eq!(
        url("https://h/s#top", list),
        "https://h/s?q=a+b&page=2&flag#top"
    );
    assert_eq!(url("https://h/s?x=1", list), "https://h/s?x=1");
    assert_eq!(url("https://h/s", "[]"), "https://h/s");
}

#[test]
fn a_body_is_taken_if_it_is_the_one_that_was_sent() {
    let of = |headers: &str, more: &str, text: &str| {
        of_request(&format!(
            r#""headers":[{headers}],{more}"postData":{{"text":"{text}"}}"#
        ))
        .body
    };
    let length = |length: u32| format!(r#"{{"name":"content-length","value":"{length}"}}"#);
    let bytes = |text: &str| Body::Bytes(text.as_bytes().to_vec());
    let gzip = r#"{"name":"Content-Encoding","value":"gzip"}"#;
    for (headers, more, text, body) in [
        (length(6), "", "abcdef", bytes("abcdef")),
        (length(3), "", "abcdef", Body::Differs),
        (length(9), "", "abcdef", Body::Differs),
        (
            String::new(),
            r#""bodySize":-1,"#,
            "abcdef",
            bytes("abcdef"),
        ),
        (String::new(), r#""bodySize":0,"#, "abcdef", bytes("abcdef")),
        (String::new(), r#""bodySize":7,"#, "abcdef", Body::Differs),
        (String::new(), r#""bodySize":3,"#, "aé€", bytes("aé€")),
        (
            length(4),
            r#""bodySize":300,"#,
            "caf\u{e9}",
            Body::Bytes(b"caf\xe9".to_vec()),
        ),
        (length(5), "", "caf\u{e9}", bytes("café")),
        (length(4), "", "caf\u{fffd}", Body::Differs),
        (length(6), "", "caf\u{fffd}", bytes("caf\u{fffd}")),
        (String::new(), "", "caf\u{fffd}", Body::Differs),
        (gzip.to_owned(), "", "{}", Body::Differs),
        (format!("{gzip},{}", length(23)), "", "{}", Body::Differs),
        (format!("{gzip},{}", length(2)), "", "{}", bytes("{}")),
    ] {
        assert_eq!(of(&headers, more, text), body, "{headers} {more} {text}");
    }
    let base64 = |text: &str, length: u32| {
        of_request(&format!(
            r#""headers":[{{"name":"content-length","value":{length}}}],"postData":{{"text":"{text}","encoding":"base64"}}"#
        ))
        .body
    };
    let gzipped = Body::Bytes(b"\x1f\x8b\xff".to_vec());
    assert_eq!(base64("H4v/", 3), gzipped);
    assert_eq!(base64("H4v_", 3), gzipped);
    assert_eq!(base64("aGk", 2), bytes("hi"));
    assert_eq!(base64("aGk=", 3), Body::Differs);
    assert_eq!(base64("%", 1), Body::Differs);
}

#[test]
fn absent_bodies_are_known_as_such() {
    for (request, body) in [
        (
            r#""headers":[{"name":"Content-Type","value":"text/plain"}]"#,
            Body::NotKept,
        ),
        (
            r#""headers":[{"name":"Content-Type","value":"text/plain"}],"bodySize":0"#,
            Body::None,
        ),
        (
            r#""headers":[{"name":"Transfer-Encoding","value":"chunked"}]"#,
            Body::NotKept,
        ),
        (
            r#""headers":[{"name":"Content-Length","value":"0"}]"#,
            Body::None,
        ),
        (r#""headers":[]"#, Body::None),
        (r#""postData":null,"bodySize":5"#, Body::NotKept),
    ] {
        assert_eq!(of_request(request).body, body, "{request}");
    }
}

#[test]
fn the_type_of_a_body_and_its_boundary_are_sent_with_it() {
    let kind = |entry: &Entry| {
        let named = |(name, _): &&(String, String)| name.eq_ignore_ascii_case("content-type");
        let kinds: Vec<&str> = entry
            .headers
            .iter()
            .filter(named)
            .map(|(_, kind)| kind.as_str())
            .collect();
        kinds.join(" and ")
    };
    let json = of_request(r#""postData":{"mimeType":"application/json","text":"{}"}"#);
    assert_eq!(kind(&json), "application/json");
    let stated = of_request(
        r#""headers":[{"name":"Content-Type","value":"text/json"}],"postData":{"mimeType":"application/json","text":"{}"}"#,
    );
    assert_eq!(kind(&stated), "text/json");
    let text = of_request(
        r#""headers":[{"name":"content-type","value":"multipart/form-data"}],"postData":{"mimeType":"multipart/form-data","text":"--XX\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--XX--\r\n"}"#,
    );
    assert_eq!(kind(&text), "multipart/form-data; boundary=XX");
    let params = r#""params":[{"name":"a","value":"b"},{"name":"f","fileName":"x.txt","contentType":"text/plain","value":"hi"}]"#;
    for (headers, mime, sent) in [
        ("", "multipart/form-data", "understudy-form-0"),
        (
            r#"{"name":"Content-Type","value":"multipart/form-data"}"#,
            "multipart/form-data",
            "understudy-form-0",
        ),
        (
            r#"{"name":"Content-Type","value":"multipart/form-data; boundary=B"}"#,
            "multipart/form-data",
            "B",
        ),
        ("", "multipart/form-data; boundary=C", "C"),
    ] {
        let entry = of_request(&format!(
            r#""headers":[{headers}],"postData":{{"mimeType":"{mime}",{params}}}"#
        ));
        assert_eq!(
            kind(&entry),
            format!("multipart/form-data; boundary={sent}")
        );
        let expected = format!(
            "--{sent}\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n\
             --{sent}\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.txt\"\r\nContent-Type: text/plain\r\n\r\nhi\r\n\
             --{sent}--\r\n"
        );
        assert_eq!(entry.body, Body::Bytes(expected.into_bytes()));
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\PC{0,200}", inner in "\\PC{0,80}") {
        drop(Archive::new(&text).map(|archive| archive.entries().count()));
        let _ = entry(&format!(r#"{{"request":{{"method":"P","url":"/","postData":{inner}}}}}"#));
    }
}
