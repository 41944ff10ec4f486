//! A candidate whose server accepts few connections at a time, as those of many standard libraries.

use crate::harness::{
    Client, Server, candidate, config, json, receive, run, settled, unreachable, upstream,
};
use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};
use understudy_gateway::config::{CandidateConfig, UpstreamAddress};
use understudy_gateway::status::Status;

const REQUESTS: u64 = 200;

/// A server with a listen backlog of 5, one thread and a connection for each request.
fn short_backlog(turn: Duration) -> SocketAddr {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let any = SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any.into()).unwrap();
    socket.listen(5).unwrap();
    let listener = TcpListener::from(socket);
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::sleep(turn);
            if let Ok(Some(_)) = receive(&mut stream, false) {
                let answer = String::from_utf8(json("{\"a\":1}")).unwrap();
                let answer = answer.replacen("\r\n", "\r\nConnection: close\r\n", 1);
                let _ = stream.write_all(answer.as_bytes());
            }
        }
    });
    address
}

/// Sends the requests at once; the longest that a client waited.
fn burst(gateway: &understudy_gateway::Running) -> Duration {
    let address = gateway.addresses()[0];
    let clients: Vec<_> = (0..20)
        .map(|id| {
            thread::spawn(move || {
                let mut client = Client::to(address);
                let mut longest = Duration::ZERO;
                for n in 0..REQUESTS / 20 {
                    let asked = Instant::now();
                    let answer = client.get(&format!("/{id}/{n}"));
                    longest = longest.max(asked.elapsed());
                    assert_eq!(answer.status(), 200);
                }
                longest
            })
        })
        .collect();
    clients
        .into_iter()
        .map(|client| client.join().unwrap())
        .max()
        .unwrap()
}

/// What a gateway shows of a burst, a balanced ledger, and the longest that a client waited.
fn shown(to: CandidateConfig) -> (Status, Duration) {
    let incumbent = Server::json("{\"a\":1}");
    let mut config = config(&incumbent);
    config.candidate = Some(to);
    let gateway = run(config);
    let longest = burst(&gateway);
    let status = settled(&gateway);
    assert!(status.ledger.is_balanced(), "{:?}", status.ledger);
    (status, longest)
}

#[test]
fn a_burst_finds_every_copy_an_answer() {
    let to = candidate(upstream(short_backlog(Duration::from_millis(3))));
    let (Status { ledger, proof, .. }, _) = shown(to);
    assert_eq!(
        (ledger.eligible, proof.different),
        (REQUESTS, 0),
        "{ledger:?}"
    );
    // A machine that has no CPU left for the copies says so.
    let starved = ledger.dropped.get("gateway_starved").copied().unwrap_or(0);
    assert_eq!(ledger.compared + starved, REQUESTS, "{ledger:?}");
}

#[test]
fn what_gets_no_connection_in_time_is_not_a_difference() {
    let mut behind = candidate(upstream(short_backlog(Duration::from_millis(20))));
    // Time for some thirty of the two hundred.
    behind.side.connect_timeout = Duration::from_millis(600);
    let (Status { ledger, proof, .. }, longest) = shown(behind);
    assert_eq!(
        (ledger.eligible, proof.different),
        (REQUESTS, 0),
        "{ledger:?}"
    );
    assert!(
        ledger.dropped.contains_key("candidate_behind"),
        "{ledger:?}"
    );
    assert!(ledger.compared > 0, "{ledger:?}");
    assert!(
        longest < Duration::from_secs(2),
        "a client waited {longest:?}"
    );
}

#[test]
fn one_that_is_down_is_found_at_once() {
    let begun = Instant::now();
    let (Status { ledger, proof, .. }, _) = shown(candidate(upstream(unreachable())));
    // It is left alone after 20 failures; the harness gives a connect 15 s, which is never spent.
    assert!(
        begun.elapsed() < Duration::from_secs(5),
        "{:?}",
        begun.elapsed()
    );
    assert!(proof.different >= 20, "{ledger:?} {proof:?}");
    assert_eq!(proof.different, proof.compared, "{ledger:?} {proof:?}");
}

/// A client waits for a server that is busy, whatever it listens on.
#[test]
fn a_client_waits_for_room_in_the_backlog_of_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("socket");
    let unix = || socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    let (listener, address) = (unix(), socket2::SockAddr::unix(&path).unwrap());
    listener.bind(&address).unwrap();
    listener.listen(1).unwrap();
    let mut full = Vec::new();
    loop {
        let client = unix();
        client.set_nonblocking(true).unwrap();
        match client.connect(&address) {
            Ok(()) => full.push(client),
            Err(_) => break,
        }
    }
    let incumbent = Server::json("{}");
    let mut config = config(&incumbent);
    config.incumbent.upstreams = vec![UpstreamAddress {
        socket: Some(path),
        ..incumbent.upstream()
    }];
    let gateway = run(config);
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(300));
        drop(full);
        while let Ok((mut stream, _)) = listener.accept() {
            if let Ok(Some(_)) = receive(&mut stream, false) {
                let _ = stream.write_all(&json("{}"));
            }
        }
    });
    let mut client = Client::to(gateway.addresses()[0]);
    assert_eq!(client.get("/").status(), 200);
}
