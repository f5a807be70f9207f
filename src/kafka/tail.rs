use super::{client, error};
use crate::config::Config;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::{Message, Offset, TopicPartitionList};
use std::time::Duration;

/// Reads topics from their beginnings without a group, as any other Kafka client would.
pub struct Tail(BaseConsumer);

impl Tail {
    /// Opens topics of that many partitions.
    ///
    /// # Errors
    /// What the client says about its properties.
    pub fn open(config: &Config, topics: &[&str], partitions: i32) -> Result<Self, String> {
        let consumer: BaseConsumer =
            client::reader(config, topics.len() * partitions.unsigned_abs() as usize)
                .create()
                .map_err(|error| error::plain(&error))?;
        let mut list = TopicPartitionList::new();
        for topic in topics {
            for partition in 0..partitions {
                let added = list.add_partition_offset(topic, partition, Offset::Beginning);
                added.map_err(|error| error::plain(&error))?;
            }
        }
        consumer
            .assign(&list)
            .map_err(|error| error::plain(&error))?;
        Ok(Self(consumer))
    }

    /// Gives every record that is there to `handle`, with its topic; waits for the first one at most `wait`.
    pub fn drain(&self, mut wait: Duration, mut handle: impl FnMut(&str, &[u8])) {
        while let Some(record) = self.0.poll(wait) {
            wait = Duration::ZERO;
            if let Ok(record) = record {
                handle(record.topic(), record.payload().unwrap_or_default());
            }
        }
    }
}
