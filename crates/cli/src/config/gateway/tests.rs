use super::*;

const SMALLEST: &str = "schema = 1\n[[listen]]\naddress = \"127.0.0.1:8080\"\n[incumbent]\nservers = [\"http://127.0.0.1:9000\"]\n";

fn read(text: &str) -> Result<GatewayConfig, Vec<String>> {
    let day = Day::new(2026, 11, 25).unwrap();
    parse(text, Path::new("/etc/x"), "g.toml", day)
}

#[test]
fn the_smallest_file_is_a_plain_proxy() {
    let config = read(SMALLEST).unwrap();
    assert_eq!(
        (
            config.listeners.len(),
            config.routes.len(),
            config.candidate.is_none()
        ),
        (1, 1, true)
    );
    assert_eq!(
        config.admin.address,
        Some("127.0.0.1:9901".parse().unwrap())
    );
    assert_eq!(
        (config.incumbent.upstreams[0].port, config.limits),
        (9000, Limits::default())
    );
}

#[test]
fn a_second_incumbent_is_spoken_to_as_the_first_one_is() {
    let more = "http2 = true\nresponse_timeout = \"7s\"\n[candidate]\nservers = [\"http://127.0.0.1:9001\"]\nsecond = [\"http://127.0.0.1:9002\"]\n";
    let config = read(&format!("{SMALLEST}{more}")).unwrap();
    let candidate = config.candidate.unwrap();
    let second = candidate.second.unwrap();
    assert!(second.upstreams[0].http2 && !candidate.side.upstreams[0].http2);
    assert_eq!(second.response_timeout, Duration::from_secs(7));
}

#[test]
fn a_server_may_answer_at_a_unix_socket_whose_path_is_that_of_the_file() {
    let config = |path: &str| read(&SMALLEST.replace("http://127.0.0.1:9000", path));
    let server = config("unix:run/app.sock").unwrap().incumbent.upstreams[0].clone();
    assert_eq!(
        server.socket.as_deref(),
        Some(Path::new("/etc/x/run/app.sock"))
    );
    assert_eq!(server.url(), "unix:/etc/x/run/app.sock");
    let errors = config("unix:").unwrap_err();
    assert!(errors[0].contains("\"unix:\" has no path"), "{errors:?}");
}

#[test]
fn a_certificate_that_servers_are_shown_needs_its_key() {
    for (given, missing) in [
        ("client_certificate = \"a.pem\"", "client_key is missing"),
        ("client_key = \"a.key\"", "client_certificate is missing"),
    ] {
        let errors = read(&format!("{SMALLEST}{given}\n")).unwrap_err();
        assert!(
            errors.iter().any(|error| error.contains(missing)),
            "{errors:?}"
        );
        assert!(
            errors
                .iter()
                .any(|error| error.contains("cannot read /etc/x/a.")),
            "{errors:?}"
        );
    }
}

#[test]
fn what_is_said_of_the_way_through_is_taken() {
    let more = "[limits]\nsend_timeout = \"7s\"\n[candidate]\nservers = [\"http://127.0.0.1:9001\"]\n\
                gives_way = false\n[candidate.request]\nunconditional = true\n";
    let config = read(&format!("via = false\n{SMALLEST}{more}")).unwrap();
    let candidate = config.candidate.unwrap();
    assert!(!config.via && candidate.rewrite.unconditional && !candidate.gives_way);
    assert_eq!(config.limits.send_timeout, Duration::from_secs(7));
    assert!(read(SMALLEST).unwrap().via);
}

#[test]
fn the_example_is_right() {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/read-states/gateway.toml");
    let config = gateway(&path, Day::new(2026, 11, 25).unwrap()).unwrap();
    let candidate = config.candidate.unwrap();
    assert_eq!(candidate.side.upstreams.len(), 1);
    assert!(config.state.unwrap().is_absolute());
}

#[test]
fn every_mistake_is_reported_at_once_with_its_line() {
    let text = r#"schema = 1
worker = 2
drain = "0s"
[[listen]]
address = "8080"
[[listen]]
address = "127.0.0.1:1"
[[listen]]
address = "127.0.0.1:1"
[[listen.certificate]]
file = "none.pem"
[limits]
body_bytes = "many"
[incumbent]
servers = ["127.0.0.1:9000", "http://a/b", "http://localhost:1", "http://a:0"]
health = "x"
[candidate]
fraction = "200%"
key = "user"
[candidate.request]
remove = ["a b"]
[candidate.request.set]
authorization = "$NOT_SET_ANYWHERE"
[[route]]
path = "api"
methods = ["get"]
[compare]
goal = "0%"
[[compare.rule]]
path = "$.a"
expires = 2026-01-01
[admin]
address = "0.0.0.0:9901"
"#;
    let errors = read(text).unwrap_err();
    for (line, part) in [
        (2, "worker: is not a key\nhint: did you mean `workers`?"),
        (3, "drain: 0 leaves no time"),
        (
            5,
            "listen.address: \"8080\" is not an IP address with a port\nhint: write",
        ),
        (9, "is listened on already"),
        (10, "key is missing"),
        (11, "cannot read /etc/x/none.pem"),
        (13, "limits.body_bytes"),
        (15, "\"127.0.0.1:9000\""),
        (15, "\"http://localhost:1\" is this gateway itself"),
        (15, "\"http://a:0\" has port 0"),
        (15, "has a path"),
        (16, "incumbent.health"),
        (17, "candidate.servers is missing"),
        (18, "candidate.fraction"),
        (19, "candidate.key: \"user\" is not known"),
        (21, "candidate.request.remove"),
        (23, "NOT_SET_ANYWHERE is not set"),
        (25, "does not begin with /"),
        (26, "\"get\" is not a method"),
        (28, "compare.goal"),
        (31, "expired"),
        (33, "admin.address: can be reached from other machines"),
    ] {
        let start = format!("g.toml:{line}: ");
        assert!(
            errors
                .iter()
                .any(|error| error.starts_with(&start) && error.contains(part)),
            "{line} {part}: {errors:#?}"
        );
    }
    assert_eq!(errors.len(), 22, "{errors:#?}");
}

#[test]
fn one_address_is_not_given_twice_and_no_server_is_the_gateway() {
    let file = |listen: &str, rest: &str| {
        let text = SMALLEST.replace("127.0.0.1:8080", listen);
        read(&format!("{text}{rest}"))
    };
    for (listen, rest, expected) in [
        (
            "0.0.0.0:9901",
            "",
            "admin.address: 127.0.0.1:9901 is where clients connect, see [[listen]] 0.0.0.0:9901\nhint: give",
        ),
        (
            "127.0.0.1:8080",
            "[admin]\naddress = \"127.0.0.1:8080\"\n",
            "g.toml:7: admin.address: 127.0.0.1:8080 is where clients connect",
        ),
        (
            "127.0.0.1:8080",
            "[[listen]]\naddress = \"0.0.0.0:8080\"\n",
            "is listened on already, by 127.0.0.1:8080",
        ),
        (
            "0.0.0.0:9000",
            "",
            "\"http://127.0.0.1:9000\" is this gateway itself",
        ),
        (
            "[::]:9000",
            "",
            "\"http://127.0.0.1:9000\" is this gateway itself",
        ),
        (
            "127.0.0.1:8080",
            "[candidate]\nservers = [\"http://localhost:9901\"]\n",
            "is the admin interface of this gateway, see [admin]",
        ),
    ] {
        let errors = file(listen, rest).unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:#?}");
        assert!(errors[0].contains(expected), "{errors:#?}");
    }
    let off = "[admin]\nenabled = false\n";
    assert!(file("127.0.0.1:9901", off).is_ok(), "it is off");
}
