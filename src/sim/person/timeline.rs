//! The course a line takes: at what level it is used, when it is silent, when it is gone for good; and the diary of
//! what is going to happen to it.

use crate::model::Day;
use crate::sim::event::Body;
use crate::sim::random::Dice;
use crate::sim::scenario::{LINE_DAYS, Scenario};
use crate::sim::truth::{Detail, Kind};

/// The state of one line.
pub struct Course {
    /// Level of calls and messages, and of data, once the present shift is over.
    level: (f64, f64),
    shift: Option<Shift>,
    /// The present or last silence, Unix milliseconds.
    silent_from_ms: i64,
    silent_until_ms: i64,
    /// Until when the owner is away, whatever else silences the line meanwhile.
    away_until_ms: i64,
    /// From when on the line is not used any more, its owner leaving for good.
    pub gone_ms: i64,
    /// The place in the ground truth of the episode that ends so.
    pub leaving_for: Option<usize>,
    /// The days on which the next trouble begins and the next absence.
    pub next_trouble: Day,
    pub next_absence: Day,
    diary: Vec<Entry>,
}

/// A change of level that is under way, from the levels before it.
struct Shift {
    from: Day,
    days: u16,
    before: (f64, f64),
}

/// Something that is going to happen.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    pub day: Day,
    pub time_of_day_ms: u32,
    pub body: Body,
    /// What the ground truth says about it, if it is worth a line.
    pub truth: Option<Mark>,
}

/// A line of ground truth about one event.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    pub kind: Kind,
    /// The churn episode that it belongs to, if any.
    pub before: Option<Kind>,
}

impl Mark {
    /// An event that leads nowhere.
    pub const fn idle(kind: Kind) -> Option<Self> {
        Some(Self { kind, before: None })
    }

    /// An event on the way out.
    pub const fn before(kind: Kind, episode: Kind) -> Option<Self> {
        let before = Some(episode);
        Some(Self { kind, before })
    }

    /// The fact about it.
    pub fn detail(&self) -> Option<(&'static str, Detail)> {
        let before = self.before?;
        Some(("before", Detail::Name(before.name())))
    }
}

impl Course {
    /// The course of a line whose first day is given.
    pub fn new(dice: &mut Dice, scenario: &Scenario, first: Day) -> Self {
        let mut course = Self {
            level: (1.0, 1.0),
            shift: None,
            silent_from_ms: i64::MIN,
            silent_until_ms: i64::MIN,
            away_until_ms: i64::MIN,
            gone_ms: i64::MAX,
            leaving_for: None,
            next_trouble: first,
            next_absence: first,
            diary: Vec::new(),
        };
        course.plan_trouble(dice, scenario, first);
        course.plan_absence(dice, scenario, first, false);
        course
    }

    /// Draws the day of the next trouble.
    pub fn plan_trouble(&mut self, dice: &mut Dice, scenario: &Scenario, from: Day) {
        self.next_trouble = occurs_after(from, scenario.churn.rate(), dice);
    }

    /// Draws the day of the next absence.
    pub fn plan_absence(
        &mut self,
        dice: &mut Dice,
        scenario: &Scenario,
        from: Day,
        second_sim: bool,
    ) {
        let rate = if second_sim {
            scenario.absence.second_sim_rate
        } else {
            scenario.absence.rate()
        };
        self.next_absence = occurs_after(from, rate, dice);
    }

    /// The levels of calls and messages and of data on a day.
    pub fn levels(&self, day: Day) -> (f64, f64) {
        let Some(shift) = &self.shift else {
            return self.level;
        };
        let done = if shift.days == 0 {
            1.0
        } else {
            (f64::from(day.since(shift.from)) / f64::from(shift.days)).clamp(0.0, 1.0)
        };
        let between = |before: f64, after: f64| before + (after - before) * done;
        (
            between(shift.before.0, self.level.0),
            between(shift.before.1, self.level.1),
        )
    }

    /// Multiplies the levels, evenly over some days.
    pub fn shift(&mut self, from: Day, days: u16, voice: f64, data: f64) {
        let before = self.levels(from);
        self.level = (before.0 * voice, before.1 * data);
        self.shift = Some(Shift { from, days, before });
    }

    /// Nothing is used from one moment to another; a silence already under way is prolonged.
    pub fn silence(&mut self, from_ms: i64, until_ms: i64) {
        if self.silent_until_ms <= from_ms {
            self.silent_from_ms = from_ms;
        }
        self.silent_until_ms = self.silent_until_ms.max(until_ms);
    }

    /// The owner is away: a silence that nothing else ends.
    pub fn go_away(&mut self, from_ms: i64, until_ms: i64) {
        self.silence(from_ms, until_ms);
        self.away_until_ms = until_ms;
    }

    /// Ends a silence of unknown length, unless the owner is away.
    pub fn end_silence(&mut self, at_ms: i64) {
        let ends_ms = at_ms.max(self.away_until_ms);
        self.silent_until_ms = self.silent_until_ms.min(ends_ms);
    }

    /// Whether a silence is under way or still to come at a moment.
    pub fn silence_after(&self, at_ms: i64) -> bool {
        self.silent_until_ms > at_ms
    }

    /// Whether the line can be used at a moment.
    pub fn usable(&self, at_ms: i64) -> bool {
        at_ms < self.gone_ms && !(self.silent_from_ms..self.silent_until_ms).contains(&at_ms)
    }

    /// Whether the owner is gone, or has made up his mind to go.
    pub fn leaving(&self) -> bool {
        self.gone_ms != i64::MAX
    }

    /// Writes something down for later.
    pub fn write_down(&mut self, entry: Entry) {
        self.diary.push(entry);
    }

    /// Takes what the diary holds for a day, in the order of its times.
    pub fn take_due(&mut self, day: Day) -> Vec<Entry> {
        if self.diary.iter().all(|entry| entry.day > day) {
            return Vec::new();
        }
        let mut due: Vec<Entry> = self
            .diary
            .extract_if(.., |entry| entry.day <= day)
            .collect();
        due.sort_by_key(|entry| entry.time_of_day_ms);
        due
    }
}

/// The day on which something of that rate next begins.
fn occurs_after(from: Day, rate: f64, dice: &mut Dice) -> Day {
    let days = dice.exponential(LINE_DAYS / rate.max(1e-6));
    from + 1 + days.min(1e6) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::random::Purpose;

    fn course() -> Course {
        let dice = &mut Dice::new(1, 0, 0, Purpose::Traits);
        Course::new(dice, &Scenario::default(), Day(100))
    }

    #[test]
    fn shifts_ramp_and_compound() {
        let mut course = course();
        course.shift(Day(10), 10, 0.5, 1.0);
        assert_eq!(course.levels(Day(10)), (1.0, 1.0));
        assert_eq!(course.levels(Day(15)), (0.75, 1.0));
        assert_eq!(course.levels(Day(40)), (0.5, 1.0));
        course.shift(Day(40), 0, 0.5, 0.5);
        assert_eq!(course.levels(Day(40)), (0.25, 0.5));
    }

    #[test]
    fn silences_join() {
        let mut course = course();
        course.silence(100, 200);
        course.silence(150, i64::MAX);
        assert!(course.usable(99) && !course.usable(100) && !course.usable(10_000));
        course.end_silence(500);
        assert!(course.usable(500) && !course.usable(499));
        course.silence(900, 1_000);
        assert!(course.usable(600) && !course.usable(950));
        // Whoever is suspended while away is back when both are over.
        course.go_away(2_000, 3_000);
        course.silence(2_500, i64::MAX);
        course.end_silence(2_800);
        assert!(!course.usable(2_900) && course.usable(3_000));
    }

    #[test]
    fn the_diary_is_taken_in_order() {
        let mut course = course();
        for (day, time) in [(3, 5), (1, 9), (1, 2)] {
            course.write_down(Entry {
                day: Day(day),
                time_of_day_ms: time,
                body: Body::CompetitorContact,
                truth: None,
            });
        }
        let times: Vec<u32> = course
            .take_due(Day(2))
            .iter()
            .map(|entry| entry.time_of_day_ms)
            .collect();
        assert_eq!(times, [2, 9]);
        assert!(course.take_due(Day(2)).is_empty());
        assert_eq!(course.take_due(Day(3)).len(), 1);
    }
}
