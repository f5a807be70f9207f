//! Load against capacity: deputies, absences, and what waits because nobody has room.

use super::budget::{FOURTEEN, THREE, debtor, debtors, morning};
use super::hotline;
use crate::support::scenario::{HOTLINE, Scenario, call, crowd, days, invoice, profile};
use churnwatch::engine::{Holder, TaskCount};
use churnwatch::model::{Purpose, Suppression, TaskStatus};

const WAITS: Option<Suppression> = Some(Suppression::OverCapacity);

/// Two who stand in for each other.
const PAIR: &str = "policy.capacity.managers.am-17.deputy = 'am-18'
                    policy.capacity.managers.am-18.deputy = 'am-17'";

/// Key customers of am-17 whose bills are so long overdue when 25 February closes that it is said.
fn clients(rules: &str, yuan: &[i64]) -> Scenario {
    let mut scenario = Scenario::new(&format!("triggers.regular_visit.key_days = 0\n{rules}"));
    for yuan in yuan {
        let who = debtor(*yuan);
        client(&mut scenario, &who, "am-17");
        let bill = invoice("2026-01-01", "2026-02-10", *yuan);
        scenario.event(&who, "2026-02-20 10:00", bill);
    }
    scenario.live(&crowd(3), days("2026-02-20", "2026-02-25"), |_, _| 2);
    scenario
}

fn client(scenario: &mut Scenario, who: &str, manager: &'static str) {
    let profile = profile(|p| {
        p.vip = true;
        p.account_manager = Some(manager.into());
    });
    scenario.event(who, "2026-02-20 09:00", profile);
}

/// Who has a debtor's task: the manager, for whom, and whether over capacity.
fn holder(scenario: &Scenario, yuan: i64) -> String {
    let assignee = scenario.last_task(&debtor(yuan)).assignee;
    let manager = assignee.account_manager.unwrap_or_default();
    let owner = assignee.deputy_for.map(|owner| format!(" for {owner}"));
    let over = if assignee.over_capacity { ", over" } else { "" };
    format!("{manager}{}{over}", owner.unwrap_or_default())
}

#[test]
fn a_surplus_goes_to_the_deputy_and_what_is_left_waits() {
    let rules = format!("{PAIR}\npolicy.capacity.manager_per_day = 2");
    let mut scenario = clients(&rules, &[50, 60, 70, 80, 90]);
    let first = morning(&mut scenario, "2026-02-26");
    assert_eq!(first.opened, [90, 80, 70, 60]);
    assert!(first.signals.contains(&(50, WAITS)), "{first:?}");
    for (yuan, has) in [
        (90, "am-17"),
        (80, "am-17"),
        (70, "am-18 for am-17"),
        (60, "am-18 for am-17"),
    ] {
        assert_eq!(holder(&scenario, yuan), has);
    }
    assert_eq!(morning(&mut scenario, "2026-02-27").opened, [50]);
    assert_eq!(holder(&scenario, 50), "am-17");
}

#[test]
fn the_absent_get_nothing_new() {
    let absent = "policy.capacity.managers.am-17.absent = ['2026-02-26/2026-02-27']";
    let mut scenario = clients(&format!("{PAIR}\n{absent}"), &[50, 60]);
    assert_eq!(morning(&mut scenario, "2026-02-26").opened, [60, 50]);
    assert_eq!(holder(&scenario, 60), "am-18 for am-17");
    // Without a deputy it waits until somebody is back, and no longer than for the budget.
    let mut scenario = clients(absent, &[50]);
    let first = morning(&mut scenario, "2026-02-26");
    assert_eq!((first.opened, first.signals), (vec![], vec![(50, WAITS)]));
    assert!(morning(&mut scenario, "2026-02-27").opened.is_empty());
    assert_eq!(morning(&mut scenario, "2026-02-28").opened, [50]);
    assert_eq!(holder(&scenario, 50), "am-17");
    let mut scenario = clients(&format!("{absent}\npolicy.budget.wait_days = 1"), &[50]);
    for date in ["2026-02-26", "2026-02-27", "2026-02-28"] {
        assert!(morning(&mut scenario, date).opened.is_empty());
    }
}

#[test]
fn urgent_tasks_pass_and_count_for_the_next_morning() {
    let rules = format!("{PAIR}\npolicy.capacity.manager_per_day = 1");
    let mut scenario = clients(&rules, &[50]);
    morning(&mut scenario, "2026-02-26");
    assert_eq!(holder(&scenario, 50), "am-17");
    for (yuan, at) in [(1, "20:10"), (2, "20:20"), (3, "20:30")] {
        client(&mut scenario, &debtor(yuan), "am-17");
        scenario.event(&debtor(yuan), &format!("2026-02-26 {at}"), call(HOTLINE));
    }
    // am-17 has had one in the morning; whoever has room next is the deputy, and then nobody.
    assert_eq!(holder(&scenario, 1), "am-18 for am-17");
    assert_eq!(holder(&scenario, 2), "am-17, over");
    assert_eq!(holder(&scenario, 3), "am-17, over");
    // On the next morning both have had what they can do.
    for yuan in [60, 70] {
        client(&mut scenario, &debtor(yuan), "am-17");
        let bill = invoice("2026-01-01", "2026-02-11", yuan);
        scenario.event(&debtor(yuan), "2026-02-26 20:40", bill);
    }
    let next = morning(&mut scenario, "2026-02-27");
    assert_eq!(next.opened, [0; 0]);
    assert!(
        next.signals.iter().all(|(_, why)| *why == WAITS),
        "{next:?}"
    );
    assert_eq!(next.signals.len(), 2);
    assert_eq!(morning(&mut scenario, "2026-02-28").opened, [70, 60]);
}

#[test]
fn open_tasks_are_passed_on_when_an_absence_begins() {
    let absent = "policy.capacity.managers.am-17.absent = ['2026-02-28/2026-03-01']
                  policy.capacity.managers.am-18.absent = ['2026-03-03/2026-03-04']
                  policy.escalation.rung_hours.key = 0";
    let mut scenario = clients(&format!("{PAIR}\n{absent}"), &[50]);
    morning(&mut scenario, "2026-02-26");
    let opened = scenario.last_task(&debtor(50));
    morning(&mut scenario, "2026-02-27");
    assert_eq!(holder(&scenario, 50), "am-17");
    morning(&mut scenario, "2026-02-28");
    let passed_on = scenario.last_task(&debtor(50));
    assert_eq!(holder(&scenario, 50), "am-18 for am-17");
    assert_eq!(passed_on.status, TaskStatus::Updated);
    assert_eq!(
        (passed_on.due_at, passed_on.tier),
        (opened.due_at, opened.tier)
    );
    let of = |scenario: &Scenario, name: &str| {
        let tally = scenario.shard.tally();
        let figures = tally.holders.get(&Holder::Manager(name.to_owned()));
        figures.map_or(0, |it| it[&Purpose::Churn][TaskCount::Opened])
    };
    assert_eq!((of(&scenario, "am-17"), of(&scenario, "am-18")), (0, 1));
    // It stays there, whoever is back, until the deputy is absent.
    morning(&mut scenario, "2026-03-02");
    assert_eq!(holder(&scenario, 50), "am-18 for am-17");
    morning(&mut scenario, "2026-03-03");
    assert_eq!(holder(&scenario, 50), "am-17");
    assert_eq!((of(&scenario, "am-17"), of(&scenario, "am-18")), (1, 0));
}

#[test]
fn where_all_are_absent_urgent_tasks_stay() {
    let rules = format!(
        "{PAIR}
         policy.capacity.managers.am-17.absent = ['2026-02-26/2026-02-26']
         policy.capacity.managers.am-18.absent = ['2026-02-25/2026-02-27']"
    );
    let mut scenario = clients(&rules, &[50]);
    assert_eq!(morning(&mut scenario, "2026-02-26").opened, [0; 0]);
    client(&mut scenario, super::ONE, "am-17");
    hotline(&mut scenario, "2026-02-26 20:00");
    let assignee = scenario.last_task(super::ONE).assignee;
    assert_eq!(assignee.account_manager.as_deref(), Some("am-17"));
    assert!(assignee.over_capacity && assignee.deputy_for.is_none());
}

#[test]
fn a_chain_of_deputies_has_an_end() {
    let rules = "policy.capacity.manager_per_day = 1
                 [policy.capacity.managers]
                 am-17 = { deputy = 'b' }\nb = { deputy = 'c', absent = ['2026-02-01/2026-03-30'] }\nc = { deputy = 'd' }
                 d = { deputy = 'e' }\ne = {}";
    let mut scenario = clients(rules, &[50, 60, 70, 80]);
    assert_eq!(morning(&mut scenario, "2026-02-26").opened, [80, 70, 60]);
    let holders = [80, 70, 60].map(|yuan| holder(&scenario, yuan));
    assert_eq!(holders, ["am-17", "c for am-17", "d for am-17"]);
}

#[test]
fn queues_have_capacities_too() {
    let mut scenario = debtors("policy.capacity.queue_per_day = 3", &FOURTEEN);
    let first = morning(&mut scenario, "2026-02-26");
    assert_eq!(first.opened, [112, 104, 96]);
    let waiting = first.signals.iter().filter(|(_, why)| *why == WAITS);
    assert_eq!(waiting.count(), 11);
    let rules =
        "policy.capacity.queues = { bulk-campaign = { per_day = 1, deputy = 'text' }, text = {} }";
    let mut scenario = debtors(rules, &[50, 60]);
    morning(&mut scenario, "2026-02-26");
    let assignee = scenario.last_task(&debtor(50)).assignee;
    assert_eq!(assignee.queue, "text");
    assert_eq!(assignee.deputy_for.as_deref(), Some("bulk-campaign"));
}

#[test]
fn a_place_of_the_budget_is_used_only_with_somebody_to_do_it() {
    let rules = "policy.budget.churn = { key = 2, ordinary = 0, small = 0 }
                 policy.capacity.managers.am-17.per_day = 1";
    let mut scenario = clients(rules, &[70, 80, 90]);
    for yuan in [50, 60] {
        client(&mut scenario, &debtor(yuan), "am-20");
        let bill = invoice("2026-01-01", "2026-02-10", yuan);
        scenario.event(&debtor(yuan), "2026-02-25 20:30", bill);
    }
    let first = morning(&mut scenario, "2026-02-26");
    assert_eq!(first.opened, [90, 60]);
    let fate = |yuan: i64| first.signals.iter().find(|(of, _)| *of == yuan).unwrap().1;
    assert_eq!((fate(80), fate(70)), (WAITS, WAITS));
    assert_eq!(fate(50), Some(Suppression::OverBudget));
}

#[test]
fn the_parts_of_the_partitions_add_up_to_the_capacity_every_day() {
    for (capacity, parts) in [(4, 3), (1, 3), (7, 2), (3, 3), (2, 5)] {
        let rules = format!("policy.capacity.queue_per_day = {capacity}");
        let mut towns: Vec<Scenario> = (0..parts)
            .map(|part| {
                let mut scenario = debtors(&rules, &FOURTEEN);
                scenario.shard.share_budget(part, parts);
                scenario
            })
            .collect();
        for date in ["2026-02-26", "2026-02-27", "2026-02-28"] {
            let towns = towns.iter_mut();
            let opened = towns.map(|town| morning(town, date).opened.len());
            let opened: Vec<usize> = opened.collect();
            assert_eq!(
                opened.iter().sum::<usize>(),
                capacity,
                "{parts} parts on {date}"
            );
            let even = opened
                .iter()
                .all(|of| of.abs_diff(capacity / parts as usize) <= 1);
            assert!(even, "{opened:?}");
        }
    }
}

#[test]
fn nobody_has_a_limit_unless_it_is_stated() {
    let names = "policy.capacity.managers = { am-17 = { deputy = 'am-18' }, am-18 = {} }";
    let mut scenario = debtors(&format!("{THREE}\n{names}"), &FOURTEEN);
    assert_eq!(morning(&mut scenario, "2026-02-26").opened, [112, 104, 96]);
    let mut scenario = clients(names, &FOURTEEN);
    assert_eq!(morning(&mut scenario, "2026-02-26").opened.len(), 14);
    assert_eq!(holder(&scenario, 8), "am-17");
}
