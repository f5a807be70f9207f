//! The group's offsets in the partitions that were assigned.

use super::state::Worker;
use crate::kafka::{Fault, Link, TopicPartition, lost_records};
use crate::runtime::partition::GroupOffsets;
use crate::runtime::setup::Setup;
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
        let mut group_offsets: BTreeMap<i32, Vec<GroupOffsets>> = BTreeMap::new();
        for (at, committed) in committed {
            let offset = |offsets: &BTreeMap<_, i64>| offsets.get(&at).copied().unwrap_or(0);
            let (start, end) = (offset(&starts), offset(&end_offsets));
            let next = committed.unwrap_or(start);
            if !(start..=end).contains(&next) {
                let topic = self.setup.topics.name(at.topic);
                return Err(lost_records(topic, at.partition, next, start, end));
            }
            group_offsets
                .entry(at.partition)
                .or_default()
                .push(GroupOffsets {
                    at,
                    committed,
                    start,
                    next,
                    end,
                });
        }
        for (number, topics) in &mut group_offsets {
            topics.sort_by_key(|offsets| offsets.at.topic);
            if topics.len() != self.setup.topics.len() {
                return Err(Fault::Restart(format!(
                    "partition {number} of the input topics was split between members of the group; all of them must \
                     be configured with the same topics"
                )));
            }
            all_or_none(self.setup, *number, topics)?;
        }
        Ok(group_offsets)
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

/// All topics of a partition are first committed together. One without an offset among others that have one was
/// created anew, which makes the group forget it, or is new in the configuration.
fn all_or_none(setup: &Setup, number: i32, topics: &[GroupOffsets]) -> Result<(), Fault> {
    let fresh = topics.iter().find(|offsets| offsets.committed.is_none());
    let begun = topics.iter().any(|offsets| offsets.committed.is_some());
    let Some(fresh) = fresh.filter(|_| begun) else {
        return Ok(());
    };
    let topic = setup.topics.name(fresh.at.topic);
    Err(Fault::Halt(format!(
        "topic {topic} partition {number}: the group has offsets for other topics but none for this one, so the topic \
         was created anew, or is new in the configuration. The state was built from the old one: restore the topic, or \
         begin anew with another `kafka.group`"
    )))
}
