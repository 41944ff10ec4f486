//! What people read of a verdict. Works on documents alone and never opens a store.

#![forbid(unsafe_code)]

mod against_itself;
mod cautions;
mod charts;
mod edges;
pub mod figures;
pub mod findings;
mod growth;
mod history;
pub mod html;
mod instructions;
pub mod junit;
pub mod knee;
pub mod markdown;
mod memory_floor;
mod page;
pub mod profile;
mod quality;
mod self_test;
pub mod suite;
mod tail;
pub mod terminal;
mod warm_up;
mod wording;

pub use wording::is_late;
