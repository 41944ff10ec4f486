use super::*;
use serde_json::json;

const COMBINED: &str =
    r#"10.0.0.1 - - [25/Nov/2026:10:00:00 +0000] "GET /a HTTP/1.1" 503 512 "-" "curl/8""#;
const US: Option<u64> = Some(1_000);
const MS: Option<u64> = Some(1_000_000);

fn ms(number: u64) -> Took {
    Took::Known(number * 1_000_000)
}

fn took(line: &str, unit: Option<u64>) -> Took {
    served(line.as_bytes(), unit).unwrap().took
}

#[test]
fn the_time_behind_the_combined_format_is_read_where_its_unit_is_certain() {
    for (behind, expected) in [
        ("", Took::Missing),
        (" \"-\"", Took::Missing),
        // nginx: `$request_time`, alone or with `$upstream_response_time` on either side.
        (" 0.012", ms(12)),
        (" \"0.012\"", ms(12)),
        (" 0.012 0.010", ms(12)),
        (" 0.010 0.012 .", ms(12)),
        (" 1024 rt=0.250 uct=\"0.001\" urt=0.240", ms(250)),
        (" request_time=0.250", ms(250)),
        (" us=4200", Took::Known(4_200_000)),
        (" duration_ms=3.5", Took::Known(3_500_000)),
        (" took=3.5ms", Took::Known(3_500_000)),
        // Morgan: `:response-time ms`.
        (" 12.345 ms", Took::Known(12_345_000)),
        (" - 12.345 ms", Took::Known(12_345_000)),
        (" 12.345 \"ms\"", Took::Known(12_345_000_000)),
        // Apache: `%T/%D`.
        (" 0/12345", Took::Known(12_345_000)),
        (" 2/2000345", Took::Known(2_000_345_000)),
        (" 2/345", Took::Unclear),
        // Traefik: requests so far, router, server, milliseconds.
        (" 1041 \"a@docker\" \"http://10.1.0.1:80\" 12ms", ms(12)),
        (" 1041 \"-\" \"-\" 0ms", ms(0)),
        // `$gzip_ratio`, a number of bytes, `$msec`, a rate: what are they?
        (" \"3.71\"", Took::Unclear),
        (" 4200", Took::Unclear),
        (" 1796000000.123", Took::Unclear),
        (" duration=12", Took::Unclear),
        (" -0.5", Took::Unclear),
        (" 3ms 12ms", Took::Unclear),
        // A text of the client is a text.
        (" \"for 0.500 of us\"", Took::Missing),
        (" \"a\\\"b 9.999 c\" 0.012", ms(12)),
    ] {
        assert_eq!(
            took(&format!("{COMBINED}{behind}"), None),
            expected,
            "{behind}"
        );
    }
}

#[test]
fn a_person_says_what_the_last_field_counts() {
    for (behind, unit, expected) in [
        (" 4200", US, Took::Known(4_200_000)),
        (" \"4200\"", US, Took::Known(4_200_000)),
        (" D=4200", US, Took::Known(4_200_000)),
        (" 0/4200", US, Took::Known(4_200_000)),
        (" 0.012", MS, Took::Known(12_000)),
        (" -", US, Took::Missing),
        (" 17 -", US, Took::Missing),
        (" 17 \"name\"", US, Took::Unclear),
        (" 1e300", US, Took::Missing),
        (" -5", US, Took::Missing),
        // Its own unit is more certain.
        (" 1041 \"a@docker\" \"http://10.1.0.1:80\" 12ms", US, ms(12)),
        (" us=4200", MS, Took::Known(4_200_000)),
        ("", US, Took::Missing),
    ] {
        assert_eq!(
            took(&format!("{COMBINED}{behind}"), unit),
            expected,
            "{behind}"
        );
    }
}

#[test]
fn status_and_bytes_of_the_common_format_are_not_durations() {
    let common = r#"10.0.0.1 - - [x] "GET / HTTP/1.1" 200 5"#;
    assert_eq!(took(common, None), Took::Missing);
    assert_eq!(took(common, US), Took::Missing);
    assert_eq!(took(&format!("{common} 4200"), US), Took::Known(4_200_000));
    assert_eq!(took(&format!("{common} 0.012"), None), ms(12));
    let read = served(common.as_bytes(), None).unwrap();
    assert_eq!(read.status, 200);
    assert_eq!(read.asked, Some(("GET".to_owned(), "/".to_owned())));
    assert_eq!(served(b"hello", None), Err(LineError::Form));
    let garbage = r#"10.0.0.1 - - [x] "\x16\x03" 400 5 "-" "-" 0.012"#;
    let read = served(garbage.as_bytes(), None).unwrap();
    assert_eq!((read.status, read.took), (400, ms(12)));
    assert_eq!(read.asked, None, "an answer to no request");
}

#[test]
fn a_key_of_json_says_the_unit_or_it_is_not_clear() {
    for (line, status, expected) in [
        (r#"{"status":200,"request_time":0.012}"#, 200, ms(12)),
        (r#"{"status":"404","request_time":"0.012"}"#, 404, ms(12)),
        (r#"{"request_time":12}"#, 0, Took::Unclear),
        (r#"{"request_time":12.3456}"#, 0, Took::Unclear),
        (
            r#"{"responsetime":0.012,"status":"200"}"#,
            200,
            Took::Unclear,
        ),
        (r#"{"responseTime":7,"status":200}"#, 200, Took::Unclear),
        (r#"{"duration":12}"#, 0, Took::Unclear),
        (r#"{"latency":0.012}"#, 0, Took::Unclear),
        (r#"{"duration_ms":3.5}"#, 0, Took::Known(3_500_000)),
        (r#"{"durationMs":3.5}"#, 0, Took::Known(3_500_000)),
        (r#"{"duration_in_millis":12}"#, 0, ms(12)),
        (r#"{"elapsed_ns":12000000}"#, 0, ms(12)),
        (r#"{"http_request_duration_seconds":0.012}"#, 0, ms(12)),
        (
            r#"{"latency_us":900,"status":200}"#,
            200,
            Took::Known(900_000),
        ),
        (r#"{"latency":"12.5ms"}"#, 0, Took::Known(12_500_000)),
        (r#"{"latency":"1m2.5s"}"#, 0, ms(62_500)),
        (r#"{"latency":"1.5µs"}"#, 0, Took::Known(1_500)),
        (
            r#"{"latency":1250000,"latency_human":"1.25ms"}"#,
            0,
            Took::Known(1_250_000),
        ),
        (r#"{"durations":3}"#, 0, Took::Missing),
        (r#"{"status":200,"duration":"-"}"#, 200, Took::Missing),
        (r#"{"status":200}"#, 200, Took::Missing),
        (
            r#"{"status":99999999,"request_time_s":-1}"#,
            0,
            Took::Missing,
        ),
        // Times of parts.
        (
            r#"{"upstream_response_time":"0.010","request_time":"0.012"}"#,
            0,
            ms(12),
        ),
        (r#"{"upstream_response_time":"0.010"}"#, 0, Took::Missing),
        (
            r#"{"db":{"duration_ms":3},"status":200}"#,
            200,
            Took::Missing,
        ),
        (r#"{"meta":{"latency_ms":3},"duration_ms":12}"#, 0, ms(12)),
        (r#"{"latency_ms":3,"duration_ms":12}"#, 0, Took::Unclear),
    ] {
        let read = served(line.as_bytes(), None).unwrap();
        assert_eq!((read.status, read.took), (status, expected), "{line}");
    }
    for (line, unit, expected) in [
        (r#"{"responsetime":12}"#, MS, ms(12)),
        (r#"{"duration":12000}"#, US, ms(12)),
        (r#"{"duration_ms":12}"#, US, ms(12)),
        (r#"{"status":200,"bytes":12}"#, US, Took::Missing),
    ] {
        assert_eq!(took(line, unit), expected, "{line}");
    }
    let named = r#"{"request_method":"GET","request_uri":"/a","args":"b=1","duration_ms":1}"#;
    let read = served(named.as_bytes(), None).unwrap();
    assert_eq!(read.asked, Some(("GET".to_owned(), "/a?b=1".to_owned())));
}

#[test]
fn the_shape_of_an_object_shows_which_program_wrote_it() {
    for (who, line, status) in [
        (
            "Caddy",
            r#"{"logger":"http.log.access.log0","msg":"handled request","request":{"remote_ip":"10.0.0.1","method":"GET","host":"h","uri":"/a"},"duration":0.012,"size":12,"status":200}"#,
            200,
        ),
        (
            "Traefik",
            r#"{"ClientHost":"10.0.0.1","DownstreamStatus":200,"Duration":12000000,"OriginDuration":11000000,"OriginStatus":200,"RequestMethod":"GET","RequestPath":"/a"}"#,
            200,
        ),
        (
            "Istio",
            r#"{"method":"GET","path":"/a","response_code":200,"response_flags":"-","duration":12,"upstream_service_time":"11","authority":"h"}"#,
            200,
        ),
        (
            "Google Cloud",
            r#"{"httpRequest":{"requestMethod":"GET","requestUrl":"http://h/a","status":200,"latency":"0.012s"}}"#,
            200,
        ),
        (
            "pino",
            r#"{"level":30,"time":1796000000000,"req":{"method":"GET","url":"/a"},"res":{"statusCode":200},"responseTime":12}"#,
            200,
        ),
        (
            "express-winston",
            r#"{"level":"info","meta":{"req":{"url":"/a"},"res":{"statusCode":200},"responseTime":12}}"#,
            200,
        ),
        (
            "Kong",
            r#"{"latencies":{"request":12,"kong":1,"proxy":11},"request":{"method":"GET","uri":"/a"},"response":{"status":200}}"#,
            200,
        ),
        (
            "ECS",
            r#"{"event":{"duration":12000000},"http":{"response":{"status_code":200}}}"#,
            200,
        ),
        (
            "ECS, flat",
            r#"{"event.duration":12000000,"http.response.status_code":200}"#,
            200,
        ),
    ] {
        let read = served(line.as_bytes(), None).unwrap();
        assert_eq!((read.status, read.took), (status, ms(12)), "{who}");
    }
    // Caddy with another `duration_format`.
    let other = r#"{"logger":"http.log.access","duration":12,"status":200}"#;
    assert_eq!(took(other, None), Took::Unclear);
    assert_eq!(took(other, MS), ms(12));
}

#[test]
fn lines_of_proxies_have_their_time_in_a_place_of_its_own() {
    for (who, line, status, expected) in [
        (
            "Envoy",
            r#"[2026-11-25T20:17:00.310Z] "POST /api HTTP/2" 204 - 154 0 226 100 "10.0.35.28" "nsq2http" "cc21d9b0" "locations" "tcp://10.0.2.1:80""#,
            204,
            ms(226),
        ),
        (
            "Istio",
            r#"[2026-11-25T20:17:00.310Z] "GET /a HTTP/1.1" 200 - via_upstream - "-" 0 5 12 2 "-" "curl/8" "id" "h:8000" "10.1.2.3:80" inbound|8000|| 127.0.0.6:1 10.1.2.3:80 10.1.2.4:2 - default"#,
            200,
            ms(12),
        ),
        (
            "Envoy without an upstream",
            r#"[2026-11-25T20:17:00.310Z] "GET /a HTTP/1.1" 503 UH 0 19 0 - "-" "curl/8" "id" "h" "-""#,
            503,
            ms(0),
        ),
        (
            "HAProxy",
            r#"Nov 25 12:14:14 localhost haproxy[14389]: 10.0.1.2:33317 [25/Nov/2026:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 {1wt.eu} {} "GET /a HTTP/1.1""#,
            200,
            ms(109),
        ),
        (
            "HAProxy, logasap",
            r#"10.0.1.2:33317 [25/Nov/2026:12:14:14.655] http-in static/srv1 10/0/30/69/+109 200 +2750 - - ---- 1/1/1/1/0 0/0 "GET /a HTTP/1.1""#,
            200,
            Took::Missing,
        ),
        (
            "HAProxy without an answer",
            r#"10.0.1.2:33317 [25/Nov/2026:12:14:14.655] http-in static/srv1 10/0/-1/-1/30 -1 0 - - CC-- 1/1/1/1/0 0/0 "GET /a HTTP/1.1""#,
            0,
            ms(30),
        ),
        (
            "ALB",
            r#"http 2026-11-25T22:23:00.186641Z app/lb/50dc 192.168.131.39:2817 10.0.0.1:80 0.001 0.010 0.001 200 200 34 366 "GET http://h:80/a HTTP/1.1" "curl/8" - - arn:aws:x "Root=1" "-" "-" 0 2026-11-25T22:22:48.364000Z "forward" "-" "-""#,
            200,
            ms(12),
        ),
        (
            "ALB without an answer",
            r#"http 2026-11-25T22:23:00.186641Z app/lb/50dc 192.168.131.39:2817 - -1 -1 -1 502 - 34 366 "GET http://h:80/a HTTP/1.1" "curl/8" - - arn:aws:x"#,
            502,
            Took::Missing,
        ),
        (
            "classic load balancer",
            r#"2026-11-25T22:23:00.186641Z lb 192.168.131.39:2817 10.0.0.1:80 0.001 0.010 0.001 200 200 0 29 "GET http://h:80/a HTTP/1.1" "curl/8" - -"#,
            200,
            ms(12),
        ),
    ] {
        let read = served(line.as_bytes(), None).unwrap();
        assert_eq!((read.status, read.took), (status, expected), "{who}");
        assert!(read.asked.is_some(), "{who}");
        // What a person says about a last field is not about these.
        assert_eq!(took(line, US), expected, "{who}");
    }
}

#[test]
fn a_framed_line_is_served_as_the_bare_line_is() {
    let combined = format!("{COMBINED} 0.012");
    let bare = [
        combined.as_str(),
        r#"{"status":200,"duration_ms":12}"#,
        r#"{"method":"GET","path":"/a","response_code":200,"duration":12,"authority":"h"}"#,
        r#"[2026-11-25T20:17:00.310Z] "POST /api HTTP/2" 204 - 154 0 226 100 "10.0.35.28" "nsq2http" "cc21d9b0" "locations" "tcp://10.0.2.1:80""#,
        r#"10.0.1.2:33317 [25/Nov/2026:12:14:14.655] http-in static/srv1 10/0/30/69/109 200 2750 - - ---- 1/1/1/1/0 0/0 "GET /a HTTP/1.1""#,
        r#"2026-11-25T22:23:00.186641Z lb 192.168.131.39:2817 10.0.0.1:80 0.001 0.010 0.001 200 200 0 29 "GET http://h:80/a HTTP/1.1" "curl/8" - -"#,
    ];
    for line in bare {
        let expected = served(line.as_bytes(), None).unwrap();
        assert!(matches!(expected.took, Took::Known(_)), "{line}");
        let framed = [
            json!({"log": format!("{line}\n"), "stream": "stdout", "time": "t"}).to_string(),
            json!({"log": line, "stream": "stdout", "kubernetes": {"pod": "web"}}).to_string(),
            json!({"@timestamp": "t", "message": line, "agent": {"type": "x"}}).to_string(),
            format!("2026-11-25T10:00:00.1Z stdout F {line}"),
            format!("2026-11-25T10:00:00.1Z {line}"),
            format!("nginx-1  | {line}"),
            format!("nginx-1  | 2026-11-25T10:00:00.1Z {line}"),
            format!("\u{1b}[36mnginx-1  |\u{1b}[0m {line}"),
            format!("[pod/web-1/nginx] {line}"),
            format!("Nov 25 12:00:01 web1 nginx[7]: {line}"),
            format!("<134>Nov 25 12:00:01 web1 nginx: {line}"),
            format!("<134>1 2026-11-25T12:00:01Z web1 nginx 7 - - {line}"),
            format!("2026-11-25T12:00:01+00:00 web1 nginx[7]: {line}"),
        ];
        for framed in framed {
            assert_eq!(
                served(framed.as_bytes(), None),
                Ok(expected.clone()),
                "{framed}"
            );
        }
    }
}
