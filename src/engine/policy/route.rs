use super::Case;
use crate::engine::rules::{PlaybookStep, Rules};
use crate::model::{
    Action, Assignee, Channel, Day, Level, Purpose, Severity, Signal, Stage, Text, Tier, Timestamp,
};

/// When somebody must act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// Nobody is contacted earlier.
    pub not_before: Timestamp,
    /// When the contact must have happened.
    pub due_at: Timestamp,
}

/// The competitor triggers, whose tasks are due within 72 h of the signal (DOMAIN section 6).
const COMPETITOR: [&str; 2] = ["competitor_hotline", "competitor_marketing"];

/// Due times by tier, counted from the end of the quiet hours (DOMAIN section 6).
pub fn schedule(
    from: Timestamp,
    tier: Tier,
    severity: Severity,
    signals: &[Signal],
    rules: &Rules,
) -> Schedule {
    let due = &rules.policy.due;
    let hours = match tier {
        Tier::Key if severity >= Severity::Critical => due.key_critical_hours,
        Tier::Key => due.key_hours,
        Tier::Ordinary => due.ordinary_hours,
        Tier::Small => due.small_hours,
    };
    let not_before = after_quiet_hours(from, rules);
    let competitor = signals.iter().filter(|s| COMPETITOR.contains(&&*s.trigger));
    let latest = competitor
        .map(|s| s.fired_at.plus_hours(i64::from(due.competitor_hours)))
        .min();
    let due_at = not_before.plus_hours(i64::from(hours));
    Schedule {
        not_before,
        due_at: latest
            .map_or(due_at, |latest| due_at.min(latest))
            .max(not_before),
    }
}

fn after_quiet_hours(at: Timestamp, rules: &Rules) -> Timestamp {
    let (from, to) = (rules.policy.quiet.from_hour, rules.policy.quiet.to_hour);
    let calendar = &rules.calendar;
    let (day, hour): (Day, u8) = (calendar.day_of(at), calendar.hour_of(at));
    let overnight = from > to;
    if overnight && hour >= from {
        calendar.at_hour(day.next(), to)
    } else if (overnight && hour < to) || (from..to).contains(&hour) {
        calendar.at_hour(day, to)
    } else {
        at
    }
}

/// Who does it: the account manager for key customers, the region's call queue, or the bulk campaign.
pub fn assignee(case: &Case<'_>, tier: Tier) -> Assignee {
    let profile = case.account.map(|account| &account.profile);
    let region = profile.map_or_else(Vec::new, |profile| profile.region.clone());
    let queue = match (tier, region.last()) {
        (Tier::Key, _) => "key-accounts".to_owned(),
        (Tier::Ordinary, Some(city)) => format!("outbound-calls/{city}"),
        (Tier::Ordinary, None) => "outbound-calls".to_owned(),
        (Tier::Small, _) => "bulk-campaign".to_owned(),
    };
    Assignee {
        account_manager: profile.and_then(|profile| profile.account_manager.clone()),
        queue,
        region,
        level: Level::AccountManager,
    }
}

/// What to do: the channel of the tier, the playbook of stage (for care and growth: of the purpose) and reasons, steps for
/// the reasons first.
pub fn action(
    purpose: Purpose,
    tier: Tier,
    stage: Stage,
    signals: &[Signal],
    rules: &Rules,
) -> Action {
    let channel = match tier {
        Tier::Key => Channel::AccountManager,
        Tier::Ordinary => Channel::OutboundCall,
        Tier::Small => Channel::BulkCampaign,
    };
    let chapter = match purpose {
        Purpose::Churn => stage.name(),
        Purpose::Care | Purpose::Grow => purpose.name(),
    };
    let steps = rules
        .policy
        .playbook
        .get(chapter)
        .map_or(&[][..], Vec::as_slice);
    let named = |trigger: &String| signals.iter().any(|signal| signal.trigger == *trigger);
    let specific = steps
        .iter()
        .filter(|step| step.for_triggers.iter().any(named));
    let general = steps.iter().filter(|step| step.for_triggers.is_empty());
    let text = |step: &PlaybookStep| Text {
        zh: step.zh.clone(),
        en: step.en.clone(),
    };
    Action {
        channel,
        playbook: specific.chain(general).map(text).collect(),
    }
}
