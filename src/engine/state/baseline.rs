use super::bucket::UsageChannel;
use crate::engine::codec::{Encoded, Problem, Reader, Writer, encoded};
use crate::engine::settings::BaselineRules;

/// What is ordinary for one subscriber in one channel (behaviour: Expectation): a moving average of daily events with
/// weekday and population taken out, and how irregular they are.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Baseline {
    /// Events a day: b of the specification.
    level: f32,
    /// Moving average of (x - mu)^2 - mu: the variance beyond Poisson.
    excess: f32,
    /// Moving average of mu^2.
    square: f32,
    /// Days learnt, held when they reach the memory's length.
    days: u16,
}

encoded!(Baseline {
    level,
    excess,
    square,
    days,
});

/// The baselines of all channels, in 28 bytes: one behind the other they would leave 4 of 32 unused.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Baselines {
    level: [f32; UsageChannel::COUNT],
    excess: [f32; UsageChannel::COUNT],
    square: [f32; UsageChannel::COUNT],
    days: [u16; UsageChannel::COUNT],
}

impl Baselines {
    /// The baseline of a channel.
    pub fn of(&self, channel: UsageChannel) -> Baseline {
        let c = channel as usize;
        Baseline {
            level: self.level[c],
            excess: self.excess[c],
            square: self.square[c],
            days: self.days[c],
        }
    }

    /// Those of all channels.
    pub fn all(&self) -> [Baseline; UsageChannel::COUNT] {
        UsageChannel::ALL.map(|channel| self.of(channel))
    }

    /// Puts another in the place of a channel's.
    pub fn set(&mut self, channel: UsageChannel, baseline: Baseline) {
        let c = channel as usize;
        self.level[c] = baseline.level;
        self.excess[c] = baseline.excess;
        self.square[c] = baseline.square;
        self.days[c] = baseline.days;
    }
}

impl Encoded for Baselines {
    fn put(&self, to: &mut Writer) {
        self.all().put(to);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
        let mut baselines = Self::default();
        for channel in UsageChannel::ALL {
            baselines.set(channel, Baseline::get(from)?);
        }
        Ok(baselines)
    }
}

/// Below this share of an ordinary day there is too little to learn from.
const LEARNABLE: f64 = 0.25;
/// The first days only settle the level; residuals against it mean nothing yet.
const SETTLED_DAYS: u16 = 3;
/// Bounds of the dispersion k.
const DISPERSION: std::ops::RangeInclusive<f64> = 0.05..=50.0;

impl Baseline {
    /// Events expected on a day with ordinary weekday and population factors.
    pub fn level(&self) -> f64 {
        f64::from(self.level)
    }

    /// Variance beyond Poisson and squared mean, for the population's pool.
    pub fn spread(&self) -> (f64, f64) {
        (f64::from(self.excess), f64::from(self.square))
    }

    /// Takes a day of `events` into the average; `share` is that day's weekday factor times population factor.
    pub fn learn(&mut self, events: u32, share: f64, rules: &BaselineRules) {
        if share < LEARNABLE {
            return;
        }
        let events = f64::from(events);
        let memory = rules.memory_days.clamp(1.0, f64::from(u16::MAX - 1));
        if f64::from(self.days) < memory {
            self.days += 1;
        }
        let alpha = (1.0 / f64::from(self.days)).max(1.0 / memory);
        let level = self.level();
        if self.days > SETTLED_DAYS {
            let mu = level * share;
            let excess = (events - mu) * (events - mu) - mu;
            self.excess += (alpha * (excess - f64::from(self.excess))) as f32;
            self.square += (alpha * (mu * mu - f64::from(self.square))) as f32;
        }
        self.level = (level + alpha * (events / share - level)) as f32;
    }

    /// Dispersion k of the negative binomial, the subscriber's own shrunk to the population's.
    pub fn dispersion(&self, population: f64, rules: &BaselineRules) -> f64 {
        let days = f64::from(self.days.saturating_sub(SETTLED_DAYS));
        let own = match self.square > 0.0 {
            true => (f64::from(self.excess) / f64::from(self.square)).max(0.0),
            false => 0.0,
        };
        let prior = rules.dispersion_prior_days.max(1.0);
        let inverse = (days * own + prior / population) / (days + prior);
        (1.0 / inverse.max(f64::MIN_POSITIVE)).clamp(*DISPERSION.start(), *DISPERSION.end())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> BaselineRules {
        BaselineRules {
            memory_days: 30.0,
            lag_days: 7,
            dispersion: 0.9,
            dispersion_prior_days: 30.0,
            after_bar_days: 3,
            absence_below: 0.15,
        }
    }

    #[test]
    fn the_level_is_the_mean_at_first_and_a_moving_average_later() {
        let mut baseline = Baseline::default();
        for events in [2, 4, 6, 8] {
            baseline.learn(events, 1.0, &rules());
        }
        assert_eq!(baseline.level(), 5.0);
        for _ in 0..400 {
            baseline.learn(10, 2.0, &rules());
        }
        assert!((baseline.level() - 5.0).abs() < 1e-3);
        let before = baseline;
        baseline.learn(0, 0.1, &rules());
        assert_eq!(baseline, before);
    }

    #[test]
    fn irregular_lines_have_a_small_dispersion() {
        let learn = |days: [u32; 4]| {
            let mut baseline = Baseline::default();
            for events in days.iter().cycle().take(200) {
                baseline.learn(*events, 1.0, &rules());
            }
            baseline.dispersion(0.9, &rules())
        };
        let (steady, bursty) = (learn([5, 5, 5, 5]), learn([0, 0, 0, 20]));
        assert!(bursty < 0.9 && 0.9 < steady, "{bursty} {steady}");
    }
}
