//! The daily budget: what a day's close finds is ranked, and what has no place waits or lapses.

use super::{ONE, PORT_OUT, hotline, ordinary, pass, since, talk};
use crate::support::scenario::{
    FRIEND, NOT_PURSUED, Scenario, call, crowd, days, invoice, outcome, payment, profile,
};
use churnwatch::model::{Body, Effect, Inputs, OutcomeResult, Purpose, Suppression, TaskStatus};

/// A debtor, named by what the bill amounts to: the more, the better ranked. Up to 120 yuan makes a `small` customer.
pub fn debtor(yuan: i64) -> String {
    format!("138{yuan:08}")
}

/// Debtors whose bills are so long overdue when 25 February closes that it is said.
pub fn debtors(rules: &str, yuan: &[i64]) -> Scenario {
    let mut scenario = Scenario::new(rules);
    for yuan in yuan {
        let bill = invoice("2026-01-01", "2026-02-10", *yuan);
        scenario.event(&debtor(*yuan), "2026-02-20 10:00", bill);
    }
    scenario.live(&crowd(3), days("2026-02-20", "2026-02-25"), |_, _| 2);
    scenario
}

/// Who got a task, and whose signals were published with which fate.
#[derive(Debug, Default, PartialEq)]
pub struct Morning {
    pub opened: Vec<i64>,
    pub signals: Vec<(i64, Option<Suppression>)>,
}

fn seen(effects: &[Effect]) -> Morning {
    let mut morning = Morning::default();
    let yuan = |msisdn: &churnwatch::model::Msisdn| msisdn.as_str()[3..].parse::<i64>().unwrap();
    for effect in effects {
        match effect {
            Effect::Task(task) if task.status == TaskStatus::Open => {
                morning.opened.push(yuan(&task.msisdn));
            }
            Effect::Signal(signal) => {
                morning
                    .signals
                    .push((yuan(&signal.msisdn), signal.suppressed));
            }
            _ => {}
        }
    }
    morning
}

/// Lives a day, the morning of which closes the day before.
pub fn morning(scenario: &mut Scenario, date: &str) -> Morning {
    let before = scenario.effects.len();
    scenario.live(&crowd(3), days(date, date), |_, _| 2);
    seen(&scenario.effects[before..])
}

/// Three new tasks a day for `small` customers.
pub const THREE: &str = "policy.budget.churn = { key = 0, ordinary = 0, small = 3 }";
pub const FOURTEEN: [i64; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112];
const LAPSES: Option<Suppression> = Some(Suppression::OverBudget);

#[test]
fn the_best_ranked_come_first_and_the_others_wait_and_lapse() {
    let mut scenario = debtors(THREE, &FOURTEEN);
    let first = morning(&mut scenario, "2026-02-26");
    assert_eq!(first.opened, [112, 104, 96]);
    // Each signal is published once, that of the others with the reason.
    let mut signals = first.signals;
    signals.sort();
    let expected = FOURTEEN.map(|yuan| (yuan, LAPSES.filter(|_| yuan < 96)));
    assert_eq!(signals, expected);
    for (date, opened) in [
        ("2026-02-27", &[88, 80, 72][..]),
        ("2026-02-28", &[64, 56, 48]),
        // The third day after the first is the last.
        ("2026-03-01", &[40, 32, 24]),
        ("2026-03-02", &[]),
        ("2026-03-03", &[]),
    ] {
        let opened = Morning {
            opened: opened.to_vec(),
            signals: Vec::new(),
        };
        assert_eq!(morning(&mut scenario, date), opened, "{date}");
    }
    // A task of the second day says when its reason was seen, and when it began.
    let task = scenario.last_task(&debtor(88));
    assert_eq!(
        task.signals[0].fired_at,
        scenario.last_task(&debtor(112)).opened_at
    );
    assert_eq!(
        scenario.planned(&debtor(88)),
        "2026-02-27 09:00 to 2026-03-02 09:00, account_manager"
    );
    assert_eq!(scenario.last_task(&debtor(112)).revision, 1);
}

#[test]
fn those_who_may_not_wait_lapse_at_once() {
    let rules = format!("{THREE}\npolicy.budget.wait_days = 0");
    let mut scenario = debtors(&rules, &FOURTEEN);
    assert_eq!(morning(&mut scenario, "2026-02-26").opened, [112, 104, 96]);
    assert_eq!(morning(&mut scenario, "2026-02-27"), Morning::default());
}

#[test]
fn of_equal_rank_the_lower_number_comes_first() {
    let mut scenario = Scenario::new(THREE);
    let people: Vec<String> = (1..=5).rev().map(debtor).collect();
    for who in &people {
        scenario.event(
            who,
            "2026-02-20 10:00",
            invoice("2026-01-01", "2026-02-10", 50),
        );
    }
    scenario.live(&crowd(3), days("2026-02-20", "2026-02-25"), |_, _| 2);
    assert_eq!(morning(&mut scenario, "2026-02-26").opened, [1, 2, 3]);
    assert_eq!(morning(&mut scenario, "2026-02-27").opened, [4, 5]);
}

#[test]
fn rank_is_the_score_times_the_value() {
    let mut scenario = debtors(THREE, &FOURTEEN);
    // Whoever asks how to leave may do so: 40 yuan at risk are more than 112 that are not.
    scenario.event(&debtor(40), "2026-02-25 20:00", PORT_OUT);
    assert_eq!(morning(&mut scenario, "2026-02-26").opened, [40, 112, 104]);
}

#[test]
fn who_has_paid_meanwhile_makes_room() {
    let mut scenario = debtors(THREE, &FOURTEEN);
    morning(&mut scenario, "2026-02-26");
    scenario.event(&debtor(88), "2026-02-26 20:00", payment(88));
    let second = morning(&mut scenario, "2026-02-27");
    assert_eq!(second.opened, [80, 72, 64]);
    assert_eq!(second.signals, [], "it was published the day before");
}

#[test]
fn urgent_tasks_pass_the_budget_and_count() {
    let mut scenario = debtors(THREE, &FOURTEEN);
    for who in [1, 2] {
        scenario.event(
            &debtor(who),
            "2026-02-25 15:00",
            call(crate::support::scenario::HOTLINE),
        );
    }
    // Of another tier, and of another day.
    let rich = debtor(500);
    scenario.event(&rich, "2026-02-25 15:00", profile(|p| p.vip = true));
    scenario.event(
        &rich,
        "2026-02-25 15:00",
        call(crate::support::scenario::HOTLINE),
    );
    assert_eq!(scenario.shard.stats().open_tasks, 3);
    assert_eq!(morning(&mut scenario, "2026-02-26").opened, [112]);
    assert_eq!(morning(&mut scenario, "2026-02-27").opened, [104, 96, 88]);
    for who in 1..=7 {
        let who = debtor(who);
        scenario.event(&who, "2026-02-27 20:00", Body::CompetitorContact);
        scenario.event(&who, "2026-02-27 21:00", Body::CompetitorContact);
    }
    assert_eq!(morning(&mut scenario, "2026-02-28").opened, [0; 0]);
    assert_eq!(morning(&mut scenario, "2026-03-01").opened, [80, 72, 64]);
}

#[test]
fn each_tier_and_each_purpose_has_a_budget_of_its_own() {
    let rules = "policy.budget.churn = { key = 0, ordinary = 2, small = 1 }
        policy.budget.care = { key = 0, ordinary = 1, small = 1 }";
    // From 201 yuan a month on a customer is `ordinary`, by the bill alone.
    let mut scenario = debtors(rules, &[50, 60, 70, 210, 220, 230]);
    for who in [1_000, 2_000] {
        let born = profile(|p| p.birthday = Some((2, 27)));
        scenario.event(&debtor(who), "2026-02-25 20:00", born);
    }
    let first = morning(&mut scenario, "2026-02-26");
    // Churn before care; by rank, whatever the tier.
    assert_eq!(first.opened, [230, 220, 70, 1_000]);
    let lapsed = first.signals.iter().filter(|(_, why)| *why == LAPSES);
    assert_eq!(lapsed.count(), 4);
    assert_eq!(
        morning(&mut scenario, "2026-02-27").opened,
        [210, 60, 2_000]
    );
}

#[test]
fn a_day_s_candidates_are_collected_before_they_are_ranked() {
    let rules = format!("{THREE}\npolicy.budget.collect_minutes = 60");
    let mut scenario = debtors(&rules, &FOURTEEN);
    let mut at = |time: &str| {
        let before = scenario.effects.len();
        for who in crowd(3) {
            scenario.event(&who, &format!("2026-02-26 {time}"), call(FRIEND));
        }
        seen(&scenario.effects[before..])
    };
    assert_eq!(at("08:00"), Morning::default());
    assert_eq!(at("08:59"), Morning::default());
    assert_eq!(at("09:00").opened, [112, 104, 96]);
    let task = scenario.last_task(&debtor(112));
    assert_eq!(task.opened_at, scenario.time("2026-02-26 09:00"));
    assert_eq!(task.signals[0].fired_at, scenario.time("2026-02-26 08:00"));
}

#[test]
fn days_that_close_at_once_share_one_budget_and_the_end_waits_for_nobody() {
    let rules = format!("{THREE}\npolicy.budget.collect_minutes = 720\nwindow.clock = \"wall\"");
    let mut scenario = debtors(&rules, &FOURTEEN);
    // By the clock on the wall a day closes at noon of the next; the ranking would be at midnight, but nothing is said
    // of the time until two days have passed at once.
    for date in ["2026-02-20", "2026-02-25", "2026-02-26"] {
        scenario.tick(&format!("{date} 12:00"), Inputs::default());
    }
    assert!(seen(&scenario.effects).opened.is_empty());
    scenario.tick("2026-02-28 13:00", Inputs::default());
    assert_eq!(seen(&scenario.effects).opened, [112, 104, 96]);
    let before = scenario.effects.len();
    scenario.finish();
    assert_eq!(seen(&scenario.effects[before..]).opened, [88, 80, 72]);
}

/// A debtor of 50 yuan, [`ONE`] among others, whose candidate waits from eight until nine on 26 February, and what is
/// said until ten, if something happens at half past eight.
fn meanwhile(what: impl FnOnce(&mut Scenario)) -> Vec<String> {
    let mut scenario = Scenario::new("policy.budget.collect_minutes = 60");
    scenario.event(
        ONE,
        "2026-02-20 10:00",
        invoice("2026-01-01", "2026-02-10", 50),
    );
    pass(&mut scenario, "2026-02-20", "2026-02-25");
    for who in &crowd(4)[1..] {
        scenario.event(who, "2026-02-26 08:00", call(FRIEND));
    }
    assert_eq!(scenario.total(), 0);
    what(&mut scenario);
    for who in &crowd(4)[1..] {
        scenario.event(who, "2026-02-26 10:00", call(FRIEND));
    }
    scenario.published(ONE)
}

#[test]
fn a_candidate_is_looked_at_again_before_anything_comes_of_it() {
    let half_past = "2026-02-26 08:30";
    let tell = |change: fn(&mut churnwatch::model::Profile<'static>)| {
        meanwhile(|scenario| {
            scenario.event(ONE, half_past, profile(change));
        })
    };
    assert_eq!(
        meanwhile(|_| {}),
        [
            "2026-02-26 08:00 arrears 0.60",
            "2026-02-26 10:00 task 1 open: small early due 2026-03-01 10:00",
        ]
    );
    // As rated now.
    assert_eq!(
        tell(|p| p.vip = true)[1],
        "2026-02-26 10:00 task 1 open: key early due 2026-02-27 10:00"
    );
    assert_eq!(
        tell(|p| p.flags = NOT_PURSUED),
        ["2026-02-26 08:00 arrears 0.60 (not_pursued)"]
    );
    assert_eq!(
        tell(|p| p.marketing_opt_out = Some(true)),
        ["2026-02-26 08:00 arrears 0.60 (opted_out)"]
    );
    let cancelled = meanwhile(|scenario| {
        scenario.event(ONE, half_past, Body::Cancellation);
    });
    assert_eq!(cancelled, ["2026-02-26 08:00 arrears 0.60 (churned)"]);
    let leaving = meanwhile(|scenario| {
        scenario.event(ONE, half_past, Body::PortOutApplication);
    });
    assert_eq!(
        leaving,
        [
            "2026-02-26 08:30 port_out 1.00 (mnp_hold)",
            "2026-02-26 08:00 arrears 0.60 (mnp_hold)",
        ]
    );
    let spoken_to = meanwhile(|scenario| talk(scenario, half_past));
    assert_eq!(
        spoken_to[1],
        "2026-02-26 10:00 task 1 open: small early due 2026-03-08 09:00"
    );
    // The cap is reached: a month after the first talk is more than a week away.
    let spoken_to = meanwhile(|scenario| {
        talk(scenario, "2026-02-26 08:20");
        talk(scenario, half_past);
    });
    assert_eq!(spoken_to, ["2026-02-26 08:00 arrears 0.60 (contact_cap)"]);
}

#[test]
fn an_urgent_task_takes_the_candidate_along() {
    // Not yet published.
    let called = meanwhile(|scenario| hotline(scenario, "2026-02-26 08:30"));
    assert_eq!(
        called,
        [
            "2026-02-26 08:30 competitor_hotline 0.60",
            "2026-02-26 08:00 arrears 0.60",
            "2026-02-26 08:30 task 1 open: small at_risk due 2026-03-01 08:30",
        ]
    );
    // Published the day before, as one for which there was no place.
    let mut scenario = debtors(
        "policy.budget.churn = { key = 0, ordinary = 0, small = 0 }",
        &[50],
    );
    assert_eq!(morning(&mut scenario, "2026-02-26").signals, [(50, LAPSES)]);
    let who = debtor(50);
    scenario.event(
        &who,
        "2026-02-26 20:00",
        call(crate::support::scenario::HOTLINE),
    );
    assert_eq!(
        scenario.published(&who)[1..],
        [
            "2026-02-26 20:00 competitor_hotline 0.60",
            "2026-02-26 20:00 task 1 open: small at_risk due 2026-03-01 20:00",
        ]
    );
    let task = scenario.last_task(&who);
    let reasons: Vec<&str> = task.signals.iter().map(|signal| &*signal.trigger).collect();
    assert_eq!(reasons, ["competitor_hotline", "arrears"]);
    assert!(
        task.signals
            .iter()
            .all(|signal| signal.suppressed.is_none())
    );
    assert_eq!(morning(&mut scenario, "2026-02-27"), Morning::default());
}

#[test]
fn of_a_trigger_that_waits_already_the_urgent_signal_is_the_reason() {
    let suspended = meanwhile(|scenario| {
        scenario.event(ONE, "2026-02-26 08:30", super::SUSPENDED);
        assert_eq!(scenario.last_task(ONE).signals.len(), 1);
        assert_eq!(scenario.last_task(ONE).signals[0].strength, 0.9);
    });
    assert_eq!(
        suspended,
        [
            "2026-02-26 08:30 arrears 0.90",
            "2026-02-26 08:00 arrears 0.60",
            "2026-02-26 08:30 task 1 open: small at_risk due 2026-03-01 09:00",
        ]
    );
}

#[test]
fn an_urgent_signal_that_may_raise_no_task_leaves_the_candidate_where_it_is() {
    let said = meanwhile(|scenario| {
        talk(scenario, "2026-02-26 08:20");
        hotline(scenario, "2026-02-26 08:30");
    });
    assert_eq!(
        said,
        [
            "2026-02-26 08:30 competitor_hotline 0.60 (contact_gap)",
            "2026-02-26 08:00 arrears 0.60",
            "2026-02-26 10:00 task 1 open: small at_risk due 2026-03-08 09:00",
        ]
    );
}

/// A customer of 50 yuan whose bill is said to be overdue on the morning of 26 February, and whose contract is stated on the
/// evening of a day, until which days have passed.
fn overdue_and_ending(rules: &str, stated: &str, ends: &str) -> Scenario {
    let mut scenario = Scenario::new(rules);
    scenario.event(
        ONE,
        "2026-02-20 07:00",
        invoice("2026-01-01", "2026-02-10", 50),
    );
    pass(&mut scenario, "2026-02-20", stated);
    let ends = profile(|p| {
        p.activated_on = None;
        p.contract_end_on = Some(crate::support::scenario::day(ends));
    });
    scenario.event(ONE, &format!("{stated} 21:00"), ends);
    scenario
}

#[test]
fn a_further_reason_joins_what_waits_and_the_same_one_is_a_repeat() {
    let none = "policy.budget.churn = { key = 0, ordinary = 0, small = 0 }";
    let rules = format!("{none}\ntriggers.arrears.cooldown_days = 1");
    let mut scenario = overdue_and_ending(&rules, "2026-02-26", "2026-03-28");
    pass(&mut scenario, "2026-02-27", "2026-03-02");
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-26 08:00 arrears 0.60 (over_budget)",
            "2026-02-27 08:00 arrears 0.60 (repeat)",
            "2026-02-27 08:00 contract_expiry 0.50 (over_budget)",
            "2026-02-28 08:00 arrears 0.60 (repeat)",
            // Today is the third day: what has waited lapses, and tomorrow it would begin anew.
            "2026-03-01 08:00 arrears 0.60 (repeat)",
            "2026-03-02 08:00 arrears 0.60 (over_budget)",
        ]
    );
}

#[test]
fn a_candidate_of_two_reasons_becomes_one_task() {
    let mut scenario = overdue_and_ending("", "2026-02-25", "2026-03-27");
    pass(&mut scenario, "2026-02-26", "2026-02-26");
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-26 08:00 arrears 0.60",
            "2026-02-26 08:00 contract_expiry 0.50",
            "2026-02-26 08:00 task 1 open: small early due 2026-03-01 09:00",
        ]
    );
}

#[test]
fn care_makes_room_for_what_keeps_the_customer() {
    // On the same morning: the candidate of care is told so.
    let mut scenario = Scenario::new("");
    scenario.event(
        ONE,
        "2026-02-20 10:00",
        invoice("2026-01-01", "2026-02-10", 50),
    );
    scenario.event(
        ONE,
        "2026-02-20 11:00",
        profile(|p| p.birthday = Some((2, 27))),
    );
    pass(&mut scenario, "2026-02-20", "2026-02-26");
    assert_eq!(
        scenario.published(ONE),
        [
            "2026-02-26 08:00 arrears 0.60",
            "2026-02-26 08:00 task 1 open: ordinary early due 2026-02-28 09:00",
            "2026-02-26 08:00 birthday 0.50 (churn_task_open)",
        ]
    );
    // Some days before: the task of care is superseded when the candidate gets its place.
    let mut scenario = Scenario::new("");
    scenario.event(
        ONE,
        "2026-02-20 10:00",
        invoice("2026-01-01", "2026-02-10", 50),
    );
    scenario.event(
        ONE,
        "2026-02-20 11:00",
        profile(|p| p.birthday = Some((2, 26))),
    );
    pass(&mut scenario, "2026-02-20", "2026-02-26");
    assert_eq!(
        since(&scenario, 2),
        [
            "2026-02-26 08:00 arrears 0.60",
            "2026-02-26 08:00 task 2 closed: superseded",
            "2026-02-26 08:00 task 1 open: ordinary early due 2026-02-28 09:00",
        ]
    );
}

#[test]
fn the_shares_of_the_partitions_add_up_to_the_budget_every_day() {
    for (budget, parts) in [(4, 3), (1, 3), (7, 2), (3, 3), (2, 5)] {
        let rules = format!("policy.budget.churn = {{ key = 0, ordinary = 0, small = {budget} }}");
        let mut towns: Vec<Scenario> = (0..parts)
            .map(|part| {
                let mut scenario = debtors(&rules, &FOURTEEN);
                scenario.shard.share_budget(part, parts);
                scenario
            })
            .collect();
        let mut of_part = vec![0; parts as usize];
        for date in ["2026-02-26", "2026-02-27", "2026-02-28"] {
            let mut of_day = 0;
            for (scenario, sum) in towns.iter_mut().zip(&mut of_part) {
                let opened = morning(scenario, date).opened.len();
                assert!(opened.abs_diff(budget / parts as usize) <= 1);
                of_day += opened;
                *sum += opened;
            }
            assert_eq!(of_day, budget, "{budget} in {parts} parts on {date}");
        }
        // Over as many days as there are parts, each has had the same.
        if parts == 3 {
            assert_eq!(of_part, vec![budget; 3]);
        }
    }
}

#[test]
fn a_place_in_the_budget_is_not_held_for_a_task_that_is_closed() {
    let mut scenario = debtors(THREE, &FOURTEEN);
    morning(&mut scenario, "2026-02-26");
    let who = debtor(112);
    let refused = outcome(&scenario.last_task(&who), OutcomeResult::Refused);
    scenario.event(&who, "2026-02-26 20:00", refused);
    assert_eq!(morning(&mut scenario, "2026-02-27").opened, [88, 80, 72]);
    let purposes =
        |effect: &Effect| matches!(effect, Effect::Task(task) if task.purpose != Purpose::Churn);
    assert!(!scenario.effects.iter().any(purposes));
}

#[test]
fn ordinary_customers_are_told_from_small_ones_as_they_are_when_ranked() {
    let rules = "policy.budget.churn = { key = 0, ordinary = 1, small = 0 }";
    let mut scenario = debtors(rules, &[50]);
    assert_eq!(morning(&mut scenario, "2026-02-26").opened, [0; 0]);
    scenario.event(&debtor(50), "2026-02-26 20:00", ordinary());
    assert_eq!(morning(&mut scenario, "2026-02-27").opened, [50]);
}
