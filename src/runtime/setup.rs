use super::active_rules::{ActiveRules, RulesHandle};
use crate::config::Config;
use crate::encode::Form;
use crate::kafka::{Cluster, Scheme, Topics};
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
    /// How the feeds were found to be keyed.
    pub scheme: Scheme,
    /// The rules in force.
    pub rules_handle: Arc<RulesHandle>,
    /// In which form records leave.
    pub form: Form,
    /// The metrics.
    pub telemetry: Telemetry,
}

impl Setup {
    /// What follows from a configuration, and from what the brokers say of the topics. Records leave as JSON.
    pub fn new(config: Config, telemetry: Telemetry, cluster: Cluster) -> Self {
        let topics = Topics::new(&config);
        let active_rules = ActiveRules::new(&config, &topics);
        Self {
            config,
            topics: Arc::new(topics),
            partitions: cluster.partitions,
            aligned_outputs: Arc::new(cluster.aligned_outputs),
            scheme: cluster.scheme,
            rules_handle: Arc::new(RulesHandle::new(active_rules)),
            form: Form::Json,
            telemetry,
        }
    }
}
