//! The sans-IO engine: events and the clock in, signals and tasks out.
//!
//! No clock, no randomness, no sockets, no files, no logging. Given the same calls in the same order a [`Shard`]
//! appends the same effects, byte for byte, on every machine. It cannot fail: bad input became a
//! [`Reject`](crate::model::Reject) before it, or becomes one as the outcome of a call.

mod account;
mod asking;
mod baseline;
mod close;
mod dealings;
mod describe;
mod desk;
mod erase;
mod image;
mod pages;
mod policy;
mod population;
mod reminder;
mod robots;
mod rollup;
pub mod rules;
mod shadow;
mod shard;
mod stats;
mod store;
pub mod triggers;
mod watermark;
mod window;

/// Behaviour of the engine: counted up whenever the same inputs give other effects, because a journal written by one
/// version cannot be replayed by another.
pub const VERSION: u32 = 3;

pub use describe::{
    AccountDescription, BillDescription, ContactDescription, DayDescription, Description, OpenTask,
    Ordinary, Recollection, WaitingDescription,
};
pub use image::{Assembly, IMAGE_FORMAT, Image, ImageError, Mark, Section};
pub use policy::{Figures, Holder, Mentions, Region, Tally};
pub use rollup::{
    ByPurpose, ByTier, HolderWork, Judged, Purposes, RegionLevel, RegionOutcomes, Rollup, Standing,
    Tiers, TriggerOutcomes, Work,
};
pub use rules::Rules;
pub use shard::{Inputs, Shard};
pub use stats::ShardStats;
pub use window::Bucket;
