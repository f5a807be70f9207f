//! The oracles by themselves: honest books pass, and every way of cooking them is found out.

use super::*;
use crate::arrivals::{Pace, timeline};
use crate::dice::{Dice, Stream};
use crate::faults::Faults;
use crate::oracle::replay::ReplayShard;
use crate::trace::Trace;
use crate::traffic::{DAY_MS, FIRST_DAY_MS, Traffic};
use crate::world::{Plan, World};
use churnwatch::config::Config;
use churnwatch::journal::{Epoch, JournalEntry, JournalRecord, OutputDigest, Run, Step};
use churnwatch::kafka::{StoredRecord, TopicPartition, Topics};
use churnwatch::model::{Inputs, Timestamp};
use std::rc::Rc;
use std::sync::Arc;

const PARTITIONS: i32 = 3;
const OUTPUTS: [&str; 5] = ["tasks", "signals", "shadow", "dead", "erased"];

/// What may be wrong with the books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cooked {
    Not,
    OutputLost,
    OutputTwice,
    OutputChanged,
    OutputsSwapped,
    OutputElsewhere,
    EntryLost,
    EntryTwice,
    RecordSkipped,
    RecordTwice,
    OffsetBehind,
    OffsetAhead,
    CountWrong,
}

const COOKED: [Cooked; 12] = [
    Cooked::OutputLost,
    Cooked::OutputTwice,
    Cooked::OutputChanged,
    Cooked::OutputsSwapped,
    Cooked::OutputElsewhere,
    Cooked::EntryLost,
    Cooked::EntryTwice,
    Cooked::RecordSkipped,
    Cooked::RecordTwice,
    Cooked::OffsetBehind,
    Cooked::OffsetAhead,
    Cooked::CountWrong,
];

fn config() -> Config {
    let text = "
        kafka.group = \"sim\"
        topics = { cdr = \"in\", billing = \"in\", subscriber = \"in\", service = \"in\", outcome = \"in\", group = \"in\" }
        window = { days = 28, clock = \"event\", day_entry_subscribers = 1 }
        line_state.known_days_min = 3
        line_state.onset = { stop = 0.02 }
    ";
    Config::from_toml_str(text, "test").unwrap()
}

/// A world in which all input has come and nobody has done anything.
fn world(seed: u64, config: &Config) -> World {
    let topics = Arc::new(Topics::new(config));
    let mut dice = Dice::new(seed, Stream::Input);
    let traffic = Traffic {
        subscribers: 12,
        days: 12,
        hot: false,
        storm_on: Some(5),
        dirt: 60,
        city: false,
        groups: 0,
    };
    let records = traffic.records(&topics, PARTITIONS, &mut dice);
    let begins_ms = FIRST_DAY_MS + 20 * DAY_MS;
    let pace = Pace::Spread {
        preloaded: 1_000,
        over_ms: 1,
    };
    let plan = Plan {
        begins_ms,
        journal: topics.name(topics.journal()).to_owned(),
        topics,
        outputs: OUTPUTS.map(str::to_owned).to_vec(),
        partitions: PARTITIONS,
        faults: Faults::default(),
        arrivals: timeline(records, begins_ms, pace, 30, &mut dice),
        trace: Trace::default(),
    };
    let mut world = World::new(plan, Dice::new(seed, Stream::World));
    world.advance(begins_ms + 60_000);
    assert_eq!(world.expected, 0);
    world
}

/// Does the work of a worker without any of its means, in transactions of up to 40 records, and cooks the books. Returns
/// whether there was an opportunity.
fn keep_books(world: &mut World, oracle: &OutputOracle, config: &Config, cooked: Cooked) -> bool {
    let epoch = Epoch {
        group: config.kafka.group.clone(),
        engine: churnwatch::engine::VERSION,
        ruleset_id: config.ruleset().id,
        ruleset: config.ruleset().text.to_string(),
        topics: world
            .topics
            .iter()
            .map(|topic| topic.name.to_string())
            .collect(),
    };
    let mut spoiled = cooked == Cooked::Not;
    for partition in 0..PARTITIONS {
        let at = TopicPartition {
            topic: 0,
            partition,
        };
        let mut shard_under_rules = ReplayShard::new(oracle, &epoch).unwrap();
        let mut steps = vec![Step::Epoch(Box::new(epoch.clone()))];
        let records: Vec<_> = world.logs[&at]
            .history()
            .map(|(offset, record)| (offset, Rc::clone(record)))
            .collect();
        let mut next = 0;
        for (seq, chunk) in (1..).zip(records.chunks(40)) {
            let mut due = Vec::new();
            let now = Timestamp(world.now_ms);
            shard_under_rules
                .shard
                .tick(now, Default::default(), &mut Vec::new());
            steps.push(Step::Tick {
                now,
                inputs: Inputs::default(),
            });
            for (offset, record) in chunk {
                shard_under_rules.apply(world, at, *offset, record, &mut due);
            }
            let mut run = Run {
                topic: 0,
                from: next,
                to: chunk[chunk.len() - 1].0 + 1,
                records: chunk.len() as u32,
            };
            next = run.to;
            // From the third on, so that there is something before.
            let spoil = seq >= 3 && !spoiled;
            match cooked {
                Cooked::RecordSkipped if spoil => {
                    (run.to, run.records, spoiled) = (run.to - 1, run.records - 1, true)
                }
                Cooked::RecordTwice if spoil => {
                    (run.from, run.records, spoiled) = (run.from - 1, run.records + 1, true)
                }
                _ => {}
            }
            steps.push(Step::Run(run));
            shard_under_rules.sweep(&mut due);
            steps.push(Step::Sweep {
                subscribers: u32::MAX,
            });
            let session = world.init_producer(&"books".into()).unwrap();
            let mut said: Vec<(TopicPartition, Rc<StoredRecord>)> = due
                .into_iter()
                .map(|due| {
                    let place = world.place(&due.topic, partition).unwrap();
                    let record = StoredRecord {
                        key: due.key,
                        value: due.value,
                        headers: due.headers,
                        timestamp_ms: 0,
                    };
                    (place, Rc::new(record))
                })
                .collect();
            let mut records = said.len() as u32;
            let twins = (1..said.len()).find(|index| {
                said[*index].0 == said[index - 1].0 && said[*index].1 != said[index - 1].1
            });
            match cooked {
                Cooked::OutputLost if spoil && !said.is_empty() => spoiled = said.pop().is_some(),
                Cooked::OutputTwice if spoil && !said.is_empty() => {
                    said.push(said[0].clone());
                    spoiled = true;
                }
                Cooked::OutputChanged if spoil && !said.is_empty() => {
                    let record = StoredRecord {
                        value: Some(b"{}".to_vec()),
                        ..(*said[0].1).clone()
                    };
                    said[0].1 = Rc::new(record);
                    spoiled = true;
                }
                Cooked::OutputElsewhere if spoil && !said.is_empty() => {
                    said[0].0.partition = (said[0].0.partition + 1) % PARTITIONS;
                    spoiled = true;
                }
                Cooked::OutputsSwapped if spoil => {
                    if let Some(index) = twins {
                        said.swap(index - 1, index);
                        spoiled = true;
                    }
                }
                Cooked::CountWrong if spoil => (records, spoiled) = (records + 1, true),
                _ => {}
            }
            for (place, record) in said {
                world.produce(&session, place, record).unwrap();
            }
            let entry = JournalEntry {
                seq,
                writer: 1,
                steps: std::mem::take(&mut steps),
                output_digest: OutputDigest { records, digest: 0 },
            };
            let entry = StoredRecord {
                value: Some(JournalRecord::Entry(entry).encode()),
                ..StoredRecord::default()
            };
            let copies = match cooked {
                Cooked::EntryLost if spoil => 0,
                Cooked::EntryTwice if spoil => 2,
                _ => 1,
            };
            spoiled |= copies != 1;
            for _ in 0..copies {
                world
                    .produce(&session, world.journal(partition), Rc::new(entry.clone()))
                    .unwrap();
            }
            let last = next == records_end(world, at);
            let offset = match cooked {
                Cooked::OffsetBehind if last && !spoiled => {
                    spoiled = true;
                    next - 1
                }
                Cooked::OffsetAhead if last && !spoiled => {
                    spoiled = true;
                    next + 1
                }
                _ => next,
            };
            world.group.promise(1_000_000, at, offset);
            world.group.settle(1_000_000, true);
            // With nothing in it there is nothing to end.
            world.end_transaction(&session, true).ok();
        }
    }
    spoiled
}

/// Offset behind the last visible record.
fn records_end(world: &World, at: TopicPartition) -> i64 {
    world.logs[&at]
        .history()
        .last()
        .map_or(0, |(offset, _)| offset + 1)
}

#[test]
fn honest_books_pass_and_are_a_plain_fold() {
    let config = config();
    let oracle = OutputOracle::new(OUTPUTS);
    let mut sum = Verdict::default();
    for seed in 0..20 {
        let mut world = world(seed, &config);
        keep_books(&mut world, &oracle, &config, Cooked::Not);
        let verdict = oracle
            .oracle(&world)
            .unwrap_or_else(|why| panic!("seed {seed}: {why}"));
        equals_a_plain_fold(&oracle, &world, &config.ruleset(), "sim").unwrap();
        sum.records += verdict.records;
        sum.tasks += verdict.tasks;
        sum.signals += verdict.signals;
        sum.dead_letters += verdict.dead_letters;
    }
    // Oracles over silence prove nothing.
    assert!(sum.records > 4_000, "{sum:?}");
    assert!(
        sum.tasks > 100 && sum.signals > 100 && sum.dead_letters > 100,
        "{sum:?}"
    );
}

#[test]
fn cooked_books_are_found_out() {
    let config = config();
    let oracle = OutputOracle::new(OUTPUTS);
    for cooked in COOKED {
        let mut opportunities = 0;
        for seed in 0..10 {
            let mut world = world(seed, &config);
            if keep_books(&mut world, &oracle, &config, cooked) {
                opportunities += 1;
                assert!(oracle.oracle(&world).is_err(), "seed {seed}: {cooked:?}");
            }
        }
        assert!(opportunities > 0, "{cooked:?}");
    }
}

#[test]
fn a_fold_in_another_order_is_no_plain_fold() {
    let config = config();
    let oracle = OutputOracle::new(OUTPUTS);
    let mut world = world(3, &config);
    keep_books(&mut world, &oracle, &config, Cooked::Not);
    let other =
        Config::from_toml_str("window.days = 28\nwindow.clock = \"event\"", "test").unwrap();
    assert!(equals_a_plain_fold(&oracle, &world, &other.ruleset(), "sim").is_err());
}
