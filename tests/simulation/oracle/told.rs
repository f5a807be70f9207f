//! Whether shards were told what others told them: the topic of groups is an output, and an input as well.

use super::OutputOracle;
use super::replay::Replay;
use crate::log::Txn;
use crate::world::World;
use churnwatch::kafka::partition_of;
use std::collections::BTreeMap;

/// How often something was told: by transaction, partition, key and value.
type Told = BTreeMap<(Txn, i32, Vec<u8>, Vec<u8>), i64>;

/// All that is due lies in the partition that is meant, in its transaction, and nothing else does. Several shards of a worker tell
/// one in a transaction, so its order there is that of the worker.
pub fn check(oracle: &OutputOracle, world: &World, replays: &[Replay]) -> Result<(), String> {
    let mut told = Told::new();
    for (transaction, records) in replays.iter().flat_map(|replay| &replay.due) {
        for record in records.iter().filter(|it| it.topic == oracle.groups) {
            let key = record.key.clone().unwrap_or_default();
            let by_key = || partition_of(&key, world.partitions);
            let partition = record.meant.map_or_else(by_key, |number| number as i32);
            let value = record.value.clone().unwrap_or_default();
            *told
                .entry((*transaction, partition, key, value))
                .or_default() += 1;
        }
    }
    for partition in 0..world.partitions {
        let Some(place) = world.place(&oracle.groups, partition) else {
            continue;
        };
        let log = &world.logs[&place];
        for (offset, record) in log
            .history()
            .filter(|(_, record)| is_ours(record.value.as_deref()))
        {
            let transaction = log
                .transaction(offset)
                .ok_or("told outside of a transaction")?;
            let key = record.key.clone().unwrap_or_default();
            let value = record.value.clone().unwrap_or_default();
            *told
                .entry((transaction, partition, key, value))
                .or_default() -= 1;
        }
    }
    match told.iter().find(|(_, times)| **times != 0) {
        None => Ok(()),
        Some(((transaction, partition, _, value), times)) => Err(format!(
            "{} partition {partition}, transaction {transaction}: {times} times missing: {}",
            oracle.groups,
            String::from_utf8_lossy(value)
        )),
    }
}

fn is_ours(value: Option<&[u8]>) -> bool {
    let types = ["member_signal", "group_alert", "group_covered"];
    let begins = |kind: &str| {
        let head = format!(r#"{{"record_type":"{kind}""#);
        value.is_some_and(|value| value.starts_with(head.as_bytes()))
    };
    types.into_iter().any(begins)
}
