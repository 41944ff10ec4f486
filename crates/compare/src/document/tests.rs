use super::*;

mod pairs;

use proptest::prelude::*;
use understudy_model::Field;

fn answer(media: &str, body: &[u8]) -> understudy_model::Answer {
    let value = media.as_bytes().to_vec();
    let name = "content-type".to_owned();
    let fields = match media {
        "" => Vec::new(),
        _ => vec![Field { name, value }],
    };
    crate::http::answer(200, fields, body.to_vec(), false)
}

/// The form, the tree as JSON, and the layout.
fn document(media: &str, body: &[u8]) -> (&'static str, String, String) {
    match read(&answer(media, body).fields, body, None) {
        Body::Document(document) => {
            let mut json = String::new();
            document.root.write(&mut json);
            (document.form.name(), json, document.layout.text())
        }
        Body::Text(text, layout) => ("text", text.into_owned(), layout.text()),
        Body::Bytes => ("bytes", String::new(), String::new()),
    }
}

#[test]
fn every_type_is_read_as_its_tree() {
    let of = |media: &str, body: &str| {
        let (form, json, _) = document(media, body.as_bytes());
        (form, json)
    };
    for (media, body, form, json) in [
        (
            "application/json",
            r#"{"b":1,"a":[2]}"#,
            "json",
            r#"{"a":[2],"b":1}"#,
        ),
        ("", "[1, NaN, -Infinity]", "json", "[1,NaN,-Infinity]"),
        (
            "text/plain",
            "{\"a\":1}\n{\"a\":2}\n",
            "json lines",
            r#"[{"a":1},{"a":2}]"#,
        ),
        (
            "application/x-ndjson",
            "1\noops\n",
            "json lines",
            r##"[1,{"#text":"oops"}]"##,
        ),
        (
            "text/event-stream",
            "id: 7\ndata: a\ndata: b\n\n: hi\n\n",
            "server-sent events",
            r#"[{"data":"a\nb","id":"7"}]"#,
        ),
        (
            "text/csv",
            "id,name\n1,\"a, b\"\n",
            "a table",
            r#"{"header":["id","name"],"rows":[{"id":"1","name":"a, b"}]}"#,
        ),
        (
            "text/csv",
            "1,2\n3,4\n",
            "a table",
            r#"{"rows":[["1","2"],["3","4"]]}"#,
        ),
        (
            "text/tab-separated-values",
            "a\tb\n1\t2\n",
            "a table",
            r#"{"header":["a","b"],"rows":[{"a":"1","b":"2"}]}"#,
        ),
        (
            "application/x-www-form-urlencoded",
            "b=1&a=x+y%21&b=2",
            "a form",
            r#"{"a":"x y!","b":"1","b":"2"}"#,
        ),
        (
            "application/xml",
            "<o a='1'><n>2</n><n/></o>",
            "markup",
            r##"{"o":[{"@a":"1","n":[{"#text":["2"]},{}]}]}"##,
        ),
        (
            "text/html",
            "<UL><LI>a<LI CLASS=x>b &amp; c</UL>",
            "markup",
            r##"{"ul":[{"li":[{"#text":["a"]},{"#text":["b & c"],"@class":"x"}]}]}"##,
        ),
        (
            "text/html",
            "<script>if (a<b) {}</script><br>x",
            "markup",
            r##"{"#order":["script","br","#text"],"#text":["x"],"br":[{}],"script":[{"#text":["if (a<b) {}"]}]}"##,
        ),
        ("", "just words", "text", "just words"),
        ("text/plain", "12", "text", "12"),
    ] {
        assert_eq!(of(media, body), (form, json.to_owned()), "{media} {body}");
    }
}

#[test]
fn a_text_that_is_json_is_read_and_how_it_is_written_counts() {
    let spelled = |body: &str| document("application/json", body.as_bytes()).1;
    assert_eq!(
        spelled(r#"{"p":"{\"n\": 1, \"at\":[1,2,3]}"}"#),
        r##"{"p":{"#json":{"at":[1,2,3],"n":1},"#spelling":"{\"n\": _, \"at\":[_]}"}}"##
    );
    assert_ne!(
        spelled(r#"{"p":"{\"a\":1,\"b\":2}"}"#),
        spelled(r#"{"p":"{\"b\":2,\"a\":1}"}"#)
    );
    assert_ne!(spelled(r#"{"p":"{\"a\":1}"}"#), spelled(r#"{"p":{"a":1}}"#));
    assert_eq!(spelled(r#"{"p":"[draft"}"#), r#"{"p":"[draft"}"#);
}

#[test]
fn what_a_strict_reader_sees_is_layout() {
    let layout = |media: &str, body: &[u8]| document(media, body).2;
    let json = "application/json";
    assert_eq!(layout(json, b"{}"), "");
    assert_eq!(layout(json, b"\xef\xbb\xbf{}"), "byte order mark");
    assert_eq!(layout(json, b")]}',\n{\"a\":1}"), "prefix )]}',");
    assert_eq!(
        layout("text/javascript", b"/**/cb({\"a\":1});"),
        "call of cb"
    );
    assert_eq!(layout("text/plain", b"a\r\nb\r\n"), "lines end with CR LF");
    assert_eq!(layout("text/plain", b"a\nb"), "no end of the last line");
    let xml = "application/xml";
    assert_eq!(
        layout(xml, b"<a><b/><c/></a>"),
        "no space in <>, no space in <a>"
    );
    assert_eq!(
        layout(xml, b"<a>\n <b/>\n</a>"),
        "no space in <>, space \"\\n \" in <a>, space \"\\n\" in <a>"
    );
    assert_eq!(
        layout(xml, b"<a></b></a>"),
        "</b> that nothing opens, no space in <>"
    );
}

#[test]
fn any_encoding_that_is_stated_or_marked_is_read() {
    let json = |media: &str, body: &[u8]| document(media, body).1;
    let utf16: Vec<u8> = "{\"a\":\"é\"}"
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let expected = "{\"a\":\"é\"}";
    assert_eq!(json("application/json", &utf16), expected);
    assert_eq!(
        json("application/json; charset=iso-8859-1", b"{\"a\":\"\xe9\"}"),
        expected
    );
    for latin in [
        &b"<?xml version='1.0' encoding='latin1'?><a>\xe9</a>"[..],
        b"<?xml version = '1.0' encoding = \"latin1\"?><a>\xe9</a>",
    ] {
        assert!(json("application/xml", latin).contains('é'));
    }
    assert_eq!(document("text/plain", b"\xe9").0, "bytes");
    assert_eq!(document("text/plain", b"a\0b").0, "bytes");
}

#[test]
fn the_boundary_of_parts_means_nothing() {
    let body = |boundary: &str| {
        format!(
            "--{boundary}\r\nContent-Type: application/json\r\n\r\n{{\"a\":1}}\r\n--{boundary}\r\n\r\nx\r\n--{boundary}--\r\n"
        )
    };
    let one = document("multipart/mixed; boundary=aaa", body("aaa").as_bytes());
    let other = document("multipart/mixed; boundary=\"b b\"", body("b b").as_bytes());
    assert_eq!(one, other);
    assert_eq!(
        one.1,
        r#"[{"body":{"a":1},"headers":{"content-type":"application/json"}},{"body":"x","headers":{}}]"#
    );
}

proptest! {
    /// Nothing that a server may send panics or nests without end.
    #[test]
    fn whatever_comes_is_read(media in 0..9usize, body in prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..80).boxed(),
        "[<>/a-c \"'=!\\[\\]{}:,&;#0-9\n-]{0,80}".prop_map(String::into_bytes).boxed(),
    ]) {
        let media = ["", "application/json", "text/html", "application/xml", "text/csv", "text/event-stream", "application/x-ndjson",
            "multipart/mixed; boundary=a", "application/x-www-form-urlencoded"][media];
        let _ = document(media, &body);
    }
}
