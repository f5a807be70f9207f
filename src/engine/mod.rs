//! The sans-IO engine: events and the clock in, signals and tasks out.
//!
//! No clock, no randomness, no sockets, no files, no logging. Given the same calls in the same order a [`Shard`]
//! appends the same effects, byte for byte, on every machine. It cannot fail: bad input became a
//! [`Reject`](crate::model::Reject) before it, or becomes one as the outcome of a call.

pub mod rules;
mod shard;
pub mod triggers;

pub use rules::Rules;
pub use shard::Shard;
