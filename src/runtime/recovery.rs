//! State after a restart: the shard's window is read again from the input topics, up to where the group stands, and
//! what the engine says meanwhile is not said again.
//!
//! Snapshots with a journal will take this place; they need the same things: a shard at the committed offsets, and the
//! partitions held back until it is there.

use super::Setup;
use super::clock;
use super::intake;
use super::partition::{Partition, engine_inputs};
use crate::kafka::{Committed, Consumer, Fault, Note, Replay, Span, Topics};
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
    spans: Vec<Span>,
    /// From the first step on: partitions that wait for their turn hold no client.
    replay: Option<Replay>,
    /// The time as the run took it then: the newest Kafka timestamp so far.
    clock_ms: i64,
}

impl Restore {
    /// Plans to rebuild `partition`, which is empty and stands at the committed offsets. `starts` are the first
    /// offsets that retention has left, by topic.
    pub fn plan(
        setup: &Setup,
        consumer: &Consumer,
        mut partition: Partition,
        committed: &[Committed],
        starts: &[i64],
    ) -> Result<Self, Fault> {
        let newest_ms = newest_ms(committed);
        let days = i64::from(setup.config.rules.window.days) + 1;
        // A day before the window, for the time zone.
        let window_start_ms = newest_ms.map(|newest_ms| newest_ms.saturating_sub(days * DAY_MS));
        partition.newest_ms = newest_ms.unwrap_or_default();
        let mut spans = Vec::new();
        for (topic, lane) in partition.lanes.iter().enumerate() {
            let at = partition.at(topic);
            let mut from = starts.get(topic).copied().unwrap_or(0);
            if let Some(ms) = window_start_ms.filter(|_| only_calls(&setup.topics, topic)) {
                let since = consumer.since(&[at], ms, ASK_PATIENCE)?;
                from = since
                    .iter()
                    .fold(from, |from, (_, offset)| from.max(*offset));
            }
            spans.push(Span {
                at,
                from: from.min(lane.next),
                to: lane.next,
            });
        }
        Ok(Self {
            partition,
            spans,
            replay: None,
            clock_ms: i64::MIN,
        })
    }

    /// Records still to read, at most.
    pub fn records_left(&self) -> i64 {
        match &self.replay {
            Some(replay) => replay.left(),
            None => self.spans.iter().map(|span| span.to - span.from).sum(),
        }
    }

    /// Reports how much is left.
    pub fn report(&self, telemetry: &Telemetry) {
        let report = ShardReport {
            partition: self.partition.number,
            rebuild_remaining_records: self.records_left().unsigned_abs(),
            ..ShardReport::default()
        };
        report.emit(telemetry);
    }

    /// Applies some more records. Returns whether the state is complete.
    pub fn step(&mut self, setup: &Setup) -> Result<bool, Fault> {
        let mut replay = match self.replay.take() {
            Some(replay) => replay,
            None => Replay::new(&setup.config, setup.topics.clone(), &self.spans)?,
        };
        let done = self.apply(setup, &mut replay)?;
        self.replay = Some(replay);
        Ok(done)
    }

    fn apply(&mut self, setup: &Setup, replay: &mut Replay) -> Result<bool, Fault> {
        let mut unsaid = Vec::new();
        for _ in 0..STEP_RECORDS {
            if !replay.fetch(WAIT_MS)? {
                return Ok(false);
            }
            let Some((record, at_ms)) = replay.front() else {
                return Ok(true);
            };
            let Some(topic) = setup.topics.get(record.at.topic) else {
                return Ok(true);
            };
            if at_ms >= self.clock_ms.saturating_add(TICK_MS) {
                self.tick(setup, replay, at_ms, &mut unsaid);
            }
            let source = Source {
                topic: topic.name.clone(),
                partition: record.at.partition,
                offset: record.offset,
            };
            let shard = &mut self.partition.shard;
            let decoder = &setup.decoder;
            intake::take(decoder, topic.feeds, shard, &record, &source, &mut unsaid);
            unsaid.clear();
            replay.pass();
        }
        Ok(false)
    }

    /// The finished partition.
    pub fn finish(mut self) -> Partition {
        self.partition.newest_ms = self.partition.newest_ms.max(self.clock_ms);
        self.partition.begin_reports();
        self.partition
    }

    /// Moves the clock to a record's time, and closes days as the run did.
    fn tick(&mut self, setup: &Setup, replay: &Replay, at_ms: i64, unsaid: &mut Vec<Effect>) {
        // No producer's clock that runs ahead takes ours along.
        self.clock_ms = at_ms.min(clock::now().0);
        // How far the inputs had been read at that time, as far as timestamps can tell.
        let behind = |topic: usize| {
            let next_ms = replay.next_ms(self.partition.at(topic));
            next_ms.is_some_and(|next_ms| next_ms.saturating_sub(self.clock_ms) < GAP_MS)
        };
        let inputs = engine_inputs(&setup.topics, behind);
        let shard = &mut self.partition.shard;
        shard.tick(Timestamp(self.clock_ms), inputs, unsaid);
        shard.sweep(usize::MAX, unsaid);
        unsaid.clear();
    }
}

/// Whether a topic carries nothing but call detail, of which only the window matters. Profiles, bills and outcomes
/// matter for longer, and there are few of them.
fn only_calls(topics: &Topics, topic: usize) -> bool {
    let calls = FeedSet::NONE.with(Feed::Cdr);
    topics.get(topic).is_some_and(|topic| topic.feeds == calls)
}

/// Timestamp of the newest record that the group had processed. Unknown if an offset was not committed by us.
fn newest_ms(committed: &[Committed]) -> Option<i64> {
    let stand = committed.iter().filter(|found| found.offset.is_some());
    let notes: Option<Vec<Note>> = stand.map(|found| Note::parse(&found.note)).collect();
    notes?.iter().map(|note| note.newest_ms).max()
}
