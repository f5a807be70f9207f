use super::cohort::Cohort;
use super::recording::Firing;
use crate::model::{Day, Suppression, Timestamp};

/// One alarm of a rule, ours or another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alarm {
    /// Whose, by number in the roster.
    pub subscriber: u32,
    /// The last moment it rests on: an event's time, or the end of the judged day.
    pub seen_at: Timestamp,
    /// When it was raised.
    pub raised_at: Timestamp,
    /// Local day of `seen_at`: that of the event, or the judged one. It is raised a few hours after that day's end.
    pub day: Day,
    /// The subscriber's churn score with it, 0..1; 1 for rules that know none.
    pub score: f32,
    /// Whether anybody would have had to deal with it: not if the records said before that the subscriber has left.
    pub burden: bool,
}

/// A subscriber who was alarmed is left alone for so many days, by every rule alike.
pub const COOLDOWN_DAYS: i32 = 30;

/// Whether a firing is an alarm. Weak signs and repeats are none; what the policy did with the rest does not matter here.
fn is_alarm(firing: &Firing) -> bool {
    let none = [Suppression::WeakSign, Suppression::Repeat];
    !firing.suppressed.is_some_and(|why| none.contains(&why))
}

/// Firings as alarms, by subscriber and time.
pub fn of_firings(
    cohort: &Cohort<'_>,
    firings: &[Firing],
    wanted: impl Fn(&Firing) -> bool,
) -> Vec<Alarm> {
    let calendar = cohort.calendar;
    let alarm = |firing: &Firing| {
        let seen_at = match firing.immediate {
            true => firing.raised_at,
            // A day is closed on the one after it.
            false => Timestamp(calendar.start_of(calendar.day_of(firing.raised_at)).0 - 1),
        };
        let gone = [Suppression::Churned, Suppression::MnpHold];
        let gone = firing.suppressed.is_some_and(|why| gone.contains(&why));
        Alarm {
            subscriber: firing.subscriber,
            seen_at,
            raised_at: firing.raised_at,
            day: calendar.day_of(seen_at),
            score: firing.score,
            burden: !gone && !cohort.gone(firing.subscriber, seen_at),
        }
    };
    let wanted = firings.iter().filter(|f| is_alarm(f) && wanted(f));
    let mut alarms: Vec<Alarm> = wanted.map(alarm).collect();
    alarms.sort_by_key(|alarm| (alarm.subscriber, alarm.raised_at));
    alarms
}

/// Leaves out alarms within the cool-down of the one before. An onset in between ends the cool-down: what is found then is
/// news, and a false alarm a week before it must not hide it.
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
