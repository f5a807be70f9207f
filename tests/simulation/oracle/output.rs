//! Whether the output topics hold what the journals say, and nothing else.

use super::OutputOracle;
use super::replay::{ExpectedRecord, Replay};
use crate::log::Txn;
use crate::world::World;
use churnwatch::kafka::TopicPartition;
use std::collections::{BTreeMap, VecDeque};

/// The records due in each partition of an output topic by each transaction, in order.
type Due<'r> = BTreeMap<(Txn, &'r str, i32), VecDeque<&'r ExpectedRecord>>;

/// Every committed record of output lies in the partition of its shard and is due by the shard's entry in the same
/// transaction, and every one that is due lies there, once, in the order in which the shard said them.
pub fn check(oracle: &OutputOracle, world: &World, replays: &[Replay]) -> Result<(), String> {
    let mut due = Due::new();
    for (partition, replay) in (0..).zip(replays) {
        for (transaction, records) in &replay.due {
            let told = |record: &&ExpectedRecord| record.topic != oracle.groups;
            for record in records.iter().filter(told) {
                let place = (*transaction, &*record.topic, partition);
                due.entry(place).or_default().push_back(record);
            }
        }
    }
    // Later transactions of a shard lie behind its earlier ones.
    let order: Vec<BTreeMap<Txn, usize>> = replays
        .iter()
        .map(|replay| {
            replay
                .due
                .iter()
                .zip(0..)
                .map(|((txn, _), index)| (*txn, index))
                .collect()
        })
        .collect();
    for name in oracle.topics() {
        for partition in 0..world.partitions {
            let place = world.place(name, partition).ok_or("no such topic")?;
            let mut last = 0;
            check_place(world, name, place, &mut due, |transaction| {
                let index = order[partition as usize][&transaction];
                let behind = index >= last;
                last = index;
                behind
            })?;
        }
    }
    match due.iter().find(|(_, records)| !records.is_empty()) {
        None => Ok(()),
        Some(((transaction, topic, _), records)) => Err(format!(
            "{} records of transaction {transaction} are missing in {topic}",
            records.len()
        )),
    }
}

fn check_place<'r>(
    world: &World,
    name: &'r str,
    place: TopicPartition,
    due: &mut Due<'r>,
    mut in_order: impl FnMut(Txn) -> bool,
) -> Result<(), String> {
    let log = &world.logs[&place];
    for (offset, record) in log.history() {
        let at = || format!("{name} partition {} offset {offset}", place.partition);
        let transaction = log
            .transaction(offset)
            .ok_or_else(|| format!("{}: not in a transaction", at()))?;
        let queue = due.get_mut(&(transaction, name, place.partition));
        let said = queue.and_then(VecDeque::pop_front);
        if !said.is_some_and(|due| due.is(record)) {
            let text = String::from_utf8_lossy(record.value.as_deref().unwrap_or_default());
            let text: String = text.chars().take(200).collect();
            return Err(format!(
                "{}: the shard did not say this in transaction {transaction}: {text}",
                at()
            ));
        }
        if !in_order(transaction) {
            return Err(format!(
                "{}: the shard said this before what lies before it",
                at()
            ));
        }
    }
    Ok(())
}
