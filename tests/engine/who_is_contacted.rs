//! Who may be judged and contacted, whatever order the records come in.

use crate::support::scenario::{FRIEND, HOTLINE, MACHINE, Scenario, call, day, outcome, profile};
use churnwatch::model::{Body, Outcome, OutcomeResult, Severity, SuspensionReason};

#[test]
fn a_profile_exported_after_the_records_it_comes_before_costs_none_of_them() {
    let mut scenario = Scenario::new("");
    let exported = profile(|_| {});
    scenario.event("13900000001", "2026-05-01 00:00", exported);
    let outcome = scenario.event("13900000001", "2026-02-01 10:00", call(FRIEND));
    assert_eq!(outcome, Outcome::Applied { late: false });
}

#[test]
fn an_expired_session_leaves_no_bytes_behind() {
    let mut scenario = Scenario::new("");
    let data = |kibibytes: u64| Body::Data {
        volume_bytes: kibibytes << 10,
        session: None,
    };
    // One subscriber's ring may run ahead of the clock; the day before it is too old for that subscriber alone.
    for who in ["13900000001", "13900000002", "13900000003"] {
        scenario.event(who, "2026-02-01 10:00", call(FRIEND));
    }
    scenario.event("13900000001", "2026-03-10 10:00", call(FRIEND));
    let outcome = scenario.event("13900000001", "2026-02-02 10:00", data(1_000));
    assert_eq!(outcome, Outcome::Expired);
    scenario.event("13900000001", "2026-03-10 11:00", data(100));
    let window = scenario.window("13900000001");
    let total: u16 = window.iter().map(|(_, b)| b.data_mebibytes()).sum();
    assert_eq!(total, 0);
}

fn hotline(scenario: &mut Scenario, at: &str) -> Vec<String> {
    let before = scenario.published(ONE).len();
    scenario.event(ONE, at, call(HOTLINE));
    scenario.published(ONE).split_off(before)
}

const ONE: &str = "13900000001";

#[test]
fn a_port_out_stays_applied_for_whatever_profiles_follow() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-01 09:00", profile(|_| {}));
    scenario.event(ONE, "2026-02-01 10:00", call(HOTLINE));
    scenario.event(ONE, "2026-02-02 10:00", Body::PortOutApplication);
    scenario.event(ONE, "2026-02-03 09:00", profile(|p| p.vip = true));
    assert_eq!(
        hotline(&mut scenario, "2026-02-12 10:00"),
        ["2026-02-12 10:00 competitor_hotline 0.60 (mnp_hold)"]
    );
}

#[test]
fn a_new_owner_of_the_number_starts_afresh() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-01 09:00", profile(|_| {}));
    let arrears = Body::Suspension(SuspensionReason::Arrears);
    scenario.event(ONE, "2026-02-02 10:00", arrears);
    scenario.event(ONE, "2026-02-10 10:00", Body::Cancellation);
    assert_eq!(
        hotline(&mut scenario, "2026-02-10 11:00"),
        ["2026-02-10 11:00 competitor_hotline 0.60 (churned)"]
    );
    let next_owner = profile(|p| p.activated_on = Some(day("2026-02-20")));
    scenario.event(ONE, "2026-02-20 09:00", next_owner);
    scenario.event(ONE, "2026-02-20 10:00", call(FRIEND));
    // The new owner has been welcomed. A cancellation that was on its way for long is that of the earlier owner.
    scenario.event(ONE, "2026-02-10 12:00", Body::Cancellation);
    assert_eq!(
        hotline(&mut scenario, "2026-02-20 11:00"),
        [
            "2026-02-20 11:00 competitor_hotline 0.60",
            "2026-02-20 11:00 task 2 closed: superseded",
            "2026-02-20 11:00 task 1 open: small early due 2026-02-23 11:00"
        ]
    );
}

const SUSPENDED: Body<'static> = Body::Suspension(SuspensionReason::Arrears);

#[test]
fn a_suspension_that_arrives_after_its_reactivation_is_over() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-03 10:00", Body::Reactivation(None));
    scenario.event(ONE, "2026-02-02 10:00", SUSPENDED);
    assert!(scenario.published(ONE).is_empty());
    // Ninety days later the line is not taken for churned.
    scenario.event(ONE, "2026-05-20 10:00", call(FRIEND));
    assert_eq!(
        hotline(&mut scenario, "2026-05-20 11:00")[0],
        "2026-05-20 11:00 competitor_hotline 0.60"
    );
}

#[test]
fn a_reactivation_that_was_late_still_ends_the_arrears() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-02 10:00", SUSPENDED);
    // More than 48 h late: too old for the immediate triggers, not for the account.
    scenario.event(ONE, "2026-02-06 10:00", call(FRIEND));
    scenario.event(ONE, "2026-02-03 10:00", Body::Reactivation(None));
    scenario.event(ONE, "2026-02-07 10:00", call(FRIEND));
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-02 10:00 arrears 0.90",
            "2026-02-02 10:00 task 1 open: small at_risk due 2026-02-05 10:00",
            "2026-02-07 10:00 task 2 closed: arrears_paid",
        ]
    );
}

#[test]
fn an_outcome_settles_the_task_of_a_line_that_turned_out_to_be_a_machine() {
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-02-02 10:00", call(HOTLINE));
    scenario.event(ONE, "2026-02-02 11:00", profile(|p| p.flags = MACHINE));
    assert!(hotline(&mut scenario, "2026-02-12 10:00").is_empty());
    let outcome = outcome(&scenario.last_task(ONE), OutcomeResult::Saved);
    scenario.event(ONE, "2026-02-12 11:00", outcome);
    let last = scenario.published(ONE).pop().unwrap();
    assert_eq!(last, "2026-02-12 11:00 task 2 closed: saved");
}

#[test]
fn no_task_is_due_before_anybody_may_be_contacted() {
    let mut scenario = Scenario::new("policy.score.critical = 0.2");
    scenario.event(ONE, "2026-02-02 09:00", profile(|p| p.vip = true));
    for who in ["13900000002", "13900000003"] {
        scenario.event(who, "2026-02-02 10:00", call(FRIEND));
    }
    // Ahead of the clock, at night; then another reason by day, as the clock has it.
    scenario.event(ONE, "2026-02-02 22:00", call(HOTLINE));
    scenario.event(ONE, "2026-02-02 11:00", SUSPENDED);
    let task = scenario.last_task(ONE);
    assert_eq!((task.revision, task.severity), (2, Severity::Critical));
    assert_eq!(task.not_before, scenario.time("2026-02-03 09:00"));
    // A critical key customer's four hours, counted from then.
    assert_eq!(task.due_at, scenario.time("2026-02-03 13:00"));
}
