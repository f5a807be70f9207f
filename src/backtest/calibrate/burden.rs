//! The number of tasks for a least score, and the least score for a number of tasks.

use super::history::Candidate;
use crate::backtest::cohort::Cohort;
use crate::model::Tier;

/// The tasks of one tier.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Burden {
    /// The tier.
    pub tier: &'static str,
    /// The most tasks for 1,000 subscribers and 30 days; nothing for no bound.
    pub budget: Option<f64>,
    /// Least churn score of a task found at day close.
    pub least_score: f64,
    /// Tasks expected, for 1,000 subscribers and 30 days.
    pub tasks: f64,
    /// Tasks of immediate signals among them, which need no least score.
    pub immediate: f64,
    /// Share of the tasks whose subscribers were leaving.
    pub precision: f64,
}

/// Least scores are searched in so many steps.
const STEPS: u32 = 1_000;

/// The burden of a tier under the smallest least score that keeps its tasks within the budget.
pub fn within(
    cohort: &Cohort<'_>,
    candidates: &[Candidate],
    tier: Tier,
    budget: Option<f64>,
    task_days: i32,
) -> (Burden, Vec<Candidate>) {
    let people = cohort.people.iter().filter(|person| person.tier == tier);
    let days: f64 = people
        .map(|person| f64::from(cohort.judged_days(person)))
        .sum();
    // For 1,000 subscribers and 30 days.
    let unit = 30_000.0 / days.max(1.0);
    let own: Vec<Candidate> = candidates
        .iter()
        .filter(|c| c.tier == tier)
        .copied()
        .collect();
    let at = |step: u32| opened(&own, f64::from(step) / f64::from(STEPS), task_days);
    let fits =
        |tasks: &[Candidate]| budget.is_none_or(|budget| tasks.len() as f64 * unit <= budget);
    // A higher score could open more tasks, as one task blocks others for a month, but hardly ever does.
    let (mut low, mut high) = (0, STEPS);
    while low < high {
        let middle = (low + high) / 2;
        match fits(&at(middle)) {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    let tasks = at(low);
    let found = tasks.iter().filter(|task| task.found).count() as f64;
    let immediate = tasks.iter().filter(|task| task.immediate).count() as f64;
    let burden = Burden {
        tier: tier.name(),
        budget,
        least_score: f64::from(low) / f64::from(STEPS),
        tasks: tasks.len() as f64 * unit,
        immediate: immediate * unit,
        precision: found / (tasks.len().max(1) as f64),
    };
    (burden, tasks)
}

/// The candidates that open a task. A subscriber has one task at a time, assumed to last for `task_days`.
fn opened(candidates: &[Candidate], least_score: f64, task_days: i32) -> Vec<Candidate> {
    let mut tasks: Vec<Candidate> = Vec::new();
    for candidate in candidates {
        let passes = candidate.immediate || candidate.score >= least_score;
        let open = tasks.last().is_some_and(|last| {
            last.subscriber == candidate.subscriber && candidate.day.since(last.day) < task_days
        });
        if passes && !open {
            tasks.push(*candidate);
        }
    }
    tasks
}
