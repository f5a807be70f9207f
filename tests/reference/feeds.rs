//! Watermarks: every record that is ahead of its feed's is kept, and looked through at every further one.

use churnwatch::model::{Day, Timestamp};
use std::collections::BTreeSet;

#[derive(Default)]
pub struct FeedTime {
    pub watermark: Option<Timestamp>,
    pub complete_until: Option<Timestamp>,
    day: Option<Day>,
    ahead: Vec<(Day, Timestamp, String)>,
}

/// Days under consideration at a time.
const DAYS_MAX: usize = 8;

impl FeedTime {
    pub fn record(&mut self, at: Timestamp, day: Day, who: &str, needed: usize) {
        if Some(day) <= self.day {
            self.watermark = self.watermark.max(Some(at));
            return;
        }
        self.ahead.push((day, at, who.to_owned()));
        let there = self.ahead.iter().filter(|(d, _, _)| *d == day);
        let subscribers: BTreeSet<&str> = there.clone().map(|(_, _, who)| who.as_str()).collect();
        let days: BTreeSet<Day> = self.ahead.iter().map(|(d, _, _)| *d).collect();
        if subscribers.len() >= needed {
            let highest = there.map(|(_, at, _)| *at).max().unwrap();
            self.enter(highest, day);
        } else if days.len() > DAYS_MAX {
            let furthest = days.into_iter().next_back().unwrap();
            self.ahead.retain(|(d, _, _)| *d != furthest);
        }
    }

    pub fn statement(&mut self, until: Timestamp, day: Day) {
        self.complete_until = self.complete_until.max(Some(until));
        if Some(until) > self.watermark {
            self.enter(until, day);
        }
    }

    fn enter(&mut self, at: Timestamp, day: Day) {
        self.watermark = self.watermark.max(Some(at));
        self.day = self.day.max(Some(day));
        self.ahead.retain(|(d, _, _)| Some(*d) > self.day);
    }
}
