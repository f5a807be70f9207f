//! The worker: one thread, one loop, from records to committed transactions. The only room that reads clocks.

pub mod clock;
mod commit;
mod ends;
mod intake;
mod lane;
mod output;
mod partition;
mod pool;
mod rebalance;
mod regime;
mod replay;
mod restore;
mod snapshots;
mod stand;
mod watchdog;
mod worker;

pub use lane::Lane;
pub use output::Output;
pub use partition::{Partition, Place};
pub use pool::{Pool, Stop};
pub use regime::{Government, Regime};
pub use watchdog::Watchdog;
pub use worker::Worker;

use crate::config::Config;
use crate::kafka::Topics;
use crate::telemetry::Telemetry;
use std::sync::Arc;

/// What all workers of a process share.
pub struct Setup {
    /// The configuration.
    pub config: Config,
    /// The input topics.
    pub topics: Arc<Topics>,
    /// Partitions of each of them: so many shards share the budget of tasks.
    pub partitions: i32,
    /// The rules in force.
    pub government: Arc<Government>,
    /// The metrics.
    pub telemetry: Telemetry,
}

impl Setup {
    /// What follows from a configuration.
    pub fn new(config: Config, telemetry: Telemetry, partitions: i32) -> Self {
        let topics = Topics::new(&config);
        let regime = Regime::new(config.ruleset(), &config.kafka.group, &topics);
        Self {
            config,
            topics: Arc::new(topics),
            partitions,
            government: Arc::new(Government::new(regime)),
            telemetry,
        }
    }
}
