//! Lost customers are asked back by value, and welcomed when they come (behaviour: Winning back).

use crate::support::scenario::{
    FRIEND, HOTLINE, NOT_PURSUED, Scenario, call, crowd, day, days, outcome, profile,
};
use churnwatch::engine::TaskCount;
use churnwatch::model::{
    Body, CloseReason, Msisdn, OutcomeResult, Profile, Purpose, Severity, SuspensionReason, Task,
};

const ONE: &str = "13900000001";

/// Ordinary days of a few others.
fn pass(scenario: &mut Scenario, from: &str, to: &str) {
    let others = crowd(4).split_off(1);
    scenario.live(&others, days(from, to), |_, _| 3);
}

fn key(change: impl FnOnce(&mut Profile<'static>)) -> Body<'static> {
    profile(|p| {
        p.vip = true;
        p.customer = Some(7);
        p.account_manager = Some("AM-17".into());
        change(p);
    })
}

/// One subscriber with a profile, who is gone on 5 March.
fn gone(rules: &str, told: Body<'static>, goes: &[Body<'static>]) -> Scenario {
    let mut scenario = Scenario::new(rules);
    pass(&mut scenario, "2026-03-01", "2026-03-02");
    scenario.event(ONE, "2026-03-02 20:30", told);
    scenario.event(ONE, "2026-03-02 20:40", call(FRIEND));
    pass(&mut scenario, "2026-03-03", "2026-03-04");
    for (minute, body) in goes.iter().enumerate() {
        scenario.event(ONE, &format!("2026-03-05 07:{minute:02}"), body.clone());
    }
    scenario
}

fn closed(rules: &str, told: Body<'static>) -> Scenario {
    gone(rules, told, &[Body::Cancellation])
}

/// When somebody was asked back, and why not if no task came of it.
fn asked(scenario: &Scenario) -> Vec<String> {
    let lines = scenario.published(ONE).into_iter();
    let lines = lines.filter(|line| line.contains(" win_back "));
    lines
        .map(|line| line.replace(" 08:00 win_back 0.50", ""))
        .collect()
}

fn last(scenario: &Scenario) -> Task {
    scenario.last_task(ONE)
}

#[test]
fn a_key_customer_is_asked_back_three_times_by_the_manager() {
    let mut scenario = closed("", key(|_| {}));
    pass(&mut scenario, "2026-03-05", "2026-03-20");
    assert_eq!(asked(&scenario), ["2026-03-08"]);
    let task = last(&scenario);
    assert_eq!(
        (task.purpose, task.severity),
        (Purpose::WinBack, Severity::Lost)
    );
    assert_eq!(task.assignee.account_manager.as_deref(), Some("AM-17"));
    assert_eq!(task.assignee.notify, None);
    assert_eq!(
        task.signals[0].text.en,
        "The customer closed the contract; lost on 2026-03-05, 3 days ago: try to win back"
    );
    assert_eq!(
        task.signals[0].text.zh,
        "客户已销户，2026-03-05起算流失，至今3天，应联系赢回"
    );
    assert_eq!(scenario.steps(ONE).len(), 1, "the reason is asked for");
    pass(&mut scenario, "2026-03-21", "2026-12-31");
    // Nobody has worked on the first task.
    assert_eq!(
        asked(&scenario),
        ["2026-03-08", "2026-04-04 (task_open)", "2026-06-03"]
    );
}

#[test]
fn ordinary_customers_are_called_twice_and_small_ones_are_a_campaign_each_quarter() {
    let mut ordinary = closed("", profile(|p| p.customer = Some(7)));
    pass(&mut ordinary, "2026-03-05", "2026-08-31");
    assert_eq!(asked(&ordinary), ["2026-03-19", "2026-05-04"]);
    let small = || profile(|p| p.activated_on = Some(day("2025-12-01")));
    let mut campaign = closed("policy.win_back.keep_days = 200", small());
    pass(&mut campaign, "2026-03-05", "2026-12-31");
    assert_eq!(asked(&campaign), ["2026-04-01", "2026-07-01"]);
    let mut none = closed("triggers.win_back.small_quarterly = false", small());
    pass(&mut none, "2026-03-05", "2026-08-31");
    assert_eq!(asked(&none), [""; 0]);
}

#[test]
fn nobody_is_asked_who_must_not_be() {
    for (rules, told, expected) in [
        (
            "",
            key(|p| p.flags = NOT_PURSUED),
            vec!["2026-03-08 (not_pursued)"],
        ),
        (
            "",
            key(|p| p.marketing_opt_out = Some(true)),
            vec!["2026-03-08 (opted_out)"],
        ),
        ("policy.win_back.consent = 'nobody'", key(|_| {}), vec![]),
        ("policy.win_back.consent = 'agreed'", key(|_| {}), vec![]),
        (
            "policy.win_back.consent = 'agreed'",
            key(|p| p.marketing_opt_out = Some(false)),
            vec!["2026-03-08"],
        ),
        ("policy.win_back.keep_days = 2", key(|_| {}), vec![]),
    ] {
        let mut scenario = closed(rules, told);
        pass(&mut scenario, "2026-03-05", "2026-03-20");
        assert_eq!(asked(&scenario), expected, "{rules}");
    }
}

#[test]
fn who_ported_is_left_alone_until_the_configuration_says_otherwise() {
    let ported = [Body::PortOutApplication, Body::Cancellation];
    let applied = [Body::PortOutApplication];
    for (rules, after_cancelling, without) in [
        ("", vec![], vec![]),
        (
            "policy.win_back.after_port_days = 40",
            vec!["2026-04-14", "2026-06-03"],
            vec!["2026-04-14", "2026-06-03"],
        ),
        // Never within the hold. Without a cancellation the port is known when it is over.
        (
            "policy.win_back.after_port_days = 1",
            vec!["2026-04-04", "2026-06-03"],
            vec!["2026-04-05", "2026-06-03"],
        ),
    ] {
        for (goes, expected) in [(&ported[..], after_cancelling), (&applied[..], without)] {
            let mut scenario = gone(rules, key(|_| {}), goes);
            pass(&mut scenario, "2026-03-05", "2026-07-31");
            assert_eq!(asked(&scenario), expected, "{rules}");
        }
    }
    // Whoever still uses the number has not ported.
    let mut stays = gone(
        "policy.win_back.after_port_days = 40",
        key(|_| {}),
        &applied,
    );
    scenario_with_use(&mut stays, "2026-03-05", "2026-05-31");
    assert_eq!(asked(&stays), [""; 0]);
}

fn scenario_with_use(scenario: &mut Scenario, from: &str, to: &str) {
    scenario.live(&crowd(4), days(from, to), |_, _| 3);
}

#[test]
fn whoever_comes_back_ends_the_plan_and_is_welcomed() {
    let same = || key(|p| p.activated_on = Some(day("2026-03-10")));
    for (back, welcomed) in [
        (Body::Reactivation(None), true),
        (same(), true),
        // The contract is still closed, as far as is known.
        (call(FRIEND), false),
    ] {
        let mut scenario = closed("", key(|_| {}));
        pass(&mut scenario, "2026-03-05", "2026-03-10");
        scenario.event(ONE, "2026-03-11 07:00", back);
        pass(&mut scenario, "2026-03-11", "2026-07-31");
        let lines = scenario.published(ONE);
        let returned = |line: &String| line.ends_with("task 2 closed: returned");
        assert!(lines.iter().any(returned), "{lines:?}");
        let welcome = match welcomed {
            true => "2026-03-18 08:00 welcome_back 0.40",
            false => "2026-03-18 08:00 welcome_back 0.40 (churned)",
        };
        assert!(lines.contains(&welcome.to_owned()), "{lines:?}");
        assert_eq!(asked(&scenario), ["2026-03-08"]);
        let tally = scenario.shard.tally();
        let won: u64 = tally
            .regions
            .values()
            .flat_map(|region| &region.tasks)
            .filter(|((purpose, _), _)| *purpose == Purpose::WinBack)
            .map(|(_, figures)| figures[TaskCount::Returned])
            .sum();
        assert_eq!(won, 1);
    }
}

#[test]
fn arrears_of_months_are_a_loss_that_a_payment_ends() {
    let suspended = [Body::Suspension(SuspensionReason::Arrears)];
    let mut scenario = gone("", key(|_| {}), &suspended);
    pass(&mut scenario, "2026-03-05", "2026-06-30");
    // Lost on 3 June, after 90 days.
    assert_eq!(asked(&scenario), ["2026-06-06"]);
    scenario.event(
        ONE,
        "2026-07-01 07:00",
        Body::Reactivation(Some(SuspensionReason::Arrears)),
    );
    pass(&mut scenario, "2026-07-01", "2026-07-05");
    assert!(
        scenario
            .published(ONE)
            .iter()
            .any(|line| line.ends_with("closed: returned"))
    );
}

/// A churn task ends as lost, with a reason; the line is silent from then on.
fn given_up(rules: &str, result: OutcomeResult, reason: Option<&'static str>) -> Scenario {
    let mut scenario = gone(rules, key(|_| {}), &[call(HOTLINE)]);
    let task = last(&scenario);
    let Body::TaskOutcome(mut said) = outcome(&task, result) else {
        unreachable!("an outcome");
    };
    said.confirmed_reason = reason.map(Into::into);
    scenario.event(ONE, "2026-03-05 12:00", Body::TaskOutcome(said));
    scenario
}

#[test]
fn who_is_silent_after_being_given_up_is_asked_back_by_the_reason() {
    let mut scenario = given_up("", OutcomeResult::Lost, Some("price"));
    pass(&mut scenario, "2026-03-06", "2026-05-31");
    // Silent for 60 days on 4 May.
    assert_eq!(asked(&scenario), ["2026-05-07"]);
    let steps = scenario.steps(ONE);
    assert!(
        steps[0].starts_with("Reckon with the use before the loss"),
        "{steps:?}"
    );
    let talk = scenario.talk(ONE).unwrap();
    assert!(
        talk.advise.en.starts_with("Set both costs"),
        "{}",
        talk.advise.en
    );
    for (result, expected) in [(OutcomeResult::Refused, 0), (OutcomeResult::Saved, 0)] {
        let mut other = given_up("", result, Some("price"));
        pass(&mut other, "2026-03-06", "2026-05-31");
        assert_eq!(asked(&other).len(), expected, "{}", result.name());
    }
}

#[test]
fn who_refused_before_finds_an_open_door() {
    let mut scenario = given_up("", OutcomeResult::Refused, None);
    scenario.event(ONE, "2026-03-06 07:00", Body::Cancellation);
    pass(&mut scenario, "2026-03-06", "2026-03-20");
    let task = last(&scenario);
    assert_eq!(task.purpose, Purpose::WinBack);
    let talk = scenario.talk(ONE).unwrap();
    assert!(
        talk.advise.en.contains("the door is open"),
        "{}",
        talk.advise.en
    );
    // Not before the gap since the last talk is over.
    assert_eq!(scenario.time("2026-03-12 12:00"), task.not_before);
}

#[test]
fn a_refusal_ends_the_plan_and_a_talk_does_not() {
    for (result, expected) in [
        (OutcomeResult::Refused, vec!["2026-03-08"]),
        (OutcomeResult::Lost, vec!["2026-03-08"]),
        (
            OutcomeResult::Reached,
            vec!["2026-03-08", "2026-04-04", "2026-06-03"],
        ),
    ] {
        let mut scenario = closed("", key(|_| {}));
        pass(&mut scenario, "2026-03-05", "2026-03-09");
        let said = outcome(&last(&scenario), result);
        scenario.event(ONE, "2026-03-10 07:00", said);
        let expected_end = match result {
            OutcomeResult::Reached => CloseReason::Contacted,
            OutcomeResult::Lost => CloseReason::Lost,
            _ => CloseReason::Refused,
        };
        assert_eq!(last(&scenario).close_reason, Some(expected_end));
        pass(&mut scenario, "2026-03-10", "2026-07-31");
        assert_eq!(asked(&scenario), expected, "{}", result.name());
    }
}

#[test]
fn a_plan_is_forgotten_with_its_days_and_with_the_customer() {
    let mut scenario = closed("policy.win_back.keep_days = 20", key(|_| {}));
    pass(&mut scenario, "2026-03-05", "2026-03-31");
    let lines = scenario.published(ONE);
    assert!(
        lines.contains(&"2026-03-26 08:00 task 2 closed: occasion_over".to_owned()),
        "{lines:?}"
    );
    let remembered = |scenario: &Scenario| {
        let about = scenario.shard.describe(&Msisdn::new(ONE).unwrap());
        about.map(|about| {
            let names = about.triggers.into_keys();
            names.filter(|name| name.contains("_back")).count()
        })
    };
    let mut erased = closed("", key(|_| {}));
    pass(&mut erased, "2026-03-05", "2026-03-09");
    let request = Body::Erase {
        request: "one".into(),
    };
    erased.event(ONE, "2026-03-10 07:00", request);
    pass(&mut erased, "2026-03-10", "2026-05-10");
    assert_eq!(remembered(&erased), None);
    assert_eq!(asked(&erased), ["2026-03-08"]);
}
