//! What happens when the group gives or takes partitions.

use super::clock::{self, Stopwatch};
use super::end_offsets::EndOffsets;
use super::partition::{Partition, Place};
use super::restore::{Restore, journal_record};
use super::worker::{Uncommitted, Worker};
use crate::http::Condition;
use crate::journal::{self, Entry};
use crate::kafka::{Fault, Front, Link, Reader, Span, TopicPartition};
use std::time::Duration;
use tracing::{info, warn};

/// Time to commit when partitions are taken away; the group waits for it.
const REVOKE_PATIENCE: Duration = Duration::from_secs(10);
/// Restores under way at a time: one that applies entries, and the next one that reads meanwhile.
const RESTORES: usize = 2;
/// How often a long restore says how far it is.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);
/// Wait for the journal's records.
const WAIT: Duration = Duration::from_millis(20);

impl<L: Link> Worker<'_, L> {
    /// Partitions are to be given up: commits what was processed, and keeps the state in case they come back.
    pub(super) fn revoked(&mut self, lost: bool) -> Result<(), Fault> {
        self.health.set(Condition::Assigned, false);
        self.link.clear();
        if !lost && !self.commit_within(REVOKE_PATIENCE)? {
            warn!(
                "partitions are given up without a commit; whoever has them next processes the rest again"
            );
        }
        self.retry = None;
        // Whoever processes these records again counts them.
        self.output.clear();
        self.uncommitted = Uncommitted::default();
        let topics: Vec<&str> = self.setup.topics.iter().map(|topic| &*topic.name).collect();
        let restoring: Vec<i32> = self
            .restores
            .drain(..)
            .map(|restore| restore.number)
            .collect();
        for number in restoring {
            self.repository.forget(number);
            self.setup.telemetry.forget_partition(&topics, number);
        }
        for (number, partition) in std::mem::take(&mut self.partitions) {
            self.setup.telemetry.forget_partition(&topics, number);
            self.repository.forget(number);
            // What was processed and not committed is not undone in memory.
            if !partition.dirty() {
                self.parked.insert(number, partition);
            }
        }
        info!(lost, "partitions given up");
        self.link.unassign()
    }

    /// Partitions are ours: finds out where the group stands, and brings their state there.
    pub(super) fn assigned(&mut self, assigned: &[TopicPartition]) -> Result<(), Fault> {
        let stands = self.stands(assigned)?;
        let at: Vec<_> = stands.values().flatten().map(|s| (s.at, s.next)).collect();
        self.link.assign(&at)?;
        let journal = self.setup.topics.journal();
        for (number, stands) in stands {
            if self.unpark(number, &stands)? {
                continue;
            }
            let ours: Vec<TopicPartition> = stands
                .iter()
                .map(|group_offsets| group_offsets.at)
                .collect();
            self.link.pause(&ours)?;
            let at = TopicPartition {
                topic: journal,
                partition: number,
            };
            // Up to what is there now, records of transactions still open included: they are waited for.
            let bounds = self.ask(|link| link.journal_bounds(number))?;
            let journal = Span {
                at,
                from: bounds.start,
                to: bounds.end,
            };
            let restore = Restore::new(journal, stands, &self.active_rules);
            restore.report(&self.setup.telemetry);
            self.restores.push_back(restore);
        }
        // What did not come back is another member's.
        self.parked.clear();
        self.told = Stopwatch::start();
        self.end_offsets = EndOffsets::unknown();
        let restoring = self.restores.len();
        info!(
            partitions = self.partitions.len() + restoring,
            restoring, "partitions taken over"
        );
        self.health.set(Condition::Restored, restoring == 0);
        self.health.set(Condition::Assigned, true);
        Ok(())
    }

    /// Takes a parked state up again, if nobody has written to its journal since and the group stands where it does.
    fn unpark(
        &mut self,
        number: i32,
        stands: &[super::group_offsets::GroupOffsets],
    ) -> Result<bool, Fault> {
        let Some(mut partition) = self.parked.remove(&number) else {
            return Ok(false);
        };
        let same = stands
            .iter()
            .zip(&partition.lanes)
            .all(|(group_offsets, position)| group_offsets.committed == position.committed);
        if !same || self.journal_since(number, partition.place)?.is_some() {
            return Ok(false);
        }
        for (position, group_offsets) in partition.lanes.iter_mut().zip(stands) {
            position.end = group_offsets.end;
        }
        self.partitions.insert(number, partition);
        Ok(true)
    }

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
        for restore in self.restores.iter_mut().take(RESTORES) {
            let stepped = restore.step(self.setup, &self.link, &mut self.repository);
            restored.extend(stepped.map_err(|fault| restore.explain(&self.link, fault))?);
            restore.report(&self.setup.telemetry);
        }
        if !self.restores.is_empty() && self.told.reached(PROGRESS_INTERVAL) {
            self.told = Stopwatch::start();
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

    fn go_live(&mut self, mut partition: Partition) -> Result<(), Fault> {
        self.restores
            .retain(|restore| restore.number != partition.number);
        if partition.active_rules().epoch != self.active_rules.epoch {
            partition.adopt(&self.active_rules);
        }
        // The first event must not be judged before the shard knows the time, and how far the feeds are apart.
        let inputs = partition.inputs(&self.setup.topics, true);
        partition.tick(clock::now(), inputs, &mut self.output);
        let ours = 0..self.setup.topics.len();
        let ours: Vec<TopicPartition> = ours.map(|topic| partition.at(topic)).collect();
        self.link.resume(&ours)?;
        partition.report(&self.setup.topics, clock::now(), &self.setup.telemetry);
        self.partitions.insert(partition.number, partition);
        self.uncommitted.begin();
        self.end_offsets = EndOffsets::unknown();
        let all = self.restores.is_empty();
        self.health.set(Condition::Restored, all);
        Ok(())
    }

    /// The last entry that somebody has written to a journal behind a place in it.
    pub(super) fn journal_since(
        &mut self,
        number: i32,
        place: Place,
    ) -> Result<Option<Entry>, Fault> {
        let bounds = self.ask(|link| link.journal_bounds(number))?;
        let at = TopicPartition {
            topic: self.setup.topics.journal(),
            partition: number,
        };
        let span = Span {
            at,
            from: place.next.max(bounds.start),
            to: bounds.end,
        };
        if span.from >= span.to {
            return Ok(None);
        }
        let mut reader = self.link.reader(&[span])?;
        let timeout = self.setup.config.run.transaction_timeout_seconds;
        // A transaction that is still open ends by itself in that time.
        let patience = Duration::from_secs(2 * u64::from(timeout) + 10);
        let watch = Stopwatch::start();
        let mut last = None;
        loop {
            match reader.front(0, WAIT)? {
                Front::Done => return Ok(last),
                Front::Record(record) => {
                    match journal_record(self.setup, &record)? {
                        journal::Record::Entry(entry) if entry.seq > place.seq => {
                            last = Some(entry);
                        }
                        _ => {}
                    }
                    reader.pass(0);
                }
                Front::Pending if watch.reached(patience) => {
                    return Err(Fault::Restart(format!(
                        "partition {number}: the end of the journal does not come"
                    )));
                }
                Front::Pending => {
                    self.health.beat();
                    self.link.wait(WAIT);
                }
            }
        }
    }
}
