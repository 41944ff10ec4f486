//! What people read of a verdict. Works on documents alone and never opens a store.

pub mod figures;
pub mod terminal;
