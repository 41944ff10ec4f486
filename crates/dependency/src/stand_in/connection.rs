//! One connection of a side to its stand-in.

use super::Handler;
use crate::call::Call;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use understudy_wire::http1::{
    IncomingHead, Limits, Piece, ROOM, Refused, RequestReader, Room, Target,
};

/// Bounds on a call.
const LIMITS: Limits = Limits {
    head_bytes: 64 * 1024,
    body_bytes: 32 * 1024 * 1024,
    interim: 16,
};
/// One read takes at most this.
const READ_BYTES: usize = 16 * 1024;

/// A call, and what becomes of its connection.
struct Incoming {
    call: Call,
    keep_alive: bool,
    expects: bool,
}

/// Answers every call of a connection, until the side or the trial ends it.
///
/// # Errors
/// Those of the connection.
pub(super) fn serve(mut stream: &TcpStream, handler: &Handler) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut calls = Calls {
        reader: RequestReader::new(LIMITS),
        input: Vec::new(),
    };
    let mut client = handler.client();
    loop {
        let incoming = match calls.next(&mut stream) {
            Ok(Some(incoming)) => incoming,
            Ok(None) => return Ok(()),
            Err(Broken::Connection(error)) => return Err(error),
            Err(Broken::Malformed(refused)) => {
                let why = refused.why;
                let (status, length) = (refused.status, why.len());
                let head = format!(
                    "HTTP/1.1 {status} \r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{why}"
                );
                return stream.write_all(head.as_bytes());
            }
        };
        let answer = handler.answer(&incoming.call, &mut client);
        let is_head = incoming.call.method == "HEAD";
        let sent = stream.write_all(&answer.rendered(is_head, incoming.keep_alive));
        handler.answered();
        sent?;
        if !incoming.keep_alive {
            return Ok(());
        }
    }
}

/// Why there is no next call.
enum Broken {
    Connection(io::Error),
    Malformed(Refused),
}

/// Reads the calls of a connection.
struct Calls {
    reader: RequestReader,
    /// What has arrived and is not understood yet.
    input: Vec<u8>,
}

impl Calls {
    /// The next call; nothing where the side closed the connection between two.
    fn next(&mut self, stream: &mut &TcpStream) -> Result<Option<Incoming>, Broken> {
        let mut incoming = loop {
            let mut room: Room<'_> = ROOM;
            let head = self.reader.head(&self.input, &mut room);
            if let Some((head, bytes)) = head.map_err(Broken::Malformed)? {
                let incoming = read(&head);
                self.input.drain(..bytes);
                break incoming;
            }
            if !self.more(stream)? {
                return Ok(None);
            }
        };
        if incoming.expects && self.reader.is_within_body() && self.input.is_empty() {
            let go_on = stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n");
            go_on.map_err(Broken::Connection)?;
        }
        while self.reader.is_within_body() {
            let malformed = |_| {
                Broken::Malformed(Refused {
                    status: 400,
                    why: "the body of the request is malformed or too large",
                })
            };
            match self.reader.body(&self.input).map_err(malformed)? {
                Piece::More => {
                    if !self.more(stream)? {
                        return Err(Broken::Connection(ErrorKind::UnexpectedEof.into()));
                    }
                }
                Piece::Data(bytes) => incoming.call.body.extend(self.input.drain(..bytes)),
                Piece::Framing(bytes) | Piece::Trailer(bytes) => drop(self.input.drain(..bytes)),
                Piece::End => break,
            }
        }
        Ok(Some(incoming))
    }

    /// Reads what has arrived, and waits for it; false at the end of the connection.
    fn more(&mut self, stream: &mut &TcpStream) -> Result<bool, Broken> {
        let mut buffer = [0; READ_BYTES];
        loop {
            match stream.read(&mut buffer) {
                Ok(count) => {
                    self.input.extend_from_slice(&buffer[..count]);
                    return Ok(count > 0);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Broken::Connection(error)),
            }
        }
    }
}

/// A call without its body.
fn read(head: &IncomingHead<'_>) -> Incoming {
    let target = match head.target {
        Target::Origin(target) => target.to_owned(),
        // What a client asks a proxy; the service that is meant is the one that this stands for.
        Target::Absolute { path, .. } if path.starts_with('/') => path.to_owned(),
        Target::Absolute { path, .. } => format!("/{path}"),
        Target::Asterisk => "*".to_owned(),
        Target::Authority(authority) => authority.to_owned(),
    };
    let headers = head.headers.iter().map(|header| {
        let value = String::from_utf8_lossy(header.value).into_owned();
        (header.name.to_ascii_lowercase(), value)
    });
    let headers: Vec<(String, String)> = headers.collect();
    let expects = headers
        .iter()
        .any(|(name, value)| name == "expect" && value.eq_ignore_ascii_case("100-continue"));
    Incoming {
        call: Call {
            method: head.method.to_owned(),
            target,
            headers,
            body: Vec::new(),
        },
        keep_alive: head.keep_alive,
        expects,
    }
}
