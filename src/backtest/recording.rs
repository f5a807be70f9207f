//! What a replay collects, in compact form.

use super::line_days::LineDays;
use super::roster::Roster;
use super::usage::UsageRows;
use crate::engine::Loss;
use crate::model::{Counts, OutcomeResult, Purpose, Suppression, Tier, Timestamp};
use std::sync::Arc;

/// The output of the engine under one set of rules.
#[derive(Debug, Default)]
pub struct Run {
    /// Every firing of a trigger, in the order of publication.
    pub firings: Vec<Firing>,
    /// Every task, in the order of opening.
    pub tasks: Vec<TaskSpan>,
    /// What [`TaskSpan::assignee`] refers to: account managers, and queues for tasks without one.
    pub assignees: Vec<Arc<str>>,
    /// Tier of each subscriber on the last day.
    pub tiers: Vec<Tier>,
    /// How each subscriber was lost by then, if it was.
    pub losses: Vec<Option<Loss>>,
}

/// A trigger fired for a subscriber.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Firing {
    /// The subscriber's number in the roster.
    pub subscriber: u32,
    /// Index into the registry of triggers.
    pub trigger: u16,
    /// Whether a single event set it off; otherwise the close of a day did.
    pub immediate: bool,
    /// The event's time, or the clock at the day's close.
    pub raised_at: Timestamp,
    /// 0..1.
    pub strength: f32,
    /// The subscriber's churn score including it, 0..1 (behaviour: Churn score and severity).
    pub score: f32,
    /// The observed figure, in the trigger's unit.
    pub observed: f32,
    /// The expected figure, in the same unit.
    pub expected: f32,
    /// The threshold of the deciding figure.
    pub threshold: f32,
    /// The probability of all falls together; 0 for triggers that do not report falls.
    pub fall: f32,
    /// Why it raised no task; nothing if it did.
    pub suppressed: Option<Suppression>,
}

/// A retention task from its opening to its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TaskSpan {
    /// The subscriber's number in the roster.
    pub subscriber: u32,
    /// The trigger of the signal that opened it, as an index into the registry.
    pub trigger: u16,
    /// Its purpose.
    pub purpose: Purpose,
    /// Tier at opening.
    pub tier: Tier,
    /// Index into [`Run::assignees`].
    pub assignee: u32,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was closed, if it was.
    pub closed_at: Option<Timestamp>,
}

/// A `task_outcome` record.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecordedOutcome {
    /// The subscriber's number in the roster.
    pub subscriber: u32,
    /// When it was reported.
    pub at: Timestamp,
    /// What was reported.
    pub result: OutcomeResult,
}

/// A record of a cancellation or port-out application.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Departure {
    /// The subscriber's number in the roster.
    pub subscriber: u32,
    /// The event's time.
    pub at: Timestamp,
    /// Whether it is a port-out application; otherwise a cancellation.
    pub port_out: bool,
}

/// Everything that a replay has collected.
pub struct Recording {
    /// What became of the records, under the first rules.
    pub counts: Counts,
    /// The subscribers by number.
    pub roster: Roster,
    /// Their daily usage, up to the last closed day.
    pub rows: UsageRows,
    /// By subscriber: whether the last profile says `iot` or `robot`.
    pub machines: Vec<bool>,
    /// The output of each set of rules.
    pub runs: Vec<Run>,
    /// Task outcomes.
    pub outcomes: Vec<RecordedOutcome>,
    /// Cancellations and port-out applications.
    pub departures: Vec<Departure>,
    /// What days say of lines, under the first rules; nothing unless it was wanted.
    pub lines: LineDays,
}
