//! Quantiles, intervals, resampling and sequential tests. Pure.
