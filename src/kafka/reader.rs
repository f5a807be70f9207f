use super::batch::{Item, RecordQueue};
use super::client;
use super::error::Fault;
use super::events::{Events, fault};
use super::link::{Front, Reader, Span};
use super::topics::Topics;
use crate::config::Config;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use std::sync::Arc;
use std::time::Duration;

/// Records received of a partition at a time; enough to make the calls cheap, and little to hold.
const RECEIVE_RECORDS: usize = 1_000;

/// Reads stretches of partitions again, outside the consumer group. Its client holds its part of
/// `run.queued_kilobytes_max` of fetched records for all of them together.
pub struct SpanReader {
    topics: Arc<Topics>,
    // Before `client`: their queues must be gone when the client is closed.
    queues: Vec<SpanQueue>,
    /// None if there is nothing to read.
    client: Option<Arc<BaseConsumer<Events>>>,
}

struct SpanQueue {
    /// None if the stretch was empty from the start.
    queue: Option<RecordQueue>,
    /// Everything below was handed over.
    next: i64,
    to: i64,
}

impl SpanReader {
    /// Starts to fetch.
    ///
    /// # Errors
    /// [`Fault`] if the client refuses.
    pub(super) fn new(config: &Config, topics: Arc<Topics>, spans: &[Span]) -> Result<Self, Fault> {
        let what = "reading partitions again";
        let filled = |span: &&Span| span.from < span.to;
        let (mut queues, mut client) = (Vec::with_capacity(spans.len()), None);
        let partitions = spans.iter().filter(filled).count();
        if partitions > 0 {
            let made = client::reader(config, partitions)
                .create_with_context(Events::new(Arc::clone(&topics)))
                .map_err(|error| Fault::of(what, &error))?;
            client = Some(Arc::new(made));
        }
        let mut starts = TopicPartitionList::new();
        for span in spans {
            let mut queue = None;
            if let Some(client) = client.as_ref().filter(|_| filled(&span)) {
                let mut made =
                    RecordQueue::new(Arc::clone(client), topics.names()).map_err(Fault::Restart)?;
                made.route(span.at).map_err(Fault::Restart)?;
                queue = Some(made);
                let name = topics.name(span.at.topic);
                starts
                    .add_partition_offset(name, span.at.partition, Offset::Offset(span.from))
                    .map_err(|error| Fault::of(what, &error))?;
            }
            queues.push(SpanQueue {
                queue,
                next: span.from,
                to: span.to,
            });
        }
        if let Some(client) = &client {
            client
                .assign(&starts)
                .map_err(|error| Fault::of(what, &error))?;
        }
        Ok(Self {
            topics,
            queues,
            client,
        })
    }
}

impl Reader for SpanReader {
    fn front(&mut self, span: usize, wait: Duration) -> Result<Front<'_>, Fault> {
        let Some(span) = self.queues.get_mut(span) else {
            return Ok(Front::Done);
        };
        if !span.bring(&self.topics, wait)? {
            if let Some(client) = &self.client {
                // Logs and errors of the client. Errors of partitions come through their own queues.
                let _ = client.poll(Duration::ZERO);
            }
            return Ok(Front::Pending);
        }
        Ok(match span.queue.as_ref().and_then(RecordQueue::first) {
            Some(Item::Record(record)) if record.offset < span.to => Front::Record(record),
            _ => Front::Done,
        })
    }

    fn pass(&mut self, span: usize) {
        let Some(span) = self.queues.get_mut(span) else {
            return;
        };
        if let Some(queue) = &mut span.queue {
            if let Some(Item::Record(record)) = queue.first() {
                span.next = record.offset + 1;
            }
            queue.pass();
        }
    }
}

impl SpanQueue {
    /// Brings the next record of the stretch to the front, or finishes it. Returns whether it could.
    fn bring(&mut self, topics: &Topics, wait: Duration) -> Result<bool, Fault> {
        let Some(queue) = &mut self.queue else {
            return Ok(true);
        };
        let mut filled = false;
        while self.next < self.to {
            match queue.first() {
                Some(Item::Record(record)) => {
                    self.next = record.offset;
                    return Ok(true);
                }
                Some(Item::End { offset, .. }) => {
                    self.next = self.next.max(offset);
                    queue.pass();
                }
                Some(Item::Error { at, code, reason }) => {
                    return Err(fault(topics, at, code, &reason));
                }
                None if filled => return Ok(false),
                None => {
                    let wait_ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
                    queue.receive(RECEIVE_RECORDS, wait_ms);
                    filled = true;
                }
            }
        }
        // Nothing more is wanted of it.
        queue.clear();
        Ok(true)
    }
}
