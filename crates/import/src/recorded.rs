//! One request as a file holds it, before it is decided what of it is written.

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
    /// It is not an HTTP request that can be sent.
    NotHttp,
    /// It went to another host.
    OtherHost,
    /// It asks for a script, a style, an image or a font.
    StaticAsset,
    /// The browser's cache answered it.
    FromCache,
    /// It was blocked, cancelled or failed: the archive has no answer.
    NotAnswered,
    /// It opened a WebSocket.
    WebSocket,
    /// Its body is not in the file.
    NoBody,
    /// A secret stands in its path or query for which no variable can stand.
    SecretInPath,
    /// A secret stands in its body for which no variable can stand.
    SecretInBody,
    /// It needs a part of the document that is not there.
    Reference,
    /// No value can be made for a part that it needs.
    NoValue,
}

impl Reason {
    /// What people are told.
    pub fn explanation(self) -> &'static str {
        match self {
            Reason::Unreadable => "cannot be read",
            Reason::NotHttp => "no HTTP request that can be sent",
            Reason::OtherHost => "to another host (--host NAME takes them)",
            Reason::StaticAsset => "static file (--skip-static)",
            Reason::FromCache => "answered by the browser's cache",
            Reason::NotAnswered => "without an answer (blocked, cancelled or failed)",
            Reason::WebSocket => "opens a WebSocket",
            Reason::NoBody => "its body is not in the file",
            Reason::SecretInPath => {
                "secret in the path or query that no variable can stand for (--not-secret NAME if it is none)"
            }
            Reason::SecretInBody => {
                "secret in the body that no variable can stand for: in free text, or a number (--not-secret NAME if it is none)"
            }
            Reason::Reference => "needs a part of the document that is not there",
            Reason::NoValue => "the document gives no value that can be sent",
        }
    }
}

/// A request, or why there is none, and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) place: Place,
    pub(crate) request: Result<Recorded, Reason>,
}

/// Where in a file a request stands.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A line, from 1.
    Line(u64),
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
    /// Its endpoint, where the file names it.
    pub(crate) endpoint: Option<String>,
    pub(crate) from: Origin,
    /// Credentials that a description asks for and does not give.
    pub(crate) credentials: Vec<Credential>,
}

/// A credential that has to be supplied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Credential {
    pub(crate) at: CredentialAt,
    /// What the description calls it, and what kind it is: `admin (bearer)`.
    pub(crate) scheme: String,
}

/// Where a credential stands.
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
    /// A description: its values are nobody's, but for those that have the form of a secret.
    Description,
}

/// What makes a request of a target that may be a whole URL.
pub(crate) fn at(target: &str, of: Recorded) -> Result<Recorded, Reason> {
    let target = crate::target::split(target).ok_or(Reason::NotHttp)?;
    if of.method.eq_ignore_ascii_case("connect") {
        return Err(Reason::NotHttp);
    }
    Ok(Recorded {
        host: target
            .host
            .or(of.host)
            .map(|host| host.to_ascii_lowercase()),
        path: target.path,
        ..of
    })
}
