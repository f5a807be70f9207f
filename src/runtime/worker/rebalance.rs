//! What happens when the group gives or takes partitions.

use super::end_offsets::EndOffsetPoll;
use super::state::Worker;
use super::transaction::{Ending, Uncommitted};
use crate::health::Condition;
use crate::kafka::{Fault, Link, Span, TopicPartition};
use crate::runtime::clock::Stopwatch;
use crate::runtime::partition::GroupOffsets;
use crate::runtime::restore::Restore;
use crate::telemetry::troubles;
use std::time::Duration;
use tracing::{info, warn};

/// Time to commit when partitions are taken away; the group waits for it.
const REVOKE_PATIENCE: Duration = Duration::from_secs(10);

impl<L: Link> Worker<'_, L> {
    /// Partitions are to be given up: commits what was processed, and keeps the state in case they come back.
    pub(super) fn revoked(&mut self, lost: bool) -> Result<(), Fault> {
        self.health.set(Condition::Assigned, false);
        self.link.clear();
        if !lost && self.commit_within(REVOKE_PATIENCE)? != Ending::Through {
            warn!(
                "partitions are given up without a commit; whoever has them next processes the rest again"
            );
        }
        // Whoever has the partitions next would wait until the brokers end a transaction that is still open.
        if self.in_doubt()
            && let Err(reason) = self.link.fence()?
        {
            troubles::warn(
                troubles::BROKERS,
                &format!("a transaction stays open: {reason}"),
            );
        }
        self.retry = None;
        // Whoever processes these records again counts them.
        self.output.clear();
        self.uncommitted = Uncommitted::default();
        let restoring: Vec<i32> = self
            .restores
            .drain(..)
            .map(|restore| restore.number)
            .collect();
        for number in restoring {
            self.repository.forget(number);
            self.withdraw_figures(number);
        }
        for (number, mut partition) in std::mem::take(&mut self.partitions) {
            partition.let_go();
            self.withdraw_figures(number);
            self.repository.forget(number);
            // What was processed and not committed is not undone in memory.
            if !partition.needs_commit() {
                self.parked.insert(number, partition);
            }
        }
        info!(lost, "partitions given up");
        self.link.unassign()
    }

    /// Partitions are ours: finds out the group's offsets, and brings their state there.
    pub(super) fn assigned(&mut self, assigned: &[TopicPartition]) -> Result<(), Fault> {
        let group_offsets = self.group_offsets(assigned)?;
        let offsets = group_offsets.values().flatten();
        let at: Vec<_> = offsets.map(|offsets| (offsets.at, offsets.next)).collect();
        self.link.assign(&at)?;
        let journal = self.setup.topics.journal();
        for (number, group_offsets) in group_offsets {
            if self.unpark(number, &group_offsets)? {
                continue;
            }
            let ours: Vec<TopicPartition> =
                group_offsets.iter().map(|offsets| offsets.at).collect();
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
            let restore = Restore::new(journal, group_offsets, &self.active_rules);
            restore.report(&self.setup.telemetry);
            self.restores.push_back(restore);
        }
        // What did not come back is another member's.
        self.parked.clear();
        self.progress_logged = Stopwatch::start();
        self.end_offsets = EndOffsetPoll::unknown();
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
    fn unpark(&mut self, number: i32, group_offsets: &[GroupOffsets]) -> Result<bool, Fault> {
        let Some(mut partition) = self.parked.remove(&number) else {
            return Ok(false);
        };
        let same = group_offsets
            .iter()
            .zip(&partition.positions)
            .all(|(offsets, position)| offsets.committed == position.committed);
        if !same
            || self
                .journal_since(number, partition.journal_position)?
                .is_some()
        {
            return Ok(false);
        }
        for (position, offsets) in partition.positions.iter_mut().zip(group_offsets) {
            position.end = offsets.end;
        }
        partition.report_anew();
        self.partitions.insert(number, partition);
        Ok(true)
    }
}
