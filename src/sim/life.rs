//! One day of one subscriber.

use super::billing::bill;
use super::event::{Body, Event};
use super::everyday::{begin_absence, draw_happening, mind_contract, seasonal_absence};
use super::habits::{call_or_message, data_session};
use super::person::{Line, Person};
use super::random::{Dice, Purpose, mix};
use super::today::Today;
use super::trouble;
use super::truth::{Kind, Truth};

/// The subscriber lives through a day: appends its records, and to the ground truth what began.
pub(super) fn live(
    person: &mut Person,
    today: &Today,
    events: &mut Vec<Event>,
    truth: &mut Vec<Truth>,
) {
    if person.activated_on > today.day {
        return;
    }
    let seed = today.config.seed;
    let dice = &mut Dice::new(seed, person.index, today.number, Purpose::Behaviour);
    let (start_ms, _) = today.bounds();
    let first = today.number == 0 || person.activated_on == today.day;
    if first {
        begin_line(person, today, events, truth, dice);
    }
    let mut profile_changed = false;
    if person.line == Line::Human && !person.course.leaving() {
        profile_changed |= draw_events(person, today, dice, truth);
    }
    if let Some(invoice) = bill(person, today, dice, truth) {
        let at_ms = today.at(dice.between(3_600_000, 5 * 3_600_000));
        events.push(person.record(at_ms, invoice));
    }
    profile_changed |= follow_diary(person, today, events, truth);
    if profile_changed && !first {
        let at_ms = today.at(dice.between(10 * 3_600_000, 18 * 3_600_000));
        let profile = Body::Profile(person.profile);
        events.push(person.record(at_ms, profile));
    }
    if person.course.gone_ms > start_ms {
        use_line(person, today, events, dice);
    }
}

/// The first profile: of old customers in the first minutes of the simulation, of new ones when they join.
fn begin_line(
    person: &mut Person,
    today: &Today,
    events: &mut Vec<Event>,
    truth: &mut Vec<Truth>,
    dice: &mut Dice,
) {
    let (start_ms, _) = today.bounds();
    let at_ms = if person.activated_on == today.day {
        let at_ms = today.at(dice.between(9 * 3_600_000, 19 * 3_600_000));
        person.course.silence(start_ms, at_ms);
        at_ms
    } else {
        start_ms + (mix(person.number) % 600_000) as i64
    };
    let profile = Body::Profile(person.profile);
    events.push(person.record(at_ms, profile));
    if person.second_sim {
        person.course.plan_absence(dice, today.day, true);
    }
    if person.poor_coverage {
        let line = Truth::new(Some(person.number), Kind::PoorCoverage, false, at_ms);
        truth.push(line);
    }
}

/// Draws what begins today. Returns whether the profile changed.
fn draw_events(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    truth: &mut Vec<Truth>,
) -> bool {
    if person.course.next_absence <= today.day {
        begin_absence(person, today, dice, truth);
        let second_sim = person.second_sim;
        person.course.plan_absence(dice, today.day, second_sim);
    }
    seasonal_absence(person, today, dice, truth);
    if person.course.next_trouble <= today.day {
        trouble::begin(person, today, dice, truth);
        person.course.plan_trouble(dice, today.config, today.day);
        return false;
    }
    let changed = draw_happening(person, today, dice, truth);
    mind_contract(person, today, dice, truth) || changed
}

/// Lets happen what the diary holds for today. Returns whether the profile changed.
fn follow_diary(
    person: &mut Person,
    today: &Today,
    events: &mut Vec<Event>,
    truth: &mut Vec<Truth>,
) -> bool {
    let mut profile_changed = false;
    for entry in person.course.take_due(today.day) {
        let at_ms = today.at(entry.time_of_day_ms);
        let needs_line = entry.body.is_usage() || matches!(entry.body, Body::Forward { .. });
        if needs_line && !person.course.usable(at_ms) {
            continue;
        }
        match entry.body {
            Body::Suspension { reason: "arrears" } => {
                person.course.silence(at_ms, i64::MAX);
                person.profile.suspensions = person.profile.suspensions.saturating_add(1);
                profile_changed = true;
            }
            Body::Reactivation { reason: "arrears" } => person.course.end_silence(at_ms),
            Body::Cancellation { .. } => person.account.closed = true,
            _ => {}
        }
        person.account.meter(&entry.body);
        events.push(person.record(at_ms, entry.body));
        if let Some((kind, harmless)) = entry.truth {
            truth.push(Truth::new(Some(person.number), kind, harmless, at_ms));
        }
    }
    profile_changed
}

/// Ordinary use.
fn use_line(person: &mut Person, today: &Today, events: &mut Vec<Event>, dice: &mut Dice) {
    let levels = person.course.levels(today.day);
    let demand = person.habits.demand(today, levels, dice);
    for number in 0..demand.voice + demand.data {
        let at_ms = today.at(person.habits.time_of_day_ms(dice));
        let body = if number < demand.voice {
            call_or_message(person, dice)
        } else {
            data_session(person, dice)
        };
        if person.course.usable(at_ms) {
            person.account.meter(&body);
            events.push(person.record(at_ms, body));
        }
    }
}
