//! A subscriber's part of the taskbook.

use super::rounded;
use crate::engine::policy::Candidate;
use crate::model::{Calendar, Purpose, Task, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;

/// An open task; moments in local time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OpenTask {
    /// Its name in the topic of tasks.
    pub task_id: String,
    /// Its last revision.
    pub revision: u32,
    /// What it is for.
    pub purpose: &'static str,
    /// How bad it is.
    pub severity: &'static str,
    /// 0..1.
    pub churn_score: f64,
    /// Who should act.
    pub tier: &'static str,
    /// Lifecycle stage.
    pub stage: &'static str,
    /// How to reach the subscriber.
    pub channel: &'static str,
    /// Work queue.
    pub queue: String,
    /// Who has it: the rung of the ladder.
    pub level: &'static str,
    /// When it was opened.
    pub opened_at: String,
    /// Nobody is contacted earlier.
    pub not_before: String,
    /// When the contact must have happened.
    pub due_at: String,
    /// When the next rung gets it, if one does.
    pub escalates_at: Option<String>,
    /// The last contact that was reported.
    pub contacted_at: Option<String>,
    /// When it closes by itself.
    pub expires_at: String,
    /// The triggers it rests on, each with its sentence.
    pub reasons: BTreeMap<String, String>,
}

/// A contact that counts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ContactDescription {
    /// When, in local time.
    pub at: String,
    /// What it was for.
    pub purpose: &'static str,
}

/// Signals that wait for a place in the daily budget.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WaitingDescription {
    /// What a task of them would be for.
    pub purpose: &'static str,
    /// The closed day for which they first fired.
    pub since: String,
    /// The triggers.
    pub triggers: Vec<String>,
}

pub(super) fn open(task: &Task, calendar: &Calendar) -> OpenTask {
    let reasons = task.signals.iter();
    let reasons = reasons.map(|signal| (signal.trigger.to_string(), signal.text.en.clone()));
    OpenTask {
        task_id: task.task_id.clone(),
        revision: task.revision,
        purpose: task.purpose.name(),
        severity: task.severity.name(),
        churn_score: rounded(task.churn_score),
        tier: task.tier.name(),
        stage: task.stage.name(),
        channel: task.action.channel.name(),
        queue: task.assignee.queue.clone(),
        level: task.assignee.level.name(),
        opened_at: calendar.rfc3339(task.opened_at),
        not_before: calendar.rfc3339(task.not_before),
        due_at: calendar.rfc3339(task.due_at),
        escalates_at: task.escalates_at.map(|at| calendar.rfc3339(at)),
        contacted_at: task.contacted_at.map(|at| calendar.rfc3339(at)),
        expires_at: calendar.rfc3339(task.expires_at),
        reasons: reasons.collect(),
    }
}

/// A contact.
pub(super) fn contact(at: Timestamp, purpose: Purpose, calendar: &Calendar) -> ContactDescription {
    ContactDescription {
        at: calendar.rfc3339(at),
        purpose: purpose.name(),
    }
}

/// A candidate.
pub(super) fn waiting(candidate: &Candidate) -> WaitingDescription {
    let triggers = candidate.signals.iter();
    WaitingDescription {
        purpose: candidate.owner().map_or("", |(purpose, _)| purpose.name()),
        since: candidate.day.to_string(),
        triggers: triggers.map(|signal| signal.trigger.to_string()).collect(),
    }
}
