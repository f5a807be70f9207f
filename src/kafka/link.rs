//! What a worker needs of Kafka, and nothing else: implemented by the client, and by the world of the simulator.

use super::batch::{ConsumedRecord, Item};
use super::error::Fault;
use super::events::Rebalance;
use super::topics::TopicPartition;
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// One worker's membership of the group, its transactional producer, and readers beside them.
///
/// A [`TopicPartition`] whose topic is [`Topics::journal`](super::Topics::journal) names the journal.
pub trait Link {
    /// Reads stretches of partitions again, outside the group.
    type Reader: Reader;

    /// Serves the group and returns the next change of our partitions. Call it often, also while records wait: it tells
    /// the group that we are alive.
    ///
    /// # Errors
    /// [`Fault`] if the consumer cannot go on.
    fn serve(&mut self) -> Result<Option<Rebalance>, Fault>;

    /// Lets time pass, and serves the group meanwhile; [`serve`](Self::serve) tells of it.
    fn wait(&mut self, pause: Duration);

    /// Starts to read partitions, each at an offset.
    ///
    /// # Errors
    /// [`Fault`] if the client refuses.
    fn assign(&mut self, starts: &[(TopicPartition, i64)]) -> Result<(), Fault>;

    /// Gives up all partitions.
    ///
    /// # Errors
    /// [`Fault`] if the client refuses.
    fn unassign(&mut self) -> Result<(), Fault>;

    /// Stops fetching assigned partitions whose state is not there yet.
    ///
    /// # Errors
    /// [`Fault`] if the client refuses.
    fn pause(&mut self, partitions: &[TopicPartition]) -> Result<(), Fault>;

    /// Fetches paused partitions from now on, from the offset of their assignment.
    ///
    /// # Errors
    /// [`Fault`] if the client refuses.
    fn resume(&mut self, partitions: &[TopicPartition]) -> Result<(), Fault>;

    /// Receives up to `records_max` records, waiting up to `wait` for the first; [`items`](Self::items) shows them.
    /// Returns how many items there are.
    fn receive(&mut self, records_max: usize, wait: Duration) -> usize;

    /// What the last [`receive`](Self::receive) brought.
    fn items(&self) -> impl Iterator<Item = Item<'_>>;

    /// Gives the records of the last [`receive`](Self::receive) back.
    fn clear(&mut self);

    /// How far each of our partitions was handed over, control records included. Partitions without any record yet are
    /// left out.
    ///
    /// # Errors
    /// [`Fault`] if the client has lost track of its partitions.
    fn positions(&self) -> Result<Vec<(TopicPartition, i64)>, Fault>;

    /// Offset of the next record for the group to process; none if nothing was committed. Waits for the offsets of an
    /// open transaction.
    ///
    /// # Errors
    /// [`Fault`]; worth trying again if it is a restart.
    fn committed(&self, of: &[TopicPartition])
    -> Result<Vec<(TopicPartition, Option<i64>)>, Fault>;

    /// Offset of the first record of each partition that retention has left.
    ///
    /// # Errors
    /// As [`committed`](Self::committed).
    fn starts(&self, of: &[TopicPartition]) -> Result<Vec<(TopicPartition, i64)>, Fault>;

    /// Offset behind the last record of each partition that a read-committed reader can have now.
    ///
    /// # Errors
    /// As [`committed`](Self::committed).
    fn ends(&self, of: &[TopicPartition]) -> Result<Vec<(TopicPartition, i64)>, Fault>;

    /// What the journal of a partition holds: its first offset, and the one behind its last record, records of open
    /// transactions included.
    ///
    /// # Errors
    /// As [`committed`](Self::committed).
    fn journal_bounds(&self, partition: i32) -> Result<Range<i64>, Fault>;

    /// Reads stretches again.
    ///
    /// # Errors
    /// [`Fault`] if the client refuses.
    fn reader(&self, spans: &[Span]) -> Result<Self::Reader, Fault>;

    /// Drops the producer, if there is one, and connects a new one with the same transactional id. That ends whatever
    /// the old one had open and fences its late requests.
    ///
    /// # Errors
    /// The outer [`Fault`] if the worker cannot go on; the inner text if the brokers do not answer, which may pass.
    fn fence(&mut self) -> Result<Result<(), String>, Fault>;

    /// Records that the next commit begins with: they may travel already. What goes wrong is told by the commit, which must
    /// follow, or the link be dropped.
    fn prepare(&mut self, _outbound: &[Outbound]) {}

    /// Writes records and offsets in one transaction. Calls [`fence`](Self::fence) first where there is no connected
    /// producer.
    ///
    /// # Errors
    /// [`Fault`] if the worker cannot go on.
    fn commit(
        &mut self,
        outbound: &[Outbound],
        offsets: &[(TopicPartition, i64)],
    ) -> Result<Attempt, Fault>;

    /// Lets the brokers delete what a partition's journal holds before an offset. Only space is at stake: a failure is
    /// logged.
    fn trim_journal(&mut self, partition: i32, before: i64);
}

/// Reads stretches of partitions again, each in the order of its offsets, without a group. Only committed records.
pub trait Reader {
    /// The next record of a stretch, by its index among the spans, waiting up to `wait` for it. The record stays until
    /// [`pass`](Self::pass).
    ///
    /// # Errors
    /// [`Fault`] if the stretch cannot be read.
    fn front(&mut self, span: usize, wait: Duration) -> Result<Front<'_>, Fault>;

    /// Passes over the record of the last [`front`](Self::front).
    fn pass(&mut self, span: usize);
}

/// What stands at the front of a stretch.
pub enum Front<'a> {
    /// Its next record.
    Record(ConsumedRecord<'a>),
    /// Not known yet; ask again.
    Pending,
    /// Nothing is left of it.
    Done,
}

/// How an attempt to commit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Attempt {
    /// Everything is visible.
    Committed(Receipt),
    /// Nothing is visible yet; the same call may succeed later. The text says why it did not.
    Again(String),
    /// It may be visible or not: the brokers were asked to commit and did not answer. The producer is gone; after
    /// [`Link::fence`] the journal says what became of it.
    Unknown(String),
    /// Nothing is visible: the group has moved on. A [`Rebalance`] will say whether the partitions stay.
    Membership(String),
    /// Nothing is visible: these records (by index) are larger than their topics allow.
    TooLarge(Vec<usize>),
}

/// What a commit left.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Receipt {
    /// Where records with a stated partition were written: index and offset.
    pub placed: Vec<(usize, i64)>,
    /// How many times deliveries were asked for, half a millisecond each.
    pub polls: u32,
}

/// A stretch of one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Which partition.
    pub at: TopicPartition,
    /// First offset to read.
    pub from: i64,
    /// Offset behind the last to read.
    pub to: i64,
}

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
    /// Its time, in milliseconds since 1970; none for now.
    pub timestamp_ms: Option<i64>,
}
