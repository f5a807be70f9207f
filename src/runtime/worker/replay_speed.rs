use std::time::Duration;

/// Until it is measured: slower than any machine known.
const RECORDS_PER_SECOND: u64 = 100_000;
/// Fewer records tell nothing.
const RECORDS_MIN: u64 = 100_000;
/// Beyond these, earlier measurements count half.
const RECORDS_MAX: u64 = 4_000_000;
/// Live, the records were fetched beforehand, and a replay fetches them anew.
const FETCH: u32 = 2;

/// How fast this worker would replay. It decides when snapshots are taken, and nothing else.
#[derive(Debug, Default)]
pub(super) struct ReplaySpeed {
    replayed: Measured,
    applied: Measured,
}

#[derive(Debug, Default)]
struct Measured {
    records: u64,
    time: Duration,
}

impl ReplaySpeed {
    /// Notes records that were replayed.
    pub fn replayed(&mut self, records: u64, time: Duration) {
        self.replayed.add(records, time);
    }

    /// Notes records that were applied live.
    pub fn applied(&mut self, records: u64, time: Duration) {
        self.applied.add(records, time * FETCH);
    }

    /// How many records can be replayed in some time.
    pub fn records_in(&self, seconds: u16) -> u64 {
        let known = self.replayed.per_second().or(self.applied.per_second());
        known.unwrap_or(RECORDS_PER_SECOND) * u64::from(seconds)
    }
}

impl Measured {
    fn add(&mut self, records: u64, time: Duration) {
        self.records += records;
        self.time += time;
        if self.records > RECORDS_MAX {
            self.records /= 2;
            self.time /= 2;
        }
    }

    fn per_second(&self) -> Option<u64> {
        if self.records < RECORDS_MIN || self.time.is_zero() {
            return None;
        }
        Some((self.records as f64 / self.time.as_secs_f64()) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_replayed_counts_before_what_was_applied() {
        let mut speed = ReplaySpeed::default();
        let second = Duration::from_secs(1);
        assert_eq!(speed.records_in(10), 1_000_000);
        speed.applied(600_000, second);
        assert_eq!(speed.records_in(10), 3_000_000, "a replay fetches as well");
        speed.replayed(1_000, second);
        assert_eq!(speed.records_in(10), 3_000_000, "too few to tell");
        speed.replayed(399_000, second);
        assert_eq!(speed.records_in(10), 2_000_000);
        // The machine is three times as fast from now on.
        for _ in 0..30 {
            speed.replayed(600_000, second);
        }
        assert!(speed.records_in(1) > 500_000);
    }
}
