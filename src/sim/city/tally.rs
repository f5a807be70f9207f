//! Counts of what has been handed out, for a summary and for tests to compare with what a detector made of it.

use crate::model::Feed;
use crate::sim::event::{Event, Expected, Fault};
use std::collections::BTreeMap;

/// What a city has handed out so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records, and bytes of their values.
    pub records: u64,
    /// Bytes of their values.
    pub bytes: u64,
    /// Records by feed and `record_type`, by what the record was meant to be.
    pub by_type: BTreeMap<(Feed, &'static str), u64>,
    /// Faults by kind. A record that has a fault and is sent twice counts twice.
    pub faults: BTreeMap<Fault, u64>,
    /// Records by what a detector must make of them; the sum is `records`.
    pub expected: BTreeMap<Expected, u64>,
    /// Records that the outage lost; they were never handed out.
    pub lost_in_outage: u64,
}

impl Tally {
    pub(in crate::sim) fn count(&mut self, event: &Event, bytes: usize) {
        self.records += 1;
        self.bytes += bytes as u64;
        let kind = (event.body.feed(), event.body.record_type());
        *self.by_type.entry(kind).or_default() += 1;
        *self.expected.entry(event.expected()).or_default() += 1;
        for fault in [event.fault, event.copy].into_iter().flatten() {
            *self.faults.entry(fault).or_default() += 1;
        }
    }

    pub(in crate::sim) fn count_delay(&mut self, delay: Option<Fault>) {
        if let Some(delay) = delay {
            *self.faults.entry(delay).or_default() += 1;
        }
    }
}
