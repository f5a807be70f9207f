use super::population::DayFacts;
use crate::model::{Day, Timestamp};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::Xxh3;

/// The least that `policy.due` allows.
const SHORTEST_DUE_HOURS: i64 = 1;

/// A day being closed: the sweep has visited every subscriber before `next_slot`, and those touched since.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Closing {
    /// What is known of the day.
    pub facts: DayFacts,
    /// What the clock showed when the close began.
    pub at: Timestamp,
    /// The first subscriber the sweep has not visited.
    pub next_slot: u32,
}

impl Closing {
    /// The day being closed.
    pub fn day(&self) -> Day {
        self.facts.day
    }

    /// Whether the sweep must not wait any longer at a time: what it says of a task may be to be done within the shortest
    /// time to act that there is (`policy.due`), and must not be late because slices are small.
    pub fn is_urgent(&self, clock: Timestamp) -> bool {
        clock >= self.at.plus_hours(SHORTEST_DUE_HOURS)
    }

    /// Adds how far the sweep has come to a fingerprint.
    pub fn digest(&self, to: &mut Xxh3) {
        to.update(&self.facts.day.0.to_le_bytes());
        to.update(&self.at.0.to_le_bytes());
        to.update(&self.next_slot.to_le_bytes());
    }
}
