//! Metrics and logs.
//!
//! [`BoardTelemetry`] has the metrics of a board. [`Telemetry`] has those of a detector: it owns a `prometheus` registry and one handle for each metric; cloning it is cheap and shares both. No
//! single record is counted with it. The runtime adds up a batch in a [`BatchReport`] and emits that once, a
//! [`CommitReport`] for each transaction, and now and then a [`ShardReport`] and a [`WorkReport`] for each shard.
//!
#![doc = include_str!("../../deploy/metrics.md")]

mod board;
mod catalog;
pub mod logging;
mod metrics;
mod register;
mod reports;
pub mod troubles;
mod work;

pub use board::{BoardReport, BoardTelemetry, ReceiverLabels, RequestClass};
pub use catalog::table as metrics_table;
pub use metrics::{CommitOutcome, Telemetry, UNKNOWN_FEED};
pub use reports::{
    BatchReport, CommitReport, FeedDelay, KeyReport, LagReport, RegistryReport, RestoreReport,
    RouteLag, RouteReport, ShardReport, SnapshotReport, WorkReport,
};
pub use work::{Holders, ProcessAnswer};
