//! Whether churn tasks were right, as the ground truth says afterwards.

use super::intentions::Intentions;
use crate::model::Timestamp;
use std::collections::BTreeMap;
use std::ops::Range;

/// Who left in a period, which of them had a churn task, and which churn tasks were about nobody on the way out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hindsight {
    /// Subscribers who left.
    pub left: u64,
    /// Of those who had a task before they left, the days between the first one and the leaving.
    pub days_before: Vec<f64>,
    /// Of those who had a task only within [`REACH_DAYS`] after they left, the days between the leaving and the task.
    pub days_after: Vec<f64>,
    /// Churn tasks that were opened.
    pub tasks: Precision,
    /// Those among them that were ever more than early.
    pub serious: Precision,
}

/// How many tasks there were, and how many of them were about subscribers who did not mean to leave.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Precision {
    /// Tasks.
    pub all: u64,
    /// Those that were false.
    pub wrong: u64,
}

/// A churn task to be judged.
pub(super) struct Judged<'a> {
    pub msisdn: &'a str,
    pub opened_at: Timestamp,
    pub serious: bool,
}

/// Somebody who has left can be won back for so many days.
pub const REACH_DAYS: i64 = 30;

const DAY_MS: f64 = Timestamp::DAY_MS as f64;

impl Hindsight {
    /// Compares churn tasks with what people meant to do.
    pub(super) fn new<'a>(
        intentions: &Intentions,
        tasks: impl Iterator<Item = Judged<'a>>,
        period: Range<Timestamp>,
    ) -> Self {
        let mut hindsight = Self::default();
        let mut openings: BTreeMap<&str, Vec<Timestamp>> = BTreeMap::new();
        for task in tasks {
            let (who, at) = (task.msisdn, task.opened_at);
            openings.entry(who).or_default().push(at);
            if !period.contains(&at) {
                continue;
            }
            let wrong = intentions.episode(who, at).is_none();
            hindsight.tasks.count(wrong);
            if task.serious {
                hindsight.serious.count(wrong);
            }
        }
        for (who, episode) in intentions.episodes() {
            let Some(left_at) = episode.left_at.filter(|at| period.contains(at)) else {
                continue;
            };
            hindsight.left += 1;
            let reach = episode.from..left_at.plus_hours(24 * REACH_DAYS);
            let found = openings.get(who).into_iter().flatten();
            let Some(first) = found.filter(|at| reach.contains(at)).min() else {
                continue;
            };
            let days = left_at.since_ms(*first) as f64 / DAY_MS;
            match days >= 0.0 {
                true => hindsight.days_before.push(days),
                false => hindsight.days_after.push(-days),
            }
        }
        hindsight
    }
}

impl Precision {
    fn count(&mut self, wrong: bool) {
        self.all += 1;
        self.wrong += u64::from(wrong);
    }
}
