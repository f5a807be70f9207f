//! The report of a rehearsal, as it is written as JSON.

use crate::engine::RegionUplift;
use crate::model::Counts;
use serde::Serialize;
use std::collections::BTreeMap;

/// Figures of the days that count; only `records` includes the warm-up.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Format of the report.
    pub format: &'static str,
    /// Version of churnwatch that wrote it.
    pub version: &'static str,
    /// Fingerprint of the rules.
    pub rules_version: String,
    /// The simulated city.
    pub city: CityFigures,
    /// What became of the records, warm-up included.
    pub records: Counts,
    /// Numbers of tasks.
    pub tasks: TaskFigures,
    /// Tasks opened, for each purpose and tier.
    pub opened: Vec<OpenedFigures>,
    /// Tasks with an account manager.
    pub managers: ManagerFigures,
    /// Tasks without one, by work queue, the longest first.
    pub queues: Vec<Load>,
    /// What capacities and absences changed.
    pub capacity: CapacityFigures,
    /// Escalations by the level reached.
    pub escalations: BTreeMap<&'static str, u64>,
    /// Signals that opened or revised a task, by purpose.
    pub signals_used: BTreeMap<&'static str, u64>,
    /// Suppressed signals, by reason and purpose.
    pub suppressed: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    /// Closed tasks, by last reason and purpose.
    pub closed: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    /// Reported outcomes, by result.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Reported outcomes by their confirmed reason.
    pub confirmed_reasons: BTreeMap<String, u64>,
    /// Task outcomes by purpose, as the metrics count them.
    pub purposes: Vec<EndFigures>,
    /// Task outcomes by trigger: a task counts for every trigger among its reasons.
    pub triggers: Vec<EndFigures>,
    /// Contacts with subscribers.
    pub contacts: ContactFigures,
    /// Candidates without a place in the day's budget or capacity.
    pub candidates: CandidateFigures,
    /// What tasks achieve, warm-up included; absent if nobody is held out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uplift: Option<RegionUplift>,
}

/// The simulated city.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CityFigures {
    /// Subscribers of the city.
    pub subscribers: u32,
    /// Seed of all chance.
    pub seed: u64,
    /// The operator.
    pub operator: &'static str,
    /// Time zone, by its IANA name.
    pub time_zone: String,
    /// Partitions of the feeds.
    pub partitions: i32,
    /// Days before those that count.
    pub warm_up_days: u32,
    /// Days that count.
    pub days: u32,
    /// First day that counts.
    pub first_day: String,
    /// Last day that counts.
    pub last_day: String,
}

/// Numbers of tasks: `open_at_start + opened + reopened = closed + open_at_end`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TaskFigures {
    /// Open when the days that count began.
    pub open_at_start: u64,
    /// Opened.
    pub opened: u64,
    /// Opened again by a correction.
    pub reopened: u64,
    /// Closed.
    pub closed: u64,
    /// Corrected by another outcome after their close.
    pub corrected: u64,
    /// Open at the end.
    pub open_at_end: u64,
}

/// Tasks opened for a purpose and tier.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OpenedFigures {
    /// Purpose.
    pub purpose: &'static str,
    /// Tier.
    pub tier: &'static str,
    /// Tasks.
    pub opened: u64,
    /// Urgent tasks: churn signals of a single event, which pass whatever the budget.
    pub urgent: u64,
    /// Mean a day.
    pub per_day_mean: f64,
    /// Most on one day.
    pub per_day_most: u64,
    /// The rules' budget for a day.
    pub budget_per_day: u32,
    /// Tasks that were contacted, closed or overdue by the end.
    pub judged: u64,
    /// Tasks among these with neither contact nor close by `due_at`.
    pub overdue: u64,
}

/// Tasks with an account manager.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ManagerFigures {
    /// Managers with any task.
    pub managers: u64,
    /// Tasks.
    pub opened: u64,
    /// Mean for each manager and day.
    pub per_day_mean: f64,
    /// Most for one manager on one day.
    pub per_day_most: u64,
    /// Days of managers with more new tasks than they can take.
    pub days_over: u64,
    /// Tasks that they got as deputies.
    pub as_deputy: u64,
    /// Tasks by purpose.
    pub purposes: BTreeMap<&'static str, u64>,
    /// The busiest managers.
    pub busiest: Vec<Load>,
}

/// The tasks of one manager or queue.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Load {
    /// Manager or queue.
    pub name: String,
    /// Tasks.
    pub opened: u64,
    /// Mean a day.
    pub per_day_mean: f64,
    /// Median of the days.
    pub per_day_median: u64,
    /// Most on one day.
    pub per_day_most: u64,
    /// New tasks a day that it can take; 0 for no limit.
    pub capacity_per_day: u64,
    /// Days with more new tasks than that, or with any on a day of absence.
    pub days_over: u64,
    /// Tasks that it got as a deputy.
    pub as_deputy: u64,
    /// Tasks by purpose.
    pub purposes: BTreeMap<&'static str, u64>,
}

/// Tasks that did not go the usual way, because of capacity or absence.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CapacityFigures {
    /// New tasks that went to a deputy.
    pub to_deputies: u64,
    /// New tasks although nobody was there and had room: urgent ones.
    pub over_capacity: u64,
    /// Open tasks that were passed on, because somebody was absent.
    pub passed_on: u64,
}

/// Task outcomes of these days; the tasks may have been opened before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EndFigures {
    /// Purpose or trigger.
    pub name: String,
    /// By outcome: `opened`, `escalated`, `reached`, `unreachable`; closed as `saved` to `other`; `confirmed` and `refuted`.
    #[serde(flatten)]
    pub counts: BTreeMap<&'static str, u64>,
    /// For churn tasks, confirmed / (confirmed + refuted); nothing if there was neither.
    pub precision: Option<f64>,
}

/// Contacts with subscribers.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ContactFigures {
    /// Contacts in which somebody spoke to a subscriber.
    pub contacts: u64,
    /// Subscribers with any contact.
    pub subscribers: u64,
    /// Length of the cap window, in days.
    pub window_days: u16,
    /// By tier.
    pub highest: Vec<HighestContacts>,
}

/// The most contacts of any subscriber of a tier within the cap window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HighestContacts {
    /// Tier.
    pub tier: &'static str,
    /// For churn tasks.
    pub churn: u64,
    /// For care and growth tasks.
    pub care_and_grow: u64,
    /// For all purposes.
    pub all: u64,
    /// The rules' cap.
    pub cap: u8,
}

/// Candidates without a place in the day's budget or capacity.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CandidateFigures {
    /// Candidates that had to wait.
    pub put_off: u64,
    /// Candidates that got a task after waiting.
    pub placed: u64,
    /// Candidates that lapsed: they waited in vain, or their reason was gone.
    pub lapsed: u64,
    /// Candidates that still wait at the end.
    pub waiting: u64,
}

impl Report {
    /// All figures as JSON.
    pub fn json(&self) -> String {
        // All keys are strings and all floats are finite, so JSON can hold the report.
        serde_json::to_string_pretty(self).unwrap_or_default()
    }
}
