use super::cohort::Cohort;
use super::recording::Firing;
use crate::model::{Calendar, Day, Suppression, Timestamp};

/// One alarm of a rule, ours or a simple one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alarm {
    /// The subscriber's number in the roster.
    pub subscriber: u32,
    /// Its basis, the last moment seen: the event's time, or the end of the judged day.
    pub seen_at: Timestamp,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// Local day of `seen_at`.
    pub day: Day,
    /// The subscriber's churn score including it, 0..1; 1 for the simple rules, which have no score.
    pub score: f32,
    /// The probability of a fall at the time, 0..1; 0 where none was worked out.
    pub fall: f32,
    /// Whether it costs work: not if earlier records said that the subscriber has left.
    pub burden: bool,
}

/// After an alarm, every rule leaves its subscriber alone for so many days.
pub const COOLDOWN_DAYS: i32 = 30;

/// Whether a firing is an alarm: one that is no repeat. What the policy did with it does not matter.
fn is_alarm(firing: &Firing) -> bool {
    firing.suppressed != Some(Suppression::Repeat)
}

/// The last moment that a firing rests on: the event's time, or the end of the judged day.
pub fn basis(calendar: &Calendar, firing: &Firing) -> Timestamp {
    match firing.immediate {
        true => firing.raised_at,
        // A day closes on the next day.
        false => Timestamp(calendar.start_of(calendar.day_of(firing.raised_at)).0 - 1),
    }
}

/// Firings as alarms, by subscriber and time.
pub fn of_firings(
    cohort: &Cohort<'_>,
    firings: &[Firing],
    wanted: impl Fn(&Firing) -> bool,
) -> Vec<Alarm> {
    let calendar = cohort.calendar;
    let alarm = |firing: &Firing| {
        let seen_at = basis(calendar, firing);
        let gone = [Suppression::Churned, Suppression::MnpHold];
        let gone = firing.suppressed.is_some_and(|why| gone.contains(&why));
        Alarm {
            subscriber: firing.subscriber,
            seen_at,
            raised_at: firing.raised_at,
            day: calendar.day_of(seen_at),
            score: firing.score,
            fall: firing.fall,
            burden: !gone && !cohort.gone(firing.subscriber, seen_at),
        }
    };
    let wanted = firings.iter().filter(|f| is_alarm(f) && wanted(f));
    let mut alarms: Vec<Alarm> = wanted.map(alarm).collect();
    alarms.sort_by_key(|alarm| (alarm.subscriber, alarm.raised_at));
    alarms
}

/// Leaves out alarms within the cool-down of the previous one. An onset in between ends the cool-down: a false alarm a week
/// before the onset must not hide the right one after it.
pub fn cool_down(cohort: &Cohort<'_>, alarms: Vec<Alarm>) -> Vec<Alarm> {
    let mut last: Option<Alarm> = None;
    let mut kept = Vec::with_capacity(alarms.len());
    for alarm in alarms {
        let cooling = last.is_some_and(|before| {
            before.subscriber == alarm.subscriber
                && alarm.day.since(before.day) < COOLDOWN_DAYS
                && !onset_between(cohort, alarm.subscriber, before.seen_at, alarm.seen_at)
        });
        if !cooling {
            last = Some(alarm);
            kept.push(alarm);
        }
    }
    kept
}

/// Whether something began with a subscriber after one moment and up to another.
pub fn onset_between(
    cohort: &Cohort<'_>,
    subscriber: u32,
    after: Timestamp,
    until: Timestamp,
) -> bool {
    let mut episodes = cohort.labels.churn_of(subscriber).iter();
    episodes.any(|episode| after < episode.from && episode.from <= until)
}
