//! What looked otherwise in format 1 of an image.

use super::{Problem, state};
use crate::engine::triggers::{REGISTRY, index_of};
use crate::model::{
    Action, Assignee, CloseReason, Evidence, Msisdn, Purpose, Severity, Source, Stage, Suppression,
    TaskStatus, Text, Tier, Timestamp,
};
use serde::Deserialize;
use std::borrow::Cow;

/// Without `always`: every trigger had a memory of every subscriber.
#[derive(Deserialize)]
pub struct Header {
    format: u16,
    window_days: u16,
    page: u16,
    triggers: Vec<String>,
    subscribers: u32,
    accounts: u32,
    pseudonyms: u32,
    tasks: u32,
}

/// Without `score_parts`.
#[derive(Deserialize)]
pub struct Task {
    task_id: String,
    revision: u32,
    status: TaskStatus,
    close_reason: Option<CloseReason>,
    purpose: Purpose,
    severity: Severity,
    churn_score: f64,
    msisdn: String,
    tier: Tier,
    stars: u8,
    credit_score: i32,
    stage: Stage,
    signals: Vec<Signal>,
    action: Action,
    assignee: Assignee,
    opened_at: Timestamp,
    not_before: Timestamp,
    due_at: Timestamp,
    expires_at: Timestamp,
    updated_at: Timestamp,
    rules_version: String,
    source: Option<Source>,
}

/// Without `purpose` and `churn_score`.
#[derive(Deserialize)]
struct Signal {
    trigger: Cow<'static, str>,
    msisdn: String,
    fired_at: Timestamp,
    strength: f64,
    evidence: Evidence,
    text: Text,
    suppressed: Option<Suppression>,
}

impl From<Header> for state::Header {
    fn from(old: Header) -> Self {
        Self {
            format: old.format,
            window_days: old.window_days,
            page: old.page,
            always: old.triggers.len() as u16,
            triggers: old.triggers,
            subscribers: old.subscribers,
            accounts: old.accounts,
            pseudonyms: old.pseudonyms,
            tasks: old.tasks,
            shadow: 0,
        }
    }
}

impl TryFrom<Task> for crate::model::Task {
    type Error = Problem;

    fn try_from(old: Task) -> Result<Self, Problem> {
        let signals = old.signals.into_iter().map(TryInto::try_into);
        Ok(Self {
            msisdn: msisdn(&old.msisdn)?,
            signals: signals.collect::<Result<_, _>>()?,
            rules_version: old.rules_version.into(),
            score_parts: Vec::new(),
            task_id: old.task_id,
            revision: old.revision,
            status: old.status,
            close_reason: old.close_reason,
            purpose: old.purpose,
            severity: old.severity,
            churn_score: old.churn_score,
            tier: old.tier,
            stars: old.stars,
            credit_score: old.credit_score,
            stage: old.stage,
            action: old.action,
            assignee: old.assignee,
            opened_at: old.opened_at,
            not_before: old.not_before,
            due_at: old.due_at,
            expires_at: old.expires_at,
            updated_at: old.updated_at,
            source: old.source,
        })
    }
}

impl TryFrom<Signal> for crate::model::Signal {
    type Error = Problem;

    fn try_from(old: Signal) -> Result<Self, Problem> {
        let known = index_of(&old.trigger).and_then(|place| REGISTRY.get(place));
        Ok(Self {
            churn_score: 0.0,
            purpose: known.map_or(Purpose::Churn, |trigger| trigger.purpose),
            msisdn: msisdn(&old.msisdn)?,
            trigger: old.trigger,
            fired_at: old.fired_at,
            strength: old.strength,
            evidence: old.evidence,
            text: old.text,
            suppressed: old.suppressed,
        })
    }
}

fn msisdn(text: &str) -> Result<Msisdn, Problem> {
    Msisdn::new(text).map_err(|_| "has a task of nobody")
}
