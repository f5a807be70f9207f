//! What a rehearsal found, in the form in which it is written as JSON.

use crate::model::Counts;
use serde::Serialize;
use std::collections::BTreeMap;

/// Figures of the days that count; `records` alone is of all days.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Layout of the report.
    pub format: &'static str,
    /// Version of churnwatch that wrote it.
    pub version: &'static str,
    /// Fingerprint of the rules.
    pub rules_version: String,
    /// What was simulated.
    pub city: CityFigures,
    /// What became of the records, those of the warm-up too.
    pub records: Counts,
    /// Tasks that came and went.
    pub tasks: TaskFigures,
    /// Tasks opened, for each purpose and tier.
    pub opened: Vec<OpenedFigures>,
    /// Tasks of somebody with an account manager.
    pub managers: ManagerFigures,
    /// Tasks of those without, by work queue, the longest first.
    pub queues: Vec<Load>,
    /// Tasks that went up, by the rung they reached.
    pub escalations: BTreeMap<&'static str, u64>,
    /// Signals of which a task or its revision came, by purpose.
    pub signals_used: BTreeMap<&'static str, u64>,
    /// Signals of which nothing came, by reason and purpose.
    pub suppressed: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    /// Tasks closed, by reason and purpose; of a corrected one the last reason.
    pub closed: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    /// What was reported of tasks, by result.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Reasons that were found out, of those reported.
    pub confirmed_reasons: BTreeMap<String, u64>,
    /// What came of tasks by purpose, as the metrics count it.
    pub purposes: Vec<EndFigures>,
    /// What came of tasks by trigger: each counts for every trigger among its reasons.
    pub triggers: Vec<EndFigures>,
    /// How often subscribers were spoken to.
    pub contacts: ContactFigures,
    /// What found no place in the day's budget.
    pub candidates: CandidateFigures,
}

/// What was simulated.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CityFigures {
    /// Subscribers of the city.
    pub subscribers: u32,
    /// Seed of all chance.
    pub seed: u64,
    /// Whose network it is.
    pub operator: &'static str,
    /// IANA name.
    pub time_zone: String,
    /// Partitions of the feeds.
    pub partitions: i32,
    /// Days before those that count.
    pub warm_up_days: u32,
    /// Days that count.
    pub days: u32,
    /// The first of them.
    pub first_day: String,
    /// The last of them.
    pub last_day: String,
}

/// Tasks that came and went: `open_at_start + opened + reopened = closed + open_at_end`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TaskFigures {
    /// Open when the days that count began.
    pub open_at_start: u64,
    /// New ones.
    pub opened: u64,
    /// Closed ones that a correction opened again.
    pub reopened: u64,
    /// Closings.
    pub closed: u64,
    /// Closed ones of which another outcome was reported later.
    pub corrected: u64,
    /// Open at the end.
    pub open_at_end: u64,
}

/// Tasks opened of a purpose and tier.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OpenedFigures {
    /// What for.
    pub purpose: &'static str,
    /// For whom.
    pub tier: &'static str,
    /// All of them.
    pub opened: u64,
    /// Those of a single event, which pass whatever the budget.
    pub urgent: u64,
    /// Mean of a day.
    pub per_day_mean: f64,
    /// Most on a day.
    pub per_day_most: u64,
    /// The rules' budget for a day.
    pub budget_per_day: u32,
    /// Those that were contacted, closed or overdue by the end.
    pub judged: u64,
    /// Of these, with neither contact nor close by `due_at`.
    pub overdue: u64,
}

/// Tasks with an account manager.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ManagerFigures {
    /// Managers who had any.
    pub managers: u64,
    /// Tasks.
    pub opened: u64,
    /// Mean for one of them on a day.
    pub per_day_mean: f64,
    /// Most for one on a day.
    pub per_day_most: u64,
    /// The busiest.
    pub busiest: Vec<Load>,
}

/// What somebody, or a queue, got to do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Load {
    /// Who.
    pub name: String,
    /// Tasks.
    pub opened: u64,
    /// Mean of a day.
    pub per_day_mean: f64,
    /// Most on a day.
    pub per_day_most: u64,
}

/// What came of tasks in these days, with those that were opened before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EndFigures {
    /// Purpose or trigger.
    pub name: String,
    /// By what came: `opened`, `escalated`, `reached`, `unreachable`; closed as `saved` to `other`; `confirmed` and `refuted`.
    #[serde(flatten)]
    pub counts: BTreeMap<&'static str, u64>,
    /// Of churn tasks, confirmed / (confirmed + refuted); none if there was neither.
    pub precision: Option<f64>,
}

/// How often subscribers were spoken to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ContactFigures {
    /// Talks.
    pub contacts: u64,
    /// Subscribers with any.
    pub subscribers: u64,
    /// Length of the span of days in which a subscriber's contacts are capped.
    pub window_days: u16,
    /// By tier.
    pub highest: Vec<HighestContacts>,
}

/// The most contacts that any subscriber of a tier had within the span.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HighestContacts {
    /// For whom.
    pub tier: &'static str,
    /// To keep the subscriber.
    pub churn: u64,
    /// For care and growth.
    pub care_and_grow: u64,
    /// Of all purposes.
    pub all: u64,
    /// The rules' cap.
    pub cap: u8,
}

/// What found no place in the day's budget.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CandidateFigures {
    /// Subscribers, by purpose, who had to wait.
    pub put_off: u64,
    /// Of those who waited, then or before: got a task later.
    pub placed: u64,
    /// Waited in vain, or their reason was gone.
    pub lapsed: u64,
    /// Still wait at the end.
    pub waiting: u64,
}

impl Report {
    /// All figures as JSON.
    pub fn json(&self) -> String {
        // String keys, and no floats but finite ones: there is nothing in it that JSON cannot hold.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}
