//! Connections that end early, slowly, in one direction only, or as another protocol.

use crate::harness::{Client, Server, config, eventually, json, left_by_client, receive, run};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn a_client_that_sends_no_more_gets_its_answer() {
    let server = Server::http(|_| {
        thread::sleep(Duration::from_millis(200));
        json("{}")
    });
    let gateway = run(config(&server));
    for request in [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}",
        "GET / HTTP/1.0\r\n\r\n",
    ] {
        let mut client = Client::of(&gateway);
        client.send(request);
        client.0.shutdown(Shutdown::Write).unwrap();
        assert_eq!(client.answer().status(), 200, "{request}");
        assert!(client.is_closed(), "{request}");
    }
}

#[test]
fn what_came_of_an_answer_that_breaks_off_reaches_the_client() {
    let server = Server::raw(|mut stream| {
        if let Ok(Some(request)) = receive(&mut stream, false) {
            let head = match request.path() {
                "/length" => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
                "/half" => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
                _ => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            };
            let _ = stream.write_all(head.as_bytes());
        }
    });
    let gateway = run(config(&server));
    for path in ["/length", "/half", "/chunked"] {
        for _ in 0..20 {
            let mut client = Client::of(&gateway);
            client.send(&format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n"));
            let mut got = String::new();
            client.0.read_to_string(&mut got).unwrap();
            assert!(got.starts_with("HTTP/1.1 200 OK\r\n"), "{path}: {got:?}");
            assert!(!got.ends_with("\r\n0\r\n\r\n"), "{path}: {got:?}");
            assert_eq!(got.ends_with("half"), path == "/half", "{got:?}");
        }
    }
    // HTTP/1.0 has no end but that of the connection: a false one is not an end.
    let mut old = Client::of(&gateway);
    old.send("GET /chunked HTTP/1.0\r\n\r\n");
    let mut got = Vec::new();
    assert!(old.0.read_to_end(&mut got).is_err(), "{got:?}");
}

#[test]
fn a_client_that_does_not_read_its_answer_is_let_go() {
    let server = Server::http(|_| json(&"x".repeat(30 << 20)));
    let mut config = config(&server);
    config.limits.send_timeout = Duration::from_millis(1500);
    let gateway = run(config);
    let mut client = Client::of(&gateway);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    eventually(&gateway, |status| {
        left_by_client(status) == 1 && status.connections == 0 && status.requests_in_flight == 0
    });
    // One that reads slowly is not.
    let mut slow = Client::of(&gateway);
    slow.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let (mut piece, mut got) = (vec![0; 6 << 20], 0);
    loop {
        let read = slow.0.read(&mut piece).unwrap();
        if read == 0 {
            break;
        }
        got += read;
        if got < 20 << 20 {
            thread::sleep(Duration::from_millis(3));
        }
    }
    assert!(got > 30 << 20, "{got}");
}

/// Passes frames of a WebSocket back as they come, and answers a close frame with one.
fn websocket(protocol: &'static str) -> Server {
    Server::raw(move |mut stream| {
        receive(&mut stream, true).unwrap();
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: {protocol}\r\nConnection: Upgrade\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        let mut piece = [0; 1024];
        while let Ok(read) = stream.read(&mut piece) {
            if read == 0
                || stream.write_all(&piece[..read]).is_err()
                || piece[..read].contains(&0x88)
            {
                return;
            }
        }
    })
}

#[test]
fn a_websocket_is_asked_to_close_when_the_gateway_stops() {
    let mut config = config(&websocket("websocket"));
    config.drain = Duration::from_secs(20);
    let gateway = run(config);
    let mut client = Client::of(&gateway);
    client.send(
        "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket, h2c\r\n\r\n",
    );
    let switched = receive(&mut client.0, true).unwrap().unwrap();
    assert_eq!(switched.header("upgrade"), Some("websocket"));
    // A frame that is under way is not cut in two: it is half there when the gateway stops.
    client.send("\x01\x05he");
    let mut echoed = [0; 4];
    client.0.read_exact(&mut echoed).unwrap();
    let (began, stopping) = (Instant::now(), thread::spawn(move || gateway.stop()));
    thread::sleep(Duration::from_millis(200));
    client.send("llo");
    let mut rest = Vec::new();
    while rest.len() < 7 {
        let mut byte = [0];
        client.0.read_exact(&mut byte).unwrap();
        rest.push(byte[0]);
    }
    // The rest of the frame, and a close frame: 1001, going away.
    assert_eq!(rest, [b'l', b'l', b'o', 0x88, 2, 3, 0xE9]);
    client
        .0
        .write_all(&[0x88, 0x82, 0, 0, 0, 0, 3, 0xE9])
        .unwrap();
    client.0.read_to_end(&mut rest).unwrap();
    assert_eq!(rest.len(), 7, "nothing follows a close frame");
    drop(client);
    stopping.join().unwrap().unwrap();
    assert!(
        began.elapsed() < Duration::from_secs(15),
        "it waits for both ends, not for `drain`"
    );
}

#[test]
fn another_protocol_ends_with_the_time_that_requests_have() {
    let mut config = config(&websocket("chat"));
    config.drain = Duration::from_secs(2);
    let gateway = run(config);
    let mut client = Client::of(&gateway);
    client.send("GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n");
    receive(&mut client.0, true).unwrap().unwrap();
    let stopping = thread::spawn(move || gateway.stop());
    thread::sleep(Duration::from_millis(200));
    client.send("hello");
    let mut word = [0; 5];
    client.0.read_exact(&mut word).unwrap();
    assert_eq!(&word, b"hello", "what is under way continues");
    assert!(client.is_closed());
    stopping.join().unwrap().unwrap();
}
