//! The sans-IO engine: events and the clock in, signals and tasks out.
//!
//! No clock, no randomness, no sockets, no files, no logging. Given the same calls in the same order a [`Shard`]
//! appends the same effects, byte for byte, on every machine. It cannot fail: bad input became a
//! [`Reject`](crate::model::Reject) before it, or becomes one as the outcome of a call.

mod account;
mod baseline;
mod close;
mod describe;
mod erase;
mod evaluation;
mod image;
mod machines;
mod pages;
mod policy;
mod population;
mod reminder;
mod rollup;
pub mod rules;
mod service_history;
mod shadow;
mod shard;
mod stats;
mod store;
mod task_context;
pub mod triggers;
mod watermark;
mod window;

/// Behaviour of the engine: counted up whenever the same inputs give other effects, because a journal written by one
/// version cannot be replayed by another.
pub const VERSION: u32 = 3;

pub use describe::{
    AccountDescription, BaselineDescription, BillDescription, ContactDescription, DayDescription,
    Description, OpenTask, TriggerStateDescription, WaitingDescription,
};
pub use image::{IMAGE_FORMAT, Image, ImageError, ImageLoader, PageEpoch, Section};
pub use policy::{Figures, Holder, Mentions, Region, Tally};
pub use rollup::{
    ByPurpose, ByTier, HolderWork, Judged, Purposes, RegionLevel, RegionOutcomes, Rollup, Standing,
    Tiers, TriggerOutcomes, Work,
};
pub use rules::Rules;
pub use shard::{Inputs, Shard};
pub use stats::ShardStats;
pub use window::Bucket;
