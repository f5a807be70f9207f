//! A simulated city of telecom subscribers: the events of all five feeds' formats (behaviour: Events) with ground
//! truth.
//!
//! It exists to try detectors on, so it must be honest: people are as irregular as real ones (behaviour: How irregular
//! people are), most silences mean no harm, and records arrive with faults (behaviour: Faults in the feeds).
//!
//! - **Deterministic.** Equal [`CityConfig`]s give equal bytes on every machine.
//! - **Independent subscribers.** What one does depends on the seed, its index and the day, never on the others or on how
//!   many days follow: a larger or longer city begins like a smaller one.
//! - **Streaming.** [`City::next_event`] hands out records in the order of their arrival; memory does not grow with days.
//!
//! Task outcomes need tasks, which only a detector makes. [`AccountManagers`] read published tasks and the ground truth, and
//! say what becomes of them, afterwards or while the detector is at work.

mod city;
mod config;
mod event;
mod faults;
mod files;
mod life;
mod outcomes;
mod person;
mod random;
mod scenario;
mod today;
mod truth;
mod wire;

#[cfg(test)]
mod tests;

pub use city::{City, SimEvent, Tally};
pub use config::{CityConfig, DAYS_MAX, Operator, SUBSCRIBERS_MAX, SimError};
pub use event::{Expected, Fault};
pub use files::{Compression, FaultCount, Parameters, Progress, Summary, TruthCount, write_files};
pub use outcomes::{AccountManagers, Answer, AnswerError, Hindsight};
pub use scenario::Scenario;
pub use truth::{Class, Detail, Kind, Truth};
