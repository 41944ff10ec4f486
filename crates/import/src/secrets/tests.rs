use super::*;
use proptest::prelude::*;

fn request(path: &str, headers: &[(&str, &str)], body: &str) -> Recorded {
    Recorded {
        method: "GET".to_owned(),
        path: path.to_owned(),
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: body.as_bytes().to_vec(),
        ..Recorded::default()
    }
}

/// What is written of a target, a kind of body and a body, if it can be written.
fn rewritten(path: &str, kind: &str, body: &str) -> Result<(String, String, Vec<String>), Reason> {
    let mut secrets = Secrets::new(&Options::default());
    let mut request = request(path, &[("Content-Type", kind)], body);
    secrets.check(&request)?;
    let names = secrets.replace(&mut request);
    let body = String::from_utf8(request.body).unwrap();
    Ok((request.path, body, names))
}

fn path(path: &str) -> String {
    let (path, body, _) =
        rewritten(path, "text/plain", "").unwrap_or_else(|reason| panic!("{path}: {reason:?}"));
    assert_eq!(body, "");
    path
}

#[test]
fn secrets_in_paths_and_queries_become_variables() {
    for (recorded, written) in [
        ("/a?api_key=abc", "/a?api_key=${API_KEY}"),
        (
            "/a?x=1&Access-Token=q&y=%20",
            "/a?x=1&Access-Token=${ACCESS_TOKEN}&y=%20",
        ),
        ("/a?password=hunter2", "/a?password=${PASSWORD}"),
        (
            "/a?q=eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2ln",
            "/a?q=${Q}",
        ),
        ("/a?q=AKIAIOSFODNN7EXAMPLE", "/a?q=${Q}"),
        (
            "/login/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2ln/x",
            "/login/${LOGIN_SEGMENT}/x",
        ),
        ("/a?cursor=aB3dE5fG7hJ9kL1mN3pQ", "/a?cursor=${CURSOR}"),
        ("/callback?code=0123456789abcdef0", "/callback?code=${CODE}"),
        ("/a?%74oken=x", "/a?%74oken=${TOKEN}"),
        // Signed URLs: AWS, CloudFront, Google, Azure, Alibaba, Akamai.
        (
            "/f?X-Amz-Expires=60&X-Amz-Credential=AK%2F1&X-Amz-Signature=0f1e",
            "/f?X-Amz-Expires=60&X-Amz-Credential=${X_AMZ_CREDENTIAL}&X-Amz-Signature=${X_AMZ_SIGNATURE}",
        ),
        (
            "/f?AWSAccessKeyId=A&Expires=1&Signature=vj%3D",
            "/f?AWSAccessKeyId=${AWSACCESSKEYID}&Expires=1&Signature=${SIGNATURE}",
        ),
        (
            "/f?Policy=eyJTdGF0ZW1lbnQi0&Signature=a~b_&Key-Pair-Id=APKA",
            "/f?Policy=${POLICY}&Signature=${SIGNATURE}&Key-Pair-Id=${KEY_PAIR_ID}",
        ),
        (
            "/f?GoogleAccessId=a%40b&X-Goog-Signature=aa",
            "/f?GoogleAccessId=${GOOGLEACCESSID}&X-Goog-Signature=${X_GOOG_SIGNATURE}",
        ),
        (
            "/f?sv=2022-11-02&sig=Z%2F%3D",
            "/f?sv=2022-11-02&sig=${SIG}",
        ),
        (
            "/f?OSSAccessKeyId=L&Signature=a",
            "/f?OSSAccessKeyId=${OSSACCESSKEYID}&Signature=${SIGNATURE}",
        ),
        ("/f?hdnts=exp=1~acl=/*~hmac=0f", "/f?hdnts=${HDNTS}"),
        ("/f?PHPSESSID=8f", "/f?PHPSESSID=${PHPSESSID}"),
        // Parameters of segments, names without a value, and segments behind a name that says it.
        (
            "/a;jsessionid=8F;v=2/x;sid=9?y=1",
            "/a;jsessionid=${JSESSIONID};v=2/x;sid=${SID}?y=1",
        ),
        (
            "/a?eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2ln",
            "/a?${PARAMETER}",
        ),
        (
            "/a?eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2ln=1&b=2",
            "/a?${PARAMETER}&b=2",
        ),
        ("/session/8f3c1d2e/cart", "/session/${SESSION_SEGMENT}/cart"),
        // URLs inside of URLs, encoded once or twice.
        (
            "/in?next=%2Fcb%3Fcode%3D0123456789abcdef0",
            "/in?next=${NEXT}",
        ),
        ("/in?u=https%3A%2F%2Fme%3Apw%40h%2F", "/in?u=${U}"),
        (
            "/in?u=https%253A%252F%252Fh%252F%253Ftoken%253Dabc",
            "/in?u=${U}",
        ),
        (
            "/in?u=https%3A%2F%2Fh%2Fcb%23access_token%3Dabc",
            "/in?u=${U}",
        ),
    ] {
        assert_eq!(path(recorded), written);
    }
    for plain in [
        "/items/4111111111111111",
        "/items?after=4111111111111111",
        "/a?q=red+shoes&page=2",
        "/a?token=",
        "/a?code=42&state=open",
        "/a?id=6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "/a?keyword=a-very-long-search-phrase-without-digits",
        "/static/app.d41d8cd98f00b204e9800998ecf8427e.js",
        "/api/token/refresh",
        "/a;v=2;lang=en/x",
        "/a?classid=5&design=blue&SignatureVersion=4",
        "/in?next=%2Fitems%3Fpage%3D2",
        "/a?flag&other",
        "/a?filterByCreatedDateAndUser2=x",
        "/",
    ] {
        assert_eq!(path(plain), plain);
    }
    // The braces could be taken for a variable.
    let ambiguous = rewritten("/a?t=${X}&token=abc", "text/plain", "");
    assert_eq!(ambiguous, Err(Reason::SecretInPath));
}

#[test]
fn secrets_in_bodies_become_variables_where_one_can_stand() {
    let (json, form) = ("application/json", "application/x-www-form-urlencoded");
    let of = |kind: &str, body: &str| rewritten("/", kind, body).map(|(_, body, _)| body);
    for (kind, recorded, written) in [
        (
            json,
            r#"{"n": 1.50, "user":{"password":"x\"y"}, "a":[]}"#,
            r#"{"n": 1.50, "user":{"password":"${PASSWORD}"}, "a":[]}"#,
        ),
        (
            json,
            r#"{"note":"Bearer abcdefgh"}"#,
            r#"{"note":"${NOTE}"}"#,
        ),
        (json, r#""Bearer abcdefgh""#, r#""${BODY}""#),
        (form, "user=a&passwd=b", "user=a&passwd=${PASSWD}"),
        (form, "q=Bearer+abcdefgh", "q=${Q}"),
    ] {
        assert_eq!(of(kind, recorded).unwrap(), written);
    }
    for (kind, body) in [
        (json, r#"[{"pin":1234}]"#),
        ("text/plain", "secret: swordfish"),
        (json, r#"{"password":"x","query":"${a}"}"#),
    ] {
        assert_eq!(of(kind, body), Err(Reason::SecretInBody), "{body}");
    }
    for (kind, body) in [
        (
            json,
            r#"{"password":"","token":null,"pin":false,"id":4111111111111111}"#,
        ),
        (form, "q=shoes&password="),
        ("text/plain", "hello ${x}"),
        (json, ""),
    ] {
        assert_eq!(of(kind, body).unwrap(), body);
    }
}

#[test]
fn fields_of_multipart_bodies_are_looked_at_one_by_one() {
    let kind = "multipart/form-data; boundary=B";
    let field = |head: &str, value: &str| {
        format!("--B\r\nContent-Disposition: form-data; {head}\r\n\r\n{value}\r\n")
    };
    let body = |password: &str| {
        let fields = [
            field("name=\"user\"", "ada"),
            field("name=\"password\"", password),
            field("name=\"f\"; filename=\"a.txt\"", "text"),
        ];
        fields.concat() + "--B--\r\n"
    };
    let written = rewritten("/", kind, &body("hunter2")).unwrap();
    assert_eq!(written.1, body("${PASSWORD}"));
    let file = field("name=\"f\"; filename=\"a\"", "Bearer abcdefgh") + "--B--\r\n";
    assert_eq!(rewritten("/", kind, &file), Err(Reason::SecretInBody));
    let soap = "<s:Body><wsse:Password>hunter2</wsse:Password></s:Body>";
    assert_eq!(rewritten("/", "text/xml", soap), Err(Reason::SecretInBody));
}

#[test]
fn bytes_that_are_not_text_stay_as_they_are() {
    let mut secrets = Secrets::new(&Options::default());
    let mut latin = request(
        "/",
        &[("Content-Type", "application/x-www-form-urlencoded")],
        "",
    );
    latin.body = b"name=caf\xe9&page=2".to_vec();
    assert_eq!(secrets.check(&latin), Ok(()));
    assert!(secrets.replace(&mut latin).is_empty());
    assert_eq!(latin.body, b"name=caf\xe9&page=2");
    latin.body = b"name=caf\xe9&password=hunter2".to_vec();
    assert_eq!(secrets.check(&latin), Err(Reason::SecretInBody));
}

#[test]
fn compressed_bodies_are_looked_into() {
    use std::io::Write as _;
    let secrets = Secrets::new(&Options::default());
    let of = |text: &str| {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(text.as_bytes()).unwrap();
        let mut request = request("/", &[("Content-Encoding", "gzip")], "");
        request.body = packer.finish().unwrap();
        secrets.check(&request)
    };
    assert_eq!(of(r#"{"password":"hunter2"}"#), Err(Reason::SecretInBody));
    assert_eq!(of(r#"{"page":2}"#), Ok(()));
}

#[test]
fn headers_with_urls_are_looked_into() {
    let mut secrets = Secrets::new(&Options::default());
    let referer = |url: &str, secrets: &mut Secrets| written(secrets, &[("Referer", url)]).len();
    for url in [
        "https://x/?token=abc",
        "https://x/cb?code=0123456789abcdef0",
        "https://x/#access_token=abc",
        "https://x/f?X-Amz-Signature=0f1e",
        "https://me:pw@x/",
    ] {
        assert_eq!(referer(url, &mut secrets), 0, "{url}");
    }
    assert_eq!(referer("https://x/?page=2", &mut secrets), 1);
    let plain = [
        (
            "Content-Type",
            "multipart/form-data; boundary=----WebKitFormBoundary7MA4YWxkTrZu0gW",
        ),
        ("Accept", "text/html;q=0.9"),
        ("Sec-CH-UA", "\"Chromium\";v=\"120\""),
        ("User-Agent", "Bot/2.1 (compatible; +http://x/bot.html)"),
    ];
    let kept = written(&mut secrets, &plain);
    assert_eq!(kept, plain.map(|(name, value)| format!("{name}: {value}")));
    let original = written(&mut secrets, &[("X-Original-URL", "/a?sid=abc")]);
    assert_eq!(original, ["X-Original-URL: $X_ORIGINAL_URL"]);
}

#[test]
fn a_secret_has_one_variable_at_all_its_places() {
    let (path, body, names) = rewritten(
        "/a?token=s-1&other_token=s-2",
        "application/json",
        r#"{"token":"s-1","other":{"token":"s-3"}}"#,
    )
    .unwrap();
    assert_eq!(path, "/a?token=${TOKEN}&other_token=${OTHER_TOKEN}");
    assert_eq!(
        body,
        r#"{"token":"${TOKEN}","other":{"token":"${TOKEN_2}"}}"#
    );
    assert_eq!(names, ["OTHER_TOKEN", "TOKEN", "TOKEN_2"]);
}

#[test]
fn names_can_be_added_and_cleared() {
    let options = Options {
        secret: vec!["customer-no".to_owned()],
        not_secret: vec![
            "page_token".to_owned(),
            "X-Session".to_owned(),
            "pin".to_owned(),
        ],
        ..Options::default()
    };
    let mut secrets = Secrets::new(&options);
    let mut of = |path: &str, body: &str| secrets.replace(&mut request(path, &[], body)).len();
    assert_eq!(of("/?customerNo=7", ""), 1);
    assert_eq!(of("/?page_token=aB3dE5fG7hJ9kL1mN3pQ", ""), 0);
    assert_eq!(of("/", r#"{"pin":{"secret":"1234"}}"#), 0);
    let headers = [
        ("X-Session", "abc"),
        ("Customer-No", "8"),
        ("Cookie", "pin=1234567890"),
    ];
    assert_eq!(
        secrets.headers(&request("/", &headers, "")),
        [
            ("X-Session", "abc"),
            ("Customer-No", "$CUSTOMER_NO"),
            ("Cookie", "pin=1234567890")
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

fn written(secrets: &mut Secrets, headers: &[(&str, &str)]) -> Vec<String> {
    let headers = secrets.headers(&request("/", headers, ""));
    headers
        .into_iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect()
}

#[test]
fn each_value_has_its_variable_and_dollars_stay() {
    let mut secrets = Secrets::new(&Options::default());
    let alice = written(
        &mut secrets,
        &[
            ("authorization", "Bearer alice-1234"),
            (
                "Cookie",
                "SESSION=abc123def456; theme=dark; n=12; cart=a$b-1234567",
            ),
            ("X-Price", "$5 and $HOME"),
            ("Pwd", "swordfish"),
            ("Accept", "*/*"),
            ("Host", "h"),
        ],
    );
    assert_eq!(
        alice,
        [
            "authorization: $AUTHORIZATION",
            "X-Price: $$5 and $$HOME",
            "Pwd: $PWD_HEADER",
            "Accept: */*",
            "Cookie: SESSION=$SESSION_COOKIE; theme=dark; n=12; cart=$CART_COOKIE",
        ]
    );
    let bob = written(&mut secrets, &[("Authorization", "Basic Ym9iOnNlY3JldA==")]);
    let again = written(&mut secrets, &[("Authorization", "Bearer alice-1234")]);
    assert_eq!(
        [bob, again],
        [
            ["Authorization: $AUTHORIZATION_2"],
            ["Authorization: $AUTHORIZATION"]
        ]
    );
    let page = written(
        &mut secrets,
        &[
            ("Referer", "https://x/?token=abc"),
            ("referer", "https://x/"),
        ],
    );
    assert_eq!(page, ["referer: https://x/"]);
    let variables = secrets.into_variables();
    let first = &variables[0];
    assert_eq!((first.name.as_str(), first.requests), ("AUTHORIZATION", 2));
    assert_eq!(
        first.stands_for,
        "header authorization, whole, as in \"Bearer ...\""
    );
}

#[test]
fn one_variable_may_stand_for_all_values() {
    let options = Options {
        merge_secrets: true,
        drop_headers: vec!["x-request-id".to_owned()],
        ..Options::default()
    };
    let mut secrets = Secrets::new(&options);
    for token in ["Bearer one-123456", "Bearer two-123456"] {
        let headers = [("Authorization", token), ("X-Request-Id", "7")];
        assert_eq!(
            written(&mut secrets, &headers),
            ["Authorization: $AUTHORIZATION"]
        );
    }
    assert_eq!(secrets.into_variables().len(), 1);
}

#[test]
fn a_name_is_given_once() {
    let mut secrets = Secrets::new(&Options::default());
    let headers = [
        ("Session-Cookie", "Bearer aaaaaaaa"),
        ("Cookie", "session=bbbbbbbbb"),
    ];
    let of = written(&mut secrets, &headers);
    assert_eq!(
        of,
        [
            "Session-Cookie: $SESSION_COOKIE",
            "Cookie: session=$SESSION_COOKIE_2"
        ]
    );
    assert_eq!([variable_name("9a"), variable_name("x.y")], ["_9A", "X_Y"]);
}

proptest! {
    #[test]
    fn no_secret_is_written(token in "[A-Za-z0-9]{9,40}", name in "[A-Za-z]{1,8}") {
        let mut secrets = Secrets::new(&Options::default());
        let bearer = format!("Bearer {token}");
        let cookie = format!("{name}=x{token}1");
        let headers = [("Authorization", bearer.as_str()), ("X-Api-Key", &token), ("Cookie", &cookie), ("Via", &bearer)];
        let of = written(&mut secrets, &headers).join("\n");
        prop_assert!(!of.contains(&token), "{of}");
    }

    #[test]
    fn what_is_not_a_secret_is_sent_as_it_was(value in "[ -~]{0,30}") {
        let mut secrets = Secrets::new(&Options { not_secret: vec!["x-any".to_owned()], ..Options::default() });
        let of = secrets.headers(&request("/", &[("X-Any", value.as_str())], ""));
        // The request file makes one dollar sign of two.
        prop_assert_eq!(of[0].1.replace("$$", "$"), value);
    }
}
