//! The worker: one thread, one loop, from records to committed transactions. The only room that reads clocks.

mod active_rules;
pub mod clock;
mod commit;
mod end_offsets;
mod group_offsets;
mod intake;
mod output;
mod partition;
mod pool;
mod position;
mod rebalance;
mod replay;
mod restore;
mod snapshots;
mod watchdog;
mod worker;

pub use active_rules::{ActiveRules, RulesHandle};
pub use output::Output;
pub use partition::{Partition, Place};
pub use pool::{Pool, Stop};
pub use position::PartitionPosition;
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
    pub rules_handle: Arc<RulesHandle>,
    /// The metrics.
    pub telemetry: Telemetry,
}

impl Setup {
    /// What follows from a configuration.
    pub fn new(config: Config, telemetry: Telemetry, partitions: i32) -> Self {
        let topics = Topics::new(&config);
        let active_rules = ActiveRules::new(config.ruleset(), &config.kafka.group, &topics);
        Self {
            config,
            topics: Arc::new(topics),
            partitions,
            rules_handle: Arc::new(RulesHandle::new(active_rules)),
            telemetry,
        }
    }
}
