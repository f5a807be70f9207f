//! What became of a false alarm about use: a mistake, or a change of life that no truth file knows.

use super::alarms::Alarm;
use super::cohort::Cohort;
use super::usage::UsageRow;

/// Whether use came back after a false alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aftermath {
    /// A week within [`AFTER_DAYS`] had at least [`BACK_SHARE`] of the old level.
    Recovered,
    /// No week had.
    StayedLow,
    /// The data end before the days are over.
    NotKnownYet,
}

/// Days after the alarm's day in which use may come back.
pub const AFTER_DAYS: usize = 14;
/// Share of the old level that is "back".
pub const BACK_SHARE: f64 = 0.6;
/// Use is back if the mean of so many days in a row is: a week, so that weekdays do not matter.
const BACK_DAYS: usize = 7;
/// The old level is the mean of so many days before the fall.
const BEFORE_DAYS: usize = 28;
/// The fall began at most so many days before the alarm's day, that day included.
const FALL_DAYS: usize = 28;
/// Days before the earliest beginning of a fall that are compared with those after it.
const REFERENCE_DAYS: usize = 14;

/// What became of an alarm. Only daily counts decide, so that every rule is judged alike.
pub fn aftermath(cohort: &Cohort<'_>, alarm: &Alarm) -> Aftermath {
    let rows = &cohort.recording.rows;
    let Some(day) = rows.index(alarm.day) else {
        return Aftermath::NotKnownYet;
    };
    if day + AFTER_DAYS >= rows.days {
        return Aftermath::NotKnownYet;
    }
    let row = rows.row(alarm.subscriber);
    let week = |from: usize| mean(&row, from, from + BACK_DAYS);
    let mut weeks = (day + 1..=day + 1 + AFTER_DAYS - BACK_DAYS).map(week);
    match old_level(&row, day) {
        Some(level) if weeks.any(|week| week >= BACK_SHARE * level) => Aftermath::Recovered,
        _ => Aftermath::StayedLow,
    }
}

/// Mean daily use of the 28 days before the fall that an alarm of this day speaks of; nothing without any use in them.
fn old_level(row: &UsageRow<'_>, day: usize) -> Option<f64> {
    let (first, _) = row.span()?;
    let fall = fall_before(row, first, day);
    let from = fall.saturating_sub(BEFORE_DAYS).max(first);
    let level = (from < fall).then(|| mean(row, from, fall));
    level.filter(|level| *level > 0.0)
}

/// The day on which the fall began. It is the day of the last 28 on which the running sum of use above its mean is highest,
/// and of equal ones the last.
fn fall_before(row: &UsageRow<'_>, first: usize, day: usize) -> usize {
    let from = (day + 1).saturating_sub(FALL_DAYS + REFERENCE_DAYS);
    let from = from.max(first).min(day);
    let days = (day + 1 - from) as i64;
    let all: i64 = (from..=day).map(|index| i64::from(row.total(index))).sum();
    let earliest = (day + 1).saturating_sub(FALL_DAYS);
    let (mut sum, mut highest, mut fall) = (0, i64::MIN, day);
    for index in from..=day {
        if index >= earliest && sum >= highest {
            (highest, fall) = (sum, index);
        }
        sum += days * i64::from(row.total(index)) - all;
    }
    fall
}

fn mean(row: &UsageRow<'_>, from: usize, until: usize) -> f64 {
    let all: u32 = (from..until).map(|index| row.total(index)).sum();
    f64::from(all) / (until - from) as f64
}
