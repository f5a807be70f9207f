//! What happens without anybody leaving: enquiries, curiosity, sales calls, new handsets and plans, and the dates of
//! contracts and offers.

use super::churn::begin_stop;
use super::contact::{enquiry, hotline_call, marketing_call, office_hours, office_time_ms};
use crate::model::{Day, Timestamp};
use crate::sim::event::{Body, Forwarding};
use crate::sim::person::{PLANS, Person, TruthNote};
use crate::sim::random::Dice;
use crate::sim::scenario::{Events, LINE_DAYS};
use crate::sim::today::Today;
use crate::sim::truth::{Class, Detail, Kind, Truth};

type EverydayEvent = fn(&mut Person, &Today, &mut Dice, &mut Vec<Truth>) -> bool;

/// What can happen on a day, with its rates.
fn everyday_events(events: &Events) -> [(f64, EverydayEvent); 14] {
    [
        (events.marketing_rate, sales_call),
        (events.wrong_number_rate, wrong_number),
        (events.port_curiosity_rate, port_curiosity),
        (events.cancel_curiosity_rate, cancel_curiosity),
        (events.enquiry_rate, ordinary_enquiry),
        (events.complaint_rate, some_complaint),
        (events.charge_rate, charge),
        (events.bill_shock_rate, bill_shock),
        (events.new_handset_rate, new_handset),
        (events.new_plan_rate, new_plan),
        (events.forwarding_rate, forwarding),
        (events.substitution_rate, substitution),
        (events.data_growth_rate, data_growth),
        (events.poor_coverage_complaint_rate, network_complaint),
    ]
}

/// Draws at most one event of the day and schedules it. Returns whether the profile changed.
pub fn draw_everyday_event(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    truth: &mut Vec<Truth>,
) -> bool {
    let mut place = dice.unit() * LINE_DAYS;
    for (rate, event) in everyday_events(&today.config.scenario.events) {
        if place < rate {
            return event(person, today, dice, truth);
        }
        place -= rate;
    }
    false
}

fn sales_call(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    _truth: &mut Vec<Truth>,
) -> bool {
    let note = TruthNote::standalone(Kind::CompetitorMarketing);
    marketing_call(person, today, today.day, note, dice);
    false
}

fn wrong_number(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    _truth: &mut Vec<Truth>,
) -> bool {
    for _ in 0..dice.between(1, 2) {
        let day = today.day + dice.below(4) as i32;
        hotline_call(
            person,
            today,
            day,
            TruthNote::standalone(Kind::WrongNumber),
            dice,
        );
    }
    false
}

fn port_curiosity(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    _truth: &mut Vec<Truth>,
) -> bool {
    let note = TruthNote::standalone(Kind::PortCuriosity);
    enquiry(person, today.day, "port_out", note, dice);
    false
}

fn cancel_curiosity(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    _truth: &mut Vec<Truth>,
) -> bool {
    let note = TruthNote::standalone(Kind::CancelCuriosity);
    enquiry(person, today.day, "cancel", note, dice);
    false
}

fn ordinary_enquiry(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    _truth: &mut Vec<Truth>,
) -> bool {
    let subject = dice.pick(&["bill", "bill", "plan", "contract"]);
    enquiry(person, today.day, subject, None, dice);
    false
}

fn some_complaint(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    _truth: &mut Vec<Truth>,
) -> bool {
    let category = dice.pick(&["billing", "network", "service"]);
    complaint(person, today, today.day, category, dice);
    false
}

/// Where calls drop, people complain.
fn network_complaint(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    _truth: &mut Vec<Truth>,
) -> bool {
    if person.poor_coverage {
        complaint(person, today, today.day, "network", dice);
    }
    false
}

fn complaint(
    person: &mut Person,
    today: &Today,
    day: Day,
    category: &'static str,
    dice: &mut Dice,
) {
    let events = &today.config.scenario.events;
    let rated = dice.chance(events.rated_share);
    let body = Body::Complaint {
        category,
        resolved: dice.chance(events.resolved_share),
        satisfaction: rated.then(|| dice.between(1, 5) as u8),
    };
    let note = TruthNote::standalone(Kind::SingleComplaint);
    office_hours(person, day, body, note, dice);
}

/// A service is charged; some are never asked for, and some of those lead to a complaint.
fn charge(person: &mut Person, today: &Today, dice: &mut Dice, _truth: &mut Vec<Truth>) -> bool {
    let events = &today.config.scenario.events;
    let unasked = dice.chance(events.unasked_share);
    let body = Body::Charge {
        amount: dice.pick(&[200, 500, 600, 1_000, 1_500, 3_000]),
        service: dice.pick(&[
            "ringback_tone",
            "video_pass",
            "news",
            "cloud_storage",
            "game_pass",
        ]),
        subscribed_by_customer: !unasked,
    };
    let note = TruthNote::standalone(Kind::UnaskedCharge).filter(|_| unasked);
    office_hours(person, today.day, body, note, dice);
    if unasked && dice.chance(events.unasked_complaint_share) {
        let later = today.day + dice.between(1, 6) as i32;
        complaint(person, today, later, "unwanted_service", dice);
    }
    false
}

/// The next invoice is much higher than usual: roaming, or data beyond the plan.
fn bill_shock(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    _truth: &mut Vec<Truth>,
) -> bool {
    let fees = dice.within(today.config.scenario.events.bill_shock_fees);
    person.account.extra = (fees * f64::from(person.plan().monthly_fee)) as i32;
    false
}

fn new_handset(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    truth: &mut Vec<Truth>,
) -> bool {
    let at_ms = today.at(office_time_ms(dice));
    person.change_handset(at_ms);
    truth.push(Truth::new(Some(person.number), Kind::NewHandset, at_ms));
    false
}

fn new_plan(person: &mut Person, today: &Today, dice: &mut Dice, truth: &mut Vec<Truth>) -> bool {
    let larger = dice.chance(today.config.scenario.events.larger_plan_share);
    let plan = person.profile.plan;
    let wanted = if larger {
        plan + 1
    } else {
        plan.saturating_sub(1)
    };
    person.profile.plan = wanted.min(PLANS.len() as u8 - 1);
    if person.profile.plan == plan {
        return false;
    }
    let from_ms = today.bounds().0;
    let mut line = Truth::new(Some(person.number), Kind::NewPlan, from_ms);
    line.details.push(("larger", Detail::Is(larger)));
    truth.push(line);
    true
}

/// Calls go elsewhere for some days, or for good.
fn forwarding(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    _truth: &mut Vec<Truth>,
) -> bool {
    let events = &today.config.scenario.events;
    let other = person.acquaintance(dice);
    let body = |action| Body::Forward { other, action };
    let note = TruthNote::standalone(Kind::CallForwarding);
    office_hours(person, today.day, body(Forwarding::Activate), note, dice);
    if dice.chance(events.forwarding_ends_share) {
        let later = today.day + dice.days(events.forwarding_days);
        office_hours(person, later, body(Forwarding::Deactivate), None, dice);
    }
    false
}

fn substitution(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    truth: &mut Vec<Truth>,
) -> bool {
    let events = &today.config.scenario.events;
    let voice = dice.within(events.substitution_voice_level);
    let data = events.substitution_data_level;
    let days = events.substitution_days as u16;
    person.timeline.shift(today.day, days, voice, data);
    let mut line = Truth::new(Some(person.number), Kind::Substitution, today.bounds().0);
    line.details.push(("voice_to_level", Detail::Level(voice)));
    line.details.push(("data_to_level", Detail::Level(data)));
    truth.push(line);
    false
}

fn data_growth(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    truth: &mut Vec<Truth>,
) -> bool {
    let events = &today.config.scenario.events;
    let level = dice.within(events.data_growth_level);
    let days = events.data_growth_days as u16;
    person.timeline.shift(today.day, days, 1.0, level);
    let mut line = Truth::new(Some(person.number), Kind::DataGrowth, today.bounds().0);
    line.details.push(("data_to_level", Detail::Level(level)));
    truth.push(line);
    false
}

/// Looks at what ends on a date: contracts, points and offers. Returns whether the profile changed.
pub fn check_dates(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    truth: &mut Vec<Truth>,
) -> bool {
    let contracts = &today.config.scenario.contracts;
    let mut changed = false;
    if person.profile.points_expire_on < today.day {
        person.profile.points_expire_on = person.profile.points_expire_on + 365;
        changed = true;
    }
    if person
        .profile
        .offer_expires_on
        .is_some_and(|on| on < today.day)
    {
        let another = dice.chance(contracts.offer_renewal_share);
        let on = today.day + dice.between(30, 180) as i32;
        person.profile.offer_expires_on = another.then_some(on);
        changed = true;
    }
    let Some(end) = person.profile.contract_end_on else {
        return changed;
    };
    let left_days = end.since(today.day);
    match person.renewal_lead_days {
        Some(lead) if left_days == i32::from(lead) => {
            let months = dice.pick(&[12, 24]);
            person.profile.contract_end_on = Some(end + months * 365 / 12);
            let again = dice.chance(contracts.renewal_share);
            person.renewal_lead_days = again.then_some(lead);
            changed = true;
        }
        None if left_days == 10
            && dice.chance(today.config.scenario.churn.stop.contract_end_share) =>
        {
            begin_stop(person, today, dice, truth);
        }
        _ => {}
    }
    changed
}

/// Writes the line of ground truth about a scheduled event.
pub fn write_note(
    note: TruthNote,
    person: &Person,
    today: &Today,
    at_ms: i64,
    truth: &mut Vec<Truth>,
) {
    let mut line = Truth::new(Some(person.number), note.kind, at_ms);
    line.details.extend(note.detail());
    if note.kind.class() == Class::Harmless {
        // Curiosity is over with the day.
        line.until = Some(Timestamp(today.bounds().1));
    }
    truth.push(line);
}
