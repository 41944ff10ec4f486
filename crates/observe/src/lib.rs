//! What is seen of a side while it works: the resources that it uses, the pauses of its runtime, stalls of the machine,
//! and what else used the CPUs, all on one clock. It decides nothing.

mod attach;
mod clocks;
mod control;
mod pauses;
pub mod resources;
mod windows;
mod witness;

pub use attach::Attach;
pub use clocks::{Clocks, TOLERATED_S, clock_was_set};
pub use pauses::Listener;
pub use witness::{Circumstances, Witness};
