//! Holds that end, and numbers that get another owner (behaviour: Suspension, port-out and new owners).

use crate::support::scenario::{HOTLINE, Scenario, call, crowd, day, days, invoice, profile};
use churnwatch::model::{
    Body, ComplaintCategory, EnquirySubject, Outcome, Plan, Profile, SuspensionReason, TaskOutcome,
};

const ONE: &str = "13900000001";

/// When the customer asks a competitor: what comes of it.
fn asks(scenario: &mut Scenario, at: &str) -> String {
    let before = scenario.published(ONE).len();
    scenario.event(ONE, at, call(HOTLINE));
    scenario.published(ONE)[before..].join(", ")
}

#[test]
fn an_application_that_nobody_completed_holds_for_thirty_days() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-03-01 07:00", profile(|p| p.vip = true));
    scenario.event(ONE, "2026-03-02 10:00", Body::PortOutApplication);
    assert_eq!(
        asks(&mut scenario, "2026-03-31 23:00"),
        "2026-03-31 23:00 competitor_hotline 0.60 (mnp_hold)"
    );
    let later = asks(&mut scenario, "2026-04-08 10:00");
    assert!(later.contains("task 1 open: key"), "{later}");
    let task = scenario.last_task(ONE);
    assert!(!task.action.care_only);
    // Another application holds again.
    scenario.event(ONE, "2026-04-09 10:00", Body::PortOutApplication);
    let said = scenario.published(ONE);
    assert_eq!(
        said[said.len() - 2..],
        [
            "2026-04-09 10:00 port_out 1.00 (mnp_hold)",
            "2026-04-09 10:00 task 2 closed: mnp_hold",
        ]
    );
    let mut scenario = Scenario::new("policy.mnp_hold_days = 2");
    scenario.event(ONE, "2026-03-02 10:00", Body::PortOutApplication);
    assert!(asks(&mut scenario, "2026-03-04 10:00").contains("task 1 open"));
    assert!(scenario.last_task(ONE).action.care_only, "the half-life");
}

#[test]
fn a_withdrawal_ends_the_hold_and_leaves_an_enquiry() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-03-02 10:00", Body::PortOutApplication);
    scenario.event(ONE, "2026-03-03 10:00", Body::PortOutWithdrawn);
    let said = asks(&mut scenario, "2026-03-04 10:00");
    assert!(said.contains("task 1 open: small critical"), "{said}");
    assert!(scenario.last_task(ONE).action.care_only);
    // One that is older than the withdrawal came too late, and a new one is news.
    let before = scenario.published(ONE).len();
    scenario.event(ONE, "2026-03-03 09:00", Body::PortOutApplication);
    assert_eq!(scenario.published(ONE).len(), before);
    scenario.event(ONE, "2026-03-05 10:00", Body::PortOutApplication);
    assert_eq!(
        scenario.published(ONE)[before..],
        [
            "2026-03-05 10:00 port_out 1.00 (mnp_hold)",
            "2026-03-05 10:00 task 2 closed: mnp_hold",
        ]
    );
}

/// Of a customer since 2020, who has a task and wants no marketing.
fn known(change: impl FnOnce(&mut Profile<'static>)) -> Scenario {
    let mut scenario = Scenario::new("");
    let body = profile(|p| {
        p.vip = true;
        p.brand = Some("gotone".into());
        p.account_manager = Some("li".into());
        p.plan = plan("5G-199");
        change(p);
    });
    scenario.event(ONE, "2026-03-01 10:00", body);
    assert!(asks(&mut scenario, "2026-03-02 10:00").contains("task 1 open: key"));
    scenario
}

fn plan(id: &'static str) -> Option<Plan<'static>> {
    Some(Plan {
        id: Some(id.into()),
        ..Plan::default()
    })
}

/// What a later profile makes of the open task.
fn after(mut scenario: Scenario, change: impl FnOnce(&mut Profile<'static>)) -> &'static str {
    let body = profile(|p| {
        p.activated_on = Some(day("2026-03-03"));
        p.vip = true;
        change(p);
    });
    scenario.event(ONE, "2026-03-04 10:00", body);
    let said = scenario.published(ONE);
    match said.last().map(|line| line.as_str()) {
        Some("2026-03-04 10:00 task 2 closed: churned") => "another",
        Some(line) if line.contains("task 1 open") => "the same",
        other => panic!("{other:?}"),
    }
}

#[test]
fn another_customer_with_a_later_first_day_is_a_new_owner() {
    let both = |old, new| {
        after(known(|p| p.customer = Some(old)), |p| {
            p.customer = Some(new)
        })
    };
    assert_eq!(both(1, 2), "another");
    // The same customer with another plan, brand and manager, registered anew.
    let same = |p: &mut Profile<'static>| {
        p.customer = Some(1);
        p.brand = Some("mzone".into());
        p.account_manager = Some("wang".into());
        p.plan = plan("4G-59");
    };
    assert_eq!(after(known(|p| p.customer = Some(1)), same), "the same");
    // A correction of the first day by less than a week, or a name transferred on the same contract.
    for first in ["2020-01-08", "2020-01-01", "2019-01-01"] {
        let transfer = |p: &mut Profile<'static>| {
            p.customer = Some(2);
            p.activated_on = Some(day(first));
        };
        let scenario = known(|p| p.customer = Some(1));
        assert_eq!(after(scenario, transfer), "the same", "{first}");
    }
}

#[test]
fn without_customer_ids_all_that_is_known_must_differ() {
    let other = |brand: &'static str, manager: Option<&'static str>, id: &'static str| {
        after(known(|_| {}), move |p| {
            p.brand = Some(brand.into());
            p.account_manager = manager.map(Into::into);
            p.plan = plan(id);
        })
    };
    assert_eq!(other("mzone", Some("wang"), "4G-59"), "another");
    assert_eq!(other("mzone", None, "4G-59"), "another");
    assert_eq!(other("gotone", Some("wang"), "4G-59"), "the same");
    assert_eq!(other("mzone", Some("li"), "4G-59"), "the same");
    assert_eq!(other("mzone", Some("wang"), "5G-199"), "the same");
    // What is not known says nothing.
    assert_eq!(after(known(|_| {}), |_| {}), "the same");
}

#[test]
fn the_new_owner_is_a_stranger() {
    let mut scenario = known(|p| {
        p.customer = Some(1);
        p.marketing_opt_out = Some(true);
    });
    let stranger = profile(|p| {
        p.activated_on = Some(day("2026-03-10"));
        p.customer = Some(2);
    });
    scenario.event(ONE, "2026-03-10 10:00", stranger);
    let said = asks(&mut scenario, "2026-03-10 11:00");
    // No opt-out, no contact a week ago, no second call within seven days.
    assert!(said.starts_with(
        "2026-03-10 11:00 competitor_hotline 0.60, 2026-03-10 11:00 task 1 open: small early"
    ));
    // What the owner before did comes too late.
    scenario.event(ONE, "2026-03-09 10:00", Body::PortOutApplication);
    scenario.event(ONE, "2026-03-09 10:00", Body::Cancellation);
    let said = asks(&mut scenario, "2026-03-11 11:00");
    assert!(
        said.contains("task 2 updated") || said.contains("(task_open)"),
        "{said}"
    );
}

#[test]
fn a_customer_who_comes_back_is_no_stranger() {
    let mut scenario = known(|p| p.customer = Some(1));
    scenario.event(ONE, "2026-03-03 10:00", Body::Cancellation);
    assert_eq!(
        asks(&mut scenario, "2026-03-03 11:00"),
        "2026-03-03 11:00 competitor_hotline 0.80 (churned)"
    );
    let back = profile(|p| {
        p.activated_on = Some(day("2026-03-20"));
        p.customer = Some(1);
    });
    scenario.event(ONE, "2026-03-20 10:00", back);
    assert!(asks(&mut scenario, "2026-03-20 11:00").contains("task 1 open"));
}

/// A customer of 2020 and one who takes the number over on 10 March, as far as `told`; the order is the reader's.
fn handed_over(order: &[&str], ids: bool) -> Scenario {
    let mut scenario = Scenario::new("");
    let owner = |id: u64, since: &'static str| {
        profile(move |p| {
            p.activated_on = Some(day(since));
            p.customer = ids.then_some(id);
        })
    };
    scenario.event(ONE, "2026-03-01 10:00", owner(1, "2020-01-01"));
    for told in order {
        match *told {
            "cancels" => scenario.event(ONE, "2026-03-10 09:00", Body::Cancellation),
            _ => scenario.event(ONE, "2026-03-10 10:00", owner(2, "2026-03-10")),
        };
    }
    scenario
}

#[test]
fn a_contract_may_go_over_on_one_day_in_whatever_order_it_is_told() {
    for ids in [true, false] {
        for order in [["cancels", "begins"], ["begins", "cancels"]] {
            let mut scenario = handed_over(&order, ids);
            let said = asks(&mut scenario, "2026-03-11 11:00");
            assert!(said.contains("task 1 open"), "{order:?} {ids}: {said}");
        }
    }
    // Who ends the contract on its first day has left.
    let mut scenario = Scenario::new("");
    let first = profile(|p| p.activated_on = Some(day("2026-03-10")));
    scenario.event(ONE, "2026-03-10 08:00", first);
    scenario.event(ONE, "2026-03-10 09:00", Body::Cancellation);
    assert!(asks(&mut scenario, "2026-03-11 11:00").contains("(churned)"));
}

#[test]
fn nothing_of_the_owner_before_counts_for_the_new_one() {
    let mut scenario = handed_over(&["begins"], true);
    let suspended = Body::Suspension(SuspensionReason::Arrears);
    for body in [
        suspended,
        Body::Enquiry(EnquirySubject::Cancel),
        Body::Complaint {
            category: ComplaintCategory::Billing,
            resolved: false,
            satisfaction: Some(1),
        },
        invoice("2026-02-01", "2026-02-20", 9_900),
    ] {
        let outcome = scenario.event(ONE, "2026-03-09 09:00", body);
        assert_eq!(outcome, Outcome::Expired);
    }
    assert_eq!(scenario.published(ONE), [""; 0]);
    scenario.live(&crowd(4)[1..], days("2026-03-10", "2026-06-30"), |_, _| 2);
    let said = asks(&mut scenario, "2026-07-01 11:00");
    assert!(said.contains("task 1 open"), "{said}");
}

#[test]
fn a_line_that_is_not_in_service_yet_has_no_owner_before() {
    let mut scenario = Scenario::new("");
    let ahead = profile(|p| p.activated_on = Some(day("2026-09-01")));
    scenario.event(ONE, "2026-03-01 10:00", ahead);
    let outcome = scenario.event(
        ONE,
        "2026-03-02 09:00",
        Body::Enquiry(EnquirySubject::Cancel),
    );
    assert_eq!(outcome, Outcome::Applied { late: false });
}

fn owner(id: u64, since: &'static str) -> Body<'static> {
    profile(|p| {
        p.customer = Some(id);
        p.activated_on = Some(day(since));
    })
}

fn refusal() -> Body<'static> {
    Body::TaskOutcome(TaskOutcome {
        task_id: "".into(),
        result: None,
        stated_reason: None,
        confirmed_reason: None,
        do_not_contact: true,
    })
}

/// What comes of an enquiry on 13 March, if the new owner's profile of 10 March is read on the 12th, after `said`.
fn told_late(said: &[(&str, Body<'static>)]) -> String {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-03-01 10:00", owner(1, "2020-01-01"));
    for (at, body) in said {
        scenario.event(ONE, at, body.clone());
    }
    scenario.event(ONE, "2026-03-12 03:00", owner(2, "2026-03-10"));
    asks(&mut scenario, "2026-03-13 11:00")
}

#[test]
fn what_the_new_owner_said_before_the_profile_came_stays() {
    assert!(told_late(&[]).contains("task 1 open"));
    let said = told_late(&[("2026-03-11 10:00", refusal())]);
    assert!(said.contains("(opted_out)"), "{said}");
    assert!(told_late(&[("2026-03-09 10:00", refusal())]).contains("task 1 open"));
    let said = told_late(&[
        ("2026-03-09 10:00", Body::Cancellation),
        ("2026-03-11 10:00", Body::PortOutApplication),
    ]);
    assert!(said.contains("(mnp_hold)"), "{said}");
    let said = told_late(&[("2026-03-11 10:00", Body::Cancellation)]);
    assert!(said.contains("(churned)"), "{said}");
}

#[test]
fn the_former_owner_does_not_come_back_by_a_profile() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-03-01 10:00", owner(1, "2020-01-01"));
    scenario.event(ONE, "2026-03-10 10:00", owner(2, "2026-03-10"));
    scenario.event(ONE, "2026-03-11 10:00", refusal());
    scenario.event(ONE, "2026-03-12 10:00", owner(1, "2020-01-01"));
    scenario.event(ONE, "2026-03-13 10:00", owner(2, "2026-03-10"));
    let said = asks(&mut scenario, "2026-03-14 11:00");
    assert!(said.contains("(opted_out)"), "{said}");
}

#[test]
fn a_number_whose_owner_left_in_arrears_has_a_new_one() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-01-01 10:00", owner(1, "2020-01-01"));
    let suspended = Body::Suspension(SuspensionReason::Arrears);
    scenario.event(ONE, "2026-01-02 10:00", suspended);
    assert!(asks(&mut scenario, "2026-04-03 11:00").contains("(churned)"));
    let begins = profile(|p| p.activated_on = Some(day("2026-06-01")));
    scenario.event(ONE, "2026-06-01 10:00", begins);
    assert!(asks(&mut scenario, "2026-06-02 11:00").contains("task 1 open"));
}

#[test]
fn two_customers_are_two_owners_after_a_departure_whatever_the_first_day() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-03-01 10:00", owner(1, "2020-01-01"));
    scenario.event(ONE, "2026-03-05 10:00", Body::Cancellation);
    scenario.event(ONE, "2026-03-06 10:00", profile(|p| p.customer = Some(2)));
    assert!(asks(&mut scenario, "2026-03-07 11:00").contains("task 1 open"));
}

#[test]
fn a_cancellation_may_be_undone() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-03-05 10:00", Body::Cancellation);
    scenario.event(ONE, "2026-03-06 10:00", Body::Reactivation(None));
    assert!(asks(&mut scenario, "2026-03-07 11:00").contains("task 1 open"));
    // Read late, as it was before.
    scenario.event(ONE, "2026-03-05 11:00", Body::Cancellation);
    assert!(!asks(&mut scenario, "2026-03-15 11:00").contains("churned"));
}

#[test]
fn a_bill_for_the_time_of_the_owner_before_is_not_the_new_owners() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-01 10:00", owner(1, "2020-01-01"));
    scenario.event(ONE, "2026-03-10 10:00", owner(2, "2026-03-10"));
    let bill = |month: &str| invoice(month, "2026-03-20", 80);
    let outcome = scenario.event(ONE, "2026-03-15 10:00", bill("2026-02-01"));
    assert_eq!(outcome, Outcome::Expired);
    let outcome = scenario.event(ONE, "2026-03-16 10:00", bill("2026-03-01"));
    assert_eq!(outcome, Outcome::Applied { late: false });
}

#[test]
fn a_refusal_of_long_ago_counts() {
    let mut scenario = Scenario::new("");
    scenario.live(&crowd(4)[1..], days("2026-01-01", "2026-03-10"), |_, _| 2);
    let outcome = scenario.event(ONE, "2026-01-05 10:00", refusal());
    assert_eq!(outcome, Outcome::Applied { late: true });
    let contact = scenario.event(ONE, "2026-01-05 11:00", Body::CompetitorContact);
    assert_eq!(contact, Outcome::Expired);
    assert!(asks(&mut scenario, "2026-03-10 23:00").contains("(opted_out)"));
}
