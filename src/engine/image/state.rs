use crate::engine::codec::{Problem, is_possible, is_possible_time};
use crate::engine::policy::{AtOnce, Collecting, Loads};
use crate::engine::state::closing::Closing;
use crate::engine::state::population::Population;
use crate::engine::state::watermark::Watermark;
use crate::model::{Counts, Day, Feed, Inputs, Timestamp};
use serde::{Deserialize, Serialize};

/// Everything of a shard that is neither a subscriber's nor follows from the rules.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    /// The highest time handed in.
    pub now: Timestamp,
    /// What the shard takes for now.
    pub clock: Timestamp,
    /// The last closed day.
    pub closed: Day,
    /// The close under way.
    pub closing: Option<Closing>,
    /// How far the inputs had been read.
    pub inputs: Inputs,
    /// What became of the records.
    pub counts: Counts,
    /// Lines forgotten at the last close.
    pub forgotten: u32,
    /// Lines forgotten so far.
    pub forgotten_ever: u64,
    /// Days closed.
    pub day_closes: u64,
    /// Closed days unknown for a feed, by feed.
    pub outage_days: [u64; Feed::ALL.len()],
    /// How far each feed has come.
    pub watermarks: [Watermark; Feed::ALL.len()],
    /// What was learnt of all subscribers together.
    pub population: Population,
    /// The candidates being collected.
    pub collecting: Option<Collecting>,
    /// Urgent tasks since the last release, by tier.
    pub urgent: AtOnce,
    /// New tasks that those with a capacity were given lately.
    pub loads: Loads,
}

/// More than any count that goes up by one can reach.
const COUNT_MAX: u64 = 1 << 56;

impl State {
    /// Refuses what the engine would never write.
    pub fn check(&self) -> Result<(), Problem> {
        let counts = self.counts.figures().into_iter();
        let mut all = counts
            .chain([self.day_closes, self.forgotten_ever])
            .chain(self.outage_days);
        if all.any(|count| count > COUNT_MAX) || !self.counts.conserved() {
            return Err("has counts that do not add up");
        }
        if !is_possible(self.closed) {
            return Err("has closed a day out of range");
        }
        let ranked_at = self.collecting.map(|since| since.until);
        let mut times = [self.now, self.clock].into_iter().chain(ranked_at);
        if !times.all(is_possible_time) {
            return Err("has a clock out of range");
        }
        self.watermarks.iter().try_for_each(Watermark::check)?;
        let day = self.closing.map(|closing| closing.day());
        if day.is_some_and(|day| day != self.closed) {
            return Err("is closing another day than its last");
        }
        self.population.check(self.closed)
    }
}
