//! What a replay says of the churn score: samples to learn its weights from, and the signals that could open tasks.

use super::fit::Sample;
use crate::backtest::alarms::basis;
use crate::backtest::cohort::Cohort;
use crate::backtest::recording::Firing;
use crate::backtest::scores::{
    HORIZON_DAYS, LastFirings, WeightedTriggers, judged_day, sample, score,
};
use crate::engine::triggers::REGISTRY;
use crate::model::{Day, Purpose, Suppression, Tier};
use std::collections::BTreeMap;

/// A signal that could open a task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// The subscriber's number in the roster.
    pub subscriber: u32,
    /// Local day.
    pub day: Day,
    /// Tier of the subscriber.
    pub tier: Tier,
    /// Whether a single event raised it; it then needs no least score.
    pub immediate: bool,
    /// The churn score including the signal.
    pub score: f64,
    /// Whether the subscriber was leaving, and had not left yet.
    pub in_time: bool,
}

/// Days between two samples of a subscriber.
const SAMPLE_DAYS: i32 = 7;
/// The horizons of samples overlap, so that a leaver would count several times: each is worth its part of one.
const WORTH: f64 = SAMPLE_DAYS as f64 / HORIZON_DAYS as f64;
/// Faded strengths are rounded to so many steps, so that equal samples can be counted together.
const STEPS: f64 = 50.0;

/// Samples every subscriber once a week: the faded strengths, and whether the subscriber left within the horizon. Together
/// the samples of a subscriber count as often as there are horizons.
pub fn samples(
    cohort: &Cohort<'_>,
    firings: &[Firing],
    weighted: &WeightedTriggers,
) -> Vec<Sample> {
    let mut rows: BTreeMap<Vec<u8>, (f64, f64)> = BTreeMap::new();
    let count = |features: &[f64], leaves: bool| {
        let key = features.iter().map(|value| (value * STEPS).round() as u8);
        let (count, left) = rows.entry(key.collect()).or_default();
        *count += WORTH;
        *left += WORTH * f64::from(u8::from(leaves));
    };
    sample(cohort, firings, weighted, SAMPLE_DAYS, count);
    let row = |(key, (count, left)): (Vec<u8>, (f64, f64))| Sample {
        features: key
            .into_iter()
            .map(|step| f64::from(step) / STEPS)
            .collect(),
        count,
        left,
    };
    rows.into_iter().map(row).collect()
}

/// The signals that could open a task, with their scores under these weights.
pub fn candidates(
    cohort: &Cohort<'_>,
    firings: &[Firing],
    weighted: &WeightedTriggers,
    base: f64,
    weights: &[f64],
) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for own in firings.chunk_by(|one, next| one.subscriber == next.subscriber) {
        let mut last = LastFirings::new(weighted);
        for firing in own {
            last.record(firing, cohort.calendar);
            let Some(person) = cohort.person(firing.subscriber) else {
                continue;
            };
            let day = judged_day(firing, cohort.calendar);
            if !could_open(firing) || person.from.is_none_or(|from| day < from) {
                continue;
            }
            let (subscriber, seen_at) = (firing.subscriber, basis(cohort.calendar, firing));
            candidates.push(Candidate {
                subscriber,
                day,
                tier: person.tier,
                immediate: firing.immediate,
                score: score(base, weights, &last.features(day)),
                in_time: cohort.in_time(subscriber, seen_at, firing.raised_at),
            });
        }
    }
    candidates
}

/// Whether a churn signal could open a task: nothing but an open task or a low score suppressed it.
fn could_open(firing: &Firing) -> bool {
    let registered = REGISTRY.get(usize::from(firing.trigger));
    let churn = registered.is_some_and(|trigger| trigger.purpose == Purpose::Churn);
    let passing = [Suppression::TaskOpen, Suppression::LowScore];
    churn && firing.suppressed.is_none_or(|why| passing.contains(&why))
}
