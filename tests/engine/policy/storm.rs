//! A hundred thousand subscribers signal on one day: the best of them get the day's places, some wait, and the state
//! stays small (behaviour: Budget).

use crate::support::scenario::{Scenario, invoice};
use churnwatch::model::{Effect, Inputs, Msisdn, Suppression, TaskStatus, Tier};
use std::cmp::Reverse;
use std::collections::BTreeMap;

const PEOPLE: u32 = 100_000;
const RULES: &str = "
    window.clock = \"wall\"
    policy.budget.collect_minutes = 60
    policy.budget.churn = { key = 0, ordinary = 20, small = 100 }
    # Nobody works on these tasks; it is not they that are counted.
    policy.escalation.rung_hours.ordinary = 0
";
/// Places a day of each tier, for today and the days a candidate may wait, and some to spare.
const ROOM: [usize; 3] = [64, 20 * 4 + 64, 100 * 4 + 64];
/// A candidate as bytes, its sentences and evidence in it.
const CANDIDATE_BYTES: usize = 600;

fn subscriber(index: u32) -> String {
    format!("139{index:08}")
}

/// The monthly bill in yuan: up to 200 for `small` customers, and up to 400 for `ordinary` ones.
fn bill_of(index: u32) -> i64 {
    10 + i64::from(index.wrapping_mul(7_919) % 391)
}

/// The rank of everybody in a tier, the best first: all have the same score, so that the bill decides, then the number.
fn ranked(tier: Tier) -> Vec<String> {
    let of_tier = |index: &u32| match bill_of(*index) {
        ..=200 => tier == Tier::Small,
        _ => tier == Tier::Ordinary,
    };
    let mut people: Vec<u32> = (0..PEOPLE).filter(of_tier).collect();
    people.sort_by_key(|index| (Reverse(bill_of(*index)), *index));
    people.into_iter().map(subscriber).collect()
}

/// Bytes of the open tasks, the dossiers and the candidates in an image.
fn book(scenario: &mut Scenario) -> [usize; 3] {
    let mut bytes = [0; 3];
    for section in scenario.shard.image().sections(None) {
        if let Some(place) = [3, 8, 9].iter().position(|kind| *kind == section.kind) {
            bytes[place] += section.bytes.len();
        }
    }
    bytes
}

/// Who got a task, by tier and in order; and how often each fate of a signal was published.
type Said = (
    BTreeMap<Tier, Vec<String>>,
    BTreeMap<Option<Suppression>, usize>,
);

fn said(effects: &[Effect]) -> Said {
    let (mut opened, mut fates) = (BTreeMap::new(), BTreeMap::new());
    for effect in effects {
        match effect {
            Effect::Task(task) => {
                assert_eq!((task.status, task.revision), (TaskStatus::Open, 1));
                let of_tier: &mut Vec<String> = opened.entry(task.tier).or_default();
                of_tier.push(task.msisdn.as_str().to_owned());
            }
            Effect::Signal(signal) => *fates.entry(signal.suppressed).or_default() += 1,
            effect => panic!("{effect:?}"),
        }
    }
    (opened, fates)
}

#[test]
fn a_day_on_which_everybody_signals_stays_within_budget_and_memory() {
    let mut scenario = Scenario::new(RULES);
    scenario.tick("2026-02-25 10:00", Inputs::default());
    for index in 0..PEOPLE {
        let bill = invoice("2026-01-01", "2026-02-10", bill_of(index));
        scenario.event(&subscriber(index), "2026-02-25 10:00", bill);
    }
    let (bytes_before, book_before) = (scenario.shard.stats().store_bytes, book(&mut scenario));
    assert_eq!(scenario.total(), 0);

    // The close, slice by slice: at no time do more wait than there is room for.
    let noon = scenario.time("2026-02-26 12:00");
    scenario
        .shard
        .tick(noon, Inputs::default(), &mut scenario.effects);
    let (mut slices, mut most) = (0, 0);
    loop {
        let left = scenario.shard.sweep(10_000, &mut scenario.effects);
        most = most.max(book(&mut scenario)[2]);
        slices += 1;
        if !left {
            break;
        }
    }
    assert_eq!(slices, 10);
    let room: usize = ROOM[1] + ROOM[2];
    assert!(most <= room * CANDIDATE_BYTES, "{most} bytes of candidates");
    let waiting = |scenario: &Scenario, index: u32| {
        let who = Msisdn::new(&subscriber(index)).unwrap();
        !scenario.shard.describe(&who).unwrap().waiting.is_empty()
    };
    let wait = (0..PEOPLE)
        .filter(|index| waiting(&scenario, *index))
        .count();
    assert_eq!(wait, room);
    let (opened, fates) = said(&scenario.effects);
    assert!(opened.is_empty(), "they are being collected");
    let lapsed = PEOPLE as usize - room;
    assert_eq!(
        fates,
        BTreeMap::from([(Some(Suppression::OverBudget), lapsed)])
    );

    // The ranking an hour later: as many tasks as there are places, the best first.
    let ranks = BTreeMap::from([Tier::Ordinary, Tier::Small].map(|tier| (tier, ranked(tier))));
    let places = BTreeMap::from([(Tier::Ordinary, 20), (Tier::Small, 100)]);
    let best = |day: usize| -> BTreeMap<Tier, Vec<String>> {
        let of = |(tier, places): (&Tier, &usize)| {
            (
                *tier,
                ranks[tier][day * places..(day + 1) * places].to_vec(),
            )
        };
        places.iter().map(of).collect()
    };
    scenario.effects.clear();
    scenario.tick("2026-02-26 13:00", Inputs::default());
    let (opened, fates) = said(&scenario.effects);
    assert_eq!(opened, best(0));
    let expected = [(None, 120), (Some(Suppression::OverBudget), room - 120)];
    assert_eq!(
        fates,
        BTreeMap::from(expected),
        "with what lapsed before, everybody once"
    );

    // Next days: the next best, not a word of the others, and in the end nobody waits.
    let dates = [
        "2026-02-27",
        "2026-02-28",
        "2026-03-01",
        "2026-03-02",
        "2026-03-03",
    ];
    for (day, date) in (1..).zip(dates) {
        scenario.effects.clear();
        for time in ["12:00", "13:00"] {
            scenario.tick(&format!("{date} {time}"), Inputs::default());
        }
        let (opened, fates) = said(&scenario.effects);
        assert_eq!(fates, BTreeMap::new(), "day {day}");
        let expected = if day <= 3 { best(day) } else { BTreeMap::new() };
        assert_eq!(opened, expected, "day {day}");
    }
    assert_eq!(scenario.shard.stats().open_tasks, 4 * 120);
    let (bytes, [tasks, dossiers, candidates]) =
        (scenario.shard.stats().store_bytes, book(&mut scenario));
    assert_eq!([dossiers, candidates], book_before[1..]);
    assert!(tasks <= 4 * 120 * 2_000, "{tasks} bytes of tasks");
    // What the trigger remembers of everybody, and nothing of the tasks that never were.
    let each = (bytes - bytes_before) / u64::from(PEOPLE);
    println!(
        "{bytes_before} bytes, then {bytes}: {each} for each; {most} of candidates, {tasks} of tasks"
    );
    assert!(each <= 200, "{each} bytes for each subscriber");
}
