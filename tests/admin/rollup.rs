//! What became of tasks, counted by the engine, against a plain count of what it published.

use crate::support::scenario::{HOTLINE, NOT_PURSUED, Scenario, call, crowd, profile};
use churnwatch::engine::{
    Customers, Figures, Holder, IMAGE_FORMAT, ImageLoader, Purposes, Rollup, Shard, TaskCount, Work,
};
use churnwatch::model::{
    Body, CloseReason, CustomerKind, Effect, EnquirySubject, Inputs, Level, OutcomeResult, Purpose,
    Task, TaskOutcome, TaskStatus, Timestamp,
};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed};
use std::collections::BTreeMap;

const CANCEL: Body<'static> = Body::Enquiry(EnquirySubject::Cancel);
const WALL_CLOCK: &str = "window.clock = \"wall\"";

/// Somebody in a region, a key customer if there is a manager.
fn resident(region: &'static [&'static str], manager: Option<&'static str>) -> Body<'static> {
    profile(|p| {
        p.region = region.iter().map(|name| (*name).into()).collect();
        p.vip = manager.is_some();
        p.account_manager = manager.map(Into::into);
    })
}

fn outcome(
    task: &Task,
    result: OutcomeResult,
    stated: Option<&'static str>,
    confirmed: Option<&'static str>,
) -> Body<'static> {
    Body::TaskOutcome(TaskOutcome {
        task_id: task.task_id.clone().into(),
        result: Some(result),
        stated_reason: stated.map(Into::into),
        confirmed_reason: confirmed.map(Into::into),
        do_not_contact: false,
    })
}

fn everything(shard: &Shard) -> Purposes {
    Rollup::level([&shard.rollup()], "").total
}

/// The counts that are not zero.
fn counts(figures: &Figures) -> Vec<(&'static str, u64)> {
    let named = figures.named().into_iter();
    named.filter(|(_, count)| *count > 0).collect()
}

#[test]
fn figures_add_up_from_city_to_province_to_everything() {
    let mut scenario = Scenario::new("");
    let people: [(&str, &[&str], Option<&str>); 6] = [
        ("13900000001", &["HQ", "广东", "广州"], Some("am-7")),
        ("13900000002", &["HQ", "广东", "广州"], None),
        ("13900000003", &["HQ", "广东", "深圳"], None),
        ("13900000004", &["HQ", "广东"], None),
        ("13900000005", &["HQ", "北京", "海淀"], Some("am-7")),
        ("13900000006", &[], None),
    ];
    for (who, region, manager) in people {
        scenario.event(who, "2026-03-02 10:00", resident(region, manager));
        scenario.event(who, "2026-03-02 11:00", CANCEL);
    }
    let saved = outcome(
        &scenario.last_task("13900000001"),
        OutcomeResult::Saved,
        None,
        None,
    );
    scenario.event("13900000001", "2026-03-02 12:00", saved);
    scenario.event("13900000003", "2026-03-02 12:00", Body::Cancellation);

    let rollup = scenario.shard.rollup();
    let level = |region: &str| Rollup::level([&rollup], region);
    let open = |work: &Purposes| (work.churn.outcomes[TaskCount::Opened], work.churn.now.open);
    assert_eq!(open(&level("").total), (6, 4));
    assert_eq!(open(&level("").here), (1, 1), "of no known region");
    assert_eq!(open(&level("").children["HQ"]), (5, 3));
    assert_eq!(open(&level("HQ").children["HQ/广东"]), (4, 2));
    assert_eq!(open(&level("HQ").children["HQ/北京"]), (1, 1));
    let province = level("HQ/广东");
    assert_eq!(open(&province.children["HQ/广东/广州"]), (2, 1));
    assert_eq!(open(&province.children["HQ/广东/深圳"]), (1, 0));
    assert_eq!(open(&province.here), (1, 1), "of no known city");
    assert_eq!(open(&level("HQ/广东/深圳").total), (1, 0));
    // A path is one of whole names.
    assert_eq!(level("HQ/广").total, Purposes::default());
    assert_eq!(level("H").total, Purposes::default());

    let manager = Holder::Manager("am-7".to_owned());
    let holders = Rollup::holders([&rollup], Some(&manager));
    assert_eq!(holders.len(), 1);
    assert_eq!(
        counts(&holders[0].work.churn.outcomes),
        [
            ("opened", 2),
            ("reached", 1),
            ("saved", 1),
            ("confirmed", 1)
        ]
    );
    let all = Rollup::holders([&rollup], None);
    let sum: u64 = all.iter().map(|holder| open(&holder.work).0).sum();
    assert_eq!(sum, 6);
    let queue = |name: &str| Holder::Queue(name.to_owned());
    for name in ["outbound-calls", "outbound-calls/广州"] {
        assert!(
            all.iter().any(|h| h.holder == queue(name)),
            "{name}: {all:?}"
        );
    }
    // Those of two shards add up.
    assert_eq!(
        open(&Rollup::level([&rollup, &rollup], "HQ").total),
        (10, 6)
    );
}

#[test]
fn a_correction_takes_the_earlier_verdict_back() {
    const ONE: &str = "13900000001";
    let mut scenario = Scenario::new("");
    scenario.event(ONE, "2026-03-02 11:00", CANCEL);
    let task = scenario.last_task(ONE);
    let churn = |scenario: &Scenario| everything(&scenario.shard).churn.outcomes;
    let reasons = |figures: &Figures| -> Vec<(&'static str, u64, u64)> {
        let reasons = figures.reasons.iter();
        let named = reasons.map(|(motive, m)| (motive.name(), m.stated, m.confirmed));
        named.collect()
    };
    assert_eq!(counts(&churn(&scenario)), [("opened", 1)]);

    use OutcomeResult::{Lost, Reached, Saved, Unreachable};
    let mut say = |at: &str, result, stated, confirmed| {
        scenario.event(ONE, at, outcome(&task, result, stated, confirmed));
        churn(&scenario)
    };
    let said = say("2026-03-02 12:00", Unreachable, None, None);
    assert_eq!(counts(&said), [("opened", 1), ("unreachable", 1)]);
    let said = say("2026-03-02 15:00", Reached, Some("Too dear"), None);
    assert_eq!(counts(&said), [("opened", 1), ("reached", 1)]);
    assert_eq!(reasons(&said), [("other", 1, 0)]);
    let said = say(
        "2026-03-02 16:00",
        Saved,
        Some("PRICE"),
        Some("Competitor offer"),
    );
    let saved = [
        ("opened", 1),
        ("reached", 1),
        ("saved", 1),
        ("confirmed", 1),
    ];
    assert_eq!(counts(&said), saved);
    assert_eq!(
        reasons(&said),
        [("competitor_offer", 0, 1), ("price", 1, 0)]
    );
    assert_eq!(said.precision(), Some(1.0));
    // The same once more changes nothing.
    let said = say("2026-03-02 17:00", Saved, Some("network"), None);
    assert_eq!(counts(&said), saved);
    let said = say("2026-03-03 10:00", Lost, None, Some("no_intention"));
    let lost = [("opened", 1), ("reached", 1), ("lost", 1), ("refuted", 1)];
    assert_eq!(counts(&said), lost);
    assert_eq!(reasons(&said), [("price", 1, 0), ("no_intention", 0, 1)]);
    assert_eq!(said.precision(), Some(0.0));
    let said = say("2026-03-03 11:00", Reached, None, Some("price"));
    assert_eq!(counts(&said), [("opened", 1), ("reached", 1)], "open again");
    assert_eq!(reasons(&said), [("price", 1, 1)]);
    assert_eq!(said.precision(), None);
    assert_eq!(everything(&scenario.shard).churn.now.open, 1);

    // By trigger it is the same.
    let by_trigger = Rollup::outcomes([&scenario.shard.rollup()], "");
    let [trigger] = &by_trigger.triggers[..] else {
        panic!("{by_trigger:?}");
    };
    assert_eq!(
        (&*trigger.trigger, trigger.purpose),
        ("cancel_enquiry", Some("churn"))
    );
    assert_eq!(trigger.tiers["small"].0, churn(&scenario));
}

#[test]
fn open_tasks_become_due_then_overdue_and_climb() {
    const KEY: &str = "13900000001";
    let mut scenario = Scenario::new(WALL_CLOCK);
    scenario.tick("2026-03-02 22:00", Inputs::default());
    scenario.event(KEY, "2026-03-02 22:00", resident(&["HQ"], Some("am-7")));
    scenario.event(KEY, "2026-03-02 22:00", CANCEL);
    let now = |scenario: &Scenario| {
        let now = everything(&scenario.shard).churn.now;
        [now.open, now.due, now.overdue, now.escalated, now.at_top]
    };
    assert_eq!(now(&scenario), [1, 0, 0, 0, 0], "quiet hours");
    scenario.tick("2026-03-03 09:00", Inputs::default());
    assert_eq!(now(&scenario), [1, 1, 0, 0, 0]);
    let due = scenario.last_task(KEY).due_at;
    scenario
        .shard
        .tick(due, Inputs::default(), &mut scenario.effects);
    assert_eq!(
        now(&scenario),
        [1, 1, 0, 1, 0],
        "up a rung at the very moment"
    );
    let later = Timestamp(due.0 + 1);
    scenario
        .shard
        .tick(later, Inputs::default(), &mut scenario.effects);
    assert_eq!(now(&scenario), [1, 0, 1, 1, 0]);
    while scenario.last_task(KEY).assignee.level < Level::DeputyGeneralManager {
        let next = scenario.last_task(KEY).escalates_at.unwrap();
        scenario
            .shard
            .tick(next, Inputs::default(), &mut scenario.effects);
    }
    assert_eq!(now(&scenario), [1, 0, 1, 1, 1]);
    let reached = outcome(&scenario.last_task(KEY), OutcomeResult::Reached, None, None);
    let at = scenario.last_task(KEY).updated_at;
    scenario.event_at(KEY, at, reached);
    assert_eq!(now(&scenario)[2], 0, "somebody has spoken to the customer");
}

#[test]
fn regions_and_managers_beyond_the_bound_count_as_other() {
    let mut scenario = Scenario::new("");
    for (index, who) in crowd(4_200).iter().enumerate() {
        let body = profile(|p| {
            p.region = vec!["HQ".into(), format!("city {}", index % 600).into()];
            p.vip = true;
            p.account_manager = Some(format!("am-{index}").into());
        });
        scenario.event(who, "2026-03-02 10:00", body);
        scenario.event(who, "2026-03-02 10:00", CANCEL);
    }
    let rollup = scenario.shard.rollup();
    assert_eq!(rollup.tally.regions.len(), 513);
    assert_eq!(rollup.tally.holders.len(), 4_097);
    assert_eq!(rollup.holders[&Holder::Other][&Purpose::Churn].open, 104);
    let level = Rollup::level([&rollup], "");
    assert_eq!(level.total.churn.outcomes[TaskCount::Opened], 4_200);
    let other = &level.children["other"].churn;
    assert_eq!(other.now.open, other.outcomes[TaskCount::Opened]);
    assert_eq!(other.now.open, 88 * 7);
    // What is closed of them leaves where it was counted.
    let who = "13900004200";
    scenario.event(who, "2026-03-02 11:00", Body::Cancellation);
    let rollup = scenario.shard.rollup();
    assert_eq!(rollup.holders[&Holder::Other][&Purpose::Churn].open, 103);
    assert_eq!(
        rollup.tally.holders[&Holder::Other][&Purpose::Churn][TaskCount::Churned],
        1
    );
}

/// One thing that happens to one of a few people.
#[derive(Debug, Clone, Copy)]
enum Deed {
    Enquires,
    CallsCompetitor,
    Cancels,
    PortsOut,
    Moves,
    IsNotPursued,
    IsErased,
    /// An outcome of the last task, or of the one before it.
    Answers(OutcomeResult, bool, Option<&'static str>),
    /// So many hours pass.
    Waits(i64),
}

fn deeds() -> impl Strategy<Value = Vec<(usize, Deed)>> {
    let result = proptest::sample::select(OutcomeResult::ALL.to_vec());
    let reason = proptest::sample::select(vec![None, Some("price"), Some("no_intention")]);
    let deed = prop_oneof![
        6 => Just(Deed::Enquires),
        6 => Just(Deed::CallsCompetitor),
        1 => Just(Deed::Cancels),
        1 => Just(Deed::PortsOut),
        1 => Just(Deed::Moves),
        1 => Just(Deed::IsNotPursued),
        1 => Just(Deed::IsErased),
        9 => (result, any::<bool>(), reason).prop_map(|(r, last, why)| Deed::Answers(r, last, why)),
        9 => (1..200_i64).prop_map(Deed::Waits),
    ];
    proptest::collection::vec((0..8_usize, deed), 1..80)
}

const REGIONS: [&[&str]; 4] = [
    &["HQ", "广东", "广州"],
    &["HQ", "广东", "深圳"],
    &["HQ", "北京"],
    &[],
];

/// Plays deeds to a scenario.
fn play(deeds: &[(usize, Deed)]) -> Scenario {
    let mut scenario = Scenario::new(WALL_CLOCK);
    let people = crowd(8);
    let mut now = scenario.time("2026-03-02 10:00");
    scenario
        .shard
        .tick(now, Inputs::default(), &mut scenario.effects);
    for (index, who) in people.iter().enumerate() {
        let manager = (index % 3 == 0).then_some("am-7");
        scenario.event_at(who, now, resident(REGIONS[index % 4], manager));
    }
    for (index, deed) in deeds {
        let who = &people[*index];
        let body = match *deed {
            Deed::Enquires => CANCEL,
            Deed::CallsCompetitor => call(HOTLINE),
            Deed::Cancels => Body::Cancellation,
            Deed::PortsOut => Body::PortOutApplication,
            Deed::Moves => resident(REGIONS[(index + 1) % 4], Some("am-8")),
            Deed::IsErased => Body::Erase {
                request: "e".into(),
            },
            Deed::IsNotPursued => profile(|p| p.flags = NOT_PURSUED),
            Deed::Answers(result, last, reason) => {
                let tasks = tasks_of(&scenario, who);
                let place = tasks.len().checked_sub(if last { 1 } else { 2 });
                let Some(task) = place.and_then(|place| tasks.get(place)) else {
                    continue;
                };
                outcome(task, result, Some("service"), reason)
            }
            Deed::Waits(hours) => {
                // In steps, so that days close and tasks climb on the way.
                for _ in 0..hours {
                    now = now.plus_hours(1);
                    scenario
                        .shard
                        .tick(now, Inputs::default(), &mut scenario.effects);
                    scenario.shard.sweep(usize::MAX, &mut scenario.effects);
                }
                continue;
            }
        };
        scenario.event_at(who, now, body);
    }
    scenario
}

/// The tasks of somebody as last published, in the order in which they were opened.
fn tasks_of(scenario: &Scenario, who: &str) -> Vec<Task> {
    let mut tasks: Vec<Task> = Vec::new();
    for effect in &scenario.effects {
        let Effect::Task(task) = effect else { continue };
        if task.msisdn.as_str() != who {
            continue;
        }
        match tasks.iter_mut().find(|known| known.task_id == task.task_id) {
            Some(known) => *known = Task::clone(task),
            None => tasks.push(Task::clone(task)),
        }
    }
    tasks
}

/// What a plain count of tasks as they were last published gives for the ones chosen.
fn counted(tasks: &[Task], purpose: Purpose, chosen: impl Fn(&Task) -> bool) -> Work {
    let tasks = tasks
        .iter()
        .filter(|task| task.purpose == purpose && chosen(task));
    let mut work = Work::default();
    for task in tasks {
        let (now, outcomes) = (&mut work.now, &mut work.outcomes);
        outcomes[TaskCount::Opened] += 1;
        outcomes[TaskCount::Escalated] += u64::from(task.assignee.level != Level::AccountManager);
        outcomes[TaskCount::Reached] += u64::from(task.contacted_at.is_some());
        outcomes[TaskCount::Unreachable] +=
            u64::from(task.outcome == Some(OutcomeResult::Unreachable));
        for (motive, stated) in [(task.motives.stated, true), (task.motives.confirmed, false)] {
            if let Some(motive) = motive {
                let mentions = outcomes.reasons.entry(motive).or_default();
                mentions.stated += u64::from(stated);
                mentions.confirmed += u64::from(!stated);
            }
        }
        if task.status != TaskStatus::Closed {
            now.open += 1;
            continue;
        }
        let no_intention = task
            .motives
            .confirmed
            .is_some_and(|m| m.name() == "no_intention");
        let reason = task.close_reason.unwrap();
        let (count, right) = match reason {
            CloseReason::Saved => (TaskCount::Saved, Some(!no_intention)),
            CloseReason::Refused => (TaskCount::Refused, Some(!no_intention)),
            CloseReason::Lost => (TaskCount::Lost, Some(!no_intention)),
            CloseReason::Churned => (TaskCount::Churned, Some(true)),
            CloseReason::Expired => (TaskCount::Expired, Some(false)),
            CloseReason::Contacted => (TaskCount::Contacted, None),
            CloseReason::Returned => (TaskCount::Returned, None),
            CloseReason::MnpHold
            | CloseReason::Superseded
            | CloseReason::NotPursued
            | CloseReason::OptedOut
            | CloseReason::Erased => (TaskCount::Other, None),
            _ => (TaskCount::Recovered, Some(false)),
        };
        outcomes[count] += 1;
        let judged = right.filter(|_| purpose == Purpose::Churn);
        outcomes[TaskCount::Confirmed] += u64::from(judged == Some(true));
        outcomes[TaskCount::Refuted] += u64::from(judged == Some(false));
    }
    work
}

/// How many tasks are open, and what became of all.
fn settled(work: &Work) -> (u64, Figures) {
    (work.now.open, work.outcomes.clone())
}

fn check(scenario: &mut Scenario) -> Result<(), TestCaseError> {
    let tasks: Vec<Task> = crowd(8)
        .iter()
        .flat_map(|who| tasks_of(scenario, who))
        .collect();
    let rollup = scenario.shard.rollup();
    let path = |task: &Task| task.assignee.region.join("/");
    for purpose in Purpose::ALL {
        let mut all = Rollup::level([&rollup], "").total;
        let all = all.of(purpose);
        prop_assert_eq!(settled(all), settled(&counted(&tasks, purpose, |_| true)));
        prop_assert_eq!(all.outcomes.open(), Some(all.now.open));
        for region in ["HQ", "HQ/广东", "HQ/广东/广州", "HQ/北京"] {
            let mut level = Rollup::level([&rollup], region);
            let within =
                |task: &Task| format!("{}/", path(task)).starts_with(&format!("{region}/"));
            let expected = counted(&tasks, purpose, within);
            let total = level.total.of(purpose).clone();
            prop_assert_eq!(settled(&total), settled(&expected), "{}", region);
            let mut sum = level.here.of(purpose).clone();
            for child in level.children.values_mut() {
                sum.now.add(&child.of(purpose).now);
                sum.outcomes.add(&child.of(purpose).outcomes);
            }
            prop_assert_eq!(&sum, &total, "the parts of {}", region);
        }
        for trigger in ["cancel_enquiry", "competitor_hotline"] {
            let named = |task: &Task| task.signals.iter().any(|signal| signal.trigger == trigger);
            let by_trigger = Rollup::outcomes([&rollup], "").triggers;
            let tiers = by_trigger.iter().find(|found| found.trigger == trigger);
            let mut sum = Figures::default();
            for figures in tiers.iter().flat_map(|found| found.tiers.values()) {
                sum.add(&figures.0);
            }
            if purpose == Purpose::Churn {
                prop_assert_eq!(sum, counted(&tasks, purpose, named).outcomes, "{}", trigger);
            }
        }
        let mut kinds = Customers::of([&rollup]).customers;
        for kind in CustomerKind::ALL {
            let expected = counted(&tasks, purpose, |task| task.customer_kind == kind);
            let theirs = kinds.get_mut(kind.name()).unwrap().of(purpose);
            prop_assert_eq!(settled(theirs), settled(&expected), "{}", kind.name());
        }
        let holders = Rollup::holders([&rollup], None);
        for mut holder in holders {
            let theirs = |task: &Task| match &holder.holder {
                Holder::Manager(name) => task.assignee.account_manager.as_deref() == Some(name),
                Holder::Queue(queue) => {
                    task.assignee.account_manager.is_none() && task.assignee.queue == *queue
                }
                Holder::Other => false,
            };
            let expected = counted(&tasks, purpose, theirs);
            prop_assert_eq!(settled(holder.work.of(purpose)), settled(&expected));
        }
    }
    // An image remembers it all.
    let mut assembly = ImageLoader::new(IMAGE_FORMAT);
    for section in scenario.shard.image().sections(None) {
        assembly
            .add(section.kind, section.index, &section.bytes)
            .unwrap();
    }
    let (rules, _) =
        crate::support::rules::rules(&[crate::support::scenario::EVENT_CLOCK, WALL_CLOCK]);
    let restored = Shard::restored(assembly.finish().unwrap(), rules);
    prop_assert_eq!(restored.rollup(), rollup);
    Ok(())
}

#[test]
fn every_task_counts_once_as_it_was_last_published() {
    let mut config = Config {
        cases: 100,
        failure_persistence: None,
        ..Config::default()
    };
    config.rng_seed = RngSeed::Fixed(20_261_123);
    // Each of these must have happened somewhere, or the streams say little.
    let mut seen: BTreeMap<&'static str, u64> = BTreeMap::new();
    let seen_here = std::cell::RefCell::new(&mut seen);
    let mut runner = proptest::test_runner::TestRunner::new(config);
    let result = runner.run(&deeds(), |deeds| {
        let mut scenario = play(&deeds);
        check(&mut scenario)?;
        for (name, count) in everything(&scenario.shard).churn.outcomes.named() {
            *seen_here.borrow_mut().entry(name).or_default() += count;
        }
        Ok(())
    });
    result.unwrap();
    for name in [
        "opened",
        "escalated",
        "reached",
        "unreachable",
        "saved",
        "refused",
        "lost",
        "churned",
        "expired",
        "other",
        "confirmed",
        "refuted",
    ] {
        assert!(seen[name] > 10, "{name}: {seen:?}");
    }
}

#[test]
fn a_tally_that_contradicts_its_tasks_is_refused() {
    let mut scenario = Scenario::new("");
    scenario.event("13900000001", "2026-03-02 11:00", CANCEL);
    let mut assembly = ImageLoader::new(IMAGE_FORMAT);
    for section in scenario.shard.image().sections(None) {
        // An empty tally: no regions, no holders, no kinds of customers.
        let bytes = if section.kind == 10 {
            vec![0, 0, 0]
        } else {
            section.bytes
        };
        assembly.add(section.kind, section.index, &bytes).unwrap();
    }
    let error = assembly.finish().err().unwrap().to_string();
    assert_eq!(error, "the image has a tally that is not that of its tasks");
}
