//! Silences that end: travel, hospital, the other SIM card, students' holidays, lost handsets.

use crate::model::Timestamp;
use crate::sim::event::Body;
use crate::sim::person::{Person, ScheduledEvent};
use crate::sim::random::Dice;
use crate::sim::today::Today;
use crate::sim::truth::{Detail, Kind, Truth};

/// From how many days on an absence may be reason to have the line suspended.
const SUSPENDED_FROM_DAYS: i32 = 10;

/// The planned absence begins today.
pub fn begin_absence(person: &mut Person, today: &Today, dice: &mut Dice, truth: &mut Vec<Truth>) {
    let absence = &today.config.scenario.absence;
    let place = dice.unit() * absence.rate();
    let (kind, days) = if person.second_sim {
        (Kind::SecondSim, dice.days(absence.second_sim_days))
    } else if place < absence.travel_rate {
        let more = absence.travel_days_mean * dice.gamma(absence.travel_days_shape);
        (Kind::Travel, 2 + more.min(30.0) as i32)
    } else if place < absence.travel_rate + absence.hospital_rate {
        (Kind::Hospital, dice.days(absence.hospital_days))
    } else {
        (Kind::LostHandset, dice.days(absence.lost_handset_days))
    };
    leave_for(person, today, kind, days, dice, truth);
}

/// Absences that many begin on the same dates: the city's holidays and the students'.
pub fn seasonal_absence(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    truth: &mut Vec<Truth>,
) {
    let scenario = &today.config.scenario;
    if today.holiday_eve && dice.chance(scenario.holiday.away_share) {
        let length = scenario.holiday.days;
        let days = dice.between(length.min(3), length + 1) as i32;
        leave_for(person, today, Kind::Travel, days, dice, truth);
    }
    let days = match (today.date.month, today.date.day) {
        (7, 6) => 48,
        (1, 15) => 35,
        _ => return,
    };
    if person.student && dice.chance(scenario.absence.student_away_share) {
        let days = days - 8 + dice.below(12) as i32;
        leave_for(person, today, Kind::StudentHoliday, days, dice, truth);
    }
}

fn leave_for(
    person: &mut Person,
    today: &Today,
    kind: Kind,
    days: i32,
    dice: &mut Dice,
    truth: &mut Vec<Truth>,
) {
    let from = person.habits.time_of_day_ms(dice);
    let until = person.habits.time_of_day_ms(dice);
    let returns_on = today.day + days;
    let from_ms = today.at(from);
    let until_ms = today.moment(returns_on, until);
    if person.timeline.leaving() || person.timeline.silence_after(from_ms) {
        return;
    }
    person.timeline.go_away(from_ms, until_ms);
    let mut line = Truth::new(Some(person.number), kind, from_ms);
    line.until = Some(Timestamp(until_ms));
    line.details.push(("days", Detail::Count(days.into())));
    if kind == Kind::LostHandset {
        person.change_handset(until_ms);
    } else if days >= SUSPENDED_FROM_DAYS
        && dice.chance(today.config.scenario.absence.suspended_share)
    {
        let reason = "voluntary";
        for (day, time_of_day_ms, body) in [
            (today.day, from, Body::Suspension { reason }),
            (returns_on, until, Body::Reactivation { reason }),
        ] {
            person.timeline.schedule(ScheduledEvent {
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
