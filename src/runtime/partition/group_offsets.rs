use super::position::PartitionPosition;
use crate::kafka::TopicPartition;

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
    pub fn position(&self) -> PartitionPosition {
        PartitionPosition::new(self.next, self.committed, self.end)
    }
}
