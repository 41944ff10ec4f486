use super::*;
use proptest::prelude::*;

fn redactor() -> Redactor {
    Redactor::new([7; 16])
}

#[test]
fn names_are_known_in_every_spelling() {
    let redactor = redactor().with_names(["customer_no"]);
    for name in [
        "Authorization",
        "proxy-authorization",
        "Cookie",
        "set-cookie",
        "X-Api-Key",
        "apiKey",
        "db_password",
        "clientSecret",
        "access_token",
        "refreshToken",
        "ssn",
        "cardNumber",
        "Customer-No",
        "customerNo",
        "CVV",
        "X-Amz-Signature",
        "x-goog-signature",
        "Signature",
        "X-Hub-Signature-256",
        "sig",
        "api_sig",
        "hmac",
        "PHPSESSID",
        "jsessionid",
        "ASPSESSIONIDQQ",
        "connect.sid",
        "client_assertion",
        "code_verifier",
        "id_token2",
        "Ocp-Apim-Subscription-Key",
        "X-Functions-Key",
        "X-Auth-Key",
    ] {
        assert!(redactor.is_sensitive(name), "{name}");
    }
    for name in [
        "",
        "accept",
        "content-type",
        "token_count",
        "author",
        "passenger",
        "compass",
        "id",
        "SignatureVersion",
        "classid",
        "design",
        "Idempotency-Key",
        "key",
        "tokens",
    ] {
        assert!(!redactor.is_sensitive(name), "{name}");
    }
}

#[test]
fn a_sensitive_name_anywhere_on_the_path_hides_the_value() {
    let redactor = redactor();
    for path in [
        "$.user.password",
        "$.tokens[0].access_token.value",
        "$['api key']",
        "$.a['my.password']",
        "header:authorization",
        "cookie:theme",
        "$['pass.word']",
        r"$['owner\'s password']",
        "file:out.json:$.pin",
    ] {
        assert!(
            redactor
                .redact_value(Some(&path.into()), "hunter2")
                .starts_with("<redacted 7 bytes #"),
            "{path}"
        );
    }
    for path in ["$.user.name", "cookie:sid;path", "header:accept", "body"] {
        let shown = redactor.redact_value(Some(&path.into()), "hunter2");
        assert_eq!(shown, "hunter2", "{path}");
    }
}

#[test]
fn secrets_are_known_by_their_form_wherever_they_stand() {
    let redactor = redactor();
    for secret in [
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P",
        "Bearer abcdef123456",
        "Basic dXNlcjpwYXNzd29yZA==",
        "AKIAIOSFODNN7EXAMPLE",
        "ghp_16C7e42F292c6912E7710c838347Ae178B4a",
        "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
        "-----BEGIN PRIVATE KEY-----\nMIIBVQ==\n-----END PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIBVQ and no end",
        "4111 1111 1111 1111",
        "5500-0000-0000-0004",
        "378282246310005",
    ] {
        let shown = redactor.redact_text(&format!("before {secret}"));
        assert!(shown.starts_with("before <redacted "), "{shown}");
        assert!(!shown.contains(&secret[secret.len() / 2..]), "{shown}");
    }
}

#[test]
fn assignments_to_sensitive_names_are_hidden_and_stay_readable() {
    let redactor = redactor();
    let cases = [
        (
            r#"{"password": "a\"b", "n": 1}"#,
            r#"{"password": "<R>", "n": 1}"#,
        ),
        ("user=joe&api_key=abc&x=1", "user=joe&api_key=<R>&x=1"),
        (
            "Authorization: Bearer abc\nAccept: */*",
            "Authorization: <R>\nAccept: */*",
        ),
        ("postgres://app:s3cret@db/x", "postgres://app:<R>@db/x"),
        ("postgres://app:s3@cret@db/x", "postgres://app:<R>@db/x"),
        (
            "<s:Envelope><wsse:Password Type=\"t\">a</wsse:Password><n>b</n></s:Envelope>",
            "<s:Envelope><wsse:Password Type=\"t\"><R></wsse:Password><n>b</n></s:Envelope>",
        ),
        (
            "exp=1700000000~acl=/*~hmac=0f1e2d",
            "exp=1700000000~acl=/*~hmac=<R>",
        ),
        (
            r#"{"tokens": 3, "secrets": ["a","b"]}"#,
            r#"{"tokens": 3, "secrets": <R>}"#,
        ),
    ];
    let mark = regex::Regex::new("<redacted [0-9]+ bytes #[0-9a-f]{8}>").unwrap();
    for (text, expected) in cases {
        assert_eq!(
            mark.replace_all(&redactor.redact_text(text), "<R>"),
            expected
        );
    }
}

#[test]
fn what_is_not_a_secret_stays() {
    let redactor = redactor();
    for text in [
        "4111 1111 1111 1112",
        "1700000000123",
        "0.4111111111111111",
        "a bearer of news",
        "6ba7b810-9dad-11d1-80b4-00c04fd430c8",
        "2024-05-01T10:00:00Z",
        "<redacted 3 bytes #00000000>",
    ] {
        assert_eq!(redactor.redact_text(text), text);
    }
}

#[test]
fn a_reproducer_names_a_variable_instead_of_the_secret() {
    let redactor = redactor();
    assert_eq!(
        redactor.reproducible_field("Authorization", "Bearer abc"),
        "$AUTHORIZATION"
    );
    assert_eq!(redactor.reproducible_field("x-api-key", "k1"), "$X_API_KEY");
    assert_eq!(
        redactor.reproducible_field("x-trace", "AKIAIOSFODNN7EXAMPLE"),
        "$X_TRACE"
    );
    assert_eq!(
        redactor.reproducible_field("authorization", "Bearer $TOKEN"),
        "Bearer $TOKEN"
    );
    assert_eq!(
        redactor.reproducible_field("cookie", "${COOKIE}"),
        "${COOKIE}"
    );
    assert_eq!(redactor.reproducible_field("cookie", "sid=x $A"), "$COOKIE");
    assert_eq!(
        redactor.reproducible_field("accept", "text/html"),
        "text/html"
    );
}

#[test]
fn previews_are_bounded_and_mark_what_is_missing() {
    assert_eq!(preview(b"short", 10), "short");
    assert_eq!(preview("ääää".as_bytes(), 3), "ä… (+6 bytes)");
    assert_eq!(preview(&[0x89, 0x50, 0xff], 64), "<binary 3 bytes 8950ff>");
    assert_eq!(
        preview(&[0; 600], 64),
        "<binary 600 bytes 0000000000000000…>"
    );
}

#[test]
fn the_mark_depends_on_the_key_and_the_key_is_never_shown() {
    let other = Redactor::new([8; 16]);
    assert_ne!(redactor().placeholder(b"x"), other.placeholder(b"x"));
    assert!(!format!("{other:?}").contains('8'));
}

/// A card number: any digits that begin as cards do, completed by Luhn's check digit.
fn card() -> impl Strategy<Value = String> {
    (2u8..=6, proptest::collection::vec(0u8..10, 11..=17)).prop_map(|(first, rest)| {
        let mut digits: Vec<u8> = std::iter::once(first).chain(rest).collect();
        let sum: u32 = digits
            .iter()
            .rev()
            .enumerate()
            .map(|(i, &d)| {
                if i % 2 == 0 {
                    u32::from(d * 2 % 10 + d * 2 / 10)
                } else {
                    u32::from(d)
                }
            })
            .sum();
        digits.push(((10 - sum % 10) % 10) as u8);
        digits.iter().map(|d| char::from(b'0' + d)).collect()
    })
}

/// The comparison takes a web token apart: each of its parts is as secret as the whole.
#[test]
fn the_parts_of_a_web_token_are_secret() {
    for path in [
        "$.note['#jwt'].claims.sub",
        "$['#jwt'].signature",
        "cookie:note",
    ] {
        let shown = redactor().redact_value(Some(&path.into()), "alice");
        assert!(is_redacted(&shown), "{path}: {shown}");
    }
}

proptest! {
    #[test]
    fn no_token_survives(
        secret in "(ghp_[A-Za-z0-9]{36}|AKIA[A-Z0-9]{16}|eyJ[A-Za-z0-9_-]{10,40}\\.[A-Za-z0-9_-]{10,40}\\.[A-Za-z0-9_-]{10,40})",
        before in "[ a-zA-Z0-9{\":,äß\n]{0,40}",
        after in "([ \",}\n]\\PC{0,40})?",
    ) {
        let shown = redactor().redact_text(&format!("{before} {secret}{after}"));
        prop_assert!(!shown.contains(&secret), "{}", shown);
    }

    #[test]
    fn no_card_survives(card in card(), before in "[^0-9.]{0,30}", after in "[^0-9]{0,30}( 99)?") {
        let shown = redactor().redact_text(&format!("{before}{card}{after}"));
        prop_assert!(!shown.contains(&card), "{}", shown);
    }

    #[test]
    fn no_value_of_a_sensitive_name_survives(
        secret in "[A-Za-z0-9._~!-]{5,60}",
        form in prop::sample::select(vec!["{\"password\":\"@\"}", "{\"a\":{\"api_key\" : \"@\"}}", "token=@&x=1", "Set-Cookie: @", "client_secret: '@'"]),
    ) {
        let shown = redactor().redact_text(&form.replace('@', &secret));
        prop_assert!(!form.contains(&secret) && !shown.contains(&secret), "{}", shown);
    }

    #[test]
    fn different_secrets_stay_distinguishable(a in "[a-z]{8}", b in "[a-z]{8}") {
        let redactor = redactor();
        prop_assert_eq!(redactor.placeholder(a.as_bytes()) == redactor.placeholder(b.as_bytes()), a == b);
    }

    #[test]
    fn arbitrary_input_never_panics_and_previews_keep_their_bound(bytes: Vec<u8>, text: String, max in 0usize..64) {
        let redactor = redactor();
        redactor.redact_text(&text);
        redactor.redact_value(Some(&text.as_str().into()), &text);
        redactor.redact_field(&text, &bytes);
        redactor.reproducible_field(&text, &text);
        prop_assert!(preview(&bytes, max).len() <= max + 64);
    }
}
