//! Certificates: which one a client is shown, and which of a server's are believed.

use crate::harness::{Client, Server, candidate, config, eventually, json, receive, run, settled};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::{CertificateDer, ServerName};
use tokio_rustls::rustls::{self, ClientConnection, RootCertStore, ServerConnection, StreamOwned};
use understudy_gateway::config::UpstreamAddress;
use understudy_gateway::tls::{Certificate, server};

/// A certificate that signed itself.
struct Made {
    der: CertificateDer<'static>,
    chain: String,
    key: String,
}

fn made(name: &str, last_year: i32) -> Made {
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    params.not_before = date_time_ymd(2019, 1, 1);
    params.not_after = date_time_ymd(last_year, 12, 31);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Made {
        der: certificate.der().clone(),
        chain: certificate.pem(),
        key: key.serialize_pem(),
    }
}

impl Made {
    fn certificate(&self, hosts: &[&str]) -> Certificate {
        let hosts = hosts.iter().map(|host| (*host).to_owned()).collect();
        Certificate::from_pem(self.chain.as_bytes(), self.key.as_bytes(), hosts).unwrap()
    }
}

/// A server with this certificate that answers over TLS, and how many requests reached it.
fn secure(of: &Made, body: &'static str) -> (UpstreamAddress, Arc<AtomicU64>) {
    let mut tls = server(&[of.certificate(&[])]).unwrap();
    tls.alpn_protocols.clear();
    let (tls, requests) = (Arc::new(tls), Arc::new(AtomicU64::new(0)));
    let count = requests.clone();
    let server = Server::raw(move |tcp| {
        let connection = ServerConnection::new(tls.clone()).unwrap();
        let mut stream = StreamOwned::new(connection, tcp);
        while let Ok(Some(_)) = receive(&mut stream, false) {
            count.fetch_add(1, Ordering::Relaxed);
            if stream.write_all(&json(body)).is_err() {
                break;
            }
        }
    });
    let address = UpstreamAddress {
        tls: true,
        ..server.upstream()
    };
    (address, requests)
}

/// The certificate for clients that ask for this host.
fn shown(
    gateway: &understudy_gateway::Running,
    trusted: &[&Made],
    host: &'static str,
) -> CertificateDer<'static> {
    let mut roots = RootCertStore::empty();
    for made in trusted {
        roots.add(made.der.clone()).unwrap();
    }
    let client = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(host).unwrap();
    let connection = ClientConnection::new(Arc::new(client), name).unwrap();
    let tcp = TcpStream::connect(gateway.addresses()[0]).unwrap();
    let mut stream = StreamOwned::new(connection, tcp);
    // The client itself refuses a certificate that is not for the host it asked for.
    let asked = write!(stream, "GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
    if asked.is_ok() {
        assert_eq!(receive(&mut stream, false).unwrap().unwrap().status(), 200);
    }
    stream.conn.peer_certificates().map_or_else(
        || CertificateDer::from(vec![]),
        |all| all[0].clone().into_owned(),
    )
}

#[test]
fn clients_are_shown_the_certificate_of_the_host_they_name() {
    let upstream = Server::json("{}");
    let (shop, bank) = (made("shop.example", 2060), made("bank.example", 2060));
    let mut config = config(&upstream);
    let certificates = [
        shop.certificate(&["shop.example"]),
        bank.certificate(&["Bank.example"]),
    ];
    config.listeners[0].tls = Some(Arc::new(server(&certificates).unwrap()));
    let gateway = run(config);
    let trusted = [&shop, &bank];
    assert_eq!(shown(&gateway, &trusted, "bank.example"), bank.der);
    assert_eq!(shown(&gateway, &trusted, "shop.example"), shop.der);
    // An unknown host gets the first one, which is not for it: the client leaves.
    assert_eq!(shown(&gateway, &trusted, "other.example").as_ref(), b"");
}

#[test]
fn a_server_is_believed_if_its_certificate_is_trusted_and_not_otherwise() {
    let (right, wrong, old) = (
        made("127.0.0.1", 2060),
        made("127.0.0.1", 2060),
        made("127.0.0.1", 2020),
    );
    for (name, certificate, trusted, status) in [
        ("trusted", &right, &right, 200),
        ("of another authority", &right, &wrong, 502),
        ("expired", &old, &old, 502),
    ] {
        let (address, requests) = secure(certificate, "{}");
        let mut config = config(&Server::json("{}"));
        config.incumbent.upstreams = vec![address];
        config.incumbent.authorities = Some(vec![trusted.der.clone()]);
        let gateway = run(config);
        assert_eq!(Client::of(&gateway).get("/").status(), status, "{name}");
        let reached = u64::from(status == 200);
        assert_eq!(requests.load(Ordering::Relaxed), reached, "{name}");
    }
}

#[test]
fn a_candidate_whose_certificate_has_expired_is_asked_nothing_and_clients_see_nothing() {
    let old = made("127.0.0.1", 2020);
    let (address, requests) = secure(&old, "{\"a\":1}");
    let mut config = config(&Server::json("{\"a\":1}"));
    let mut other = candidate(address);
    other.side.authorities = Some(vec![old.der.clone()]);
    config.candidate = Some(other);
    let gateway = run(config);
    let mut client = Client::of(&gateway);
    for _ in 0..10 {
        assert_eq!(client.get("/").text(), "{\"a\":1}");
    }
    let status = settled(&gateway);
    let (ledger, proof) = (status.ledger, status.proof);
    assert!(ledger.is_balanced() && ledger.eligible == 10, "{ledger:?}");
    assert_eq!(proof.different, proof.compared, "{ledger:?}");
    // A machine that has no CPU left for the copies says so.
    let starved = ledger.dropped.contains_key("gateway_starved");
    assert!(proof.compared > 0 || starved, "{ledger:?}");
    assert_eq!(requests.load(Ordering::Relaxed), 0);
}

#[test]
fn a_connection_that_is_not_opened_is_counted_with_its_reason() {
    let certificate = made("shop.example", 2999).certificate(&[]);
    let mut config = config(&Server::json("{}"));
    config.limits.connections = 1;
    config.listeners[0].tls = Some(Arc::new(server(&[certificate]).unwrap()));
    let gateway = run(config);
    let mut plain = Client::of(&gateway);
    plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    // An alert of TLS, and the end.
    let _ = plain.0.read_to_end(&mut Vec::new());
    eventually(&gateway, |status| status.connections == 0);
    let _first = Client::of(&gateway);
    eventually(&gateway, |status| status.connections == 1);
    assert!(Client::of(&gateway).is_closed());
    let counted = eventually(&gateway, |status| {
        status.connections_unopened["too_many"] == 1
    });
    assert_eq!(counted.connections_unopened["handshake"], 1);
}

#[test]
fn a_server_that_asks_who_the_gateway_is_gets_its_certificate() {
    let (of_server, of_gateway) = (made("127.0.0.1", 2099), made("gateway", 2099));
    let mut trusted = RootCertStore::empty();
    trusted.add(of_gateway.der.clone()).unwrap();
    let provider = Arc::new(ring::default_provider());
    let verifier = rustls::server::WebPkiClientVerifier::builder_with_provider(
        Arc::new(trusted),
        provider.clone(),
    )
    .build()
    .unwrap();
    let key = rustls::pki_types::pem::PemObject::from_pem_slice(of_server.key.as_bytes()).unwrap();
    let tls = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(vec![of_server.der.clone()], key)
        .unwrap();
    let tls = Arc::new(tls);
    let server = Server::raw(move |tcp| {
        let connection = ServerConnection::new(tls.clone()).unwrap();
        let mut stream = StreamOwned::new(connection, tcp);
        while let Ok(Some(_)) = receive(&mut stream, false) {
            stream.write_all(&json("{}")).unwrap();
        }
    });
    for (certificate, status) in [(None, 502), (Some(of_gateway.certificate(&[])), 200)] {
        let mut config = config(&server);
        config.incumbent.upstreams[0].tls = true;
        config.incumbent.authorities = Some(vec![of_server.der.clone()]);
        config.incumbent.certificate = certificate;
        assert_eq!(Client::of(&run(config)).get("/").status(), status);
    }
}
