//! The course a line takes: at what level it is used, when it is silent, when it is gone for good; and the diary of
//! what is going to happen to it.

use super::config::CityConfig;
use super::event::Body;
use super::random::Dice;
use super::truth::Kind;
use crate::model::Day;

/// The state of one line.
pub(super) struct Course {
    /// Level of calls and messages, and of data, once the present shift is over.
    level: (f64, f64),
    shift: Option<Shift>,
    /// The present or last silence, Unix milliseconds.
    silent_from_ms: i64,
    silent_until_ms: i64,
    /// When the owner leaves for good.
    pub gone_ms: i64,
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
pub(super) struct Entry {
    pub day: Day,
    pub time_of_day_ms: u32,
    pub body: Body,
    /// What the ground truth calls it, if it is worth a line, and whether it means no harm.
    pub truth: Option<(Kind, bool)>,
}

/// Mean days between two troubles of one line, at the default scale: 42 per 1,000 lines and 30 days.
const TROUBLE_MEAN_DAYS: f64 = 714.0;
/// Mean days between two absences: 25 per 1,000 lines and 30 days.
const ABSENCE_MEAN_DAYS: f64 = 1_200.0;
/// The same for those with a second SIM.
const SECOND_SIM_MEAN_DAYS: f64 = 45.0;

impl Course {
    /// The course of a line whose first day is given.
    pub fn new(dice: &mut Dice, config: &CityConfig, first: Day) -> Self {
        let mut course = Self {
            level: (1.0, 1.0),
            shift: None,
            silent_from_ms: i64::MIN,
            silent_until_ms: i64::MIN,
            gone_ms: i64::MAX,
            next_trouble: first,
            next_absence: first,
            diary: Vec::new(),
        };
        course.plan_trouble(dice, config, first);
        course.plan_absence(dice, first, false);
        course
    }

    /// Draws the day of the next trouble.
    pub fn plan_trouble(&mut self, dice: &mut Dice, config: &CityConfig, from: Day) {
        let mean_days = TROUBLE_MEAN_DAYS / config.trouble_scale.max(1e-6);
        self.next_trouble = days_later(from, dice.exponential(mean_days));
    }

    /// Draws the day of the next absence.
    pub fn plan_absence(&mut self, dice: &mut Dice, from: Day, second_sim: bool) {
        let mean_days = if second_sim {
            SECOND_SIM_MEAN_DAYS
        } else {
            ABSENCE_MEAN_DAYS
        };
        self.next_absence = days_later(from, dice.exponential(mean_days));
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

    /// Ends a silence of unknown length.
    pub fn end_silence(&mut self, at_ms: i64) {
        self.silent_until_ms = self.silent_until_ms.min(at_ms);
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

fn days_later(from: Day, days: f64) -> Day {
    from + 1 + days.min(1e6) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::random::Purpose;

    fn course() -> Course {
        let config = CityConfig::new(1, 1, 1);
        let dice = &mut Dice::new(1, 0, 0, Purpose::Traits);
        Course::new(dice, &config, Day(100))
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
