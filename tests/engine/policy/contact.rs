//! Quiet hours, the gap between two contacts, the cap on their number.

use super::{
    CANCEL, COMPLAINT, ONE, SUSPENDED, hotline, key, ordinary, pass, report, scenario_of, since,
    talk,
};
use crate::support::scenario::{FRIEND, Scenario, call, crowd, day, profile};
use churnwatch::model::{Body, Invoice, Money, Msisdn, OutcomeResult};

#[test]
fn nobody_is_contacted_in_quiet_hours() {
    for (rules, fired, planned) in [
        (
            "",
            "2026-02-02 08:59",
            "2026-02-02 09:00 to 2026-02-04 09:00",
        ),
        (
            "",
            "2026-02-02 09:00",
            "2026-02-02 09:00 to 2026-02-04 09:00",
        ),
        (
            "",
            "2026-02-02 20:59",
            "2026-02-02 20:59 to 2026-02-04 20:59",
        ),
        (
            "",
            "2026-02-02 21:00",
            "2026-02-03 09:00 to 2026-02-05 09:00",
        ),
        (
            "",
            "2026-02-03 00:00",
            "2026-02-03 09:00 to 2026-02-05 09:00",
        ),
        (
            "policy.quiet = { from_hour = 12, to_hour = 14 }",
            "2026-02-02 11:59",
            "2026-02-02 11:59 to 2026-02-04 11:59",
        ),
        (
            "policy.quiet = { from_hour = 12, to_hour = 14 }",
            "2026-02-02 12:00",
            "2026-02-02 14:00 to 2026-02-04 14:00",
        ),
        (
            "policy.quiet = { from_hour = 12, to_hour = 14 }",
            "2026-02-02 23:00",
            "2026-02-02 23:00 to 2026-02-04 23:00",
        ),
        (
            "policy.quiet = { from_hour = 9, to_hour = 9 }",
            "2026-02-02 03:00",
            "2026-02-02 03:00 to 2026-02-04 03:00",
        ),
    ] {
        let mut scenario = scenario_of(rules, ordinary());
        hotline(&mut scenario, fired);
        assert_eq!(
            scenario.planned(ONE),
            format!("{planned}, account_manager"),
            "{fired} {rules}"
        );
    }
}

#[test]
fn the_competitor_s_hours_are_counted_from_the_signal_and_not_from_the_morning() {
    let mut scenario = scenario_of("policy.due.ordinary_hours = 72", ordinary());
    hotline(&mut scenario, "2026-02-02 22:00");
    assert_eq!(
        scenario.planned(ONE),
        "2026-02-03 09:00 to 2026-02-05 22:00, account_manager"
    );
}

/// A customer of the tier `ordinary` who was spoken to on these occasions and complains then.
fn complains(rules: &str, profile: Body<'static>, talks: &[&str], at: &str) -> String {
    let mut scenario = scenario_of(rules, profile);
    for at in talks {
        talk(&mut scenario, at);
    }
    scenario.event(ONE, at, COMPLAINT);
    let said = scenario.published(ONE);
    match said.len() {
        1 => said[0].rsplit(' ').next().unwrap().to_owned(),
        _ => scenario.planned(ONE)[..16].to_owned(),
    }
}

#[test]
fn a_week_lies_between_two_contacts() {
    let spoken = ["2026-02-02 11:00"];
    for (rules, at, expected) in [
        ("", "2026-02-02 11:30", "2026-02-09 11:00"),
        ("", "2026-02-09 10:59", "2026-02-09 11:00"),
        ("", "2026-02-09 11:00", "2026-02-09 11:00"),
        ("", "2026-02-09 15:00", "2026-02-09 15:00"),
        (
            "policy.contact.gap_days = 0",
            "2026-02-02 11:30",
            "2026-02-02 11:30",
        ),
        (
            "policy.contact.gap_days = 14",
            "2026-02-09 11:00",
            "2026-02-16 11:00",
        ),
        (
            "policy.contact.gap_days = 14",
            "2026-02-09 10:59",
            "(contact_gap)",
        ),
        (
            "policy.contact.wait_days = 2",
            "2026-02-07 10:59",
            "(contact_gap)",
        ),
        (
            "policy.contact.wait_days = 2",
            "2026-02-07 11:00",
            "2026-02-09 11:00",
        ),
        (
            "policy.contact.wait_days = 0",
            "2026-02-09 10:59",
            "(contact_gap)",
        ),
    ] {
        let found = complains(rules, ordinary(), &spoken, at);
        assert_eq!(found, expected, "{at} {rules}");
    }
    // The gap ends at night: the next morning.
    let found = complains("", ordinary(), &["2026-02-02 21:30"], "2026-02-03 10:00");
    assert_eq!(found, "2026-02-10 09:00");
    // Records that come out of order: the newest contact counts.
    let found = complains(
        "",
        key(),
        &["2026-02-04 11:00", "2026-02-02 11:00"],
        "2026-02-05 10:00",
    );
    assert_eq!(found, "2026-02-11 11:00");
}

#[test]
fn two_contacts_a_month_are_the_cap_and_four_for_key_customers() {
    let two = ["2026-02-02 10:00", "2026-02-12 10:00"];
    let four = [
        "2026-02-02 10:00",
        "2026-02-05 10:00",
        "2026-02-08 10:00",
        "2026-02-12 10:00",
    ];
    for (who, talks, at, expected) in [
        (ordinary(), &two[..], "2026-02-25 09:59", "(contact_cap)"),
        (ordinary(), &two[..], "2026-02-25 10:00", "2026-03-04 10:00"),
        (ordinary(), &two[..], "2026-03-04 10:00", "2026-03-04 10:00"),
        (
            ordinary(),
            &two[..1],
            "2026-02-20 10:00",
            "2026-02-20 10:00",
        ),
        (key(), &two[..], "2026-02-20 10:00", "2026-02-20 10:00"),
        (key(), &four[..], "2026-02-25 09:59", "(contact_cap)"),
        (key(), &four[..], "2026-02-25 10:00", "2026-03-04 10:00"),
        // Within the gap the gap is the reason, unless the cap lasts longer.
        (ordinary(), &two[..], "2026-02-13 10:00", "(contact_cap)"),
    ] {
        let found = complains("", who, talks, at);
        assert_eq!(found, expected, "{at} after {talks:?}");
    }
    let found = complains(
        "policy.contact.cap_window_days = 5",
        ordinary(),
        &two,
        "2026-02-13 10:00",
    );
    assert_eq!(
        found, "2026-02-19 10:00",
        "the gap is the longer of the two"
    );
}

#[test]
fn a_competitor_is_answered_within_the_gap_or_not_at_all() {
    // Spoken to on Monday at eleven: a week later the turn comes, and 72 h after the call is too late for it or not.
    for (at, expected) in [
        (
            "2026-02-06 10:59",
            &["2026-02-06 10:59 competitor_hotline 0.60 (contact_gap)"][..],
        ),
        (
            "2026-02-06 11:00",
            &[
                "2026-02-06 11:00 competitor_hotline 0.60",
                "2026-02-06 11:00 task 1 open: ordinary early due 2026-02-09 11:00",
            ],
        ),
    ] {
        let mut scenario = scenario_of("", ordinary());
        talk(&mut scenario, "2026-02-02 11:00");
        hotline(&mut scenario, at);
        assert_eq!(scenario.published(ONE), expected);
    }
}

#[test]
fn a_competitor_s_signal_is_not_taken_into_a_task_that_could_not_answer_it() {
    let mut scenario = scenario_of("", ordinary());
    talk(&mut scenario, "2026-02-02 11:00");
    scenario.event(ONE, "2026-02-03 10:00", COMPLAINT);
    assert_eq!(
        scenario.planned(ONE),
        "2026-02-09 11:00 to 2026-02-11 11:00, account_manager"
    );
    hotline(&mut scenario, "2026-02-05 10:00");
    hotline(&mut scenario, "2026-02-13 10:00");
    assert_eq!(
        since(&scenario, 2),
        [
            "2026-02-05 10:00 competitor_hotline 0.60 (contact_gap)",
            "2026-02-13 10:00 competitor_hotline 0.60",
            "2026-02-13 10:00 task 2 updated: ordinary at_risk due 2026-02-11 11:00",
            // By now it is overdue.
            "2026-02-13 10:00 task 3 escalated: ordinary at_risk due 2026-02-11 11:00",
        ]
    );
}

#[test]
fn a_task_that_ends_without_an_outcome_may_have_been_worked_on() {
    // Suspended by day or by night, and active again before the morning: the task of the night was never begun.
    for (suspended, planned) in [
        ("2026-02-02 14:00", "2026-02-10 09:00"),
        ("2026-02-02 22:00", "2026-02-03 10:00"),
    ] {
        let mut scenario = scenario_of("window.idle_feed_hours = 1", ordinary());
        scenario.event(ONE, suspended, SUSPENDED);
        scenario.event(ONE, "2026-02-02 23:00", Body::Reactivation(None));
        for who in &crowd(4)[1..] {
            scenario.event(who, "2026-02-03 08:00", call(FRIEND));
        }
        let closed = "2026-02-03 08:00 task 2 closed: arrears_paid";
        assert_eq!(since(&scenario, 2), [closed]);
        scenario.event(ONE, "2026-02-03 10:00", COMPLAINT);
        assert_eq!(scenario.planned(ONE)[..16], *planned, "{suspended}");
    }
    // Long overdue: the contact was made when it was due, if it was.
    let mut scenario = scenario_of("", ordinary());
    scenario.event(ONE, "2026-02-02 14:00", SUSPENDED);
    pass(&mut scenario, "2026-02-03", "2026-02-07");
    scenario.event(ONE, "2026-02-07 15:00", Body::Reactivation(None));
    pass(&mut scenario, "2026-02-08", "2026-02-08");
    scenario.event(ONE, "2026-02-08 15:00", COMPLAINT);
    assert_eq!(scenario.planned(ONE)[..16], *"2026-02-11 14:00");
}

/// A customer whose birthday and whose three bills beyond the plan are both noticed on the morning of 6 March.
fn birthday_and_overuse(rules: &str) -> Scenario {
    let mut scenario = Scenario::new(rules);
    let born = profile(|p| {
        p.birthday = Some((3, 7));
        p.avg_monthly_spend = Some(Money(2_000));
    });
    scenario.event(ONE, "2026-03-05 07:00", born);
    for month in ["2025-12-01", "2026-01-01", "2026-02-01"] {
        let bill = Invoice {
            period: day(month),
            amount: Money(13_000),
            plan_fee: Some(Money(10_000)),
            usage_value: Some(Money(10_000)),
            document: 0,
            corrects: None,
            overage: Some(Money(3_000)),
            due_on: Some(day("2026-03-25")),
        };
        scenario.event(ONE, "2026-03-05 07:30", Body::Invoice(bill));
    }
    pass(&mut scenario, "2026-03-05", "2026-03-06");
    scenario
}

#[test]
fn care_and_growth_heed_each_other_s_plans() {
    let scenario = birthday_and_overuse("");
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-03-06 08:00 birthday 0.50",
            "2026-03-06 08:00 task 1 open: ordinary early due 2026-03-08 09:00",
            "2026-03-06 08:00 plan_overuse 0.63 (contact_gap)",
        ]
    );
}

#[test]
fn a_birthday_greeting_does_not_stand_in_the_way_of_keeping_somebody() {
    let called = |rules: &str| {
        let mut scenario = birthday_and_overuse(rules);
        report(&mut scenario, "2026-03-06 15:00", OutcomeResult::Reached);
        assert_eq!(
            since(&scenario, 3),
            ["2026-03-06 15:00 task 2 closed: contacted"]
        );
        hotline(&mut scenario, "2026-03-07 10:00");
        since(&scenario, 4)
    };
    assert_eq!(
        called(""),
        [
            "2026-03-07 10:00 competitor_hotline 0.60",
            "2026-03-07 10:00 task 1 open: ordinary early due 2026-03-09 10:00",
        ]
    );
    assert_eq!(
        called("policy.contact.care_delays_churn = true"),
        ["2026-03-07 10:00 competitor_hotline 0.60 (contact_gap)"]
    );
}

#[test]
fn care_heeds_what_was_said_to_keep_the_customer() {
    for (spoken, expected) in [
        (
            "2026-03-02 10:00",
            "2026-03-06 08:00 birthday 0.50 (contact_gap)",
        ),
        ("2026-02-26 10:00", "2026-03-06 08:00 birthday 0.50"),
    ] {
        let mut scenario = Scenario::new("");
        scenario.event(
            ONE,
            "2026-02-20 20:00",
            profile(|p| p.birthday = Some((3, 7))),
        );
        talk(&mut scenario, spoken);
        pass(&mut scenario, "2026-03-02", "2026-03-06");
        assert_eq!(scenario.published(ONE)[0], expected, "{spoken}");
    }
}

#[test]
fn a_try_that_reached_nobody_is_followed_by_another_and_is_no_contact() {
    let mut scenario = scenario_of("", key());
    hotline(&mut scenario, "2026-02-02 12:00");
    let due = "2026-02-03 12:00";
    for (at, from) in [
        ("2026-02-02 13:00", "2026-02-02 17:00"),
        // After four hours it is night.
        ("2026-02-02 18:00", "2026-02-03 09:00"),
        // After four hours it would be too late.
        ("2026-02-03 09:30", "2026-02-03 09:00"),
        // A report that was long on its way.
        ("2026-02-02 12:30", "2026-02-03 09:00"),
    ] {
        report(&mut scenario, at, OutcomeResult::Unreachable);
        assert_eq!(
            scenario.planned(ONE),
            format!("{from} to {due}, account_manager"),
            "{at}"
        );
    }
    assert_eq!(scenario.last_task(ONE).revision, 5);
    assert_eq!(scenario.last_task(ONE).contacted_at, None);
    // Had one of them been a contact, the next would have to wait.
    report(&mut scenario, "2026-02-03 10:00", OutcomeResult::Saved);
    let mut other = scenario_of("", key());
    hotline(&mut other, "2026-02-02 12:00");
    report(&mut other, "2026-02-02 13:00", OutcomeResult::Unreachable);
    other.event(ONE, "2026-02-02 14:00", Body::Cancellation);
    assert!(other.published(ONE).pop().unwrap().ends_with("churned"));
}

#[test]
fn the_next_talk_comes_when_the_gap_allows_it() {
    let mut scenario = scenario_of("", ordinary());
    hotline(&mut scenario, "2026-02-02 10:00");
    report(&mut scenario, "2026-02-02 20:30", OutcomeResult::Reached);
    // The competitor was answered by the first talk: the second has the tier's time.
    assert_eq!(
        scenario.planned(ONE),
        "2026-02-09 20:30 to 2026-02-11 20:30, account_manager"
    );
    let task = scenario.last_task(ONE);
    assert_eq!(
        (task.escalates_at, task.contacted_at),
        (None, Some(scenario.time("2026-02-02 20:30")))
    );
    // A further call to the competitor would come too early to be answered.
    hotline(&mut scenario, "2026-02-03 10:00");
    report(&mut scenario, "2026-02-10 10:00", OutcomeResult::Reached);
    // Two contacts are the cap: the third waits for a month after the first, beyond the task's life.
    assert_eq!(
        since(&scenario, 3),
        [
            "2026-02-03 10:00 competitor_hotline 0.80 (contact_gap)",
            "2026-02-10 10:00 task 3 updated: ordinary early due 2026-02-11 20:30",
        ]
    );
    report(&mut scenario, "2026-02-10 10:30", OutcomeResult::Refused);
    scenario.event(ONE, "2026-02-11 10:00", CANCEL);
    assert_eq!(
        since(&scenario, 5),
        [
            "2026-02-10 10:30 task 4 closed: refused",
            "2026-02-11 10:00 cancel_enquiry 0.80 (contact_cap)",
        ]
    );
}

#[test]
fn contacts_are_forgotten_after_a_month() {
    let mut scenario = scenario_of("", ordinary());
    talk(&mut scenario, "2026-02-02 11:00");
    for (from, to, kept) in [
        ("2026-02-03", "2026-03-04", 1),
        ("2026-03-05", "2026-03-05", 0),
    ] {
        pass(&mut scenario, from, to);
        let who = Msisdn::new(ONE).unwrap();
        let described = scenario.shard.describe(&who).unwrap();
        assert_eq!(described.contacts.len(), kept, "on {to}");
    }
}
