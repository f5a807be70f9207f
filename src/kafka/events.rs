//! What the client of a consumer says besides records.

use super::client;
use super::error::{self, Fault};
use super::topics::{TopicPartition, Topics};
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use rdkafka::types::RDKafkaRespErr;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The group gave or took partitions. The client waits for [`Link::assign`](super::Link::assign) or
/// [`Link::unassign`](super::Link::unassign).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rebalance {
    /// These partitions are ours now.
    Assigned(Vec<TopicPartition>),
    /// All partitions are to be given up.
    Revoked {
        /// They are another member's already: nothing can be committed any more.
        lost: bool,
    },
}

/// The fault behind an [`Item::Error`](super::Item::Error). There is no going on after one: taken from the batch queue,
/// it moves the client's own position past a record that was not read.
pub fn fault(
    topics: &Topics,
    at: Option<TopicPartition>,
    code: RDKafkaErrorCode,
    reason: &str,
) -> Fault {
    use RDKafkaErrorCode as Code;
    let place = match at {
        Some(at) => format!("topic {} partition {}", topics.name(at.topic), at.partition),
        None => "the input topics".to_owned(),
    };
    let is_journal = at.is_some_and(|at| at.topic == topics.journal());
    match code {
        // What is no longer needed is deleted all the time; a new look finds where the journal begins now.
        Code::AutoOffsetReset | Code::OffsetOutOfRange if is_journal => {
            Fault::Restart(format!("{place}: was trimmed while it was read ({reason})"))
        }
        Code::AutoOffsetReset | Code::OffsetOutOfRange => Fault::Halt(format!(
            "{place}: the next record to process is not there any more ({reason}); {LOST_REMEDY}"
        )),
        // If the topic is gone, the next start says what to do.
        code => match error::remedy(code) {
            Some(remedy) => Fault::Halt(format!("reading {place}: {reason}; {remedy}")),
            None => Fault::Restart(format!("reading {place}: {reason}")),
        },
    }
}

/// The fault of a partition whose next record to process is not among those it holds.
pub fn lost_records(topic: &str, partition: i32, next: i64, start: i64, end: i64) -> Fault {
    Fault::Halt(format!(
        "topic {topic} partition {partition}: the group stands at offset {next}, but the partition holds offsets \
         {start} to {end}; {LOST_REMEDY}"
    ))
}

/// What to do when retention or a re-created topic took records away before they were processed. Moving the group's
/// offsets is no remedy: the state would not follow them.
const LOST_REMEDY: &str = "records were deleted before they were processed, or the topic was created anew: \
     restore the records, or begin anew with another `kafka.group`; then raise the topic's retention.ms above the \
     longest time the detector may be away";

/// The client's form of some partitions and their offsets.
pub(super) fn list(
    topics: &Topics,
    offsets: impl IntoIterator<Item = (TopicPartition, Offset)>,
) -> KafkaResult<TopicPartitionList> {
    let mut list = TopicPartitionList::new();
    for (at, offset) in offsets {
        list.add_partition_offset(topics.name(at.topic), at.partition, offset)?;
    }
    Ok(list)
}

/// Takes what the client has to say besides records. Changes of partitions are kept for the worker, which answers them
/// when its transaction has ended, rather than inside the client's callback.
pub(super) struct Events {
    topics: Arc<Topics>,
    changes: Mutex<VecDeque<Rebalance>>,
    closing: AtomicBool,
}

impl Events {
    pub(super) fn new(topics: Arc<Topics>) -> Self {
        Self {
            topics,
            changes: Mutex::default(),
            closing: AtomicBool::new(false),
        }
    }

    /// The next change of our partitions that nobody has answered.
    pub(super) fn next_change(&self) -> Option<Rebalance> {
        lock(&self.changes).pop_front()
    }

    /// From now on the client itself answers changes: it is waiting for that to leave the group.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
    }
}

impl ClientContext for Events {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client::log_error(&error, reason);
    }
}

impl ConsumerContext for Events {
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
        let change = if kind == RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS {
            let known = partitions.elements().into_iter().filter_map(|element| {
                let topic = self.topics.index(element.topic())?;
                Some(TopicPartition {
                    topic,
                    partition: element.partition(),
                })
            });
            Rebalance::Assigned(known.collect())
        } else {
            Rebalance::Revoked {
                lost: consumer.assignment_lost(),
            }
        };
        lock(&self.changes).push_back(change);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
