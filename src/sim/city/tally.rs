//! Counts of what has been handed out, for a summary and for tests to compare with what a detector made of it.

use crate::model::Feed;
use crate::sim::event::{Event, Fate, Flaw};
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
    /// Flaws by kind. A record that is spoilt and sent twice counts as spoilt twice.
    pub flaws: BTreeMap<Flaw, u64>,
    /// Records by what a detector must make of them; the sum is `records`.
    pub fates: BTreeMap<Fate, u64>,
    /// Records that the outage lost; they were never handed out.
    pub lost_in_outage: u64,
}

impl Tally {
    pub(in crate::sim) fn count(&mut self, event: &Event, bytes: usize) {
        self.records += 1;
        self.bytes += bytes as u64;
        let kind = (event.body.feed(), event.body.record_type());
        *self.by_type.entry(kind).or_default() += 1;
        *self.fates.entry(event.fate()).or_default() += 1;
        for flaw in [event.flaw, event.copy].into_iter().flatten() {
            *self.flaws.entry(flaw).or_default() += 1;
        }
    }

    pub(in crate::sim) fn count_delay(&mut self, delay: Option<Flaw>) {
        if let Some(delay) = delay {
            *self.flaws.entry(delay).or_default() += 1;
        }
    }
}
