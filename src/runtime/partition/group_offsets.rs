use super::position::PartitionPosition;
use crate::kafka::{Fault, Span, TopicPartition, Topics, lost_records};
use std::collections::BTreeMap;

/// Where the group stands in one topic's partition.
pub struct GroupOffsets {
    pub at: TopicPartition,
    /// What the group has committed.
    pub committed: Option<i64>,
    /// First offset that retention has left.
    pub start: i64,
    /// Next to process.
    pub next: i64,
    /// Behind the last record.
    pub end: i64,
}

impl GroupOffsets {
    /// By partition number, in the order of the topics: what the group has committed, and what the partitions hold.
    ///
    /// # Errors
    /// [`Fault`] if the records to go on with are not there, or not all topics are.
    pub fn by_partition(
        topics: &Topics,
        found: impl IntoIterator<Item = (Option<i64>, Span)>,
    ) -> Result<BTreeMap<i32, Vec<Self>>, Fault> {
        let mut all: BTreeMap<i32, Vec<Self>> = BTreeMap::new();
        for (committed, Span { at, from, to }) in found {
            let next = committed.unwrap_or(from);
            if !(from..=to).contains(&next) {
                return Err(lost_records(
                    topics.name(at.topic),
                    at.partition,
                    next,
                    from,
                    to,
                ));
            }
            all.entry(at.partition).or_default().push(Self {
                at,
                committed,
                start: from,
                next,
                end: to,
            });
        }
        for (number, offsets) in &mut all {
            offsets.sort_by_key(|offsets| offsets.at.topic);
            if offsets.len() != topics.len() {
                return Err(Fault::Restart(format!(
                    "partition {number} of the input topics was split between members of the group; all of them must \
                     be configured with the same topics"
                )));
            }
            all_or_none(topics, *number, offsets)?;
        }
        Ok(all)
    }

    pub fn position(&self) -> PartitionPosition {
        PartitionPosition::new(self.next, self.committed, self.end)
    }
}

/// All topics of a partition are first committed together. One without an offset among others that have one was
/// created anew, which makes the group forget it, or is new in the configuration.
fn all_or_none(topics: &Topics, number: i32, offsets: &[GroupOffsets]) -> Result<(), Fault> {
    let fresh = offsets.iter().find(|offsets| offsets.committed.is_none());
    let begun = offsets.iter().any(|offsets| offsets.committed.is_some());
    let Some(fresh) = fresh.filter(|_| begun) else {
        return Ok(());
    };
    let topic = topics.name(fresh.at.topic);
    Err(Fault::Halt(format!(
        "topic {topic} partition {number}: the group has offsets for other topics but none for this one, so the topic \
         was created anew, or is new in the configuration. The state was built from the old one: restore the topic, or \
         begin anew with another `kafka.group`"
    )))
}
