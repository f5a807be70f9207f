//! From signals to tasks (DOMAIN sections 5 and 6): who the subscriber is, how bad it is, who should do what by when.
//!
//! The first policy. Contact caps, budgets, escalation and hold-out are still to come; each is a file beside these.

mod credit;
mod route;
mod score;
pub mod shadow;
mod taskbook;

pub use credit::Credit;
pub use taskbook::Taskbook;

use score::Score;

use super::account::Account;
use super::rules::Rules;
use super::triggers::{Memory, Recall, index_of};
use crate::model::{Day, Msisdn, Timestamp};

/// One subscriber at one moment, as the policy sees it.
pub(in crate::engine) struct Case<'a> {
    pub slot: u32,
    pub msisdn: Msisdn,
    /// What time it is; for an event ahead of the clock, the event's time.
    pub now: Timestamp,
    pub day: Day,
    pub account: Option<&'a Account>,
    pub memories: Recall<'a>,
    pub rules: &'a Rules,
}

impl Case<'_> {
    /// What a trigger remembers of the subscriber; an untouched memory if there is no such trigger.
    fn memory_of(&self, trigger: &str) -> Memory {
        index_of(trigger).map_or_else(Memory::default, |place| self.memories.get(place))
    }

    /// Whether a trigger fired within its half-life.
    fn fired_recently(&self, trigger: &str) -> bool {
        let weight = self.rules.policy.score.triggers.get(trigger);
        let fired = self.memory_of(trigger).fired_on();
        let age = |fired| f64::from(self.day.since(fired));
        fired
            .zip(weight)
            .is_some_and(|(fired, weight)| age(fired) <= weight.half_life_days)
    }

    /// Whether the contract has ended.
    pub(in crate::engine) fn churned(&self) -> bool {
        let after = self.rules.policy.churned_after_suspended_days;
        self.account
            .is_some_and(|account| account.churned(self.day, after))
    }
}
