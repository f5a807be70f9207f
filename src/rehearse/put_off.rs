//! Whom the budget put off, and what became of them.

use super::report::CandidateFigures;
use crate::model::{Day, Msisdn, Purpose};
use std::collections::BTreeMap;

/// Those who wait, with the day they first fired for.
pub struct PutOff {
    wait_days: i32,
    since: BTreeMap<(Msisdn, Purpose), Day>,
    pub figures: CandidateFigures,
}

impl PutOff {
    /// Nobody waits longer than so many days.
    pub fn new(wait_days: u16) -> Self {
        Self {
            wait_days: wait_days.into(),
            since: BTreeMap::new(),
            figures: CandidateFigures::default(),
        }
    }

    /// Somebody has no place, on a day, with something found on that day or before.
    pub fn put_off(&mut self, who: (Msisdn, Purpose), found: Day, today: Day, counting: bool) {
        let lapsed = self.lapsed(today);
        let since = self.since.entry(who).or_insert_with(|| {
            self.figures.put_off += u64::from(counting);
            found
        });
        if *since < lapsed {
            // The one before has lapsed; this is another.
            self.figures.lapsed += u64::from(counting);
            self.figures.put_off += u64::from(counting);
            *since = found;
        }
    }

    /// Somebody has got a task.
    pub fn placed(&mut self, who: (Msisdn, Purpose), today: Day, counting: bool) {
        let lapsed = self.lapsed(today);
        if let Some(since) = self.since.remove(&who).filter(|_| counting) {
            match since < lapsed {
                true => self.figures.lapsed += 1,
                false => self.figures.placed += 1,
            }
        }
    }

    /// Forgets those who waited in vain before the days that count.
    pub fn begin(&mut self, today: Day) {
        let lapsed = self.lapsed(today);
        self.since.retain(|_, since| *since >= lapsed);
    }

    /// What there is to say at the end.
    pub fn finish(mut self, today: Day) -> CandidateFigures {
        let lapsed = self.lapsed(today);
        for since in self.since.values() {
            match *since < lapsed {
                true => self.figures.lapsed += 1,
                false => self.figures.waiting += 1,
            }
        }
        self.figures
    }

    /// Whoever fired for an earlier day than this has no chance of a place any more on the morning of `today`.
    fn lapsed(&self, today: Day) -> Day {
        today - 1 - self.wait_days
    }
}
