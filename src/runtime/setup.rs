use super::active_rules::{ActiveRules, RulesHandle};
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
