//! Going on with the partitions whose state is being restored.

use super::end_offsets::EndOffsetPoll;
use super::state::Worker;
use crate::health::Condition;
use crate::kafka::{Fault, Link, READERS, TopicPartition};
use crate::runtime::clock::{self, Stopwatch};
use crate::runtime::partition::Partition;
use crate::runtime::restore::Restore;
use std::time::Duration;
use tracing::{info, warn};

/// Wait for what is being read or loaded.
const WAIT: Duration = Duration::from_millis(2);
/// How often a long restore says how far it is.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);

impl<L: Link> Worker<'_, L> {
    /// Goes on with restoring, unless a transaction is to be tried again, which must stay the same until then.
    pub(super) fn restore(&mut self) -> Result<(), Fault> {
        if self.retry.is_some() {
            return Ok(());
        }
        let mut restored = Vec::new();
        while let Some((number, result)) = self.repository.loaded() {
            let mut restores = self.restores.iter_mut();
            if let Some(restore) = restores.find(|restore| restore.number == number) {
                let repository = &mut self.repository;
                let loaded = restore.loaded(result, self.setup, &self.link, repository);
                restored.extend(loaded.map_err(|fault| restore.explain(&self.link, fault))?);
            }
        }
        self.restore_wait = WAIT;
        for restore in self.restores.iter_mut().take(READERS) {
            let (watch, left) = (Stopwatch::start(), restore.records_to_replay());
            let stepped = restore.step(self.setup, &self.link, &mut self.repository);
            restored.extend(stepped.map_err(|fault| restore.explain(&self.link, fault))?);
            let replayed = left.saturating_sub(restore.records_to_replay());
            self.replay_speed.replayed(replayed, watch.elapsed());
            if replayed > 0 {
                self.restore_wait = Duration::ZERO;
            }
            restore.report(&self.setup.telemetry);
        }
        if !self.restores.is_empty() && self.progress_logged.reached(PROGRESS_INTERVAL) {
            self.progress_logged = Stopwatch::start();
            let left = self.restores.iter().map(Restore::records_left);
            info!(
                partitions = self.restores.len(),
                records = left.sum::<u64>(),
                "restoring; so much is left"
            );
        }
        for partition in restored {
            self.go_live(partition)?;
        }
        Ok(())
    }

    /// The process ends before some partitions are restored. They are as they were: nothing was changed.
    pub(super) fn say_what_is_not_restored(&self) {
        if self.restores.is_empty() {
            return;
        }
        let left = self.restores.iter().map(Restore::records_left);
        let unread = self.restores.iter().filter(|restore| restore.unread());
        warn!(
            partitions = self.restores.len(),
            records = left.sum::<u64>(),
            journals_unread = unread.count(),
            "partitions were not restored yet, and get no snapshot from this end: their earlier snapshots and journals \
             stand, and the next start replays so many records, besides those of journals that were not read yet. \
             Another version may refuse that: before an upgrade, start this one again and end it when it is ready"
        );
    }

    fn go_live(&mut self, mut partition: Partition) -> Result<(), Fault> {
        self.restores
            .retain(|restore| restore.number != partition.number);
        if partition.active_rules().epoch != self.active_rules.epoch {
            partition.adopt(&self.active_rules);
        }
        // The first event must not be judged before the shard knows the time, and how far the feeds are apart.
        let now = clock::now();
        let inputs = partition.look_at_inputs(&self.setup.topics, true, now);
        partition.tick(now, inputs, &mut self.output);
        let ours = 0..self.setup.topics.len();
        let ours: Vec<TopicPartition> = ours.map(|topic| partition.at(topic)).collect();
        self.link.resume(&ours)?;
        partition.report(&self.setup.topics, clock::now(), &self.setup.telemetry);
        self.partitions.insert(partition.number, partition);
        self.uncommitted.begin();
        self.end_offsets = EndOffsetPoll::unknown();
        let all = self.restores.is_empty();
        self.health.set(Condition::Restored, all);
        Ok(())
    }
}
