//! The equal parts that the shards have of budgets and capacities.

use crate::engine::settings::BudgetRules;
use crate::model::{Day, Purpose, Tier};

/// Which of the equal parts of the budget a shard has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BudgetShare {
    /// Its partition.
    pub part: u32,
    /// Of so many.
    pub of: u32,
}

impl BudgetShare {
    /// All of it.
    pub const WHOLE: Self = Self { part: 0, of: 1 };

    /// New tasks of a purpose and tier on a day; the one task more that some parts have goes round by day.
    pub fn quota(self, rules: &BudgetRules, purpose: Purpose, tier: Tier, day: Day) -> u32 {
        self.part_of(rules.of(purpose, tier), i64::from(day.0))
    }

    /// Its part of so many places. The parts of a turn add up to all, and over the turns every shard gets the same.
    pub fn part_of(self, all: u32, turn: i64) -> u32 {
        let of = self.of.max(1);
        let position = (i64::from(self.part) + turn).rem_euclid(i64::from(of));
        all / of + u32::from(position < i64::from(all % of))
    }

    /// Candidates of a purpose and tier that may wait on a day: those that could still get a place, and some to spare.
    pub fn room(self, rules: &BudgetRules, purpose: Purpose, tier: Tier, day: Day) -> usize {
        let quota = self.quota(rules, purpose, tier, day) as usize;
        quota * (usize::from(rules.wait_days) + 1) + SPARE
    }
}

/// Candidates kept beyond those that could still get a place.
const SPARE: usize = 64;
