//! Quantiles, intervals, resampling and sequential tests. Pure: no clock, no IO and no randomness
//! but a seed that is passed in, so that a verdict recomputes bit for bit from stored evidence.
//!
//! - [`quantile`]: one quantile of one block of latencies, or the word that it cannot be judged.
//! - [`paired`]: the effect between two sides from pairs of blocks, and one side against a bound.
//! - [`prediction`]: where one more value is to be expected, from others of its kind.
//! - [`binomial`]: what `k` of `n` says about a share.
//! - [`batches`]: the share of events in a long sequence that comes in bursts.
//! - [`clusters`]: whole stretches of a long sequence, drawn at random.
//! - [`overlap`]: do slow requests meet events more often than chance would have it?
//! - [`goodness`]: do gaps look exponential, and do neighbours resemble each other?
//! - [`slope`]: how fast a series rises, whatever its noise looks like, and lines through the times of sizes.
//! - [`steady`]: when a series becomes steady.
//! - [`capacity`]: the highest rate that holds objectives, by short trials: what to try next, and the interval.
//! - [`floor`]: the smallest memory limit that holds: what to try next, and the bracket.
//! - [`bd_rate`]: how many more bits one encoder needs than another for the same quality.
//! - [`holm`]: p values of many questions asked at once.
//! - [`random`]: the one generator of chance.
//! - [`seeds`]: seeds of their own for steps, threads and purposes.
//! - [`sequential`]: tests and bounds that hold however often the data is looked at.
//!
//! Nothing in here panics on any input: what has no answer is `None`, or the trivial answer that the
//! documentation of the function names.

#![forbid(unsafe_code)]

pub mod batches;
pub mod bd_rate;
pub mod binomial;
pub mod capacity;
pub mod clusters;
pub mod floor;
pub mod goodness;
pub mod holm;
mod interval;
pub mod overlap;
pub mod paired;
pub mod prediction;
pub mod quantile;
pub mod random;
mod resample;
pub mod seeds;
pub mod sequential;
mod signed_rank;
pub mod slope;
mod special;
pub mod steady;

pub use interval::Interval;
