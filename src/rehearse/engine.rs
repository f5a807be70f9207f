//! The decoder and the shards, fed as partitions of Kafka topics would feed them.

use crate::decode::{Decoder, Record};
use crate::engine::{Inputs, Rules, Shard};
use crate::model::{
    Body, Counts, Effect, Event, Feed, Outcome, OutcomeResult, Source, TaskOutcome, Timestamp,
};
use std::sync::Arc;

/// Which of so many partitions a key belongs to.
pub type Partitioner = fn(&[u8], i32) -> i32;

/// What goes in, and what becomes of it.
pub struct Engine {
    decoder: Decoder,
    partitions: Partitions,
    /// What became of all records.
    pub counts: Counts,
}

/// The shards, each with the records of its partition.
struct Partitions {
    shards: Vec<Shard>,
    partition_of: Partitioner,
    topics: [Arc<str>; Feed::ALL.len()],
    /// Next offset by partition and feed.
    offsets: Vec<[i64; Feed::ALL.len()]>,
}

/// An outcome of a task that was taken.
pub struct Told {
    /// Which task.
    pub task_id: String,
    /// When.
    pub at: Timestamp,
    /// What was reported.
    pub result: OutcomeResult,
    /// What was found out.
    pub confirmed_reason: Option<String>,
}

impl Engine {
    /// Empty shards, each with its part of the budget.
    pub fn new(
        rules: &Arc<Rules>,
        decoder: Decoder,
        partitions: i32,
        partition_of: Partitioner,
    ) -> Self {
        let shard = |part: i32| {
            let mut shard = Shard::new(Arc::clone(rules));
            shard.share_budget(part, partitions);
            shard
        };
        let shards: Vec<Shard> = (0..partitions.max(1)).map(shard).collect();
        Self {
            decoder,
            partitions: Partitions {
                offsets: vec![Default::default(); shards.len()],
                shards,
                partition_of,
                topics: Feed::ALL.map(|feed| feed.name().into()),
            },
            counts: Counts::default(),
        }
    }

    /// Takes a record of a feed that arrives at a moment, and appends what follows. Gives what was told of a task, if that is
    /// what it is and it was new.
    pub fn record(
        &mut self,
        feed: Feed,
        value: Option<&[u8]>,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) -> Option<Told> {
        let partitions = &mut self.partitions;
        let (outcome, told) = match value.map(|bytes| self.decoder.decode(bytes)) {
            // A tombstone.
            None => (Outcome::Ignored, None),
            Some(Err(reject)) => (Outcome::Rejected(reject), None),
            Some(Ok(Record::Progress {
                feed,
                complete_until,
            })) => (
                partitions.progress(feed, complete_until, now, effects),
                None,
            ),
            Some(Ok(Record::Event(event))) => {
                let outcome = partitions.apply(feed, &event, now, effects);
                let told = match (&outcome, &event.body) {
                    (Outcome::Applied { .. }, Body::TaskOutcome(told)) => {
                        Some(Told::new(event.at, told))
                    }
                    _ => None,
                };
                (outcome, told)
            }
        };
        self.counts.count(&outcome);
        told
    }
}

impl Partitions {
    fn apply(
        &mut self,
        feed: Feed,
        event: &Event<'_>,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) -> Outcome {
        let partition = (self.partition_of)(event.msisdn.as_bytes(), self.shards.len() as i32);
        let place = partition.unsigned_abs() as usize;
        let (Some(shard), Some(offsets)) =
            (self.shards.get_mut(place), self.offsets.get_mut(place))
        else {
            return Outcome::Ignored;
        };
        let source = Source {
            topic: Arc::clone(&self.topics[feed as usize]),
            partition,
            offset: offsets[feed as usize],
        };
        offsets[feed as usize] += 1;
        shard.tick(now, Inputs::default(), effects);
        let outcome = shard.apply(event, &source, effects);
        shard.sweep(usize::MAX, effects);
        outcome
    }

    /// Tells every shard that a feed is complete up to a moment. The city's mediation speaks for the four feeds that it carries;
    /// the managers' system says the same of its own when the service feed's statement comes, or each night would be held back
    /// by managers who are silent.
    fn progress(
        &mut self,
        feed: Feed,
        complete_until: Timestamp,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) -> Outcome {
        let mut outcome = Outcome::Ignored;
        let outcomes_too = (feed == Feed::Service).then_some(Feed::Outcome);
        for shard in &mut self.shards {
            shard.tick(now, Inputs::default(), effects);
            for feed in std::iter::once(feed).chain(outcomes_too) {
                outcome = shard.progress(feed, complete_until, effects);
                shard.sweep(usize::MAX, effects);
            }
        }
        outcome
    }
}

impl Told {
    fn new(at: Timestamp, outcome: &TaskOutcome<'_>) -> Self {
        Self {
            task_id: outcome.task_id.to_string(),
            at,
            result: outcome.result,
            confirmed_reason: outcome.confirmed_reason.as_deref().map(str::to_owned),
        }
    }
}
