//! Who gets a task that nobody acted upon, and who is told at once.

use super::{
    CANCEL, COMPLAINT, ONE, SUSPENDED, WALL, hotline, key, ordinary, report, scenario_of, since,
    small,
};
use crate::support::scenario::{Scenario, profile};
use churnwatch::model::{Body, Inputs, Level, Money, OutcomeResult, Profile};

/// A customer of a tier who calls a competitor on 2 February at ten, by the clock on the wall.
fn called(rules: &str, profile: Body<'static>) -> Scenario {
    let mut scenario = scenario_of(&format!("{WALL}\n{rules}"), profile);
    scenario.tick("2026-02-02 10:00", Inputs::default());
    hotline(&mut scenario, "2026-02-02 10:00");
    scenario
}

/// Ticks of an hour each until a time, and what they led to.
fn hours(scenario: &mut Scenario, until: &str) -> Vec<String> {
    let (before, until) = (scenario.published(ONE).len(), scenario.time(until));
    let mut now = scenario.shard.stats().clock;
    while now < until {
        now = now.plus_hours(1).min(until);
        scenario
            .shard
            .tick(now, Inputs::default(), &mut scenario.effects);
    }
    since(scenario, before)
}

#[test]
fn a_task_nobody_acts_upon_goes_up_the_ladder_to_the_top() {
    let mut scenario = called("", key());
    assert_eq!(hours(&mut scenario, "2026-02-03 09:59"), [""; 0]);
    let mut levels = Vec::new();
    for (at, level) in [
        ("2026-02-03 10:00", Level::Supervisor),
        ("2026-02-04 10:00", Level::RegionalManager),
        ("2026-02-05 10:00", Level::DeputyGeneralManager),
    ] {
        levels.extend(hours(&mut scenario, at));
        let task = scenario.last_task(ONE);
        assert_eq!(task.assignee.level, level);
        // The first-responsible account manager stays so.
        assert_eq!(task.assignee.account_manager.as_deref(), Some("am-17"));
        assert_eq!(task.source, None);
    }
    assert_eq!(
        levels,
        [
            "2026-02-03 10:00 task 2 escalated: key early due 2026-02-03 10:00",
            "2026-02-04 10:00 task 3 escalated: key early due 2026-02-03 10:00",
            "2026-02-05 10:00 task 4 escalated: key early due 2026-02-03 10:00",
        ]
    );
    assert_eq!(scenario.last_task(ONE).escalates_at, None);
    assert_eq!(
        hours(&mut scenario, "2026-02-20 10:00"),
        [""; 0],
        "there is nobody above"
    );
}

#[test]
fn each_tier_has_its_time_and_campaigns_have_no_ladder() {
    let mut scenario = called("", ordinary());
    let said = hours(&mut scenario, "2026-02-06 10:00");
    assert_eq!(said.len(), 3);
    assert!(
        said[0].starts_with("2026-02-04 10:00 task 2 escalated"),
        "{said:?}"
    );
    let mut scenario = called("", small());
    assert_eq!(scenario.last_task(ONE).escalates_at, None);
    assert_eq!(hours(&mut scenario, "2026-02-20 10:00"), [""; 0]);
    let mut scenario = called("policy.escalation.rung_hours.small = 48", small());
    let said = hours(&mut scenario, "2026-02-09 11:00");
    assert!(
        said[0].starts_with("2026-02-05 10:00 task 2 escalated"),
        "{said:?}"
    );
    assert!(
        said[1].starts_with("2026-02-07 10:00 task 3 escalated"),
        "{said:?}"
    );
    let mut scenario = called("policy.escalation.rung_hours.key = 0", key());
    assert_eq!(hours(&mut scenario, "2026-02-20 10:00"), [""; 0]);
}

#[test]
fn nobody_is_handed_a_task_at_night() {
    let mut scenario = called("policy.escalation.rung_hours.key = 6", key());
    assert_eq!(
        hours(&mut scenario, "2026-02-05 10:00"),
        [
            "2026-02-03 10:00 task 2 escalated: key early due 2026-02-03 10:00",
            "2026-02-03 16:00 task 3 escalated: key early due 2026-02-03 10:00",
            // Six hours later would be at ten at night.
            "2026-02-04 09:00 task 4 escalated: key early due 2026-02-03 10:00",
        ]
    );
}

#[test]
fn a_clock_that_stood_still_moves_a_task_by_one_rung() {
    let mut scenario = called("", key());
    scenario.tick("2026-02-12 10:00", Inputs::default());
    assert_eq!(scenario.last_task(ONE).assignee.level, Level::Supervisor);
    scenario.tick("2026-02-13 09:59", Inputs::default());
    assert_eq!(scenario.last_task(ONE).revision, 2);
    scenario.tick("2026-02-13 10:00", Inputs::default());
    assert_eq!(
        scenario.last_task(ONE).assignee.level,
        Level::RegionalManager
    );
}

#[test]
fn a_talk_stops_the_ladder_and_a_try_that_reached_nobody_does_not() {
    let mut scenario = called("", key());
    scenario.tick("2026-02-02 12:00", Inputs::default());
    report(
        &mut scenario,
        "2026-02-02 12:00",
        OutcomeResult::Unreachable,
    );
    assert!(hours(&mut scenario, "2026-02-03 10:00")[0].contains("task 3 escalated"));
    report(&mut scenario, "2026-02-03 10:00", OutcomeResult::Reached);
    assert_eq!(hours(&mut scenario, "2026-02-20 10:00"), [""; 0]);
    let task = scenario.last_task(ONE);
    assert_eq!((task.revision, task.assignee.level), (4, Level::Supervisor));
}

#[test]
fn what_gets_worse_is_due_sooner_and_escalates_sooner() {
    let mut scenario = called("", key());
    scenario.tick("2026-02-02 11:00", Inputs::default());
    scenario.event(ONE, "2026-02-02 11:00", COMPLAINT);
    scenario.event(ONE, "2026-02-02 11:00", CANCEL);
    assert_eq!(
        hours(&mut scenario, "2026-02-02 16:00"),
        ["2026-02-02 15:00 task 4 escalated: key critical due 2026-02-02 15:00"]
    );
    // A further reason leaves the next rung its time.
    scenario.event(ONE, "2026-02-02 16:00", SUSPENDED);
    assert_eq!(scenario.last_task(ONE).revision, 5);
    assert_eq!(
        hours(&mut scenario, "2026-02-03 16:00"),
        ["2026-02-03 15:00 task 6 escalated: key critical due 2026-02-02 15:00"]
    );
}

#[test]
fn a_reason_that_is_gone_is_noticed_before_the_ladder_is_climbed() {
    let mut scenario = scenario_of(WALL, key());
    scenario.tick("2026-02-02 13:00", Inputs::default());
    scenario.event(ONE, "2026-02-02 13:00", SUSPENDED);
    scenario.tick("2026-02-02 20:00", Inputs::default());
    scenario.event(ONE, "2026-02-02 20:00", Body::Reactivation(None));
    // The clock stood still: the day's close and the rung are due at once, and the sweep has not begun.
    let (at, before) = (
        scenario.time("2026-02-03 14:00"),
        scenario.published(ONE).len(),
    );
    scenario
        .shard
        .tick(at, Inputs::default(), &mut scenario.effects);
    assert_eq!(
        since(&scenario, before),
        ["2026-02-03 14:00 task 2 closed: arrears_paid"]
    );
}

#[test]
fn the_regional_manager_is_told_at_once_of_key_customers_and_of_those_who_are_worth_much() {
    let spends = |hundredths: i64| {
        profile(|p: &mut Profile<'static>| {
            p.activated_on = None;
            p.avg_monthly_spend = Some(Money(hundredths));
        })
    };
    for (profile, notified) in [
        (key(), true),
        (spends(40_000), true),
        (spends(39_999), false),
        (ordinary(), false),
    ] {
        let scenario = called("", profile);
        let task = scenario.last_task(ONE);
        let expected = notified.then_some(Level::RegionalManager);
        assert_eq!(task.assignee.notify, expected, "{:?}", task.monthly_value);
        assert_eq!(task.assignee.level, Level::AccountManager);
    }
}

#[test]
fn care_is_not_escalated_and_nobody_else_is_told() {
    let mut scenario = scenario_of(
        "",
        profile(|p| {
            p.vip = true;
            p.birthday = Some((2, 3));
        }),
    );
    super::pass(&mut scenario, "2026-02-01", "2026-02-02");
    let task = scenario.last_task(ONE);
    assert_eq!(
        (task.purpose.name(), task.assignee.notify, task.escalates_at),
        ("care", None, None)
    );
    super::pass(&mut scenario, "2026-02-03", "2026-02-05");
    assert_eq!(scenario.last_task(ONE).revision, 1);
}
