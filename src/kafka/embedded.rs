use super::error;
use crate::config::Config;
use crate::model::Feed;
use rdkafka::mocking::MockCluster;
use rdkafka::producer::DefaultProducerContext;

/// A broker inside this process: the client's own mock, which speaks the real protocol to any Kafka client.
///
/// It is for the demo and proves nothing: it keeps 5 MiB of each partition in memory, and does not fence.
pub struct EmbeddedBroker(MockCluster<'static, DefaultProducerContext>);

impl EmbeddedBroker {
    /// Starts a broker on loopback with the topics of a configuration.
    ///
    /// # Errors
    /// If the client cannot start it.
    pub fn start(config: &Config, partitions: i32) -> Result<Self, String> {
        let topics = &config.topics;
        let journal = topics.journal(&config.kafka.group);
        let cluster = MockCluster::new(1).map_err(|error| error::plain(&error))?;
        let mut names: Vec<&str> = Feed::ALL.iter().map(|feed| topics.of(*feed)).collect();
        names.extend(topics.outputs().map(|(_, topic)| topic));
        names.extend([&*journal, &*topics.board]);
        names.sort_unstable();
        names.dedup();
        for name in names {
            let created = cluster.create_topic(name, partitions, 1);
            created.map_err(|error| error::plain(&error))?;
        }
        Ok(Self(cluster))
    }

    /// Where clients connect, "host:port".
    pub fn bootstrap(&self) -> String {
        self.0.bootstrap_servers()
    }
}
