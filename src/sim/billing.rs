//! The account: a monthly invoice from real usage, and how its owner pays. Amounts are in cents.

use super::course::Entry;
use super::event::{Body, Invoice};
use super::habits::{CENTS_A_MEGABYTE, CENTS_A_MESSAGE, CENTS_A_SECOND};
use super::person::Person;
use super::random::Dice;
use super::today::{Date, Today};
use super::trouble::office_hours;
use super::truth::{Detail, Kind, Truth};
use crate::model::{Day, Timestamp};

/// The billing state of one line.
pub(super) struct Account {
    /// Day of the month on which it is billed.
    cycle_day: u8,
    /// Pays late, often.
    careless: bool,
    /// First day of the usage counted below.
    since: Day,
    talk_seconds: u32,
    messages: u32,
    data_kb: u64,
    /// Until when nothing is paid, and when all of it is then paid.
    pays_nothing_until: Day,
    pays_on: Option<Day>,
    /// The contract is cancelled.
    pub closed: bool,
}

/// Days from an invoice to its due date.
const DUE_DAYS: i32 = 15;
/// Days past the due date from which an unpaid invoice counts as arrears (DOMAIN section 4).
const ARREARS_DAYS: u32 = 15;
/// Chance that an invoice of a careful customer falls into arrears, at the default scale.
const ARREARS_CHANCE: f64 = 0.01;

impl Account {
    pub fn new(dice: &mut Dice, first: Day) -> Self {
        Self {
            cycle_day: dice.pick(&[1, 5, 10, 15, 20, 25]),
            careless: dice.chance(0.03),
            since: first,
            talk_seconds: 0,
            messages: 0,
            data_kb: 0,
            pays_nothing_until: Day::MIN,
            pays_on: None,
            closed: false,
        }
    }

    /// Meters one record of usage.
    pub fn meter(&mut self, body: &Body) {
        match body {
            Body::Call(call) if call.outgoing => self.talk_seconds += call.duration_seconds,
            Body::Message { outgoing: true, .. } => self.messages += 1,
            Body::Data {
                uplink_bytes,
                downlink_bytes,
            } => self.data_kb += (u64::from(*uplink_bytes) + u64::from(*downlink_bytes)) / 1_000,
            _ => {}
        }
    }
}

/// The invoice of the day, if it is the line's billing day, and the plan of its payment.
pub(super) fn bill(
    person: &mut Person,
    today: &Today,
    dice: &mut Dice,
    truth: &mut Vec<Truth>,
) -> Option<Body> {
    let account = &person.account;
    let billing_day = today.date.day == account.cycle_day;
    let opening = today.number == 0 && !billing_day && person.activated_on < today.day;
    if account.closed || !(billing_day || opening) {
        return None;
    }
    let billed_on = if opening {
        last_billing_day(today.day, account.cycle_day)
    } else {
        today.day
    };
    let days = f64::from(today.day.since(account.since));
    let usage = if days < 5.0 {
        person.habits.monthly_value() * dice.log_normal(1.0, 0.15)
    } else {
        let voice = f64::from(account.talk_seconds) * CENTS_A_SECOND;
        let messages = f64::from(account.messages) * CENTS_A_MESSAGE;
        let data = account.data_kb as f64 / 1_000.0 * CENTS_A_MEGABYTE;
        (voice + messages + data) * 30.4 / days
    };
    let plan = person.plan();
    let over_minutes =
        (f64::from(account.talk_seconds) / 60.0 - f64::from(plan.voice_minutes)).max(0.0);
    let over_mb = (account.data_kb as f64 / 1_000.0 - f64::from(plan.data_mb)).max(0.0);
    // Beyond the plan a minute costs 0.19 and a megabyte 0.003.
    let overage = (over_minutes * 19.0 + over_mb * 0.3).min(1e7) as i32;
    let month = Date::of(billed_on);
    let invoice = Invoice {
        // The month before the billing day.
        period: month.year * 12 + i32::from(month.month) - 2,
        amount: plan.monthly_fee + overage,
        plan_fee: plan.monthly_fee,
        usage_value: usage.min(1e8) as i32,
        overage,
        due_on: billed_on + DUE_DAYS,
    };
    let account = &mut person.account;
    account.since = today.day;
    (account.talk_seconds, account.messages, account.data_kb) = (0, 0, 0);
    // At the start only what is still open is carried over.
    let open = plan_payment(person, today, &invoice, dice, truth);
    open.then_some(Body::Invoice(invoice))
}

/// The last billing day before a day.
fn last_billing_day(day: Day, cycle_day: u8) -> Day {
    let mut candidate = day - 1;
    while Date::of(candidate).day != cycle_day {
        candidate = candidate - 1;
    }
    candidate
}

/// Decides when an invoice is paid and writes it down. False if that was before today.
fn plan_payment(
    person: &mut Person,
    today: &Today,
    invoice: &Invoice,
    dice: &mut Dice,
    truth: &mut Vec<Truth>,
) -> bool {
    if person.account.pays_nothing_until > today.day {
        if let Some(day) = person.account.pays_on {
            pay(person, day, invoice.amount, dice);
        }
        return true;
    }
    let scale = today.config.trouble_scale;
    let gone = !person.course.usable(today.bounds().0) && person.course.leaving();
    let arrears = match (gone, person.account.careless) {
        (true, _) => 0.25,
        (false, true) => 0.10 * scale,
        (false, false) => ARREARS_CHANCE * scale,
    };
    if dice.chance(arrears) {
        fall_into_arrears(person, today, invoice, gone, dice, truth);
        return true;
    }
    let paid_on = if dice.chance(0.08) {
        invoice.due_on + dice.between(1, 10) as i32
    } else {
        invoice.due_on - dice.between(0, DUE_DAYS as u32 - 2) as i32
    };
    if paid_on < today.day {
        return false;
    }
    pay(person, paid_on, invoice.amount, dice);
    true
}

/// Nothing is paid: until much later, until after a suspension, or never.
fn fall_into_arrears(
    person: &mut Person,
    today: &Today,
    invoice: &Invoice,
    gone: bool,
    dice: &mut Dice,
    truth: &mut Vec<Truth>,
) {
    let due_ms = today.calendar.start_of(invoice.due_on.next()).0;
    let mut line = Truth::new(Some(person.number), Kind::Arrears, false, due_ms);
    line.details
        .push(("amount_cents", Detail::Count(i64::from(invoice.amount))));
    let ending = if gone { 1.0 } else { dice.unit() };
    let late_days = dice.between(ARREARS_DAYS + 1, ARREARS_DAYS + 30) as i32;
    let mut paid_on = Some((invoice.due_on + late_days).max(today.day + 1));
    if ending >= 0.55 && !gone && !person.course.leaving() {
        let days = dice.between(18, 30) as i32;
        let suspended_on = (invoice.due_on + days).max(today.day + 1);
        let time_of_day_ms = dice.between(0, 3 * 3_600_000);
        let reason = "arrears";
        let entry = |day, time_of_day_ms, body| Entry {
            day,
            time_of_day_ms,
            body,
            truth: None,
        };
        let suspension = entry(suspended_on, time_of_day_ms, Body::Suspension { reason });
        person.course.write_down(suspension);
        line.details
            .push(("suspended_on", Detail::On(suspended_on)));
        if ending < 0.80 {
            let back_on = suspended_on + dice.between(2, 12) as i32;
            let body = Body::Reactivation { reason };
            person
                .course
                .write_down(entry(back_on, 20 * 3_600_000 + 1, body));
            paid_on = Some(back_on);
        } else {
            let gone_ms = today.moment(suspended_on, time_of_day_ms);
            person.course.gone_ms = gone_ms;
            line.left_at = Some(Timestamp(gone_ms));
            paid_on = None;
        }
    } else if gone {
        paid_on = None;
    }
    let account = &mut person.account;
    account.pays_on = paid_on;
    account.pays_nothing_until = paid_on.unwrap_or(Day(i32::MAX));
    if let Some(day) = paid_on {
        line.details.push(("paid_on", Detail::On(day)));
        pay(person, day, invoice.amount, dice);
    }
    truth.push(line);
}

/// Pays on a day; prepaid customers top up first, in round amounts.
fn pay(person: &mut Person, day: Day, amount: i32, dice: &mut Dice) {
    if person.prepaid {
        let topped_up = (amount + 2_999) / 3_000 * 3_000;
        let recharge = Body::Recharge {
            amount: topped_up,
            balance: topped_up + dice.below(2_000) as i32,
        };
        person.course.write_down(Entry {
            day,
            time_of_day_ms: 8 * 3_600_000 + dice.below(3_000_000),
            body: recharge,
            truth: None,
        });
    }
    office_hours(person, day, Body::Payment { amount }, None, dice);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn billing_days_are_found() {
        let day = |text| Day::parse(text).unwrap();
        assert_eq!(last_billing_day(day("2026-03-02"), 1), day("2026-03-01"));
        assert_eq!(last_billing_day(day("2026-03-01"), 1), day("2026-02-01"));
        assert_eq!(last_billing_day(day("2026-03-02"), 25), day("2026-02-25"));
    }
}
