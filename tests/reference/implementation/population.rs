//! What the stable subscribers say together, worked out from all closed days at every question.

use super::usage::CHANNELS;
use churnwatch::engine::Rules;
use churnwatch::model::Day;

/// A subscriber who counts for the population on the day after the last close.
pub struct Stable {
    /// Events on the closed day, by channel.
    pub events: [u64; 2],
    /// What the subscriber knew of itself at the close before.
    pub level: [f64; 2],
    pub excess: [f64; 2],
    pub square: [f64; 2],
}

/// One closed day.
#[derive(Clone)]
pub struct ClosedDay {
    pub day: Day,
    pub known: bool,
    /// The weekday factor the day was predicted with.
    pub dow: [f64; 2],
    pub factor: [f64; 2],
    pub actual: [f64; 2],
    base: [f64; 2],
    dispersion: [f64; 2],
}

#[derive(Default)]
pub struct Population {
    pub days: Vec<ClosedDay>,
    /// A decision over the whole shard fell within rounding of its threshold.
    pub undecided: bool,
}

/// Days outside these say nothing about weekdays.
const ORDINARY: (f64, f64) = (0.6, 1.6);
/// Rounding the engine may be off by, relative.
const ROUNDING: f64 = 1e-5;

impl Population {
    pub fn close(&mut self, day: Day, complete: bool, stable: &[Stable], rules: &Rules) {
        let prior = rules.population.factor_prior_events;
        let sum = |figure: &dyn Fn(&Stable) -> f64| stable.iter().map(figure).sum::<f64>();
        let dow = CHANNELS.map(|c| self.dow(c, day, rules));
        let actual = CHANNELS.map(|c| sum(&|s| s.events[c] as f64));
        let base = CHANNELS.map(|c| sum(&|s| in_1024ths(s.level[c])));
        let predicted = CHANNELS.map(|c| base[c] * dow[c]);
        let bound = rules.population.outage_share * (predicted[0] + predicted[1]);
        let total = actual[0] + actual[1];
        let enough = stable.len() >= rules.population.outage_subscribers as usize;
        let outage = enough && total < bound;
        self.undecided |= enough && bound > 0.0 && near(total, bound);
        let factor = CHANNELS.map(|c| (actual[c] + prior) / (predicted[c] + prior));
        for c in CHANNELS {
            // Every level may fall into the 1024th beside.
            let off = stable.len() as f64 / 1024.0 / (predicted[c] + prior) + ROUNDING;
            let close = |bound: f64| (factor[c] - bound).abs() <= off * bound;
            self.undecided |= close(ORDINARY.0) || close(ORDINARY.1);
        }
        let dispersion = CHANNELS.map(|c| {
            let before = self.dispersion(c, rules);
            let excess = sum(&|s| in_1024ths(s.excess[c]));
            let square = sum(&|s| in_1024ths(s.square[c]));
            let inverse = (excess + prior / before) / (square + prior);
            if inverse > 0.02 { 1.0 / inverse } else { 50.0 }.clamp(0.05, 50.0)
        });
        self.days.push(ClosedDay {
            day,
            known: complete && !outage,
            dow,
            factor,
            actual,
            base,
            dispersion,
        });
    }

    pub fn day(&self, day: Day) -> Option<&ClosedDay> {
        self.days.iter().find(|closed| closed.day == day)
    }

    pub fn known(&self, day: Day) -> bool {
        self.day(day).is_some_and(|closed| closed.known)
    }

    pub fn dispersion(&self, channel: usize, rules: &Rules) -> f64 {
        let last = self.days.last();
        last.map_or(rules.baseline.dispersion, |day| day.dispersion[channel])
    }

    /// How a day's weekday compares with an average one, from the ordinary days so far.
    fn dow(&self, channel: usize, day: Day, rules: &Rules) -> f64 {
        let prior = rules.population.weekday_prior_events;
        let raw = |weekday: usize| {
            let ordinary = self.days.iter().filter(|closed| {
                let factor = closed.factor[channel];
                closed.known
                    && closed.day.weekday() == weekday
                    && (ORDINARY.0..=ORDINARY.1).contains(&factor)
            });
            // The latest counts whole, every earlier one an eighth less.
            let (mut actual, mut predicted, mut weight) = (0.0, 0.0, 1.0);
            for closed in ordinary.rev() {
                actual += weight * closed.actual[channel];
                predicted += weight * closed.base[channel];
                weight *= 0.875;
            }
            (actual + prior) / (predicted + prior)
        };
        let mean = (0..7).map(raw).sum::<f64>() / 7.0;
        raw(day.weekday()) / mean
    }
}

impl ClosedDay {
    /// The population factor for a stable subscriber, its own share in neither sum.
    pub fn factor_without(&self, c: usize, events: u64, level: f64, rules: &Rules) -> f64 {
        let prior = rules.population.factor_prior_events;
        let actual = self.actual[c] - events as f64;
        let predicted = (self.base[c] - level) * self.dow[c];
        (actual.max(0.0) + prior) / (predicted.max(0.0) + prior)
    }
}

/// Whether two figures are the same but for rounding.
pub fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= ROUNDING * b.abs()
}

fn in_1024ths(value: f64) -> f64 {
    (value * 1024.0).trunc() / 1024.0
}
