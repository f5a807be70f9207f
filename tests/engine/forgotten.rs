//! Lines that nobody hears of any more (behaviour: Forgotten lines).

use crate::support::scenario::{FRIEND, HOTLINE, Scenario, call, crowd, days, profile};
use churnwatch::model::Body;

const GONE: &str = "13600000001";
const THIRTY_DAYS: &str = "window.forget_days = 30";

/// Who lives on while others are silent, so that days close.
fn live(scenario: &mut Scenario, from: &str, to: &str) {
    scenario.live(&crowd(5), days(from, to), |_, _| 3);
}

/// Whether a line is known, and how many were forgotten.
fn known(scenario: &Scenario) -> (bool, u64) {
    let known = !scenario.window(GONE).is_empty();
    (known, scenario.shard.stats().forgotten)
}

#[test]
fn a_line_without_a_contract_is_forgotten_after_days_without_any_record() {
    let mut scenario = Scenario::new(THIRTY_DAYS);
    live(&mut scenario, "2026-03-01", "2026-03-01");
    scenario.event(GONE, "2026-03-01 21:00", call(FRIEND));
    live(&mut scenario, "2026-03-02", "2026-03-31");
    assert_eq!(scenario.closed(), "2026-03-30");
    assert_eq!(known(&scenario), (true, 0), "the 29th day without a record");
    live(&mut scenario, "2026-04-01", "2026-04-01");
    assert_eq!(known(&scenario), (false, 1));
    assert_eq!(scenario.shard.stats().subscribers, 5);
    scenario.event(GONE, "2026-04-01 21:00", call(FRIEND));
    assert_eq!(known(&scenario), (true, 1), "it begins anew");
    assert_eq!(scenario.shard.stats().subscribers, 6);
}

#[test]
fn a_contract_keeps_a_line_until_it_has_ended_as_long_ago() {
    let nobody = "window.forget_days = 30\npolicy.win_back.consent = \"nobody\"";
    let mut scenario = Scenario::new(nobody);
    live(&mut scenario, "2026-03-01", "2026-03-01");
    scenario.event(GONE, "2026-03-01 21:00", call(FRIEND));
    scenario.event(GONE, "2026-03-01 22:00", profile(|_| ()));
    live(&mut scenario, "2026-03-02", "2026-04-30");
    assert_eq!(known(&scenario), (true, 0));
    scenario.event(GONE, "2026-04-30 21:00", Body::Cancellation);
    live(&mut scenario, "2026-05-01", "2026-05-30");
    assert_eq!(known(&scenario), (true, 0));
    live(&mut scenario, "2026-05-31", "2026-05-31");
    assert_eq!(known(&scenario), (false, 1));
}

#[test]
fn an_open_task_keeps_a_line() {
    let mut scenario = Scenario::new("window.forget_days = 30\npolicy.task_days = 40");
    live(&mut scenario, "2026-03-01", "2026-03-01");
    scenario.event(GONE, "2026-03-01 21:00", call(HOTLINE));
    assert!(scenario.published(GONE)[1].contains("task 1 open"));
    live(&mut scenario, "2026-03-02", "2026-04-09");
    assert_eq!(known(&scenario), (true, 0));
    live(&mut scenario, "2026-04-10", "2026-04-12");
    let last = scenario.published(GONE).pop();
    assert!(last.is_some_and(|last| last.contains("closed: expired")));
    assert_eq!(known(&scenario), (false, 1));
}

#[test]
fn a_record_that_comes_during_the_close_finds_the_same_as_one_behind_it() {
    let said = |swept: bool| {
        let mut scenario = Scenario::new(THIRTY_DAYS);
        live(&mut scenario, "2026-03-01", "2026-03-01");
        scenario.event(GONE, "2026-03-01 21:00", call(FRIEND));
        live(&mut scenario, "2026-03-02", "2026-03-31");
        let event = |scenario: &mut Scenario, who: &str, at: &str| {
            match swept {
                true => drop(scenario.event(who, at, call(HOTLINE))),
                false => scenario.apply_unswept(who, at, call(HOTLINE)),
            };
        };
        event(&mut scenario, &crowd(1)[0], "2026-04-01 09:00");
        event(&mut scenario, &crowd(2)[1], "2026-04-01 09:01");
        event(&mut scenario, &crowd(3)[2], "2026-04-01 09:02");
        event(&mut scenario, GONE, "2026-04-01 09:03");
        scenario.finish();
        (scenario.published(GONE), known(&scenario))
    };
    assert_eq!(said(true), said(false));
    assert_eq!(said(true).1, (true, 1));
}
