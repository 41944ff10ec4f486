//! The faults of a candidate.
