//! From firings to tasks (DOMAIN sections 5 and 6): at most one open task for each subscriber and purpose.

use super::account::Standing;
use super::care;
use super::churn;
use super::days::Days;
use super::triggers::{self, Firing, HOTLINE, Kind, Memory};
use churnwatch::engine::Rules;
use churnwatch::model::{
    Action, Assignee, Channel, CloseReason, Day, Effect, Level, Msisdn, OutcomeResult, Purpose,
    ScorePart, Severity, Signal, Source, Stage, Suppression, Task, TaskStatus, Text, Tier,
    Timestamp,
};
use std::collections::BTreeMap;

/// One subscriber at one moment.
pub struct Case<'a> {
    pub msisdn: Msisdn,
    pub now: Timestamp,
    pub day: Day,
    pub standing: &'a Standing,
    pub memory: &'a Memory,
    pub rules: &'a Rules,
    pub days: &'a Days,
}

/// A subscriber's tasks, the open ones included.
#[derive(Default)]
pub struct Tasks {
    open: BTreeMap<Purpose, Task>,
    opened: usize,
    pub effects: Vec<Effect>,
}

const ACQUIRE_DAYS: i32 = 90;

impl Tasks {
    /// Open tasks.
    pub fn open(&self) -> usize {
        self.open.len()
    }

    /// How many tasks there have been; the last one's `task_id`.
    pub fn opened(&self) -> usize {
        self.opened
    }

    pub fn take(&mut self, firing: Firing, fired_at: Timestamp, case: &Case<'_>) {
        let mut signal = Signal {
            trigger: firing.trigger.into(),
            purpose: care::purpose(firing.trigger),
            msisdn: case.msisdn,
            fired_at,
            strength: firing.strength,
            churn_score: case.score(),
            evidence: firing.evidence,
            text: Text::default(),
            suppressed: None,
        };
        let adds = |task: &Task| task.signals.iter().all(|s| s.trigger != firing.trigger);
        let purpose = signal.purpose;
        let raises = |task: &Task| case.severity(purpose) > task.severity;
        let beside = purpose != Purpose::Churn && self.open.contains_key(&Purpose::Churn);
        signal.suppressed = if case.standing.churned(case.day, case.rules) {
            Some(Suppression::Churned)
        } else if case.standing.port_out() {
            Some(Suppression::PortOut)
        } else if case.standing.not_pursued() {
            Some(Suppression::NotPursued)
        } else if firing.kind == Kind::Weak {
            Some(Suppression::WeakSign)
        } else if firing.kind == Kind::CareOnly {
            Some(Suppression::CareOnly)
        } else if beside {
            Some(Suppression::ChurnTaskOpen)
        } else {
            match self.open.get(&purpose) {
                Some(task) if !adds(task) && !raises(task) => Some(Suppression::TaskOpen),
                None if firing.kind == Kind::Repeat => Some(Suppression::Repeat),
                None if purpose == Purpose::Churn
                    && signal.evidence.source.is_none()
                    && case.score() < case.least_score() =>
                {
                    Some(Suppression::LowScore)
                }
                _ => None,
            }
        };
        self.effects.push(Effect::Signal(Box::new(signal.clone())));
        if signal.suppressed.is_some() {
            return;
        }
        let task = match self.open.remove(&purpose) {
            Some(task) => revised(task, signal, case),
            None => {
                if purpose == Purpose::Churn {
                    let source = signal.evidence.source.clone();
                    self.close(CloseReason::Superseded, source.as_ref(), case);
                }
                self.opened += 1;
                opened(self.opened, signal, case)
            }
        };
        self.open.insert(purpose, task.clone());
        self.effects.push(Effect::Task(Box::new(task)));
    }

    /// The daily look at whether the tasks have outlived their reasons.
    pub fn review(&mut self, case: &Case<'_>) {
        for (purpose, task) in self.open.clone() {
            let signals = task.signals.iter();
            let recovered = signals.map(|s| case.memory.recovered(&s.trigger));
            let recovered: Option<Vec<CloseReason>> = recovered.collect();
            if case.standing.churned(case.day, case.rules) {
                self.close_one(purpose, CloseReason::Churned, None, case);
            } else if let Some(reasons) = recovered {
                self.close_one(purpose, reasons[0], None, case);
            } else if case.now >= task.expires_at {
                self.close_one(purpose, CloseReason::Expired, None, case);
            }
        }
    }

    /// What an outcome says of the task it names.
    pub fn settle(&mut self, id: &str, result: OutcomeResult, source: &Source, case: &Case<'_>) {
        let reason = match result {
            OutcomeResult::Reached | OutcomeResult::Unreachable => return,
            OutcomeResult::Saved => CloseReason::Saved,
            OutcomeResult::Refused => CloseReason::Refused,
            OutcomeResult::Lost => CloseReason::Lost,
        };
        let named = self.open.iter().find(|(_, task)| task.task_id == id);
        if let Some((purpose, _)) = named {
            self.close_one(*purpose, reason, Some(source), case);
        }
    }

    /// Closes all tasks.
    pub fn close(&mut self, reason: CloseReason, source: Option<&Source>, case: &Case<'_>) {
        for purpose in [Purpose::Churn, Purpose::Care, Purpose::Grow] {
            self.close_one(purpose, reason, source, case);
        }
    }

    fn close_one(
        &mut self,
        purpose: Purpose,
        reason: CloseReason,
        source: Option<&Source>,
        case: &Case<'_>,
    ) {
        let Some(mut task) = self.open.remove(&purpose) else {
            return;
        };
        task.revision += 1;
        task.status = TaskStatus::Closed;
        task.close_reason = Some(reason);
        task.updated_at = task.updated_at.max(case.now);
        task.source = source.cloned();
        if reason == CloseReason::Churned {
            task.severity = Severity::Lost;
            task.stage = Stage::Churned;
        }
        self.effects.push(Effect::Task(Box::new(task)));
    }
}

fn opened(number: usize, signal: Signal, case: &Case<'_>) -> Task {
    let standing = case.standing;
    let tier = standing.tier(case.day, case.rules);
    let profile = standing.profile();
    let region: Vec<_> = profile.map_or(Vec::new(), |p| {
        p.region.iter().map(|name| name.as_ref().into()).collect()
    });
    let queue = match (tier, profile.and_then(|p| p.region.last())) {
        (Tier::Key, _) => "key-accounts".to_owned(),
        (Tier::Small, _) => "bulk-campaign".to_owned(),
        (Tier::Ordinary, None) => "outbound-calls".to_owned(),
        (Tier::Ordinary, Some(city)) => format!("outbound-calls/{city}"),
    };
    let signals = vec![signal];
    let purpose = signals[0].purpose;
    let severity = case.severity(purpose);
    let (not_before, due_at) = case.schedule(tier, severity, &signals);
    Task {
        task_id: number.to_string(),
        revision: 1,
        status: TaskStatus::Open,
        close_reason: None,
        purpose,
        severity,
        churn_score: case.score(),
        score_parts: case.score_parts(),
        msisdn: case.msisdn,
        tier,
        stars: standing.stars(case.day, case.rules),
        credit_score: standing.credit_score(case.day, case.rules),
        stage: case.stage(),
        action: case.action(purpose, tier, &signals),
        assignee: Assignee {
            account_manager: profile
                .and_then(|p| p.account_manager.as_deref())
                .map(Into::into),
            queue,
            region,
            level: Level::AccountManager,
        },
        opened_at: case.now,
        not_before,
        due_at,
        expires_at: case
            .now
            .plus_hours(24 * i64::from(case.rules.policy.task_days)),
        updated_at: case.now,
        rules_version: case.rules.version.clone(),
        source: signals[0].evidence.source.clone(),
        signals,
    }
}

fn revised(mut task: Task, signal: Signal, case: &Case<'_>) -> Task {
    task.source = signal.evidence.source.clone();
    match task
        .signals
        .iter_mut()
        .find(|s| s.trigger == signal.trigger)
    {
        Some(known) => *known = signal,
        None => task.signals.push(signal),
    }
    task.revision += 1;
    task.status = TaskStatus::Updated;
    task.severity = task.severity.max(case.severity(task.purpose));
    task.churn_score = case.score();
    task.score_parts = case.score_parts();
    task.stage = case.stage();
    task.action = case.action(task.purpose, task.tier, &task.signals);
    let (_, due_at) = case.schedule(task.tier, task.severity, &task.signals);
    task.due_at = due_at.max(task.not_before).min(task.due_at);
    task.updated_at = task.updated_at.max(case.now);
    task.rules_version = case.rules.version.clone();
    task
}

impl Case<'_> {
    fn score_parts(&self) -> Vec<ScorePart> {
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

    fn least_score(&self) -> f64 {
        let least = &self.rules.policy.score.task_at;
        match self.standing.tier(self.day, self.rules) {
            Tier::Key => least.key,
            Tier::Ordinary => least.ordinary,
            Tier::Small => least.small,
        }
    }

    fn score(&self) -> f64 {
        let log_odds: f64 = self.score_parts().iter().map(|part| part.log_odds).sum();
        1.0 / (1.0 + (-log_odds).exp())
    }

    fn severity(&self, purpose: Purpose) -> Severity {
        let rules = &self.rules.policy.score;
        let score = self.score();
        if self.standing.churned(self.day, self.rules) {
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

    fn stage(&self) -> Stage {
        let any = |triggers: &[&str]| triggers.iter().any(|trigger| self.recent(trigger));
        let leaving = any(&[triggers::SILENCE, churn::CANCEL, churn::PORT_OUT])
            || (self.memory.churn.dissatisfied && self.recent(churn::COMPLAINT));
        let declining = any(&[triggers::DROP, churn::UNDERUSE, churn::FORWARDING]);
        let profile = self.standing.profile();
        let activated = profile.and_then(|profile| profile.activated_on);
        if self.standing.churned(self.day, self.rules) {
            Stage::Churned
        } else if self.standing.suspended_on.is_some() || leaving {
            Stage::Leave
        } else if declining {
            Stage::Decline
        } else if activated.is_some_and(|on| self.day.0 - on.0 < ACQUIRE_DAYS) {
            Stage::Acquire
        } else {
            Stage::Mature
        }
    }

    /// The end of the quiet hours, and when the contact is due.
    fn schedule(
        &self,
        tier: Tier,
        severity: Severity,
        signals: &[Signal],
    ) -> (Timestamp, Timestamp) {
        let due = &self.rules.policy.due;
        let hours = match (tier, severity) {
            (Tier::Key, Severity::Critical | Severity::Lost) => due.key_critical_hours,
            (Tier::Key, _) => due.key_hours,
            (Tier::Ordinary, _) => due.ordinary_hours,
            (Tier::Small, _) => due.small_hours,
        };
        let not_before = self.after_quiet_hours();
        let mut due_at = not_before.plus_hours(i64::from(hours));
        let competitor = |s: &&Signal| s.trigger == HOTLINE || s.trigger == churn::MARKETING;
        for signal in signals.iter().filter(competitor) {
            let latest = signal.fired_at.plus_hours(i64::from(due.competitor_hours));
            due_at = due_at.min(latest);
        }
        (not_before, due_at.max(not_before))
    }

    fn after_quiet_hours(&self) -> Timestamp {
        let quiet = &self.rules.policy.quiet;
        let day = self.days.day_of(self.now);
        let hours = (quiet.from_hour..24).chain(0..quiet.to_hour);
        let hours: Vec<u8> = match quiet.from_hour <= quiet.to_hour {
            true => (quiet.from_hour..quiet.to_hour).collect(),
            false => hours.collect(),
        };
        let hour = self.days.hour_of(self.now);
        if !hours.contains(&hour) {
            self.now
        } else if hour < quiet.to_hour {
            self.days.at_hour(day, quiet.to_hour)
        } else {
            self.days.at_hour(day + 1, quiet.to_hour)
        }
    }

    fn action(&self, purpose: Purpose, tier: Tier, signals: &[Signal]) -> Action {
        let playbook = &self.rules.policy.playbook;
        let steps = playbook.get(match purpose {
            Purpose::Churn => self.stage().name(),
            Purpose::Care => "care",
            Purpose::Grow => "grow",
        });
        let steps = || steps.into_iter().flatten();
        // After a port-out enquiry there is care only.
        let care_only = purpose == Purpose::Churn && self.recent(churn::PORT_OUT);
        let special = steps().filter(|step| {
            let mut named = step.for_triggers.iter();
            match care_only {
                true => named.any(|name| name == churn::PORT_OUT),
                false => named.any(|name| signals.iter().any(|signal| signal.trigger == *name)),
            }
        });
        let general = steps().filter(|step| step.for_triggers.is_empty() && !care_only);
        Action {
            channel: match tier {
                Tier::Key => Channel::AccountManager,
                Tier::Ordinary => Channel::OutboundCall,
                Tier::Small => Channel::BulkCampaign,
            },
            playbook: special
                .chain(general)
                .map(|step| Text {
                    zh: step.zh.clone(),
                    en: step.en.clone(),
                })
                .collect(),
        }
    }
}
