//! The worker: one thread, one loop, from records to committed transactions. The only room that reads clocks.

pub mod clock;
mod commit;
mod ends;
mod intake;
mod output;
mod partition;
mod pool;
mod rebalance;
mod worker;

pub use pool::{Pool, Stop};

use crate::config::Config;
use crate::decode::Decoder;
use crate::kafka::Topics;
use crate::telemetry::Telemetry;
use std::sync::Arc;

/// What all workers of a process share.
pub struct Setup {
    /// The configuration.
    pub config: Config,
    /// The input topics.
    pub topics: Arc<Topics>,
    /// Reads records.
    pub decoder: Decoder,
    /// The metrics.
    pub telemetry: Telemetry,
}
