//! Care for those who were kept: some days later somebody asks whether what was promised has come true (behaviour:
//! Recommended action).

use crate::support::scenario::{HOTLINE, Scenario, call, crowd, day, days, outcome, profile};
use churnwatch::model::{
    Body, ComplaintCategory, Effect, Evidence, Fact, Msisdn, OutcomeResult, Signal,
};

const ONE: &str = "13900000001";

const COMPLAINT: Body<'static> = Body::Complaint {
    category: ComplaintCategory::Network,
    resolved: false,
    satisfaction: None,
};

/// Ordinary days of a few subscribers.
fn pass(scenario: &mut Scenario, from: &str, to: &str) {
    scenario.live(&crowd(4), days(from, to), |_, _| 3);
}

/// A scenario in which one subscriber called a competitor on 3 March, so that a churn task is open.
fn scenario(rules: &str) -> Scenario {
    let mut scenario = Scenario::new(rules);
    pass(&mut scenario, "2026-03-02", "2026-03-02");
    scenario.event(ONE, "2026-03-03 10:00", call(HOTLINE));
    scenario
}

/// An outcome of the subscriber's last task.
fn report(scenario: &mut Scenario, at: &str, result: OutcomeResult) {
    let body = outcome(&scenario.last_task(ONE), result);
    scenario.event(ONE, at, body);
}

fn follow_ups(scenario: &Scenario) -> Vec<&Signal> {
    let signals = scenario.effects.iter().filter_map(|effect| match effect {
        Effect::Signal(signal) if signal.trigger == "follow_up" => Some(&**signal),
        _ => None,
    });
    signals.collect()
}

/// What the trigger remembers of the subscriber, in plain words.
fn remembered(scenario: &Scenario) -> String {
    let about = scenario.shard.describe(&Msisdn::new(ONE).unwrap()).unwrap();
    let memory = about.triggers.get("follow_up");
    memory.map_or_else(String::new, |memory| memory.remembers.clone())
}

/// A talk counts for a week, so that the next one is possible when that is over.
#[test]
fn who_was_kept_is_asked_once_when_another_talk_is_allowed() {
    let mut scenario = scenario("");
    assert_eq!(remembered(&scenario), "nothing to follow up");
    report(&mut scenario, "2026-03-04 20:59", OutcomeResult::Saved);
    assert_eq!(
        remembered(&scenario),
        "kept by a talk on 2026-03-04, to be followed up"
    );
    let before = scenario.published(ONE).len();
    pass(&mut scenario, "2026-03-05", "2026-04-30");
    assert_eq!(
        scenario.published(ONE)[before..],
        [
            "2026-03-12 08:00 follow_up 0.30",
            "2026-03-12 08:00 task 1 open: small early due 2026-03-15 09:00",
            "2026-04-11 08:00 task 2 closed: expired",
        ]
    );
    assert_eq!(remembered(&scenario), "followed up on 2026-03-11");
    let [signal] = follow_ups(&scenario)[..] else {
        panic!("not one signal");
    };
    let expected = Evidence {
        observed: 8.0,
        expected: 0.0,
        unit: "days".into(),
        window_days: 0,
        threshold: 8.0,
        facts: vec![("saved_on".into(), Fact::Date(day("2026-03-04")))],
        source: None,
    };
    assert_eq!(signal.evidence, expected);
    assert_eq!(
        signal.text.en,
        "The customer was kept on 2026-03-04 (days since: 8); ask whether what was promised has come true"
    );
    assert_eq!(
        signal.text.zh,
        "客户2026-03-04经挽留留网，至今8天，应回访承诺是否兑现"
    );
    assert_eq!(
        scenario.steps(ONE),
        ["Call back: ask whether what was promised has come true, and put right what has not"]
    );
}

#[test]
fn only_a_churn_task_that_was_settled_well_is_followed_up() {
    for result in [
        OutcomeResult::Reached,
        OutcomeResult::Unreachable,
        OutcomeResult::Refused,
        OutcomeResult::Lost,
    ] {
        let mut scenario = scenario("");
        report(&mut scenario, "2026-03-04 12:00", result);
        pass(&mut scenario, "2026-03-05", "2026-03-25");
        assert_eq!(scenario.signals("follow_up"), 0, "{}", result.name());
    }
    // Unknown tasks.
    let mut unknown = scenario("");
    let mut task = unknown.last_task(ONE);
    task.task_id = "another".to_owned();
    let saved = outcome(&task, OutcomeResult::Saved);
    unknown.event(ONE, "2026-03-04 12:00", saved);
    report(&mut unknown, "2026-03-04 13:00", OutcomeResult::Refused);
    pass(&mut unknown, "2026-03-05", "2026-03-25");
    assert_eq!(unknown.signals("follow_up"), 0);
    // Tasks of care.
    let mut care = Scenario::new("");
    pass(&mut care, "2026-03-02", "2026-03-02");
    let born = profile(|p| p.birthday = Some((3, 5)));
    care.event(ONE, "2026-03-02 21:00", born);
    pass(&mut care, "2026-03-03", "2026-03-04");
    assert_eq!(care.signals("birthday"), 1);
    report(&mut care, "2026-03-04 21:00", OutcomeResult::Saved);
    pass(&mut care, "2026-03-05", "2026-03-25");
    assert_eq!(care.signals("follow_up"), 0);
}

/// The later talk is the one whose promises count.
#[test]
fn a_later_talk_starts_anew() {
    let mut scenario = scenario("policy.contact.gap_days = 0");
    report(&mut scenario, "2026-03-04 12:00", OutcomeResult::Saved);
    pass(&mut scenario, "2026-03-05", "2026-03-08");
    scenario.event(ONE, "2026-03-09 10:00", COMPLAINT);
    report(&mut scenario, "2026-03-09 12:00", OutcomeResult::Saved);
    pass(&mut scenario, "2026-03-10", "2026-04-14");
    let [signal] = follow_ups(&scenario)[..] else {
        panic!("not one signal");
    };
    let saved_on = Fact::Date(day("2026-03-09"));
    assert_eq!(signal.evidence.facts, [("saved_on".into(), saved_on)]);
    // Kept again after the follow-up: another one.
    scenario.event(ONE, "2026-04-15 10:00", call(HOTLINE));
    report(&mut scenario, "2026-04-15 12:00", OutcomeResult::Saved);
    pass(&mut scenario, "2026-04-16", "2026-04-30");
    assert_eq!(scenario.signals("follow_up"), 2);
}

#[test]
fn the_wait_is_the_operator_s() {
    for (after_days, gap_days, expected) in [
        (1, 0, "2026-03-05 08:00 follow_up 0.30"),
        (3, 0, "2026-03-07 08:00 follow_up 0.30"),
        // Sooner than another talk is allowed: said, but nobody's task.
        (3, 7, "2026-03-07 08:00 follow_up 0.30 (contact_gap)"),
        (30, 7, "2026-04-03 08:00 follow_up 0.30"),
    ] {
        let mut scenario = scenario(&format!(
            "triggers.follow_up.after_days = {after_days}\npolicy.contact.gap_days = {gap_days}"
        ));
        report(&mut scenario, "2026-03-04 12:00", OutcomeResult::Saved);
        pass(&mut scenario, "2026-03-05", "2026-04-10");
        let said = scenario.published(ONE).into_iter();
        let said: Vec<_> = said.filter(|line| line.contains("follow_up")).collect();
        assert_eq!(said, [expected]);
    }
}

/// A number's new owner was promised nothing.
#[test]
fn a_new_owner_is_not_asked() {
    let mut scenario = scenario("");
    report(&mut scenario, "2026-03-04 12:00", OutcomeResult::Saved);
    scenario.event(ONE, "2026-03-05 12:00", Body::Cancellation);
    let owner = profile(|p| p.activated_on = Some(day("2026-03-06")));
    scenario.event(ONE, "2026-03-06 09:00", owner);
    pass(&mut scenario, "2026-03-07", "2026-03-25");
    assert_eq!(scenario.signals("follow_up"), 0);
}

#[test]
fn the_latest_outcome_says_whether_there_is_something_to_follow_up() {
    let kept = "kept by a talk on 2026-03-05, to be followed up";
    // An older outcome that comes late changes nothing.
    let mut told = scenario("");
    report(&mut told, "2026-03-05 10:00", OutcomeResult::Saved);
    report(&mut told, "2026-03-04 10:00", OutcomeResult::Refused);
    assert_eq!(remembered(&told), kept);
    // A correction counts.
    let mut told = scenario("");
    report(&mut told, "2026-03-04 10:00", OutcomeResult::Lost);
    report(&mut told, "2026-03-05 10:00", OutcomeResult::Saved);
    assert_eq!(remembered(&told), kept);
    report(&mut told, "2026-03-06 10:00", OutcomeResult::Refused);
    assert_eq!(remembered(&told), "nothing to follow up");
}
