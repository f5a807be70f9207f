//! How input records come in: when, by which producers, and in which of their transactions.

use super::dice::Dice;
use super::world::Arrival;
use churnwatch::kafka::{StoredRecord, TopicPartition};

/// A record on its way into a partition.
#[derive(Debug, Clone)]
pub struct Incoming {
    pub place: TopicPartition,
    pub record: StoredRecord,
}

/// When records come in.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// A share is there from the beginning (in a thousand), the rest follows within so many milliseconds.
    Spread { preloaded: u32, over_ms: i64 },
    /// Each at its own Kafka timestamp, brought together so that many come at once.
    Live { every_ms: i64 },
}

/// Puts records, in the order given, on a timeline that begins at a time. Some come in transactions. Those of aborted
/// ones come in vain: a producer that aborts sends its records again, and only these count.
pub fn timeline(
    records: Vec<Incoming>,
    begins_ms: i64,
    pace: Pace,
    transactional: u32,
    dice: &mut Dice,
) -> Vec<(i64, Arrival)> {
    let count = records.len() as i64;
    let mut arrivals = Vec::new();
    let mut transactions = 0;
    let mut records = records.into_iter().zip(0..).peekable();
    let time = |index: i64, record: &Incoming| match pace {
        Pace::Spread { preloaded, over_ms } => {
            let first = count * i64::from(preloaded) / 1_000;
            begins_ms + (index - first).max(0) * over_ms / (count - first).max(1)
        }
        Pace::Live { every_ms } => {
            let at_ms = record.record.timestamp_ms.max(begins_ms);
            at_ms + every_ms - at_ms.rem_euclid(every_ms)
        }
    };
    while let Some((record, index)) = records.next() {
        let at_ms = time(index, &record);
        if !dice.chance(transactional) {
            arrivals.push((at_ms, plain(record, None)));
            continue;
        }
        let mut batch = vec![record];
        for _ in 0..dice.below(8) {
            batch.extend(records.next().map(|(record, _)| record));
        }
        let mut now_ms = at_ms;
        for commit in if dice.chance(400) {
            vec![false, true]
        } else {
            vec![true]
        } {
            transactions += 1;
            arrivals.extend(
                batch
                    .iter()
                    .map(|record| (now_ms, plain(record.clone(), Some(transactions)))),
            );
            now_ms += dice.between(0, 1_500);
            arrivals.push((
                now_ms,
                Arrival::End {
                    transaction: transactions,
                    commit,
                },
            ));
        }
    }
    arrivals
}

fn plain(incoming: Incoming, transaction: Option<u32>) -> Arrival {
    Arrival::Record {
        place: incoming.place,
        record: incoming.record,
        transaction,
    }
}
