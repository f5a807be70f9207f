//! A line that is barred is not silent (behaviour: Barred lines).

use crate::support::scenario::{
    HOTLINE, Scenario, call, crowd, day, days, invoice, profile, usual,
};
use churnwatch::model::{Body, Day, SuspensionReason};
use std::ops::RangeInclusive;

const ONE: &str = "13900000001";
const BARS: [SuspensionReason; 3] = [
    SuspensionReason::Voluntary,
    SuspensionReason::Fraud,
    SuspensionReason::Roaming,
];

/// A key customer among others, who makes nine calls a day but on the silent days.
fn live(scenario: &mut Scenario, from: &str, to: &str, silent: &RangeInclusive<Day>) {
    scenario.live(&crowd(30), days(from, to), |who, on| match who {
        ONE if silent.contains(&on) => 0,
        ONE => 9,
        _ => usual(who, on),
    });
}

#[test]
fn a_key_customer_at_rest_is_no_case_and_stays_as_ordinary_as_before() {
    for reason in BARS {
        let mut scenario = Scenario::new("triggers.regular_visit.key_days = 0");
        scenario.event(ONE, "2026-01-01 07:00", profile(|p| p.vip = true));
        let silent = day("2026-03-01")..=day("2026-04-10");
        live(&mut scenario, "2026-01-10", "2026-02-28", &silent);
        scenario.event(ONE, "2026-03-01 07:00", Body::Suspension(reason));
        live(&mut scenario, "2026-03-01", "2026-04-07", &silent);
        scenario.event(ONE, "2026-04-08 07:00", Body::Reactivation(None));
        live(&mut scenario, "2026-04-08", "2026-05-10", &silent);
        assert_eq!(scenario.published(ONE), [] as [&str; 0], "{reason:?}");
        assert_eq!(scenario.total(), 0, "{reason:?}");
        // The same silence with no reason is noticed on its fourth day, so the rest taught nothing.
        let silent = day("2026-05-11")..=day("2026-06-01");
        live(&mut scenario, "2026-05-11", "2026-05-15", &silent);
        assert_eq!(
            scenario.published(ONE)[0],
            "2026-05-15 08:00 zero_usage_days 0.81",
            "{reason:?}"
        );
    }
}

#[test]
fn after_three_more_days_a_line_that_is_free_is_silent_like_any_other() {
    let mut scenario = Scenario::new("");
    let silent = day("2026-03-01")..=day("2026-05-01");
    live(&mut scenario, "2026-01-10", "2026-03-01", &silent);
    let rest = Body::Suspension(SuspensionReason::Voluntary);
    scenario.event(ONE, "2026-03-02 07:00", rest);
    live(&mut scenario, "2026-03-02", "2026-03-09", &silent);
    scenario.event(ONE, "2026-03-10 07:00", Body::Reactivation(None));
    live(&mut scenario, "2026-03-10", "2026-03-18", &silent);
    // Silent days from the 14th on; the one before the rest does not count.
    assert_eq!(
        scenario.published(ONE)[0],
        "2026-03-18 08:00 zero_usage_days 0.81"
    );
}

#[test]
fn a_bar_explains_a_silence_that_was_reported() {
    let mut scenario = Scenario::new("");
    let silent = day("2026-03-01")..=day("2026-05-01");
    live(&mut scenario, "2026-01-10", "2026-03-05", &silent);
    let rest = Body::Suspension(SuspensionReason::Voluntary);
    scenario.event(ONE, "2026-03-06 07:00", rest);
    live(&mut scenario, "2026-03-06", "2026-03-30", &silent);
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-03-05 08:00 zero_usage_days 0.81",
            "2026-03-05 08:00 task 1 open: small at_risk due 2026-03-08 09:00",
            "2026-03-07 08:00 task 2 closed: line_barred",
        ]
    );
}

#[test]
fn other_reasons_go_on_and_their_tasks_say_that_the_line_is_at_rest() {
    let mut scenario = Scenario::new("");
    let rest = Body::Suspension(SuspensionReason::Voluntary);
    scenario.event(ONE, "2026-03-01 10:00", rest);
    scenario.event(ONE, "2026-03-05 10:00", call(HOTLINE));
    let suspension = scenario.last_task(ONE).suspension.unwrap();
    assert_eq!(
        (suspension.reason.name(), suspension.since),
        ("voluntary", day("2026-03-01"))
    );
    scenario.event(ONE, "2026-03-06 10:00", Body::Reactivation(None));
    scenario.event(
        ONE,
        "2026-03-06 11:00",
        Body::Enquiry(churnwatch::model::EnquirySubject::Cancel),
    );
    let task = scenario.last_task(ONE);
    assert_eq!((task.revision, task.suspension), (2, None));
}

#[test]
fn months_at_rest_say_nothing_about_the_plan() {
    for (reason, underused) in [(None, true), (Some(SuspensionReason::Voluntary), false)] {
        let mut scenario = Scenario::new("");
        if let Some(reason) = reason {
            scenario.event(ONE, "2026-01-10 10:00", Body::Suspension(reason));
        }
        for month in 1..=3 {
            let mut bill = invoice(&format!("2026-{month:02}-01"), "2026-12-31", 100);
            if let Body::Invoice(bill) = &mut bill {
                bill.usage_value = Some(churnwatch::model::Money(100));
            }
            scenario.event(ONE, &format!("2026-{:02}-03 10:00", month + 1), bill);
        }
        scenario.live(&crowd(4)[1..], days("2026-04-03", "2026-04-06"), |_, _| 2);
        let said = scenario.signals("plan_underuse") > 0;
        assert_eq!(said, underused, "{reason:?}");
    }
}

#[test]
fn bars_count_by_their_own_time_and_arrears_keep_their_rules() {
    let mut scenario = Scenario::new("");
    let rest = || Body::Suspension(SuspensionReason::Voluntary);
    let standing = |scenario: &Scenario| {
        let who = churnwatch::model::Msisdn::new(ONE).unwrap();
        scenario.shard.describe(&who).unwrap().standing.join("; ")
    };
    scenario.event(ONE, "2026-03-02 10:00", Body::Reactivation(None));
    // Over before its record came.
    scenario.event(ONE, "2026-03-01 10:00", rest());
    assert_eq!(standing(&scenario), "in service");
    scenario.event(ONE, "2026-03-03 10:00", rest());
    scenario.event(ONE, "2026-03-02 11:00", Body::Reactivation(None));
    assert!(standing(&scenario).starts_with("barred since 2026-03-03 (voluntary)"));
    scenario.event(
        ONE,
        "2026-03-04 10:00",
        Body::Suspension(SuspensionReason::Arrears),
    );
    assert_eq!(scenario.signals("arrears"), 1);
    assert!(standing(&scenario).starts_with("suspended for arrears since 2026-03-04; barred"));
    scenario.event(ONE, "2026-03-05 10:00", Body::Reactivation(None));
    assert_eq!(standing(&scenario), "in service");
}

#[test]
fn a_suspended_line_that_is_used_is_in_service() {
    for reason in [SuspensionReason::Arrears, SuspensionReason::Roaming] {
        let mut scenario = Scenario::new("");
        scenario.event(ONE, "2026-03-02 10:00", Body::Suspension(reason));
        let suspended = |scenario: &Scenario| {
            let who = churnwatch::model::Msisdn::new(ONE).unwrap();
            let standing = scenario.shard.describe(&who).unwrap().standing;
            standing
                .iter()
                .any(|line| line.contains("since 2026-03-02"))
        };
        // Another subscriber closes the days; on two days the line itself is used.
        scenario.live(&crowd(4), days("2026-03-03", "2026-03-04"), |_, _| 2);
        scenario.live(&crowd(4)[1..], days("2026-03-05", "2026-03-06"), |_, _| 2);
        assert!(suspended(&scenario), "{reason:?}");
        scenario.live(&crowd(4), days("2026-03-07", "2026-03-09"), |_, _| 2);
        assert!(!suspended(&scenario), "{reason:?}");
    }
}

#[test]
fn a_reactivation_ends_what_it_says() {
    let mut scenario = Scenario::new("");
    for (at, reason) in [
        ("02", SuspensionReason::Voluntary),
        ("03", SuspensionReason::Arrears),
    ] {
        scenario.event(
            ONE,
            &format!("2026-03-{at} 10:00"),
            Body::Suspension(reason),
        );
    }
    let standing = |scenario: &Scenario| {
        let who = churnwatch::model::Msisdn::new(ONE).unwrap();
        scenario.shard.describe(&who).unwrap().standing.join(", ")
    };
    let paid = Body::Reactivation(Some(SuspensionReason::Arrears));
    scenario.event(ONE, "2026-03-04 10:00", paid);
    assert_eq!(
        standing(&scenario),
        "barred since 2026-03-02 (voluntary): silence says nothing"
    );
    let back = Body::Reactivation(Some(SuspensionReason::Voluntary));
    scenario.event(ONE, "2026-03-05 10:00", back);
    assert_eq!(standing(&scenario), "in service");
}
