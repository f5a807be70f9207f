//! What customers order: care some days later, a weak sign of leaving, and growth that is not needed any more.

use crate::support::scenario::{HOTLINE, Scenario, call, crowd, days, invoice, profile};
use churnwatch::model::{
    Body, Effect, Evidence, Fact, Money, OrderKind, Purpose, Stage, SuspensionReason, TaskStatus,
};

const ONE: &str = "13900000001";

/// Some days in which somebody orders something on the evening of 2 March.
fn ordered(rules: &str, kinds: &[OrderKind]) -> Scenario {
    let mut scenario = Scenario::new(rules);
    pass(&mut scenario, "2026-03-01", "2026-03-02");
    for kind in kinds {
        scenario.event(ONE, "2026-03-02 21:00", Body::ServiceOrder(*kind));
    }
    scenario
}

fn pass(scenario: &mut Scenario, from: &str, to: &str) {
    scenario.live(&crowd(4), days(from, to), |_, _| 3);
}

fn said(scenario: &Scenario, what: &str) -> Vec<String> {
    let lines = scenario.published(ONE).into_iter();
    lines.filter(|line| line.contains(what)).collect()
}

#[test]
fn who_ordered_something_is_asked_some_days_later_whether_it_works() {
    for (kind, asked) in [
        (OrderKind::Upgrade, true),
        (OrderKind::PlanChange, true),
        (OrderKind::Broadband, true),
        (OrderKind::Bundle, true),
        (OrderKind::ValueAdded, true),
        (OrderKind::SecondLine, true),
        (OrderKind::Downgrade, true),
        (OrderKind::Cancelled, false),
        (OrderKind::Unasked, false),
        (OrderKind::Unknown, false),
    ] {
        let mut scenario = ordered("policy.score.task_at.small = 1.0", &[kind]);
        pass(&mut scenario, "2026-03-03", "2026-03-20");
        let expected: &[&str] = match asked {
            true => &["2026-03-07 08:00 order_follow_up 0.30"],
            false => &[],
        };
        assert_eq!(
            said(&scenario, "order_follow_up"),
            expected,
            "{}",
            kind.name()
        );
        if asked {
            assert_eq!(
                scenario.steps(ONE),
                ["Ask about the order: does it work as sold, and does it cost what was said"]
            );
        }
    }
}

#[test]
fn nobody_is_asked_about_an_order_who_must_not_be() {
    let refusal = profile(|p| p.marketing_opt_out = Some(true));
    for (told, expected) in [
        (Body::PortOutApplication, " (mnp_hold)"),
        (refusal, " (opted_out)"),
        (call(HOTLINE), " (churn_task_open)"),
        (Body::Cancellation, " (churned)"),
    ] {
        let mut scenario = ordered("", &[OrderKind::Broadband]);
        scenario.event(ONE, "2026-03-02 22:00", told);
        pass(&mut scenario, "2026-03-03", "2026-03-10");
        let asked = said(&scenario, "order_follow_up");
        assert_eq!(
            asked,
            [format!("2026-03-07 08:00 order_follow_up 0.30{expected}")]
        );
    }
    // What was ordered may be what is cancelled, and a line at rest has nothing that could work.
    let mut cancelled = ordered("", &[OrderKind::ValueAdded, OrderKind::Cancelled]);
    pass(&mut cancelled, "2026-03-03", "2026-03-10");
    let mut barred = ordered("", &[OrderKind::Broadband]);
    let rest = Body::Suspension(SuspensionReason::Voluntary);
    barred.event(ONE, "2026-03-05 07:00", rest);
    barred.live(&crowd(4)[1..], days("2026-03-05", "2026-03-20"), |_, _| 3);
    let mut erased = ordered("", &[OrderKind::Broadband]);
    let request = Body::Erase {
        request: "e-1".into(),
    };
    erased.event(ONE, "2026-03-02 22:00", request);
    pass(&mut erased, "2026-03-03", "2026-03-10");
    for scenario in [cancelled, barred, erased] {
        assert_eq!(said(&scenario, "order_follow_up"), [""; 0]);
    }
}

#[test]
fn a_downgrade_is_a_weak_sign_found_at_the_close() {
    for (kind, name, en) in [
        (
            OrderKind::Cancelled,
            "cancel_service",
            "The customer cancelled a service on 2026-03-02",
        ),
        (
            OrderKind::Downgrade,
            "downgrade",
            "The customer lowered the monthly fee on 2026-03-02",
        ),
    ] {
        let mut scenario = ordered("", &[kind, kind]);
        // Within the month another one is no news.
        pass(&mut scenario, "2026-03-03", "2026-03-10");
        scenario.event(ONE, "2026-03-10 21:00", Body::ServiceOrder(kind));
        pass(&mut scenario, "2026-03-11", "2026-03-12");
        assert_eq!(
            said(&scenario, "")[..2],
            [
                "2026-03-03 08:00 downgrade 0.50",
                "2026-03-03 08:00 task 1 open: small early due 2026-03-06 09:00",
            ]
        );
        assert_eq!(scenario.signals("downgrade"), 1);
        let signal = scenario.effects.iter().find_map(|effect| match effect {
            Effect::Signal(signal) if signal.trigger == "downgrade" => Some(signal),
            _ => None,
        });
        let signal = signal.unwrap();
        let ordered_on = crate::support::scenario::day("2026-03-02");
        let expected = Evidence {
            observed: 1.0,
            expected: 0.0,
            unit: "orders".into(),
            window_days: 0,
            threshold: 1.0,
            facts: vec![
                ("kind".into(), Fact::Name(name.to_owned())),
                ("ordered_on".into(), Fact::Date(ordered_on)),
            ],
            source: None,
        };
        assert_eq!(signal.evidence, expected);
        assert_eq!(signal.text.en, en);
        // Half of the weight of 1, over the base.
        assert!(
            (signal.churn_score - 0.0209).abs() < 0.0005,
            "{}",
            signal.churn_score
        );
        assert_eq!(
            scenario.steps(ONE)[0],
            "Ask why the service or the plan was given up; make sure that the rest fits, and do not press to take it back"
        );
    }
    let mut few = ordered("policy.score.task_at.small = 0.1", &[OrderKind::Cancelled]);
    pass(&mut few, "2026-03-03", "2026-03-12");
    assert_eq!(
        said(&few, "downgrade"),
        ["2026-03-03 08:00 downgrade 0.50 (low_score)"]
    );
    let mut nothing = ordered(
        "",
        &[OrderKind::Upgrade, OrderKind::Unasked, OrderKind::Unknown],
    );
    pass(&mut nothing, "2026-03-03", "2026-03-12");
    assert_eq!(nothing.signals("downgrade"), 0);
}

#[test]
fn an_order_of_a_dearer_plan_is_promotion() {
    for (kind, stage) in [
        (OrderKind::Upgrade, Stage::Promote),
        (OrderKind::PlanChange, Stage::Mature),
        (OrderKind::Downgrade, Stage::Mature),
    ] {
        let mut scenario = ordered("", &[kind]);
        scenario.event(ONE, "2026-03-02 22:00", call(HOTLINE));
        assert_eq!(scenario.last_task(ONE).stage, stage, "{}", kind.name());
    }
}

/// Three bills beyond the plan, so that a larger one is proposed on 3 March.
fn overuses(rules: &str) -> Scenario {
    let mut scenario = Scenario::new(rules);
    pass(&mut scenario, "2026-03-01", "2026-03-01");
    for (month, due) in [
        ("2025-12", "2026-01"),
        ("2026-01", "2026-02"),
        ("2026-02", "2026-03"),
    ] {
        let mut bill = invoice(&format!("{month}-01"), &format!("{due}-20"), 90);
        if let Body::Invoice(bill) = &mut bill {
            bill.amount = Money(12_000);
        }
        scenario.event(ONE, "2026-03-02 20:00", bill);
        let paid = Body::Payment {
            amount: Money(12_000),
        };
        scenario.event(ONE, "2026-03-02 20:30", paid);
    }
    scenario
}

#[test]
fn an_order_withdraws_the_growth_that_would_propose_it() {
    for (kind, closes) in [
        (OrderKind::Upgrade, true),
        (OrderKind::PlanChange, true),
        (OrderKind::Bundle, true),
        (OrderKind::ValueAdded, false),
        (OrderKind::Broadband, false),
        (OrderKind::Downgrade, false),
        (OrderKind::Unknown, false),
        (OrderKind::Unasked, false),
    ] {
        let mut scenario = overuses("");
        pass(&mut scenario, "2026-03-02", "2026-03-03");
        let task = scenario.last_task(ONE);
        assert_eq!(
            (task.purpose, task.status),
            (Purpose::Grow, TaskStatus::Open)
        );
        scenario.event(ONE, "2026-03-03 21:00", Body::ServiceOrder(kind));
        let closed = said(&scenario, "task 2");
        match closes {
            true => assert_eq!(closed, ["2026-03-03 21:00 task 2 closed: occasion_over"]),
            false => assert_eq!(closed, [""; 0], "{}", kind.name()),
        }
    }
}

#[test]
fn growth_that_waits_is_withdrawn_too() {
    let none = "policy.budget.grow = { key = 0, ordinary = 0, small = 0 }\npolicy.budget.collect_minutes = 720";
    let mut scenario = overuses(none);
    // Found in the morning, to be ranked in the evening.
    scenario.live(&crowd(4), days("2026-03-02", "2026-03-02"), |_, _| 1);
    assert_eq!(scenario.published(ONE), [""; 0]);
    let order = Body::ServiceOrder(OrderKind::Bundle);
    scenario.event(ONE, "2026-03-02 12:00", order);
    let recovered = said(&scenario, "plan_overuse");
    assert_eq!(recovered.len(), 1, "{recovered:?}");
    assert!(recovered[0].ends_with("(recovered)"), "{recovered:?}");
    pass(&mut scenario, "2026-03-03", "2026-03-10");
    assert_eq!(said(&scenario, "plan_overuse"), recovered);
}
