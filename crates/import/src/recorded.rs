//! One request as a file holds it, before it is decided what of it is written.

use crate::target;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Why a request is not written.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Its line or entry is broken.
    Unreadable,
    /// Its line is not one of an access log.
    NotLogged,
    /// It is not an HTTP request that can be sent.
    NotHttp,
    /// It has more headers than a request file takes.
    TooManyHeaders,
    /// One of its headers cannot be sent.
    Header,
    /// Its URL is one of the browser: data, blob, an extension.
    LocalUrl,
    /// Bytes behind a captured request are not a request.
    Leftover,
    /// It went to another host.
    OtherHost,
    /// It asks for a script, a style, an image or a font.
    StaticAsset,
    /// The browser answered it itself.
    FromCache,
    /// It was blocked, cancelled or failed: the archive has no answer.
    NotAnswered,
    /// It opened a WebSocket.
    WebSocket,
    /// Its body is not in the file.
    NoBody,
    /// The file holds another body than the one that was sent.
    BodyDiffers,
    /// Its path or query holds a secret that no variable can replace.
    SecretInPath,
    /// Its body holds a secret that no variable can replace.
    SecretInBody,
    /// It needs a part of the document that is not there.
    Reference,
    /// It needs another file that was not read.
    OtherFile,
    /// No value can be made for a part that it needs.
    NoValue,
    /// The URL of the server has a variable without a value.
    ServerVariable,
}

impl Reason {
    /// The reason for people.
    pub fn explanation(self) -> &'static str {
        match self {
            Reason::Unreadable => "cannot be read",
            Reason::NotLogged => "not a line of an access log, or broken",
            Reason::NotHttp => "not an HTTP request that can be sent",
            Reason::TooManyHeaders => "more than 100 headers",
            Reason::Header => {
                "a header that cannot be sent (line break, or a name that is not a token)"
            }
            Reason::LocalUrl => "not sent to a server (data:, blob: or the URL of an extension)",
            Reason::Leftover => "bytes behind a request that are not a request",
            Reason::OtherHost => "to another host (take it with `--host NAME`)",
            Reason::StaticAsset => "static file (`--skip-static`)",
            Reason::FromCache => "answered by the browser itself (cache or service worker)",
            Reason::NotAnswered => "without an answer (blocked, cancelled or failed)",
            Reason::WebSocket => "opens a WebSocket",
            Reason::NoBody => "its body is not, or not completely, in the file",
            Reason::BodyDiffers => {
                "the body in the file is not the one that was sent (its length differs from the stated one, or bytes were replaced)"
            }
            Reason::SecretInPath => {
                "secret in the path or query that no variable can replace (`--not-secret NAME` if it is not a secret)"
            }
            Reason::SecretInBody => {
                "secret in the body that no variable can replace: in free text, or a number (`--not-secret NAME` if it is not a secret)"
            }
            Reason::Reference => "refers to a part of the document that is not there",
            Reason::OtherFile => {
                "refers to another file that is not next to the document (bundle them into one document)"
            }
            Reason::NoValue => "the document gives no value that can be sent",
            Reason::ServerVariable => "the server's URL has a variable without a value",
        }
    }
}

/// A part of a request that is not written, while the rest of it is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// A header whose value is not UTF-8.
    HeaderNotText,
    /// An optional body for which no value can be made.
    OptionalBody,
}

impl Part {
    /// The part for people.
    pub fn explanation(self) -> &'static str {
        match self {
            Part::HeaderNotText => "a header whose value is not UTF-8",
            Part::OptionalBody => "an optional body for which the document gives no value",
        }
    }
}

/// A request, or why there is none, and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) place: Place,
    pub(crate) request: Result<Recorded, Reason>,
}

/// Where in a file a request is.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A line, from 1.
    Line(u64),
    /// An entry of an archive, from 1, and the line on which it begins.
    Entry { line: u64, number: u64 },
    /// An operation of an OpenAPI document.
    Operation(String),
}

/// One request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorded {
    pub(crate) method: String,
    /// The host it went to, if the file says so.
    pub(crate) host: Option<String>,
    /// Path and query, as they can be sent.
    pub(crate) path: String,
    /// As recorded.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whose request it was, where the headers do not say so: the page of an archive, the address and
    /// program of a client.
    pub(crate) client: Option<String>,
    /// Its operation, where the file names it.
    pub(crate) operation: Option<String>,
    pub(crate) from: Origin,
    /// Credentials that a description asks for and does not give.
    pub(crate) credentials: Vec<Credential>,
    /// Parts that are left out of it.
    pub(crate) without: Vec<Part>,
}

/// A credential that has to be supplied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) at: CredentialAt,
    /// What the description calls it, and what kind it is: `admin (bearer)`.
    pub(crate) scheme: String,
}

/// Where a credential goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum CredentialAt {
    /// It is the value of this header.
    Header(String),
    /// It is the value of this cookie.
    Cookie(String),
    /// It is the value of this parameter of the query.
    Query(String),
}

/// What kind of file a request is from, as far as that decides what is done with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Origin {
    /// What a server got.
    #[default]
    Server,
    /// What a browser sent, to many hosts.
    Browser,
    /// A description: its values belong to no user, but for those that have the form of a secret.
    Description,
}

/// What makes a request of a target that may be a whole URL.
pub(crate) fn at(target: &str, of: Recorded) -> Result<Recorded, Reason> {
    let not_sent = match target::is_local(target) {
        true => Reason::LocalUrl,
        false => Reason::NotHttp,
    };
    let target = target::split(target).ok_or(not_sent)?;
    if of.method.eq_ignore_ascii_case("connect") {
        return Err(Reason::NotHttp);
    }
    // A user and a password before the host are never kept.
    let host = target.host.or(of.host);
    let host = host.map(|host| {
        host.rsplit('@')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase()
    });
    Ok(Recorded {
        host,
        path: target.path,
        ..of
    })
}
