//! Against real sockets whose other end says and does what the test wants.

use super::*;
use crate::proxy::upload::Fault;
use http_body::SizeHint;
use proptest::prelude::*;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Sleep;

/// A body that comes piece by piece; what is `None` takes a while.
struct Script {
    frames: VecDeque<Option<Result<Frame<Bytes>, Fault>>>,
    length: Option<u64>,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Script {
    fn of(length: Option<u64>, pieces: &[&'static str]) -> Script {
        let frame =
            |piece: &&'static str| Some(Ok(Frame::data(Bytes::from_static(piece.as_bytes()))));
        Script {
            frames: pieces.iter().map(frame).collect(),
            length,
            pause: None,
        }
    }

    fn none() -> Script {
        Script::of(Some(0), &[])
    }

    /// ... and then, after a while.
    fn later(mut self, frame: Result<Frame<Bytes>, Fault>) -> Script {
        self.frames.extend([None, Some(frame)]);
        self
    }
}

impl Body for Script {
    type Data = Bytes;
    type Error = Fault;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Fault>>> {
        if let Some(None) = self.frames.front() {
            let pause = || Box::pin(tokio::time::sleep(Duration::from_millis(20)));
            ready!(self.pause.get_or_insert_with(pause).as_mut().poll(cx));
            (self.pause, self.frames[0]) = (None, self.frames.remove(1).unwrap());
        }
        Poll::Ready(self.frames.pop_front().flatten())
    }

    fn is_end_stream(&self) -> bool {
        self.frames.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        self.length.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}

fn data(text: &'static str) -> Result<Frame<Bytes>, Fault> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

fn request(method: Method) -> Head {
    Head {
        method,
        uri: "/a".parse().unwrap(),
        ..Head::default()
    }
}

/// Runs a test on a thread's runtime, with both ends of a connection.
fn with<F: Future>(test: impl FnOnce(Http1, TcpStream) -> F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, server) = tokio::join!(TcpStream::connect(address), listener.accept());
        let client = Http1::new(Transport::Plain(client.unwrap()));
        let done = tokio::time::timeout(Duration::from_secs(20), test(client, server.unwrap().0));
        done.await.expect("no side waits forever")
    })
}

async fn send(
    client: &mut Http1,
    method: Method,
    body: Script,
) -> Result<Response<Received>, NoAnswer> {
    let authority = HeaderValue::from_static("up");
    let sent = client
        .send(&request(method), &authority, body, &|_| {})
        .await;
    sent.map_err(|unanswered| unanswered.why)
}

#[derive(Debug, Default, PartialEq)]
struct Whole {
    status: u16,
    fields: HeaderMap,
    body: Vec<u8>,
    trailers: HeaderMap,
}

/// Takes an answer to its end, and holds it to what it said of its length.
async fn whole(client: &mut Http1, response: Response<Received>) -> Result<Whole, NoAnswer> {
    let (parts, mut received) = response.into_parts();
    let mut whole = Whole {
        status: parts.status.as_u16(),
        fields: parts.headers,
        ..Whole::default()
    };
    let announced = received.size_hint().exact();
    loop {
        let Received::One { left, .. } = &mut received else {
            unreachable!("this is HTTP/1.1")
        };
        let (before, said) = (*left == Some(0), whole.body.len() as u64);
        match poll_fn(|cx| client.poll_frame(left, cx))
            .await
            .transpose()?
        {
            None => break,
            Some(_) if before => panic!("more after what was said to be the end"),
            Some(frame) => match frame.into_data() {
                Ok(data) => whole.body.extend_from_slice(&data),
                Err(frame) => whole.trailers = frame.into_trailers().unwrap(),
            },
        }
        if let (Some(announced), Some(left)) = (announced, received.size_hint().exact()) {
            assert!(said < announced && whole.body.len() as u64 + left == announced);
        }
    }
    assert!(received.is_end_stream());
    Ok(whole)
}

/// What a server's bytes are taken for, delivered in pieces, and what the connection is good for then.
fn answer(method: &Method, pieces: Vec<Vec<u8>>, closes: bool) -> (Result<Whole, NoAnswer>, State) {
    with(async |mut client, mut server| {
        let serving = tokio::task::spawn_local(async move {
            until(&mut server, "\r\n\r\n").await;
            for piece in pieces {
                if server.write_all(&piece).await.is_err() {
                    break;
                }
                tokio::task::yield_now().await;
            }
            // Open until the test is over, unless it is the end that ends the answer.
            (!closes).then_some(server)
        });
        let answered = match send(&mut client, method.clone(), Script::none()).await {
            Ok(response) => whole(&mut client, response).await,
            Err(why) => Err(why),
        };
        let _open = serving.await;
        // Whatever else was sent arrives.
        tokio::time::sleep(Duration::from_millis(2)).await;
        (answered, client.look())
    })
}

/// Answers as a server may write them: to which method, with which body, of which use later.
const ANSWERS: [(&str, Method, &str, State); 12] = [
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: 1\r\n\r\nhello",
        Method::GET,
        "hello",
        State::Free,
    ),
    (
        "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
        Method::GET,
        "",
        State::Free,
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length: 5\r\nEmpty:\r\n\r\nhello",
        Method::GET,
        "hello",
        State::Free,
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nhel\r\n02\r\nlo\r\n0\r\n\r\n",
        Method::GET,
        "hello",
        State::Free,
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 7\r\nX-Two: 8\r\n\r\n",
        Method::GET,
        "hello",
        State::Free,
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        Method::GET,
        "",
        State::Free,
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
        Method::HEAD,
        "",
        State::Free,
    ),
    (
        "HTTP/1.1 304 Not\r\nContent-Length: 5\r\n\r\n",
        Method::GET,
        "",
        State::Free,
    ),
    (
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: a\r\n\r\nHTTP/1.1 204 No\r\n\r\n",
        Method::GET,
        "",
        State::Free,
    ),
    (
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhe",
        Method::GET,
        "he",
        State::Closed,
    ),
    (
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhe",
        Method::GET,
        "he",
        State::Closed,
    ),
    // The client has not asked for a second one.
    (
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nheHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhe",
        Method::GET,
        "he",
        State::Closed,
    ),
];

#[test]
fn each_way_to_end_a_body_is_understood() {
    for (wire, method, body, state) in ANSWERS {
        let (answered, left) = answer(&method, vec![wire.into()], false);
        let answered = answered.unwrap();
        assert_eq!(
            (&answered.body[..], left),
            (body.as_bytes(), state),
            "{wire}"
        );
        let lengths = answered.fields.get_all("content-length").iter().count();
        assert!(lengths <= 1, "said once, though it was said twice: {wire}");
        if wire.contains("X-Sum") {
            assert_eq!(answered.trailers["x-sum"], "7");
            assert_eq!(answered.trailers["x-two"], "8");
        }
    }
    let until_close = "HTTP/1.1 200 OK\r\nX: y\r\n\r\nall of it";
    let (answered, left) = answer(&Method::GET, vec![until_close.into()], true);
    assert_eq!(
        (&answered.unwrap().body[..], left),
        (&b"all of it"[..], State::Closed)
    );
}

#[test]
fn an_answer_that_is_not_whole_is_an_error_and_ends_the_connection() {
    use NoAnswer::{Closed, TooLarge};
    let malformed = NoAnswer::Malformed;
    let many = |count: usize| -> String { (0..count).map(|n| format!("A-{n}: b\r\n")).collect() };
    let flood = "HTTP/1.1 102 Processing\r\n\r\n".repeat(17);
    for (wire, why) in [
        ("", Closed),
        ("HTTP/1.1 200 OK\r\nContent-", Closed),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhell", Closed),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
            Closed,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
            Closed,
        ),
        (
            "HTTP/1.1 2x0 OK\r\n\r\n",
            malformed("its first line is not HTTP/1.x and a status of three digits"),
        ),
        (
            "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n",
            malformed(
                "a header line begins with a space, or its name is malformed or not followed by a colon",
            ),
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
            malformed("two different Content-Length headers"),
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            malformed("both Transfer-Encoding and Content-Length"),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
            malformed("a Transfer-Encoding other than chunked"),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
            malformed("the chunked coding is broken"),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
            malformed("the chunked coding is broken"),
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nno field\r\n\r\n",
            malformed("a header is malformed"),
        ),
        (&flood, TooLarge),
        (&format!("HTTP/1.1 200 OK\r\n{}\r\n", many(129)), TooLarge),
        (
            &format!("HTTP/1.1 200 OK\r\nA: {}\r\n\r\n", "x".repeat(64 * 1024)),
            TooLarge,
        ),
    ] {
        let (answered, state) = answer(&Method::GET, vec![wire.into()], true);
        assert_eq!((answered, state), (Err(why), State::Closed), "{wire:.90}");
    }
}

#[test]
fn interim_answers_are_counted_however_slowly_they_come() {
    let interim = || b"HTTP/1.1 103 Early Hints\r\n\r\n".to_vec();
    let last = || b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec();
    for (count, expected) in [(16, Ok(200)), (17, Err(NoAnswer::TooLarge))] {
        let pieces = std::iter::repeat_with(interim).take(count).chain([last()]);
        let (answered, _) = answer(&Method::GET, pieces.collect(), false);
        assert_eq!(answered.map(|whole| whole.status), expected);
    }
}

#[test]
fn a_head_that_comes_byte_by_byte_is_read_when_its_end_is_there() {
    for end in ["\r\n", "\n"] {
        let line = format!("A: {}{end}", "b".repeat(60));
        let head = format!(
            "HTTP/1.1 200 OK{end}{}Content-Length: 0{end}{end}",
            line.repeat(20)
        );
        let bytes = head.bytes().map(|byte| vec![byte]).collect();
        let (answered, _) = answer(&Method::GET, bytes, false);
        assert_eq!(answered.unwrap().fields.len(), 21);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn it_does_not_matter_how_the_bytes_arrive(
        of in 0..ANSWERS.len() - 1,
        mut cuts in proptest::collection::vec(0usize..120, 0..12),
    ) {
        let (wire, method, ..) = &ANSWERS[of];
        cuts.retain(|cut| *cut < wire.len());
        cuts.extend([0, wire.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| wire.as_bytes()[cut[0]..cut[1]].to_vec());
        let in_pieces = answer(method, pieces.collect(), false);
        prop_assert_eq!(in_pieces, answer(method, vec![wire.as_bytes().to_vec()], false));
    }
}

#[test]
fn one_exchange_follows_the_other_and_a_large_body_comes_whole() {
    with(async |mut client, mut server| {
        let large: Vec<u8> = (0..1_000_000u32).map(|n| n as u8).collect();
        let sent = large.clone();
        tokio::task::spawn_local(async move {
            let mut asked = [0; 27];
            for _ in 0..3 {
                server.read_exact(&mut asked).await.unwrap();
                assert_eq!(
                    &asked,
                    b"GET /a HTTP/1.1\r\nhost: up\r\n\r\n"
                        .first_chunk::<27>()
                        .unwrap()
                );
                server.read_exact(&mut [0; 2]).await.unwrap();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", sent.len());
                server.write_all(head.as_bytes()).await.unwrap();
                server.write_all(&sent).await.unwrap();
            }
        });
        for _ in 0..3 {
            let response = send(&mut client, Method::GET, Script::none())
                .await
                .unwrap();
            assert_eq!(whole(&mut client, response).await.unwrap().body, large);
            assert_eq!(client.state(), State::Free);
        }
        assert_eq!(
            client.input.capacity(),
            0,
            "an idle connection holds little"
        );
    });
}

/// Reads until it has this text.
async fn until(server: &mut TcpStream, end: &str) -> String {
    let mut read = Vec::new();
    while !read.ends_with(end.as_bytes()) {
        assert!(server.read_buf(&mut read).await.unwrap() > 0, "{read:?}");
    }
    String::from_utf8(read).unwrap()
}

const DONE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";

#[test]
fn a_body_goes_up_with_its_head_and_in_the_coding_that_was_said() {
    for (body, expected) in [
        (
            Script::of(Some(5), &["he", "llo"]),
            "content-length: 5\r\n\r\nhello",
        ),
        (
            Script::of(None, &["he", "", "llo"]),
            "transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        ),
        (
            Script::of(None, &["he"]).later(data("llo")),
            "transfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
        ),
    ] {
        with(async |mut client, mut server| {
            let served = tokio::task::spawn_local(async move {
                let read = until(&mut server, expected).await;
                server.write_all(DONE).await.unwrap();
                (read, server)
            });
            let response = send(&mut client, Method::POST, body).await.unwrap();
            whole(&mut client, response).await.unwrap();
            let (read, _server) = served.await.unwrap();
            assert_eq!(read, format!("POST /a HTTP/1.1\r\nhost: up\r\n{expected}"));
            assert_eq!(client.look(), State::Free);
        });
    }
}

#[test]
fn an_answer_before_the_end_of_the_request_holds_up_neither() {
    with(async |mut client, mut server| {
        let served = tokio::task::spawn_local(async move {
            until(&mut server, "\r\n\r\nhe").await;
            server.write_all(DONE).await.unwrap();
            until(&mut server, "llo").await;
            server
        });
        let body = Script::of(Some(5), &["he"]).later(data("llo"));
        let response = send(&mut client, Method::POST, body).await.unwrap();
        assert_eq!(whole(&mut client, response).await.unwrap().body, b"{}");
        assert_eq!(client.look(), State::Busy, "the rest is still under way");
        let _server = served.await.unwrap();
        tokio::task::yield_now().await;
        assert_eq!(client.look(), State::Free);
    });
}

#[test]
fn a_body_that_breaks_off_is_not_a_whole_request_and_never_looks_like_one() {
    let ends = [
        (Script::of(Some(5), &["he"]).later(Err(Fault::Broken)), "he"),
        (
            Script::of(None, &["he"]).later(Err(Fault::Broken)),
            "2\r\nhe\r\n",
        ),
        // Shorter, or longer, than was announced.
        (Script::of(Some(5), &["he"]), "he"),
        (Script::of(Some(3), &["he"]).later(data("llo")), "he"),
    ];
    for (body, expected) in ends {
        with(async |mut client, mut server| {
            let why = send(&mut client, Method::POST, body).await.unwrap_err();
            assert_eq!((why, client.look()), (NoAnswer::RequestCut, State::Closed));
            drop(client);
            let mut read = String::new();
            server.read_to_string(&mut read).await.unwrap();
            let (_, body) = read.split_once("\r\n\r\n").unwrap_or_default();
            assert!(expected.starts_with(body), "{body:?}");
        });
    }
    // The same while the answer is on its way.
    with(async |mut client, mut server| {
        tokio::task::spawn_local(async move {
            until(&mut server, "\r\n\r\nhe").await;
            let begun = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nbe";
            server.write_all(begun).await.unwrap();
            tokio::time::sleep(Duration::from_secs(10)).await;
        });
        let body = Script::of(Some(5), &["he"]).later(Err(Fault::TooSlow));
        let response = send(&mut client, Method::POST, body).await.unwrap();
        assert_eq!(
            whole(&mut client, response).await,
            Err(NoAnswer::RequestCut)
        );
        assert_eq!(client.look(), State::Closed);
    });
}

#[test]
fn what_a_server_said_before_it_refused_the_rest_is_heard() {
    with(async |mut client, mut server| {
        let served = tokio::task::spawn_local(async move {
            until(&mut server, "\r\n\r\nhe").await;
            let refusal = b"HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n";
            server.write_all(refusal).await.unwrap();
            server.shutdown().await.unwrap();
            server
        });
        let body = Script::of(Some(5), &["he"]).later(data("llo"));
        let response = send(&mut client, Method::POST, body).await.unwrap();
        assert_eq!(whole(&mut client, response).await.unwrap().status, 413);
        drop(served.await);
        tokio::time::sleep(Duration::from_millis(50)).await;
        assert_eq!(client.look(), State::Closed);
    });
}

#[test]
fn a_connection_that_was_closed_or_spoke_unasked_is_not_used_again() {
    with(async |mut client, server| {
        assert_eq!(client.look(), State::Free);
        drop(server);
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert_eq!(client.look(), State::Closed);
    });
    with(async |mut client, mut server| {
        server.write_all(DONE).await.unwrap();
        tokio::time::sleep(Duration::from_millis(5)).await;
        assert_eq!(client.look(), State::Closed);
    });
}

#[test]
fn a_body_comes_back_if_nothing_ever_left() {
    with(async |mut client, server| {
        socket2::SockRef::from(&server)
            .set_linger(Some(Duration::ZERO))
            .unwrap();
        drop(server);
        tokio::time::sleep(Duration::from_millis(5)).await;
        let authority = HeaderValue::from_static("up");
        let head = request(Method::POST);
        let sent = client
            .send(&head, &authority, Script::none(), &|_| {})
            .await;
        let unanswered = sent.unwrap_err();
        assert!(unanswered.why == NoAnswer::Closed && unanswered.unsent.is_some());
    });
}

#[test]
fn after_a_change_of_protocol_what_came_with_it_comes_first() {
    with(async |mut client, mut server| {
        let begun = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\nfirst ";
        server.write_all(begun).await.unwrap();
        let response = send(&mut client, Method::GET, Script::none())
            .await
            .unwrap();
        assert_eq!(
            (response.status().as_u16(), client.state()),
            (101, State::Closed)
        );
        server.write_all(b"then").await.unwrap();
        let mut stream = client.into_stream().unwrap();
        let mut read = [0; 10];
        stream.read_exact(&mut read).await.unwrap();
        assert_eq!(&read, b"first then");
        stream.write_all(b"back").await.unwrap();
        until(&mut server, "back").await;
    });
}
