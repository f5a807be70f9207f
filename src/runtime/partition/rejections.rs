use crate::model::{Reject, Source};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Records of one batch that were rejected, by topic and reason.
#[derive(Debug, Default)]
pub struct Rejections(pub BTreeMap<(Arc<str>, &'static str), Rejection>);

/// Those of one topic and reason.
#[derive(Debug)]
pub struct Rejection {
    /// How many.
    pub records: u64,
    /// Partition and offset of the first.
    pub partition: i32,
    /// See `partition`.
    pub offset: i64,
    /// What is wrong with the first, in a sentence that does not quote it.
    pub message: String,
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
}
