use super::Rules;
use crate::model::{Counts, Effect, Event, Feed, FeedSet, Outcome, Source, Timestamp};
use std::sync::Arc;

/// Partition p of every feed: its subscribers, windows, watermarks, day closes and open tasks.
pub struct Shard {
    rules: Arc<Rules>,
    counts: Counts,
}

impl Shard {
    /// An empty shard.
    pub fn new(rules: Arc<Rules>) -> Self {
        Self {
            rules,
            counts: Counts::default(),
        }
    }

    /// Applies one event and appends what follows from it.
    pub fn apply(
        &mut self,
        event: &Event<'_>,
        source: &Source,
        effects: &mut Vec<Effect>,
    ) -> Outcome {
        let _ = (event, source, effects, &self.rules);
        Outcome::Ignored
    }

    /// A mediation's statement that nothing of a feed before `complete_until` is missing.
    pub fn progress(
        &mut self,
        feed: Feed,
        complete_until: Timestamp,
        effects: &mut Vec<Effect>,
    ) -> Outcome {
        let _ = (feed, complete_until, effects);
        Outcome::Ignored
    }

    /// Counts a record that never became an event: a tombstone or a reject of `decode`.
    pub fn count(&mut self, outcome: &Outcome) {
        self.counts.count(outcome);
    }

    /// Tells the shard what time it is and which feeds have been read to their ends.
    ///
    /// With `clock = "wall"`, `now` becomes the clock; with `clock = "event"` it only bounds the future.
    pub fn tick(&mut self, now: Timestamp, at_end: FeedSet, effects: &mut Vec<Effect>) {
        let _ = (now, at_end, effects);
    }

    /// Visits up to `subscribers_max` further subscribers for the day being closed. Returns whether more are left.
    pub fn sweep(&mut self, subscribers_max: usize, effects: &mut Vec<Effect>) -> bool {
        let _ = (subscribers_max, effects);
        false
    }

    /// Closes every day up to the last event's, as if the feeds had ended.
    pub fn finish(&mut self, effects: &mut Vec<Effect>) {
        let _ = effects;
    }

    /// What became of the records so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }
}
