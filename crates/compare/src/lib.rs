//! The semantic difference of two answers: rules, noise, clusters, bounds. Pure.
//!
//! # What is compared, and how
//! What codes, fields and parts mean is the [`Dialect`] of the kind of subject: [`http::Http`], of which this list is,
//! or [`plain::Plain`].
//!
//! - Outcome and code. A contender that does not answer where the baseline does is a difference.
//! - Headers that matter ([`IGNORED_HEADERS`] are all that do not), by meaning, duplicates kept;
//!   cookies by name and attribute.
//! - Bodies without their content codings (gzip, deflate, br, zstd): as JSON when both say so or when
//!   both are arrays or objects; else as text; else as bytes.
//! - JSON by structure: the order of names and the way strings are escaped mean nothing; the text of
//!   numbers, all their digits, repeated names, `null` against absent and the order of arrays do.
//!
//! One changed thing is one [`Difference`](understudy_model::Difference) at its place. The way from
//! outcomes to the verdict's ledger: [`Differ`] compares two outcomes, [`Row::compare`] makes the
//! stored record of one request, [`Noise::learn`] learns from all records where the incumbent differs
//! from itself, [`tally`] counts and clusters what neither [`Rules`] nor noise excuses. [`try_faults`]
//! and [`self_test`] say what the comparison would miss, [`propose`] which rules it could do with.
//!
//! Every input may be hostile: depth, decoded size, the number of differences kept and the cost of
//! aligning arrays are bounded, and nothing panics.

mod align;
mod authority;
mod character;
mod cookie;
pub mod dataset;
mod date;
mod decode;
mod dialect;
mod differ;
mod document;
mod faults;
mod fields;
#[cfg(test)]
mod fixtures;
mod hash;
mod history;
pub mod http;
pub mod json;
mod ledger;
pub mod media;
mod noise;
mod operation;
mod place;
pub mod plain;
mod preview;
mod proposals;
mod relation;
mod row;
mod rules;
mod runs;
mod selftest;
mod shape;
mod text;
mod tree;

pub use authority::hide_authority;
pub use date::{Day, DayError};
pub use decode::{Decompressed, decompress};
pub use dialect::{Content, Contents, Dialect, FieldDifference, PartDifference, Reading};
pub use differ::Differ;
pub use document::protobuf::{Messages, MessagesError};
pub use faults::Fault;
pub use fields::IGNORED as IGNORED_HEADERS;
pub use history::{History, REMEMBERED};
pub use ledger::{By, Classified, PairClass, Workload, classify, tally, tally_counted};
pub use noise::{ALONE, Counted, Excused, Grounds, Known, Noise};
pub use operation::Templates;
pub use preview::{PREVIEW_BYTES, Redact};
pub use proposals::{coarse, propose};
pub use row::{Outcomes, Row};
pub use rules::{Condition, Normal, Rule, RuleError, RuleProblem, Rules, Unordered};
pub use selftest::{Around, Tried, TriedFault, is_due, is_fit, of_planted, self_test, try_faults};
pub use shape::Mask;
