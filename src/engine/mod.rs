//! The sans-IO engine: events and the clock in, signals and tasks out.
//!
//! No clock, no randomness, no sockets, no files, no logging. Given the same calls in the same order, a [`Shard`]
//! appends the same effects, byte for byte, on every machine. It cannot fail: bad input was made a
//! [`Reject`](crate::model::Reject) before, or becomes one as the outcome of a call.

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
pub const VERSION: u32 = 3;

pub use image::{IMAGE_FORMAT, Image, ImageError, ImageLoader, PageEpoch, Section};
pub use policy::{Figures, Holder, Mentions, Region, Tally};
pub use rules::Rules;
pub use shard::describe::{
    AccountDescription, BaselineDescription, BillDescription, ContactDescription, DayDescription,
    Description, OpenTask, TriggerStateDescription, WaitingDescription,
};
pub use shard::rollup::{
    ByPurpose, ByTier, HolderWork, Judged, OpenTaskCounts, Purposes, RegionLevel, RegionOutcomes,
    Rollup, Tiers, TriggerOutcomes, Work,
};
pub use shard::stats::ShardStats;
pub use shard::{Inputs, Shard};
pub use state::window::Bucket;
