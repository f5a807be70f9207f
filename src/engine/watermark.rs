use crate::model::{Day, Timestamp};

/// How far one feed of one shard has come, in event time (DOMAIN section 3).
///
/// It enters a new day only once several subscribers have records in it, so that no single record, right or wrong,
/// moves it far.
#[derive(Debug, Clone)]
pub struct Watermark {
    at: Timestamp,
    day: Day,
    ahead: Vec<Candidate>,
    complete_until: Option<Timestamp>,
}

/// A day some records lie in but not yet enough subscribers.
#[derive(Debug, Clone)]
struct Candidate {
    day: Day,
    at: Timestamp,
    subscribers: Vec<u32>,
}

/// More days than this are never under consideration at once; the furthest ahead gives way.
const CANDIDATES_MAX: usize = 8;

impl Default for Watermark {
    fn default() -> Self {
        Self {
            at: Timestamp::MIN,
            day: Day::MIN,
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

    /// Takes note of a record. `needed` subscribers must have records in a day before it is entered.
    pub fn observe(&mut self, at: Timestamp, day: Day, subscriber: u32, needed: usize) {
        if day <= self.day {
            self.at = self.at.max(at);
            return;
        }
        let index = match self.ahead.iter().position(|c| c.day == day) {
            Some(index) => index,
            None => {
                self.ahead.push(Candidate {
                    day,
                    at,
                    subscribers: Vec::new(),
                });
                self.ahead.len() - 1
            }
        };
        let candidate = &mut self.ahead[index];
        candidate.at = candidate.at.max(at);
        if !candidate.subscribers.contains(&subscriber) {
            candidate.subscribers.push(subscriber);
        }
        if candidate.subscribers.len() >= needed {
            let at = candidate.at;
            self.enter(at, day);
        } else if self.ahead.len() > CANDIDATES_MAX {
            let furthest = self.ahead.iter().map(|c| c.day).max();
            self.ahead.retain(|c| Some(c.day) != furthest);
        }
    }

    /// Takes a mediation's word that nothing before `until` is missing.
    pub fn progress(&mut self, until: Timestamp, day: Day) {
        self.complete_until = self.complete_until.max(Some(until));
        if until > self.at {
            self.enter(until, day);
        }
    }

    fn enter(&mut self, at: Timestamp, day: Day) {
        self.at = self.at.max(at);
        self.day = self.day.max(day);
        let entered = self.day;
        self.ahead.retain(|c| c.day > entered);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_day_needs_several_subscribers() {
        let mut watermark = Watermark::default();
        watermark.observe(Timestamp(10), Day(1), 0, 1);
        watermark.observe(Timestamp(25), Day(2), 0, 3);
        watermark.observe(Timestamp(26), Day(2), 0, 3);
        watermark.observe(Timestamp(24), Day(2), 1, 3);
        assert_eq!(watermark.at(), Timestamp(10));
        watermark.observe(Timestamp(12), Day(1), 2, 3);
        assert_eq!(watermark.at(), Timestamp(12));
        watermark.observe(Timestamp(22), Day(2), 2, 3);
        assert_eq!(watermark.at(), Timestamp(26));
    }

    #[test]
    fn a_wild_record_is_forgotten_before_honest_days_are() {
        let mut watermark = Watermark::default();
        watermark.observe(Timestamp(10), Day(1), 0, 1);
        for day in (2..30).rev() {
            watermark.observe(Timestamp(i64::from(day) * 10), Day(day), 0, 3);
        }
        assert!(watermark.ahead.len() <= CANDIDATES_MAX);
        watermark.observe(Timestamp(21), Day(2), 1, 3);
        watermark.observe(Timestamp(21), Day(2), 2, 3);
        assert_eq!(watermark.at(), Timestamp(21));
    }

    #[test]
    fn progress_statements_only_move_forward() {
        let mut watermark = Watermark::default();
        watermark.progress(Timestamp(50), Day(5));
        watermark.progress(Timestamp(40), Day(4));
        assert_eq!(watermark.at(), Timestamp(50));
        assert_eq!(watermark.complete_until(), Some(Timestamp(50)));
    }
}
