//! Use abroad: what is said at once, and what is not made of a trip (behaviour: Care and growth triggers, Barred lines).

use crate::support::scenario::{FRIEND, HOTLINE, Scenario, call, crowd, day, days, profile, usual};
use churnwatch::model::{Body, Event, Money, Msisdn, Network, Outcome, Purpose, Source, Task};

const ONE: &str = "13900000001";

/// A call from a network abroad.
fn abroad(scenario: &mut Scenario, id: u64, at: &str) -> Outcome {
    let event = Event {
        msisdn: Msisdn::new(ONE).unwrap(),
        at: scenario.time(at),
        record: id << 40 | id,
        visited: Network::parse("310-410"),
        body: call(FRIEND),
    };
    let source = Source {
        topic: "abroad".into(),
        partition: 0,
        offset: id as i64,
    };
    let outcome = scenario.shard.apply(&event, &source, &mut scenario.effects);
    scenario.shard.sweep(usize::MAX, &mut scenario.effects);
    outcome
}

fn pass(scenario: &mut Scenario, from: &str, to: &str) {
    scenario.live(&crowd(4), days(from, to), |_, _| 3);
}

fn said(scenario: &Scenario, what: &str) -> Vec<String> {
    let lines = scenario.published(ONE).into_iter();
    lines.filter(|line| line.contains(what)).collect()
}

fn charge(yuan: i64) -> Body<'static> {
    Body::Charge {
        amount: Money(100 * yuan),
        subscribed_by_customer: None,
    }
}

#[test]
fn the_first_use_abroad_is_a_task_at_once_and_outside_of_quiet_hours() {
    let mut scenario = Scenario::new("");
    pass(&mut scenario, "2026-03-01", "2026-03-02");
    abroad(&mut scenario, 1, "2026-03-02 22:30");
    abroad(&mut scenario, 2, "2026-03-02 22:40");
    pass(&mut scenario, "2026-03-03", "2026-03-05");
    abroad(&mut scenario, 3, "2026-03-05 20:30");
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-03-02 22:30 roaming_care 0.40",
            "2026-03-02 22:30 task 1 open: small early due 2026-03-06 09:00",
        ]
    );
    let task: Task = scenario.last_task(ONE);
    assert_eq!(
        (task.purpose, task.not_before),
        (Purpose::Care, scenario.time("2026-03-03 09:00"))
    );
    assert_eq!(
        scenario.steps(ONE),
        [
            "Write, do not call: say what use costs there, which packages there are, and what it has come to so far"
        ]
    );
}

#[test]
fn another_trip_is_news_after_a_month_at_home() {
    for (again, times) in [("2026-04-01", 1), ("2026-04-02", 2)] {
        let mut scenario = Scenario::new("");
        pass(&mut scenario, "2026-03-01", "2026-03-02");
        abroad(&mut scenario, 1, "2026-03-02 20:30");
        let eve = (day(again) - 1).to_string();
        pass(&mut scenario, "2026-03-03", &eve);
        abroad(&mut scenario, 2, &format!("{again} 09:00"));
        assert_eq!(scenario.signals("roaming_care"), times, "{again}");
    }
}

#[test]
fn charges_of_a_trip_warn_before_the_bill_does() {
    let rules = "policy.contact.gap_days = 0";
    let mut scenario = Scenario::new(rules);
    pass(&mut scenario, "2026-03-01", "2026-03-02");
    scenario.event(ONE, "2026-03-02 20:10", charge(90));
    abroad(&mut scenario, 1, "2026-03-02 20:30");
    scenario.event(ONE, "2026-03-02 20:40", charge(60));
    assert_eq!(
        scenario.signals("roaming_care"),
        1,
        "not what was charged before"
    );
    scenario.event(ONE, "2026-03-03 07:00", charge(40));
    scenario.event(ONE, "2026-03-03 07:10", charge(40));
    assert_eq!(
        said(&scenario, "roaming_care"),
        [
            "2026-03-02 20:30 roaming_care 0.40",
            "2026-03-03 07:00 roaming_care 0.60 (task_open)"
        ]
    );
    // At home nothing is a trip's.
    let mut home = Scenario::new(rules);
    pass(&mut home, "2026-03-01", "2026-03-02");
    home.event(ONE, "2026-03-02 20:40", charge(200));
    assert_eq!(home.signals("roaming_care"), 0);
}

#[test]
fn beyond_the_days_budget_a_traveller_waits_for_the_release() {
    let rules = "policy.budget.care = { key = 0, ordinary = 0, small = 1 }\npolicy.budget.collect_minutes = 60";
    let mut scenario = Scenario::new(rules);
    pass(&mut scenario, "2026-03-01", "2026-03-02");
    let other = Event {
        msisdn: Msisdn::new("13900000002").unwrap(),
        at: scenario.time("2026-03-02 20:30"),
        record: 77,
        visited: Network::parse("262-01"),
        body: call(FRIEND),
    };
    let source = Source {
        topic: "abroad".into(),
        partition: 0,
        offset: 1,
    };
    scenario.shard.apply(&other, &source, &mut scenario.effects);
    abroad(&mut scenario, 1, "2026-03-02 20:40");
    assert_eq!(scenario.published("13900000002").len(), 2, "the one place");
    assert_eq!(scenario.published(ONE), [""; 0]);
    // Its place was counted at the next release; the one after has it for who waits.
    pass(&mut scenario, "2026-03-03", "2026-03-04");
    let said = said(&scenario, "");
    assert!(
        said[0].ends_with("roaming_care 0.40 (over_budget)"),
        "{said:?}"
    );
    assert!(said[1].contains("task 1 open"), "{said:?}");
}

#[test]
fn no_traveller_is_told_who_must_not_be() {
    let refusal = profile(|p| p.marketing_opt_out = Some(true));
    for (told, expected) in [
        (Body::PortOutApplication, " (mnp_hold)"),
        (refusal, " (opted_out)"),
        (call(HOTLINE), " (churn_task_open)"),
        (Body::Cancellation, " (churned)"),
    ] {
        let mut scenario = Scenario::new("");
        pass(&mut scenario, "2026-03-01", "2026-03-02");
        scenario.event(ONE, "2026-03-02 20:10", told);
        abroad(&mut scenario, 1, "2026-03-02 20:30");
        let care = said(&scenario, "roaming_care");
        assert_eq!(
            care,
            [format!("2026-03-02 20:30 roaming_care 0.40{expected}")]
        );
    }
}

/// Subscribers in ordinary use since January. One makes nine calls a day, goes abroad on 1 March, and is silent there.
fn travels(until: &str, trip: bool) -> Scenario {
    let mut scenario = Scenario::new("");
    let live = |scenario: &mut Scenario, from: &str, to: &str, silent: bool| {
        scenario.live(&crowd(30), days(from, to), |who, on| match who {
            ONE if silent => 0,
            ONE => 9,
            _ => usual(who, on),
        });
    };
    live(&mut scenario, "2026-01-10", "2026-02-28", false);
    if trip {
        abroad(&mut scenario, 1, "2026-03-01 07:00");
    }
    live(&mut scenario, "2026-03-01", until, true);
    scenario
}

#[test]
fn silence_on_a_trip_is_no_silence() {
    let at_home = travels("2026-03-07", false);
    assert_eq!(at_home.signals("zero_usage_days"), 1);
    let on_a_trip = travels("2026-03-08", true);
    assert_eq!(on_a_trip.signals("zero_usage_days"), 0);
    // Eight days after the last use abroad the line counts as back.
    let gone = travels("2026-03-20", true);
    assert_eq!(gone.signals("zero_usage_days"), 1);
}

#[test]
fn use_abroad_is_no_recovery_of_a_fall() {
    let mut scenario = travels("2026-03-07", false);
    let reported = said(&scenario, "task 1 open");
    assert_eq!(reported.len(), 1);
    for (id, on) in (8..=12).enumerate() {
        for call in 0..9 {
            let at = format!("2026-03-{on:02} {:02}:15", 8 + call);
            abroad(&mut scenario, 10 * id as u64 + call + 2, &at);
        }
        let on = format!("2026-03-{on:02}");
        scenario.live(&crowd(30)[1..], days(&on, &on), usual);
    }
    assert_eq!(said(&scenario, "closed"), [""; 0]);
}
