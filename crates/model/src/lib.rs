//! The nouns of Understudy: sides, exchanges, observations, differences, verdicts and units. No IO.
//!
//! Nothing in here knows a protocol, a clock or a file. An answer has a *code* (an HTTP status, an
//! exit code, a DNS response code), *fields* (headers) and a *body*; drivers translate.

mod arrivals;
pub mod capacity;
mod cause;
mod count;
mod difference;
pub mod edges;
mod exchange;
pub mod floor;
pub mod gates;
pub mod growth;
pub mod history;
pub mod instructions;
mod keys;
pub mod neighbours;
mod observation;
mod pacing;
pub mod place;
mod plain;
pub mod profile;
pub mod proof;
pub mod quality;
mod role;
pub mod series;
pub mod stored;
pub mod suite;
pub mod tail;
mod units;
pub mod verdict;
pub mod warm_up;

pub use arrivals::Arrivals;
pub use cause::{Cause, Happening};
pub use count::count;
pub use difference::{
    Bond, Character, Course, Difference, DifferenceKind, Distance, Position, Relation, Spot,
};
pub use exchange::{Answer, Class, Failure, FailureKind, Field, Outcome, Part, Status, values};
pub use keys::{meant, unknown_key};
pub use observation::{Ending, Observation};
pub use pacing::Pacing;
pub use place::Place;
pub use plain::plain_words;
pub use role::Role;
pub use units::{ByteSize, Change, Cpus, Quantity, Share, Span, UnitError};
