//! Who the subscriber is and how bad it is (behaviour: Credit, tier and stage), at one moment.

use super::churn;
use super::policy::Case;
use super::triggers;
use churnwatch::model::{
    CustomerKind, Money, Purpose, ScorePart, Segment, Severity, Stage, Suppression, Tier,
};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

impl Case<'_> {
    pub fn tier(&self) -> Tier {
        self.standing.tier(self.day, self.rules)
    }

    pub fn churned(&self) -> bool {
        self.standing.churned(self.day, self.rules)
    }

    pub fn score_parts(&self) -> Vec<ScorePart> {
        let rules = &self.rules.policy.score;
        let mut parts = vec![("base", rules.base)];
        for trigger in triggers::ALL {
            let (Some(weight), Some((on, strength))) =
                (rules.triggers.get(trigger), self.memory.fired(trigger))
            else {
                continue;
            };
            let half_lives = f64::from((self.day.0 - on.0).max(0)) / weight.half_life_days;
            parts.push((trigger, weight.weight * strength * 0.5_f64.powf(half_lives)));
        }
        let part = |(name, log_odds): (&'static str, f64)| ScorePart {
            name: name.into(),
            log_odds,
        };
        parts.into_iter().map(part).collect()
    }

    pub fn score(&self) -> f64 {
        let log_odds: f64 = self.score_parts().iter().map(|part| part.log_odds).sum();
        1.0 / (1.0 + (-log_odds).exp())
    }

    pub fn least_score(&self, tier: Tier) -> f64 {
        let least = &self.rules.policy.score.task_at;
        match tier {
            Tier::Key => least.key,
            Tier::Ordinary => least.ordinary,
            Tier::Small => least.small,
        }
    }

    /// Of the subscriber, or of whoever is worst off among those whose task it is.
    pub fn severity(&self, purpose: Purpose) -> Severity {
        let own = self.own_severity(purpose);
        match self.gravest() {
            Some(gravest) if purpose == Purpose::Churn => own.max(gravest),
            _ => own,
        }
    }

    pub fn customer_kind(&self) -> CustomerKind {
        match self.standing.profile().map(|profile| profile.segment) {
            Some(Segment::Group) => CustomerKind::Group,
            _ if self.tier() == Tier::Key => CustomerKind::Personal,
            _ => CustomerKind::Ordinary,
        }
    }

    pub fn own_severity(&self, purpose: Purpose) -> Severity {
        let rules = &self.rules.policy.score;
        let score = self.score();
        if self.churned() || purpose == Purpose::WinBack {
            Severity::Lost
        } else if purpose != Purpose::Churn {
            Severity::Early
        } else if score >= rules.critical || self.complains_and_cancels() {
            Severity::Critical
        } else if score >= rules.at_risk {
            Severity::AtRisk
        } else {
            Severity::Early
        }
    }

    /// Stage E of S4.
    fn complains_and_cancels(&self) -> bool {
        let days = i32::from(self.rules.policy.score.complaint_and_cancel_days);
        let fired = |trigger| self.memory.fired(trigger).map(|(on, _)| on.0);
        match (fired(churn::COMPLAINT), fired(churn::CANCEL)) {
            (Some(complaint), Some(cancel)) => {
                let last = complaint.max(cancel);
                self.memory.churn.unsettled
                    && (complaint - cancel).abs() <= days
                    && self.day.0 - last <= days
            }
            _ => false,
        }
    }

    /// Whether a trigger fired within its half-life.
    fn recent(&self, trigger: &str) -> bool {
        let weight = self.rules.policy.score.triggers.get(trigger);
        let fired = self.memory.fired(trigger);
        fired
            .zip(weight)
            .is_some_and(|((on, _), weight)| f64::from(self.day.0 - on.0) <= weight.half_life_days)
    }

    /// After a port-out enquiry there is care only.
    pub fn care_only(&self) -> bool {
        self.recent(churn::PORT_OUT)
    }

    pub fn stage(&self) -> Stage {
        let rules = &self.rules.policy.stage;
        let any = |triggers: &[&str]| triggers.iter().any(|trigger| self.recent(trigger));
        let leaving = any(&[triggers::SILENCE, churn::CANCEL, churn::PORT_OUT])
            || (self.memory.churn.dissatisfied && self.recent(churn::COMPLAINT));
        let declining = any(&[triggers::DROP, churn::UNDERUSE, churn::FORWARDING]);
        let profile = self.standing.profile();
        let activated = profile.and_then(|profile| profile.activated_on);
        let young = activated.is_some_and(|on| self.day.0 - on.0 < i32::from(rules.acquire_days));
        let rises = [self.standing.upgraded_on, self.memory.grew_on()];
        let mut rises = rises.into_iter().flatten();
        if self.churned() {
            Stage::Churned
        } else if self.standing.suspended_on.is_some() || leaving {
            Stage::Leave
        } else if declining {
            Stage::Decline
        } else if young {
            Stage::Acquire
        } else if rises.any(|on| self.day.0 - on.0 <= i32::from(rules.promote_days)) {
            Stage::Promote
        } else {
            Stage::Mature
        }
    }

    /// Expected spend a month.
    pub fn value(&self) -> Money {
        let plan = self
            .standing
            .profile()
            .and_then(|profile| profile.plan.as_ref());
        let unknown = Money(i64::from(self.rules.policy.value_unknown) * 100);
        let spend = self.standing.monthly_spend();
        let known = spend.or(plan.and_then(|plan| plan.monthly_fee));
        known.map_or(unknown, |value| value.max(Money::ZERO))
    }

    /// What places in the budget go by.
    pub fn rank(&self) -> f64 {
        self.score() * (self.value().0 as f64 / 100.0)
    }

    /// Nobody may speak to somebody who is about to take the number elsewhere.
    pub fn held(&self) -> bool {
        self.standing.held(self.days.day_of(self.now), self.rules)
    }

    /// Why nothing may come of anything for a purpose.
    pub fn barred(&self, purpose: Purpose) -> Option<Suppression> {
        if self.churned() && purpose != Purpose::WinBack {
            Some(Suppression::Churned)
        } else if self.held() {
            Some(Suppression::MnpHold)
        } else if self.standing.not_pursued() {
            Some(Suppression::NotPursued)
        } else {
            None
        }
    }

    /// By number and salt alone.
    pub fn held_out(&self) -> bool {
        let rules = &self.rules.policy.hold_out;
        let seed = xxh3_64(rules.salt.as_bytes());
        let hash = xxh3_64_with_seed(self.msisdn.as_str().as_bytes(), seed);
        let place = (hash >> 11) as f64 / 2.0_f64.powi(53);
        place < rules.share
    }

    /// Where a task would be opened.
    pub fn hold_out(&self) -> Option<Suppression> {
        self.held_out().then_some(Suppression::HoldOut)
    }

    /// No marketing channel, and no offers by any.
    pub fn opted_out(&self, purpose: Purpose, tier: Tier) -> bool {
        let wish = self.standing.opted_out || self.standing.refused_on.is_some();
        wish && (purpose == Purpose::Grow || purpose == Purpose::WinBack || tier != Tier::Key)
    }

    /// Why no task of a purpose may come for somebody of a tier.
    pub fn out_of_place(&self, purpose: Purpose, tier: Tier) -> Option<Suppression> {
        let offers = purpose == Purpose::Grow || purpose == Purpose::WinBack;
        if offers && self.care_only() {
            Some(Suppression::CareOnly)
        } else if self.opted_out(purpose, tier) {
            Some(Suppression::OptedOut)
        } else {
            None
        }
    }
}
