//! What happens without anybody leaving: absences, enquiries, curiosity, sales calls, new handsets and plans.

use super::course::Entry;
use super::event::Body;
use super::person::{PLANS, Person};
use super::random::Dice;
use super::today::{HOLIDAY_DAYS, Today};
use super::trouble::{begin_stop, enquiry, hotline_call, marketing_call, office_hours};
use super::truth::{Detail, Kind, Truth};
use crate::model::Day;

/// Rates per 1,000 lines and 30 days.
const HAPPENINGS: [(f64, Happening); 11] = [
    (40.0, Happening::Marketing),
    (12.0, Happening::Curiosity),
    (20.0, Happening::Enquiry),
    (2.0, Happening::IdleCancelEnquiry),
    (2.0, Happening::IdlePortOutEnquiry),
    (8.0, Happening::Complaint),
    (25.0, Happening::Charge),
    (8.0, Happening::NewHandset),
    (6.0, Happening::NewPlan),
    (4.0, Happening::Forwarding),
    (4.0, Happening::Substitution),
];

#[derive(Debug, Clone, Copy)]
enum Happening {
    Marketing,
    Curiosity,
    Enquiry,
    IdleCancelEnquiry,
    IdlePortOutEnquiry,
    Complaint,
    Charge,
    NewHandset,
    NewPlan,
    Forwarding,
    Substitution,
}

/// Draws at most one happening of the day and writes it into the diary. Returns whether the profile changed.
pub(super) fn draw_happening(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    truth: &mut Vec<Truth>,
) -> bool {
    let mut place = dice.unit() * 30_000.0;
    for (rate, happening) in HAPPENINGS {
        if place < rate {
            return happen(happening, person, today, dice, truth);
        }
        place -= rate;
    }
    // Where calls drop, people complain.
    if person.poor_coverage && place < 100.0 {
        complaint(person, today.day, "network", dice);
    }
    false
}

fn happen(
    happening: Happening,
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    truth: &mut Vec<Truth>,
) -> bool {
    let day = today.day;
    match happening {
        Happening::Marketing => marketing_call(person, today, day, true, dice),
        Happening::Curiosity => {
            for _ in 0..dice.between(1, 2) {
                let day = day + dice.below(4) as i32;
                hotline_call(person, today, day, true, dice);
            }
        }
        Happening::Enquiry => {
            let subject = dice.pick(&["bill", "bill", "plan", "contract"]);
            enquiry(person, day, subject, true, dice);
        }
        Happening::IdleCancelEnquiry => enquiry(person, day, "cancel", true, dice),
        Happening::IdlePortOutEnquiry => enquiry(person, day, "port_out", true, dice),
        Happening::Complaint => {
            let category = dice.pick(&["billing", "network", "service"]);
            complaint(person, day, category, dice);
        }
        Happening::Charge => charge(person, day, dice),
        Happening::NewHandset => person.handsets = person.handsets.saturating_add(1),
        Happening::NewPlan => {
            let up = dice.chance(0.6);
            let plan = person.profile.plan;
            person.profile.plan = if up { plan + 1 } else { plan.saturating_sub(1) };
            person.profile.plan = person.profile.plan.min(PLANS.len() as u8 - 1);
            return person.profile.plan != plan;
        }
        Happening::Forwarding => forwarding(person, day, dice),
        Happening::Substitution => {
            let voice = dice.uniform(0.25, 0.5);
            person.course.shift(day, 14, voice, 1.7);
            let from = today.bounds().0;
            let mut line = Truth::new(Some(person.number), Kind::Substitution, true, from);
            line.details.push(("voice_to_level", Detail::Level(voice)));
            truth.push(line);
        }
    }
    false
}

fn complaint(person: &mut Person, day: Day, category: &'static str, dice: &mut Dice) {
    let body = Body::Complaint {
        category,
        resolved: dice.chance(0.7),
        satisfaction: dice.chance(0.6).then(|| dice.between(1, 5) as u8),
    };
    office_hours(person, day, body, Some((Kind::Complaint, true)), dice);
}

/// A service is charged; one in seven was never asked for, and two in five of those complain.
fn charge(person: &mut Person, day: Day, dice: &mut Dice) {
    let subscribed_by_customer = dice.chance(0.85);
    let body = Body::Charge {
        amount: dice.pick(&[200, 500, 600, 1_000, 1_500, 3_000]),
        service: dice.pick(&[
            "ringback_tone",
            "video_pass",
            "news",
            "cloud_storage",
            "game_pass",
        ]),
        subscribed_by_customer,
    };
    let truth = (!subscribed_by_customer).then_some((Kind::UnaskedCharge, false));
    office_hours(person, day, body, truth, dice);
    if !subscribed_by_customer && dice.chance(0.4) {
        let later = day + dice.between(1, 6) as i32;
        complaint(person, later, "unwanted_service", dice);
    }
}

/// Calls go elsewhere for some days, or for good.
fn forwarding(person: &mut Person, day: Day, dice: &mut Dice) {
    let other = person.acquaintance(dice);
    let body = |activate| Body::Forward { other, activate };
    let truth = Some((Kind::CallForwarding, true));
    office_hours(person, day, body(true), truth, dice);
    if dice.chance(0.8) {
        let later = day + dice.between(1, 20) as i32;
        office_hours(person, later, body(false), None, dice);
    }
}

/// The planned absence begins today: a silence that ends.
pub(super) fn begin_absence(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    truth: &mut Vec<Truth>,
) {
    let (kind, days) = match dice.unit() {
        _ if person.second_sim => (Kind::SecondSim, dice.between(3, 12)),
        u if u < 0.78 => (Kind::Travel, 2 + (5.0 * dice.gamma(1.8)).min(30.0) as u32),
        _ => (Kind::Hospital, dice.between(5, 30)),
    };
    leave_for(person, today, kind, days, dice, truth);
}

/// Absences that many begin on the same dates: the city's holiday week and the students' holidays.
pub(super) fn seasonal_absence(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    truth: &mut Vec<Truth>,
) {
    let eve = today
        .config
        .holiday_week_from
        .map(|from| from.saturating_sub(1));
    if eve == Some(u32::from(today.number)) && dice.chance(0.10) {
        let days = dice.between(3, HOLIDAY_DAYS + 1);
        leave_for(person, today, Kind::Travel, days, dice, truth);
    }
    let date = today.date;
    let days = match (date.month, date.day) {
        (7, 6) => 48,
        (1, 15) => 35,
        _ => return,
    };
    // A third goes home to another SIM card.
    if person.student && dice.chance(0.35) {
        let days = days - 8 + dice.below(12);
        leave_for(person, today, Kind::StudentHoliday, days, dice, truth);
    }
}

fn leave_for(
    person: &mut Person,
    today: &Today,
    kind: Kind,
    days: u32,
    dice: &mut Dice,
    truth: &mut Vec<Truth>,
) {
    let from = person.habits.time_of_day_ms(dice);
    let until = person.habits.time_of_day_ms(dice);
    let returns_on = today.day + days as i32;
    let from_ms = today.at(from);
    let until_ms = today.moment(returns_on, until);
    if person.course.leaving() || person.course.silence_after(from_ms) {
        return;
    }
    person.course.silence(from_ms, until_ms);
    let mut line = Truth::new(Some(person.number), kind, true, from_ms);
    line.returns_on = Some(returns_on);
    // Whoever stays away for long may have the line put to sleep.
    if days >= 10 && dice.chance(0.15) {
        let reason = "voluntary";
        for (day, time_of_day_ms, body) in [
            (today.day, from, Body::Suspension { reason }),
            (returns_on, until, Body::Reactivation { reason }),
        ] {
            person.course.write_down(Entry {
                day,
                time_of_day_ms,
                body,
                truth: None,
            });
        }
        line.details.push(("suspended", Detail::Is(true)));
    }
    truth.push(line);
}

/// Looks at the contract: renewed in time, or left to end. Returns whether the profile changed.
pub(super) fn mind_contract(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    truth: &mut Vec<Truth>,
) -> bool {
    let Some(end) = person.profile.contract_end_on else {
        return false;
    };
    let left_days = end.since(today.day);
    match person.renewal_lead_days {
        Some(lead) if left_days == i32::from(lead) => {
            let months = dice.pick(&[12, 24]);
            person.profile.contract_end_on = Some(end + months * 365 / 12);
            person.renewal_lead_days = dice.chance(0.7).then_some(lead);
            true
        }
        None if left_days == 10 && dice.chance(0.15) => {
            begin_stop(person, today, dice, truth);
            false
        }
        _ => false,
    }
}
