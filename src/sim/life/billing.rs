//! The account: a monthly invoice from real usage, and how its owner pays. Amounts are in cents.

use super::contact::office_hours;
use crate::model::{Day, Timestamp};
use crate::sim::event::{Body, Invoice};
use crate::sim::person::{
    CENTS_A_MEGABYTE, CENTS_A_MESSAGE, CENTS_A_SECOND, Person, ScheduledEvent,
};
use crate::sim::random::Dice;
use crate::sim::today::{DAY_MS, Date, Today};
use crate::sim::truth::{Detail, Kind, Truth};

/// Days from an invoice to its due date.
const DUE_DAYS: i32 = 15;
/// A line is reactivated in the evening of the day of payment.
const REACTIVATED_MS: u32 = 20 * 3_600_000 + 1;

/// The invoice of the day, if it is the line's billing day, and the plan of its payment.
pub fn bill(
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
    if account.extra > 0 {
        let mut line = Truth::new(Some(person.number), Kind::BillShock, today.bounds().0);
        let extra = Detail::Count(account.extra.into());
        line.details.push(("extra_cents", extra));
        truth.push(line);
    }
    let plan = person.plan();
    let over_minutes =
        (f64::from(account.talk_seconds) / 60.0 - f64::from(plan.voice_minutes)).max(0.0);
    let over_mb = (account.data_kb as f64 / 1_000.0 - f64::from(plan.data_mb)).max(0.0);
    // Beyond the plan a minute costs 0.19 and a megabyte 0.003.
    let overage = (over_minutes * 19.0 + over_mb * 0.3).min(1e7) as i32 + account.extra;
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
    account.extra = 0;
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
    if let Some(how) = draw_non_payment(person, today, dice) {
        default_on(how, person, today, invoice, dice, truth);
        return true;
    }
    let billing = &today.config.scenario.billing;
    let paid_on = if dice.chance(billing.tardy_share) {
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

/// How an invoice is not paid.
#[derive(Clone, Copy)]
enum NonPayment {
    /// Weeks late.
    Late,
    /// When the line has been suspended.
    AfterSuspension,
    /// Never: the owner goes.
    Never,
    /// Never: the owner is gone already.
    Gone,
}

fn draw_non_payment(person: &Person, today: &Today, dice: &mut Dice) -> Option<NonPayment> {
    let scenario = &today.config.scenario;
    let billing = &scenario.billing;
    let place = dice.unit();
    if person.timeline.leaving() {
        let gone = !person.timeline.usable(today.bounds().0);
        return (gone && place < billing.gone_unpaid_share).then_some(NonPayment::Gone);
    }
    let factor = if person.account.careless {
        billing.careless_factor
    } else {
        1.0
    };
    let arrears = &scenario.churn.arrears;
    let mut reached = 0.0;
    let shares = [
        (
            arrears.invoice_share * scenario.churn.scale,
            NonPayment::Never,
        ),
        (billing.suspended_paid_share, NonPayment::AfterSuspension),
        (billing.late_share, NonPayment::Late),
    ];
    shares.into_iter().find_map(|(share, how)| {
        reached += share * factor;
        (place < reached).then_some(how)
    })
}

/// Nothing is paid: until much later, until after a suspension, or never.
fn default_on(
    how: NonPayment,
    person: &mut Person,
    today: &Today,
    invoice: &Invoice,
    dice: &mut Dice,
    truth: &mut Vec<Truth>,
) {
    let billing = &today.config.scenario.billing;
    let kind = match how {
        NonPayment::Late => Kind::LatePayment,
        NonPayment::AfterSuspension => Kind::SuspensionPaid,
        NonPayment::Never => Kind::Arrears,
        NonPayment::Gone => Kind::UnpaidInvoice,
    };
    let due_ms = today.start_of(invoice.due_on.next());
    let mut line = Truth::new(Some(person.number), kind, due_ms);
    line.details
        .push(("amount_cents", Detail::Count(i64::from(invoice.amount))));
    line.details.push(("due_on", Detail::On(invoice.due_on)));
    let paid_on = match how {
        NonPayment::Late => {
            let late_days = dice.days(billing.late_days);
            Some((invoice.due_on + late_days).max(today.day + 1))
        }
        NonPayment::AfterSuspension => {
            let (suspended_on, _) = suspend(person, today, invoice, dice);
            let back_on = suspended_on + dice.days(billing.suspended_paid_days);
            let reason = "arrears";
            person.timeline.schedule(ScheduledEvent {
                day: back_on,
                time_of_day_ms: REACTIVATED_MS,
                body: Body::Reactivation { reason },
                truth: None,
            });
            let suspended = ("suspended_on", Detail::On(suspended_on));
            line.details.push(suspended);
            Some(back_on)
        }
        NonPayment::Never => {
            let (suspended_on, gone_ms) = suspend(person, today, invoice, dice);
            let days = dice.days(today.config.scenario.churn.arrears.leaving_days);
            let left_ms = gone_ms + i64::from(days) * DAY_MS;
            line.left_at = Some(Timestamp(left_ms));
            let suspended = ("suspended_on", Detail::On(suspended_on));
            line.details.push(suspended);
            person.timeline.gone_ms = gone_ms;
            person.timeline.leaving_episode = Some(truth.len());
            None
        }
        NonPayment::Gone => None,
    };
    let account = &mut person.account;
    account.pays_on = paid_on;
    account.pays_nothing_until = paid_on.unwrap_or(Day(i32::MAX));
    if let Some(day) = paid_on {
        line.details.push(("paid_on", Detail::On(day)));
        line.until = Some(Timestamp(today.start_of(day.next())));
        pay(person, day, invoice.amount, dice);
    }
    truth.push(line);
}

/// The line is suspended for arrears, in the small hours. Returns when.
fn suspend(person: &mut Person, today: &Today, invoice: &Invoice, dice: &mut Dice) -> (Day, i64) {
    let days = dice.days(today.config.scenario.churn.arrears.suspended_days);
    let day = (invoice.due_on + days).max(today.day + 1);
    let time_of_day_ms = dice.between(0, 3 * 3_600_000);
    let reason = "arrears";
    person.timeline.schedule(ScheduledEvent {
        day,
        time_of_day_ms,
        body: Body::Suspension { reason },
        truth: None,
    });
    (day, today.moment(day, time_of_day_ms))
}

/// Pays on a day; prepaid customers top up first, in round amounts.
fn pay(person: &mut Person, day: Day, amount: i32, dice: &mut Dice) {
    if person.prepaid {
        let topped_up = (amount + 2_999) / 3_000 * 3_000;
        let recharge = Body::Recharge {
            amount: topped_up,
            balance: topped_up + dice.below(2_000) as i32,
        };
        person.timeline.schedule(ScheduledEvent {
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
