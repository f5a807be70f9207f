//! What a replay collects, in compact form.

use super::roster::Roster;
use super::usage::UsageRows;
use crate::model::{Counts, OutcomeResult, Purpose, Suppression, Tier, Timestamp};
use std::sync::Arc;

/// What came of one set of rules.
#[derive(Debug, Default)]
pub struct Run {
    /// Every firing of a trigger, in the order in which they were said.
    pub firings: Vec<Firing>,
    /// Every task, in the order of opening.
    pub tasks: Vec<TaskSpan>,
    /// The names that [`TaskSpan::assignee`] refers to: account managers, or queues where there is none.
    pub assignees: Vec<Arc<str>>,
    /// Tier of each subscriber on the last day.
    pub tiers: Vec<Tier>,
}

/// A trigger fired for a subscriber.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Firing {
    /// Whose, by number in the roster.
    pub subscriber: u32,
    /// Index into the registry of triggers.
    pub trigger: u16,
    /// Whether one event set it off, and not the close of a day.
    pub immediate: bool,
    /// When it was said: the event's time, or the clock at the day's close.
    pub raised_at: Timestamp,
    /// 0..1.
    pub strength: f32,
    /// The subscriber's churn score with it, 0..1 (DOMAIN section 5).
    pub score: f32,
    /// What was seen, in the trigger's unit.
    pub observed: f32,
    /// What was expected, in the same unit.
    pub expected: f32,
    /// What the deciding figure had to pass.
    pub threshold: f32,
    /// The first measure among the facts, which is the deciding figure where the trigger adds one up.
    pub figure: f32,
    /// Why it raised no task, if it did not.
    pub suppressed: Option<Suppression>,
}

/// A retention task from its opening to its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TaskSpan {
    /// Whose, by number in the roster.
    pub subscriber: u32,
    /// Index into the registry of triggers of the signal that opened it.
    pub trigger: u16,
    /// What it is for.
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

/// A `task_outcome` of the events.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RecordedOutcome {
    /// Whose, by number in the roster.
    pub subscriber: u32,
    /// When.
    pub at: Timestamp,
    /// What became of the task.
    pub result: OutcomeResult,
}

/// A cancellation or port-out application of the events.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Departure {
    /// Whose, by number in the roster.
    pub subscriber: u32,
    /// When.
    pub at: Timestamp,
    /// A port-out application, and not a cancellation.
    pub port_out: bool,
}

/// All that a replay has collected.
pub struct Recording {
    /// What became of the records, under the first rules.
    pub counts: Counts,
    /// Numbers of the subscribers, in the order of their first records.
    pub roster: Roster,
    /// What they did, up to the last closed day.
    pub rows: UsageRows,
    /// Whether each is an `iot` or `robot` line by its last profile.
    pub machines: Vec<bool>,
    /// One for each set of rules.
    pub runs: Vec<Run>,
    /// Task outcomes.
    pub outcomes: Vec<RecordedOutcome>,
    /// Cancellations and port-out applications.
    pub departures: Vec<Departure>,
}
