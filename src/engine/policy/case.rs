use super::score::Score;
use super::share::BudgetShare;
use crate::engine::rules::Rules;
use crate::engine::state::account::Account;
use crate::engine::state::credit::Credit;
use crate::engine::state::membership::Membership;
use crate::engine::state::trigger_state::{TriggerState, TriggerStates};
use crate::engine::triggers::REGISTRY;
use crate::model::{
    CustomerKind, Day, Money, Msisdn, Suspension, SuspensionReason, Tier, Timestamp,
};
use std::cell::OnceCell;

/// One subscriber at one moment, as the policy sees it.
pub struct Case<'a> {
    pub slot: u32,
    pub msisdn: Msisdn,
    /// What time it is; for an event ahead of the clock, the event's time.
    pub now: Timestamp,
    pub day: Day,
    pub account: Option<&'a Account>,
    pub trigger_states: TriggerStates<'a>,
    /// What is read has waited for long: nothing is opened before all of it is known.
    pub backlog: bool,
    /// The shard's part of budgets and capacities.
    pub share: BudgetShare,
    pub rules: &'a Rules,
    pub worked_out: WorkedOut,
}

/// What is worked out of a case when it is first asked for: nothing that it rests on changes while there is a case.
#[derive(Default)]
pub struct WorkedOut {
    score: OnceCell<Score>,
    credit: OnceCell<Credit>,
}

impl Case<'_> {
    /// Whether a trigger fired at most so many days ago, by its state.
    pub fn fired_within(&self, state: &TriggerState, days: f64) -> bool {
        let fired = state.fired_on();
        fired.is_some_and(|fired| f64::from(self.day.since(fired)) <= days)
    }

    /// Whether the trigger at a place of the registry fired within its half-life, by its state.
    pub fn fired_within_half_life(&self, place: usize, state: &TriggerState) -> bool {
        let weights = &self.rules.policy.score.triggers;
        let weight = REGISTRY
            .get(place)
            .and_then(|trigger| weights.get(trigger.name));
        weight.is_some_and(|weight| self.fired_within(state, weight.half_life_days))
    }

    /// Whether only service care may follow: somebody has asked how to take the number elsewhere (behaviour: Contact
    /// rules).
    pub fn care_only(&self) -> bool {
        let mut states = self.trigger_states.touched();
        states.any(|(place, state)| {
            let care_only = REGISTRY.get(place).is_some_and(|trigger| trigger.care_only);
            care_only && self.fired_within_half_life(place, &state)
        })
    }

    /// How likely the subscriber is to leave.
    pub fn score(&self) -> &Score {
        let rules = &self.rules.policy.score;
        let score = || Score::of(&self.trigger_states, self.day, rules);
        self.worked_out.score.get_or_init(score)
    }

    /// Credit, stars and tier today.
    pub fn credit(&self) -> Credit {
        let rules = &self.rules.policy.credit;
        let credit = || Credit::rate(self.account, self.day, rules);
        *self.worked_out.credit.get_or_init(credit)
    }

    /// The group that the line belongs to, unless groups are not known any more.
    pub fn membership(&self) -> Option<&Membership> {
        let membership = self.account?.membership();
        membership.filter(|_| self.rules.policy.group.enabled)
    }

    /// How the customer is looked after.
    pub fn customer_kind(&self) -> CustomerKind {
        let segment = self.account.map(|account| account.profile.segment);
        CustomerKind::of(segment.unwrap_or_default(), self.tier())
    }

    /// Who should act, as rated today.
    pub fn tier(&self) -> Tier {
        self.credit().tier
    }

    /// The local day it is.
    pub fn today(&self) -> Day {
        self.rules.calendar.day_of(self.now)
    }

    /// What the subscriber is worth: spend a month, else the plan's price, else what is assumed of a stranger.
    pub fn monthly_value(&self) -> Money {
        let known = self
            .account
            .and_then(|account| account.monthly_spend().or(account.profile.plan_fee));
        let known = known.map(|value| value.max(Money::ZERO));
        known.unwrap_or_else(|| Money::from_major(self.rules.policy.value_unknown))
    }

    /// Whether nobody may be contacted, because a port-out was applied for.
    pub fn held(&self) -> bool {
        let days = self.rules.policy.mnp_hold_days;
        self.account
            .is_some_and(|account| account.held(self.today(), days))
    }

    /// Why the line is suspended, if it is.
    pub fn suspension(&self) -> Option<Suspension> {
        let account = self.account?;
        let bar = account.bar().map(|bar| (bar.reason, bar.since));
        let arrears = account
            .suspended_on
            .map(|on| (SuspensionReason::Arrears, on));
        bar.or(arrears)
            .map(|(reason, since)| Suspension { reason, since })
    }

    /// Whether the contract has ended.
    pub fn churned(&self) -> bool {
        let after = self.rules.policy.churned_after_suspended_days;
        self.account
            .is_some_and(|account| account.churned(self.day, after))
    }
}
