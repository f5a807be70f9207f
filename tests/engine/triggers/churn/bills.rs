//! Contracts and bills: what ends, what costs more than it should, and what costs more than it is used.

use super::{CANCEL, ONE, days_pass};
use crate::support::scenario::{Scenario, day, days, profile};
use churnwatch::model::{Body, Day, Effect, Invoice, Money, Stage};

fn contract_until(end: &str) -> Body<'static> {
    let end = Some(day(end));
    profile(|p| {
        p.activated_on = Some(day("2025-12-01"));
        p.contract_end_on = end;
    })
}

#[test]
fn a_contract_is_spoken_of_sixty_thirty_and_seven_days_before_its_end() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-01-01 07:00", contract_until("2026-03-31"));
    days_pass(&mut scenario, "2026-01-01", "2026-04-10");
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-01-31 08:00 contract_expiry 0.30",
            "2026-01-31 08:00 task 1 open: small early due 2026-02-03 09:00",
            "2026-03-02 08:00 task 2 closed: expired",
            "2026-03-02 08:00 contract_expiry 0.50",
            "2026-03-02 08:00 task 1 open: small early due 2026-03-05 09:00",
            "2026-03-25 08:00 contract_expiry 0.80 (task_open)",
            "2026-04-01 08:00 task 2 closed: expired",
        ]
    );
}

#[test]
fn of_steps_that_were_missed_only_the_last_fires() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-03-10 07:00", contract_until("2026-03-31"));
    days_pass(&mut scenario, "2026-03-10", "2026-03-20");
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-03-11 08:00 contract_expiry 0.50",
            "2026-03-11 08:00 task 1 open: small early due 2026-03-14 09:00",
        ]
    );
}

#[test]
fn a_renewed_contract_closes_the_task() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-03-10 07:00", contract_until("2026-03-31"));
    days_pass(&mut scenario, "2026-03-10", "2026-03-12");
    scenario.event(ONE, "2026-03-13 07:00", contract_until("2028-03-31"));
    days_pass(&mut scenario, "2026-03-13", "2026-04-10");
    assert_eq!(
        scenario.published(ONE)[1..],
        [
            "2026-03-11 08:00 task 1 open: small early due 2026-03-14 09:00",
            "2026-03-13 08:00 task 2 closed: contract_renewed",
        ]
    );
}

#[test]
fn a_renewal_by_a_month_is_spoken_of_when_its_own_end_is_near() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-03-26 07:00", contract_until("2026-03-31"));
    days_pass(&mut scenario, "2026-03-26", "2026-03-27");
    scenario.event(ONE, "2026-03-28 07:00", contract_until("2026-04-30"));
    days_pass(&mut scenario, "2026-03-28", "2026-04-02");
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-03-27 08:00 contract_expiry 0.80",
            "2026-03-27 08:00 task 1 open: small early due 2026-03-30 09:00",
            // A step of the new end, and the same task goes on.
            "2026-03-28 08:00 contract_expiry 0.30 (task_open)",
            "2026-04-01 08:00 contract_expiry 0.50 (task_open)",
        ]
    );
}

#[test]
fn a_contract_that_has_ended_and_one_without_an_end_say_nothing() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-03-10 07:00", contract_until("2026-03-09"));
    scenario.event("13900000002", "2026-03-10 07:00", profile(|_| {}));
    days_pass(&mut scenario, "2026-03-10", "2026-03-20");
    assert_eq!(scenario.total(), 0);
}

/// Invoices of the months from January on: plan fee and usage value. Each comes on the third of the month after.
fn plan_and_use(months: &[(i64, i64)]) -> Scenario {
    let mut scenario = Scenario::new("");
    let mut from = "2026-01-01".to_owned();
    for (month, (fee, used)) in (1..).zip(months) {
        let billed_on = format!("2026-{:02}-03", month + 1);
        days_pass(&mut scenario, &from, &format!("2026-{:02}-02", month + 1));
        let invoice = Body::Invoice(Invoice {
            corrects: None,
            period: day(&format!("2026-{month:02}-01")),
            amount: Money(fee * 100),
            plan_fee: Some(Money(fee * 100)),
            usage_value: Some(Money(used * 100)),
            document: 0,
            overage: Some(Money::ZERO),
            due_on: Some(day("2026-12-31")),
        });
        scenario.event(ONE, &format!("{billed_on} 07:00"), invoice);
        from = billed_on;
    }
    let end = format!("2026-{:02}-10", months.len() + 1);
    days_pass(&mut scenario, &from, &end);
    scenario
}

/// S4 case 3: spend far below the plan.
#[test]
fn two_months_far_below_the_plan_are_a_plan_too_large() {
    let scenario = plan_and_use(&[(139, 60), (139, 20)]);
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-03-03 08:00 plan_underuse 0.71",
            "2026-03-03 08:00 task 1 open: small early due 2026-03-06 09:00",
        ]
    );
    let task = scenario.last_task(ONE);
    assert_eq!(task.stage, Stage::Decline);
    assert!(scenario.steps(ONE)[0].contains("floor plan"));
}

#[test]
fn one_month_half_the_plan_and_months_that_are_not_billed_are_none() {
    for months in [
        &[(139, 60), (139, 100), (139, 20)][..],
        &[(100, 50), (100, 50)],
        &[(139, 60)],
        &[(0, 0), (0, 0)],
    ] {
        assert_eq!(plan_and_use(months).total(), 0, "{months:?}");
    }
}

#[test]
fn months_with_a_gap_between_them_are_not_in_a_row() {
    let mut scenario = Scenario::new("");
    for (month, at) in [
        ("2026-01-01", "2026-02-03 07:00"),
        ("2026-03-01", "2026-04-03 07:00"),
    ] {
        let invoice = Body::Invoice(Invoice {
            period: day(month),
            amount: Money(10_000),
            plan_fee: Some(Money(10_000)),
            usage_value: Some(Money(1_000)),
            document: 0,
            corrects: None,
            overage: Some(Money::ZERO),
            due_on: Some(day("2026-12-31")),
        });
        scenario.event(ONE, at, invoice);
    }
    days_pass(&mut scenario, "2026-04-03", "2026-04-06");
    assert_eq!(scenario.total(), 0);
}

#[test]
fn underuse_goes_on_every_other_month_and_ends_with_a_month_above() {
    let low = (100, 20);
    let scenario = plan_and_use(&[low, low, low, low, (100, 90), low, low]);
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-03-03 08:00 plan_underuse 0.80",
            "2026-03-03 08:00 task 1 open: small early due 2026-03-06 09:00",
            "2026-04-02 08:00 task 2 closed: expired",
            "2026-04-03 08:00 plan_underuse 0.80",
            "2026-04-03 08:00 task 1 open: small early due 2026-04-06 09:00",
            "2026-05-03 08:00 task 2 closed: expired",
            "2026-05-03 08:00 plan_underuse 0.80",
            "2026-05-03 08:00 task 1 open: small early due 2026-05-06 09:00",
            "2026-06-02 08:00 task 2 closed: expired",
            "2026-08-03 08:00 plan_underuse 0.80",
            "2026-08-03 08:00 task 1 open: small early due 2026-08-06 09:00",
        ]
    );
}

/// Bills of so many yuan, one a month from January on; the last is the one that is asked about.
fn billed(yuan: &[i64]) -> Scenario {
    let mut scenario = Scenario::new("");
    for (month, yuan) in (1..).zip(yuan) {
        let invoice = Body::Invoice(Invoice {
            corrects: None,
            period: day(&format!("2026-{month:02}-01")),
            amount: Money(yuan * 100),
            plan_fee: Some(Money::ZERO),
            usage_value: Some(Money::ZERO),
            document: 0,
            overage: Some(Money::ZERO),
            due_on: Some(day("2026-12-31")),
        });
        scenario.event(ONE, &format!("2026-{:02}-03 10:00", month + 1), invoice);
    }
    scenario
}

#[test]
fn a_bill_far_above_the_last_six_is_a_shock() {
    for (yuan, strength) in [
        (&[100, 100, 100, 130][..], Some("0.50")),
        (&[100, 100, 100, 129], None),
        // Two bills say nothing about a third.
        (&[100, 100, 500], None),
        // Median 100, deviations of 10: 135 is not passed, though it is a third more.
        (&[90, 100, 110, 135], None),
        (&[90, 100, 110, 136], Some("0.50")),
        (&[100, 100, 100, 195], Some("0.75")),
        (&[100, 100, 100, 5_000], Some("1.00")),
        // Six are compared with, not the seventh before.
        (&[100, 200, 200, 200, 100, 100, 100, 250], None),
        (&[0, 0, 0, 10], Some("1.00")),
        // The bills of somebody who is billed anything.
        (&[100, 200, 300, 400, 500, 600], None),
    ] {
        let said = billed(yuan).published(ONE);
        let shock = said.iter().find(|line| line.contains("bill_shock"));
        let shock = shock.map(|line| line.rsplit(' ').next().unwrap());
        assert_eq!(shock, strength, "{yuan:?}");
    }
}

#[test]
fn after_free_months_a_cent_is_no_shock() {
    for (fen, shocks) in [(1, 0), (499, 0), (500, 1)] {
        let mut scenario = billed(&[0, 0, 0]);
        scenario.event(ONE, "2026-05-03 10:00", bill("2026-04-01", fen, 1));
        assert_eq!(scenario.signals("bill_shock"), shocks, "{fen}");
    }
    // More than half more, but of little.
    let mut scenario = billed(&[8, 8, 8]);
    scenario.event(ONE, "2026-05-03 10:00", bill("2026-04-01", 1_299, 1));
    assert_eq!(scenario.signals("bill_shock"), 0);
}

fn bill(month: &str, fen: i64, document: u64) -> Body<'static> {
    Body::Invoice(Invoice {
        period: day(month),
        document,
        corrects: None,
        amount: Money(fen),
        plan_fee: None,
        usage_value: None,
        overage: None,
        due_on: Some(day("2026-12-31")),
    })
}

#[test]
fn what_was_credited_is_neither_a_shock_nor_what_others_are_compared_with() {
    let mut scenario = billed(&[100, 100, 100]);
    // Far more was given back for March than billed: it counts as nothing, not as less.
    scenario.event(ONE, "2026-04-10 10:00", bill("2026-03-01", -90_000, 9));
    scenario.event(ONE, "2026-05-03 10:00", bill("2026-04-01", 10_000, 1));
    assert_eq!(scenario.signals("bill_shock"), 0);
    // A bill that was wrong and is made good before it comes is none.
    scenario.event(ONE, "2026-06-03 10:00", bill("2026-05-01", -80_000, 9));
    scenario.event(ONE, "2026-06-03 09:00", bill("2026-05-01", 90_000, 1));
    assert_eq!(scenario.signals("bill_shock"), 0);
    scenario.event(ONE, "2026-07-03 10:00", bill("2026-06-01", 90_000, 1));
    assert_eq!(scenario.signals("bill_shock"), 1);
}

#[test]
fn an_invoice_that_was_replaced_before_it_came_is_no_shock() {
    let mut scenario = billed(&[100, 100, 100, 100]);
    let late = bill("2026-04-01", 90_000, 1);
    scenario.event(ONE, "2026-05-03 09:00", late);
    assert_eq!(scenario.signals("bill_shock"), 0);
}

#[test]
fn a_small_plan_is_not_worth_a_task() {
    assert_eq!(plan_and_use(&[(6, 2), (6, 2)]).total(), 0);
    assert!(plan_and_use(&[(7, 2), (7, 2)]).total() > 0);
}

#[test]
fn a_corrected_bill_is_compared_with_the_months_before_its_own() {
    let mut scenario = billed(&[100, 100, 100, 100]);
    let corrected = Body::Invoice(Invoice {
        period: day("2026-04-01"),
        amount: Money(20_000),
        plan_fee: Some(Money::ZERO),
        usage_value: Some(Money::ZERO),
        document: 0,
        corrects: None,
        overage: Some(Money::ZERO),
        due_on: Some(day("2026-12-31")),
    });
    scenario.event(ONE, "2026-05-04 10:00", corrected);
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-05-04 10:00 bill_shock 0.77",
            "2026-05-04 10:00 task 1 open: small early due 2026-05-07 10:00",
        ]
    );
}

fn charge(yuan: i64, subscribed_by_customer: bool) -> Body<'static> {
    Body::Charge {
        amount: Money(yuan * 100),
        subscribed_by_customer: Some(subscribed_by_customer),
    }
}

/// S0: services opened unasked.
#[test]
fn any_charge_nobody_asked_for_is_a_shock() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-02 10:00", charge(1, false));
    // One that is given back is none.
    scenario.event(ONE, "2026-02-03 10:00", charge(-1, false));
    scenario.event(ONE, "2026-02-04 10:00", charge(1, false));
    scenario.event(ONE, "2026-03-04 09:00", charge(1, false));
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-02 10:00 bill_shock 0.70",
            "2026-02-02 10:00 task 1 open: small early due 2026-02-05 10:00",
            "2026-03-04 09:00 bill_shock 0.70 (task_open)",
        ]
    );
}

#[test]
fn a_charge_is_compared_with_those_the_customer_asked_for() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-01 10:00", charge(300, false));
    for on in 2..6 {
        scenario.event(ONE, &format!("2026-02-{on:02} 10:00"), charge(10, true));
    }
    scenario.event(ONE, "2026-02-06 10:00", charge(30, true));
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-01 10:00 bill_shock 0.70",
            "2026-02-01 10:00 task 1 open: small early due 2026-02-04 10:00",
            // Stronger than the one that cools down.
            "2026-02-06 10:00 bill_shock 1.00 (task_open)",
        ]
    );
}

/// S4: 139 plan, wrong charge, asks how to cancel.
#[test]
fn an_unasked_charge_and_the_question_how_to_cancel_come_together_in_one_task() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-02 10:00", charge(15, false));
    scenario.event(ONE, "2026-02-05 10:00", CANCEL);
    let task = scenario.last_task(ONE);
    let reasons: Vec<_> = task.signals.iter().map(|signal| &*signal.trigger).collect();
    assert_eq!(reasons, ["bill_shock", "cancel_enquiry"]);
    assert_eq!(task.stage, Stage::Leave);
    assert!(scenario.steps(ONE)[0].starts_with("Find out why"));
    assert!(scenario.steps(ONE)[1].starts_with("Explain abnormal charges"));
}

#[test]
fn sentences_name_amounts_and_days() {
    let mut scenario = billed(&[80, 80, 80, 180]);
    scenario.event(ONE, "2026-06-20 10:00", charge(15, false));
    scenario.event(ONE, "2026-06-20 10:00", contract_until("2026-07-20"));
    for on in days("2026-06-20", "2026-06-21").map(Day) {
        days_pass(&mut scenario, &on.to_string(), &on.to_string());
    }
    let texts = scenario.effects.iter().filter_map(|effect| match effect {
        Effect::Signal(signal) => Some((signal.text.zh.as_str(), signal.text.en.as_str())),
        _ => None,
    });
    let sentences = [
        (
            "账单180.00元，远高于此前3期的中位数80.00元",
            "A bill of 180.00; the median of 3 earlier bills is 80.00",
        ),
        (
            "被收取未订购业务的费用15.00元",
            "Charged 15.00 for a service the customer did not ask for",
        ),
        (
            "合约将于2026-07-20到期，截至2026-06-20（还剩30天）尚未续约",
            "The contract ends on 2026-07-20 and was not renewed by 2026-06-20 (days left then: 30)",
        ),
    ];
    assert_eq!(texts.collect::<Vec<_>>(), sentences);
}
