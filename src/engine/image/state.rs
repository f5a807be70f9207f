use super::{Problem, is_possible, is_possible_time};
use crate::engine::close::Closing;
use crate::engine::population::Population;
use crate::engine::task_context::Collecting;
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
    pub dense: u16,
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
    pub contact_histories: u32,
    /// Candidates in all sections.
    pub candidates: u32,
    /// Vacant slots in all pages of subscribers.
    pub vacant: u32,
}

/// Everything of a shard that is neither a subscriber's nor follows from the rules.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct State {
    former: Former,
    collecting: Option<Collecting>,
    /// By tier.
    pub(super) urgent: [u32; Tier::ALL.len()],
}

/// All there was of it before format 3: without what the taskbook has since.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Former {
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
}

impl From<Former> for State {
    fn from(former: Former) -> Self {
        Self {
            former,
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
            former: Former {
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
            },
            collecting: shard.collecting,
            urgent: shard.taskbook.urgent,
        }
    }

    /// Puts the state in the place of a shard's.
    pub fn restore(self, shard: &mut Shard) {
        let former = self.former;
        let lagging = Feed::ALL.into_iter().zip(former.lagging);
        let lagging = lagging.filter(|(_, lagging)| *lagging);
        shard.inputs = Inputs {
            lagging: lagging.fold(FeedSet::NONE, |set, (feed, _)| set.with(feed)),
            caught_up: former.caught_up,
        };
        shard.now = former.now;
        shard.clock = former.clock;
        shard.closed = former.closed;
        shard.closing = former.closing;
        shard.counts = former.counts;
        shard.stats.day_closes = former.day_closes;
        shard.stats.outage_days = former.outage_days;
        shard.watermarks = former.watermarks;
        shard.population = former.population;
        shard.collecting = self.collecting;
    }

    /// Refuses what the engine would never write.
    pub fn check(&self) -> Result<(), Problem> {
        let former = &self.former;
        let counts = former.counts.figures().into_iter();
        let mut all = counts.chain([former.day_closes]).chain(former.outage_days);
        if all.any(|count| count > COUNT_MAX) || !former.counts.conserved() {
            return Err("has counts that do not add up");
        }
        if !is_possible(former.closed) {
            return Err("has closed a day out of range");
        }
        let ranked_at = self.collecting.map(|since| since.until);
        let mut times = [former.now, former.clock].into_iter().chain(ranked_at);
        if !times.all(is_possible_time) {
            return Err("has a clock out of range");
        }
        former.watermarks.iter().try_for_each(Watermark::check)?;
        let day = former.closing.map(|closing| closing.day());
        if day.is_some_and(|day| day != former.closed) {
            return Err("is closing another day than its last");
        }
        former.population.check(former.closed)
    }
}
