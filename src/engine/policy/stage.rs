use super::case::Case;
use crate::model::Stage;

/// Lifecycle stage (behaviour: Credit, tier and stage), by what has fired within its half-life and what is known of the
/// line.
pub fn stage(case: &Case<'_>) -> Stage {
    let rules = &case.rules.policy.stage;
    let account = case.account;
    let suspended = account.is_some_and(|account| account.suspended_on.is_some());
    let age = account.and_then(|account| account.profile.activated_on);
    let is_new = age.is_some_and(|since| case.day.since(since) < i32::from(rules.acquire_days));
    if case.churned() {
        Stage::Churned
    } else if suspended || shows(case, Stage::Leave) {
        Stage::Leave
    } else if shows(case, Stage::Decline) {
        Stage::Decline
    } else if is_new {
        Stage::Acquire
    } else if rises(case) {
        Stage::Promote
    } else {
        Stage::Mature
    }
}

/// Whether the plan was upgraded lately, or use has risen. Paying more than the plan's price is no rise: it is the chance of
/// a mature line to grow.
fn rises(case: &Case<'_>) -> bool {
    let days = case.rules.policy.stage.promote_days;
    let upgraded = case.account.and_then(|account| account.upgraded_on);
    upgraded.is_some_and(|on| case.day.since(on) <= i32::from(days)) || shows(case, Stage::Promote)
}

/// Whether a trigger fired that puts the line into a stage: within `promote_days` for `promote`, within its half-life for
/// the others.
fn shows(case: &Case<'_>, stage: Stage) -> bool {
    let mut states = case.trigger_states.touched();
    states.any(|(place, state)| {
        let trigger = case.rules.triggers.get(place);
        let says = trigger.and_then(|trigger| trigger.stage(&state));
        says == Some(stage)
            && match stage {
                Stage::Promote => {
                    let days = case.rules.policy.stage.promote_days;
                    case.fired_within(&state, f64::from(days))
                }
                _ => case.fired_within_half_life(place, &state),
            }
    })
}
