//! Names rejected records in the log: the first of its kind with its place, and then their number once a minute.

use crate::runtime::clock::Stopwatch;
use crate::runtime::partition::{Rejection, Rejections};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;

const INTERVAL: Duration = Duration::from_secs(60);

/// What the log knows already, by topic and reason.
#[derive(Default)]
pub(super) struct RejectionLog(BTreeMap<(Arc<str>, &'static str), Known>);

/// Rejected records of a kind that was named.
struct Known {
    since: Stopwatch,
    unnamed: u64,
}

impl RejectionLog {
    /// Names those that are the first of their kind, and keeps count of the others.
    pub(super) fn add(&mut self, rejections: Rejections) {
        for ((topic, reason), rejection) in rejections.0 {
            let Rejection {
                records,
                partition,
                offset,
                message,
            } = rejection;
            if let Some(known) = self.0.get_mut(&(Arc::clone(&topic), reason)) {
                known.unnamed += records;
                continue;
            }
            warn!(
                topic = &*topic,
                partition, offset, reason, "a record went to the dead letters: {message}"
            );
            let known = Known {
                since: Stopwatch::start(),
                unnamed: records - 1,
            };
            self.0.insert((topic, reason), known);
        }
    }

    /// States the numbers of the last minute. A kind that did not come again is forgotten, so that its next is named.
    pub(super) fn state(&mut self) {
        self.0.retain(|(topic, reason), known| {
            if !known.since.reached(INTERVAL) {
                return true;
            }
            let records = std::mem::take(&mut known.unnamed);
            known.since = Stopwatch::start();
            if records > 0 {
                warn!(
                    topic = &**topic,
                    reason, records, "more records went to the dead letters within a minute"
                );
            }
            records > 0
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Reject, Source};
    use crate::runtime::clock;

    fn rejected(offsets: &[i64]) -> Rejections {
        let mut rejections = Rejections::default();
        for offset in offsets {
            let source = Source {
                topic: "cdr".into(),
                partition: 3,
                offset: *offset,
            };
            rejections.add(&source, &Reject::NotUtf8);
        }
        rejections
    }

    #[test]
    fn the_first_is_named_and_the_others_counted_until_a_minute_passes_without() {
        let key = (Arc::from("cdr"), Reject::NotUtf8.reason());
        let first = &rejected(&[7, 8, 9]).0[&key];
        assert_eq!((first.records, first.partition, first.offset), (3, 3, 7));

        clock::simulate(Some(1_000));
        let mut log = RejectionLog::default();
        log.add(rejected(&[7, 8, 9]));
        log.add(rejected(&[10]));
        log.state();
        let unnamed = |log: &RejectionLog| log.0.get(&key).map(|known| known.unnamed);
        assert_eq!(unnamed(&log), Some(3), "not yet a minute");
        clock::simulate(Some(61_000));
        log.state();
        assert_eq!(unnamed(&log), Some(0));
        clock::simulate(Some(121_000));
        log.state();
        assert_eq!(unnamed(&log), None, "the next is named again");
        clock::simulate(None);
    }
}
