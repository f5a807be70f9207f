//! The loop.

use super::commit::OUTPUT_BYTES_MAX;
use super::state::Worker;
use crate::kafka::{Fault, Item, Link, Rebalance, TopicPartition};
use crate::model::Source;
use crate::runtime::clock::{self, Stopwatch};
use crate::runtime::partition::{AHEAD, Partition, Turn, fetch_ahead};
use std::sync::Arc;
use std::time::Duration;

/// Records received from the client at a time: enough to be fast, few enough to look up often.
const RECEIVE_RECORDS: usize = 2_048;
/// Longest wait for records; the group's events are served in between.
const IDLE_WAIT: Duration = Duration::from_millis(50);
/// How often the shards are told the time.
const TICK_INTERVAL: Duration = Duration::from_millis(20);
/// Longest stretch of a sweep between two batches.
const SWEEP_TIME: Duration = Duration::from_millis(20);
/// Visits between two looks at the time.
const SWEEP_SUBSCRIBERS: u32 = 256;

/// What makes the loop turn.
enum Wake {
    /// Records were received.
    Records,
    /// The group assigned or revoked partitions.
    Rebalance(Rebalance),
    /// A commit that failed is to be tried again.
    Retry,
    /// Time has passed.
    Idle,
    /// The process is to end.
    Stop,
}

impl<L: Link> Worker<'_, L> {
    /// One turn of the loop. Returns whether to go on; the group is left when the worker is dropped.
    ///
    /// # Errors
    /// [`Fault`] if the worker cannot go on.
    pub fn turn(&mut self) -> Result<bool, Fault> {
        self.health.beat();
        match self.wake()? {
            Wake::Records => self.route_records()?,
            Wake::Rebalance(Rebalance::Assigned(partitions)) => self.assigned(&partitions)?,
            Wake::Rebalance(Rebalance::Revoked { lost }) => self.revoked(lost)?,
            Wake::Retry => self.commit()?,
            Wake::Idle => {}
            Wake::Stop => {
                self.finish()?;
                return Ok(false);
            }
        }
        self.restore()?;
        if self.retry.is_none() {
            self.adopt_rules();
            self.pass_time()?;
            self.look_at_snapshots();
            if self.due() {
                self.commit()?;
            }
        }
        self.ask_ends()?;
        Ok(true)
    }

    fn wake(&mut self) -> Result<Wake, Fault> {
        if self.stop.asked() {
            return Ok(Wake::Stop);
        }
        if let Some(change) = self.link.serve()? {
            return Ok(Wake::Rebalance(change));
        }
        if let Some(retry) = &self.retry {
            if retry.since.reached(retry.pause) {
                return Ok(Wake::Retry);
            }
            let pause = retry.pause.min(IDLE_WAIT);
            self.link.wait(pause);
            return Ok(Wake::Idle);
        }
        let run = &self.setup.config.run;
        let records_max = run.batch_records_max as usize;
        let (mut records, mut wait) = (RECEIVE_RECORDS.min(records_max), IDLE_WAIT);
        if !self.output.waiting().is_empty() {
            let room = records_max.saturating_sub(self.uncommitted.records);
            records = records.min(room.max(1));
            wait = wait.min(Duration::from_millis(run.batch_wait_ms.into()));
        }
        let mut shards = self.partitions.values().map(|partition| &partition.shard);
        if shards.any(|shard| shard.sweeping()) {
            wait = Duration::ZERO;
        } else if !self.restores.is_empty() {
            wait = self.restore_wait;
        }
        let received = self.link.receive(records, wait);
        self.behind = self.partitions.values().map(Partition::lag).sum();
        self.drained = received < records && self.behind < RECEIVE_RECORDS as i64;
        Ok(if received > 0 {
            Wake::Records
        } else {
            Wake::Idle
        })
    }

    /// Gives every record that was received to its partition.
    fn route_records(&mut self) -> Result<(), Fault> {
        let mut source = Source {
            topic: "".into(),
            partition: 0,
            offset: 0,
        };
        self.uncommitted.begin();
        let (watch, before) = (Stopwatch::start(), self.records_processed);
        let mut ahead = self.link.items();
        for (index, item) in self.link.items().enumerate() {
            if index.is_multiple_of(AHEAD) {
                fetch_ahead(&mut ahead, |number| {
                    Some(&self.partitions.get(&number)?.shard)
                });
            }
            let record = match item {
                Item::Record(record) => record,
                Item::End { .. } => continue,
                Item::Error { at, code, reason } => {
                    return Err(crate::kafka::fault(&self.setup.topics, at, code, &reason));
                }
            };
            let Some(topic) = self.setup.topics.get(record.at.topic) else {
                continue;
            };
            let partition = self.partitions.get_mut(&record.at.partition);
            let expected = |partition: &&mut Partition| {
                let next = partition.next_offset(record.at.topic);
                next.is_some_and(|next| next <= record.offset)
            };
            // It would be applied twice, or lost.
            let Some(partition) = partition.filter(expected) else {
                return Err(Fault::Restart(format!(
                    "topic {} partition {}: the client handed over offset {}, which nobody asked for",
                    topic.name, record.at.partition, record.offset
                )));
            };
            if source.topic != topic.name {
                source.topic = Arc::clone(&topic.name);
            }
            source.partition = record.at.partition;
            source.offset = record.offset;
            let taken = partition.take(
                &self.setup.topics,
                &record,
                &source,
                &mut self.scratch,
                &mut self.output,
            );
            if taken.of_subscriber && self.key_watch.wants(record.at.topic, record.offset) {
                let telemetry = &self.setup.telemetry;
                self.key_watch.look(&record, &self.active_rules, telemetry);
            }
            self.uncommitted.records += taken.applied;
            self.records_processed += taken.applied as u64;
        }
        drop(ahead);
        self.link.clear();
        let records = self.records_processed - before;
        self.replay_speed.applied(records, watch.elapsed());
        self.pause_what_is_ahead()
    }

    /// Lets the client fetch no more of what runs ahead of other topics, until that has its turn.
    fn pause_what_is_ahead(&mut self) -> Result<(), Fault> {
        for partition in self.partitions.values_mut() {
            let number = partition.number;
            for (topic, turn) in partition.turns() {
                let at = [TopicPartition {
                    topic,
                    partition: number,
                }];
                match turn {
                    Turn::Pause => self.link.pause(&at)?,
                    Turn::Resume => self.link.resume(&at)?,
                }
            }
        }
        Ok(())
    }

    /// Puts rules in force that were changed.
    fn adopt_rules(&mut self) {
        let current = self.setup.rules_handle.current();
        if Arc::ptr_eq(&current, &self.active_rules) {
            return;
        }
        self.active_rules = current;
        for partition in self.partitions.values_mut() {
            partition.adopt(&self.active_rules);
        }
        let version = &self.active_rules.ruleset.rules.version;
        tracing::info!(rules = &**version, "other rules are in force");
    }

    /// Tells the shards the time, and goes on with the closing of days.
    fn pass_time(&mut self) -> Result<(), Fault> {
        let tick = self.ticked.reached(TICK_INTERVAL);
        if tick {
            self.ticked = Stopwatch::start();
        }
        let now = clock::now();
        let sweep = Stopwatch::start();
        for partition in self.partitions.values_mut() {
            if tick {
                let (topics, fresh) = (&self.setup.topics, self.end_offsets.fresh);
                let inputs = partition.look_at_inputs(topics, fresh, now);
                partition.tick(now, inputs, &mut self.output);
                let applied = partition.apply_held(topics, &mut self.scratch, &mut self.output);
                self.uncommitted.records += applied;
                self.records_processed += applied as u64;
            }
            while self.output.waiting_bytes() < OUTPUT_BYTES_MAX
                && partition.sweep(SWEEP_SUBSCRIBERS, &mut self.output)
                && !sweep.reached(SWEEP_TIME)
            {}
        }
        if !self.output.waiting().is_empty()
            || self.partitions.values().any(Partition::step_log_full)
        {
            self.uncommitted.begin();
        }
        // A replay closes days as well.
        self.replay_speed.applied(0, sweep.elapsed());
        self.pause_what_is_ahead()
    }
}
