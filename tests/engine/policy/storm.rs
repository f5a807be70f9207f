//! A hundred thousand subscribers signal on one day: the best of them get the day's places, some wait, and the state
//! stays small (behaviour: Budget).

use crate::support::scenario::{Town, invoice};
use churnwatch::engine::Inputs;
use churnwatch::model::{Effect, Msisdn, Suppression, TaskStatus, Tier};
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
fn book(town: &mut Town) -> [usize; 3] {
    let mut bytes = [0; 3];
    for section in town.shard.image().sections(None) {
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
    let mut town = Town::new(RULES);
    town.tick("2026-02-25 10:00", Inputs::default());
    for index in 0..PEOPLE {
        let bill = invoice("2026-01-01", "2026-02-10", bill_of(index));
        town.event(&subscriber(index), "2026-02-25 10:00", bill);
    }
    let (bytes_before, book_before) = (town.shard.stats().store_bytes, book(&mut town));
    assert_eq!(town.total(), 0);

    // The close, slice by slice: at no time do more wait than there is room for.
    let noon = town.time("2026-02-26 12:00");
    town.shard.tick(noon, Inputs::default(), &mut town.effects);
    let (mut slices, mut most) = (0, 0);
    loop {
        let left = town.shard.sweep(10_000, &mut town.effects);
        most = most.max(book(&mut town)[2]);
        slices += 1;
        if !left {
            break;
        }
    }
    assert_eq!(slices, 10);
    let room: usize = ROOM[1] + ROOM[2];
    assert!(most <= room * CANDIDATE_BYTES, "{most} bytes of candidates");
    let waiting = |town: &Town, index: u32| {
        let who = Msisdn::new(&subscriber(index)).unwrap();
        !town.shard.describe(&who).unwrap().waiting.is_empty()
    };
    let wait = (0..PEOPLE).filter(|index| waiting(&town, *index)).count();
    assert_eq!(wait, room);
    let (opened, fates) = said(&town.effects);
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
    town.effects.clear();
    town.tick("2026-02-26 13:00", Inputs::default());
    let (opened, fates) = said(&town.effects);
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
        town.effects.clear();
        for time in ["12:00", "13:00"] {
            town.tick(&format!("{date} {time}"), Inputs::default());
        }
        let (opened, fates) = said(&town.effects);
        assert_eq!(fates, BTreeMap::new(), "day {day}");
        let expected = if day <= 3 { best(day) } else { BTreeMap::new() };
        assert_eq!(opened, expected, "day {day}");
    }
    assert_eq!(town.shard.stats().open_tasks, 4 * 120);
    let (bytes, [tasks, dossiers, candidates]) = (town.shard.stats().store_bytes, book(&mut town));
    assert_eq!([dossiers, candidates], book_before[1..]);
    assert!(tasks <= 4 * 120 * 2_000, "{tasks} bytes of tasks");
    // What the trigger remembers of everybody, and nothing of the tasks that never were.
    let each = (bytes - bytes_before) / u64::from(PEOPLE);
    println!(
        "{bytes_before} bytes, then {bytes}: {each} for each; {most} of candidates, {tasks} of tasks"
    );
    assert!(each <= 200, "{each} bytes for each subscriber");
}
