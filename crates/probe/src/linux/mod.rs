//! Everything that needs Linux.

mod cgroup;
mod child;
mod listener;
mod members;
mod sampler;
mod spawn;

pub use cgroup::Cgroups;
pub use child::Child;
pub use sampler::Sampler;
