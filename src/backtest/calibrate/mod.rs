//! From a replay to rules: thresholds and least scores that keep tasks within a budget, and weights learnt from who left.
//!
//! The hazards of the filter are fitted first ([`fit_hazards`]). Then several thresholds of the detector are replayed side by
//! side. For each of them
//!
//! 1. a sample of every subscriber is taken once a week: the strengths of past firings, faded with age, and whether the
//!    subscriber left within 30 days. A logistic regression on the samples gives the weights of the churn score, with the present
//!    weights as its prior.
//! 2. the signals are scored with these weights, and each tier gets the least score that keeps its tasks within the budget, or
//!    as near to it as can be. Immediate signals always pass. Where a least score makes no difference, the old one stays.
//! 3. the bounds of severity are moved so that as many signals are at risk and critical as before.
//!
//! The threshold of the rules stays unless the tasks of another [clearly](choose) reach more leaving subscribers in time.

mod burden;
mod choice;
mod fit;
mod hazards;
mod history;
mod moves;

pub use burden::{Burden, Choice};
pub use choice::{Gain, choose};
pub use hazards::{Falls, Hazard, HazardFit, fit as fit_hazards};

use super::cohort::Cohort;
use super::recording::Run;
use crate::backtest::evaluate::pair;
use crate::backtest::frontier;
use crate::backtest::report::Point;
use crate::backtest::scores::{WeightedTriggers, by_subscriber};
use crate::engine::Rules;
use crate::model::Tier;
use history::Candidate;
use std::collections::BTreeSet;

/// The most tasks for 1,000 subscribers of a tier and 30 days, in the order of [`Tier::ALL`]; nothing for no bound.
pub type Budget = [Option<f64>; Tier::ALL.len()];

/// Standard error of the present weights as a prior, in log-odds: with few data they stay.
const PRIOR_ERROR: f64 = 1.0;

/// The calibrated rules for one threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// Log-odds without any signal.
    pub base: f64,
    /// By trigger.
    pub weights: Vec<Weight>,
    /// Scores from which on a subscriber is at risk, and critical.
    pub severity: (f64, f64),
    /// By tier.
    pub burdens: Vec<Burden>,
    /// Subscribers with a task after the onset and before the leaving.
    pub reached: BTreeSet<u32>,
    /// Subscribers with an onset that is judged.
    pub leaving: usize,
    /// What the usage triggers find, and how many false alarms they raise.
    pub alarms: Point,
    /// Horizons of subscribers, and those of them in which the subscriber left.
    pub samples: (f64, f64),
}

/// The weight of a trigger in the churn score, in log-odds.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Weight {
    /// The trigger.
    pub trigger: &'static str,
    /// In the rules replayed.
    pub before: f64,
    /// Learnt.
    pub after: f64,
    /// Standard error of what was learnt.
    pub error: f64,
}

/// Learns weights from one run and finds the least scores for a budget. Without `learn` the weights stay.
pub fn calibrate(
    cohort: &Cohort<'_>,
    run: &Run,
    rules: &Rules,
    budget: &Budget,
    learn: bool,
) -> Calibration {
    let weighted = WeightedTriggers::of(rules);
    let firings = by_subscriber(run);
    let samples = history::samples(cohort, &firings, &weighted);
    let totals = samples.iter().fold((0.0, 0.0), |(count, left), sample| {
        (count + sample.count, left + sample.left)
    });
    // Where nobody is known to have left there is nothing to learn.
    let fit = match learn && totals.1 > 0.0 {
        true => fit::fit(&samples, &weighted.weights, PRIOR_ERROR),
        false => fit::Fit {
            base: rules.policy.score.base,
            weights: weighted.weights.clone(),
            errors: vec![0.0; weighted.weights.len()],
        },
    };
    // Rounded as they will be in the file.
    let base = hundredths(fit.base);
    let weights: Vec<f64> = fit
        .weights
        .iter()
        .map(|weight| hundredths(*weight))
        .collect();
    let candidates = history::candidates(cohort, &firings, &weighted, base, &weights);
    let before = history::candidates(
        cohort,
        &firings,
        &weighted,
        rules.policy.score.base,
        &weighted.weights,
    );
    let bound = |bound| same_share(&before, bound, &candidates);
    let at_risk = bound(rules.policy.score.at_risk);
    let critical = bound(rules.policy.score.critical).max(at_risk + 0.001);
    let mut burdens = Vec::new();
    let leaving = cohort.leaving();
    let mut reached = BTreeSet::new();
    for (tier, budget) in Tier::ALL.into_iter().zip(budget) {
        let task_days = i32::from(rules.policy.task_days);
        let old = rules.policy.score.task_at.of(tier);
        let (burden, tasks) = burden::within(cohort, &candidates, tier, *budget, old, task_days);
        burdens.push(burden);
        let in_time = tasks.iter().filter(|task| task.in_time);
        let in_time = in_time.map(|task| task.subscriber);
        reached.extend(in_time.filter(|subscriber| leaving.contains(subscriber)));
    }
    let names = weighted.names().zip(&weighted.weights);
    let learnt = weights.iter().zip(&fit.errors);
    Calibration {
        base,
        weights: names
            .zip(learnt)
            .map(|((trigger, before), (after, error))| Weight {
                trigger,
                before: *before,
                after: *after,
                error: *error,
            })
            .collect(),
        severity: (at_risk, critical.min(1.0)),
        burdens,
        reached,
        leaving: leaving.len(),
        alarms: frontier::point(cohort, 1.0, &pair(cohort, run)),
        samples: totals,
    }
}

/// The score that as many candidates reach now as reached `bound` before.
fn same_share(earlier: &[Candidate], bound: f64, later: &[Candidate]) -> f64 {
    let reach = earlier.iter().filter(|c| c.score >= bound).count();
    let mut scores: Vec<f64> = later.iter().map(|candidate| candidate.score).collect();
    scores.sort_by(|a, b| b.total_cmp(a));
    match (
        reach.checked_sub(1).and_then(|last| scores.get(last)),
        scores.first(),
    ) {
        (Some(score), _) => (score * 1000.0).floor() / 1000.0,
        // No candidate reached the bound; none may reach it now.
        (None, Some(highest)) => (highest * 1000.0).ceil() / 1000.0,
        (None, None) => bound,
    }
    .clamp(0.0, 0.999)
}

fn hundredths(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
