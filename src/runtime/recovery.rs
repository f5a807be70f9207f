//! State after a restart: the shard's window is read again from the input topics, up to where the group stands, and
//! what the engine says meanwhile is not said again.
//!
//! Snapshots with a journal will take this place; they need the same things: a shard at the committed offsets, and the
//! partitions held back until it is there.

use super::Setup;
use super::intake;
use super::partition::Partition;
use crate::engine;
use crate::kafka::{Committed, Consumer, Fault, Note, Replay, Span, TopicPartition, Topics};
use crate::model::{Effect, Feed, FeedSet, Source, Timestamp};
use crate::telemetry::{ShardReport, Telemetry};
use std::time::Duration;

/// For one answer about offsets.
const ASK_PATIENCE: Duration = Duration::from_secs(10);
/// Records applied in one step, so that the group's events are served often.
const STEP_RECORDS: usize = 4_096;
/// Wait for records that have not arrived, for each topic.
const WAIT_MS: u32 = 20;
/// When a feed's next record is this much younger than the clock, the feed had been read to its end by then.
const GAP_MS: i64 = 10_000;
/// The clock moves on in steps of this.
const TICK_MS: i64 = 1_000;
const DAY_MS: i64 = 86_400_000;

/// A partition whose state is being rebuilt.
pub(super) struct Restore {
    partition: Partition,
    replay: Replay,
    topics: Vec<FeedSet>,
    /// The time as the run took it then: the newest Kafka timestamp so far.
    clock_ms: i64,
}

impl Restore {
    /// Starts to rebuild `partition`, which is empty and stands at the committed offsets. `starts` are the first
    /// offsets that retention has left, by topic.
    pub fn begin(
        setup: &Setup,
        consumer: &Consumer,
        partition: Partition,
        committed: &[Committed],
        starts: &[i64],
    ) -> Result<Self, Fault> {
        let window_start_ms = window_start(setup, committed);
        let mut spans = Vec::new();
        for (topic, lane) in partition.lanes.iter().enumerate() {
            let at = TopicPartition {
                topic,
                partition: partition.number,
            };
            let start = starts.get(topic).copied().unwrap_or(0);
            let from = match window_start_ms {
                Some(ms) if only_calls(&setup.topics, topic) => {
                    let since = consumer.since(&[at], ms, ASK_PATIENCE)?;
                    since
                        .first()
                        .map_or(start, |(_, offset)| *offset)
                        .max(start)
                }
                _ => start,
            };
            spans.push(Span {
                at,
                from: from.min(lane.next),
                to: lane.next,
            });
        }
        let replay = Replay::new(&setup.config, setup.topics.clone(), &spans)?;
        Ok(Self {
            topics: setup.topics.iter().map(|topic| topic.feeds).collect(),
            replay,
            partition,
            clock_ms: i64::MIN,
        })
    }

    /// Records still to read, at most.
    pub fn records_left(&self) -> i64 {
        self.replay.left()
    }

    /// Reports how much is left.
    pub fn report(&self, telemetry: &Telemetry) {
        let report = ShardReport {
            partition: self.partition.number,
            rebuild_remaining_records: self.replay.left().unsigned_abs(),
            ..ShardReport::default()
        };
        report.emit(telemetry);
    }

    /// Applies some more records. Returns whether the state is complete.
    pub fn step(&mut self, setup: &Setup) -> Result<bool, Fault> {
        let mut unsaid = Vec::new();
        for _ in 0..STEP_RECORDS {
            if !self.replay.fetch(WAIT_MS)? {
                return Ok(false);
            }
            self.tick(&mut unsaid);
            let Some((record, _)) = self.replay.front() else {
                return Ok(true);
            };
            let Some(topic) = setup.topics.get(record.at.topic) else {
                return Ok(true);
            };
            let source = Source {
                topic: topic.name.clone(),
                partition: record.at.partition,
                offset: record.offset,
            };
            let shard = &mut self.partition.shard;
            intake::take(
                &setup.decoder,
                topic.feeds,
                shard,
                &record,
                &source,
                &mut unsaid,
            );
            unsaid.clear();
            self.replay.pass();
        }
        Ok(false)
    }

    /// The finished partition.
    pub fn finish(mut self) -> Partition {
        self.partition.newest_ms = self.partition.newest_ms.max(self.clock_ms);
        self.partition.begin_reports();
        self.partition
    }

    /// Moves the clock to the next record's time, and closes days as the run did.
    fn tick(&mut self, unsaid: &mut Vec<Effect>) {
        let Some((_, next_ms)) = self.replay.front() else {
            return;
        };
        if next_ms < self.clock_ms.saturating_add(TICK_MS) {
            return;
        }
        self.clock_ms = next_ms;
        let inputs = self.inputs();
        let shard = &mut self.partition.shard;
        shard.tick(Timestamp(next_ms), inputs, unsaid);
        shard.sweep(usize::MAX, unsaid);
        unsaid.clear();
    }

    /// How far the inputs had been read at the clock's time, as far as timestamps can tell.
    fn inputs(&self) -> engine::Inputs {
        let mut lagging = FeedSet::NONE;
        for (topic, feeds) in self.topics.iter().enumerate() {
            let at = TopicPartition {
                topic,
                partition: self.partition.number,
            };
            let next_ms = self.replay.next_ms(at);
            if next_ms.is_some_and(|next_ms| next_ms.saturating_sub(self.clock_ms) < GAP_MS) {
                let feeds = Feed::ALL.into_iter().filter(|feed| feeds.contains(*feed));
                lagging = feeds.fold(lagging, FeedSet::with);
            }
        }
        engine::Inputs {
            lagging: if self.topics.len() > 1 {
                lagging
            } else {
                FeedSet::NONE
            },
            caught_up: lagging == FeedSet::NONE,
        }
    }
}

/// Whether a topic carries nothing but call detail, of which only the window matters. Profiles, bills and outcomes
/// matter for longer, and there are few of them.
fn only_calls(topics: &Topics, topic: usize) -> bool {
    let calls = FeedSet::NONE.with(Feed::Cdr);
    topics.get(topic).is_some_and(|topic| topic.feeds == calls)
}

/// Where the window began when the group stopped: a window and a day before the newest record. Unknown if the offsets
/// were not committed by us.
fn window_start(setup: &Setup, committed: &[Committed]) -> Option<i64> {
    let stand = committed.iter().filter(|found| found.offset.is_some());
    let notes: Option<Vec<Note>> = stand.map(|found| Note::parse(&found.note)).collect();
    let newest_ms = notes?.iter().map(|note| note.newest_ms).max()?;
    let days = i64::from(setup.config.rules.window.days) + 1;
    Some(newest_ms.saturating_sub(days * DAY_MS))
}
