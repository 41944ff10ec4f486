//! Everything that needs Linux.

mod allowance;
mod cgroup;
mod child;
mod growth;
mod guard;
mod listener;
mod members;
mod neighbours;
mod runner;
mod sampler;
mod spawn;
mod watch;

pub use cgroup::Cgroups;
pub use child::Child;
pub use growth::{Grown, Growth};
pub use guard::{Guard, stand_guard};
pub use neighbours::NeighbourSampler;
pub use runner::{Runner, Running};
pub use sampler::Sampler;
pub use watch::Watching;
