//! The business case: does replacing a component pay, from what size, and how sure is that? Pure: no
//! clock, no IO and no randomness but a seed that is passed in.
//!
//! - [`Input`] names every figure with its unit, bounds and sourced default; [`Spread`] is a figure
//!   with its uncertainty; [`Source`] says whether it was measured, stated or assumed.
//! - [`Case`] collects figures and facts; [`Case::resolve`] finds all that is wrong with them at once.
//! - [`assess`] makes the [`CaseDocument`]: instances, costs, net present value, break-even, what the
//!   answer turns on, and the verdict.
//!
//! The formulas and the sources of the defaults are explained in `docs/case.md`.

#![forbid(unsafe_code)]

mod assess;
mod case;
mod decide;
mod document;
mod facts;
mod input;
mod lines;
mod model;
mod number;
mod read;
mod sensitivity;
mod simulate;
mod spread;
mod unit;

pub use assess::{DRAWS, assess};
pub use case::{Case, Problem, Resolved, Source, Value};
pub use document::{
    Arm, ArmFigures, Assumption, Bin, BreakEven, CaseDocument, Check, Defaults, Effect, FleetCost,
    Flip, Line, Quantile, SCHEMA, Swing, Three,
};
pub use facts::{Facts, Kind};
pub use input::Input;
pub use spread::Spread;
pub use unit::Currency;
