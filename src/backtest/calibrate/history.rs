//! What the score saw of one subscriber, rebuilt from the firings of a replay.

use crate::backtest::ground::{Ground, Verdict};
use crate::backtest::replay::{Firing, Run};
use crate::engine::Rules;
use crate::engine::triggers::REGISTRY;
use crate::model::{Calendar, Day, Purpose, Suppression, Tier, Timestamp};

use super::fit::Sample;
use std::collections::BTreeMap;

/// Triggers that have a weight in the churn score.
pub struct Weighted {
    /// Places in the registry of triggers, in its order.
    places: Vec<usize>,
    half_lives_days: Vec<f64>,
    /// The weights of the rules.
    pub weights: Vec<f64>,
}

/// A signal that could open a task.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Candidate {
    /// Whose, by number in the roster.
    pub subscriber: u32,
    /// Local day.
    pub day: Day,
    /// Tier of the subscriber.
    pub tier: Tier,
    /// Whether the least score does not concern it.
    pub immediate: bool,
    /// The churn score with the signal in it.
    pub score: f64,
    /// Whether the subscriber was leaving.
    pub found: bool,
}

impl Weighted {
    /// The triggers that count under some rules.
    pub fn of(rules: &Rules) -> Self {
        let mut weighted = Self {
            places: Vec::new(),
            half_lives_days: Vec::new(),
            weights: Vec::new(),
        };
        for (place, trigger) in REGISTRY.iter().enumerate() {
            if let Some(weight) = rules.policy.score.triggers.get(trigger.name) {
                weighted.places.push(place);
                weighted.half_lives_days.push(weight.half_life_days);
                weighted.weights.push(weight.weight);
            }
        }
        weighted
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        let name = |place: &usize| REGISTRY.get(*place).map_or("", |trigger| trigger.name);
        self.places.iter().map(name)
    }
}

/// Firings by subscriber and time.
pub fn by_subscriber(run: &Run) -> Vec<Firing> {
    let mut firings = run.firings.clone();
    firings.sort_by_key(|firing| (firing.subscriber, firing.raised_at));
    firings
}

/// The last firing of each weighted trigger.
struct Remembered(Vec<Option<(Day, f64)>>);

impl Remembered {
    fn note(&mut self, firing: &Firing, weighted: &Weighted, calendar: &Calendar) {
        let place = usize::from(firing.trigger);
        let Some(at) = weighted.places.iter().position(|known| *known == place) else {
            return;
        };
        self.0[at] = Some((judged_day(firing, calendar), f64::from(firing.strength)));
    }

    /// What is left of each strength on a day.
    fn features(&self, day: Day, weighted: &Weighted) -> Vec<f64> {
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

/// The day a firing is about: that of its event, or the one that was closed.
fn judged_day(firing: &Firing, calendar: &Calendar) -> Day {
    let day = calendar.day_of(firing.raised_at);
    if firing.immediate { day } else { day - 1 }
}

/// Days between two looks at everybody.
const LOOK_DAYS: i32 = 7;
/// What is left of a strength is taken to this many steps, so that rows fall together.
const STEPS: f64 = 50.0;

/// Looks at every subscriber once a week: what the triggers remember, and whether the subscriber is leaving.
pub fn samples(ground: &Ground<'_>, firings: &[Firing], weighted: &Weighted) -> Vec<Sample> {
    let mut rows: BTreeMap<Vec<u8>, (f64, f64)> = BTreeMap::new();
    let mut rest = firings;
    for (subscriber, person) in (0..).zip(&ground.people) {
        let length = rest.partition_point(|firing| firing.subscriber == subscriber);
        let (mut own, others) = rest.split_at(length);
        rest = others;
        let Some(mut day) = person.from else { continue };
        let mut memory = Remembered(vec![None; weighted.places.len()]);
        while day <= ground.last {
            let end = Timestamp(ground.calendar.start_of(day.next()).0 - 1);
            let seen = own.partition_point(|firing| firing.raised_at <= end);
            let (now, later) = own.split_at(seen);
            own = later;
            for firing in now {
                memory.note(firing, weighted, ground.calendar);
            }
            let verdict = ground.verdict(subscriber, end, day);
            if verdict == Verdict::Late || ground.gone(subscriber, end) {
                break;
            }
            let features = memory.features(day, weighted).into_iter();
            let key = features.map(|value| (value * STEPS).round() as u8);
            let (count, left) = rows.entry(key.collect()).or_default();
            *count += 1.0;
            *left += f64::from(u8::from(verdict == Verdict::Found));
            day = day + LOOK_DAYS;
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

/// The signals that could open a task, with their scores under some weights.
pub fn candidates(
    ground: &Ground<'_>,
    firings: &[Firing],
    weighted: &Weighted,
    base: f64,
    weights: &[f64],
) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for own in firings.chunk_by(|one, next| one.subscriber == next.subscriber) {
        let mut memory = Remembered(vec![None; weighted.places.len()]);
        for firing in own {
            memory.note(firing, weighted, ground.calendar);
            let Some(person) = ground.person(firing.subscriber) else {
                continue;
            };
            let day = judged_day(firing, ground.calendar);
            if !could_open(firing) || person.from.is_none_or(|from| day < from) {
                continue;
            }
            let features = memory.features(day, weighted);
            let signs: f64 = features.iter().zip(weights).map(|(x, w)| x * w).sum();
            let end = Timestamp(ground.calendar.start_of(day.next()).0 - 1);
            let verdict = ground.verdict(firing.subscriber, end, day);
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

/// Whether a signal is one of churn that the policy may take up: only an open task or the score may stand against it.
fn could_open(firing: &Firing) -> bool {
    let registered = REGISTRY.get(usize::from(firing.trigger));
    let churn = registered.is_some_and(|trigger| trigger.purpose == Purpose::Churn);
    let in_the_way = [Suppression::TaskOpen, Suppression::LowScore];
    churn
        && firing
            .suppressed
            .is_none_or(|why| in_the_way.contains(&why))
}
