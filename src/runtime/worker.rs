use super::clock::{self, Stopwatch};
use super::ends::Ends;
use super::output::Output;
use super::partition::Partition;
use super::pool::Stop;
use super::{Setup, intake};
use crate::http::{Condition, WorkerHealth};
use crate::kafka::{Change, Fault, Item, Link, Member, fault};
use crate::model::{Effect, Outcome, Source};
use crate::telemetry::BatchReport;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Records taken from the client at a time: enough to be fast, few enough to look up often.
const FILL_RECORDS: usize = 2_048;
/// Longest wait for records; the group's events are served in between.
const IDLE_WAIT: Duration = Duration::from_millis(50);
/// How often the shards are told the time.
const TICK_INTERVAL: Duration = Duration::from_millis(20);
/// Longest stretch of a sweep between two batches.
const SWEEP_TIME: Duration = Duration::from_millis(20);
/// Visits between two looks at the time.
const SWEEP_SUBSCRIBERS: usize = 256;

/// One thread's consumer, producer and shards. Shares nothing with other workers.
pub(super) struct Worker<'a> {
    pub setup: &'a Setup,
    pub stop: &'a Stop,
    pub health: &'a WorkerHealth,
    pub link: Member,
    pub partitions: BTreeMap<i32, Partition>,
    /// State of partitions that were taken away; good if they come back untouched.
    pub parked: BTreeMap<i32, Partition>,
    pub output: Output,
    pub uncommitted: Uncommitted,
    pub retry: Option<Retry>,
    /// Nothing more was waiting when records were last taken.
    pub drained: bool,
    /// What became of the records and what was said; told to the metrics with the commit.
    pub report: BatchReport,
    /// Since the start.
    pub records_processed: u64,
    /// Said by the engine and not yet encoded; empty between calls.
    effects: Vec<Effect>,
    pub ends: Ends,
    ticked: Stopwatch,
}

/// What makes the loop turn.
enum Wake {
    /// Records were fetched.
    Records,
    /// The group gave or took partitions.
    Change(Change),
    /// A commit that failed is to be tried again.
    Retry,
    /// Time has passed.
    Idle,
    /// The process is to end.
    Stop,
}

/// What the next transaction will cover.
#[derive(Default)]
pub(super) struct Uncommitted {
    pub records: usize,
    /// Since the first of them, or since the first offset that moved without a record.
    pub since: Option<Stopwatch>,
}

impl Uncommitted {
    pub fn begin(&mut self) {
        self.since.get_or_insert_with(Stopwatch::start);
    }
}

/// A transaction that is to be tried again. Until it is committed nothing is processed, so that it stays the same.
pub(super) struct Retry {
    pub pause: Duration,
    pub since: Stopwatch,
}

impl<'a> Worker<'a> {
    /// Settles what a predecessor left open, and joins the group as worker `number`.
    pub fn start(
        setup: &'a Setup,
        stop: &'a Stop,
        health: &'a WorkerHealth,
        number: usize,
    ) -> Result<Self, Fault> {
        let link = Member::join(&setup.config, Arc::clone(&setup.topics), number)?;
        health.set(Condition::Connected, true);
        Ok(Self {
            setup,
            stop,
            health,
            link,
            partitions: BTreeMap::new(),
            parked: BTreeMap::new(),
            output: Output::new(&setup.config),
            uncommitted: Uncommitted::default(),
            retry: None,
            drained: false,
            report: BatchReport::default(),
            records_processed: 0,
            effects: Vec::new(),
            ends: Ends::unknown(),
            ticked: Stopwatch::start(),
        })
    }

    /// Works until the process is to end. The group is left when the worker is dropped.
    pub fn run(&mut self) -> Result<(), Fault> {
        loop {
            self.health.beat();
            match self.wake()? {
                Wake::Records => self.take_records()?,
                Wake::Change(Change::Assigned(partitions)) => self.assigned(&partitions)?,
                Wake::Change(Change::Revoked { lost }) => self.revoked(lost)?,
                Wake::Retry => self.commit()?,
                Wake::Idle => {}
                Wake::Stop => return self.finish(),
            }
            if self.retry.is_none() {
                self.pass_time();
                if self.due() {
                    self.commit()?;
                }
            }
            self.ask_ends()?;
        }
    }

    fn wake(&mut self) -> Result<Wake, Fault> {
        if self.stop.asked() {
            return Ok(Wake::Stop);
        }
        if let Some(change) = self.link.serve()? {
            return Ok(Wake::Change(change));
        }
        if let Some(retry) = &self.retry {
            if retry.since.reached(retry.pause) {
                return Ok(Wake::Retry);
            }
            self.stop.wait(retry.pause.min(IDLE_WAIT));
            return Ok(Wake::Idle);
        }
        let run = &self.setup.config.run;
        let records_max = run.batch_records_max as usize;
        let (mut fill, mut wait) = (FILL_RECORDS.min(records_max), IDLE_WAIT);
        if !self.output.waiting().is_empty() {
            let room = records_max.saturating_sub(self.uncommitted.records);
            fill = fill.min(room.max(1));
            wait = wait.min(Duration::from_millis(run.batch_wait_ms.into()));
        }
        if self.partitions.values().any(|partition| partition.sweeping) {
            wait = Duration::ZERO;
        }
        let taken = self.link.fill(fill, wait);
        let behind: i64 = self.partitions.values().map(Partition::lag).sum();
        self.drained = taken < fill && behind < FILL_RECORDS as i64;
        Ok(if taken > 0 { Wake::Records } else { Wake::Idle })
    }

    /// Applies what was fetched.
    fn take_records(&mut self) -> Result<(), Fault> {
        let Self {
            setup,
            link,
            partitions,
            output,
            report,
            effects,
            uncommitted,
            records_processed,
            ..
        } = self;
        let mut source = Source {
            topic: "".into(),
            partition: 0,
            offset: 0,
        };
        uncommitted.begin();
        for item in link.items() {
            let record = match item {
                Item::Record(record) => record,
                Item::End { .. } => continue,
                Item::Error { at, code, reason } => {
                    return Err(fault(&setup.topics, at, code, &reason));
                }
            };
            let Some(topic) = setup.topics.get(record.at.topic) else {
                continue;
            };
            let Some(partition) = partitions.get_mut(&record.at.partition) else {
                continue;
            };
            if source.topic != topic.name {
                source.topic = Arc::clone(&topic.name);
            }
            source.partition = record.at.partition;
            source.offset = record.offset;
            report.received(1);
            let shard = &mut partition.shard;
            let (feed, outcome) = intake::take(
                &setup.decoder,
                topic.feeds,
                shard,
                &record,
                &source,
                effects,
            );
            report.outcome(feed, &outcome);
            if let Outcome::Rejected(reject) = &outcome {
                output.refuse(&record, &source, reject);
                partition.spoke = true;
            }
            if !effects.is_empty() {
                output.say(effects, report);
                partition.spoke = true;
            }
            partition.passed(record.at.topic, record.offset, record.timestamp_ms());
            uncommitted.records += 1;
            *records_processed += 1;
        }
        link.clear();
        Ok(())
    }

    /// Tells the shards the time, and goes on with the closing of days.
    fn pass_time(&mut self) {
        let Self {
            setup,
            partitions,
            output,
            report,
            effects,
            uncommitted,
            ..
        } = self;
        let told = self.ticked.reached(TICK_INTERVAL);
        if told {
            self.ticked = Stopwatch::start();
        }
        let now = clock::now();
        let sweep = Stopwatch::start();
        for partition in partitions.values_mut() {
            if told {
                let inputs = partition.inputs(&setup.topics, self.ends.fresh);
                partition.shard.tick(now, inputs, effects);
            }
            partition.sweeping = partition.shard.sweep(SWEEP_SUBSCRIBERS, effects);
            while partition.sweeping && !sweep.reached(SWEEP_TIME) {
                partition.sweeping = partition.shard.sweep(SWEEP_SUBSCRIBERS, effects);
            }
            if !effects.is_empty() {
                output.say(effects, report);
                partition.spoke = true;
                uncommitted.begin();
            }
        }
    }
}
