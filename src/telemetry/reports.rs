use super::metrics::{
    CommitOutcome, NOT_SUPPRESSED, OUTCOMES, REGISTRY_OUTCOMES, ROUTE_OUTCOMES, Telemetry,
    UNKNOWN_FEED,
};
use crate::engine::Rollup;
use crate::model::{Counts, Effect, Feed, Outcome, Signal, Task, Tier};
use prometheus::IntCounter;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Signals by trigger and suppression.
type SignalCounts = BTreeMap<[Cow<'static, str>; 2], u64>;

/// One batch: what came in, what became of it, what it led to.
#[derive(Debug, Clone, Default)]
pub struct BatchReport {
    received: u64,
    /// By feed, and last the records whose feed is unknown.
    counts: [Counts; Feed::ALL.len() + 1],
    /// By feed and reason.
    dead_letters: BTreeMap<[&'static str; 2], u64>,
    /// By feed, field and fault.
    field_faults: BTreeMap<[&'static str; 3], u64>,
    /// By trigger and suppression.
    signals: SignalCounts,
    /// The same of the shadow rules.
    shadow_signals: SignalCounts,
    /// By status, tier, severity and trigger.
    tasks: BTreeMap<[Cow<'static, str>; 4], u64>,
    /// New ones that went to a deputy, by tier.
    deputy_tasks: [u64; Tier::ALL.len()],
    /// New ones for which nobody had room, by tier.
    over_capacity_tasks: [u64; Tier::ALL.len()],
}

impl BatchReport {
    /// Counts records taken in, before anything is known of them.
    pub fn received(&mut self, records: u64) {
        self.received += records;
    }

    /// Counts what became of one of them; no feed if it could not be read far enough to know.
    pub fn outcome(&mut self, feed: Option<Feed>, outcome: &Outcome) {
        let index = feed.map_or(Feed::ALL.len(), |feed| feed as usize);
        self.counts[index].count(outcome);
        if let Outcome::Rejected(reject) = outcome {
            let feed = feed.map_or(UNKNOWN_FEED, Feed::name);
            let labels = [feed, reject.reason()];
            *self.dead_letters.entry(labels).or_default() += 1;
        }
    }

    /// Counts a field that could not be used in a record that counted without it.
    pub fn field_fault(&mut self, feed: Feed, field: &'static str, fault: &'static str) {
        let labels = [feed.name(), field, fault];
        *self.field_faults.entry(labels).or_default() += 1;
    }

    /// Counts a signal or a task about to be published.
    pub fn effect(&mut self, effect: &Effect) {
        match effect {
            Effect::Signal(signal) => count_signal(&mut self.signals, signal),
            Effect::Task(task) => self.task(task),
            Effect::Erased(_) | Effect::Group(_) => {}
            Effect::Shadow(shadow) => count_signal(&mut self.shadow_signals, &shadow.signal),
        }
    }

    fn task(&mut self, task: &Task) {
        let last = task.signals.last();
        let trigger = last.map_or("none".into(), |signal| signal.trigger.clone());
        let labels = [
            task.status.name().into(),
            task.tier.name().into(),
            task.severity.name().into(),
            trigger,
        ];
        *self.tasks.entry(labels).or_default() += 1;
        let (new, tier) = (task.revision == 1, task.tier as usize);
        self.deputy_tasks[tier] += u64::from(new && task.assignee.deputy_for.is_some());
        self.over_capacity_tasks[tier] += u64::from(new && task.assignee.over_capacity);
    }

    /// Adds the batch to the metrics and starts the report anew.
    pub fn emit(&mut self, telemetry: &Telemetry) {
        let report = std::mem::take(self);
        telemetry.received.inc_by(report.received);
        let feeds = Feed::ALL.map(Feed::name).into_iter().chain([UNKNOWN_FEED]);
        for (feed, counts) in feeds
            .zip(report.counts)
            .filter(|(_, counts)| counts.records > 0)
        {
            let Counts {
                applied,
                duplicate,
                expired,
                ignored,
                dead_lettered,
                ..
            } = counts;
            let numbers = [applied, duplicate, expired, ignored, dead_lettered];
            for (outcome, number) in OUTCOMES.into_iter().zip(numbers) {
                telemetry
                    .records
                    .with_label_values(&[feed, outcome])
                    .inc_by(number);
            }
            if counts.late > 0 {
                telemetry
                    .late
                    .with_label_values(&[feed])
                    .inc_by(counts.late);
            }
        }
        for (labels, number) in report.dead_letters {
            let counter = telemetry.dead_letters.with_label_values(&labels);
            counter.inc_by(number);
        }
        for (labels, number) in report.field_faults {
            let counter = telemetry.field_faults.with_label_values(&labels);
            counter.inc_by(number);
        }
        for (labels, number) in report.signals {
            telemetry.signals.with_label_values(&labels).inc_by(number);
        }
        for (labels, number) in report.shadow_signals {
            let counter = telemetry.shadow_signals.with_label_values(&labels);
            counter.inc_by(number);
        }
        for (labels, number) in report.tasks {
            telemetry.tasks.with_label_values(&labels).inc_by(number);
        }
        for (counter, by_tier) in [
            (&telemetry.deputy_tasks, report.deputy_tasks),
            (&telemetry.over_capacity_tasks, report.over_capacity_tasks),
        ] {
            for (tier, number) in Tier::ALL.into_iter().zip(by_tier) {
                counter.with_label_values(&[tier.name()]).inc_by(number);
            }
        }
    }
}

fn count_signal(counts: &mut SignalCounts, signal: &Signal) {
    let suppression = signal.suppressed.map_or(NOT_SUPPRESSED, |why| why.name());
    let labels = [signal.trigger.clone(), suppression.into()];
    *counts.entry(labels).or_default() += 1;
}

/// The end of one transaction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CommitReport {
    /// How it ended.
    pub outcome: CommitOutcome,
    /// From the end of the batch to the end of the transaction.
    pub duration_seconds: f64,
    /// Times that the deliveries of its records were asked for.
    pub polls: u64,
    /// Size of its journal records.
    pub journal_bytes: u64,
}

impl CommitReport {
    /// Adds the transaction to the metrics.
    pub fn emit(self, telemetry: &Telemetry) {
        telemetry
            .commits
            .with_label_values(&[self.outcome.name()])
            .inc();
        telemetry.commit_duration.observe(self.duration_seconds);
        telemetry.commit_polls.inc_by(self.polls);
        if self.outcome == CommitOutcome::Committed {
            telemetry.journal_bytes.inc_by(self.journal_bytes);
        }
    }
}

/// A record that is not keyed as the feeds' records are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyReport<'a> {
    /// Topic name.
    pub topic: &'a str,
}

impl KeyReport<'_> {
    /// Counts it.
    pub fn emit(self, telemetry: &Telemetry) {
        let labels = [self.topic];
        telemetry.key_disagreements.with_label_values(&labels).inc();
    }
}

/// How far one input partition is behind.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LagReport<'a> {
    /// Topic name.
    pub topic: &'a str,
    /// Partition.
    pub partition: i32,
    /// Records not yet processed.
    pub records: i64,
    /// Age of the oldest of them; 0 if there are none.
    pub seconds: f64,
}

impl LagReport<'_> {
    /// States the lag.
    pub fn emit(self, telemetry: &Telemetry) {
        let partition = self.partition.to_string();
        let labels = [self.topic, &partition];
        telemetry
            .lag_records
            .with_label_values(&labels)
            .set(self.records);
        telemetry
            .lag_seconds
            .with_label_values(&labels)
            .set(self.seconds);
    }
}

/// One transaction of a router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteReport {
    /// Records that found their way.
    pub routed: u64,
    /// Records that files had.
    pub passed_over: u64,
    /// Records that did not.
    pub dead_lettered: u64,
}

impl RouteReport {
    /// Counts the records.
    pub fn emit(self, telemetry: &Telemetry) {
        let records = [self.routed, self.passed_over, self.dead_lettered];
        for (outcome, records) in ROUTE_OUTCOMES.into_iter().zip(records) {
            telemetry
                .routed
                .with_label_values(&[outcome])
                .inc_by(records);
        }
    }
}

/// Requests to the schema registry since the last report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistryReport {
    /// Those that brought a schema.
    pub sent: u64,
    /// Those for a schema that it does not have.
    pub unknown: u64,
    /// Those that it did not answer as it should.
    pub failed: u64,
}

impl RegistryReport {
    /// Counts the requests.
    pub fn emit(self, telemetry: &Telemetry) {
        let counts = [self.sent, self.unknown, self.failed];
        for (outcome, requests) in REGISTRY_OUTCOMES.into_iter().zip(counts) {
            let counter = telemetry.registry_requests.with_label_values(&[outcome]);
            counter.inc_by(requests);
        }
    }
}

/// A partition that is routed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteLag<'a> {
    /// Topic name.
    pub topic: &'a str,
    /// Partition.
    pub partition: i32,
}

impl RouteLag<'_> {
    /// States how many of its records are not yet routed.
    pub fn emit(self, telemetry: &Telemetry, records: i64) {
        let labels = [self.topic, &self.partition.to_string()];
        telemetry.route_lag.with_label_values(&labels).set(records);
    }

    /// It is another member's now.
    pub fn forget(self, telemetry: &Telemetry) {
        let labels = [self.topic, &self.partition.to_string()];
        // A series that was never set is not there to be removed; that is no error.
        let _ = telemetry.route_lag.remove_label_values(&labels);
    }
}

/// The state of one shard.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ShardReport {
    /// Partition of the shard.
    pub partition: i32,
    /// Subscribers held.
    pub subscribers: u64,
    /// Of them, those who behave like machines.
    pub robots: u64,
    /// Memory of their windows and index.
    pub store_bytes: u64,
    /// Tasks open now.
    pub open_tasks: u64,
    /// Records that a restart would have to replay.
    pub replay_debt_records: u64,
    /// Records still to be replayed; 0 when live.
    pub restore_remaining_records: u64,
    /// Days closed so far.
    pub days_closed: u64,
    /// Lines forgotten so far.
    pub forgotten: u64,
    /// Feeds seen so far.
    pub feeds: Vec<FeedDelay>,
}

/// One feed of a shard.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FeedDelay {
    /// The feed.
    pub feed: Feed,
    /// How far the watermark is behind the clock.
    pub watermark_delay_seconds: f64,
    /// Days found unknown so far.
    pub outage_days: u64,
}

impl ShardReport {
    /// States the gauges and adds to the counters.
    pub fn emit(&self, telemetry: &Telemetry) {
        let partition = self.partition.to_string();
        for (gauge, value) in [
            (&telemetry.subscribers, self.subscribers),
            (&telemetry.robots, self.robots),
            (&telemetry.store_bytes, self.store_bytes),
            (&telemetry.open_tasks, self.open_tasks),
            (&telemetry.replay_debt, self.replay_debt_records),
            (&telemetry.restore_remaining, self.restore_remaining_records),
        ] {
            let value = i64::try_from(value).unwrap_or(i64::MAX);
            gauge.with_label_values(&[&partition]).set(value);
        }
        let day_closes = telemetry.day_closes.with_label_values(&[&partition]);
        raise(&day_closes, self.days_closed);
        let forgotten = telemetry.forgotten.with_label_values(&[&partition]);
        raise(&forgotten, self.forgotten);
        for FeedDelay {
            feed,
            watermark_delay_seconds,
            outage_days,
        } in &self.feeds
        {
            let labels = [feed.name(), &partition];
            telemetry
                .watermark_delay
                .with_label_values(&labels)
                .set(*watermark_delay_seconds);
            raise(
                &telemetry.outage_days.with_label_values(&labels),
                *outage_days,
            );
        }
    }
}

/// Brings a counter to a total that the state keeps.
fn raise(counter: &IntCounter, total: u64) {
    counter.inc_by(total.saturating_sub(counter.get()));
}

/// The work of one shard.
#[derive(Debug, Clone, PartialEq)]
pub struct WorkReport {
    /// Partition of the shard.
    pub partition: i32,
    /// As it is now.
    pub rollup: Rollup,
}

impl WorkReport {
    /// Keeps the roll-up for gauges and pages.
    pub fn emit(self, telemetry: &Telemetry) {
        telemetry.work.update(self.partition, self.rollup);
    }
}

/// How far the state of one partition is restored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RestoreReport {
    /// Partition of the shard.
    pub partition: i32,
    /// Records still to be replayed, as far as is known.
    pub remaining_records: u64,
    /// Time since the partition was assigned.
    pub seconds: f64,
}

impl RestoreReport {
    /// States the gauges.
    pub fn emit(self, telemetry: &Telemetry) {
        let partition = self.partition.to_string();
        let remaining = i64::try_from(self.remaining_records).unwrap_or(i64::MAX);
        let gauge = &telemetry.restore_remaining;
        gauge.with_label_values(&[&partition]).set(remaining);
        let gauge = &telemetry.restore_seconds;
        gauge.with_label_values(&[&partition]).set(self.seconds);
    }
}

/// The end of writing one snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotReport {
    /// Whether it was written whole.
    pub written: bool,
}

impl SnapshotReport {
    /// Counts it.
    pub fn emit(self, telemetry: &Telemetry) {
        let outcome = if self.written { "written" } else { "failed" };
        telemetry.snapshots.with_label_values(&[outcome]).inc();
    }
}
