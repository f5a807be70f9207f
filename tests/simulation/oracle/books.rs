//! The journal of a partition as a reader finds it, and whether it covers the input.

use crate::log::Txn;
use crate::world::World;
use churnwatch::journal::{JournalEntry, JournalRecord, Step};
use churnwatch::kafka::TopicPartition;

/// A partition's committed journal.
#[derive(Debug, Default)]
pub struct Books {
    /// With the transaction that each was written in.
    pub entries: Vec<(Txn, JournalEntry)>,
    pub manifests: u64,
}

/// Reads a partition's journal, what retention took included.
pub fn read(world: &World, partition: i32) -> Result<Books, String> {
    let mut books = Books::default();
    let log = &world.logs[&world.journal(partition)];
    for (offset, record) in log.history() {
        let at = |why: String| format!("journal offset {offset}: {why}");
        let value = record.value.as_deref().unwrap_or_default();
        match JournalRecord::decode(value).map_err(|error| at(error.to_string()))? {
            JournalRecord::Entry(entry) => {
                let transaction = log.transaction(offset);
                let transaction =
                    transaction.ok_or_else(|| at("not in a transaction".to_owned()))?;
                books.entries.push((transaction, entry));
            }
            JournalRecord::Manifest(_) => books.manifests += 1,
        }
    }
    Ok(books)
}

/// Entries count from 1 without a gap or a repeat; runs cover every visible record of every topic once and in order; and
/// the group stands where they end.
pub fn check(world: &World, partition: i32, books: &Books) -> Result<(), String> {
    let mut next = vec![0; world.topics.len()];
    for (index, (_, entry)) in (1..).zip(&books.entries) {
        if entry.seq != index {
            return Err(format!("entry {} follows entry {}", entry.seq, index - 1));
        }
        for step in &entry.steps {
            let Step::Run(run) = step else { continue };
            let at = TopicPartition {
                topic: run.topic.into(),
                partition,
            };
            let name = world.topics.name(at.topic);
            let position = next
                .get_mut(at.topic)
                .ok_or_else(|| format!("there is no topic {}", run.topic))?;
            let visible = |from: i64, to: i64| {
                (from..to)
                    .filter(|offset| world.logs[&at].visible(*offset).is_some())
                    .count()
            };
            if run.from < *position || visible(*position, run.from) > 0 {
                let seq = entry.seq;
                return Err(format!(
                    "entry {seq}: {name} goes on at {} after {position}",
                    run.from
                ));
            }
            let (found, stated) = (visible(run.from, run.to), run.records as usize);
            if found != stated {
                let why = format!(
                    "{name} {}..{} holds {found} records, not {stated}",
                    run.from, run.to
                );
                return Err(format!("entry {}: {why}", entry.seq));
            }
            *position = run.to;
        }
    }
    for (topic, position) in next.into_iter().enumerate() {
        let at = TopicPartition { topic, partition };
        let log = &world.logs[&at];
        let name = world.topics.name(topic);
        let left = (position..log.end())
            .filter(|offset| log.visible(*offset).is_some())
            .count();
        if left > 0 {
            return Err(format!(
                "{left} records of {name} from offset {position} are in no entry"
            ));
        }
        let committed = world.group.committed(at).unwrap_or(0);
        if committed != position {
            return Err(format!(
                "{name}: the journal ends at {position}, the group stands at {committed}"
            ));
        }
    }
    Ok(())
}
