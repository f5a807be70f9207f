use crate::model::{Reject, Source};
use crate::telemetry::troubles;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Records of one batch that were rejected, by topic and reason.
#[derive(Debug, Default)]
pub struct Rejections(BTreeMap<(Arc<str>, &'static str), Rejection>);

/// Those of one topic and reason.
#[derive(Debug)]
struct Rejection {
    /// How many.
    records: u64,
    /// Partition and offset of the first.
    partition: i32,
    /// See `partition`.
    offset: i64,
    /// What is wrong with the first, in a sentence that does not quote it.
    message: String,
}

impl Rejections {
    /// Adds one.
    pub fn add(&mut self, source: &Source, reject: &Reject) {
        let key = (Arc::clone(&source.topic), reject.reason());
        let first = || Rejection {
            records: 0,
            partition: source.partition,
            offset: source.offset,
            message: reject.to_string(),
        };
        self.0.entry(key).or_insert_with(first).records += 1;
    }

    /// How many records.
    pub fn records(&self) -> u64 {
        self.0.values().map(|rejection| rejection.records).sum()
    }

    /// Names them in the log, once they are committed as dead letters.
    pub fn log(self) {
        for ((topic, reason), rejection) in self.0 {
            let Rejection {
                records,
                partition,
                offset,
                message,
            } = rejection;
            let kind = format!("dead letters of {topic}: {reason}");
            let text = format!(
                "topic {topic} partition {partition} offset {offset}: a record went to the dead letters: {message}"
            );
            troubles::count(&kind, records, &text);
        }
    }
}
