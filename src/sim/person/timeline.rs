//! What lies ahead of a line: at what level it is used, when it is silent, when its owner is gone for good, and the
//! events scheduled for it.

use crate::model::Day;
use crate::sim::event::Body;
use crate::sim::random::Dice;
use crate::sim::scenario::{LINE_DAYS, Scenario};
use crate::sim::truth::{Detail, Kind};

/// The state of one line.
pub struct Timeline {
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
    /// The index in the ground truth of the churn episode that ends then.
    pub leaving_episode: Option<usize>,
    /// The days on which the next churn path and the next absence begin.
    pub next_churn: Day,
    pub next_absence: Day,
    scheduled: Vec<ScheduledEvent>,
}

/// A change of level that is under way, from the levels before it.
struct Shift {
    from: Day,
    days: u16,
    before: (f64, f64),
}

/// An event that is going to happen.
#[derive(Debug, Clone, Copy)]
pub struct ScheduledEvent {
    pub day: Day,
    pub time_of_day_ms: u32,
    pub body: Body,
    /// What the ground truth says about it, if it is worth a line.
    pub truth: Option<TruthNote>,
}

/// A line of ground truth about one event.
#[derive(Debug, Clone, Copy)]
pub struct TruthNote {
    pub kind: Kind,
    /// The churn episode that it belongs to, if any.
    pub before: Option<Kind>,
}

impl TruthNote {
    /// A note on an event that leads nowhere.
    pub const fn standalone(kind: Kind) -> Option<Self> {
        Some(Self { kind, before: None })
    }

    /// A note on an event before somebody leaves.
    pub const fn leading_to(kind: Kind, episode: Kind) -> Option<Self> {
        let before = Some(episode);
        Some(Self { kind, before })
    }

    /// The fact about it.
    pub fn detail(&self) -> Option<(&'static str, Detail)> {
        let before = self.before?;
        Some(("before", Detail::Name(before.name())))
    }
}

impl Timeline {
    /// The timeline of a line whose first day is given.
    pub fn new(dice: &mut Dice, scenario: &Scenario, first: Day) -> Self {
        let mut timeline = Self {
            level: (1.0, 1.0),
            shift: None,
            silent_from_ms: i64::MIN,
            silent_until_ms: i64::MIN,
            away_until_ms: i64::MIN,
            gone_ms: i64::MAX,
            leaving_episode: None,
            next_churn: first,
            next_absence: first,
            scheduled: Vec::new(),
        };
        timeline.plan_churn(dice, scenario, first);
        timeline.plan_absence(dice, scenario, first, false);
        timeline
    }

    /// Draws the day on which the next churn path begins.
    pub fn plan_churn(&mut self, dice: &mut Dice, scenario: &Scenario, from: Day) {
        self.next_churn = occurs_after(from, scenario.churn.rate(), dice);
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

    /// The owner stays after all, and does nothing of what would have followed. Returns the churn episode that does not end; none
    /// if nobody was leaving, or the owner is gone already.
    pub fn stay(&mut self) -> Option<usize> {
        let episode = self.leaving_episode.take()?;
        self.gone_ms = i64::MAX;
        let departs =
            |body: &Body| matches!(body, Body::Cancellation { .. } | Body::PortOutApplication);
        self.scheduled.retain(|entry| !departs(&entry.body));
        Some(episode)
    }

    /// The owner who had gone uses the line again from a day on, which the operator puts in service that morning.
    pub fn come_back(&mut self, day: Day) {
        if self.leaving_episode.is_some() || self.gone_ms == i64::MAX {
            return;
        }
        self.gone_ms = i64::MAX;
        self.schedule(ScheduledEvent {
            day,
            time_of_day_ms: 8 * 3_600_000,
            body: Body::Reactivation {
                reason: "voluntary",
            },
            truth: None,
        });
    }

    /// Schedules an event.
    pub fn schedule(&mut self, entry: ScheduledEvent) {
        self.scheduled.push(entry);
    }

    /// Takes what is scheduled for a day, in the order of its times.
    pub fn take_due(&mut self, day: Day) -> Vec<ScheduledEvent> {
        if self.scheduled.iter().all(|entry| entry.day > day) {
            return Vec::new();
        }
        let mut due: Vec<ScheduledEvent> = self
            .scheduled
            .extract_if(.., |entry| entry.day <= day)
            .collect();
        due.sort_by_key(|entry| entry.time_of_day_ms);
        due
    }
}

/// The day on which something of that rate next begins.
pub fn occurs_after(from: Day, rate: f64, dice: &mut Dice) -> Day {
    let days = dice.exponential(LINE_DAYS / rate.max(1e-6));
    from + 1 + days.min(1e6) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::random::Purpose;

    fn timeline() -> Timeline {
        let dice = &mut Dice::new(1, 0, 0, Purpose::Traits);
        Timeline::new(dice, &Scenario::default(), Day(100))
    }

    #[test]
    fn shifts_ramp_and_compound() {
        let mut timeline = timeline();
        timeline.shift(Day(10), 10, 0.5, 1.0);
        assert_eq!(timeline.levels(Day(10)), (1.0, 1.0));
        assert_eq!(timeline.levels(Day(15)), (0.75, 1.0));
        assert_eq!(timeline.levels(Day(40)), (0.5, 1.0));
        timeline.shift(Day(40), 0, 0.5, 0.5);
        assert_eq!(timeline.levels(Day(40)), (0.25, 0.5));
    }

    #[test]
    fn silences_join() {
        let mut timeline = timeline();
        timeline.silence(100, 200);
        timeline.silence(150, i64::MAX);
        assert!(timeline.usable(99) && !timeline.usable(100) && !timeline.usable(10_000));
        timeline.end_silence(500);
        assert!(timeline.usable(500) && !timeline.usable(499));
        timeline.silence(900, 1_000);
        assert!(timeline.usable(600) && !timeline.usable(950));
        // Whoever is suspended while away is back when both are over.
        timeline.go_away(2_000, 3_000);
        timeline.silence(2_500, i64::MAX);
        timeline.end_silence(2_800);
        assert!(!timeline.usable(2_900) && timeline.usable(3_000));
    }

    #[test]
    fn whoever_stays_after_all_does_nothing_that_leads_away() {
        let mut timeline = timeline();
        assert_eq!(timeline.stay(), None, "nobody was leaving");
        let reason = "voluntary";
        let bodies = [
            Body::PortOutApplication,
            Body::Cancellation { reason },
            Body::CompetitorContact,
        ];
        for body in bodies {
            timeline.schedule(ScheduledEvent {
                day: Day(3),
                time_of_day_ms: 1,
                body,
                truth: None,
            });
        }
        (timeline.gone_ms, timeline.leaving_episode) = (5, Some(7));
        assert_eq!(timeline.stay(), Some(7));
        assert!(!timeline.leaving() && timeline.usable(6));
        let due = timeline.take_due(Day(3));
        assert!(matches!(
            &due[..],
            [ScheduledEvent {
                body: Body::CompetitorContact,
                ..
            }]
        ));
        timeline.gone_ms = 5;
        assert_eq!(timeline.stay(), None, "the owner is gone already");
    }

    #[test]
    fn scheduled_events_are_taken_in_order() {
        let mut timeline = timeline();
        for (day, time) in [(3, 5), (1, 9), (1, 2)] {
            timeline.schedule(ScheduledEvent {
                day: Day(day),
                time_of_day_ms: time,
                body: Body::CompetitorContact,
                truth: None,
            });
        }
        let times: Vec<u32> = timeline
            .take_due(Day(2))
            .iter()
            .map(|entry| entry.time_of_day_ms)
            .collect();
        assert_eq!(times, [2, 9]);
        assert!(timeline.take_due(Day(2)).is_empty());
        assert_eq!(timeline.take_due(Day(3)).len(), 1);
    }
}
