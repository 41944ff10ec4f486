//! Pairs of bodies that mean the same by the standard of their type, and pairs that almost do.

use super::document;

const HTML: &str = "text/html";
const XML: &str = "application/xml";
const EVENTS: &str = "text/event-stream";
const JSON: &str = "application/json";
const LINES: &str = "application/x-ndjson";
const FORM: &str = "application/x-www-form-urlencoded";
const PARTS: &str = "multipart/form-data; boundary=x";

const SAME: &[(&str, &str, &str)] = &[
    (LINES, "{\"a\":1}\n", " { \"a\" : 1 }\t\n"),
    (HTML, "<!DOCTYPE html><p>a", "<!doctype  HTML ><p>a"),
    (
        HTML,
        "<!DOCTYPE html PUBLIC \"-//W3C//DTD HTML 4.01//EN\" \"u\"><p>a",
        "<!doctype HTML public '-//W3C//DTD HTML 4.01//EN'\n'u'><p>a",
    ),
    (HTML, "<p>&copy;&#169;&#xA9;&#XA9;&copy", "<p>©©©©©"),
    (HTML, "<p>&CounterClockwiseContourIntegral;", "<p>∳"),
    (HTML, "<p title='a&amp;b'>", "<P TITLE=a&b>"),
    (HTML, "<p a=1 b=\"2\">", "<p b='2' a=\"1\">"),
    (HTML, "<input disabled>", "<input disabled=\"\" />"),
    (HTML, "<p>a<br/>b", "<p>a<br>b"),
    (HTML, "<p a=1 a=2>", "<p a=1>"),
    (HTML, "<title>a &amp; b</title>", "<title>a & b</title>"),
    (HTML, "<pre>\na</pre>", "<pre>a</pre>"),
    (HTML, "<pre>a\r\nb</pre>", "<pre>a\nb</pre>"),
    (
        HTML,
        "<svg><path/><a/></svg>",
        "<svg><path></path><a></a></svg>",
    ),
    (HTML, "<b>x</b>&nbsp;", "<b>x</b>\u{a0}"),
    (
        XML,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>",
        "<?xml version = '1.0'  encoding='utf-8' ?><a></a>",
    ),
    (
        XML,
        "<!DOCTYPE a SYSTEM 'u'><a/>",
        "<!DOCTYPE  a SYSTEM \"u\" ><a/>",
    ),
    (XML, "<a>&#169;&#xA9;&lt;&quot;</a>", "<a>©©&#60;\"</a>"),
    (XML, "<a>x<![CDATA[<y]]>z</a>", "<a>x&lt;yz</a>"),
    (XML, "<a>{\"b\":1}</a>", "<a><![CDATA[{\"b\":1}]]></a>"),
    (XML, "<a>x\r\ny</a>", "<a>x\ny</a>"),
    (XML, "<a b='x\ny'/>", "<a b='x y'/>"),
    (EVENTS, "data: a\n\n", "data:a\r\n\r\n"),
    (EVENTS, "data: a\n\n", ": hi\r\rdata: a\r\r"),
    (EVENTS, "data: a\n\n", "\u{feff}data: a\n\n"),
    (
        EVENTS,
        "id: 1\ndata: a\ndata: b\n\n",
        "data:a\nid:1\ndata:b\n\n",
    ),
    (
        EVENTS,
        "event: message\ndata: a\n\n",
        "other: x\ndata: a\n\n",
    ),
    (EVENTS, "data\n\n", "data:\n\n"),
    (
        EVENTS,
        "retry: 5\nid: 1\nid: 2\n\n",
        "id: 2\nretry: x\nretry: 5\n\n",
    ),
    (FORM, "a=b+c&d=%e2%82%ac", "a=b%20c&d=%E2%82%AC"),
    (FORM, "a=%7E&b", "a=~&b="),
    (FORM, "a=%e9", "a=%E9"),
    (
        PARTS,
        "--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nv\r\n--x--\r\n",
        "preamble\r\n--x \r\ncontent-disposition:Form-Data;name=a\r\n\r\nv\r\n--x--\r\nepilogue",
    ),
    (
        PARTS,
        "--x\r\nContent-Type: text/plain; charset=utf8\r\n\r\nv\r\n--x--",
        "--x\r\nContent-Type: text/plain;\r\n charset=UTF-8\r\n\r\nv\r\n--x--",
    ),
];

const OTHER: &[(&str, &str, &str)] = &[
    (JSON, ")]}',\n{}", ")]}',{}"),
    (JSON, ")]}',\n{}", " )]}',\n{}"),
    (LINES, "{}\n", "\u{1e}{}\n"),
    (LINES, "{}\n{}\n", "{}\u{a0}\n{}\n"),
    (HTML, "<!DOCTYPE html><p>a", "<p>a"),
    (
        HTML,
        "<!DOCTYPE html><p>a",
        "<!DOCTYPE html SYSTEM \"about:legacy-compat\"><p>a",
    ),
    (
        HTML,
        "<!DOCTYPE html PUBLIC \"-//W3C//DTD HTML 4.01//EN\"><p>a",
        "<!DOCTYPE html PUBLIC \"-//w3c//dtd html 4.01//en\"><p>a",
    ),
    (HTML, "<p>&amp;copy;", "<p>&copy;"),
    (HTML, "<p>&nosuch;", "<p>nosuch;"),
    (HTML, "<p title=\"a&copyb\">", "<p title=\"a©b\">"),
    (HTML, "<p>&#+65;", "<p>A"),
    (HTML, "<b>x</b>&nbsp;", "<b>x</b> "),
    (HTML, "<p class=A>", "<p class=a>"),
    (HTML, "<div/>a", "<div></div>a"),
    (HTML, "<p><![CDATA[a]]></p>", "<p>a</p>"),
    (HTML, "<script>a&amp;b</script>", "<script>a&b</script>"),
    (HTML, "<p>a<!--b-->c", "<p>ac"),
    (HTML, "<input disabled>", "<input>"),
    (XML, "<?xml version=\"1.0\"?><a/>", "<a/>"),
    (
        XML,
        "<?xml version=\"1.0\"?><a/>",
        "<?xml version=\"1.1\"?><a/>",
    ),
    (
        XML,
        "<?xml version=\"1.0\" standalone=\"yes\"?><a/>",
        "<?xml version=\"1.0\" standalone=\"no\"?><a/>",
    ),
    (
        XML,
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><a/>",
        "<?xml version=\"1.0\"?><a/>",
    ),
    (
        XML,
        "<?xml-stylesheet href='a'?><a/>",
        "<?xml-stylesheet href=\"a\"?><a/>",
    ),
    (XML, "<!DOCTYPE a><a/>", "<!DOCTYPE A><a/>"),
    (
        XML,
        "<!DOCTYPE a [<!ENTITY b \"c\">]><a/>",
        "<!DOCTYPE a [<!ENTITY b \"d\">]><a/>",
    ),
    (XML, "<a>&copy;</a>", "<a>©</a>"),
    (XML, "<a>&#0;</a>", "<a>\u{fffd}</a>"),
    (XML, "<a B=''/>", "<a b=''/>"),
    (XML, "<a b='x&#10;y'/>", "<a b='x y'/>"),
    (XML, "<a>x<b/>y</a>", "<a>xy<b/></a>"),
    (EVENTS, "data: a\n\n", "data:  a\n\n"),
    (EVENTS, "data: a\ndata: b\n\n", "data: b\ndata: a\n\n"),
    (EVENTS, "data: a\ndata: b\n\n", "data: ab\n\n"),
    (EVENTS, "data: a\n\n", "Data: a\n\n"),
    (EVENTS, "data: a\n\n", "data: a\n"),
    (EVENTS, "data: a\n\n", "data: a\n\ndata: a\n\n"),
    (EVENTS, "id: 1\ndata: a\n\n", "id: 2\ndata: a\n\n"),
    (EVENTS, "id: 1\ndata: a\n\n", "data: a\n\n"),
    (EVENTS, "retry: 5\ndata: a\n\n", "retry: 6\ndata: a\n\n"),
    (EVENTS, "event: a\ndata: a\n\n", "data: a\n\n"),
    (FORM, "a=%2B", "a=+"),
    (FORM, "a=%26b", "a=&b"),
    (FORM, "a=%e9", "a=%e8"),
    (FORM, "a=%e9", "a=%ef%bf%bd"),
    (FORM, "a=1&a=2", "a=2&a=1"),
    (FORM, "a=b ", "a=b"),
    (
        PARTS,
        "--x\r\nContent-Disposition: form-data; name=a\r\n\r\nv\r\n--x--",
        "--x\r\nContent-Disposition: form-data; name=A\r\n\r\nv\r\n--x--",
    ),
    (
        PARTS,
        "--x\r\n\r\nv\r\n--xy a\r\n--x--",
        "--x\r\n\r\nv\r\n--xy b\r\n--x--",
    ),
    (
        PARTS,
        "--x\r\nContent-Type: application/json\r\n\r\n{}\r\n--x--",
        "--x\r\nContent-Type: application/json\r\n\r\n\u{feff}{}\r\n--x--",
    ),
    (PARTS, "--x\r\n\r\nv\r\n--x--", "--x\r\n\r\nv\n\r\n--x--"),
];

#[test]
fn bodies_that_mean_the_same_are_the_same() {
    for (media, a, b) in SAME {
        let read = |body: &str| document(media, body.as_bytes());
        assert_eq!(read(a), read(b), "{media}: {a} | {b}");
    }
}

#[test]
fn bodies_that_mean_something_else_are_not() {
    for (media, a, b) in OTHER {
        let read = |body: &str| document(media, body.as_bytes());
        assert_ne!(read(a), read(b), "{media}: {a} | {b}");
    }
}

#[test]
fn parts_beyond_the_bound_are_compared() {
    let body = |last: &str| {
        let mut body = "--x\r\n\r\na\r\n".repeat(1200);
        body.push_str(&format!("--x\r\n\r\n{last}\r\n--x--"));
        document(PARTS, body.as_bytes())
    };
    assert_eq!(body("a").0, "multipart");
    assert_ne!(body("a"), body("b"));
}
