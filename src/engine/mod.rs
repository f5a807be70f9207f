//! The sans-IO engine: events and the clock in, signals and tasks out.
//!
//! No clock, no randomness, no sockets, no files, no logging. Given the same calls in the same order, a [`Shard`]
//! appends the same effects, byte for byte, on every machine. It cannot fail: bad input was made a
//! [`Reject`](crate::model::Reject) before, or becomes one as the outcome of a call.
//!
//! The rooms, lowest first; each may name only those above it in this list:
//!
//! - `codec`: values to the bytes of an image and back
//! - [`settings`]: one plain struct for each section of the configuration
//! - `state`: subscribers, accounts, windows, baselines, population, watermarks, and the states of triggers
//! - [`triggers`]: what a trigger is, what it is shown, and one file for each; the registry
//! - [`rules`]: settings and triggers together, as they are in force
//! - `policy`: from firings to tasks: score, budget, contacts, outcomes, escalation, figures
//! - `image`: the sections of an image, and the loader that reads them
//! - `shard`: the engine itself. An event is ingested, counted and shown to the triggers; the clock closes days and
//!   releases tasks. Only this room touches the fields of a [`Shard`].

mod codec;
mod image;
mod policy;
pub mod rules;
pub mod settings;
mod shard;
mod state;
pub mod triggers;

/// Behaviour of the engine: counted up whenever the same inputs give other effects, because a journal written by one
/// version cannot be replayed by another.
pub const VERSION: u32 = 18;

pub use image::{IMAGE_FORMAT, Image, ImageError, ImageLoader, PageEpoch, Section};
pub use policy::{Figures, Groups, Holder, Mentions, Region, Tally, TaskCount, Uplift};
pub use rules::Rules;
pub use shard::Shard;
pub use shard::describe::{
    AccountDescription, BaselineDescription, BillDescription, ContactDescription, DayDescription,
    Description, OpenTask, TriggerStateDescription, WaitingDescription,
};
pub use shard::line_days::LineDay;
pub use shard::rollup::{
    ByPurpose, ByTier, Customers, HolderWork, Judged, OpenTaskCounts, Purposes, RegionLevel,
    RegionOutcomes, Rollup, Tiers, TriggerOutcomes, Work,
};
pub use shard::stats::ShardStats;
pub use shard::uplift::{GroupComparison, GroupFates, RegionUplift, TriggerUplift};
pub use state::bucket::Bucket;
pub use state::loss::{Loss, LossKind};
