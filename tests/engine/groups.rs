//! Members of a group: one task for all of them, instead of one for each (behaviour: Groups).

use crate::support::scenario::{HOTLINE, Scenario, call, crowd, day, days, outcome, profile};
use churnwatch::model::{
    Body, CloseReason, ComplaintCategory, CustomerKind, Effect, EnquirySubject, Event, Fact,
    GroupAlert, GroupRecord, Inputs, MemberSignal, Money, Msisdn, Occasion, Outcome, OutcomeResult,
    ProfileGroup, Severity, Source, TaskStatus,
};

const GROUP: &str = "G-7";
/// The clock of most tests moves on by the calls of somebody without a group.
const OTHER: &str = "13999999999";

fn member(n: usize) -> String {
    format!("139{n:08}")
}

fn group(id: &'static str) -> ProfileGroup<'static> {
    ProfileGroup {
        id: id.into(),
        manager: Some("GM-1".into()),
        size: Some(40),
    }
}

/// A member whose value rises with its number.
fn of_group(id: &'static str, n: usize) -> Body<'static> {
    profile(|p| {
        p.group = Some(group(id));
        p.account_manager = Some("am-1".into());
        p.avg_monthly_spend = Some(Money(10_000 + n as i64 * 100));
    })
}

/// So many members of one group, whose profiles were stated in the morning of 1 February.
fn members(overrides: &str, count: usize) -> Scenario {
    let mut scenario = Scenario::new(overrides);
    for n in 1..=count {
        scenario.event(&member(n), "2026-02-01 09:00", of_group(GROUP, n));
    }
    scenario
}

/// What a member's shard tells of a member who shows signs of leaving.
fn leaving() -> Body<'static> {
    Body::MemberSignal(Box::new(MemberSignal {
        group: GROUP.into(),
        occasion: Some(Occasion::Leaving),
        partition: 0,
        head_count: None,
        value: Money(1),
        score: 1,
        severity: Severity::Early,
        triggers: Vec::new(),
    }))
}

fn asks(scenario: &mut Scenario, n: usize, at: &str) {
    scenario.event(&member(n), at, call(HOTLINE));
}

/// The last revisions of all tasks of churn that are open.
fn open(scenario: &Scenario) -> Vec<String> {
    let mut last = std::collections::BTreeMap::new();
    for effect in &scenario.effects {
        if let Effect::Task(task) = effect {
            last.insert(task.task_id.clone(), task.clone());
        }
    }
    let open = last
        .into_values()
        .filter(|task| task.status != TaskStatus::Closed);
    let mut open: Vec<_> = open.map(|task| task.msisdn.as_str().to_owned()).collect();
    open.sort();
    open
}

fn told(scenario: &Scenario) -> Vec<&GroupRecord> {
    let told = scenario.effects.iter().filter_map(|effect| match effect {
        Effect::Group(record) => Some(&**record),
        _ => None,
    });
    told.collect()
}

#[test]
fn the_third_member_makes_one_task_of_three() {
    let mut scenario = members("", 4);
    asks(&mut scenario, 1, "2026-02-02 10:00");
    asks(&mut scenario, 3, "2026-02-05 10:00");
    assert_eq!(open(&scenario), [member(1), member(3)]);
    asks(&mut scenario, 2, "2026-02-08 10:00");
    // The most valuable one has the group's task.
    assert_eq!(open(&scenario), [member(3)]);
    let task = scenario.last_task(&member(3));
    let group = task.group.as_deref().unwrap();
    assert_eq!(
        (&*group.group, group.occasion, group.more),
        (GROUP, Occasion::Leaving, 0)
    );
    assert_eq!(group.head_count, Some(40));
    let listed: Vec<&str> = group.members.iter().map(|it| it.msisdn.as_str()).collect();
    assert_eq!(listed, [member(3), member(2), member(1)]);
    assert!(
        group
            .members
            .iter()
            .all(|it| *it.triggers == ["competitor_hotline".into()])
    );
    assert_eq!(task.customer_kind, CustomerKind::Group);
    assert_eq!(task.assignee.account_manager.as_deref(), Some("GM-1"));
    assert_eq!(task.assignee.queue, "key-accounts");
    assert_eq!(task.signals.last().unwrap().trigger, "group_risk");
    for n in [1, 2] {
        let task = scenario.last_task(&member(n));
        assert_eq!(task.close_reason, Some(CloseReason::Group), "{n}");
    }
}

#[test]
fn who_is_covered_gets_no_task_but_is_told_of_once_a_day() {
    let mut scenario = members("", 6);
    for n in 1..=3 {
        asks(&mut scenario, n, "2026-02-02 10:00");
    }
    let published = scenario.published(&member(1)).len();
    scenario.event(
        &member(1),
        "2026-02-03 11:00",
        Body::Enquiry(churnwatch::model::EnquirySubject::Cancel),
    );
    let after = scenario.published(&member(1)).split_off(published);
    assert_eq!(after, ["2026-02-03 11:00 cancel_enquiry 0.80 (group)"]);
    // One who joins is covered at once, and is named the next day.
    asks(&mut scenario, 4, "2026-02-02 12:00");
    assert_eq!(open(&scenario), [member(3)]);
    assert_eq!(
        scenario.last_task(&member(3)).group.unwrap().members.len(),
        3
    );
    asks(&mut scenario, 5, "2026-02-04 12:00");
    let task = scenario.last_task(&member(3));
    assert_eq!(task.group.unwrap().members.len(), 5);
    assert_eq!(task.status, TaskStatus::Updated);
    assert_eq!(open(&scenario), [member(3)]);
}

#[test]
fn a_member_who_is_worse_off_makes_the_groups_task_graver_at_once() {
    let mut scenario = members("", 4);
    for n in 1..=3 {
        asks(&mut scenario, n, "2026-02-02 10:00");
    }
    let complaint = Body::Complaint {
        category: ComplaintCategory::Network,
        resolved: false,
        satisfaction: None,
    };
    let cancel = Body::Enquiry(EnquirySubject::Cancel);
    scenario.event(&member(1), "2026-02-02 10:30", complaint);
    scenario.event(&member(1), "2026-02-02 11:00", cancel.clone());
    let task = scenario.last_task(&member(3));
    assert_eq!(task.severity, Severity::Critical);
    // Each step for the worse is told at once.
    let published = scenario.published(&member(3));
    assert_eq!(
        published[published.len() - 4..],
        [
            "2026-02-02 10:30 group_risk 0.80",
            "2026-02-02 10:30 task 3 updated: key at_risk due 2026-02-03 10:00",
            "2026-02-02 11:00 group_risk 0.80",
            "2026-02-02 11:00 task 4 updated: key critical due 2026-02-02 15:00",
        ]
    );
    let group = task.group.unwrap();
    let worst = group
        .members
        .iter()
        .find(|it| it.msisdn.as_str() == member(1));
    let worst = worst.unwrap();
    assert_eq!(worst.severity, Severity::Critical);
    let [hotline, complaint, asked] = ["competitor_hotline", "complaint", "cancel_enquiry"];
    assert_eq!(
        *worst.triggers,
        [hotline.into(), complaint.into(), asked.into()]
    );
    // What is no worse is told the next day.
    scenario.event(&member(2), "2026-02-02 12:00", cancel);
    assert_eq!(scenario.last_task(&member(3)).revision, task.revision);
    asks(&mut scenario, 4, "2026-02-03 10:00");
    let group = scenario.last_task(&member(3)).group.unwrap();
    let asked = group
        .members
        .iter()
        .find(|it| it.msisdn.as_str() == member(2));
    let triggers = &asked.unwrap().triggers;
    assert_eq!(**triggers, [hotline.into(), "cancel_enquiry".into()]);
}

#[test]
fn the_end_of_a_contract_does_not_hide_who_leaves() {
    let mut scenario = members("", 3);
    for n in 1..=3 {
        asks(&mut scenario, n, "2026-02-02 10:00");
    }
    let end = Body::GroupAlert(Box::new(GroupAlert {
        group: GROUP.into(),
        occasion: Occasion::ContractEnd(day("2026-03-31")),
        members: Vec::new(),
        more: 0,
        head_count: Some(40),
        until: scenario.time("2026-04-01 00:00"),
    }));
    scenario.event(&member(3), "2026-02-03 10:00", end);
    let task = scenario.last_task(&member(3));
    let risk = task.signals.iter().find(|it| it.trigger == "group_risk");
    let end = Fact::Date(day("2026-03-31"));
    assert!(
        risk.unwrap()
            .evidence
            .facts
            .iter()
            .any(|(_, fact)| *fact == end)
    );
    let group = task.group.unwrap();
    assert_eq!(
        (group.occasion, group.members.len()),
        (Occasion::Leaving, 3)
    );
}

#[test]
fn members_count_for_a_fortnight() {
    let mut scenario = members("", 3);
    asks(&mut scenario, 1, "2026-02-02 10:00");
    asks(&mut scenario, 2, "2026-02-10 10:00");
    asks(&mut scenario, 3, "2026-02-16 10:00");
    assert_eq!(open(&scenario).len(), 3);
    assert!(
        told(&scenario)
            .iter()
            .all(|record| record.partition.is_none())
    );
}

#[test]
fn the_cover_ends_with_the_fortnight_and_with_the_group() {
    let mut scenario = members(
        "policy.contact.gap_days = 0\ntriggers.competitor_hotline.cooldown_days = 7",
        3,
    );
    for n in 1..=3 {
        asks(&mut scenario, n, "2026-02-02 10:00");
    }
    // The second leaves the group, and the third is its lead.
    scenario.event(&member(2), "2026-02-03 09:00", profile(|_| {}));
    asks(&mut scenario, 2, "2026-02-12 10:00");
    assert_eq!(open(&scenario), [member(2), member(3)]);
    asks(&mut scenario, 1, "2026-02-15 10:00");
    assert_eq!(open(&scenario), [member(2), member(3)]);
    asks(&mut scenario, 1, "2026-02-28 10:00");
    assert_eq!(open(&scenario), [member(1), member(2), member(3)]);
}

#[test]
fn a_group_that_changes_its_id_begins_anew() {
    let mut scenario = members("", 5);
    for n in 1..=2 {
        asks(&mut scenario, n, "2026-02-02 10:00");
    }
    for n in 1..=5 {
        scenario.event(&member(n), "2026-02-03 09:00", of_group("G-8", n));
    }
    asks(&mut scenario, 3, "2026-02-03 10:00");
    asks(&mut scenario, 4, "2026-02-03 11:00");
    assert_eq!(open(&scenario).len(), 4);
    asks(&mut scenario, 5, "2026-02-03 12:00");
    assert_eq!(open(&scenario), [member(1), member(2), member(5)]);
    let group = scenario.last_task(&member(5)).group.unwrap();
    assert_eq!((&*group.group, group.members.len()), ("G-8", 3));
}

#[test]
fn a_group_of_a_hundred_thousand_is_one_task() {
    let mut scenario = Scenario::new("");
    let source = Source {
        topic: "told".into(),
        partition: 0,
        offset: 0,
    };
    let at = scenario.time("2026-02-02 10:00");
    let mut alerts = 0;
    let mut longest = 0;
    for n in 0..100_000_usize {
        let signal = MemberSignal {
            group: GROUP.into(),
            occasion: Some(Occasion::Leaving),
            partition: (n % 7) as u32,
            head_count: Some(100_000),
            value: Money(n as i64),
            score: 1,
            severity: Severity::Early,
            triggers: vec!["competitor_hotline".into()],
        };
        let msisdn = Msisdn::new(&member(n)).unwrap();
        let record = GroupRecord::of_member(msisdn, at, signal);
        let mut effects = Vec::new();
        let outcome = scenario.shard.apply(&record.event, &source, &mut effects);
        assert_eq!(outcome, Outcome::Applied { late: false });
        let again = scenario
            .shard
            .apply(&record.event, &source, &mut Vec::new());
        assert_eq!(again == Outcome::Duplicate, n < 200, "{n}");
        for effect in effects {
            let Effect::Group(record) = effect else {
                panic!("{effect:?}")
            };
            if let Body::GroupAlert(alert) = record.event.body {
                alerts += 1;
                longest = longest.max(alert.members.len());
            }
        }
    }
    assert_eq!((alerts, longest), (1, 3));
}

#[test]
fn the_end_of_a_groups_contract_is_one_task() {
    let mut scenario =
        Scenario::new("policy.score.task_at = { key = 0.0, ordinary = 0.0, small = 0.0 }");
    for on in days("2026-03-01", "2026-03-06") {
        scenario.live(&crowd(4), on..=on, |_, _| 2);
        if on == day("2026-03-02").0 {
            for n in 1..=4 {
                let ends = |p: &mut churnwatch::model::Profile<'static>| {
                    p.group = Some(group(GROUP));
                    p.contract_end_on = Some(day("2026-04-20"));
                };
                scenario.event(&member(n), "2026-03-02 21:00", profile(ends));
            }
        }
    }
    let open = open(&scenario);
    assert_eq!(open.len(), 1, "{open:?}");
    let task = scenario.last_task(&open[0]);
    let group = task.group.as_deref().unwrap();
    assert_eq!(group.occasion, Occasion::ContractEnd(day("2026-04-20")));
    let facts = &task.signals.last().unwrap().evidence.facts;
    assert!(
        facts
            .iter()
            .any(|(_, fact)| *fact == Fact::Date(day("2026-04-20")))
    );
    // Other signs are not covered by it.
    let covered = (1..=4).find(|n| member(*n) != open[0]).unwrap();
    asks(&mut scenario, covered, "2026-03-06 21:00");
    let task = scenario.last_task(&member(covered));
    assert_eq!(task.status, TaskStatus::Open);
}

#[test]
fn an_outcome_ends_the_groups_task_and_the_cover_goes_on() {
    let mut scenario = members("", 4);
    for n in 1..=3 {
        asks(&mut scenario, n, "2026-02-02 10:00");
    }
    let saved = outcome(&scenario.last_task(&member(3)), OutcomeResult::Saved);
    scenario.event(&member(3), "2026-02-03 10:00", saved);
    assert_eq!(open(&scenario), Vec::<String>::new());
    asks(&mut scenario, 4, "2026-02-04 10:00");
    assert_eq!(open(&scenario), Vec::<String>::new());
}

#[test]
fn a_lead_who_goes_leaves_the_others_to_another_one_or_to_themselves() {
    for gone in [Body::Cancellation, Body::PortOutApplication] {
        let mut scenario = members("", 4);
        for n in 1..=4 {
            asks(&mut scenario, n, "2026-02-02 10:00");
        }
        let first = open(&scenario);
        assert_eq!(first, [member(3)]);
        scenario.event(&first[0], "2026-02-03 10:00", gone.clone());
        // Three are left, and one of them leads.
        let second = open(&scenario);
        assert_eq!(second.len(), 1, "{second:?}");
        assert_ne!(first, second);
        let named = scenario.last_task(&second[0]).group.unwrap().members;
        assert_eq!(named.len(), 3);
        // Two are no group, and whatever they show from now on is their own.
        scenario.event(&second[0], "2026-02-04 10:00", gone);
        assert_eq!(open(&scenario), Vec::<String>::new());
        let left = (1..=4).find(|n| ![&first[0], &second[0]].contains(&&member(*n)));
        let left = member(left.unwrap());
        let asks = Body::Enquiry(EnquirySubject::Cancel);
        scenario.event(&left, "2026-02-05 10:00", asks);
        assert_eq!(open(&scenario), [left]);
    }
}

#[test]
fn who_was_erased_is_named_no_more() {
    let mut scenario = members("", 4);
    for n in 1..=4 {
        asks(&mut scenario, n, "2026-02-02 10:00");
    }
    let request = || Body::Erase {
        request: "r".into(),
    };
    scenario.event(&member(1), "2026-02-03 10:00", request());
    let names = |scenario: &Scenario, n| {
        let members = scenario.last_task(&member(n)).group.unwrap().members;
        members
            .iter()
            .map(|it| it.msisdn.as_str().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&scenario, 3), [member(4), member(3), member(2)]);
    // What is told to nobody known makes nobody known.
    let known = scenario.shard.stats().subscribers;
    let records: Vec<_> = told(&scenario).into_iter().cloned().collect();
    for record in records {
        scenario.event_at(&member(1), record.event.at, record.event.body);
    }
    assert_eq!(scenario.shard.stats().subscribers, known);
}

#[test]
fn without_the_switch_nothing_is_told() {
    let mut scenario = members("policy.group.enabled = false", 3);
    for n in 1..=3 {
        asks(&mut scenario, n, "2026-02-02 10:00");
    }
    assert_eq!((open(&scenario).len(), told(&scenario).len()), (3, 0));
}

#[test]
fn what_is_told_says_nothing_about_time() {
    let mut scenario = members("", 1);
    let clock = scenario.clock();
    let body = leaving();
    scenario.event(OTHER, "2026-02-20 10:00", body.clone());
    assert_eq!(scenario.clock(), clock);
    assert_eq!(scenario.shard.stats().subscribers, 1);
    let event = Event {
        msisdn: Msisdn::new(OTHER).unwrap(),
        at: scenario.time("2026-02-01 10:00"),
        record: 0,
        visited: None,
        body,
    };
    assert_eq!(event.key(), GROUP.as_bytes());
}

/// A restart reads what came meanwhile as a backlog: nothing of it may be lost.
#[test]
fn the_end_of_a_backlog_alerts_the_group() {
    let inputs = |backlog: bool| Inputs {
        caught_up: !backlog,
        backlog,
        ..Inputs::default()
    };
    let mut scenario = Scenario::new("window.clock = \"auto\"");
    scenario.tick("2026-02-02 09:00", inputs(true));
    for n in 1..=3 {
        scenario.event(&member(n), "2026-02-02 08:00", of_group(GROUP, n));
        scenario.event(&member(n), "2026-02-02 08:30", leaving());
    }
    assert_eq!(told(&scenario).len(), 0);
    scenario.tick("2026-02-02 09:01", inputs(false));
    assert_eq!(told(&scenario).len(), 3);
    assert_eq!(open(&scenario), [member(1)]);
}
