//! Contacts with competitors and with our own service, scheduled on the line's timeline.

use super::usage::answered_call;
use crate::model::Day;
use crate::sim::event::Body;
use crate::sim::person::{Person, ScheduledEvent, TruthNote};
use crate::sim::random::Dice;
use crate::sim::today::Today;

/// A call or message to a competitor's service number, on a day from today.
pub fn hotline_call(
    person: &mut Person,
    today: &Today,
    day: Day,
    truth: Option<TruthNote>,
    dice: &mut Dice,
) {
    let other = dice.pick(&today.config.operator.competitor_hotlines());
    let body = if dice.chance(0.1) {
        Body::Message {
            outgoing: true,
            other,
        }
    } else {
        Body::Call(answered_call(person, true, other, dice))
    };
    let time_of_day_ms = person.habits.time_of_day_ms(dice);
    person.timeline.schedule(ScheduledEvent {
        day,
        time_of_day_ms,
        body,
        truth,
    });
}

/// An answered call of a competitor's sales force, on a day from today; some are reported by staff instead.
pub fn marketing_call(
    person: &mut Person,
    today: &Today,
    day: Day,
    truth: Option<TruthNote>,
    dice: &mut Dice,
) {
    let other = dice.pick(&today.config.operator.competitor_marketing());
    let body = if dice.chance(today.config.scenario.events.reported_share) {
        Body::CompetitorContact
    } else {
        Body::Call(answered_call(person, false, other, dice))
    };
    office_hours(person, day, body, truth, dice);
}

/// A question to our own service.
pub fn enquiry(
    person: &mut Person,
    day: Day,
    subject: &'static str,
    truth: Option<TruthNote>,
    dice: &mut Dice,
) {
    office_hours(person, day, Body::Enquiry { subject }, truth, dice);
}

/// Something that happens in office hours.
pub fn office_hours(
    person: &mut Person,
    day: Day,
    body: Body,
    truth: Option<TruthNote>,
    dice: &mut Dice,
) {
    let time_of_day_ms = office_time_ms(dice);
    person.timeline.schedule(ScheduledEvent {
        day,
        time_of_day_ms,
        body,
        truth,
    });
}

/// A time of day between 9 and 20 o'clock.
pub fn office_time_ms(dice: &mut Dice) -> u32 {
    dice.between(9 * 3_600_000, 20 * 3_600_000)
}
