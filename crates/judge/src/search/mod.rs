//! Searches as functions of their steps so far: the highest rate that holds the objectives, and the smallest memory
//! limit at which they hold. What a stage measured yesterday continues today, and the judge makes the same of it.

mod assessment;
pub mod capacity;
pub mod floor;
pub mod lateness;

pub use assessment::{Left, Objectives, allowed, overloaded};
