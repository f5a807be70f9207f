//! The world by itself: a client that does everything right is never hurt, and one that does not is found out.

use super::arrivals::{Incoming, Pace, timeline};
use super::copy_worker::{COPIES, CopyWorker, JOURNAL, Mistake};
use super::dice::{Dice, Stream};
use super::faults::{Faults, Rates};
use super::play::{Ending, play, release};
use super::scheduler::Scheduler;
use super::slot::ProcessPlan;
use super::store::FaultyStore;
use super::trace::Trace;
use super::world::{Plan, World};
use churnwatch::config::Config;
use churnwatch::kafka::{StoredRecord, TopicPartition, Topics};
use std::collections::BTreeMap;
use std::sync::Arc;

const BEGINS_MS: i64 = 1_780_000_000_000;

const ROUGH: Rates = Rates {
    crash: 8,
    stall: 8,
    abort: 60,
    unknown: 60,
    unanswered: 20,
    outage: 10,
    slow_markers: 200,
    put_fails: 0,
    damage: 0,
    trim_fails: 0,
};

fn topics() -> Arc<Topics> {
    let text = "topics = { billing = \"billing\", subscriber = \"billing\", service = \"billing\", outcome = \"billing\" }";
    Arc::new(Topics::new(&Config::from_toml_str(text, "test").unwrap()))
}

/// Lets copy workers copy some hundred records in a rough world. Returns the world's digest.
fn copy(
    seed: u64,
    topics: &Arc<Topics>,
    mistake: Mistake,
    trace: Trace,
) -> Result<(u64, u64), String> {
    let mut dice = Dice::new(seed, Stream::Shape);
    let partitions = dice.between(1, 4) as i32;
    let count = dice.between(50, 400);
    let incoming = (0..count).map(|number| Incoming {
        place: TopicPartition {
            topic: dice.below(topics.len() as u64) as usize,
            partition: dice.below(partitions as u64) as i32,
        },
        record: StoredRecord {
            value: Some(number.to_string().into_bytes()),
            ..StoredRecord::default()
        },
    });
    let incoming: Vec<Incoming> = incoming.collect();
    let pace = Pace::Spread {
        preloaded: dice.between(0, 1_000) as u32,
        over_ms: dice.between(0, 200_000),
    };
    let arrivals = timeline(
        incoming,
        BEGINS_MS,
        pace,
        50,
        &mut Dice::new(seed, Stream::Input),
    );
    let faults = Faults::new(ROUGH, Vec::new());
    let visits = (0..dice.below(2)).map(|_| {
        let comes_ms = dice.between(1_000, 100_000);
        (comes_ms, comes_ms + dice.between(1_000, 100_000))
    });
    let processes = ProcessPlan {
        visits: visits.collect(),
        slots: dice.between(1, 3) as usize,
        named: dice.chance(500),
        pause_ms: dice.pick(&[100, 5_000, 60_000]),
        renamed: dice.pick(&[0, 300]),
        twins: dice.chance(300),
        nap_ms_max: 2_000,
    };
    let end = dice.pick(&[Ending::Stop, Ending::Kill]);
    let trouble_ms = dice.between(0, 60_000);
    let plan = Plan {
        begins_ms: BEGINS_MS,
        topics: Arc::clone(topics),
        journal: JOURNAL.to_owned(),
        outputs: vec![COPIES.to_owned()],
        partitions,
        faults: faults.clone(),
        arrivals,
        trace,
    };
    let names: Vec<String> = topics.iter().map(|topic| topic.name.to_string()).collect();
    let scheduler = Scheduler::new(
        World::new(plan, Dice::new(seed, Stream::World)),
        FaultyStore::new(seed, faults),
        processes,
        Box::new(move |context| Box::new(CopyWorker::new(context, names.clone(), mistake))),
        |_| (),
    );
    let played = play(&scheduler, trouble_ms, 2_000, end);
    release(&scheduler);
    let world = scheduler.world.borrow();
    let result = played.and_then(|()| all_copied(&world));
    result.map_err(|why| format!("{why}\n{}", world.trace.tail(super::lines())))?;
    Ok((world.trace.digest(), scheduler.turns.get()))
}

/// Every visible record was copied once, in the order of its partition.
fn all_copied(world: &World) -> Result<(), String> {
    let mut copies: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for (_, log) in world
        .logs
        .iter()
        .filter(|(place, _)| world.names[place.topic] == COPIES)
    {
        for (_, record) in log.history() {
            let text = String::from_utf8(record.value.clone().unwrap()).unwrap();
            let (place, offset) = text.rsplit_once('/').unwrap();
            copies
                .entry(place.to_owned())
                .or_default()
                .push(offset.parse().unwrap());
        }
    }
    for place in world.inputs() {
        let offsets: Vec<i64> = world.logs[&place]
            .history()
            .map(|(offset, _)| offset)
            .collect();
        let name = format!("{}/{}", place.topic, place.partition);
        let copied = copies.remove(&name).unwrap_or_default();
        if copied != offsets {
            return Err(format!(
                "{name}: records {offsets:?} were copied as {copied:?}"
            ));
        }
    }
    Ok(())
}

#[test]
fn no_fault_hurts_a_client_that_does_everything_right() {
    let topics = topics();
    let seeds = super::seeds(300);
    for seed in seeds {
        if let Err(why) = copy(seed, &topics, Mistake::None, Trace::default()) {
            let told = copy(seed, &topics, Mistake::None, Trace::verbose()).unwrap_err();
            panic!("CHURNWATCH_SIM_SEED={seed}: {why}\n{told}");
        }
    }
}

#[test]
fn every_mistake_is_found_out() {
    let topics = topics();
    for mistake in Mistake::ALL {
        let caught = (0..500).find(|seed| copy(*seed, &topics, mistake, Trace::default()).is_err());
        assert!(caught.is_some(), "{mistake:?} never does harm");
    }
}

#[test]
fn the_same_seed_gives_the_same_world() {
    let topics = topics();
    for seed in 0..20 {
        let first = copy(seed, &topics, Mistake::None, Trace::default());
        assert_eq!(first, copy(seed, &topics, Mistake::None, Trace::default()));
    }
}
