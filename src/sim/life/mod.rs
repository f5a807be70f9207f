//! One day of one subscriber.

mod absence;
mod billing;
mod bursts;
mod churn;
mod contact;
mod everyday;
mod orders;
mod usage;

pub use bursts::BurstTiming;

use super::event::{Body, Event, Forwarding};
use super::person::{Line, Person};
use super::random::{Dice, Purpose, mix};
use super::today::Today;
use super::truth::{Kind, Truth};
use crate::model::Timestamp;
use absence::{begin_absence, seasonal_absence};
use billing::bill;
use everyday::{check_dates, draw_everyday_event, write_note};
use orders::{Standing, order};
use usage::use_line;

/// The subscriber lives through a day: appends its records, and to the ground truth what began.
pub fn live(
    person: &mut Person,
    today: &Today,
    timing: &BurstTiming,
    events: &mut Vec<Event>,
    truth: &mut Vec<Truth>,
) {
    if person.activated_on > today.day {
        return;
    }
    let seed = today.config.seed;
    let dice = &mut Dice::new(seed, person.index, today.number, Purpose::Behaviour);
    let (start_ms, end_ms) = today.bounds();
    let before = Standing::of(person);
    person.use_new_handset(start_ms);
    let first = today.number == 0 || person.activated_on == today.day;
    if first {
        begin_line(person, today, events, truth, dice);
    }
    let mut profile_changed = false;
    if person.line == Line::Human && !person.timeline.leaving() {
        profile_changed |= draw_events(person, today, dice, truth);
    }
    if let Some(invoice) = bill(person, today, dice, truth) {
        let at_ms = today.at(dice.between(3_600_000, 5 * 3_600_000));
        events.push(person.record(at_ms, invoice));
    }
    profile_changed |= run_scheduled(person, today, events, truth);
    if profile_changed && !first {
        let at_ms = today.at(dice.between(10 * 3_600_000, 18 * 3_600_000));
        let profile = Body::Profile(person.profile);
        events.push(person.record(at_ms, profile));
    }
    if person.timeline.gone_ms > start_ms {
        use_line(person, today, timing, events, dice);
        // Last of all, so that the draws for the records before it stay as they are.
        order(person, today, before, events, truth);
        if person.timeline.gone_ms <= end_ms {
            close_episode(person, truth);
        }
    }
}

/// The owner is gone: only now the last use is known. Where it lies before the onset, the silence was the onset; of a
/// stop it always is.
fn close_episode(person: &mut Person, truth: &mut [Truth]) {
    let place = person.timeline.leaving_episode.take();
    let Some(line) = place.and_then(|place| truth.get_mut(place)) else {
        return;
    };
    if let Some(last_use_ms) = person.last_use_ms {
        line.last_use_at = Some(Timestamp(last_use_ms));
        line.from = line.from.min(Timestamp(last_use_ms));
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
        person.timeline.silence(start_ms, at_ms);
        at_ms
    } else {
        start_ms + (mix(person.number) % 600_000) as i64
    };
    let profile = Body::Profile(person.profile);
    events.push(person.record(at_ms, profile));
    if person.second_sim {
        let scenario = &today.config.scenario;
        person
            .timeline
            .plan_absence(dice, scenario, today.day, true);
    }
    if person.visitor {
        let stay = today.config.scenario.lines.visitor_days;
        let gone_on = today.day + dice.days(stay);
        let gone_ms = today.moment(gone_on, person.habits.time_of_day_ms(dice));
        person.timeline.gone_ms = gone_ms;
        truth.push(Truth::new(Some(person.number), Kind::Visitor, gone_ms));
    }
    let traits = [
        (person.poor_coverage, Kind::PoorCoverage),
        (person.misfit > 0, Kind::OverPlanned),
        (person.misfit < 0, Kind::UnderPlanned),
        (person.line == Line::Machine, Kind::Machine),
        (person.line == Line::Robot, Kind::Robot),
        (person.line == Line::SimBank, Kind::SimBank),
    ];
    for (_, kind) in traits.into_iter().filter(|(has, _)| *has) {
        truth.push(Truth::new(Some(person.number), kind, at_ms));
    }
}

/// Draws what begins today. Returns whether the profile changed.
fn draw_events(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    truth: &mut Vec<Truth>,
) -> bool {
    let scenario = &today.config.scenario;
    if person.timeline.next_absence <= today.day {
        begin_absence(person, today, dice, truth);
        let second_sim = person.second_sim;
        person
            .timeline
            .plan_absence(dice, scenario, today.day, second_sim);
    }
    seasonal_absence(person, today, dice, truth);
    if person.timeline.next_churn <= today.day {
        // Whoever is away decides nothing.
        if !person.timeline.silence_after(today.bounds().0) {
            churn::begin(person, today, dice, truth);
        }
        person.timeline.plan_churn(dice, scenario, today.day);
        return false;
    }
    let changed = draw_everyday_event(person, today, dice, truth);
    check_dates(person, today, dice, truth) || changed
}

/// Carries out what is scheduled for today. Returns whether the profile changed.
fn run_scheduled(
    person: &mut Person,
    today: &Today,
    events: &mut Vec<Event>,
    truth: &mut Vec<Truth>,
) -> bool {
    let mut profile_changed = false;
    for entry in person.timeline.take_due(today.day) {
        let at_ms = today.at(entry.time_of_day_ms);
        let needs_line = entry.body.is_usage() || matches!(entry.body, Body::Forward { .. });
        if needs_line && !person.timeline.usable(at_ms) {
            continue;
        }
        match entry.body {
            Body::Suspension { reason: "arrears" } => {
                person.timeline.silence(at_ms, i64::MAX);
                person.profile.suspensions = person.profile.suspensions.saturating_add(1);
                profile_changed = true;
            }
            Body::Reactivation { reason: "arrears" } => person.timeline.end_silence(at_ms),
            Body::Reactivation { .. } => person.account.closed = false,
            Body::Cancellation { .. } => person.account.closed = true,
            Body::Forward { other, action } => {
                person.forwards_to = (action == Forwarding::Activate).then_some(other);
            }
            _ => {}
        }
        events.push(person.record(at_ms, entry.body));
        if let Some(note) = entry.truth {
            write_note(note, person, today, at_ms, truth);
        }
    }
    profile_changed
}
