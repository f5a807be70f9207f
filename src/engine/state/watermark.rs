use crate::engine::codec::{Problem, is_possible_time};
use crate::model::{Day, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// How far one feed of one shard has come, in event time (behaviour: Clock and watermarks).
///
/// No single record, right or wrong, moves it far. It stands at the highest time that several subscribers have reached,
/// and enters a new day only once several have records in that day.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Watermark {
    at: Timestamp,
    today: Reached,
    /// Days some records lie in but not yet enough subscribers, earliest first.
    ahead: Vec<Reached>,
    complete_until: Option<Timestamp>,
}

/// The subscribers furthest into a day, and how far.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Reached {
    day: Day,
    /// Nearly every record is further than all before it, and takes the first place.
    subscribers: VecDeque<u32>,
    /// Theirs, in the same order. They lie apart because each record searches the subscribers alone.
    times: VecDeque<Timestamp>,
}

/// How many subscribers make a day believable.
#[derive(Debug, Clone, Copy)]
pub struct Needed {
    /// `window.day_entry_subscribers`, more in a large shard, or all a small one has.
    pub subscribers: usize,
    /// Whether the shard is so small that they may never come together: then records in as many different days ahead
    /// are enough to enter the first of them.
    pub or_days: bool,
}

/// More days than this are never under consideration at once; the furthest ahead gives way.
const AHEAD_MAX: usize = 8;
/// When the feeds have ended, days ahead count if they follow each other no further apart than this; and a statement counts
/// if it is no further ahead of everything else.
pub const SETTLE_DAYS: i32 = 7;

impl Default for Watermark {
    fn default() -> Self {
        Self {
            at: Timestamp::MIN,
            today: Reached::new(Day::MIN),
            ahead: Vec::new(),
            complete_until: None,
        }
    }
}

impl Watermark {
    /// The highest accepted event time; [`Timestamp::MIN`] before the first.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The mediation's last statement, if it makes any.
    pub fn complete_until(&self) -> Option<Timestamp> {
        self.complete_until
    }

    /// Refuses what the engine would never write.
    pub fn check(&self) -> Result<(), Problem> {
        let times = [self.at, self.complete_until.unwrap_or(self.at)];
        if !times.into_iter().all(is_possible_time) {
            return Err("has a watermark out of range");
        }
        let rises = self.ahead.is_sorted_by(|a, b| a.day < b.day);
        if !rises || self.ahead.len() > AHEAD_MAX {
            return Err("has a watermark with days ahead out of order, or too many");
        }
        let mut all = self.ahead.iter().chain([&self.today]);
        let falls = |day: &Reached| {
            day.subscribers.len() == day.times.len()
                && day.times.iter().is_sorted_by(|a, b| a >= b)
                && day.times.iter().all(|at| is_possible_time(*at))
        };
        match all.all(falls) {
            true => Ok(()),
            false => {
                Err("has a watermark with subscribers out of order or range, or without times")
            }
        }
    }

    /// Takes note of a record.
    pub fn observe(&mut self, at: Timestamp, day: Day, subscriber: u32, needed: Needed) {
        if at <= self.at || day < self.today.day {
            return;
        }
        if day == self.today.day {
            self.today.note(subscriber, at, needed.subscribers);
            self.at = self.at.max(self.today.reached_by(needed.subscribers));
            return;
        }
        let index = match self.ahead.binary_search_by_key(&day, |reached| reached.day) {
            Ok(index) => index,
            Err(index) => {
                self.ahead.insert(index, Reached::new(day));
                index
            }
        };
        self.ahead[index].note(subscriber, at, needed.subscribers);
        if self.ahead[index].reached_by(needed.subscribers) > Timestamp::MIN {
            self.enter(index, needed.subscribers);
        } else if needed.or_days && self.ahead.len() >= needed.subscribers {
            self.enter(0, 1);
        }
        self.ahead.truncate(AHEAD_MAX);
    }

    /// Takes a mediation's word that nothing before `until` is missing.
    pub fn progress(&mut self, until: Timestamp, day: Day) {
        self.complete_until = self.complete_until.max(Some(until));
        self.at = self.at.max(until);
        if day > self.today.day {
            let passed = self.ahead.partition_point(|reached| reached.day <= day);
            let last = self.ahead.drain(..passed).next_back();
            let known = last.filter(|reached| reached.day == day);
            self.today = known.unwrap_or(Reached::new(day));
        }
    }

    /// Forgets how far an erased subscriber was. The watermark itself stays where it is.
    pub fn forget(&mut self, subscriber: u32) {
        for day in self.ahead.iter_mut().chain([&mut self.today]) {
            day.forget(subscriber);
        }
        self.ahead.retain(|day| !day.times.is_empty());
    }

    /// The feed has ended: enters the days ahead that follow on from today.
    pub fn enter_days_ahead(&mut self) {
        let follows = |from: Day, next: &Reached| next.day.since(from) <= SETTLE_DAYS;
        while self
            .ahead
            .first()
            .is_some_and(|next| follows(self.today.day, next))
        {
            self.enter(0, 1);
        }
    }

    fn enter(&mut self, index: usize, subscribers: usize) {
        self.today = self
            .ahead
            .drain(..=index)
            .next_back()
            .unwrap_or(Reached::new(Day::MIN));
        self.at = self.at.max(self.today.reached_by(subscribers));
    }
}

impl Reached {
    fn new(day: Day) -> Self {
        Self {
            day,
            subscribers: VecDeque::new(),
            times: VecDeque::new(),
        }
    }

    /// Keeps the `most` subscribers that are furthest, furthest first.
    fn note(&mut self, subscriber: u32, at: Timestamp, most: usize) {
        if let Some(place) = self.place(subscriber) {
            if self.times.get(place).is_some_and(|known| *known >= at) {
                return;
            }
            self.forget(subscriber);
        }
        let place = self.times.partition_point(|other| *other >= at);
        if place < most {
            self.subscribers.insert(place, subscriber);
            self.subscribers.truncate(most);
            self.times.insert(place, at);
            self.times.truncate(most);
        }
    }

    fn forget(&mut self, subscriber: u32) {
        if let Some(place) = self.place(subscriber) {
            self.subscribers.remove(place);
            self.times.remove(place);
        }
    }

    /// Where a subscriber is among them. Nearly none is, and that is found in a fraction of the time of a search.
    fn place(&self, subscriber: u32) -> Option<usize> {
        if !self.subscribers.contains(&subscriber) {
            return None;
        }
        self.subscribers.iter().position(|it| *it == subscriber)
    }

    /// The time that many subscribers have reached; [`Timestamp::MIN`] if there are not so many.
    fn reached_by(&self, subscribers: usize) -> Timestamp {
        let slowest = subscribers
            .checked_sub(1)
            .and_then(|last| self.times.get(last));
        slowest.copied().unwrap_or(Timestamp::MIN)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 100;

    fn observe(watermark: &mut Watermark, at: i64, subscriber: u32, needed: usize) -> i64 {
        let needed = Needed {
            subscribers: needed,
            or_days: false,
        };
        watermark.observe(Timestamp(at), Day((at / DAY) as i32), subscriber, needed);
        watermark.at().0
    }

    #[test]
    fn a_new_day_needs_several_subscribers() {
        let mut watermark = Watermark::default();
        assert_eq!(observe(&mut watermark, 110, 0, 1), 110);
        for (at, subscriber) in [(250, 0), (260, 0), (240, 1), (120, 2)] {
            assert_eq!(observe(&mut watermark, at, subscriber, 3), 110);
        }
        assert_eq!(observe(&mut watermark, 220, 2, 3), 220);
        assert_eq!(observe(&mut watermark, 230, 2, 3), 230);
        assert_eq!(
            observe(&mut watermark, 299, 2, 3),
            240,
            "two others are no further"
        );
    }

    #[test]
    fn a_wild_record_is_forgotten_before_honest_days_are() {
        let mut watermark = Watermark::default();
        observe(&mut watermark, 110, 0, 1);
        for day in (2..30).rev() {
            observe(&mut watermark, day * DAY, 0, 3);
        }
        assert_eq!(watermark.ahead.len(), AHEAD_MAX);
        observe(&mut watermark, 210, 1, 3);
        assert_eq!(observe(&mut watermark, 210, 2, 3), 200);
    }

    #[test]
    fn in_a_small_shard_days_stand_in_for_subscribers() {
        let mut watermark = Watermark::default();
        let needed = Needed {
            subscribers: 3,
            or_days: true,
        };
        for day in 1..=5 {
            watermark.observe(Timestamp(i64::from(day) * DAY), Day(day), 7, needed);
        }
        assert_eq!(watermark.at(), Timestamp(300));
        watermark.observe(Timestamp(90 * DAY), Day(90), 7, needed);
        watermark.enter_days_ahead();
        assert_eq!(watermark.at(), Timestamp(500));
    }

    #[test]
    fn who_gets_the_place_of_an_erased_subscriber_is_somebody_else() {
        let mut watermark = Watermark::default();
        for (at, subscriber) in [(110, 0), (120, 1), (250, 0), (310, 0)] {
            observe(&mut watermark, at, subscriber, 2);
        }
        watermark.forget(0);
        assert_eq!(watermark.at(), Timestamp(110), "it does not go back");
        assert!(watermark.ahead.is_empty());
        assert_eq!(observe(&mut watermark, 260, 1, 2), 110, "one is not enough");
        assert_eq!(observe(&mut watermark, 255, 0, 2), 255);
    }

    #[test]
    fn progress_statements_only_move_forward() {
        let mut watermark = Watermark::default();
        watermark.progress(Timestamp(550), Day(5));
        watermark.progress(Timestamp(440), Day(4));
        assert_eq!(watermark.at(), Timestamp(550));
        assert_eq!(watermark.complete_until(), Some(Timestamp(550)));
    }

    #[test]
    fn a_statement_forgets_nobody_who_is_ahead_of_it() {
        let mut watermark = Watermark::default();
        for (at, subscriber) in [(110, 0), (260, 1), (270, 2), (380, 3)] {
            observe(&mut watermark, at, subscriber, 3);
        }
        watermark.progress(Timestamp(205), Day(2));
        assert_eq!(watermark.at(), Timestamp(205));
        assert_eq!(observe(&mut watermark, 250, 3, 3), 250);
        watermark.progress(Timestamp(301), Day(3));
        assert_eq!(watermark.ahead.len(), 0);
        for (at, subscriber, then) in [(370, 0, 301), (360, 1, 360)] {
            assert_eq!(observe(&mut watermark, at, subscriber, 3), then);
        }
    }
}
