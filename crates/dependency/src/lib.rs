//! Outside services that a side calls.
//!
//! Each side gets a [`StandIn`] of each of them, at an address of its own. What the incumbent asks it, it asks the outside
//! service, and keeps the answer in a [`Recording`]; all other sides are served what was recorded. So every side meets the
//! same answers, whatever the outside service does meanwhile, and only the incumbent's calls ever reach it: a candidate
//! that is wrong orders, pays and mails nothing.
//!
//! What a side called is a part of what it answers: [`CallsAsker`] adds it to the answer.
//!
//! What speaks another protocol than HTTP is passed through by a [`Relay`] for each side, and counted.

#![forbid(unsafe_code)]

mod asker;
mod call;
mod listening;
mod recording;
mod relay;
mod stand_in;

pub use asker::CallsAsker;
pub use call::{Call, Key};
pub use recording::{Recorded, Recording, Round};
pub use relay::{Passed, Relay};
pub use stand_in::{Counts, Lead, StandIn, Standing, Wait};
