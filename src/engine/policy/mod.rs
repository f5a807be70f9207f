//! From signals to tasks (DOMAIN sections 5 and 6): who the subscriber is, how bad it is, who should do what by when.

mod budget;
mod contact;
mod contact_history;
mod credit;
mod eligibility;
mod lifecycle;
mod outcome;
mod record;
mod release;
mod route;
mod score;
pub mod shadow;
mod stage;
mod tally;
mod taskbook;

pub use budget::{Candidate, Share};
pub use contact_history::ContactHistoryRecord;
pub use credit::Credit;
pub use record::TaskbookRecord;
pub use tally::{Figures, Holder, Mentions, Region, Tally};
pub use taskbook::Taskbook;

use score::Score;

use super::account::Account;
use super::rules::Rules;
use super::triggers::{TriggerState, TriggerStates, index_of};
use crate::model::{Day, Money, Msisdn, Tier, Timestamp};

/// One subscriber at one moment, as the policy sees it.
pub(in crate::engine) struct Case<'a> {
    pub slot: u32,
    pub msisdn: Msisdn,
    /// What time it is; for an event ahead of the clock, the event's time.
    pub now: Timestamp,
    pub day: Day,
    pub account: Option<&'a Account>,
    pub trigger_states: TriggerStates<'a>,
    pub rules: &'a Rules,
}

impl Case<'_> {
    /// What a trigger remembers of the subscriber; an untouched memory if there is no such trigger.
    fn memory_of(&self, trigger: &str) -> TriggerState {
        index_of(trigger).map_or_else(TriggerState::default, |place| {
            self.trigger_states.get(place)
        })
    }

    /// Whether a trigger fired at most so many days ago.
    fn fired_within(&self, trigger: &str, days: f64) -> bool {
        let fired = self.memory_of(trigger).fired_on();
        fired.is_some_and(|fired| f64::from(self.day.since(fired)) <= days)
    }

    /// Whether a trigger fired within its half-life.
    fn fired_recently(&self, trigger: &str) -> bool {
        let weight = self.rules.policy.score.triggers.get(trigger);
        weight.is_some_and(|weight| self.fired_within(trigger, weight.half_life_days))
    }

    /// Whether only service care may follow: somebody has asked how to take the number elsewhere (DOMAIN section 6).
    fn care_only(&self) -> bool {
        self.fired_recently("port_out")
    }

    /// Credit, stars and tier today.
    fn credit(&self) -> Credit {
        Credit::rate(self.account, self.day, &self.rules.policy.credit)
    }

    /// Who should act, as rated today.
    fn tier(&self) -> Tier {
        self.credit().tier
    }

    /// What the subscriber is worth: spend a month, else the plan's price, else what is assumed of a stranger.
    fn monthly_value(&self) -> Money {
        let known = self
            .account
            .and_then(|account| account.monthly_spend().or(account.profile.plan_fee));
        known.unwrap_or_else(|| Money::from_major(self.rules.policy.value_unknown))
    }

    /// Whether the contract has ended.
    pub(in crate::engine) fn churned(&self) -> bool {
        let after = self.rules.policy.churned_after_suspended_days;
        self.account
            .is_some_and(|account| account.churned(self.day, after))
    }
}
