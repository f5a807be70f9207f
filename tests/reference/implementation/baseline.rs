//! What is ordinary for one subscriber in one channel, from all days it was ever taught.

use churnwatch::engine::Rules;

/// A day the baseline was taught.
#[derive(Clone, Copy)]
pub struct Lesson {
    pub events: u64,
    /// Weekday factor times population factor.
    pub share: f64,
}

#[derive(Clone, Copy, Default)]
pub struct Baseline {
    pub level: f64,
    pub excess: f64,
    pub square: f64,
    settled_days: f64,
}

/// Days with less than this share teach nothing.
pub const LEARNABLE: f64 = 0.25;

impl Baseline {
    pub fn of(lessons: &[Lesson], rules: &Rules) -> Self {
        let memory = rules.baseline.memory_days;
        let mut baseline = Self::default();
        let learnable = lessons.iter().filter(|l| l.share >= LEARNABLE);
        for (index, lesson) in learnable.enumerate() {
            let alpha = f64::max(1.0 / (index + 1) as f64, 1.0 / memory);
            let events = lesson.events as f64;
            if index >= 3 {
                let mu = baseline.level * lesson.share;
                let excess = (events - mu).powi(2) - mu;
                baseline.excess += alpha * (excess - baseline.excess);
                baseline.square += alpha * (mu * mu - baseline.square);
                baseline.settled_days = f64::min((index - 2) as f64, memory.ceil() - 3.0);
            }
            baseline.level += alpha * (events / lesson.share - baseline.level);
        }
        baseline
    }

    /// k, the subscriber's own drawn to the population's.
    pub fn dispersion(&self, population: f64, rules: &Rules) -> f64 {
        let prior = rules.baseline.dispersion_prior_days;
        let own = if self.square > 0.0 {
            f64::max(self.excess / self.square, 0.0)
        } else {
            0.0
        };
        let days = self.settled_days;
        let inverse = (days * own + prior / population) / (days + prior);
        (1.0 / inverse).clamp(0.05, 50.0)
    }
}
