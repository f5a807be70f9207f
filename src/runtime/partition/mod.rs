//! What a worker holds of one partition number. Live and in a replay the same methods are used.

mod ahead;
mod alignment;
mod group_offsets;
mod intake;
mod journal_position;
mod pending_output;
mod position;
mod rejections;
mod snapshots;

pub use ahead::{AHEAD, fetch_ahead};
pub use alignment::Turn;
pub use group_offsets::GroupOffsets;
pub use journal_position::JournalPosition;
pub use pending_output::PendingOutput;
pub use position::PartitionPosition;
pub use rejections::Rejections;
pub use snapshots::Snapshots;

use super::active_rules::ActiveRules;
use super::clock::Stopwatch;
use crate::decode::Scratch;
use crate::driver::{self, Reading};
use crate::engine::Shard;
use crate::journal::{JournalEntry, OutputDigest, Step, StepLog};
use crate::kafka::{ConsumedRecord, StoredRecord, Topic, TopicPartition, Topics};
use crate::model::{Feed, FeedSet, Inputs, Outcome, Source, Timestamp};
use crate::telemetry::{FeedDelay, LagReport, ShardReport, Telemetry, WorkReport};
use alignment::Alignment;
use std::sync::Arc;
use std::time::Duration;
use tracing::info;

/// A step log of this length makes a journal record that every broker takes.
const STEPS_MAX: usize = 16_384;

/// Records that have waited in Kafka for longer are a backlog: their time is not now.
const BACKLOG_SECONDS: f64 = 3_600.0;

/// How often the work is rolled up: it looks at every open task.
const ROLLUP_INTERVAL: Duration = Duration::from_secs(10);

/// What a worker holds of one partition number: its shard, how far each input topic has been processed, and the log
/// of what was done since the last commit. Live and in a replay the same methods are used.
pub struct Partition {
    /// The number.
    pub number: i32,
    /// State of its subscribers.
    pub shard: Shard,
    /// By topic.
    pub positions: Vec<PartitionPosition>,
    /// Where it stands in its journal.
    pub journal_position: JournalPosition,
    /// Its snapshots.
    pub snapshots: Snapshots,
    /// Whether what is read was there before us, or has waited for long; until all of it has been read. Not known before the
    /// first look.
    backlog: Option<bool>,
    alignment: Alignment,
    active_rules: Arc<ActiveRules>,
    step_log: StepLog,
    output_digest: OutputDigest,
    /// The last tick began no close and had no effect.
    quiet: bool,
    /// Closes of days after which it was told what tasks achieve.
    uplift_told: u64,
    /// Since the work was last rolled up.
    rolled_up: Option<Stopwatch>,
}

/// What became of a record when it was taken.
#[derive(Debug, Default)]
pub struct Taken {
    /// Records applied: it, and those that had waited for it.
    pub applied: usize,
    /// It can be read, and its producer's key names its subscriber.
    pub of_subscriber: bool,
}

impl Partition {
    /// A partition whose shard goes on where its positions say, in the order of the topics.
    pub fn new(
        number: i32,
        shard: Shard,
        positions: Vec<PartitionPosition>,
        active_rules: Arc<ActiveRules>,
        journal_position: JournalPosition,
    ) -> Self {
        Self {
            number,
            rolled_up: None,
            shard,
            step_log: StepLog::new(positions.iter().map(|position| position.next).collect()),
            backlog: None,
            alignment: Alignment::new(positions.len()),
            positions,
            journal_position,
            snapshots: Snapshots::default(),
            active_rules,
            output_digest: OutputDigest::default(),
            quiet: false,
            uplift_told: 0,
        }
    }

    /// Takes a record as it comes. While there is a backlog in several topics, it waits until no older one can come from
    /// another topic.
    pub fn take(
        &mut self,
        topics: &Topics,
        record: &ConsumedRecord<'_>,
        source: &Source,
        scratch: &mut Scratch,
        output: &mut PendingOutput,
    ) -> Taken {
        let at = record.at.topic;
        let Some(topic) = topics.get(at) else {
            return Taken::default();
        };
        let reading = intake::read(&self.active_rules.ruleset.decoder, topic, record, scratch);
        let of_subscriber = intake::shows_keying(&reading);
        let time = intake::time(&reading);
        let mut applied = 0;
        if self.aligns() && self.alignment.must_wait(at, time, &self.positions) {
            let copy = StoredRecord::copy_of(record);
            self.alignment.hold(at, record.offset, time, copy);
        } else {
            self.apply_reading(topic.feeds, &reading, record, source, output);
            applied = 1;
        }
        if self.aligns() {
            self.alignment.moves(at);
            applied += self.apply_held(topics, scratch, output);
        }
        Taken {
            applied,
            of_subscriber,
        }
    }

    /// Applies those records that wait no longer, and returns how many.
    pub fn apply_held(
        &mut self,
        topics: &Topics,
        scratch: &mut Scratch,
        output: &mut PendingOutput,
    ) -> usize {
        let mut applied = 0;
        while let Some((topic, held)) = self.alignment.next(&self.positions) {
            let Some(carrier) = topics.get(topic) else {
                continue;
            };
            let source = Source {
                topic: Arc::clone(&carrier.name),
                partition: self.number,
                offset: held.offset,
            };
            let record = ConsumedRecord::of(self.at(topic), held.offset, &held.record);
            self.apply(carrier, &record, &source, scratch, output);
            applied += 1;
        }
        applied
    }

    /// Offset of the next record to be taken from a topic.
    pub fn next_offset(&self, topic: usize) -> Option<i64> {
        let next = self.positions.get(topic)?.next;
        let held = self.alignment.last_offset(topic);
        Some(held.map_or(next, |last| last + 1))
    }

    /// Which topics should be paused, or fetched again, because of what is held of them.
    pub fn turns(&mut self) -> impl Iterator<Item = (usize, Turn)> {
        self.alignment.turns()
    }

    /// Forgets what was taken and not applied: the partition is given up.
    pub fn let_go(&mut self) {
        self.alignment.clear();
    }

    fn aligns(&self) -> bool {
        self.backlog == Some(true) && self.positions.len() > 1
    }

    /// Applies a record of a topic.
    pub fn apply(
        &mut self,
        carrier: &Topic,
        record: &ConsumedRecord<'_>,
        source: &Source,
        scratch: &mut Scratch,
        output: &mut PendingOutput,
    ) {
        let decoder = &self.active_rules.ruleset.decoder;
        let reading = intake::read(decoder, carrier, record, scratch);
        self.apply_reading(carrier.feeds, &reading, record, source, output);
    }

    fn apply_reading(
        &mut self,
        feeds: FeedSet,
        reading: &Reading<'_>,
        record: &ConsumedRecord<'_>,
        source: &Source,
        output: &mut PendingOutput,
    ) {
        let ActiveRules {
            ruleset, encoder, ..
        } = &*self.active_rules;
        let feed = intake::feed(&ruleset.decoder, feeds, reading, record);
        let outcome = driver::apply(&mut self.shard, reading, source, &mut output.effects);
        output.report.received(1);
        output.report.outcome(feed, &outcome);
        if let (Some(feed), Outcome::Applied { .. }) = (feed, &outcome) {
            for (field, fault) in driver::field_faults_of(reading).iter() {
                output.report.field_fault(feed, field, fault.name());
            }
        }
        if let Outcome::Rejected(reject) = &outcome {
            output.dead_letter(record, source, reject, encoder, &mut self.output_digest);
        }
        output.publish(self.number, encoder, &mut self.output_digest);
        let topic = record.at.topic;
        self.step_log.run(topic as u8, record.offset);
        self.snapshots.debt += 1;
        if let Some(position) = self.positions.get_mut(topic) {
            position.passed(record.offset + 1, record.timestamp_ms());
        }
    }

    /// Passes over what is no record: markers of transactions. Behind records that wait they wait too.
    pub fn skip_to(&mut self, topic: usize, next: i64) {
        if self.alignment.holds(topic) {
            return;
        }
        if let Some(position) = self
            .positions
            .get_mut(topic)
            .filter(|position| position.next < next)
        {
            position.passed(next, None);
            self.step_log.skip_to(topic as u8, next);
        }
    }

    /// Tells the shard the time, and how far its inputs have been read.
    pub fn tick(&mut self, now: Timestamp, inputs: Inputs, output: &mut PendingOutput) {
        self.step_log.tick(now, inputs, self.quiet);
        let closes = self.shard.stats().day_closes;
        self.shard.tick(now, inputs, &mut output.effects);
        self.quiet = self.shard.stats().day_closes == closes && output.effects.is_empty();
        output.publish(
            self.number,
            &self.active_rules.encoder,
            &mut self.output_digest,
        );
        self.tell_uplift(output);
    }

    /// Tells what tasks achieve once after each close of a day.
    fn tell_uplift(&mut self, output: &mut PendingOutput) {
        let ActiveRules {
            ruleset, encoder, ..
        } = &*self.active_rules;
        let closes = self.shard.stats().day_closes;
        if ruleset.rules.policy.hold_out.is_used()
            && closes != self.uplift_told
            && !self.shard.sweeping()
        {
            self.uplift_told = closes;
            output.tell_uplift(self.number, &self.shard.uplift_counts(), encoder);
        }
    }

    /// Goes on with the closing of a day, if there is one. Returns whether more is left of it.
    pub fn sweep(&mut self, subscribers: u32, output: &mut PendingOutput) -> bool {
        if !self.shard.sweeping() {
            return false;
        }
        self.step_log.sweep(subscribers);
        let left = self.shard.sweep(subscribers as usize, &mut output.effects);
        output.publish(
            self.number,
            &self.active_rules.encoder,
            &mut self.output_digest,
        );
        left
    }

    /// Puts rules in force; the journal will say so.
    pub fn adopt(&mut self, active_rules: &Arc<ActiveRules>) {
        if self.active_rules.ruleset.id != active_rules.ruleset.id {
            self.shard.adopt(Arc::clone(&active_rules.ruleset.rules));
        }
        self.active_rules = Arc::clone(active_rules);
        self.step_log.epoch(active_rules.epoch.clone());
    }

    /// The rules in force.
    pub fn active_rules(&self) -> &Arc<ActiveRules> {
        &self.active_rules
    }

    /// Whether the step log is so long that it should be committed, whatever is in it.
    pub fn step_log_full(&self) -> bool {
        self.step_log.steps().len() >= STEPS_MAX
    }

    /// Whether the next transaction has something to say about this partition. The time alone is not worth one.
    pub fn needs_commit(&self) -> bool {
        let worth = |step: &Step| matches!(step, Step::Run(_));
        self.output_digest.records > 0
            || self.step_log_full()
            || self.snapshots.wanted
            || self.snapshots.written.is_some()
            || self.step_log.steps().iter().any(worth)
    }

    /// What was done since the last commit, as the journal's next entry.
    pub fn entry(&self, writer: u64) -> JournalEntry {
        JournalEntry {
            seq: self.journal_position.seq + 1,
            writer,
            steps: self.step_log.steps().to_vec(),
            output_digest: self.output_digest.sealed(self.shard.fingerprint()),
        }
    }

    /// The offsets that moved, or any one if none did: every transaction is checked against our place in the group.
    pub fn offsets(&self) -> Vec<(TopicPartition, i64)> {
        let offset =
            |(topic, position): (usize, &PartitionPosition)| (self.at(topic), position.next);
        let positions = || self.positions.iter().enumerate();
        let moved = positions().filter(|(_, position)| position.committed != Some(position.next));
        let mut offsets: Vec<_> = moved.map(offset).collect();
        if offsets.is_empty() {
            offsets.extend(positions().map(offset).next());
        }
        offsets
    }

    /// Notes that everything so far was committed with an entry.
    pub fn mark_committed(&mut self, journal_position: JournalPosition) {
        self.journal_position = journal_position;
        self.step_log.take();
        self.output_digest = OutputDigest::default();
        self.quiet = false;
        for position in &mut self.positions {
            position.committed = Some(position.next);
        }
    }

    /// Its part of a topic.
    pub fn at(&self, topic: usize) -> TopicPartition {
        TopicPartition {
            topic,
            partition: self.number,
        }
    }

    /// Records not yet processed, over all topics.
    pub fn lag(&self) -> i64 {
        self.positions.iter().map(PartitionPosition::lag).sum()
    }

    /// Looks how far the inputs have been read. `fresh`: the ends are known as they are now.
    pub fn look_at_inputs(&mut self, topics: &Topics, fresh: bool, now: Timestamp) -> Inputs {
        self.alignment.tick(now, &self.positions);
        let behind = self.positions.iter().any(PartitionPosition::behind);
        let mut ages = self
            .positions
            .iter()
            .map(|position| position.lag_seconds(now));
        let old = ages.any(|age| age > BACKLOG_SECONDS);
        let backlog = behind && (self.backlog.unwrap_or(true) || old);
        let partition = self.number;
        match (self.backlog.replace(backlog), backlog) {
            (None | Some(false), true) => info!(partition, "reading a backlog"),
            (Some(true), false) => info!(partition, "the backlog has been read"),
            _ => {}
        }
        let holds_back = |(topic, position): &(usize, &PartitionPosition)| {
            position.behind() && (!self.aligns() || self.alignment.stalled(*topic))
        };
        let positions = self.positions.iter().enumerate().filter(holds_back);
        // A single topic has no other to fall behind.
        let lagging = positions.filter(|_| topics.len() > 1);
        let feeds = lagging.filter_map(|(topic, _)| topics.get(topic).map(|topic| topic.feeds));
        Inputs {
            lagging: feeds.fold(FeedSet::NONE, FeedSet::and),
            caught_up: fresh && !behind,
            backlog,
        }
    }

    /// Its figures were withdrawn: the next report states all of them.
    pub fn report_anew(&mut self) {
        self.rolled_up = None;
    }

    /// Reports lag and figures.
    pub fn report(&mut self, topics: &Topics, now: Timestamp, telemetry: &Telemetry) {
        for (topic, position) in topics.iter().zip(&self.positions) {
            let lag = LagReport {
                topic: &topic.name,
                partition: self.number,
                records: position.lag(),
                seconds: position.lag_seconds(now),
            };
            lag.emit(telemetry);
        }
        let stats = self.shard.stats();
        let delay = |feed: Feed| {
            let watermark = stats.watermarks[feed as usize];
            (watermark > Timestamp::MIN).then(|| FeedDelay {
                feed,
                watermark_delay_seconds: stats.clock.since_ms(watermark).max(0) as f64 / 1000.0,
                outage_days: stats.outage_days[feed as usize],
            })
        };
        let report = ShardReport {
            partition: self.number,
            subscribers: stats.subscribers,
            robots: stats.machines,
            store_bytes: stats.store_bytes,
            open_tasks: stats.open_tasks,
            replay_debt_records: self.snapshots.debt,
            restore_remaining_records: 0,
            days_closed: stats.day_closes,
            forgotten: stats.forgotten,
            feeds: Feed::ALL.into_iter().filter_map(delay).collect(),
        };
        report.emit(telemetry);
        let pause = self.rolled_up.as_ref();
        if pause.is_none_or(|pause| pause.reached(ROLLUP_INTERVAL)) {
            self.roll_up(telemetry);
        }
    }

    fn roll_up(&mut self, telemetry: &Telemetry) {
        self.rolled_up = Some(Stopwatch::start());
        let report = WorkReport {
            partition: self.number,
            rollup: self.shard.rollup(),
        };
        report.emit(telemetry);
    }
}
