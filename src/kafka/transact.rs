//! The owner of the transaction: output and input offsets become visible together, or not at all.
//!
//! A transaction begins, fills and ends within one call, so there is never one open between calls. After anything but
//! a clean commit the producer is replaced by a new one with the same transactional id: that aborts whatever the old
//! one had open and fences every late request of it. Whether a commit whose answer was lost took effect is then read
//! from the note it left with the group's offsets.

use super::error::{self, Class, Fault};
use super::{Consumer, TopicPartition, client};
use crate::config::Config;
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerGroupMetadata;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _, ProducerContext, PurgeConfig};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often deliveries are asked for while a transaction waits for them.
const POLL: Duration = Duration::from_micros(500);
/// For aborting before a producer is dropped: a courtesy to readers, as its successor aborts as well.
const ABORT_PATIENCE: Duration = Duration::from_secs(1);

/// A record on its way to an output topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbound {
    /// Name of the topic.
    pub topic: Arc<str>,
    /// The partition, where the key does not decide it.
    pub partition: Option<i32>,
    /// Decides the partition.
    pub key: Option<Vec<u8>>,
    /// The bytes; none for a tombstone.
    pub value: Option<Vec<u8>>,
    /// Headers in their order.
    pub headers: Vec<(Cow<'static, str>, Option<Vec<u8>>)>,
}

/// How far a partition has been processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextOffset {
    /// Which partition.
    pub at: TopicPartition,
    /// Offset of the next record to process.
    pub offset: i64,
    /// Newest timestamp of the shard's records so far, in milliseconds since 1970.
    pub newest_ms: i64,
}

/// What stands beside each committed offset: which transaction put it there, and how far time had come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Name of the transaction, never used twice.
    pub transaction: String,
    /// [`NextOffset::newest_ms`]
    pub newest_ms: i64,
}

/// How an attempt to commit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// Everything is visible.
    Committed(Receipt),
    /// Nothing is visible yet; the same call may succeed later. The text says why it did not.
    Again(String),
    /// Nothing is visible: the group has moved on. A [`Change`](super::Change) will say whether the partitions stay.
    Membership(String),
    /// Nothing is visible: these records (by index) are larger than their topics allow.
    TooLarge(Vec<usize>),
}

/// What a commit cost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The transaction's name, as in [`Note::transaction`].
    pub transaction: String,
    /// How many times deliveries were asked for, half a millisecond each.
    pub polls: u32,
}

/// The transactional producer of one worker.
pub struct Transactor {
    properties: ClientConfig,
    id: String,
    patience: Duration,
    /// Tells this start of the worker from all others.
    incarnation: i64,
    attempts: u64,
    producer: Option<BaseProducer<Deliveries>>,
    /// Name of a transaction that may or may not have been committed.
    doubt: Option<String>,
}

impl Transactor {
    /// Prepares the producer of a worker; it connects with the first commit. `incarnation` must be another one for
    /// every start, such as the time in milliseconds.
    pub fn new(config: &Config, worker: usize, incarnation: i64) -> Self {
        let id = client::transactional_id(config, worker);
        Self {
            properties: client::transactional(config, &id),
            id,
            patience: Duration::from_secs(config.run.transaction_timeout_seconds.into()),
            incarnation,
            attempts: 0,
            producer: None,
            doubt: None,
        }
    }

    /// Connects and ends whatever a predecessor with our transactional id left open, so that its offsets and output
    /// are settled before anything is read.
    ///
    /// # Errors
    /// [`Fault`] if an operator must help; otherwise the reason why it is worth trying again.
    pub fn connect(&mut self) -> Result<Result<(), String>, Fault> {
        if self.producer.is_some() {
            return Ok(Ok(()));
        }
        let what = format!("starting transactions as {}", self.id);
        let producer: BaseProducer<Deliveries> = self
            .properties
            .create_with_context(Deliveries::default())
            .map_err(|error| Fault::Halt(format!("{what}: {}", error::plain(&error))))?;
        match producer.init_transactions(self.patience) {
            Ok(()) => {
                self.producer = Some(producer);
                Ok(Ok(()))
            }
            Err(error) => match Fault::of(&what, &error) {
                Fault::Restart(reason) => Ok(Err(reason)),
                halt => Err(halt),
            },
        }
    }

    /// Sends the records and commits them together with the offsets.
    ///
    /// The caller keeps both until they are committed, or until it has lost the partitions ([`forget`](Self::forget)).
    ///
    /// # Errors
    /// [`Fault`] if the worker cannot go on; nothing was committed then, unless an earlier call already had.
    pub fn commit(
        &mut self,
        consumer: &Consumer,
        outbound: &[Outbound],
        offsets: &[NextOffset],
    ) -> Result<Attempt, Fault> {
        if let Err(reason) = self.connect()? {
            return Ok(Attempt::Again(reason));
        }
        if let Some(settled) = self.settle(consumer, offsets) {
            return Ok(settled);
        }
        let Some(producer) = &self.producer else {
            return Ok(Attempt::Again("the producer is gone".to_owned()));
        };
        self.attempts += 1;
        let transaction = format!("{}/{}/{}", self.id, self.incarnation, self.attempts);
        let membership = consumer.membership()?;
        let list = offsets_list(consumer, offsets, &transaction)
            .map_err(|error| Fault::of("listing offsets", &error))?;
        let mut cycle = Cycle {
            producer,
            patience: self.patience,
            polls: 0,
            ending: false,
        };
        let error = match cycle.run(outbound, &list, &membership) {
            Ok(()) => {
                let polls = cycle.polls;
                return Ok(Attempt::Committed(Receipt { transaction, polls }));
            }
            Err(error) => error,
        };
        let class = error::classify(&error);
        let too_large = producer.context().too_large();
        if cycle.ending && class == Class::Replace {
            self.doubt = Some(transaction);
        }
        self.retire();
        let reason = error::plain(&error);
        match class {
            Class::Fenced => Err(Fault::Restart(format!(
                "the transactional id {} was taken over ({reason}): this process was away for longer than \
                 `run.transaction_timeout_seconds`, or another one uses the same `run.instance_id` and prefix",
                self.id
            ))),
            Class::Membership => Ok(Attempt::Membership(reason)),
            _ if !too_large.is_empty() => Ok(Attempt::TooLarge(too_large)),
            _ => match Fault::of("committing", &error) {
                Fault::Halt(message) => Err(Fault::Halt(message)),
                Fault::Restart(_) => Ok(Attempt::Again(reason)),
            },
        }
    }

    /// Whether the outcome of the last transaction is open.
    pub fn in_doubt(&self) -> bool {
        self.doubt.is_some()
    }

    /// Gives up what was to be committed, because the partitions are not ours any more.
    pub fn forget(&mut self) {
        self.doubt = None;
    }

    /// If the outcome of the last transaction is open, finds out from the group's offsets.
    fn settle(&mut self, consumer: &Consumer, offsets: &[NextOffset]) -> Option<Attempt> {
        let transaction = self.doubt.as_ref()?;
        let asked: Vec<TopicPartition> = offsets.iter().map(|next| next.at).collect();
        match consumer.committed(&asked, self.patience) {
            Ok(found) => {
                let ours = |note: Note| note.transaction == *transaction;
                let committed = found.iter().any(|c| Note::parse(&c.note).is_some_and(ours));
                let transaction = self.doubt.take()?;
                committed.then_some(Attempt::Committed(Receipt {
                    transaction,
                    polls: 0,
                }))
            }
            Err(fault) => Some(Attempt::Again(format!(
                "finding out whether transaction {transaction} was committed: {fault}"
            ))),
        }
    }

    /// Drops the producer; if a transaction is open that cannot have been committed, aborts it, so that readers of the
    /// output need not wait until the coordinator does.
    fn retire(&mut self) {
        let Some(producer) = self.producer.take() else {
            return;
        };
        if self.doubt.is_none() {
            producer.purge(PurgeConfig::default().queue().inflight());
            producer.poll(Duration::ZERO);
            let _ = producer.abort_transaction(ABORT_PATIENCE);
        }
    }
}

/// One transaction from begin to end.
struct Cycle<'p> {
    producer: &'p BaseProducer<Deliveries>,
    patience: Duration,
    polls: u32,
    /// The brokers have been asked to commit.
    ending: bool,
}

impl Cycle<'_> {
    fn run(
        &mut self,
        outbound: &[Outbound],
        offsets: &TopicPartitionList,
        membership: &ConsumerGroupMetadata,
    ) -> KafkaResult<()> {
        self.producer.begin_transaction()?;
        for (index, outbound) in outbound.iter().enumerate() {
            self.send(index, outbound)?;
        }
        // The records travel meanwhile.
        self.producer
            .send_offsets_to_transaction(offsets, membership, self.patience)?;
        // `Producer::flush`, which `commit_transaction` begins with, waits in slices of 100 ms while records are under
        // way; with none left it returns at once.
        self.wait_until(|producer| producer.in_flight_count() == 0)?;
        if let Some(code) = self.producer.context().first_failure() {
            return Err(KafkaError::MessageProduction(code));
        }
        self.ending = true;
        self.producer.commit_transaction(self.patience)
    }

    fn send(&mut self, index: usize, outbound: &Outbound) -> KafkaResult<()> {
        let headers = outbound.headers.iter().fold(
            OwnedHeaders::new_with_capacity(outbound.headers.len()),
            |headers, (key, value)| {
                headers.insert(Header {
                    key,
                    value: value.as_deref(),
                })
            },
        );
        let mut record = BaseRecord {
            topic: &outbound.topic,
            partition: outbound.partition,
            payload: outbound.value.as_deref(),
            key: outbound.key.as_deref(),
            timestamp: None,
            headers: Some(headers),
            delivery_opaque: index,
        };
        loop {
            match self.producer.send(record) {
                Ok(()) => return Ok(()),
                Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => {
                    record = back;
                    let queued = self.producer.in_flight_count();
                    self.wait_until(|producer| producer.in_flight_count() < queued)?;
                }
                Err((error, _)) => {
                    self.producer.context().failed(index, &error);
                    return Err(error);
                }
            }
        }
    }

    fn wait_until(&mut self, done: impl Fn(&BaseProducer<Deliveries>) -> bool) -> KafkaResult<()> {
        // Counted in polls, one in each `POLL`, rather than by a clock.
        let polls_max = self.patience.as_micros() / POLL.as_micros();
        for _ in 0..=polls_max {
            if done(self.producer) {
                return Ok(());
            }
            self.producer.poll(Duration::ZERO);
            self.polls += 1;
            // The client's own poll spins through its last millisecond, and takes the core from the broker's answer.
            std::thread::park_timeout(POLL);
        }
        Err(KafkaError::MessageProduction(
            RDKafkaErrorCode::MessageTimedOut,
        ))
    }
}

fn offsets_list(
    consumer: &Consumer,
    offsets: &[NextOffset],
    transaction: &str,
) -> KafkaResult<TopicPartitionList> {
    let pairs = offsets
        .iter()
        .map(|next| (next.at, Offset::Offset(next.offset)));
    let list = consumer.list(pairs)?;
    // The list keeps the order in which it was filled.
    for (mut element, next) in list.elements().into_iter().zip(offsets) {
        let note = Note {
            transaction: transaction.to_owned(),
            newest_ms: next.newest_ms,
        };
        element.set_metadata(note.to_string());
    }
    Ok(list)
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "v1 newest_ms={} transaction={}",
            self.newest_ms, self.transaction
        )
    }
}

impl Note {
    /// Reads a note back; none if it is not one of ours.
    pub fn parse(text: &str) -> Option<Self> {
        let (newest_ms, transaction) = text
            .strip_prefix("v1 newest_ms=")?
            .split_once(" transaction=")?;
        Some(Self {
            transaction: transaction.to_owned(),
            newest_ms: newest_ms.parse().ok()?,
        })
    }
}

/// Keeps what the brokers refused.
#[derive(Default)]
struct Deliveries(Mutex<Vec<(usize, RDKafkaErrorCode)>>);

impl Deliveries {
    fn failed(&self, index: usize, error: &KafkaError) {
        if let Some(code) = error.rdkafka_error_code() {
            let mut failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            failures.push((index, code));
        }
    }

    fn first_failure(&self) -> Option<RDKafkaErrorCode> {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        failures.first().map(|(_, code)| *code)
    }

    fn too_large(&self) -> Vec<usize> {
        let failures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let large = |code: &RDKafkaErrorCode| matches!(code, RDKafkaErrorCode::MessageSizeTooLarge);
        failures
            .iter()
            .filter(|(_, code)| large(code))
            .map(|(index, _)| *index)
            .collect()
    }
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        client::log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        client::log_error(&error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, index: usize) {
        if let Err((error, _)) = result {
            self.failed(index, error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_read_back_as_it_was_written() {
        let note = Note {
            transaction: "churnwatch-host-0/1763800000000/17".to_owned(),
            newest_ms: 1_763_800_000_123,
        };
        assert_eq!(Note::parse(&note.to_string()), Some(note));
        assert_eq!(Note::parse(""), None);
        assert_eq!(Note::parse("v1 newest_ms=x transaction=t"), None);
        assert_eq!(Note::parse("somebody else's"), None);
    }
}
