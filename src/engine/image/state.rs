use super::{Problem, is_possible, is_possible_time};
use crate::engine::close::Closing;
use crate::engine::desk::Collecting;
use crate::engine::population::Population;
use crate::engine::watermark::Watermark;
use crate::engine::{Inputs, Shard};
use crate::model::{Counts, Day, Feed, FeedSet, Tier, Timestamp};
use serde::{Deserialize, Serialize};

/// What the other sections look like, and how much they hold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`IMAGE_FORMAT`](super::IMAGE_FORMAT), once more.
    pub format: u16,
    /// Days of every subscriber's window.
    pub window_days: u16,
    /// Subscribers, accounts or pseudonyms in a page.
    pub page: u16,
    /// Names of the triggers in the order of the registry.
    pub triggers: Vec<String>,
    /// The first so many of them have a memory of every subscriber.
    pub always: u16,
    /// Subscribers in all pages, without vacant slots.
    pub subscribers: u32,
    /// Accounts in all pages.
    pub accounts: u32,
    /// Pseudonyms in all pages.
    pub pseudonyms: u32,
    /// Open tasks in all sections.
    pub tasks: u32,
    /// Slots in all pages of what the shadow rules remember.
    pub shadow: u32,
    /// Dossiers in all sections.
    pub dossiers: u32,
    /// Candidates in all sections.
    pub candidates: u32,
    /// Vacant slots in all pages of subscribers.
    pub vacant: u32,
}

/// Everything of a shard that is neither a subscriber's nor follows from the rules.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    now: Timestamp,
    clock: Timestamp,
    closed: Day,
    closing: Option<Closing>,
    /// By feed.
    lagging: [bool; Feed::ALL.len()],
    caught_up: bool,
    counts: Counts,
    day_closes: u64,
    outage_days: [u64; Feed::ALL.len()],
    watermarks: [Watermark; Feed::ALL.len()],
    population: Population,
    collecting: Option<Collecting>,
    /// By tier.
    pub(super) urgent: [u32; Tier::ALL.len()],
}

/// What it was before format 3: without what the taskbook has since.
#[derive(Deserialize)]
pub struct Former {
    now: Timestamp,
    clock: Timestamp,
    closed: Day,
    closing: Option<Closing>,
    lagging: [bool; Feed::ALL.len()],
    caught_up: bool,
    counts: Counts,
    day_closes: u64,
    outage_days: [u64; Feed::ALL.len()],
    watermarks: [Watermark; Feed::ALL.len()],
    population: Population,
}

impl From<Former> for State {
    fn from(old: Former) -> Self {
        Self {
            now: old.now,
            clock: old.clock,
            closed: old.closed,
            closing: old.closing,
            lagging: old.lagging,
            caught_up: old.caught_up,
            counts: old.counts,
            day_closes: old.day_closes,
            outage_days: old.outage_days,
            watermarks: old.watermarks,
            population: old.population,
            collecting: None,
            urgent: Default::default(),
        }
    }
}

/// More than any count that goes up by one can reach.
const COUNT_MAX: u64 = 1 << 56;

impl State {
    /// The state of a shard.
    pub fn of(shard: &Shard) -> Self {
        Self {
            now: shard.now,
            clock: shard.clock,
            closed: shard.closed,
            closing: shard.closing,
            lagging: Feed::ALL.map(|feed| shard.inputs.lagging.contains(feed)),
            caught_up: shard.inputs.caught_up,
            counts: shard.counts,
            day_closes: shard.stats.day_closes,
            outage_days: shard.stats.outage_days,
            watermarks: shard.watermarks.clone(),
            population: shard.population.clone(),
            collecting: shard.collecting,
            urgent: shard.taskbook.urgent,
        }
    }

    /// Puts the state in the place of a shard's.
    pub fn restore(self, shard: &mut Shard) {
        let lagging = Feed::ALL.into_iter().zip(self.lagging);
        let lagging = lagging.filter(|(_, lagging)| *lagging);
        shard.inputs = Inputs {
            lagging: lagging.fold(FeedSet::NONE, |set, (feed, _)| set.with(feed)),
            caught_up: self.caught_up,
        };
        shard.now = self.now;
        shard.clock = self.clock;
        shard.closed = self.closed;
        shard.closing = self.closing;
        shard.counts = self.counts;
        shard.stats.day_closes = self.day_closes;
        shard.stats.outage_days = self.outage_days;
        shard.watermarks = self.watermarks;
        shard.population = self.population;
        shard.collecting = self.collecting;
    }

    /// Refuses what the engine would never write.
    pub fn check(&self) -> Result<(), Problem> {
        let counts = self.counts.figures().into_iter();
        let mut all = counts.chain([self.day_closes]).chain(self.outage_days);
        if all.any(|count| count > COUNT_MAX) || !self.counts.conserved() {
            return Err("has counts that do not add up");
        }
        if !is_possible(self.closed) {
            return Err("has closed a day out of range");
        }
        let times = [self.now, self.clock]
            .into_iter()
            .chain(self.collecting.map(|since| since.until));
        if !times.into_iter().all(is_possible_time) {
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
