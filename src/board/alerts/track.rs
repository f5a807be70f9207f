//! How far a partition's records are done.

use std::collections::BTreeMap;

/// How far a partition's records are done. Alerts are delivered in any order; the group stands before the first record with one
/// that is not.
#[derive(Debug)]
pub struct Track {
    /// Behind the last record that was read.
    next: i64,
    /// Records that are not done, with the alerts that they wait for.
    open: BTreeMap<i64, usize>,
    /// Where the group stands.
    committed: i64,
}

impl Track {
    /// All before an offset is done.
    pub fn new(start: i64) -> Self {
        Self {
            next: start,
            open: BTreeMap::new(),
            committed: start,
        }
    }

    /// A record was read, which waits for so many alerts.
    pub fn read(&mut self, offset: i64, alerts: usize) {
        self.next = offset + 1;
        if alerts > 0 {
            self.open.insert(offset, alerts);
        }
    }

    /// An alert of a record is done.
    pub fn done(&mut self, offset: i64) {
        if let Some(alerts) = self.open.get_mut(&offset) {
            *alerts -= 1;
            if *alerts == 0 {
                self.open.remove(&offset);
            }
        }
    }

    /// Whether all that was read is done.
    pub fn is_settled(&self) -> bool {
        self.open.is_empty()
    }

    /// Where the group may stand now, if that is further than where it stands; it counts as said.
    pub fn progress(&mut self) -> Option<i64> {
        let first = self
            .open
            .first_key_value()
            .map_or(self.next, |(first, _)| *first);
        let further = first > self.committed;
        self.committed = first.max(self.committed);
        further.then_some(first)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_stands_before_the_first_record_that_is_not_done() {
        let mut track = Track::new(10);
        track.read(10, 2);
        track.read(11, 0);
        track.read(15, 1);
        assert_eq!(track.progress(), None);
        track.done(15);
        track.done(10);
        assert_eq!(track.progress(), None);
        track.done(10);
        assert!(track.is_settled());
        assert_eq!(track.progress(), Some(16));
        assert_eq!(track.progress(), None);
        track.done(10);
        assert!(track.is_settled());
    }
}
