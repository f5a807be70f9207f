//! Candidates without a place in the day's budget or capacity, and what became of them.

use super::report::CandidateFigures;
use crate::model::{Day, Msisdn, Purpose};
use std::collections::BTreeMap;

/// The waiting candidates, each with the day it first fired for.
pub struct Deferrals {
    wait_days: i32,
    since: BTreeMap<(Msisdn, Purpose), Day>,
    pub figures: CandidateFigures,
}

impl Deferrals {
    /// No candidate waits for longer than `wait_days`.
    pub fn new(wait_days: u16) -> Self {
        Self {
            wait_days: wait_days.into(),
            since: BTreeMap::new(),
            figures: CandidateFigures::default(),
        }
    }

    /// A candidate finds no place today; its signal fired for an earlier day.
    pub fn defer(&mut self, who: (Msisdn, Purpose), fired_for: Day, today: Day, counting: bool) {
        let lapsed = self.lapsed(today);
        let since = self.since.entry(who).or_insert_with(|| {
            self.figures.put_off += u64::from(counting);
            fired_for
        });
        if *since < lapsed {
            // The earlier candidate has lapsed; this is a new one.
            self.figures.lapsed += u64::from(counting);
            self.figures.put_off += u64::from(counting);
            *since = fired_for;
        }
    }

    /// A candidate gets a task.
    pub fn placed(&mut self, who: (Msisdn, Purpose), today: Day, counting: bool) {
        let lapsed = self.lapsed(today);
        if let Some(since) = self.since.remove(&who).filter(|_| counting) {
            match since < lapsed {
                true => self.figures.lapsed += 1,
                false => self.figures.placed += 1,
            }
        }
    }

    /// The days that count begin: forgets the candidates that have lapsed before.
    pub fn begin(&mut self, today: Day) {
        let lapsed = self.lapsed(today);
        self.since.retain(|_, since| *since >= lapsed);
    }

    /// The figures at the end.
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

    /// On the morning of `today`, candidates that fired for a day before this one have lapsed.
    fn lapsed(&self, today: Day) -> Day {
        today - 1 - self.wait_days
    }
}
