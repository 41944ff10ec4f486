//! What an edge request asks: its name, whom a difference breaks, and how it is made. Pure.

use super::recorded::Recorded;
use super::wire::Raw;

/// A class of edge requests.
#[derive(Debug)]
pub struct Class {
    /// Its name: a group and what is special in it, such as `json.duplicate_key`.
    pub id: &'static str,
    /// What is asked, in a few words.
    pub title: &'static str,
    /// Whom a difference would break: one sentence.
    pub breaks: &'static str,
    /// How many of the 253 pairs of 23 web frameworks answer it differently, of 1: by status, by what becomes of the
    /// connection, and by what the handler understood.
    pub share: f64,
    /// Its requests have a method that may change what the service stores.
    pub writes: bool,
    /// Makes the request, where the recorded one has what it takes.
    pub(super) make: fn(&Recorded<'_>) -> Option<Raw>,
}
