use super::batch::{Item, Record, RecordQueue};
use super::consume::{Events, fault};
use super::error::Fault;
use super::{TopicPartition, Topics, client};
use crate::config::Config;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::sync::Arc;
use std::time::Duration;

/// Records taken from a partition at a time; enough to make the calls cheap, and little to hold.
const FILL_RECORDS: usize = 1_000;

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

/// Stretches of several partitions, read again side by side in the order of their records' Kafka timestamps, outside
/// the consumer group.
pub struct Replay {
    topics: Arc<Topics>,
    lanes: Vec<Lane>,
    client: Arc<BaseConsumer<Events>>,
}

struct Lane {
    queue: RecordQueue,
    span: Span,
    /// Offset of the next record.
    next: i64,
    /// Timestamp of the record at the front, or of the last one passed if it has none.
    front_ms: i64,
}

impl Lane {
    fn done(&self) -> bool {
        self.next >= self.span.to
    }
}

impl Replay {
    /// Starts to fetch.
    ///
    /// # Errors
    /// [`Fault`] if the client refuses.
    pub fn new(config: &Config, topics: Arc<Topics>, spans: &[Span]) -> Result<Self, Fault> {
        let what = "re-reading the input topics";
        let made = client::reader(config, spans.len())
            .create_with_context(Events::new(Arc::clone(&topics)))
            .map_err(|error| Fault::of(what, &error))?;
        let client: Arc<BaseConsumer<Events>> = Arc::new(made);
        let mut lanes = Vec::with_capacity(spans.len());
        let mut starts = TopicPartitionList::new();
        for span in spans.iter().filter(|span| span.from < span.to) {
            let names = topics.iter().map(|topic| &*topic.name);
            let mut queue = RecordQueue::new(Arc::clone(&client), names).map_err(Fault::Restart)?;
            queue.route(span.at).map_err(Fault::Restart)?;
            let name = topics.name(span.at.topic);
            starts
                .add_partition_offset(name, span.at.partition, Offset::Offset(span.from))
                .map_err(|error| Fault::of(what, &error))?;
            lanes.push(Lane {
                queue,
                span: *span,
                next: span.from,
                front_ms: i64::MIN,
            });
        }
        client
            .assign(&starts)
            .map_err(|error| Fault::of(what, &error))?;
        Ok(Self {
            topics,
            lanes,
            client,
        })
    }

    /// Whether everything has been read.
    pub fn done(&self) -> bool {
        self.lanes.iter().all(Lane::done)
    }

    /// Records still to come, at most: offsets may have gaps.
    pub fn left(&self) -> i64 {
        let left = |lane: &Lane| (lane.span.to - lane.next).max(0);
        self.lanes.iter().map(left).sum()
    }

    /// Makes sure that the front record of every unfinished stretch is there, waiting up to `wait_ms` for each.
    /// Returns whether it is; if not, try again.
    ///
    /// # Errors
    /// [`Fault`] if a stretch cannot be read.
    pub fn fetch(&mut self, wait_ms: u32) -> Result<bool, Fault> {
        let mut complete = true;
        for lane in &mut self.lanes {
            complete &= lane.fetch(&self.topics, wait_ms)?;
        }
        if !complete {
            // Logs and errors of the client; errors of partitions come through the lanes.
            let _ = self.client.poll(Duration::ZERO);
        }
        Ok(complete)
    }

    /// The record with the earliest timestamp; to be asked after [`fetch`](Self::fetch) was complete.
    pub fn front(&self) -> Option<(Record<'_>, i64)> {
        let lane = self.earliest()?;
        match self.lanes.get(lane)?.queue.first()? {
            Item::Record(record) => Some((record, self.lanes[lane].front_ms)),
            _ => None,
        }
    }

    /// Timestamp of the next record of a partition; none if nothing of it is left. After
    /// [`fetch`](Self::fetch) was complete.
    pub fn next_ms(&self, at: TopicPartition) -> Option<i64> {
        let lane = self.lanes.iter().find(|lane| lane.span.at == at)?;
        (!lane.done()).then_some(lane.front_ms)
    }

    /// Passes over the record of [`front`](Self::front).
    pub fn pass(&mut self) {
        if let Some(lane) = self.earliest().and_then(|lane| self.lanes.get_mut(lane)) {
            lane.next += 1;
            lane.queue.pass();
        }
    }

    fn earliest(&self) -> Option<usize> {
        let lanes = self.lanes.iter().enumerate();
        let unfinished = lanes.filter(|(_, lane)| !lane.done());
        unfinished
            .min_by_key(|(_, lane)| lane.front_ms)
            .map(|(index, _)| index)
    }
}

impl Lane {
    /// Brings a record of the stretch to the front, or finishes the lane.
    fn fetch(&mut self, topics: &Topics, wait_ms: u32) -> Result<bool, Fault> {
        let mut filled = false;
        while !self.done() {
            match self.queue.first() {
                Some(Item::Record(record)) => {
                    self.next = record.offset;
                    self.front_ms = record.timestamp_ms().unwrap_or(self.front_ms);
                    return Ok(true);
                }
                Some(Item::End { offset, .. }) => {
                    self.next = self.next.max(offset);
                    self.queue.pass();
                }
                Some(Item::Error { at, code, reason }) => {
                    return Err(fault(topics, at, code, &reason));
                }
                None if filled => return Ok(false),
                None => {
                    self.queue.fill(FILL_RECORDS, wait_ms);
                    filled = true;
                }
            }
        }
        Ok(true)
    }
}
