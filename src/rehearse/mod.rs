//! A rehearsal: rules at work on a simulated city before they go live on a real one.
//!
//! The city's records go through the decoder and the engine in the order of their arrival, and every task that is published
//! goes at once to a [`Clerk`](crate::sim::Clerk), who plays account managers and subscribers: what they report comes back into
//! the stream at its own time. So outcomes, contact rules, corrections, escalations and follow-ups all play, in one process
//! and without a clock: the same settings give the same bytes.
//!
//! What people do does not depend on being contacted: somebody whom a call saves would have stayed. A rehearsal shows how
//! much work rules make, for whom, and how much of it is well spent; not how many more stay because of it.

mod contacts;
mod detector;
mod ledger;
mod play;
mod put_off;
mod report;
mod sample;
mod tasks;
mod text;

pub use play::{Progress, Rehearsal, Settings};
pub use report::Report;
pub use sample::pretty;
