//! How far our partitions go, and how far they were read.

use super::end_offsets::EndOffsetPoll;
use super::state::Worker;
use crate::health::Condition;
use crate::kafka::{Fault, Link, TopicPartition};
use crate::runtime::clock::{self, Stopwatch};
use crate::runtime::partition::PartitionPosition;
use crate::telemetry::troubles;
use std::time::Duration;

/// How often the ends of the partitions are asked for.
const INTERVAL: Duration = Duration::from_secs(1);
/// Pause after a question without an answer.
const PAUSE: Duration = Duration::from_secs(5);

impl<L: Link> Worker<'_, L> {
    /// Finds out now and then where our partitions end. Without an answer silence is not taken for the end.
    pub(super) fn ask_ends(&mut self) -> Result<(), Fault> {
        if !self.end_offsets.asked.reached(self.end_offsets.pause) {
            return Ok(());
        }
        self.catch_up_positions()?;
        let topics = self.setup.topics.len();
        let partitions = self.partitions.values();
        let ours: Vec<TopicPartition> = partitions
            .flat_map(|partition| (0..topics).map(|topic| partition.at(topic)))
            .collect();
        let answer = self.link.ends(&ours);
        self.end_offsets = EndOffsetPoll {
            asked: Stopwatch::start(),
            pause: if answer.is_ok() { INTERVAL } else { PAUSE },
            fresh: answer.is_ok(),
        };
        match answer {
            Ok(end_offsets) => {
                let reading = self.drained && self.retry.is_none();
                for (at, end) in end_offsets {
                    if let Some(position) = self.position(at) {
                        position.ends_at(end, reading);
                    }
                }
                if self.retry.is_none() {
                    self.health.set(Condition::Connected, true);
                }
                // Without partitions nobody was asked.
                if self.retry.is_none() && !ours.is_empty() {
                    troubles::seems_over(troubles::BROKERS, "the brokers answer again");
                }
            }
            Err(fault) => {
                let text = format!("the brokers do not say where the partitions end: {fault}");
                troubles::warn(troubles::BROKERS, &text);
                self.health.set(Condition::Connected, false);
            }
        }
        for partition in self.partitions.values_mut() {
            partition.report(&self.setup.topics, clock::now(), &self.setup.telemetry);
        }
        Ok(())
    }

    /// Passes over what was handed over without being a record: the markers of transactions.
    pub(super) fn catch_up_positions(&mut self) -> Result<(), Fault> {
        if self.retry.is_some() {
            return Ok(());
        }
        for (at, position) in self.link.positions()? {
            let Some(partition) = self.partitions.get_mut(&at.partition) else {
                continue;
            };
            if partition
                .positions
                .get(at.topic)
                .is_some_and(|known| known.next < position)
            {
                partition.skip_to(at.topic, position);
                self.uncommitted.begin();
            }
        }
        Ok(())
    }

    fn position(&mut self, at: TopicPartition) -> Option<&mut PartitionPosition> {
        self.partitions
            .get_mut(&at.partition)?
            .positions
            .get_mut(at.topic)
    }
}
