//! What looked otherwise in formats 1 and 2 of an image.

use super::{Problem, state};
use crate::engine::triggers::{REGISTRY, index_of};
use crate::model::{
    Channel, CloseReason, Evidence, Level, Money, Motives, Msisdn, Purpose, ScorePart, Severity,
    Signal, Source, Stage, Suppression, TaskStatus, Text, Tier, Timestamp,
};
use serde::Deserialize;
use std::borrow::Cow;

/// That of format 1: every trigger had a memory of every subscriber.
#[derive(Deserialize)]
pub struct Header1 {
    format: u16,
    window_days: u16,
    page: u16,
    triggers: Vec<String>,
    subscribers: u32,
    accounts: u32,
    pseudonyms: u32,
    tasks: u32,
}

/// That of format 2: without what the taskbook has since.
#[derive(Deserialize)]
pub struct Header2 {
    format: u16,
    window_days: u16,
    page: u16,
    triggers: Vec<String>,
    dense: u16,
    subscribers: u32,
    accounts: u32,
    pseudonyms: u32,
    tasks: u32,
    shadow: u32,
}

/// A task, with its recommended action in words and without value, ladder and contacts; `P` are its score parts, which format
/// 1 had none of.
#[derive(Deserialize)]
pub struct Task<P, S> {
    task_id: String,
    revision: u32,
    status: TaskStatus,
    close_reason: Option<CloseReason>,
    purpose: Purpose,
    severity: Severity,
    churn_score: f64,
    score_parts: P,
    msisdn: String,
    tier: Tier,
    stars: u8,
    credit_score: i32,
    stage: Stage,
    signals: Vec<S>,
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

/// A task of format 1.
pub type Task1 = Task<NoParts, Signal1>;
/// A task of format 2.
pub type Task2 = Task<Vec<ScorePart>, Signal>;

/// Nothing, in no bytes.
#[derive(Deserialize)]
pub struct NoParts;

impl From<NoParts> for Vec<ScorePart> {
    fn from(_: NoParts) -> Self {
        Self::new()
    }
}

#[derive(Deserialize)]
struct Action {
    channel: Channel,
    /// The words are found anew.
    _playbook: Vec<Text>,
}

#[derive(Deserialize)]
struct Assignee {
    account_manager: Option<String>,
    queue: String,
    region: Vec<String>,
    level: Level,
}

/// Without `purpose` and `churn_score`.
#[derive(Deserialize)]
pub struct Signal1 {
    trigger: Cow<'static, str>,
    msisdn: String,
    fired_at: Timestamp,
    strength: f64,
    evidence: Evidence,
    text: Text,
    suppressed: Option<Suppression>,
}

impl From<Header1> for state::Header {
    fn from(old: Header1) -> Self {
        Self {
            format: old.format,
            window_days: old.window_days,
            page: old.page,
            dense: old.triggers.len() as u16,
            triggers: old.triggers,
            subscribers: old.subscribers,
            accounts: old.accounts,
            pseudonyms: old.pseudonyms,
            tasks: old.tasks,
            shadow: 0,
            contact_histories: 0,
            candidates: 0,
            vacant: 0,
        }
    }
}

impl From<Header2> for state::Header {
    fn from(old: Header2) -> Self {
        Self {
            format: old.format,
            window_days: old.window_days,
            page: old.page,
            dense: old.dense,
            triggers: old.triggers,
            subscribers: old.subscribers,
            accounts: old.accounts,
            pseudonyms: old.pseudonyms,
            tasks: old.tasks,
            shadow: old.shadow,
            contact_histories: 0,
            candidates: 0,
            vacant: 0,
        }
    }
}

impl<P, S> TryFrom<Task<P, S>> for crate::model::Task
where
    P: Into<Vec<ScorePart>>,
    S: Modern,
{
    type Error = Problem;

    fn try_from(old: Task<P, S>) -> Result<Self, Problem> {
        let signals = old.signals.into_iter();
        let signals = signals.map(Modern::modern);
        Ok(Self {
            msisdn: msisdn(&old.msisdn)?,
            signals: signals.collect::<Result<_, _>>()?,
            rules_version: old.rules_version.into(),
            score_parts: old.score_parts.into(),
            monthly_value: Money::ZERO,
            escalates_at: None,
            contacted_at: None,
            outcome: None,
            motives: Motives::default(),
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
            action: crate::model::Action {
                channel: old.action.channel,
                care_only: false,
            },
            assignee: crate::model::Assignee {
                account_manager: old.assignee.account_manager.map(Into::into),
                queue: old.assignee.queue,
                region: old.assignee.region.into_iter().map(Into::into).collect(),
                level: old.assignee.level,
                notify: None,
            },
            opened_at: old.opened_at,
            not_before: old.not_before,
            due_at: old.due_at,
            expires_at: old.expires_at,
            updated_at: old.updated_at,
            source: old.source,
        })
    }
}

/// A signal of any format.
pub trait Modern {
    /// The same as it is today.
    fn modern(self) -> Result<Signal, Problem>;
}

impl Modern for Signal {
    fn modern(self) -> Result<Signal, Problem> {
        Ok(self)
    }
}

impl Modern for Signal1 {
    fn modern(self) -> Result<Signal, Problem> {
        let known = index_of(&self.trigger).and_then(|place| REGISTRY.get(place));
        Ok(Signal {
            churn_score: 0.0,
            purpose: known.map_or(Purpose::Churn, |trigger| trigger.purpose),
            msisdn: msisdn(&self.msisdn)?,
            trigger: self.trigger,
            fired_at: self.fired_at,
            strength: self.strength,
            evidence: self.evidence,
            text: self.text,
            suppressed: self.suppressed,
        })
    }
}

fn msisdn(text: &str) -> Result<Msisdn, Problem> {
    Msisdn::new(text).map_err(|_| "has a task of nobody")
}
