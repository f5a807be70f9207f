//! The detector of a rehearsal: the city's records put into topics as a producer would, and given to the engine.

use crate::decode::{Decoded, Decoder};
use crate::driver::{Driver, Partitioner, Reading};
use crate::engine::{RegionUplift, Rollup, Rules, Shard};
use crate::model::{
    Body, Counts, Effect, Event, Feed, Outcome, OutcomeResult, Source, TaskOutcome, Timestamp,
};
use std::sync::Arc;

/// Reads records and applies them.
pub struct Detector {
    decoder: Decoder,
    driver: Driver,
    topics: [Arc<str>; Feed::ALL.len()],
    /// Next offset by partition and feed.
    offsets: Vec<[i64; Feed::ALL.len()]>,
}

/// An outcome of a task, reported for the first time.
pub struct ReportedOutcome {
    /// The task.
    pub task_id: String,
    /// When it was reported.
    pub at: Timestamp,
    /// What was reported.
    pub result: OutcomeResult,
    /// The subscriber's reason as the contact found it.
    pub confirmed_reason: Option<String>,
}

impl Detector {
    /// A detector that has seen nothing.
    pub fn new(
        rules: &Arc<Rules>,
        decoder: Decoder,
        partitions: i32,
        partitioner: Partitioner,
    ) -> Self {
        let driver = Driver::new(rules, partitions, partitioner);
        Self {
            decoder,
            offsets: vec![Default::default(); driver.shards().count()],
            driver,
            topics: Feed::ALL.map(|feed| feed.name().into()),
        }
    }

    /// What became of all records.
    pub fn counts(&self) -> &Counts {
        self.driver.counts()
    }

    /// What tasks achieve so far, against those held out.
    pub fn uplift(&self) -> RegionUplift {
        let rollups: Vec<Rollup> = self.driver.shards().map(Shard::rollup).collect();
        Rollup::uplift(&rollups, "")
    }

    /// Applies a record of a feed that arrives at a moment, and appends the effects. Returns the outcome of a task, if the
    /// record reports one that is new.
    pub fn record(
        &mut self,
        feed: Feed,
        value: Option<&[u8]>,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) -> Option<ReportedOutcome> {
        self.driver.set_now(now);
        let reading: Reading<'_> = value.map(|bytes| self.decoder.decode(bytes)).transpose();
        // The city's mediation speaks for four feeds. The managers' system says the same of its own when the service feed's
        // statement comes: managers who are silent would otherwise hold back every night.
        if let Ok(Some(Decoded::Progress {
            feed: Feed::Service,
            complete_until,
        })) = reading
        {
            let feeds = [Feed::Service, Feed::Outcome];
            self.driver.progress(&feeds, complete_until, effects);
            return None;
        }
        let source = self.append(feed, self.driver.partition_of(&reading));
        let outcome = self.driver.apply(&reading, &source, effects);
        match (outcome, reading) {
            (Outcome::Applied { .. }, Ok(Some(Decoded::Event(event, _)))) => {
                ReportedOutcome::of(&event)
            }
            _ => None,
        }
    }

    /// Where a record lies once it is in its topic. Only events take an offset.
    fn append(&mut self, feed: Feed, partition: Option<i32>) -> Source {
        let mut source = Source {
            topic: Arc::clone(&self.topics[feed as usize]),
            partition: partition.unwrap_or_default(),
            offset: 0,
        };
        let offsets = partition.and_then(|number| self.offsets.get_mut(number as usize));
        if let Some(offsets) = offsets {
            source.offset = offsets[feed as usize];
            offsets[feed as usize] += 1;
        }
        source
    }
}

impl ReportedOutcome {
    fn of(event: &Event<'_>) -> Option<Self> {
        let Body::TaskOutcome(TaskOutcome {
            task_id,
            result: Some(result),
            confirmed_reason,
            ..
        }) = &event.body
        else {
            return None;
        };
        Some(Self {
            task_id: task_id.to_string(),
            at: event.at,
            result: *result,
            confirmed_reason: confirmed_reason.as_deref().map(str::to_owned),
        })
    }
}
