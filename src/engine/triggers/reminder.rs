//! Occasions that lie ahead on a known day: a birthday, an anniversary, a date on which something lapses.

use super::trigger::Firing;
use crate::engine::state::trigger_state::{FiringKind, TriggerState};
use crate::model::{Day, Evidence, Fact, Text};
use serde::Deserialize;

/// A greeting is still welcome so many days late, the longest that a task may take to be due.
pub const GREETING_GRACE_DAYS: u16 = 3;

/// A reminder that is due.
pub struct Reminder {
    /// The day of the occasion.
    pub on: Day,
    /// Days from today to it.
    pub days_left: i32,
    /// Days before the occasion from which on this reminder was due.
    pub days_before: u16,
}

/// When to remind of an occasion.
pub struct Schedule<'a> {
    /// Days before it at which a reminder is due, falling. One missed, because the day became known late, is made up for.
    pub days_before: &'a [u16],
    /// Days after a reminder in which no other is given, whatever the occasion's day.
    pub cooldown_days: u16,
    /// Days after the occasion for which there is still something to do about it.
    pub grace_days: u16,
}

impl Reminder {
    /// The numbers it rests on; `name` is what its day is.
    pub fn evidence(&self, name: &'static str) -> Evidence {
        Evidence {
            observed: f64::from(self.days_left),
            expected: 0.0,
            unit: "days_left".into(),
            window_days: 0,
            threshold: f64::from(self.days_before),
            facts: vec![(name.into(), Fact::Date(self.on))],
            source: None,
        }
    }
}

impl Schedule<'_> {
    /// The reminder of an occasion that is due `today`, if any.
    ///
    /// The state's level holds the day of the occasion reminded of, its note how many of its reminders are behind. Both
    /// are forgotten when the occasion is over, or was put on another day.
    pub fn due(
        &self,
        today: Day,
        occasion: Option<Day>,
        state: &mut TriggerState,
    ) -> Option<Reminder> {
        let occasion = occasion.filter(|on| *on >= today);
        let reminded = state.kept_day();
        if state.note > 0 && occasion != Some(reminded) {
            let age_days = today.since(reminded);
            if !(1..=i32::from(self.grace_days)).contains(&age_days) {
                state.level = 0.0;
                state.note = 0;
            }
        }
        let on = occasion?;
        let days_left = on.since(today);
        let reached = self.days_before.iter().copied();
        let reached = reached.take_while(|days| days_left <= i32::from(*days));
        let (count, days_before) = reached.zip(1..).map(|(days, count)| (count, days)).last()?;
        // Firings are dated by the day that just closed.
        if count <= state.note || state.cooling(today - 1, self.cooldown_days) {
            return None;
        }
        state.keep_day(on);
        state.note = count;
        Some(Reminder {
            on,
            days_left,
            days_before,
        })
    }
}

/// In plain words, what [`due`] keeps of an occasion.
pub fn describe_state(state: &TriggerState, occasion: &str) -> String {
    match state.note {
        0 => format!("no {occasion} ahead that was reported"),
        1 => format!("{occasion} on {}, reported once", state.kept_day()),
        times => {
            let on = state.kept_day();
            format!("{occasion} on {on}, all of its first {times} reminders behind")
        }
    }
}

/// Settings of a trigger that reminds of a day on which something lapses.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lapse {
    days_before: Vec<u16>,
    cooldown_days: u16,
    strength: f64,
}

impl Lapse {
    /// The reminder that is due at a day's close, if any; `text` gets the day of the lapse and the days left to it.
    pub fn firing(
        &self,
        today: Day,
        lapses_on: Option<Day>,
        state: &mut TriggerState,
        text: impl Fn(Day, i32) -> Text,
    ) -> Option<Firing> {
        let schedule = Schedule {
            days_before: &self.days_before,
            cooldown_days: self.cooldown_days,
            grace_days: 0,
        };
        let due = schedule.due(today, lapses_on, state)?;
        Some(Firing {
            kind: FiringKind::Full,
            strength: self.strength,
            evidence: due.evidence("expires_on"),
            text: text(due.on, due.days_left),
        })
    }

    /// Why the settings cannot go together: the key, and what it must be.
    pub fn conflict(&self) -> Option<(&'static str, &'static str)> {
        let mut gaps = self.days_before.windows(2).map(|pair| pair[0] - pair[1]);
        let too_long = gaps.any(|gap| gap < self.cooldown_days);
        too_long.then_some((
            "cooldown_days",
            "must be no longer than between two of `days_before`",
        ))
    }
}
