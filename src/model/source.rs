use super::serial::shared;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Where a record came from: a Kafka topic, partition and offset, or a file, shard and line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// Topic name, or the file's path.
    #[serde(with = "shared")]
    pub topic: Arc<str>,
    /// Partition; over files, the shard the line fell to.
    pub partition: i32,
    /// Offset of the record in the partition; over files, its line number from 1.
    pub offset: i64,
}
