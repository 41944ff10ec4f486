//! The lab: plan, stages, judgement.

pub mod config;
pub mod judge;
pub mod plan;
