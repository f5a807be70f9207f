use super::case::Case;
use crate::engine::triggers::dissatisfied;
use crate::model::Stage;

/// Lifecycle stage (behaviour: Credit, tier and stage), by what has fired within its half-life and what is known of the
/// line.
pub fn stage(case: &Case<'_>) -> Stage {
    let rules = &case.rules.policy.stage;
    let any = |triggers: &[&str]| triggers.iter().any(|trigger| case.fired_recently(trigger));
    let account = case.account;
    let suspended = account.is_some_and(|account| account.suspended_on.is_some());
    let complains = case.fired_recently("complaint") && dissatisfied(&case.state_of("complaint"));
    let age = account.and_then(|account| account.profile.activated_on);
    let is_new = age.is_some_and(|since| case.day.since(since) < i32::from(rules.acquire_days));
    if case.churned() {
        Stage::Churned
    } else if suspended || complains || any(&["zero_usage_days", "cancel_enquiry", "port_out"]) {
        Stage::Leave
    } else if any(&["usage_drop", "plan_underuse", "call_forwarding"]) {
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
    upgraded.is_some_and(|on| case.day.since(on) <= i32::from(days))
        || case.fired_within("data_growth", f64::from(days))
}
