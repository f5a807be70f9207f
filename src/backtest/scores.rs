//! The churn score of every subscriber over time, rebuilt from the firings of a replay.

use super::cohort::Cohort;
use super::recording::{Firing, Run};
use crate::engine::Rules;
use crate::engine::triggers::REGISTRY;
use crate::model::{Calendar, Day};

/// The triggers that have a weight in the churn score, in the order of the registry.
#[derive(Default)]
pub struct WeightedTriggers {
    /// Places in the registry of triggers.
    indexes: Vec<usize>,
    half_lives_days: Vec<f64>,
    /// The weights of the rules.
    pub weights: Vec<f64>,
}

impl WeightedTriggers {
    /// The triggers with a weight under these rules.
    pub fn of(rules: &Rules) -> Self {
        let mut weighted = Self::default();
        for (index, trigger) in REGISTRY.iter().enumerate() {
            if let Some(weight) = rules.policy.score.triggers.get(trigger.name) {
                weighted.indexes.push(index);
                weighted.half_lives_days.push(weight.half_life_days);
                weighted.weights.push(weight.weight);
            }
        }
        weighted
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let name = |index: &usize| REGISTRY.get(*index).map_or("", |trigger| trigger.name);
        self.indexes.iter().map(name)
    }
}

/// Firings by subscriber and time.
pub fn by_subscriber(run: &Run) -> Vec<Firing> {
    let mut firings = run.firings.clone();
    firings.sort_by_key(|firing| (firing.subscriber, firing.raised_at));
    firings
}

/// The day of the event, or the day that was closed.
pub fn judged_day(firing: &Firing, calendar: &Calendar) -> Day {
    let day = calendar.day_of(firing.raised_at);
    if firing.immediate { day } else { day - 1 }
}

/// Day and strength of the last firing of each weighted trigger.
pub struct LastFirings<'a> {
    weighted: &'a WeightedTriggers,
    last: Vec<Option<(Day, f64)>>,
}

impl<'a> LastFirings<'a> {
    /// None yet.
    pub fn new(weighted: &'a WeightedTriggers) -> Self {
        Self {
            weighted,
            last: vec![None; weighted.indexes.len()],
        }
    }

    /// Remembers a firing.
    pub fn record(&mut self, firing: &Firing, calendar: &Calendar) {
        let index = usize::from(firing.trigger);
        let mut places = self.weighted.indexes.iter();
        if let Some(at) = places.position(|known| *known == index) {
            self.last[at] = Some((judged_day(firing, calendar), f64::from(firing.strength)));
        }
    }

    /// Each strength on a day, faded by its half-life.
    pub fn features(&self, day: Day) -> Vec<f64> {
        let faded = |(last, half_life): (&Option<(Day, f64)>, &f64)| {
            last.map_or(0.0, |(fired_on, strength)| {
                let age = f64::from(day.since(fired_on).max(0));
                strength * libm::exp2(-age / half_life)
            })
        };
        let pairs = self.last.iter().zip(&self.weighted.half_lives_days);
        pairs.map(faded).collect()
    }
}

/// The logistic of the base and of each feature times its weight.
pub fn score(base: f64, weights: &[f64], features: &[f64]) -> f64 {
    let signs: f64 = features.iter().zip(weights).map(|(x, w)| x * w).sum();
    1.0 / (1.0 + libm::exp(-base - signs))
}

/// The churn score is meant to be the probability of leaving within so many days.
pub const HORIZON_DAYS: i32 = 30;

/// Visits every subscriber who has not left once in so many days, as long as the data tell who left within [`HORIZON_DAYS`]:
/// the features of the day, and whether the subscriber left within them.
pub fn sample(
    cohort: &Cohort<'_>,
    firings: &[Firing],
    weighted: &WeightedTriggers,
    every_days: i32,
    mut visit: impl FnMut(&[f64], bool),
) {
    let mut rest = firings;
    for (subscriber, person) in (0..).zip(&cohort.people) {
        let length = rest.partition_point(|firing| firing.subscriber == subscriber);
        let (mut own, others) = rest.split_at(length);
        rest = others;
        let Some(mut day) = person.from else { continue };
        let left_at = cohort.left_at(subscriber);
        let mut last = LastFirings::new(weighted);
        while day + HORIZON_DAYS <= cohort.last {
            let end = cohort.end_of(day);
            if left_at.is_some_and(|left| left <= end) {
                break;
            }
            let seen = own.partition_point(|firing| firing.raised_at <= end);
            let (now, later) = own.split_at(seen);
            own = later;
            for firing in now {
                last.record(firing, cohort.calendar);
            }
            let horizon = cohort.end_of(day + HORIZON_DAYS);
            visit(
                &last.features(day),
                left_at.is_some_and(|left| left <= horizon),
            );
            day = day + every_days;
        }
    }
}
