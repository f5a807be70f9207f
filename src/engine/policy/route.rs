use super::case::Case;
use super::group;
use crate::engine::rules::Rules;
use crate::engine::state::trigger_state::TriggerState;
use crate::engine::triggers::{index_of, registered};
use crate::model::{Assignee, Channel, Level, Money, Purpose, Severity, Signal, Tier, Timestamp};

/// The queue of messages that go out in bulk.
const BULK_QUEUE: &str = "bulk-campaign";

/// The time by which a signal must be answered, if it is about a competitor.
pub fn bound(signal: &Signal, rules: &Rules) -> Option<Timestamp> {
    let hours = i64::from(rules.policy.due.competitor_hours);
    let trigger = registered(&signal.trigger)?;
    trigger
        .competitor
        .then(|| signal.fired_at.plus_hours(hours))
}

/// Hours to act, from the moment at which the contact may be made (behaviour: Due times and escalation).
pub fn hours(tier: Tier, severity: Severity, rules: &Rules) -> i64 {
    let due = &rules.policy.due;
    i64::from(match tier {
        Tier::Key if severity == Severity::Critical => due.key_critical_hours,
        Tier::Key => due.key_hours,
        Tier::Ordinary => due.ordinary_hours,
        Tier::Small => due.small_hours,
    })
}

/// Whether the time in which a signal of a backlog called for something is over: that of a task for a reason that says when
/// it has gone, the time to act for one that never does, and the competitor's for one of a competitor.
pub fn over(signal: &Signal, case: &Case<'_>) -> bool {
    let place = index_of(&signal.trigger);
    let trigger = place.and_then(|place| case.rules.triggers.get(place));
    let recovers = trigger.is_some_and(|it| it.recovered(&TriggerState::default()).is_some());
    let lives_hours = match recovers {
        true => 24 * i64::from(case.rules.policy.task_days),
        false => hours(case.tier(), Severity::AtRisk, case.rules),
    };
    let over_at = signal.fired_at.plus_hours(lives_hours);
    case.now > bound(signal, case.rules).map_or(over_at, |bound| bound.min(over_at))
}

/// When the contact must have happened: in the tier's time from `not_before`, and within its bound for every competitor signal
/// that no contact has answered yet.
pub fn due_at(
    not_before: Timestamp,
    tier: Tier,
    severity: Severity,
    signals: &[Signal],
    contacted_at: Option<Timestamp>,
    rules: &Rules,
) -> Timestamp {
    let unanswered = signals
        .iter()
        .filter(|signal| Some(signal.fired_at) > contacted_at);
    let bound = unanswered.filter_map(|signal| bound(signal, rules)).min();
    let due_at = not_before.plus_hours(hours(tier, severity, rules));
    bound
        .map_or(due_at, |bound| due_at.min(bound))
        .max(not_before)
}

/// Whether nothing but what everybody gets a message of stands behind a task.
pub fn is_bulk(signals: &[Signal]) -> bool {
    signals
        .iter()
        .all(|signal| registered(&signal.trigger).is_some_and(|it| it.bulk))
}

/// How a subscriber of a tier is reached (behaviour: From signals to tasks).
pub const fn channel(tier: Tier, bulk: bool) -> Channel {
    match tier {
        _ if bulk => Channel::BulkCampaign,
        Tier::Key => Channel::AccountManager,
        Tier::Ordinary => Channel::OutboundCall,
        Tier::Small => Channel::BulkCampaign,
    }
}

/// Whose task it is: the account manager's for key customers, the region's call queue, or the bulk campaign. The regional manager is
/// told at once of key customers and of those who are worth much. A bulk message has no account manager.
pub fn assignee(case: &Case<'_>, purpose: Purpose, tier: Tier, bulk: bool) -> Assignee {
    let profile = case.account.map(|account| &account.profile);
    let region = profile.map_or_else(Vec::new, |profile| profile.region.clone());
    let queue = match (tier, region.last()) {
        _ if bulk => BULK_QUEUE.to_owned(),
        (Tier::Key, _) => "key-accounts".to_owned(),
        (Tier::Ordinary, Some(city)) => format!("outbound-calls/{city}"),
        (Tier::Ordinary, None) => "outbound-calls".to_owned(),
        (Tier::Small, _) => BULK_QUEUE.to_owned(),
    };
    let high_value = case.rules.policy.escalation.high_value;
    let weighty = tier == Tier::Key || case.monthly_value() >= Money::from_major(high_value);
    Assignee {
        account_manager: group::manager(case, purpose).or_else(|| {
            let own = profile.filter(|_| !bulk);
            own.and_then(|profile| profile.account_manager.clone())
        }),
        queue,
        region,
        level: Level::AccountManager,
        notify: (purpose == Purpose::Churn && weighty).then_some(Level::RegionalManager),
        deputy_for: None,
        over_capacity: false,
    }
}
