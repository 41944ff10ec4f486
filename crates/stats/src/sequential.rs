//! Tests and bounds that hold however often the data is looked at.
//!
//! Evidence against a hypothesis is an e-value E, given as ln E: were the hypothesis true, the chance
//! that E *ever* reaches 1/alpha is at most alpha, however often and whenever one looks. There is no
//! sample size to fix beforehand and no correction for peeking.
//!
//! - [`counting`]: rare events (errors, crashes, differences) in two arms.
//! - [`symmetric`]: scores of blocks (latency, memory), where requests come in bursts.
//! - [`Detector`]: a change after promotion.
//! - [`mixture`]: the martingales underneath, and their bounds.
//! - [`quantiles`], [`share`]: intervals that may be shown at any time.
//!
//! Sources: Howard, Ramdas, McAuliffe and Sekhon, *Time-uniform, nonparametric, nonasymptotic
//! confidence sequences* (Annals of Statistics 2021); Howard and Ramdas, *Sequential estimation of
//! quantiles* (Bernoulli 2022); Shin, Ramdas and Rinaldo, *E-detectors* (2023). The reference numbers
//! in the tests are those of their package `confseq`.

pub mod counting;
mod detector;
pub mod mixture;
pub mod quantiles;
pub mod share;
pub mod symmetric;

#[cfg(test)]
mod simulations;

pub use detector::Detector;

/// The ln E at which a hypothesis is rejected at level `alpha`: ln(1 / alpha).
pub fn threshold(alpha: f64) -> f64 {
    -alpha.ln()
}

fn is_level(alpha: f64) -> bool {
    alpha > 0.0 && alpha < 1.0
}

fn is_positive(value: f64) -> bool {
    value > 0.0 && value.is_finite()
}

/// ln of the mean of e^x over `values`, without overflow.
fn ln_mean_exp(values: &[f64]) -> f64 {
    let largest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if largest.is_infinite() {
        return largest;
    }
    let sum: f64 = values.iter().map(|value| (value - largest).exp()).sum();
    largest + (sum / values.len() as f64).ln()
}
