//! The group's offsets in the partitions that were assigned.

use super::state::Worker;
use crate::kafka::{Fault, Link, Span, TopicPartition};
use crate::runtime::partition::GroupOffsets;
use crate::telemetry::troubles;
use std::collections::BTreeMap;
use std::time::Duration;

/// Questions before the worker starts over.
const ASK_TRIES: usize = 5;
/// Pause between them.
const ASK_PAUSE: Duration = Duration::from_millis(500);

impl<L: Link> Worker<'_, L> {
    /// Where the group stands, by partition number and topic.
    pub(super) fn group_offsets(
        &mut self,
        assigned: &[TopicPartition],
    ) -> Result<BTreeMap<i32, Vec<GroupOffsets>>, Fault> {
        let committed = self.ask(|link| link.committed(assigned))?;
        let starts: BTreeMap<_, _> = self
            .ask(|link| link.starts(assigned))?
            .into_iter()
            .collect();
        let end_offsets: BTreeMap<_, _> =
            self.ask(|link| link.ends(assigned))?.into_iter().collect();
        let offset =
            |offsets: &BTreeMap<TopicPartition, i64>, at| offsets.get(&at).copied().unwrap_or(0);
        let found = committed.into_iter().map(|(at, committed)| {
            let (from, to) = (offset(&starts, at), offset(&end_offsets, at));
            (committed, Span { at, from, to })
        });
        GroupOffsets::by_partition(&self.setup.topics, found)
    }

    /// Asks the brokers something, and again if they do not answer.
    pub(super) fn ask<T>(&mut self, question: impl Fn(&L) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut tries = 1;
        loop {
            self.health.beat();
            match question(&self.link) {
                Err(Fault::Restart(reason)) if tries < ASK_TRIES && !self.stop.asked() => {
                    troubles::warn("question", &format!("asking again: {reason}"));
                    tries += 1;
                    self.link.wait(ASK_PAUSE);
                }
                answer => return answer,
            }
        }
    }
}
