//! What happens when the group gives or takes partitions.

use super::clock;
use super::ends::Ends;
use super::partition::{Lane, Partition};
use super::recovery::Restore;
use super::worker::{Uncommitted, Worker};
use crate::engine::Shard;
use crate::http::Condition;
use crate::kafka::{Committed, Fault, TopicPartition, lost_records};
use crate::telemetry::BatchReport;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

/// Time for one answer about offsets; those of another member's open transaction are waited for.
const ASK_PATIENCE: Duration = Duration::from_secs(10);
/// Questions before the worker starts over.
const ASK_TRIES: usize = 5;
/// Pause between them.
const ASK_PAUSE: Duration = Duration::from_millis(500);
/// Time to commit when partitions are taken away; the group waits for it.
const REVOKE_PATIENCE: Duration = Duration::from_secs(10);

impl Worker<'_> {
    /// Partitions are to be given up: commits what was processed, and keeps the state in case they come back.
    pub(super) fn revoked(&mut self, lost: bool) -> Result<(), Fault> {
        self.health.set(Condition::Assigned, false);
        self.consumer.clear();
        if !lost && !self.commit_within(REVOKE_PATIENCE)? {
            warn!(
                "partitions are given up without a commit; whoever has them next processes the rest again"
            );
        }
        self.retry = None;
        self.transactor.forget();
        self.output.clear();
        // Whoever processes these records again counts them.
        self.report = BatchReport::default();
        self.uncommitted = Uncommitted::default();
        self.restores.clear();
        let topics: Vec<&str> = self.setup.topics.iter().map(|topic| &*topic.name).collect();
        for (number, partition) in std::mem::take(&mut self.partitions) {
            self.setup.telemetry.forget_partition(&topics, number);
            // What was processed and not committed is not undone in memory.
            if partition.moved().is_empty() {
                self.parked.insert(number, partition);
            }
        }
        info!(lost, "partitions given up");
        self.consumer.unassign()
    }

    /// Partitions are ours: finds out where the group stands, and brings their state there.
    pub(super) fn assigned(&mut self, assigned: &[TopicPartition]) -> Result<(), Fault> {
        let stands = self.stands(assigned)?;
        let offsets = stands
            .values()
            .flatten()
            .map(|stand| (stand.committed.at, stand.next));
        let offsets: Vec<(TopicPartition, i64)> = offsets.collect();
        self.consumer.assign(&offsets)?;
        for (number, stands) in stands {
            self.take_over(number, &stands)?;
        }
        // What did not come back is another member's.
        self.parked.clear();
        if self
            .partitions
            .values()
            .any(|partition| !partition.moved().is_empty())
        {
            self.uncommitted.begin();
        }
        self.ends = Ends::unknown();
        let rebuilding = self.restores.len();
        info!(
            partitions = self.partitions.len() + rebuilding,
            rebuilding, "partitions taken over"
        );
        self.health.set(Condition::Rebuilt, rebuilding == 0);
        self.health.set(Condition::Assigned, true);
        Ok(())
    }

    /// Goes on with rebuilding.
    pub(super) fn restore(&mut self) -> Result<(), Fault> {
        let Some(restore) = self.restores.front_mut() else {
            return Ok(());
        };
        let done = restore.step(self.setup)?;
        restore.report(&self.setup.telemetry);
        if !done {
            return Ok(());
        }
        if let Some(restore) = self.restores.pop_front() {
            let mut partition = restore.finish();
            partition.report(&self.setup.topics, clock::now(), &self.setup.telemetry);
            let subscribers = partition.shard.stats().subscribers;
            info!(partition = partition.number, subscribers, "state rebuilt");
            self.partitions.insert(partition.number, partition);
            self.ends = Ends::unknown();
        }
        self.health
            .set(Condition::Rebuilt, self.restores.is_empty());
        Ok(())
    }

    fn take_over(&mut self, number: i32, stands: &[Stand]) -> Result<(), Fault> {
        let committed: Vec<Committed> =
            stands.iter().map(|stand| stand.committed.clone()).collect();
        if let Some(mut partition) = self
            .parked
            .remove(&number)
            .filter(|p| p.stands_at(&committed))
        {
            for (lane, stand) in partition.lanes.iter_mut().zip(stands) {
                lane.end = stand.end;
            }
            self.partitions.insert(number, partition);
            return Ok(());
        }
        let shard = Shard::new(Arc::clone(&self.setup.config.rules));
        let lanes = stands.iter().map(Stand::lane).collect();
        let begun = committed.iter().any(|found| found.offset.is_some());
        if begun {
            let partition = Partition::new(number, shard, lanes);
            let starts: Vec<i64> = stands.iter().map(|stand| stand.start).collect();
            let restore =
                Restore::plan(self.setup, &self.consumer, partition, &committed, &starts)?;
            let records = restore.records_left();
            info!(
                partition = number,
                records, "rebuilding state from the input topics"
            );
            self.restores.push_back(restore);
        } else {
            // The first event must not be judged before the shard knows the time, and how far the feeds are apart.
            let mut partition = Partition::new(number, shard, lanes);
            let inputs = partition.inputs(&self.setup.topics, true);
            partition.shard.tick(clock::now(), inputs, &mut Vec::new());
            self.partitions.insert(number, partition);
        }
        Ok(())
    }

    /// Where the group stands, by partition number and topic.
    fn stands(&mut self, assigned: &[TopicPartition]) -> Result<BTreeMap<i32, Vec<Stand>>, Fault> {
        let committed = self.ask(|worker| worker.consumer.committed(assigned, ASK_PATIENCE))?;
        let starts = self.ask(|worker| worker.consumer.starts(assigned, ASK_PATIENCE))?;
        let ends = self.ask(|worker| worker.consumer.ends(assigned, ASK_PATIENCE))?;
        let offset = |offsets: &[(TopicPartition, i64)], at: TopicPartition| {
            offsets
                .iter()
                .find(|(found, _)| *found == at)
                .map_or(0, |(_, offset)| *offset)
        };
        let mut stands: BTreeMap<i32, Vec<Stand>> = BTreeMap::new();
        for committed in committed {
            let (start, end) = (offset(&starts, committed.at), offset(&ends, committed.at));
            let next = committed.offset.unwrap_or(start);
            if !(start..=end).contains(&next) {
                let topic = self.setup.topics.name(committed.at.topic);
                return Err(lost_records(
                    topic,
                    committed.at.partition,
                    next,
                    start,
                    end,
                ));
            }
            let of_partition = stands.entry(committed.at.partition).or_default();
            of_partition.push(Stand {
                committed,
                start,
                next,
                end,
            });
        }
        for (number, stands) in &mut stands {
            stands.sort_by_key(|stand| stand.committed.at.topic);
            if stands.len() != self.setup.topics.len() {
                return Err(Fault::Restart(format!(
                    "partition {number} of the input topics was split between members of the group; all of them must \
                     be configured with the same topics"
                )));
            }
            self.all_or_none(*number, stands)?;
        }
        Ok(stands)
    }

    /// All topics of a partition are first committed together. One without an offset among others that have one was
    /// created anew, which makes the group forget it, or is new in the configuration.
    fn all_or_none(&self, number: i32, stands: &[Stand]) -> Result<(), Fault> {
        let (begun, fresh): (Vec<_>, Vec<_>) = stands
            .iter()
            .partition(|stand| stand.committed.offset.is_some());
        let ([_, ..], [fresh, ..]) = (&*begun, &*fresh) else {
            return Ok(());
        };
        let topic = self.setup.topics.name(fresh.committed.at.topic);
        Err(Fault::Halt(format!(
            "topic {topic} partition {number}: the group has offsets for other topics but none for this one, so the \
             topic was created anew, or is new in the configuration; if it is right to process it from its beginning, \
             say so: kafka-consumer-groups.sh --bootstrap-server {} --group {} --topic {topic} --reset-offsets \
             --to-earliest --execute",
            self.setup.config.kafka.bootstrap, self.setup.config.kafka.group
        )))
    }

    /// Asks the brokers something, and again if they do not answer.
    fn ask<T>(&mut self, question: impl Fn(&Self) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut tries = 1;
        loop {
            self.health.beat();
            match question(self) {
                Err(Fault::Restart(reason)) if tries < ASK_TRIES && !self.stop.asked() => {
                    warn!("asking again: {reason}");
                    tries += 1;
                    self.stop.wait(ASK_PAUSE);
                }
                answer => return answer,
            }
        }
    }
}

/// Where the group stands in one topic's partition.
struct Stand {
    committed: Committed,
    /// First offset that retention has left.
    start: i64,
    /// Next to process.
    next: i64,
    /// Behind the last record.
    end: i64,
}

impl Stand {
    fn lane(&self) -> Lane {
        Lane::new(self.next, &self.committed, self.end)
    }
}
