//! Whether the output topics hold what the journals say, and nothing else.

use super::OutputOracle;
use super::replay::{ExpectedRecord, Replay};
use crate::log::Txn;
use crate::world::World;
use churnwatch::kafka::{TopicPartition, partition_of};
use std::collections::{BTreeMap, VecDeque};

/// The records due in one partition of an output topic (none: in any) by one transaction, by shard and in its order.
type Queues<'r> = BTreeMap<usize, VecDeque<&'r ExpectedRecord>>;

/// Every committed record of output is due by the entry of some shard in the same transaction, and every one that is due
/// lies there, once. Records of one shard lie in the order in which it said them; between shards there is no order. A
/// dead letter without a key may lie in any partition of its topic.
pub fn check(oracle: &OutputOracle, world: &World, replays: &[Replay]) -> Result<(), String> {
    let mut due: BTreeMap<(Txn, &str, Option<i32>), Queues<'_>> = BTreeMap::new();
    for (shard, replay) in replays.iter().enumerate() {
        for (transaction, records) in &replay.due {
            for record in records {
                let partition = record
                    .key
                    .as_deref()
                    .map(|key| partition_of(key, world.partitions));
                let place = (*transaction, &*record.topic, partition);
                due.entry(place)
                    .or_default()
                    .entry(shard)
                    .or_default()
                    .push_back(record);
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
            let mut last = vec![0; replays.len()];
            check_place(world, name, place, &mut due, |shard, transaction| {
                let index = order[shard][&transaction];
                let behind = index >= last[shard];
                last[shard] = index;
                behind
            })?;
        }
    }
    let mut missing = due
        .iter()
        .filter(|(_, queues)| queues.values().any(|queue| !queue.is_empty()));
    match missing.next() {
        None => Ok(()),
        Some(((transaction, topic, _), queues)) => {
            let count: usize = queues.values().map(VecDeque::len).sum();
            Err(format!(
                "{count} records of transaction {transaction} are missing in {topic}"
            ))
        }
    }
}

fn check_place<'r>(
    world: &World,
    name: &'r str,
    place: TopicPartition,
    due: &mut BTreeMap<(Txn, &'r str, Option<i32>), Queues<'r>>,
    mut in_order: impl FnMut(usize, Txn) -> bool,
) -> Result<(), String> {
    let log = &world.logs[&place];
    for (offset, record) in log.history() {
        let at = || format!("{name} partition {} offset {offset}", place.partition);
        let transaction = log
            .transaction(offset)
            .ok_or_else(|| format!("{}: not in a transaction", at()))?;
        let partition = record.key.as_ref().map(|_| place.partition);
        let queues = due.get_mut(&(transaction, name, partition));
        let mut shards = queues.into_iter().flatten();
        let said = shards.find_map(|(shard, queue)| {
            // Without a key the order among partitions is lost.
            let reach = if partition.is_some() { 1 } else { queue.len() };
            let found = queue.iter().take(reach).position(|due| due.is(record))?;
            queue.remove(found);
            Some(*shard)
        });
        match said {
            None => {
                let text = String::from_utf8_lossy(record.value.as_deref().unwrap_or_default());
                let text: String = text.chars().take(200).collect();
                return Err(format!(
                    "{}: nobody said this in transaction {transaction}: {text}",
                    at()
                ));
            }
            Some(shard) if !in_order(shard, transaction) => {
                return Err(format!(
                    "{}: shard {shard} said this before what lies before it",
                    at()
                ));
            }
            Some(_) => {}
        }
    }
    Ok(())
}
