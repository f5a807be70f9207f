use super::active_rules::{ActiveRules, RulesHandle};
use crate::config::Config;
use crate::kafka::Topics;
use crate::telemetry::Telemetry;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What all workers of a process share.
pub struct Setup {
    /// The configuration.
    pub config: Config,
    /// The input topics.
    pub topics: Arc<Topics>,
    /// Partitions of each of them: so many shards share the budget of tasks.
    pub partitions: i32,
    /// Output topics with as many partitions: a record for one of them goes to the partition of its shard.
    pub aligned_outputs: Arc<BTreeSet<String>>,
    /// The rules in force.
    pub rules_handle: Arc<RulesHandle>,
    /// The metrics.
    pub telemetry: Telemetry,
}

impl Setup {
    /// What follows from a configuration, and from the partitions of the feeds' and of the output topics.
    pub fn new(
        config: Config,
        telemetry: Telemetry,
        partitions: i32,
        aligned_outputs: BTreeSet<String>,
    ) -> Self {
        let topics = Topics::new(&config);
        let active_rules = ActiveRules::new(config.ruleset(), &config.kafka.group, &topics);
        Self {
            config,
            topics: Arc::new(topics),
            partitions,
            aligned_outputs: Arc::new(aligned_outputs),
            rules_handle: Arc::new(RulesHandle::new(active_rules)),
            telemetry,
        }
    }
}
