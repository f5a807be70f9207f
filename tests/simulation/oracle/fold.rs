//! The simplest reference there is: the records of a partition in the order of their offsets, one after the other.

use super::OutputOracle;
use super::replay::{ExpectedRecord, ReplayShard};
use crate::world::World;
use churnwatch::config::Ruleset;
use churnwatch::kafka::TopicPartition;
use churnwatch::model::{Inputs, Timestamp};
use std::collections::BTreeMap;

/// Values by topic and key, in order.
type OutputDigest = BTreeMap<(String, Option<Vec<u8>>), Vec<Option<Vec<u8>>>>;

/// With one input topic and the clock of the events, what is said of a subscriber does not depend on when anything was
/// processed: tasks, signals and dead letters are those of an undisturbed fold over the input, subscriber by subscriber.
///
/// # Errors
/// Where they differ.
pub fn equals_a_plain_fold(
    oracle: &OutputOracle,
    world: &World,
    ruleset: &Ruleset,
    group: &str,
) -> Result<(), String> {
    let mut expected = OutputDigest::new();
    for partition in 0..world.partitions {
        let mut shard_under_rules = ReplayShard::under(oracle, ruleset.clone(), group);
        let mut due = Vec::new();
        shard_under_rules
            .shard
            .tick(Timestamp(world.now_ms), Inputs::default(), &mut Vec::new());
        let at = TopicPartition {
            topic: 0,
            partition,
        };
        for (offset, record) in world.logs[&at].history() {
            shard_under_rules.apply(world, at, offset, record, &mut due);
            shard_under_rules.sweep(&mut due);
        }
        for ExpectedRecord {
            topic, key, value, ..
        } in due
        {
            expected.entry((topic, key)).or_default().push(value);
        }
    }
    let mut found = OutputDigest::new();
    for (place, log) in &world.logs {
        let topic = &world.names[place.topic];
        if !oracle.topics().contains(&topic) {
            continue;
        }
        for (_, record) in log.history() {
            let said = found
                .entry((topic.clone(), record.key.clone()))
                .or_default();
            said.push(record.value.clone());
        }
    }
    // Dead letters of one key come from several partitions.
    for said in [&mut expected, &mut found] {
        for ((topic, _), values) in said.iter_mut() {
            if *topic == oracle.dead_letters {
                values.sort();
            }
        }
    }
    let text = |value: Option<&Option<Vec<u8>>>| {
        let bytes = value.cloned().flatten().unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    };
    for (place, values) in &expected {
        let others = found.remove(place).unwrap_or_default();
        if *values != others {
            let first = values
                .iter()
                .zip(&others)
                .take_while(|(a, b)| a == b)
                .count();
            let (here, there) = (text(values.get(first)), text(others.get(first)));
            return Err(format!(
                "{}: {} instead of {} records of one key; the fold says {here}, the topic {there}",
                place.0,
                others.len(),
                values.len()
            ));
        }
    }
    match found.first_key_value() {
        None => Ok(()),
        Some(((topic, _), values)) => Err(format!(
            "{topic}: {} records of a key too many",
            values.len()
        )),
    }
}
