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
    /// Tasks of immediate signals alone, which need no least score.
    pub immediate: f64,
    /// Tasks of the events that were replayed, over which the next share is taken.
    pub count: usize,
    /// Share of the tasks whose subscribers were leaving, and had not left yet.
    pub precision: f64,
    /// How the least score was chosen.
    pub choice: Choice,
}

/// How a least score was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// The smallest that keeps the tasks within the budget.
    Found,
    /// Without a budget the old one stays.
    NoBudget,
    /// No other score gives other tasks, so the old one stays.
    NoDifference,
    /// It holds back every task of a day's close: immediate signals take the whole budget.
    OnlyImmediate,
    /// It does the same, and immediate signals alone exceed the budget: this is as near as a least score comes.
    OverBudget,
}

/// Least scores are searched in so many steps.
const STEPS: u32 = 1_000;

/// The burden of a tier under the smallest least score that keeps its tasks within the budget or, where none does, as near
/// to it as can be. Where another one makes no difference, or no budget is given, the old one stays.
pub fn within(
    cohort: &Cohort<'_>,
    candidates: &[Candidate],
    tier: Tier,
    budget: Option<f64>,
    old: f64,
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
    let score = |step: u32| f64::from(step) / f64::from(STEPS);
    let at = |step: u32| opened(&own, score(step), task_days);
    let alone = opened(&own, f64::INFINITY, task_days).len() as f64 * unit;
    let nearest = budget.map(|budget| budget.max(alone));
    let fits =
        |tasks: &[Candidate]| nearest.is_none_or(|nearest| tasks.len() as f64 * unit <= nearest);
    // A higher score could open more tasks, as one task blocks others for a month, but hardly ever does.
    let (mut low, mut high) = (0, STEPS);
    while low < high {
        let middle = (low + high) / 2;
        match fits(&at(middle)) {
            true => high = middle,
            false => low = middle + 1,
        }
    }
    let (lowest, before) = (at(low), opened(&own, old, task_days));
    let of_closes = |tasks: &[Candidate]| tasks.iter().any(|task| !task.immediate);
    let choice = if budget.is_none() {
        Choice::NoBudget
    } else if budget.is_some_and(|budget| alone > budget) {
        Choice::OverBudget
    } else if lowest == before {
        Choice::NoDifference
    } else if of_closes(&before) && !of_closes(&lowest) {
        Choice::OnlyImmediate
    } else {
        Choice::Found
    };
    let (least_score, tasks) = match choice {
        Choice::Found | Choice::OnlyImmediate | Choice::OverBudget => (score(low), lowest),
        Choice::NoBudget | Choice::NoDifference => (old, before),
    };
    let right = tasks.iter().filter(|task| task.in_time).count() as f64;
    let burden = Burden {
        tier: tier.name(),
        budget,
        least_score,
        tasks: tasks.len() as f64 * unit,
        immediate: alone,
        count: tasks.len(),
        precision: right / (tasks.len().max(1) as f64),
        choice,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::tests::{calendar, labels, recording};
    use crate::model::Day;

    /// Signals of one subscriber each, over 30,000 subscriber-days: so many tasks, so large a burden.
    fn chosen(immediate: u32, scores: &[f64], budget: Option<f64>, old: f64) -> Burden {
        let candidate = |subscriber, immediate, score| Candidate {
            subscriber,
            day: Day(20_500),
            tier: Tier::Small,
            immediate,
            score,
            in_time: false,
        };
        let mut candidates: Vec<Candidate> = (0..immediate)
            .map(|subscriber| candidate(subscriber, true, 0.1))
            .collect();
        for (subscriber, score) in (immediate..).zip(scores) {
            candidates.push(candidate(subscriber, false, *score));
        }
        let recording = recording(&[&|_| 1]);
        let (nothing, calendar) = (labels(&recording, &[]), calendar());
        let mut cohort = Cohort::new(&recording, &nothing, &calendar, 20);
        let person = cohort.people[0];
        // Of 100 days each.
        cohort.people = vec![person; 300];
        within(&cohort, &candidates, Tier::Small, budget, old, 30).0
    }

    #[test]
    fn the_least_score_comes_as_near_to_the_budget_as_it_can() {
        let scores = [0.2, 0.4, 0.6];
        let burden = chosen(2, &scores, Some(4.0), 0.0);
        assert_eq!((burden.choice, burden.tasks), (Choice::Found, 4.0));
        assert!(burden.least_score > 0.2 && burden.least_score <= 0.4);
        for (budget, old, choice) in [
            (None, 0.3, Choice::NoBudget),
            (Some(9.0), 0.1, Choice::NoDifference),
        ] {
            let burden = chosen(2, &scores, budget, old);
            assert_eq!((burden.choice, burden.least_score), (choice, old));
        }
        // Immediate signals use the budget up, or more: the others are held back, by no more than it takes.
        for (budget, choice) in [
            (2.0, Choice::OnlyImmediate),
            (1.0, Choice::OverBudget),
            (0.0, Choice::OverBudget),
        ] {
            let burden = chosen(2, &scores, Some(budget), 0.0);
            assert_eq!((burden.choice, burden.tasks), (choice, 2.0));
            assert_eq!((burden.immediate, burden.count), (2.0, 2));
            assert_eq!(burden.least_score, 0.601);
        }
    }
}
