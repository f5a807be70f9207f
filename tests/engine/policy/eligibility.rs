//! Who gets no task, whatever happens: hold-out, opt-out, not pursued, port-out.

use super::{
    CANCEL, COMPLAINT, ONE, PORT_OUT, forbid, hotline, key, ordinary, pass, report, scenario_of,
    since, small,
};
use crate::support::scenario::{
    HOTLINE, NOT_PURSUED, Scenario, call, crowd, day, outcome, profile,
};
use churnwatch::model::{
    Body, Effect, Invoice, Money, OutcomeResult, Plan, Profile, Suppression, TaskOutcome,
};
use std::collections::BTreeSet;

/// Who of a crowd is held out, in an order of calls.
fn held_out(rules: &str, people: &[String], reverse: bool) -> BTreeSet<String> {
    let mut scenario = Scenario::new(rules);
    let all: Vec<&String> = match reverse {
        false => people.iter().collect(),
        true => people.iter().rev().collect(),
    };
    for who in all {
        scenario.event(who, "2026-02-02 10:00", call(HOTLINE));
    }
    let mut held = BTreeSet::new();
    let mut tasks = BTreeSet::new();
    for effect in &scenario.effects {
        match effect {
            Effect::Signal(signal) if signal.suppressed == Some(Suppression::HoldOut) => {
                held.insert(signal.msisdn.as_str().to_owned());
            }
            Effect::Task(task) => {
                tasks.insert(task.msisdn.as_str().to_owned());
            }
            _ => {}
        }
    }
    assert!(held.is_disjoint(&tasks));
    assert_eq!(held.len() + tasks.len(), people.len());
    held
}

#[test]
fn a_share_is_held_out_by_number_and_salt_alone() {
    let people = crowd(2_000);
    let rules = |share: f64, salt: &str| {
        format!("policy.hold_out = {{ share = {share:?}, salt = {salt:?} }}")
    };
    let first = held_out(&rules(0.2, "spring"), &people, false);
    // Four standard deviations of a fair draw.
    assert!(
        (330..=470).contains(&first.len()),
        "{} of 2,000",
        first.len()
    );
    assert_eq!(held_out(&rules(0.2, "spring"), &people, true), first);
    let fewer = held_out(&rules(0.1, "spring"), &people, false);
    assert!(
        fewer.is_subset(&first),
        "a smaller share is part of a larger one"
    );
    assert!(
        (147..=253).contains(&fewer.len()),
        "{} of 2,000",
        fewer.len()
    );
    let other = held_out(&rules(0.2, "autumn"), &people, false);
    let both = other.intersection(&first).count();
    assert!((45..=115).contains(&both), "{both} of 2,000 in both");
    assert!(held_out(&rules(0.0, "spring"), &people, false).is_empty());
    assert_eq!(held_out(&rules(1.0, "spring"), &people, false).len(), 2_000);
}

#[test]
fn who_is_held_out_gets_no_care_either_and_counts_for_the_score() {
    let mut scenario = Scenario::new("policy.hold_out.share = 1.0");
    scenario.event(
        ONE,
        "2026-03-05 20:00",
        profile(|p| p.birthday = Some((3, 7))),
    );
    pass(&mut scenario, "2026-03-05", "2026-03-06");
    hotline(&mut scenario, "2026-03-06 21:00");
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-03-06 08:00 birthday 0.50 (hold_out)",
            "2026-03-06 21:00 competitor_hotline 0.60 (hold_out)",
        ]
    );
    let scored = |effect: &Effect| matches!(effect, Effect::Signal(s) if s.churn_score > 0.05);
    assert!(scenario.effects.iter().any(scored));
}

/// What a customer who wants no marketing is told of after a call to a competitor.
fn opted_out(change: impl FnOnce(&mut Profile<'static>)) -> Vec<String> {
    let mut scenario = scenario_of(
        "",
        profile(|p| {
            p.marketing_opt_out = Some(true);
            change(p);
        }),
    );
    hotline(&mut scenario, "2026-02-02 10:00");
    scenario.published(ONE)
}

#[test]
fn who_wants_no_marketing_is_not_reached_through_its_channels() {
    let refused = ["2026-02-02 10:00 competitor_hotline 0.60 (opted_out)"];
    assert_eq!(opted_out(|_| {}), refused);
    assert_eq!(opted_out(|p| p.activated_on = None), refused);
    // The customer's own account manager is service.
    let visited = opted_out(|p| p.vip = true);
    assert_eq!(
        visited[1],
        "2026-02-02 10:00 task 1 open: key early due 2026-02-03 10:00"
    );
}

#[test]
fn a_later_wish_ends_what_is_open() {
    let wish = |vip: bool| {
        profile(|p| {
            p.vip = vip;
            p.marketing_opt_out = Some(true);
        })
    };
    for (customer, told, expected) in [
        (
            ordinary(),
            wish(false),
            Some("2026-02-03 10:00 task 2 closed: opted_out"),
        ),
        (
            small(),
            wish(false),
            Some("2026-02-03 10:00 task 2 closed: opted_out"),
        ),
        (key(), wish(true), None),
        // The task's own channel counts: the account manager has begun, or the campaign.
        (key(), wish(false), None),
        (
            ordinary(),
            wish(true),
            Some("2026-02-03 10:00 task 2 closed: opted_out"),
        ),
    ] {
        let mut scenario = scenario_of("", customer);
        hotline(&mut scenario, "2026-02-02 10:00");
        scenario.event(ONE, "2026-02-03 10:00", told);
        let said = since(&scenario, 2);
        assert_eq!(said.first().map(String::as_str), expected);
        // And the talk may have taken place.
        let willing = profile(|p| {
            p.brand = Some("gotone".into());
            p.marketing_opt_out = Some(false);
        });
        scenario.event(ONE, "2026-02-04 10:00", willing);
        scenario.event(ONE, "2026-02-04 11:00", COMPLAINT);
        if expected.is_some() {
            assert_eq!(scenario.planned(ONE)[..16], *"2026-02-10 10:00");
        }
    }
}

#[test]
fn a_profile_that_is_out_of_date_says_nothing() {
    let mut scenario = scenario_of("", ordinary());
    hotline(&mut scenario, "2026-02-02 10:00");
    scenario.event(
        ONE,
        "2026-01-20 10:00",
        profile(|p| p.marketing_opt_out = Some(true)),
    );
    assert_eq!(scenario.published(ONE).len(), 2);
}

#[test]
fn do_not_contact_stays_whatever_profiles_follow() {
    let mut scenario = scenario_of("", ordinary());
    hotline(&mut scenario, "2026-02-02 10:00");
    let task_id = scenario.last_task(ONE).task_id;
    forbid(&mut scenario, "2026-02-02 15:00", &task_id);
    assert_eq!(
        since(&scenario, 2),
        [
            "2026-02-02 15:00 task 2 updated: ordinary early due 2026-02-04 10:00",
            "2026-02-02 15:00 task 3 closed: opted_out",
        ]
    );
    scenario.event(ONE, "2026-02-03 10:00", ordinary());
    scenario.event(ONE, "2026-02-20 10:00", COMPLAINT);
    assert_eq!(
        since(&scenario, 4),
        ["2026-02-20 10:00 complaint 0.50 (opted_out)"]
    );
    // A key customer's account manager is no marketing.
    scenario.event(ONE, "2026-02-21 10:00", key());
    scenario.event(ONE, "2026-02-21 11:00", CANCEL);
    assert!(since(&scenario, 5)[1].contains("task 1 open: key"));
}

#[test]
fn the_wish_holds_with_any_outcome_of_any_task() {
    let mut scenario = scenario_of("", ordinary());
    hotline(&mut scenario, "2026-02-02 10:00");
    let refused = TaskOutcome {
        task_id: scenario.last_task(ONE).task_id.into(),
        result: Some(OutcomeResult::Refused),
        stated_reason: None,
        confirmed_reason: None,
        do_not_contact: true,
    };
    scenario.event(ONE, "2026-02-02 15:00", Body::TaskOutcome(refused));
    scenario.event(ONE, "2026-02-20 10:00", COMPLAINT);
    assert_eq!(
        since(&scenario, 2),
        [
            "2026-02-02 15:00 task 2 closed: refused",
            "2026-02-20 10:00 complaint 0.50 (opted_out)",
        ]
    );
    let mut scenario = scenario_of("", ordinary());
    hotline(&mut scenario, "2026-02-02 10:00");
    forbid(&mut scenario, "2026-02-02 15:00", "another system's");
    assert_eq!(
        since(&scenario, 2),
        ["2026-02-02 15:00 task 2 closed: opted_out"]
    );
}

/// Bills beyond the plan until a growth signal comes on the morning of 6 March.
fn grows(scenario: &mut Scenario) {
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
    pass(scenario, "2026-03-05", "2026-03-06");
}

#[test]
fn offers_reach_nobody_who_wants_none_by_any_channel() {
    let mut scenario = Scenario::new("");
    let vip = |opt_out: bool| {
        profile(|p| {
            p.vip = true;
            p.marketing_opt_out = Some(opt_out);
            p.plan = Some(Plan {
                monthly_fee: Some(Money(10_000)),
                ..Plan::default()
            });
        })
    };
    scenario.event(ONE, "2026-03-05 07:00", vip(true));
    grows(&mut scenario);
    assert_eq!(
        scenario.published(ONE),
        ["2026-03-06 08:00 plan_overuse 0.63 (opted_out)"]
    );
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-03-05 07:00", vip(false));
    grows(&mut scenario);
    scenario.event(ONE, "2026-03-06 21:00", vip(true));
    assert_eq!(
        since(&scenario, 2),
        ["2026-03-06 21:00 task 2 closed: opted_out"]
    );
}

#[test]
fn a_profile_that_gives_a_customer_up_ends_the_task() {
    for customer in [key(), ordinary(), small()] {
        let mut scenario = scenario_of("", customer);
        hotline(&mut scenario, "2026-02-02 10:00");
        scenario.event(ONE, "2026-02-03 10:00", profile(|p| p.flags = NOT_PURSUED));
        assert_eq!(
            since(&scenario, 2),
            ["2026-02-03 10:00 task 2 closed: not_pursued"]
        );
        scenario.event(ONE, "2026-02-20 10:00", COMPLAINT);
        assert_eq!(
            since(&scenario, 3),
            ["2026-02-20 10:00 complaint 0.50 (not_pursued)"]
        );
    }
}

#[test]
fn after_an_enquiry_about_porting_there_is_care_and_no_offer() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-28 10:00", ordinary());
    scenario.event(ONE, "2026-03-04 10:00", PORT_OUT);
    grows(&mut scenario);
    hotline(&mut scenario, "2026-03-06 21:00");
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-03-04 10:00 port_out 0.70 (care_only)",
            "2026-03-06 08:00 plan_overuse 0.63 (care_only)",
            "2026-03-06 21:00 competitor_hotline 0.60",
            "2026-03-06 21:00 task 1 open: ordinary at_risk due 2026-03-09 09:00",
        ]
    );
    assert!(scenario.last_task(ONE).action.care_only);
    // Two weeks later offers may be made again.
    for (at, care_only) in [("2026-03-19 10:00", true), ("2026-03-20 10:00", false)] {
        let mut scenario = Scenario::new("");
        scenario.event(ONE, "2026-03-05 09:00", ordinary());
        scenario.event(ONE, "2026-03-05 10:00", PORT_OUT);
        scenario.event(ONE, at, COMPLAINT);
        assert_eq!(scenario.last_task(ONE).action.care_only, care_only, "{at}");
    }
    // An open task forgets its offers as soon as another reason comes.
    let mut scenario = scenario_of("", ordinary());
    hotline(&mut scenario, "2026-02-02 10:00");
    assert!(!scenario.last_task(ONE).action.care_only);
    scenario.event(ONE, "2026-02-02 11:00", PORT_OUT);
    scenario.event(ONE, "2026-02-02 12:00", COMPLAINT);
    assert!(scenario.last_task(ONE).action.care_only);
}

#[test]
fn after_an_application_for_porting_nobody_is_contacted() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-03-01 10:00", ordinary());
    scenario.event(ONE, "2026-03-02 10:00", COMPLAINT);
    scenario.event(ONE, "2026-03-03 10:00", Body::PortOutApplication);
    grows(&mut scenario);
    hotline(&mut scenario, "2026-03-07 10:00");
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-03-02 10:00 complaint 0.50",
            "2026-03-02 10:00 task 1 open: ordinary early due 2026-03-04 10:00",
            "2026-03-03 10:00 port_out 1.00 (mnp_hold)",
            "2026-03-03 10:00 task 2 closed: mnp_hold",
            "2026-03-06 08:00 plan_overuse 0.63 (mnp_hold)",
            "2026-03-07 10:00 competitor_hotline 0.60 (mnp_hold)",
        ]
    );
}

#[test]
fn of_several_reasons_the_first_is_said() {
    let mut scenario = Scenario::new("policy.hold_out.share = 1.0");
    let mut said = Vec::new();
    let give_up = profile(|p| {
        p.flags = NOT_PURSUED;
        p.marketing_opt_out = Some(true);
    });
    let wish = profile(|p| p.marketing_opt_out = Some(true));
    for (at, body) in [
        ("2026-02-01 10:00", wish),
        ("2026-02-02 10:00", give_up),
        ("2026-02-03 10:00", Body::PortOutApplication),
        ("2026-02-04 10:00", Body::Cancellation),
    ] {
        scenario.event(ONE, at, body);
        let before = scenario.published(ONE).len();
        scenario.event(ONE, &at.replace("10:00", "11:00"), call(HOTLINE));
        scenario.event(ONE, &at.replace("10:00", "12:00"), PORT_OUT);
        said.push(since(&scenario, before).join(", "));
    }
    assert_eq!(
        said,
        [
            "2026-02-01 11:00 competitor_hotline 0.60 (opted_out), 2026-02-01 12:00 port_out 0.70 (care_only)",
            "2026-02-02 11:00 competitor_hotline 0.80 (not_pursued)",
            "2026-02-03 11:00 competitor_hotline 1.00 (mnp_hold)",
            "",
        ]
    );
    let mut scenario = scenario_of("", profile(|p| p.marketing_opt_out = Some(true)));
    scenario.event(ONE, "2026-02-02 10:00", PORT_OUT);
    assert_eq!(
        scenario.published(ONE),
        ["2026-02-02 10:00 port_out 0.70 (care_only)"]
    );
}

#[test]
fn an_open_task_is_not_revised_against_the_customer_s_wish() {
    // A key customer's task; the customer has become ordinary meanwhile and wants no marketing: the account manager goes on.
    let mut scenario = scenario_of("", key());
    hotline(&mut scenario, "2026-02-02 10:00");
    scenario.event(
        ONE,
        "2026-02-02 12:00",
        profile(|p| p.marketing_opt_out = Some(true)),
    );
    scenario.event(ONE, "2026-02-02 13:00", COMPLAINT);
    assert!(since(&scenario, 3)[0].starts_with("2026-02-02 13:00 task 2 updated: key"));
    report(&mut scenario, "2026-02-02 15:00", OutcomeResult::Refused);
    scenario.event(ONE, "2026-02-10 13:00", CANCEL);
    assert_eq!(
        since(&scenario, 5),
        ["2026-02-10 13:00 cancel_enquiry 0.80 (opted_out)"]
    );
    let closed = outcome(&scenario.last_task(ONE), OutcomeResult::Lost);
    scenario.event(ONE, "2026-02-10 14:00", closed);
    assert_eq!(
        scenario.published(ONE).len(),
        6,
        "a week and two days after it was closed"
    );
}
