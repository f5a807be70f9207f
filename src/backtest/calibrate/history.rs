//! The inputs of the churn score over time, rebuilt from the firings of a replay.

use crate::backtest::cohort::{Cohort, Verdict};
use crate::backtest::recording::{Firing, Run};
use crate::engine::Rules;
use crate::engine::triggers::REGISTRY;
use crate::model::{Calendar, Day, Purpose, Suppression, Tier, Timestamp};

use super::fit::Sample;
use std::collections::BTreeMap;

/// Triggers that have a weight in the churn score.
pub struct WeightedTriggers {
    /// Places in the registry of triggers, in its order.
    indexes: Vec<usize>,
    half_lives_days: Vec<f64>,
    /// The weights of the rules.
    pub weights: Vec<f64>,
}

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
    /// Whether the subscriber was leaving.
    pub found: bool,
}

impl WeightedTriggers {
    /// The triggers with a weight under these rules.
    pub fn of(rules: &Rules) -> Self {
        let mut weighted = Self {
            indexes: Vec::new(),
            half_lives_days: Vec::new(),
            weights: Vec::new(),
        };
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

/// Day and strength of the last firing of each weighted trigger.
struct LastFirings(Vec<Option<(Day, f64)>>);

impl LastFirings {
    fn record(&mut self, firing: &Firing, weighted: &WeightedTriggers, calendar: &Calendar) {
        let index = usize::from(firing.trigger);
        let Some(at) = weighted.indexes.iter().position(|known| *known == index) else {
            return;
        };
        self.0[at] = Some((judged_day(firing, calendar), f64::from(firing.strength)));
    }

    /// Each strength on a day, faded by its half-life.
    fn features(&self, day: Day, weighted: &WeightedTriggers) -> Vec<f64> {
        let faded = |(memory, half_life): (&Option<(Day, f64)>, &f64)| {
            memory.map_or(0.0, |(fired_on, strength)| {
                let age = f64::from(day.since(fired_on).max(0));
                strength * libm::exp2(-age / half_life)
            })
        };
        let pairs = self.0.iter().zip(&weighted.half_lives_days);
        pairs.map(faded).collect()
    }
}

/// The day of the event, or the day that was closed.
fn judged_day(firing: &Firing, calendar: &Calendar) -> Day {
    let day = calendar.day_of(firing.raised_at);
    if firing.immediate { day } else { day - 1 }
}

/// Days between two samples of a subscriber.
const SAMPLE_DAYS: i32 = 7;
/// Faded strengths are rounded to so many steps, so that equal samples can be counted together.
const STEPS: f64 = 50.0;

/// Samples every subscriber once a week: the faded strengths, and whether the subscriber is leaving.
pub fn samples(
    cohort: &Cohort<'_>,
    firings: &[Firing],
    weighted: &WeightedTriggers,
) -> Vec<Sample> {
    let mut rows: BTreeMap<Vec<u8>, (f64, f64)> = BTreeMap::new();
    let mut rest = firings;
    for (subscriber, person) in (0..).zip(&cohort.people) {
        let length = rest.partition_point(|firing| firing.subscriber == subscriber);
        let (mut own, others) = rest.split_at(length);
        rest = others;
        let Some(mut day) = person.from else { continue };
        let mut memory = LastFirings(vec![None; weighted.indexes.len()]);
        while day <= cohort.last {
            let end = Timestamp(cohort.calendar.start_of(day.next()).0 - 1);
            let seen = own.partition_point(|firing| firing.raised_at <= end);
            let (now, later) = own.split_at(seen);
            own = later;
            for firing in now {
                memory.record(firing, weighted, cohort.calendar);
            }
            let verdict = cohort.verdict(subscriber, end, day);
            if verdict == Verdict::Late || cohort.gone(subscriber, end) {
                break;
            }
            let features = memory.features(day, weighted).into_iter();
            let key = features.map(|value| (value * STEPS).round() as u8);
            let (count, left) = rows.entry(key.collect()).or_default();
            *count += 1.0;
            *left += f64::from(u8::from(verdict == Verdict::Found));
            day = day + SAMPLE_DAYS;
        }
    }
    let sample = |(key, (count, left)): (Vec<u8>, (f64, f64))| Sample {
        features: key
            .into_iter()
            .map(|step| f64::from(step) / STEPS)
            .collect(),
        count,
        left,
    };
    rows.into_iter().map(sample).collect()
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
        let mut memory = LastFirings(vec![None; weighted.indexes.len()]);
        for firing in own {
            memory.record(firing, weighted, cohort.calendar);
            let Some(person) = cohort.person(firing.subscriber) else {
                continue;
            };
            let day = judged_day(firing, cohort.calendar);
            if !could_open(firing) || person.from.is_none_or(|from| day < from) {
                continue;
            }
            let features = memory.features(day, weighted);
            let signs: f64 = features.iter().zip(weights).map(|(x, w)| x * w).sum();
            let end = Timestamp(cohort.calendar.start_of(day.next()).0 - 1);
            let verdict = cohort.verdict(firing.subscriber, end, day);
            candidates.push(Candidate {
                subscriber: firing.subscriber,
                day,
                tier: person.tier,
                immediate: firing.immediate,
                score: 1.0 / (1.0 + libm::exp(-base - signs)),
                found: verdict == Verdict::Found,
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
