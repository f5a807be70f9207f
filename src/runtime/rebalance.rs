//! What happens when the group gives or takes partitions.

use super::clock;
use super::ends::Ends;
use super::partition::{Lane, Partition};
use super::worker::{Uncommitted, Worker};
use crate::engine::Shard;
use crate::http::Condition;
use crate::kafka::{Fault, Link, TopicPartition, lost_records};
use crate::telemetry::BatchReport;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tracing::{info, warn};

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
        self.link.clear();
        if !lost && !self.commit_within(REVOKE_PATIENCE)? {
            warn!(
                "partitions are given up without a commit; whoever has them next processes the rest again"
            );
        }
        self.retry = None;
        self.output.clear();
        // Whoever processes these records again counts them.
        self.report = BatchReport::default();
        self.uncommitted = Uncommitted::default();
        let topics: Vec<&str> = self.setup.topics.iter().map(|topic| &*topic.name).collect();
        for (number, partition) in std::mem::take(&mut self.partitions) {
            self.setup.telemetry.forget_partition(&topics, number);
            // What was processed and not committed is not undone in memory.
            if partition.moved().is_empty() {
                self.parked.insert(number, partition);
            }
        }
        info!(lost, "partitions given up");
        self.link.unassign()
    }

    /// Partitions are ours: finds out where the group stands, and brings their state there.
    pub(super) fn assigned(&mut self, assigned: &[TopicPartition]) -> Result<(), Fault> {
        let stands = self.stands(assigned)?;
        let offsets = stands
            .values()
            .flatten()
            .map(|stand| (stand.committed.0, stand.next));
        let offsets: Vec<(TopicPartition, i64)> = offsets.collect();
        self.link.assign(&offsets)?;
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
        info!(partitions = self.partitions.len(), "partitions taken over");
        self.health.set(Condition::Rebuilt, true);
        self.health.set(Condition::Assigned, true);
        Ok(())
    }

    fn take_over(&mut self, number: i32, stands: &[Stand]) -> Result<(), Fault> {
        let committed: Vec<_> = stands.iter().map(|stand| stand.committed).collect();
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
        // The first event must not be judged before the shard knows the time, and how far the feeds are apart.
        let mut partition = Partition::new(number, shard, lanes);
        let inputs = partition.inputs(&self.setup.topics, true);
        partition.shard.tick(clock::now(), inputs, &mut Vec::new());
        self.partitions.insert(number, partition);
        Ok(())
    }

    /// Where the group stands, by partition number and topic.
    fn stands(&mut self, assigned: &[TopicPartition]) -> Result<BTreeMap<i32, Vec<Stand>>, Fault> {
        let committed = self.ask(|worker| worker.link.committed(assigned))?;
        let starts = self.ask(|worker| worker.link.starts(assigned))?;
        let ends = self.ask(|worker| worker.link.ends(assigned))?;
        let offset = |offsets: &[(TopicPartition, i64)], at: TopicPartition| {
            offsets
                .iter()
                .find(|(found, _)| *found == at)
                .map_or(0, |(_, offset)| *offset)
        };
        let mut stands: BTreeMap<i32, Vec<Stand>> = BTreeMap::new();
        for committed in committed {
            let (start, end) = (offset(&starts, committed.0), offset(&ends, committed.0));
            let next = committed.1.unwrap_or(start);
            if !(start..=end).contains(&next) {
                let topic = self.setup.topics.name(committed.0.topic);
                return Err(lost_records(topic, committed.0.partition, next, start, end));
            }
            let of_partition = stands.entry(committed.0.partition).or_default();
            of_partition.push(Stand {
                committed,
                start,
                next,
                end,
            });
        }
        for (number, stands) in &mut stands {
            stands.sort_by_key(|stand| stand.committed.0.topic);
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
        let (begun, fresh): (Vec<_>, Vec<_>) =
            stands.iter().partition(|stand| stand.committed.1.is_some());
        let ([_, ..], [fresh, ..]) = (&*begun, &*fresh) else {
            return Ok(());
        };
        let topic = self.setup.topics.name(fresh.committed.0.topic);
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
    committed: (TopicPartition, Option<i64>),
    /// First offset that retention has left.
    start: i64,
    /// Next to process.
    next: i64,
    /// Behind the last record.
    end: i64,
}

impl Stand {
    fn lane(&self) -> Lane {
        Lane::new(self.next, self.committed.1, self.end)
    }
}
