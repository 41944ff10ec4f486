//! HTTP/2 on both sides, TLS in front, and calls that end with trailers (gRPC).

use crate::harness::{Client, Server, candidate, config, run, settled, upstream};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, Version};
use http_body::{Body, Frame};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::channel;
use std::task::{Context, Poll};
use tokio_rustls::rustls;
use understudy_gateway::config::{GatewayConfig, UpstreamAddress};
use understudy_gateway::tls::{Certificate, server};

/// A body of these pieces, with trailers.
struct Pieces(VecDeque<Frame<Bytes>>);

impl Pieces {
    fn new(pieces: &[&'static str], status: Option<&'static str>) -> Pieces {
        let data = pieces
            .iter()
            .map(|piece| Frame::data(Bytes::from_static(piece.as_bytes())));
        let trailers = status.map(|status| {
            Frame::trailers(HeaderMap::from_iter([(
                "grpc-status".parse().unwrap(),
                HeaderValue::from_static(status),
            )]))
        });
        Pieces(data.chain(trailers).collect())
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(Ok))
    }
}

async fn all(mut body: Incoming) -> (String, HeaderMap) {
    let (mut data, mut trailers) = (Vec::new(), HeaderMap::new());
    while let Some(frame) = std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await {
        match frame.unwrap().into_data() {
            Ok(piece) => data.extend_from_slice(&piece),
            Err(frame) => trailers = frame.into_trailers().unwrap(),
        }
    }
    (String::from_utf8(data).unwrap(), trailers)
}

/// A gRPC-like server over HTTP/2 that ends each call with this status; it lives as long as the test.
fn grpc(status: &'static str) -> SocketAddr {
    let (bound, address) = channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            bound.send(listener.local_addr().unwrap()).unwrap();
            loop {
                let (tcp, _) = listener.accept().await.unwrap();
                let service = service_fn(move |request: Request<Incoming>| async move {
                    assert_eq!(request.version(), Version::HTTP_2);
                    assert_eq!(request.headers()["te"], "trailers");
                    assert_eq!(request.uri().authority().unwrap().as_str(), "shop.example");
                    let (sent, trailers) = all(request.into_body()).await;
                    assert_eq!((sent.as_str(), trailers.is_empty()), ("onetwo", true));
                    let response = Response::builder().header("content-type", "application/grpc");
                    Ok::<_, Infallible>(
                        response
                            .body(Pieces::new(&["three", "four"], Some(status)))
                            .unwrap(),
                    )
                });
                let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
                tokio::spawn(connection.serve_connection(TokioIo::new(tcp), service));
            }
        });
    });
    address.recv().unwrap()
}

fn http2(address: SocketAddr) -> UpstreamAddress {
    UpstreamAddress {
        http2: true,
        ..upstream(address)
    }
}

/// A gateway with TLS, and what a client needs to trust it.
fn with_tls(config: &mut GatewayConfig) -> rustls::ClientConfig {
    let made = rcgen::generate_simple_self_signed(vec!["shop.example".to_owned()]).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let certificate = Certificate::from_pem(
        chain.as_bytes(),
        key.as_bytes(),
        vec!["shop.example".to_owned()],
    )
    .unwrap();
    config.listeners[0].tls = Some(Arc::new(server(&[certificate]).unwrap()));
    let mut roots = rustls::RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    builder.with_root_certificates(roots).with_no_client_auth()
}

async fn tls(
    address: SocketAddr,
    mut config: rustls::ClientConfig,
    protocol: &str,
) -> tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
    config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
    let tcp = tokio::net::TcpStream::connect(address).await.unwrap();
    let name = rustls::pki_types::ServerName::try_from("shop.example").unwrap();
    let stream = tokio_rustls::TlsConnector::from(Arc::new(config))
        .connect(name, tcp)
        .await
        .unwrap();
    assert_eq!(
        stream.get_ref().1.alpn_protocol(),
        Some(protocol.as_bytes())
    );
    stream
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

#[test]
fn calls_with_trailers_pass_over_tls_and_http2_and_their_trailers_are_compared() {
    let (incumbent, other) = (grpc("0"), grpc("5"));
    let mut config = config(&Server {
        address: incumbent,
        connections: Arc::default(),
    });
    config.incumbent.upstreams = vec![http2(incumbent)];
    config.candidate = Some(candidate(http2(other)));
    config.routes[0].writes = true;
    let trust = with_tls(&mut config);
    let gateway = run(config);
    let address = gateway.addresses()[0];
    block_on(async {
        let io = TokioIo::new(tls(address, trust, "h2").await);
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
                .await
                .unwrap();
        tokio::spawn(connection);
        for _ in 0..5 {
            let request = Request::post("https://shop.example/Shop/Buy").header("te", "trailers");
            let response = sender
                .send_request(request.body(Pieces::new(&["one", "two"], None)).unwrap())
                .await
                .unwrap();
            assert_eq!(response.headers()["content-type"], "application/grpc");
            let (body, trailers) = all(response.into_body()).await;
            assert_eq!(
                (body.as_str(), &trailers["grpc-status"]),
                ("threefour", &HeaderValue::from_static("0"))
            );
        }
    });
    let status = settled(&gateway);
    assert!(
        status.proof.different == status.proof.compared && status.proof.compared > 0,
        "{:?} {:?}",
        status.ledger,
        status.proof
    );
}

#[test]
fn http1_over_tls_and_http2_without_it_are_served_as_well() {
    let server = Server::json("{\"a\":1}");
    let mut config = config(&server);
    let mut plain = config.listeners[0].clone();
    plain.address = "127.0.0.1:0".parse().unwrap();
    let trust = with_tls(&mut config);
    config.listeners.push(plain);
    let gateway = run(config);
    let (secure, plain) = (gateway.addresses()[0], gateway.addresses()[1]);
    block_on(async {
        let io = TokioIo::new(tls(secure, trust, "http/1.1").await);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        let request = Request::get("/x")
            .header("host", "shop.example")
            .body(Pieces::new(&[], None))
            .unwrap();
        assert_eq!(
            all(sender.send_request(request).await.unwrap().into_body())
                .await
                .0,
            "{\"a\":1}"
        );

        let io = TokioIo::new(tokio::net::TcpStream::connect(plain).await.unwrap());
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
                .await
                .unwrap();
        tokio::spawn(connection);
        let request = || {
            Request::get("http://shop.example/x")
                .body(Pieces::new(&[], None))
                .unwrap()
        };
        let many: Vec<_> = (0..50).map(|_| sender.send_request(request())).collect();
        for answer in many {
            assert_eq!(all(answer.await.unwrap().into_body()).await.0, "{\"a\":1}");
        }
    });
    assert_eq!(
        Client::to(plain).get("/").status(),
        200,
        "and HTTP/1.1 on the same port"
    );
}

type Sender = hyper::client::conn::http2::SendRequest<Pieces>;

/// A client that speaks HTTP/2 without TLS.
async fn over_http2(address: SocketAddr) -> Sender {
    let io = TokioIo::new(tokio::net::TcpStream::connect(address).await.unwrap());
    let (sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(65_535)
        .initial_connection_window_size(65_535)
        .handshake(io)
        .await
        .unwrap();
    tokio::spawn(connection);
    sender
}

/// The status and the text of the answer to a GET with these headers.
async fn ask(sender: &mut Sender, headers: &[(&str, &str)]) -> (u16, String) {
    let mut request = Request::get("http://shop.example/x");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(Pieces::new(&[], None)).unwrap();
    let response = sender.send_request(request).await.unwrap();
    (
        response.status().as_u16(),
        all(response.into_body()).await.0,
    )
}

#[test]
fn what_http2_calls_malformed_is_refused() {
    let gateway = run(config(&Server::json("{}")));
    block_on(async {
        let mut sender = over_http2(gateway.addresses()[0]).await;
        for (headers, status) in [
            (&[("host", "shop.example")][..], 200),
            (&[("host", "Shop.example")], 200),
            (&[("host", "other.example")], 400),
            (&[("host", "shop.example, other")], 400),
            (&[("host", "shop.example"), ("host", "shop.example")], 400),
            (&[("x-a", " b")], 400),
            (&[("x-a", "b\t")], 400),
            (&[("expect", "much")], 417),
        ] {
            let (got, text) = ask(&mut sender, headers).await;
            assert_eq!(got, status, "{headers:?}: {text}");
        }
    });
}

#[test]
fn an_answer_without_a_body_has_no_length_over_http2() {
    let server = Server::http(|_| b"HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n".to_vec());
    let gateway = run(config(&server));
    block_on(async {
        let mut sender = over_http2(gateway.addresses()[0]).await;
        for _ in 0..3 {
            let request = Request::get("http://shop.example/x").body(Pieces::new(&[], None));
            let response = sender.send_request(request.unwrap()).await.unwrap();
            assert_eq!(response.status(), 204);
            assert!(!response.headers().contains_key("content-length"));
        }
    });
}

/// Sends the same piece many times, with pauses.
struct Slow {
    left: usize,
    pause: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Body for Slow {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let pause = || Box::pin(tokio::time::sleep(std::time::Duration::from_millis(5)));
        std::task::ready!(self.pause.get_or_insert_with(pause).as_mut().poll(cx));
        self.pause = None;
        self.left = match self.left.checked_sub(1) {
            Some(left) => left,
            None => return Poll::Ready(None),
        };
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 10_000])))))
    }
}

/// A client that looks at the answer when it has sent all gets it, and no reset.
#[test]
fn a_client_that_continues_to_upload_over_http2_gets_the_refusal() {
    let mut config = config(&Server::json("{}"));
    config.limits.body_bytes = 15_000;
    let gateway = run(config);
    block_on(async {
        let tcp = tokio::net::TcpStream::connect(gateway.addresses()[0]);
        let io = TokioIo::new(tcp.await.unwrap());
        let (mut sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io)
                .await
                .unwrap();
        let reset = tokio::spawn(connection);
        for announced in [true, false] {
            let mut request = Request::post("http://shop.example/x");
            if announced {
                request = request.header("content-length", "100000");
            }
            let body = Slow {
                left: 10,
                pause: None,
            };
            let response = sender
                .send_request(request.body(body).unwrap())
                .await
                .unwrap();
            assert_eq!(response.status(), 413, "{announced}");
            assert!(all(response.into_body()).await.0.starts_with("413 "));
        }
        assert!(!reset.is_finished());
    });
}

#[test]
fn what_came_of_an_answer_that_breaks_off_reaches_a_client_over_http2() {
    let server = Server::raw(|mut stream| {
        use std::io::Write;
        if let Ok(Some(_)) = crate::harness::receive(&mut stream, false) {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf");
        }
    });
    let gateway = run(config(&server));
    block_on(async {
        let mut sender = over_http2(gateway.addresses()[0]).await;
        for _ in 0..20 {
            let request = Request::get("http://shop.example/x").body(Pieces::new(&[], None));
            let response = sender.send_request(request.unwrap()).await.unwrap();
            let mut body = response.into_body();
            let mut next =
                async || std::future::poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await;
            let first = next().await.unwrap().unwrap().into_data().unwrap();
            assert_eq!(&first[..], b"half");
            assert!(next().await.unwrap().is_err(), "no false end");
        }
    });
}

#[test]
fn a_client_that_gives_no_room_over_http2_is_let_go() {
    let server = Server::http(|_| crate::harness::json(&"x".repeat(4 << 20)));
    let mut config = config(&server);
    config.limits.send_timeout = std::time::Duration::from_millis(400);
    let gateway = run(config);
    block_on(async {
        let mut sender = over_http2(gateway.addresses()[0]).await;
        let request = Request::get("http://shop.example/x").body(Pieces::new(&[], None));
        // Its window is never opened again.
        let held = sender.send_request(request.unwrap()).await.unwrap();
        let status = tokio::task::spawn_blocking(move || {
            crate::harness::eventually(&gateway, |status| {
                let left = crate::harness::left_by_client(status) == 1;
                left && status.connections == 0 && status.requests_in_flight == 0
            })
        });
        status.await.unwrap();
        drop(held);
    });
}
