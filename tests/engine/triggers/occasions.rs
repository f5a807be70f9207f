//! Occasions for care: settled complaints, second complaints, regular visits (behaviour: Care and growth triggers).

use crate::support::scenario::{HOTLINE, Scenario, call, crowd, day, days, outcome, profile};
use churnwatch::model::{
    Body, ComplaintCategory, Level, OutcomeResult, Profile, SuspensionReason, TaskStatus,
};

const ONE: &str = "13900000001";

/// Of a category and its fate: open, or resolved with or without a mark.
fn complaint(category: ComplaintCategory, fate: Option<Option<u8>>) -> Body<'static> {
    Body::Complaint {
        category,
        resolved: fate.is_some(),
        satisfaction: fate.flatten(),
    }
}

const OPEN: Option<Option<u8>> = None;

fn settled(mark: Option<u8>) -> Body<'static> {
    complaint(ComplaintCategory::Network, Some(mark))
}

/// Ordinary days of a few subscribers.
fn pass(scenario: &mut Scenario, from: &str, to: &str) {
    scenario.live(&crowd(4), days(from, to), |_, _| 3);
}

/// What was said of a trigger and of tasks about [`ONE`].
fn said(scenario: &Scenario, trigger: &str) -> Vec<String> {
    let lines = scenario.published(ONE).into_iter();
    lines.filter(|line| line.contains(trigger)).collect()
}

/// A subscriber with some events on the evening of 2 March. Then a complaint is settled.
fn after_a_complaint(told: impl IntoIterator<Item = Body<'static>>) -> Scenario {
    let mut scenario = Scenario::new("");
    pass(&mut scenario, "2026-03-01", "2026-03-02");
    for body in told {
        scenario.event(ONE, "2026-03-02 20:30", body);
    }
    scenario.event(ONE, "2026-03-02 21:00", settled(None));
    pass(&mut scenario, "2026-03-03", "2026-03-10");
    scenario
}

#[test]
fn who_was_not_asked_about_a_settled_complaint_is_called_back_once() {
    let scenario = after_a_complaint([]);
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-03-03 08:00 complaint_callback 0.50",
            "2026-03-03 08:00 task 1 open: small early due 2026-03-06 09:00",
        ]
    );
    assert_eq!(
        scenario.steps(ONE),
        [
            "Call back about the settled complaint: ask whether the customer is content, take it up anew if not, and record the mark"
        ]
    );
}

#[test]
fn a_mark_or_another_complaint_ends_the_occasion() {
    for later in [
        settled(Some(5)),
        complaint(ComplaintCategory::Billing, OPEN),
    ] {
        let open = matches!(
            later,
            Body::Complaint {
                resolved: false,
                ..
            }
        );
        let mut scenario = Scenario::new("");
        pass(&mut scenario, "2026-03-01", "2026-03-02");
        scenario.event(ONE, "2026-03-02 21:00", settled(None));
        pass(&mut scenario, "2026-03-03", "2026-03-03");
        scenario.event(ONE, "2026-03-04 07:00", later);
        pass(&mut scenario, "2026-03-04", "2026-03-04");
        let how = if open { "superseded" } else { "occasion_over" };
        let closed = format!("task 2 closed: {how}");
        assert!(said(&scenario, "task 2")[0].ends_with(&closed), "{how}");
    }
    // Marked before anybody could ask.
    let mut scenario = Scenario::new("");
    pass(&mut scenario, "2026-03-01", "2026-03-02");
    scenario.event(ONE, "2026-03-02 21:00", settled(None));
    scenario.event(ONE, "2026-03-02 22:00", settled(Some(4)));
    pass(&mut scenario, "2026-03-03", "2026-03-10");
    assert_eq!(scenario.total(), 0);
}

#[test]
fn what_becomes_known_late_is_not_asked_about() {
    for (told, expected) in [("2026-03-05", 1), ("2026-03-06", 0)] {
        let mut scenario = Scenario::new("");
        pass(&mut scenario, "2026-03-01", told);
        scenario.event(ONE, "2026-03-03 21:00", settled(None));
        pass(&mut scenario, "2026-03-07", "2026-03-10");
        assert_eq!(scenario.signals("complaint_callback"), expected, "{told}");
    }
}

#[test]
fn nobody_is_called_back_who_must_not_be() {
    let refusal = profile(|p| p.marketing_opt_out = Some(true));
    for (told, expected) in [
        (Body::PortOutApplication, "(mnp_hold)"),
        (refusal, "(opted_out)"),
        (call(HOTLINE), "(churn_task_open)"),
        (Body::Cancellation, "(churned)"),
    ] {
        let scenario = after_a_complaint([told]);
        let callback = said(&scenario, "complaint_callback");
        assert_eq!(callback.len(), 1, "{expected}");
        assert!(callback[0].ends_with(expected), "{callback:?}");
    }
    let barred = after_a_complaint([Body::Suspension(SuspensionReason::Voluntary)]);
    assert_eq!(barred.signals("complaint_callback"), 0, "barred");
    let erasure = Body::Erase {
        request: "e-1".into(),
    };
    let mut erased = Scenario::new("");
    pass(&mut erased, "2026-03-01", "2026-03-02");
    erased.event(ONE, "2026-03-02 21:00", settled(None));
    erased.event(ONE, "2026-03-02 22:00", erasure);
    pass(&mut erased, "2026-03-03", "2026-03-10");
    assert_eq!(erased.signals("complaint_callback"), 0, "erased");
}

fn vip(change: impl FnOnce(&mut Profile<'static>)) -> Body<'static> {
    profile(|profile| {
        profile.vip = true;
        change(profile);
    })
}

/// A key customer's complaints, each with its time and the id of its records, and what they led to.
fn complaints(rules: &str, told: &[(&str, u64, ComplaintCategory)]) -> Scenario {
    let mut scenario = Scenario::new(rules);
    scenario.event(ONE, "2026-02-01 08:00", vip(|_| ()));
    for (at, id, category) in told {
        let at = scenario.time(at);
        scenario.record(*id, ONE, at, complaint(*category, OPEN));
    }
    scenario
}

#[test]
fn a_second_complaint_of_a_category_is_the_supervisors_at_once() {
    use ComplaintCategory::{Billing, Network, Unknown};
    let first = ("2026-02-02 10:00", 1_000, Network);
    // Another version of the first one has the lower half of its id.
    let version = 1_000 + (1 << 32);
    for (case, second, level) in [
        (
            "while the task is open",
            ("2026-02-03 09:00", 2_000, Network),
            Level::Supervisor,
        ),
        (
            "of something else",
            ("2026-02-03 09:00", 2_000, Billing),
            Level::AccountManager,
        ),
        (
            "the same one",
            ("2026-02-03 09:00", version, Network),
            Level::AccountManager,
        ),
    ] {
        let scenario = complaints("", &[first, second]);
        assert_eq!(scenario.last_task(ONE).assignee.level, level, "{case}");
    }
    let unknown = [
        ("2026-02-02 10:00", 1_000, Unknown),
        ("2026-02-03 09:00", 2_000, Unknown),
    ];
    let scenario = complaints("", &unknown);
    assert_eq!(
        scenario.last_task(ONE).assignee.level,
        Level::AccountManager
    );
    let off = complaints(
        "triggers.complaint.again_days = 0",
        &[first, ("2026-02-03 09:00", 2_000, Network)],
    );
    assert_eq!(off.last_task(ONE).assignee.level, Level::AccountManager);
    // It is news, though the first was reported the day before.
    let scenario = complaints("", &[first, ("2026-02-03 09:00", 2_000, Network)]);
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-02 10:00 complaint 0.50",
            "2026-02-02 10:00 task 1 open: key early due 2026-02-03 10:00",
            "2026-02-03 09:00 complaint 0.50",
            "2026-02-03 09:00 task 2 escalated: key early due 2026-02-03 10:00",
        ]
    );
    // From there the ladder goes on.
    let task = scenario.last_task(ONE);
    assert_eq!(task.escalates_at, Some(scenario.time("2026-02-03 10:00")));
}

#[test]
fn a_second_complaint_after_the_first_task_is_over_begins_with_the_supervisor() {
    let network = ComplaintCategory::Network;
    for (second, level) in [
        ("2026-04-02 10:00", Level::Supervisor),
        ("2026-04-03 10:00", Level::AccountManager),
    ] {
        let mut scenario = complaints("", &[("2026-02-02 10:00", 1_000, network)]);
        let saved = outcome(&scenario.last_task(ONE), OutcomeResult::Saved);
        scenario.event(ONE, "2026-02-03 09:00", saved);
        let at = scenario.time(second);
        scenario.record(2_000, ONE, at, complaint(network, OPEN));
        let task = scenario.last_task(ONE);
        assert_eq!(
            (task.status, task.assignee.level),
            (TaskStatus::Open, level),
            "{second}"
        );
    }
}

#[test]
fn campaigns_have_no_rung_to_go_up() {
    let mut scenario = Scenario::new("");
    let network = ComplaintCategory::Network;
    scenario.event(ONE, "2026-02-02 10:00", complaint(network, OPEN));
    scenario.event(ONE, "2026-02-03 10:00", complaint(network, OPEN));
    assert_eq!(
        scenario.published(ONE).last().unwrap(),
        "2026-02-03 10:00 complaint 0.50 (task_open)"
    );
    assert_eq!(
        scenario.last_task(ONE).assignee.level,
        Level::AccountManager
    );
}

/// Ten days after the last contact, and again every thirty.
const VISITS: &str = "triggers.regular_visit.key_days = 10";

/// A key customer since 1 March, with other events on that evening.
fn visited(rules: &str, change: impl FnOnce(&mut Profile<'static>)) -> Scenario {
    let mut scenario = Scenario::new(&format!("triggers.welcome.within_days = 1\n{rules}"));
    pass(&mut scenario, "2026-02-27", "2026-03-01");
    let since = vip(|profile| {
        profile.activated_on = Some(day("2026-02-26"));
        change(profile);
    });
    scenario.event(ONE, "2026-03-01 21:00", since);
    scenario
}

#[test]
fn a_key_customer_is_visited_so_many_days_after_the_last_contact() {
    let mut scenario = visited(VISITS, |_| ());
    pass(&mut scenario, "2026-03-02", "2026-03-14");
    // In service since 26 February; the hash of the number sets how many days are left.
    let first = scenario.published(ONE);
    assert_eq!(first.len(), 2, "{first:?}");
    assert!(first[0].ends_with("08:00 regular_visit 0.30"), "{first:?}");
    assert!(("2026-03-08".."2026-03-13").contains(&&first[0][..10]));
    assert_eq!(
        scenario.steps(ONE),
        [
            "Visit or call: ask what is needed, what annoys and whether the plan fits; write it down and answer what can be answered"
        ]
    );
    let reached = outcome(&scenario.last_task(ONE), OutcomeResult::Reached);
    scenario.event(ONE, "2026-03-14 21:00", reached);
    pass(&mut scenario, "2026-03-15", "2026-04-03");
    let later = said(&scenario, "regular_visit").split_off(1);
    assert_eq!(later, ["2026-03-24 08:00 regular_visit 0.30"]);
}

#[test]
fn while_nobody_reports_a_contact_it_is_said_again() {
    let rules = format!("{VISITS}\ntriggers.regular_visit.again_days = 5\npolicy.task_days = 2");
    let mut scenario = visited(&rules, |_| ());
    pass(&mut scenario, "2026-03-02", "2026-03-31");
    let times = scenario.signals("regular_visit");
    assert!((3..=5).contains(&times), "{times}");
    let mut unreachable = visited(VISITS, |_| ());
    pass(&mut unreachable, "2026-03-02", "2026-03-14");
    let tried = outcome(&unreachable.last_task(ONE), OutcomeResult::Unreachable);
    unreachable.event(ONE, "2026-03-14 21:00", tried);
    pass(&mut unreachable, "2026-03-15", "2026-04-15");
    assert_eq!(unreachable.signals("regular_visit"), 2);
}

#[test]
fn visits_are_for_key_customers_who_want_them() {
    let ends = |scenario: &mut Scenario| {
        pass(scenario, "2026-03-02", "2026-03-14");
        said(scenario, "regular_visit")
    };
    assert_eq!(ends(&mut visited(VISITS, |p| p.vip = false)), [""; 0]);
    assert_eq!(
        ends(&mut visited("triggers.regular_visit.key_days = 0", |_| ())),
        [""; 0]
    );
    let mut refuses = visited(VISITS, |p| p.marketing_opt_out = Some(true));
    assert_eq!(ends(&mut refuses), [""; 0]);
    let mut barred = visited(VISITS, |_| ());
    let suspension = Body::Suspension(SuspensionReason::Voluntary);
    barred.event(ONE, "2026-03-01 22:00", suspension);
    // A line that is used is barred no more.
    barred.live(&crowd(4)[1..], days("2026-03-02", "2026-03-14"), |_, _| 3);
    assert_eq!(said(&barred, "regular_visit"), [""; 0]);
    for (told, expected) in [
        (Body::PortOutApplication, "(mnp_hold)"),
        (call(HOTLINE), "(churn_task_open)"),
        (Body::Cancellation, "(churned)"),
    ] {
        let mut scenario = visited(VISITS, |_| ());
        scenario.event(ONE, "2026-03-01 22:00", told);
        let visit = ends(&mut scenario);
        assert!(visit[0].ends_with(expected), "{visit:?}");
    }
}

#[test]
fn first_visits_are_spread_over_the_days() {
    let mut scenario = Scenario::new(VISITS);
    let people = crowd(200);
    scenario.live(&people, days("2026-03-01", "2026-03-01"), |_, _| 1);
    for who in &people {
        scenario.event(who, "2026-03-01 21:00", vip(|_| ()));
    }
    scenario.live(&people, days("2026-03-02", "2026-03-02"), |_, _| 1);
    let mut before = 0;
    for on in days("2026-03-03", "2026-03-12") {
        scenario.live(&people, on..=on, |_, _| 1);
        let all = scenario.signals("regular_visit");
        let new = all - before;
        // One in ten, within what chance does to 200.
        assert!((8..=35).contains(&new), "{new} on {on}");
        before = all;
    }
    assert_eq!(before, 200);
}
