//! Reads a topic as a member of a group of its own, whose offsets say what was done and not what was read.

use super::brokers::Brokers;
use super::follow::Followed;
use super::{client, error};
use crate::config::Config;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::types::RDKafkaRespErr;
use rdkafka::{Offset, TopicPartitionList};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// For one answer of the brokers about offsets.
const PATIENCE: Duration = Duration::from_secs(10);

/// The group gave or took partitions; the client waits for [`GroupReader::take`] or [`GroupReader::give_up`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// These are ours now.
    Given(Vec<i32>),
    /// All are to be given up.
    Taken,
}

/// Reads a topic as a member of a group.
pub struct GroupReader {
    topic: String,
    brokers: Brokers,
    consumer: BaseConsumer<Turns>,
}

impl GroupReader {
    /// Joins a group that reads a topic.
    ///
    /// # Errors
    /// What the client says about its properties.
    pub fn join(config: &Config, group: &str, topic: &str) -> Result<Self, String> {
        let plain = |error: KafkaError| error::plain(&error);
        let consumer: BaseConsumer<Turns> = client::consumer(config, None)
            .set("group.id", group)
            // What was deleted before it was read is not there any more; the next record is.
            .set("auto.offset.reset", "earliest")
            .create_with_context(Turns::default())
            .map_err(plain)?;
        consumer.subscribe(&[topic]).map_err(plain)?;
        Ok(Self {
            topic: topic.to_owned(),
            brokers: Brokers::new(config)?,
            consumer,
        })
    }

    /// The next change of our partitions that was not answered.
    pub fn turn(&self) -> Option<Turn> {
        lock(&self.consumer.context().turns).pop_front()
    }

    /// Takes partitions over: each goes on where the group stands. A partition that the group has never stood in begins at its
    /// end, and the group stands there from now on.
    ///
    /// # Errors
    /// The brokers do not answer.
    pub fn take(&self, partitions: &[i32]) -> Result<BTreeMap<i32, i64>, String> {
        let plain = |error: KafkaError| error::plain(&error);
        if partitions.is_empty() {
            let none = TopicPartitionList::new();
            self.consumer.assign(&none).map_err(plain)?;
            return Ok(BTreeMap::new());
        }
        let asked = self.named(partitions);
        let known = self.consumer.committed_offsets(asked, PATIENCE);
        let mut starts = BTreeMap::new();
        let mut fresh = BTreeMap::new();
        for element in known.map_err(plain)?.elements() {
            let partition = element.partition();
            let start = match element.offset() {
                Offset::Offset(offset) => offset,
                _ => {
                    let end = self.brokers.committed_bounds(&self.topic, partition);
                    let end = end.map_err(plain)?.end;
                    fresh.insert(partition, end);
                    end
                }
            };
            starts.insert(partition, start);
        }
        let list = self.list(&starts).map_err(plain)?;
        self.consumer.assign(&list).map_err(plain)?;
        if !fresh.is_empty() {
            self.commit(&fresh)?;
        }
        Ok(starts)
    }

    /// Gives all partitions up.
    ///
    /// # Errors
    /// What the client says.
    pub fn give_up(&self) -> Result<(), String> {
        let gone = self.consumer.unassign();
        gone.map_err(|error| error::plain(&error))
    }

    /// Stops reading for now, or goes on.
    ///
    /// # Errors
    /// What the client says.
    pub fn hold(&self, partitions: &[i32], hold: bool) -> Result<(), String> {
        let list = self.named(partitions);
        let done = match hold {
            true => self.consumer.pause(&list),
            false => self.consumer.resume(&list),
        };
        done.map_err(|error| error::plain(&error))
    }

    /// The next record, if one comes within some time.
    ///
    /// # Errors
    /// The topic cannot be read.
    pub fn next(&self, wait: Duration) -> Result<Option<Followed<'_>>, String> {
        match self.consumer.poll(wait) {
            None => Ok(None),
            Some(Ok(message)) => Ok(Some(Followed::of(message))),
            Some(Err(error)) if is_passing(&error) => Ok(None),
            Some(Err(error)) => Err(error::plain(&error)),
        }
    }

    /// Says that the group stands at these offsets. [`GroupReader::is_committed`] tells when the brokers know it.
    ///
    /// # Errors
    /// What the client says.
    pub fn commit(&self, next: &BTreeMap<i32, i64>) -> Result<(), String> {
        let plain = |error: KafkaError| error::plain(&error);
        let list = self.list(next).map_err(plain)?;
        self.consumer
            .commit(&list, CommitMode::Async)
            .map_err(plain)?;
        let context = self.consumer.context();
        context.asked.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Whether the brokers have answered every commit.
    pub fn is_committed(&self) -> bool {
        let context = self.consumer.context();
        context.answered.load(Ordering::Relaxed) >= context.asked.load(Ordering::Relaxed)
    }

    /// The offset behind the last committed record of each partition of a topic.
    ///
    /// # Errors
    /// The brokers do not answer, or lack the topic.
    pub fn ends(&self, topic: &str) -> Result<Vec<i64>, String> {
        let count = self.brokers.partitions(topic)?;
        let count = count.ok_or_else(|| format!("there is no topic `{topic}` yet"))?;
        let end = |partition| {
            let bounds = self.brokers.committed_bounds(topic, partition);
            bounds
                .map(|bounds| bounds.end)
                .map_err(|error| error::plain(&error))
        };
        (0..count).map(end).collect()
    }

    /// Partitions of the topic.
    ///
    /// # Errors
    /// The brokers do not answer, or lack the topic.
    pub fn partitions(&self) -> Result<i32, String> {
        let count = self.brokers.partitions(&self.topic)?;
        count.ok_or_else(|| format!("there is no topic `{}`", self.topic))
    }

    fn named(&self, partitions: &[i32]) -> TopicPartitionList {
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition(&self.topic, *partition);
        }
        list
    }

    fn list(&self, offsets: &BTreeMap<i32, i64>) -> KafkaResult<TopicPartitionList> {
        let mut list = TopicPartitionList::new();
        for (partition, offset) in offsets {
            list.add_partition_offset(&self.topic, *partition, Offset::Offset(*offset))?;
        }
        Ok(list)
    }
}

impl Drop for GroupReader {
    /// Leaves the group.
    fn drop(&mut self) {
        self.consumer
            .context()
            .closing
            .store(true, Ordering::Relaxed);
        // A change that was not answered would keep the client from closing.
        let _ = self.consumer.unassign();
    }
}

/// Whether the client goes on by itself; it has logged the error.
fn is_passing(error: &KafkaError) -> bool {
    let fatal = matches!(error, KafkaError::MessageConsumptionFatal(_));
    let lasting = matches!(
        error::code_of(error),
        Some(
            RDKafkaErrorCode::UnknownTopicOrPartition
                | RDKafkaErrorCode::TopicAuthorizationFailed
                | RDKafkaErrorCode::GroupAuthorizationFailed
                | RDKafkaErrorCode::PollExceeded
        )
    );
    !fatal && !lasting
}

/// Keeps changes of partitions for the reader, which answers them when it is ready.
#[derive(Default)]
struct Turns {
    turns: Mutex<VecDeque<Turn>>,
    closing: AtomicBool,
    /// Commits that were asked for and answered.
    asked: AtomicU64,
    answered: AtomicU64,
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ClientContext for Turns {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client::log_error(&error, reason);
    }
}

impl ConsumerContext for Turns {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        kind: RDKafkaRespErr,
        partitions: &mut TopicPartitionList,
    ) {
        if self.closing.load(Ordering::Relaxed) {
            let _ = consumer.unassign();
            return;
        }
        let turn = match kind == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            true => Turn::Given(
                partitions
                    .elements()
                    .iter()
                    .map(|element| element.partition())
                    .collect(),
            ),
            false => Turn::Taken,
        };
        lock(&self.turns).push_back(turn);
    }

    fn commit_callback(&self, result: KafkaResult<()>, _: &TopicPartitionList) {
        self.answered.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = result {
            // What was not committed is committed with what comes next, or done again by whoever takes the partition.
            client::log_error(&error, "the offsets of alerts were not committed");
        }
    }
}
