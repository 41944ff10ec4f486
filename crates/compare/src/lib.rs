//! The semantic difference of two answers: rules, noise, clusters, bounds. Pure.
