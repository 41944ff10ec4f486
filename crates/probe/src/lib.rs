//! Other processes: launch, limits, freeze, samples.
