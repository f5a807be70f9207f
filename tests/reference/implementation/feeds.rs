//! Watermarks: every record not before a feed's day is kept, and looked through at every further one.

use churnwatch::model::{Body, Day, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

#[derive(Default)]
pub struct FeedTime {
    pub watermark: Option<Timestamp>,
    pub complete_until: Option<Timestamp>,
    day: Option<Day>,
    /// Records of the watermark's day and of days ahead of it.
    records: Vec<(Day, Timestamp, String)>,
}

/// Days ahead under consideration at a time.
const DAYS_MAX: usize = 8;
/// At the end, days ahead count if they follow each other within so many days.
const SETTLE_DAYS: i32 = 7;

impl FeedTime {
    /// `needed` subscribers move the watermark; in a small shard, records in as many days ahead do too.
    pub fn record(&mut self, at: Timestamp, day: Day, who: &str, needed: usize, small: bool) {
        if Some(day) < self.day {
            return;
        }
        self.records.push((day, at, who.to_owned()));
        let reached = self.reached(day, needed);
        if reached.is_some() || Some(day) == self.day {
            self.enter(day, reached);
            return;
        }
        let mut ahead = self.days_ahead();
        if small && ahead.len() >= needed {
            self.enter_first();
        } else if ahead.len() > DAYS_MAX {
            let furthest = ahead.pop_last();
            self.records.retain(|(day, _, _)| Some(*day) != furthest);
        }
    }

    pub fn statement(&mut self, until: Timestamp, day: Day) {
        self.complete_until = self.complete_until.max(Some(until));
        self.enter(self.day.unwrap_or(day).max(day), Some(until));
    }

    /// Whether nothing before a moment is missing, as far as the mediation says anything.
    pub fn complete(&self, end: Timestamp) -> bool {
        let given_up = |until: Timestamp| end.0 - until.0 > 7 * 24 * 60 * 60 * 1_000;
        self.complete_until
            .is_none_or(|until| until >= end || given_up(until))
    }

    /// Somebody was erased; what was believed stays believed.
    pub fn forget(&mut self, who: &str) {
        self.records.retain(|(_, _, other)| other != who);
    }

    /// The feed has ended.
    pub fn settle(&mut self) {
        while let (Some(today), Some(next)) = (self.day, self.days_ahead().first())
            && next.0 - today.0 <= SETTLE_DAYS
        {
            self.enter_first();
        }
    }

    /// The time that so many subscribers have reached within a day.
    fn reached(&self, day: Day, needed: usize) -> Option<Timestamp> {
        let mut highest: BTreeMap<&str, Timestamp> = BTreeMap::new();
        for (_, at, who) in self.records.iter().filter(|(d, _, _)| *d == day) {
            let highest = highest.entry(who).or_insert(*at);
            *highest = (*at).max(*highest);
        }
        let mut times: Vec<Timestamp> = highest.into_values().collect();
        times.sort();
        times.into_iter().nth_back(needed - 1)
    }

    fn days_ahead(&self) -> BTreeSet<Day> {
        let days = self.records.iter().map(|(day, _, _)| *day);
        days.filter(|day| Some(*day) > self.day).collect()
    }

    fn enter_first(&mut self) {
        if let Some(first) = self.days_ahead().pop_first() {
            self.enter(first, self.reached(first, 1));
        }
    }

    fn enter(&mut self, day: Day, at: Option<Timestamp>) {
        self.watermark = self.watermark.max(at);
        self.day = Some(day);
        self.records.retain(|(d, _, _)| *d >= day);
    }
}

/// What holds until something else is said of the same thing.
pub fn is_state(body: &Body<'_>) -> bool {
    !matches!(
        body,
        Body::Call { .. }
            | Body::Message { .. }
            | Body::Data { .. }
            | Body::CallForward { .. }
            | Body::Payment { .. }
            | Body::Charge { .. }
            | Body::CompetitorContact
            | Body::ServiceOrder(_)
            | Body::Erase { .. }
    )
}
