//! How subscribers are lost: the scripts of stops, lasting drops and decays, with what tends to come before and after
//! (DOMAIN sections 1 and 4). A script is drawn when it begins; its later steps go into the line's diary.

use super::course::Entry;
use super::event::Body;
use super::habits::answered_call;
use super::person::Person;
use super::random::Dice;
use super::today::Today;
use super::truth::{Detail, Kind, Truth};
use crate::model::{Day, Timestamp};

/// One of the three troubles begins today.
pub(super) fn begin(person: &mut Person, today: &Today, dice: &mut Dice, truth: &mut Vec<Truth>) {
    match dice.below(42) {
        0..=23 => begin_stop(person, today, dice, truth),
        24..=33 => begin_drop(person, today, dice, truth),
        _ => begin_decay(person, today, dice, truth),
    }
}

/// Within two weeks the owner moves to a competitor.
pub(super) fn begin_stop(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    truth: &mut Vec<Truth>,
) {
    let lead_days = dice.between(1, 14) as i32;
    let leaves_on = today.day + lead_days;
    let time = person.habits.time_of_day_ms(dice);
    let gone_ms = today.moment(leaves_on, time);
    let mut line = Truth::new(Some(person.number), Kind::Stop, false, gone_ms);
    line.left_at = Some(Timestamp(gone_ms));

    if dice.chance(0.4) {
        // The new SIM is in the other pocket already.
        let level = dice.uniform(0.4, 0.8);
        person.course.shift(today.day, 0, level, level);
        line.details.push(("fades_from", Detail::On(today.day)));
    }
    let marketing = if dice.chance(0.6) {
        dice.between(1, 3)
    } else {
        0
    };
    for _ in 0..marketing {
        let day = today.day + dice.below(lead_days as u32) as i32;
        marketing_call(person, today, day, false, dice);
    }
    let hotline = if dice.chance(0.45) {
        dice.between(1, 3)
    } else {
        0
    };
    for _ in 0..hotline {
        // The new SIM is delivered within 72 hours of the call.
        let day = leaves_on - dice.between(1, 3).min(lead_days as u32) as i32;
        hotline_call(person, today, day, false, dice);
    }
    line.details
        .push(("hotline_calls", Detail::Count(i64::from(hotline))));
    let before = |dice: &mut Dice| today.day + dice.below(lead_days as u32) as i32;
    if dice.chance(0.2) {
        let category = dice.pick(&["billing", "network", "service", "unwanted_service"]);
        let body = Body::Complaint {
            category,
            resolved: dice.chance(0.3),
            satisfaction: dice.chance(0.7).then(|| dice.between(1, 2) as u8),
        };
        let day = before(dice);
        office_hours(person, day, body, Some((Kind::Complaint, false)), dice);
    }
    if dice.chance(0.15) {
        let day = before(dice);
        enquiry(person, day, "cancel", false, dice);
    }
    if dice.chance(0.08) {
        let day = before(dice);
        enquiry(person, day, "port_out", false, dice);
    }
    let ports_out = dice.chance(0.2);
    if ports_out {
        let day = leaves_on - dice.between(1, 2).min(lead_days as u32) as i32;
        let truth = Some((Kind::PortOutApplication, false));
        office_hours(person, day, Body::PortOutApplication, truth, dice);
    }
    line.details.push(("ports_out", Detail::Is(ports_out)));
    if dice.chance(0.08) {
        // Whoever still calls the old number reaches the new one.
        let body = Body::Forward {
            other: person.acquaintance(dice),
            activate: true,
        };
        person.course.write_down(Entry {
            day: leaves_on,
            time_of_day_ms: time.saturating_sub(60_000),
            body,
            truth: Some((Kind::CallForwarding, false)),
        });
    }
    if ports_out || dice.chance(0.3) {
        let day = leaves_on + dice.between(1, 20) as i32;
        let reason = if ports_out { "port_out" } else { "voluntary" };
        office_hours(person, day, Body::Cancellation { reason }, None, dice);
        line.details.push(("cancels_on", Detail::On(day)));
    }
    person.course.gone_ms = gone_ms;
    truth.push(line);
}

/// From today the line is used 50 to 80 % less.
fn begin_drop(person: &mut Person, today: &Today, dice: &mut Dice, truth: &mut Vec<Truth>) {
    let level = dice.uniform(0.2, 0.5);
    person.course.shift(today.day, 0, level, level);
    if dice.chance(0.25) {
        let day = today.day + dice.below(5) as i32;
        hotline_call(person, today, day, false, dice);
    }
    let mut line = Truth::new(Some(person.number), Kind::Drop, false, today.bounds().0);
    line.details.push(("to_level", Detail::Level(level)));
    truth.push(line);
}

/// Over 30 days use fades to a small rest; two in five then leave.
fn begin_decay(person: &mut Person, today: &Today, dice: &mut Dice, truth: &mut Vec<Truth>) {
    const DECAY_DAYS: u16 = 30;
    let level = dice.uniform(0.02, 0.3);
    person.course.shift(today.day, DECAY_DAYS, level, level);
    let mut line = Truth::new(Some(person.number), Kind::Decay, false, today.bounds().0);
    line.details.push(("to_level", Detail::Level(level)));
    if dice.chance(0.4) {
        let leaves_on = today.day + i32::from(DECAY_DAYS) + dice.below(5) as i32;
        let gone_ms = today.moment(leaves_on, person.habits.time_of_day_ms(dice));
        person.course.gone_ms = gone_ms;
        line.left_at = Some(Timestamp(gone_ms));
        if dice.chance(0.4) {
            let day = leaves_on - dice.between(1, 3) as i32;
            hotline_call(person, today, day, false, dice);
        }
    }
    truth.push(line);
}

/// A call or message to a competitor's service number, on a day from today.
pub(super) fn hotline_call(
    person: &mut Person,
    today: &Today,
    day: Day,
    harmless: bool,
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
    person.course.write_down(Entry {
        day,
        time_of_day_ms,
        body,
        truth: Some((Kind::CompetitorHotline, harmless)),
    });
}

/// An answered call of a competitor's sales force, on a day from today; one in ten is reported by staff instead.
pub(super) fn marketing_call(
    person: &mut Person,
    today: &Today,
    day: Day,
    harmless: bool,
    dice: &mut Dice,
) {
    let other = dice.pick(&today.config.operator.competitor_marketing());
    let body = if dice.chance(0.1) {
        Body::CompetitorContact
    } else {
        Body::Call(answered_call(person, false, other, dice))
    };
    let truth = Some((Kind::CompetitorMarketing, harmless));
    office_hours(person, day, body, truth, dice);
}

/// A question to our own service.
pub(super) fn enquiry(
    person: &mut Person,
    day: Day,
    subject: &'static str,
    harmless: bool,
    dice: &mut Dice,
) {
    let truth = match subject {
        "cancel" => Some((Kind::CancelEnquiry, harmless)),
        "port_out" => Some((Kind::PortOutEnquiry, harmless)),
        _ => None,
    };
    office_hours(person, day, Body::Enquiry { subject }, truth, dice);
}

/// Something that happens between 9 and 20 o'clock.
pub(super) fn office_hours(
    person: &mut Person,
    day: Day,
    body: Body,
    truth: Option<(Kind, bool)>,
    dice: &mut Dice,
) {
    let time_of_day_ms = dice.between(9 * 3_600_000, 20 * 3_600_000);
    person.course.write_down(Entry {
        day,
        time_of_day_ms,
        body,
        truth,
    });
}
