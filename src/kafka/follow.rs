//! Reads whole topics without a group, from positions that the reader keeps itself.

use super::brokers::Brokers;
use super::{client, error};
use crate::config::Config;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{BorrowedMessage, Message as _};
use rdkafka::{Offset, TopicPartitionList};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long to wait for one record that is read by its offset.
const PATIENCE: Duration = Duration::from_secs(10);

/// Passes the client's log on to ours.
struct Logged;

impl ClientContext for Logged {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if error::code_of(&error) != Some(RDKafkaErrorCode::PartitionEOF) {
            client::log_error(&error, reason);
        }
    }
}

impl ConsumerContext for Logged {}

/// Reads whole topics, as readers of committed records see them.
pub struct Follower {
    config: Config,
    brokers: Brokers,
    consumer: BaseConsumer<Logged>,
    partitions: BTreeMap<String, i32>,
}

/// A record that was read.
pub struct Followed<'a>(BorrowedMessage<'a>);

impl<'a> Followed<'a> {
    pub(super) fn of(message: BorrowedMessage<'a>) -> Self {
        Self(message)
    }

    /// Its topic.
    pub fn topic(&self) -> &str {
        self.0.topic()
    }

    /// Its partition.
    pub fn partition(&self) -> i32 {
        self.0.partition()
    }

    /// Its place in the partition.
    pub fn offset(&self) -> i64 {
        self.0.offset()
    }

    /// When the broker or its producer had it, in milliseconds since 1970.
    pub fn written_at(&self) -> i64 {
        self.0.timestamp().to_millis().unwrap_or(i64::MAX)
    }

    /// Empty if it has none.
    pub fn key(&self) -> &[u8] {
        self.0.key().unwrap_or_default()
    }

    /// Nothing removes what the topic has under the key.
    pub fn value(&self) -> Option<&[u8]> {
        self.0.payload()
    }
}

impl Follower {
    /// Starts to read topics; `position` says from where, and nothing is from the beginning. A position that the topic does
    /// not have (any more) is its beginning.
    ///
    /// # Errors
    /// The brokers do not answer, or lack a topic.
    pub fn open(
        config: &Config,
        topics: &[&str],
        mut position: impl FnMut(&str, i32) -> Option<i64>,
    ) -> Result<Self, String> {
        let brokers = Brokers::new(config)?;
        let mut list = TopicPartitionList::new();
        let mut partitions = BTreeMap::new();
        for topic in topics {
            let Some(count) = brokers.partitions(topic)? else {
                return Err(format!(
                    "there is no topic `{topic}`; deploy/kafka-topics.sh creates all topics"
                ));
            };
            for partition in 0..count {
                let bounds = brokers.bounds(topic, partition);
                let bounds = bounds.map_err(|error| error::plain(&error))?;
                let inside = |next: &i64| (bounds.start..=bounds.end).contains(next);
                let start = position(topic, partition).filter(inside);
                let offset = start.map_or(Offset::Beginning, Offset::Offset);
                let added = list.add_partition_offset(topic, partition, offset);
                added.map_err(|error| error::plain(&error))?;
            }
            partitions.insert((*topic).to_owned(), count);
        }
        let consumer: BaseConsumer<Logged> = client::reader(config, list.count())
            // What was deleted before it was read is not there for a reader without state.
            .set("auto.offset.reset", "earliest")
            .set("enable.partition.eof", "false")
            .create_with_context(Logged)
            .map_err(|error| error::plain(&error))?;
        let assigned = consumer.assign(&list);
        assigned.map_err(|error| error::plain(&error))?;
        Ok(Self {
            config: config.clone(),
            brokers,
            consumer,
            partitions,
        })
    }

    /// The next record, if one comes within some time.
    pub fn next(&self, wait: Duration) -> Option<Followed<'_>> {
        match self.consumer.poll(wait)? {
            Ok(message) => Some(Followed(message)),
            // [`Follower::check`] tells whether the brokers are away.
            Err(_) => None,
        }
    }

    /// Whether the brokers answer, and the topics have as many partitions as at the start.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), String> {
        for (topic, before) in &self.partitions {
            let now = self.brokers.partitions(topic)?.unwrap_or_default();
            if now != *before {
                return Err(format!(
                    "topic `{topic}` has {now} partitions now, and had {before}"
                ));
            }
        }
        Ok(())
    }

    /// One record by its place; nothing if the topic does not have it any more.
    ///
    /// # Errors
    /// What the client says.
    pub fn one(&self, topic: &str, partition: i32, offset: i64) -> Result<Option<Vec<u8>>, String> {
        let plain = |error: KafkaError| error::plain(&error);
        let properties = client::reader(&self.config, 1);
        let consumer: BaseConsumer<Logged> =
            properties.create_with_context(Logged).map_err(plain)?;
        let mut list = TopicPartitionList::new();
        let added = list.add_partition_offset(topic, partition, Offset::Offset(offset));
        added.map_err(plain)?;
        consumer.assign(&list).map_err(plain)?;
        match consumer.poll(PATIENCE) {
            Some(Ok(record)) if record.offset() == offset => {
                Ok(record.payload().map(<[u8]>::to_vec))
            }
            // It begins behind it: compacted away, or expired.
            Some(Ok(_) | Err(KafkaError::PartitionEOF(_))) => Ok(None),
            Some(Err(error)) => match error::code_of(&error) {
                Some(RDKafkaErrorCode::AutoOffsetReset | RDKafkaErrorCode::OffsetOutOfRange) => {
                    Ok(None)
                }
                _ => Err(plain(error)),
            },
            None => Err("the brokers do not answer".to_owned()),
        }
    }
}

/// Creates a topic in which the latest record of each key stays, if it is missing.
///
/// # Errors
/// The brokers do not answer, or refuse.
pub fn create_compacted(config: &Config, topic: &str, partitions: i32) -> Result<(), String> {
    let brokers = Brokers::new(config)?;
    match brokers.partitions(topic)? {
        Some(_) => Ok(()),
        None => brokers.create(topic, partitions, &[("cleanup.policy", "compact")]),
    }
}
