//! What outcomes do: they close tasks, correct one another, re-open what was closed wrongly.

use super::{
    CANCEL, COMPLAINT, ONE, forbid, hotline, key, ordinary, pass, report, scenario_of, since, talk,
};
use crate::support::scenario::{Scenario, day, invoice, outcome, profile};
use churnwatch::model::{Body, Outcome, OutcomeResult, Purpose, Reject, Task};

/// A customer whose task, opened on 2 February at ten, was closed at noon with a result.
fn closed(profile: Body<'static>, result: OutcomeResult) -> (Scenario, Task) {
    let mut scenario = scenario_of("", profile);
    hotline(&mut scenario, "2026-02-02 10:00");
    report(&mut scenario, "2026-02-02 12:00", result);
    let task = scenario.last_task(ONE);
    (scenario, task)
}

fn again(scenario: &mut Scenario, at: &str, task: &Task, result: OutcomeResult) -> Vec<String> {
    let before = scenario.published(ONE).len();
    scenario.event(ONE, at, outcome(task, result));
    since(scenario, before)
}

#[test]
fn saved_refused_and_lost_close_the_task() {
    for (result, reason) in [
        (OutcomeResult::Saved, "saved"),
        (OutcomeResult::Refused, "refused"),
        (OutcomeResult::Lost, "lost"),
    ] {
        let (scenario, task) = closed(ordinary(), result);
        let expected = format!("2026-02-02 12:00 task 2 closed: {reason}");
        assert_eq!(since(&scenario, 2), [expected]);
        let noon = scenario.time("2026-02-02 12:00");
        assert_eq!(
            (task.outcome, task.contacted_at),
            (Some(result), Some(noon))
        );
        assert_eq!(task.escalates_at, None);
        assert!(task.source.is_some());
        assert_eq!(scenario.shard.stats().open_tasks, 0);
    }
}

#[test]
fn another_outcome_of_a_closed_task_corrects_it_for_a_week() {
    let (mut scenario, task) = closed(ordinary(), OutcomeResult::Refused);
    assert_eq!(
        again(
            &mut scenario,
            "2026-02-03 10:00",
            &task,
            OutcomeResult::Refused
        ),
        [""; 0]
    );
    assert_eq!(
        again(
            &mut scenario,
            "2026-02-04 10:00",
            &task,
            OutcomeResult::Lost
        ),
        ["2026-02-04 10:00 task 3 closed: lost"]
    );
    // The week is counted anew from each correction.
    assert_eq!(
        again(
            &mut scenario,
            "2026-02-11 09:59",
            &task,
            OutcomeResult::Refused
        ),
        ["2026-02-11 09:59 task 4 closed: refused"]
    );
    let corrected = scenario.last_task(ONE);
    assert_eq!(corrected.outcome, Some(OutcomeResult::Refused));
    assert_eq!(
        again(
            &mut scenario,
            "2026-02-18 09:59",
            &task,
            OutcomeResult::Saved
        ),
        [""; 0]
    );
}

#[test]
fn a_correction_is_no_further_contact_and_an_outcome_of_an_unknown_task_is_one() {
    for (corrected_at, expected) in [
        // The talk of 2 February counts, and the cap of two is not reached.
        ("2026-02-05 10:00", "2026-02-10 12:00"),
        // Too late to correct: somebody must have spoken again.
        ("2026-02-09 12:00", "2026-02-16 12:00"),
    ] {
        let (mut scenario, task) = closed(key(), OutcomeResult::Saved);
        again(&mut scenario, corrected_at, &task, OutcomeResult::Refused);
        scenario.event(ONE, "2026-02-10 12:00", COMPLAINT);
        assert_eq!(scenario.planned(ONE)[..16], *expected, "{corrected_at}");
    }
    let mut scenario = scenario_of("", ordinary());
    forbid(&mut scenario, "2026-02-02 10:00", "of somebody else");
    let mut scenario = scenario_of("", ordinary());
    let (elsewhere, _) = closed(ordinary(), OutcomeResult::Saved);
    let unreachable = outcome(&elsewhere.last_task(ONE), OutcomeResult::Unreachable);
    scenario.event(ONE, "2026-02-02 12:00", unreachable);
    scenario.event(ONE, "2026-02-03 12:00", COMPLAINT);
    assert_eq!(
        scenario.planned(ONE)[..16],
        *"2026-02-03 12:00",
        "nobody was reached"
    );
}

#[test]
fn an_outcome_of_a_task_that_nobody_had_is_dead_lettered_and_counts_as_a_contact() {
    let (elsewhere, _) = closed(ordinary(), OutcomeResult::Saved);
    let foreign = elsewhere.last_task(ONE);
    let mut scenario = scenario_of("", ordinary());
    let reached = outcome(&foreign, OutcomeResult::Reached);
    let judged = scenario.event(ONE, "2026-02-02 12:00", reached);
    assert_eq!(judged, Outcome::Rejected(Reject::UnknownTask));
    assert!(scenario.shard.counts().conserved());
    scenario.event(ONE, "2026-02-03 12:00", COMPLAINT);
    assert_eq!(scenario.planned(ONE)[..16], *"2026-02-09 12:00");
}

#[test]
fn a_late_answer_is_not_unknown_while_the_closed_task_is_remembered() {
    for (at, known) in [("2026-02-20 12:00", true), ("2026-03-20 12:00", false)] {
        for result in OutcomeResult::ALL {
            let (mut scenario, task) = closed(ordinary(), OutcomeResult::Saved);
            let judged = scenario.event(ONE, at, outcome(&task, result));
            let expected = match known {
                true => Outcome::Applied { late: false },
                false => Outcome::Rejected(Reject::UnknownTask),
            };
            assert_eq!(judged, expected, "{result:?} on {at}");
        }
    }
}

#[test]
fn a_talk_that_did_not_settle_it_after_all_opens_the_task_again() {
    let (mut scenario, task) = closed(key(), OutcomeResult::Saved);
    let reopened = again(
        &mut scenario,
        "2026-02-04 10:00",
        &task,
        OutcomeResult::Reached,
    );
    // The gap counts from the talk of 2 February, which was the only one; the competitor has been answered.
    assert_eq!(
        reopened,
        ["2026-02-04 10:00 task 3 open: key early due 2026-02-10 12:00"]
    );
    let task = scenario.last_task(ONE);
    assert_eq!(
        scenario.planned(ONE),
        "2026-02-09 12:00 to 2026-02-10 12:00, account_manager"
    );
    assert_eq!((task.close_reason, task.escalates_at), (None, None));
    assert_eq!(task.outcome, Some(OutcomeResult::Reached));
    // It is open like any other, and closed by its next outcome.
    assert_eq!(
        again(
            &mut scenario,
            "2026-02-09 15:00",
            &task,
            OutcomeResult::Lost
        ),
        ["2026-02-09 15:00 task 4 closed: lost"]
    );
    let (mut scenario, task) = closed(key(), OutcomeResult::Refused);
    let reopened = again(
        &mut scenario,
        "2026-02-04 10:00",
        &task,
        OutcomeResult::Unreachable,
    );
    assert_eq!(reopened.len(), 1, "a wrong number was dialled");
}

#[test]
fn nothing_is_opened_again_beside_another_task_or_against_what_came_since() {
    let reached = |scenario: &mut Scenario, task: &Task| {
        again(scenario, "2026-02-05 10:00", task, OutcomeResult::Reached)
    };
    let (mut scenario, task) = closed(ordinary(), OutcomeResult::Saved);
    scenario.event(ONE, "2026-02-04 10:00", COMPLAINT);
    assert_eq!(
        reached(&mut scenario, &task),
        [""; 0],
        "the complaint's task is open"
    );

    let (mut scenario, task) = closed(ordinary(), OutcomeResult::Saved);
    scenario.event(ONE, "2026-02-04 10:00", Body::PortOutApplication);
    assert_eq!(
        reached(&mut scenario, &task),
        [""; 0],
        "port-out applied for"
    );

    let (mut scenario, task) = closed(ordinary(), OutcomeResult::Saved);
    scenario.event(ONE, "2026-02-04 10:00", Body::Cancellation);
    assert_eq!(reached(&mut scenario, &task), [""; 0], "cancelled");

    for (tier, change) in [("ordinary", false), ("key", true)] {
        let opted_out = move |vip| {
            profile(|p| {
                p.vip = vip;
                p.marketing_opt_out = Some(true);
            })
        };
        let customer = if change { key() } else { ordinary() };
        let (mut scenario, task) = closed(customer, OutcomeResult::Saved);
        scenario.event(ONE, "2026-02-04 10:00", opted_out(change));
        let opened = reached(&mut scenario, &task).len();
        assert_eq!(
            opened,
            usize::from(change),
            "{tier} customer who wants no marketing"
        );
    }
    let (mut scenario, task) = closed(ordinary(), OutcomeResult::Saved);
    let not_pursued = profile(|p| p.flags = crate::support::scenario::NOT_PURSUED);
    scenario.event(ONE, "2026-02-04 10:00", not_pursued);
    assert_eq!(reached(&mut scenario, &task), [""; 0], "not pursued");
    // What it was closed for can still be corrected.
    assert_eq!(
        again(
            &mut scenario,
            "2026-02-05 11:00",
            &task,
            OutcomeResult::Lost
        ),
        ["2026-02-05 11:00 task 3 closed: lost"]
    );
}

#[test]
fn a_correction_leaves_alone_what_is_open_by_now() {
    let (mut scenario, first) = closed(ordinary(), OutcomeResult::Saved);
    scenario.event(ONE, "2026-02-04 10:00", COMPLAINT);
    let second = scenario.last_task(ONE);
    assert_eq!(
        again(
            &mut scenario,
            "2026-02-05 10:00",
            &first,
            OutcomeResult::Lost
        ),
        ["2026-02-05 10:00 task 3 closed: lost"]
    );
    assert_eq!(scenario.shard.stats().open_tasks, 1);
    assert_eq!(
        again(
            &mut scenario,
            "2026-02-09 15:00",
            &second,
            OutcomeResult::Saved
        ),
        ["2026-02-09 15:00 task 2 closed: saved"]
    );
}

#[test]
fn what_waits_for_a_place_joins_the_task_that_is_opened_again() {
    let none = "policy.budget.churn = { key = 0, ordinary = 0, small = 0 }";
    let mut scenario = scenario_of(none, ordinary());
    scenario.event(
        ONE,
        "2026-02-20 10:00",
        invoice("2026-01-01", "2026-02-10", 50),
    );
    hotline(&mut scenario, "2026-02-24 10:00");
    report(&mut scenario, "2026-02-24 12:00", OutcomeResult::Saved);
    let task = scenario.last_task(ONE);
    pass(&mut scenario, "2026-02-25", "2026-02-26");
    assert_eq!(
        since(&scenario, 3),
        ["2026-02-26 08:00 arrears 0.60 (over_budget)"]
    );
    again(
        &mut scenario,
        "2026-02-26 20:00",
        &task,
        OutcomeResult::Reached,
    );
    let task = scenario.last_task(ONE);
    let reasons: Vec<&str> = task.signals.iter().map(|signal| &*signal.trigger).collect();
    assert_eq!(reasons, ["competitor_hotline", "arrears"]);
    let before = scenario.total();
    pass(&mut scenario, "2026-02-27", "2026-02-28");
    assert_eq!(scenario.total(), before, "nothing waits any more");
}

/// A scenario in which the customer's birthday has become a task on the morning of 6 March.
fn birthday() -> Scenario {
    let mut scenario = Scenario::new("");
    scenario.event(
        ONE,
        "2026-03-05 20:00",
        profile(|p| p.birthday = Some((3, 7))),
    );
    pass(&mut scenario, "2026-03-05", "2026-03-06");
    assert_eq!(scenario.published(ONE).len(), 2);
    scenario
}

#[test]
fn care_is_over_when_the_customer_was_spoken_to_and_stays_so() {
    let mut scenario = birthday();
    report(
        &mut scenario,
        "2026-03-06 14:00",
        OutcomeResult::Unreachable,
    );
    assert_eq!(
        scenario.planned(ONE),
        "2026-03-06 18:00 to 2026-03-08 09:00, account_manager"
    );
    report(&mut scenario, "2026-03-06 19:00", OutcomeResult::Reached);
    assert_eq!(
        since(&scenario, 3),
        ["2026-03-06 19:00 task 3 closed: contacted"]
    );
    // Nothing to correct: a further report is another talk.
    let task = scenario.last_task(ONE);
    assert_eq!(
        again(
            &mut scenario,
            "2026-03-07 10:00",
            &task,
            OutcomeResult::Saved
        ),
        [""; 0]
    );
    let mut scenario = birthday();
    report(&mut scenario, "2026-03-06 14:00", OutcomeResult::Refused);
    let task = scenario.last_task(ONE);
    assert_eq!(
        again(
            &mut scenario,
            "2026-03-06 15:00",
            &task,
            OutcomeResult::Reached
        ),
        [""; 0]
    );
    assert_eq!(
        again(
            &mut scenario,
            "2026-03-06 16:00",
            &task,
            OutcomeResult::Saved
        ),
        ["2026-03-06 16:00 task 3 closed: saved"]
    );
}

#[test]
fn who_was_kept_is_asked_a_week_later_whether_all_is_well() {
    let followed = |rules: &str, result: OutcomeResult| {
        let mut scenario = scenario_of(rules, ordinary());
        hotline(&mut scenario, "2026-02-02 10:00");
        report(&mut scenario, "2026-02-02 12:00", result);
        pass(&mut scenario, "2026-02-03", "2026-02-20");
        since(&scenario, 3)
    };
    assert_eq!(
        followed("", OutcomeResult::Saved),
        [
            "2026-02-10 08:00 follow_up 0.30",
            "2026-02-10 08:00 task 1 open: ordinary early due 2026-02-12 09:00",
        ]
    );
    assert_eq!(followed("", OutcomeResult::Refused), [""; 0]);
    assert_eq!(followed("", OutcomeResult::Lost), [""; 0]);
    // On the morning of the seventh day the week is not over.
    assert_eq!(
        followed("triggers.follow_up.after_days = 7", OutcomeResult::Saved),
        ["2026-02-09 08:00 follow_up 0.30 (contact_gap)"]
    );
    // Whoever is about to leave again is spoken to about that.
    let mut scenario = scenario_of("", ordinary());
    hotline(&mut scenario, "2026-02-02 10:00");
    report(&mut scenario, "2026-02-02 12:00", OutcomeResult::Saved);
    scenario.event(ONE, "2026-02-09 15:00", CANCEL);
    pass(&mut scenario, "2026-02-10", "2026-02-10");
    assert_eq!(
        since(&scenario, 5),
        ["2026-02-10 08:00 follow_up 0.30 (churn_task_open)"]
    );
}

#[test]
fn opening_again_supersedes_care() {
    let mut scenario = scenario_of("policy.contact.correction_days = 30", ordinary());
    hotline(&mut scenario, "2026-03-05 10:00");
    report(&mut scenario, "2026-03-05 12:00", OutcomeResult::Refused);
    let task = scenario.last_task(ONE);
    let born = profile(|p| p.birthday = Some((3, 15)));
    scenario.event(ONE, "2026-03-05 20:00", born);
    pass(&mut scenario, "2026-03-05", "2026-03-14");
    assert_eq!(scenario.last_task(ONE).purpose, Purpose::Care);
    let said = again(
        &mut scenario,
        "2026-03-14 15:00",
        &task,
        OutcomeResult::Reached,
    );
    assert_eq!(scenario.last_task(ONE).task_id, task.task_id);
    assert_eq!(
        said,
        [
            "2026-03-14 15:00 task 2 closed: superseded",
            "2026-03-14 15:00 task 3 open: ordinary early due 2026-03-16 15:00",
        ]
    );
}

#[test]
fn a_new_owner_has_no_past() {
    let mut scenario = scenario_of("", ordinary());
    talk(&mut scenario, "2026-02-02 11:00");
    forbid(&mut scenario, "2026-02-02 12:00", "any");
    scenario.event(ONE, "2026-02-03 10:00", Body::Cancellation);
    let next = profile(|p| p.activated_on = Some(day("2026-02-04")));
    scenario.event(ONE, "2026-02-04 10:00", next);
    scenario.event(ONE, "2026-02-04 11:00", CANCEL);
    assert_eq!(scenario.planned(ONE)[..16], *"2026-02-04 11:00");
}
