//! Everything that needs Linux.

mod cgroup;
mod child;
mod guard;
mod listener;
mod members;
mod sampler;
mod spawn;

pub use cgroup::Cgroups;
pub use child::Child;
pub use guard::{Guard, stand_guard};
pub use sampler::Sampler;
