use crate::model::Timestamp;

/// The end is asked for once a second.
const STILL_MAX: u32 = 30;

/// How far one topic's partition has been processed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionPosition {
    /// Offset of the next record to process.
    pub next: i64,
    /// What the group has committed.
    pub committed: Option<i64>,
    /// Offset behind the last record, when last asked.
    pub end: i64,
    /// Position and end when last asked, and how often in a row they were the same.
    seen: (i64, i64),
    still: u32,
    /// Kafka timestamp of the last record processed.
    last_ms: Option<i64>,
}

impl PartitionPosition {
    /// A position that goes on at `next`, the group's offset.
    pub fn new(next: i64, committed: Option<i64>, end: i64) -> Self {
        Self {
            next,
            committed,
            end,
            seen: (next, end),
            still: 0,
            last_ms: None,
        }
    }

    /// Notes that everything before `next` was processed.
    pub fn passed(&mut self, next: i64, timestamp_ms: Option<i64>) {
        self.next = next;
        self.end = self.end.max(next);
        self.last_ms = timestamp_ms.or(self.last_ms);
    }

    /// Records not yet processed, at most.
    pub fn lag(&self) -> i64 {
        (self.end - self.next).max(0)
    }

    /// Age of the last record processed, while there are more.
    pub fn lag_seconds(&self, now: Timestamp) -> f64 {
        let age_ms = |last_ms: i64| now.0.saturating_sub(last_ms).max(0);
        match self.last_ms.filter(|_| self.lag() > 0) {
            Some(last_ms) => age_ms(last_ms) as f64 / 1000.0,
            None => 0.0,
        }
    }

    /// Notes where the partition ends. `reading`: what there was to read of it has been read.
    pub fn ends_at(&mut self, end: i64, reading: bool) {
        let seen = (self.next, self.end.max(end));
        let still = reading && self.seen == seen;
        self.still = if still {
            self.still.saturating_add(1)
        } else {
            0
        };
        (self.seen, self.end) = (seen, seen.1);
    }

    /// Whether records are still to come. Where compaction took the last ones, the end is never reached; what does
    /// not come for long is taken for such a gap.
    pub fn behind(&self) -> bool {
        self.lag() > 0 && self.still < STILL_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_that_is_never_reached_stops_counting_as_a_backlog() {
        let mut position = PartitionPosition::new(10, Some(10), 20);
        assert!(position.behind());
        for _ in 0..2 * STILL_MAX {
            position.ends_at(20, false);
        }
        assert!(position.behind(), "it was not being read");
        for _ in 0..STILL_MAX {
            position.ends_at(20, true);
        }
        assert!(!position.behind());
        assert_eq!(position.lag(), 10, "what is committed stays true");
        position.ends_at(21, true);
        assert!(position.behind(), "something came");
    }
}
