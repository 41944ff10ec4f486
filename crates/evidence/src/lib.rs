//! The run directory: what was measured, stored as it is made.
