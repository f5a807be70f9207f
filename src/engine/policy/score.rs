use super::Case;
use crate::engine::triggers::REGISTRY;
use crate::model::{Severity, Stage};

/// Younger than this is `acquire` (DOMAIN section 5).
const ACQUIRE_DAYS: i32 = 90;

/// Churn score 0..1: logistic of base + sum of weight * strength * 2^(-age / half-life) (DOMAIN section 5).
pub fn churn_score(case: &Case<'_>) -> f64 {
    let rules = &case.rules.policy.score;
    let signs = case
        .memories
        .iter()
        .zip(REGISTRY)
        .filter_map(|(memory, trigger)| {
            let weight = rules.triggers.get(trigger.name)?;
            let age = f64::from(case.day.since(memory.fired_on()?).max(0));
            Some(weight.weight * memory.strength() * libm::exp2(-age / weight.half_life_days))
        });
    let log_odds = rules.base + signs.sum::<f64>();
    1.0 / (1.0 + libm::exp(-log_odds))
}

/// How far things have gone, by the score.
pub fn severity(case: &Case<'_>, score: f64) -> Severity {
    let rules = &case.rules.policy.score;
    match score {
        _ if case.churned() => Severity::Lost,
        score if score >= rules.critical => Severity::Critical,
        score if score >= rules.at_risk => Severity::AtRisk,
        _ => Severity::Early,
    }
}

/// Lifecycle stage, by what has fired within its half-life.
pub fn stage(case: &Case<'_>) -> Stage {
    let recent = |name: &str| {
        let weight = case.rules.policy.score.triggers.get(name);
        let index = case.rules.trigger_index(name);
        let fired = index.and_then(|index| case.memories.get(index)?.fired_on());
        let age = |fired| f64::from(case.day.since(fired));
        fired
            .zip(weight)
            .is_some_and(|(fired, weight)| age(fired) <= weight.half_life_days)
    };
    let activated = case
        .account
        .and_then(|account| account.profile.activated_on);
    if case.churned() {
        Stage::Churned
    } else if case
        .account
        .is_some_and(|account| account.suspended_on.is_some())
        || recent("zero_usage_days")
    {
        Stage::Leave
    } else if recent("usage_drop") {
        Stage::Decline
    } else if activated.is_some_and(|since| case.day.since(since) < ACQUIRE_DAYS) {
        Stage::Acquire
    } else {
        Stage::Mature
    }
}
