//! A rehearsal: rules at work on a simulated city before they go live on a real one.
//!
//! The city's records go through the decoder and the engine in the order of their arrival. Every published task goes at once
//! to [`AccountManagers`](crate::sim::AccountManagers), which play the subscribers too, and what they report comes back into the
//! stream at its own time. So outcomes, contact rules, corrections, escalations and follow-ups all play, in one process and
//! without a clock: the same settings give the same bytes.
//!
//! What people do does not depend on being contacted, unless the scenario's `outcomes.kept_share` says that a talk changes some
//! minds: otherwise a subscriber whom a call saves would have stayed. A rehearsal shows how much work rules make, for whom, and how
//! much of it is well spent. With a hold-out share it also shows what would be found of an effect as large as the scenario's.

mod contacts;
mod deferrals;
mod detector;
mod loads;
mod rehearsal;
mod report;
mod report_builder;
mod sample_task;
mod shown_task;
mod tasks;
mod text;

pub use rehearsal::{Progress, Rehearsal, Settings};
pub use report::Report;
pub use sample_task::pretty;
pub use shown_task::{Language, shown};
