//! How subscribers are lost: the churn paths, with what tends to come before and after (behaviour: Purpose, Churn
//! triggers). A path is drawn whole when it begins; its later events are scheduled on the line's timeline.

use super::contact::{enquiry, hotline_call, marketing_call, office_hours, office_time_ms};
use crate::model::{Day, Timestamp};
use crate::sim::event::{Body, Forwarding};
use crate::sim::person::{Person, ScheduledEvent, TruthNote};
use crate::sim::random::Dice;
use crate::sim::today::Today;
use crate::sim::truth::{Detail, Kind, Truth};

/// One of the churn paths begins today.
pub fn begin(person: &mut Person, today: &Today, dice: &mut Dice, truth: &mut Vec<Truth>) {
    let churn = &today.config.scenario.churn;
    let paths: [(f64, ChurnPath); 5] = [
        (churn.stop.rate, begin_stop),
        (churn.drop.rate, begin_drop),
        (churn.decay.rate, begin_decay),
        (churn.port_out.rate, begin_port_out),
        (churn.complaint.rate, begin_complaint),
    ];
    let mut place = dice.unit() * churn.rate() / churn.scale.max(1e-9);
    for (rate, path) in paths {
        if place < rate {
            return path(person, today, dice, truth);
        }
        place -= rate;
    }
}

type ChurnPath = fn(&mut Person, &Today, &mut Dice, &mut Vec<Truth>);

/// The line will not be used from a moment on, and its owner is lost then.
fn leave(person: &mut Person, gone_ms: i64, mut line: Truth, truth: &mut Vec<Truth>) {
    line.left_at = line.left_at.or(Some(Timestamp(gone_ms)));
    person.timeline.gone_ms = gone_ms;
    person.timeline.leaving_episode = Some(truth.len());
    truth.push(line);
}

/// The contacts of a competitor with somebody who leaves `lead_days` after today.
fn competitor_contacts(
    person: &mut Person,
    today: &Today,
    kind: Kind,
    lead_days: i32,
    (marketing_share, hotline_share): (f64, f64),
    dice: &mut Dice,
) {
    if dice.chance(marketing_share) {
        for _ in 0..dice.between(1, 3) {
            let day = today.day + dice.below(lead_days as u32) as i32;
            let note = TruthNote::leading_to(Kind::CompetitorMarketing, kind);
            marketing_call(person, today, day, note, dice);
        }
    }
    if dice.chance(hotline_share) {
        for _ in 0..dice.between(1, 3) {
            // The new SIM is delivered within 72 hours of the call.
            let day = today.day + (lead_days - dice.between(1, 3) as i32).max(0);
            hotline_call(person, today, day, hotline_note(kind), dice);
        }
    }
}

fn hotline_note(kind: Kind) -> Option<TruthNote> {
    TruthNote::leading_to(Kind::CompetitorHotline, kind)
}

/// The owner has decided to move to a competitor, and does so from one moment to the next. The ground truth begins at
/// the last use, which is known only then.
pub fn begin_stop(person: &mut Person, today: &Today, dice: &mut Dice, truth: &mut Vec<Truth>) {
    let stop = &today.config.scenario.churn.stop;
    let lead_days = dice.days(stop.decided_days);
    let leaves_on = today.day + lead_days;
    let time = person.habits.time_of_day_ms(dice);
    let gone_ms = today.moment(leaves_on, time);
    let mut line = Truth::new(Some(person.number), Kind::Stop, gone_ms);
    line.details.push(("decided_on", Detail::On(today.day)));
    let shares = (stop.marketing_share, stop.hotline_share);
    competitor_contacts(person, today, Kind::Stop, lead_days, shares, dice);
    let meanwhile = |dice: &mut Dice| today.day + dice.below(lead_days as u32) as i32;
    if dice.chance(stop.complaint_share) {
        let note = TruthNote::leading_to(Kind::SingleComplaint, Kind::Stop);
        let day = meanwhile(dice);
        let body = unresolved(dice);
        office_hours(person, day, body, note, dice);
    }
    if dice.chance(stop.cancel_enquiry_share) {
        let note = TruthNote::leading_to(Kind::CancelEnquiry, Kind::Stop);
        let day = meanwhile(dice);
        enquiry(person, day, "cancel", note, dice);
    }
    if dice.chance(stop.forwarding_share) {
        // Whoever still calls the old number reaches the new one.
        let body = Body::Forward {
            other: person.acquaintance(dice),
            action: Forwarding::Activate,
        };
        person.timeline.schedule(ScheduledEvent {
            day: leaves_on,
            time_of_day_ms: time.saturating_sub(60_000),
            body,
            truth: TruthNote::leading_to(Kind::CallForwarding, Kind::Stop),
        });
    }
    if dice.chance(stop.cancellation_share) {
        let reason = "voluntary";
        let day = leaves_on + 1 + dice.days(stop.cancellation_days);
        office_hours(person, day, Body::Cancellation { reason }, None, dice);
        line.details.push(("cancels_on", Detail::On(day)));
    }
    leave(person, gone_ms, line, truth);
}

/// From today the line is used much less.
fn begin_drop(person: &mut Person, today: &Today, dice: &mut Dice, truth: &mut Vec<Truth>) {
    let drop = &today.config.scenario.churn.drop;
    let level = dice.within(drop.to_level);
    person.timeline.shift(today.day, 0, level, level);
    if dice.chance(drop.hotline_share) {
        let day = today.day + dice.below(5) as i32;
        hotline_call(person, today, day, hotline_note(Kind::Drop), dice);
    }
    let mut line = Truth::new(Some(person.number), Kind::Drop, today.bounds().0);
    line.details.push(("to_level", Detail::Level(level)));
    if dice.chance(drop.leaving_share) {
        let leaves_on = today.day + dice.days(drop.leaving_days);
        let gone_ms = today.moment(leaves_on, person.habits.time_of_day_ms(dice));
        leave(person, gone_ms, line, truth);
    } else {
        truth.push(line);
    }
}

/// Use fades to a small rest.
fn begin_decay(person: &mut Person, today: &Today, dice: &mut Dice, truth: &mut Vec<Truth>) {
    let decay = &today.config.scenario.churn.decay;
    let level = dice.within(decay.to_level);
    person
        .timeline
        .shift(today.day, decay.days as u16, level, level);
    let mut line = Truth::new(Some(person.number), Kind::Decay, today.bounds().0);
    line.details.push(("to_level", Detail::Level(level)));
    line.details
        .push(("days", Detail::Count(decay.days.into())));
    if !dice.chance(decay.leaving_share) {
        return truth.push(line);
    }
    let leaves_on = today.day + decay.days as i32 + dice.days(decay.leaving_days);
    let gone_ms = today.moment(leaves_on, person.habits.time_of_day_ms(dice));
    if dice.chance(decay.hotline_share) {
        let day = leaves_on - dice.between(1, 3) as i32;
        hotline_call(
            person,
            today,
            day.max(today.day),
            hotline_note(Kind::Decay),
            dice,
        );
    }
    leave(person, gone_ms, line, truth);
}

/// The number moves to a competitor: enquiry, application within 72 hours of the move, and use as ever until then.
fn begin_port_out(person: &mut Person, today: &Today, dice: &mut Dice, truth: &mut Vec<Truth>) {
    let port_out = &today.config.scenario.churn.port_out;
    let lead_days = dice.days(port_out.decided_days);
    let leaves_on = today.day + lead_days;
    let mut line = Truth::new(Some(person.number), Kind::PortOut, today.bounds().0);
    let shares = (port_out.marketing_share, port_out.hotline_share);
    competitor_contacts(person, today, Kind::PortOut, lead_days, shares, dice);
    let applies_on = leaves_on - dice.days(port_out.application_days);
    if dice.chance(port_out.enquiry_share) {
        let days = applies_on.since(today.day).max(1) as u32;
        let day = today.day + dice.below(days) as i32;
        let note = TruthNote::leading_to(Kind::PortOutEnquiry, Kind::PortOut);
        enquiry(person, day, "port_out", note, dice);
    }
    let note = TruthNote::leading_to(Kind::PortOutApplication, Kind::PortOut);
    office_hours(person, applies_on, Body::PortOutApplication, note, dice);
    line.details.push(("applies_on", Detail::On(applies_on)));
    let gone_ms = cancel(person, today, leaves_on, "port_out", dice);
    leave(person, gone_ms, line, truth);
}

/// A complaint that is not resolved; perhaps another, a question how to cancel, and the counter.
fn begin_complaint(person: &mut Person, today: &Today, dice: &mut Dice, truth: &mut Vec<Truth>) {
    let path = &today.config.scenario.churn.complaint;
    let lead_days = dice.days(path.leaving_days);
    let leaves_on = today.day + lead_days;
    let time_of_day_ms = office_time_ms(dice);
    let body = unresolved(dice);
    person.timeline.schedule(ScheduledEvent {
        day: today.day,
        time_of_day_ms,
        body,
        truth: None,
    });
    let mut line = Truth::new(
        Some(person.number),
        Kind::Complaint,
        today.at(time_of_day_ms),
    );
    let level = dice.within(path.to_level);
    person
        .timeline
        .shift(today.day, lead_days as u16, level, level);
    line.details.push(("to_level", Detail::Level(level)));
    if let Body::Complaint { category, .. } = body {
        line.details.push(("category", Detail::Name(category)));
    }
    let meanwhile = |dice: &mut Dice| today.day + 1 + dice.below(lead_days as u32 - 1) as i32;
    if dice.chance(path.again_share) {
        let note = TruthNote::leading_to(Kind::SingleComplaint, Kind::Complaint);
        let day = meanwhile(dice);
        let body = unresolved(dice);
        office_hours(person, day, body, note, dice);
    }
    if dice.chance(path.cancel_enquiry_share) {
        let note = TruthNote::leading_to(Kind::CancelEnquiry, Kind::Complaint);
        let day = meanwhile(dice);
        enquiry(person, day, "cancel", note, dice);
    }
    let shares = (0.0, path.hotline_share);
    competitor_contacts(person, today, Kind::Complaint, lead_days, shares, dice);
    let gone_ms = cancel(person, today, leaves_on, "voluntary", dice);
    leave(person, gone_ms, line, truth);
}

/// The contract ends at a moment of a day. Returns it.
fn cancel(
    person: &mut Person,
    today: &Today,
    day: Day,
    reason: &'static str,
    dice: &mut Dice,
) -> i64 {
    let time_of_day_ms = office_time_ms(dice);
    person.timeline.schedule(ScheduledEvent {
        day,
        time_of_day_ms,
        body: Body::Cancellation { reason },
        truth: None,
    });
    today.moment(day, time_of_day_ms)
}

/// A complaint that leaves its owner dissatisfied.
fn unresolved(dice: &mut Dice) -> Body {
    Body::Complaint {
        category: dice.pick(&["billing", "network", "service", "unwanted_service"]),
        resolved: dice.chance(0.3),
        satisfaction: dice.chance(0.7).then(|| dice.between(1, 2) as u8),
    }
}
