//! Chance: one ChaCha8 stream per (seed, subscriber, day, purpose), and the distributions the city draws from.
//!
//! Every draw depends on those four numbers and on nothing else, so subscribers do not disturb one another and no
//! generator has to be kept between days. All float functions come from `libm`: the same bytes on every machine.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// What a stream is used for; two purposes never share draws.
#[derive(Debug, Clone, Copy)]
pub enum Purpose {
    /// Who the subscriber is.
    Traits = 1,
    /// What the subscriber does on a day.
    Behaviour = 2,
    /// What happens to the records on their way here.
    Faults = 3,
    /// Which records a mediation outage loses.
    Outage = 4,
    /// What happens to whole mediation files on a day.
    Files = 5,
    /// What becomes of a task.
    Outcomes = 6,
    /// What the subscriber orders on a day.
    Orders = 7,
}

/// A source of draws.
pub struct Dice {
    source: ChaCha8Rng,
    /// The second half of the last pair of normal draws.
    spare_normal: Option<f64>,
}

impl Dice {
    /// The stream of one subscriber (or mediation switch), day and purpose.
    pub fn new(seed: u64, who: u32, day: u16, purpose: Purpose) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        let mut source = ChaCha8Rng::from_seed(key);
        source.set_stream(u64::from(who) << 32 | u64::from(day) << 16 | purpose as u64);
        Self {
            source,
            spare_normal: None,
        }
    }

    /// Any 32 bits.
    pub fn bits(&mut self) -> u32 {
        self.source.next_u32()
    }

    /// Uniform, 0 and 1 both excluded.
    pub fn unit(&mut self) -> f64 {
        (f64::from(self.bits()) + 0.5) / 4_294_967_296.0
    }

    /// Uniform in `0..n`; 0 if `n` is 0.
    pub fn below(&mut self, n: u32) -> u32 {
        ((u64::from(self.bits()) * u64::from(n)) >> 32) as u32
    }

    /// Uniform in `low..=high`.
    pub fn between(&mut self, low: u32, high: u32) -> u32 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// Uniform in `low..high`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform between two bounds.
    pub fn within(&mut self, [low, high]: [f64; 2]) -> f64 {
        self.uniform(low, high)
    }

    /// Days, uniform from the first to the second number, both included.
    pub fn days(&mut self, [fewest, most]: [u32; 2]) -> i32 {
        self.between(fewest, most) as i32
    }

    /// True with a probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of a list, all equally likely. The list must not be empty.
    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u32) as usize]
    }

    /// Standard normal.
    pub fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare_normal.take() {
            return spare;
        }
        let radius = libm::sqrt(-2.0 * libm::log(self.unit()));
        let (sine, cosine) = libm::sincos(std::f64::consts::TAU * self.unit());
        self.spare_normal = Some(radius * sine);
        radius * cosine
    }

    /// Log-normal with a median and the standard deviation of its logarithm.
    pub fn log_normal(&mut self, median: f64, sigma: f64) -> f64 {
        median * libm::exp(sigma * self.normal())
    }

    /// Exponential with a mean.
    pub fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(self.unit())
    }

    /// Gamma with mean 1 and a shape (Marsaglia and Tsang); the variance is `1 / shape`.
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let lifted = self.gamma(shape + 1.0) * (shape + 1.0);
            return lifted * libm::pow(self.unit(), 1.0 / shape) / shape;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / libm::sqrt(9.0 * d);
        loop {
            let normal = self.normal();
            let root = 1.0 + c * normal;
            if root <= 0.0 {
                continue;
            }
            let cube = root * root * root;
            let accept = 0.5 * normal * normal + d - d * cube + d * libm::log(cube);
            if libm::log(self.unit()) < accept {
                return d * cube / shape;
            }
        }
    }

    /// Poisson with a mean.
    pub fn poisson(&mut self, mean: f64) -> u32 {
        // By inversion in steps small enough that exp(-step) keeps its precision.
        const STEP: f64 = 30.0;
        let mut left = mean;
        let mut count = 0;
        while left > 0.0 {
            let step = if left > STEP { STEP } else { left };
            left -= step;
            let mut term = libm::exp(-step);
            let mut target = self.unit() - term;
            let mut n = 0;
            while target > 0.0 && n < 200 {
                n += 1;
                term *= step / f64::from(n);
                target -= term;
            }
            count += n;
        }
        count
    }
}

/// A well-mixed number from a number, for values that need no stream of their own.
pub const fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(mut draw: impl FnMut() -> f64) -> (f64, f64) {
        let draws: Vec<f64> = (0..40_000).map(|_| draw()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let square = |x: &f64| (x - mean) * (x - mean);
        (
            mean,
            draws.iter().map(square).sum::<f64>() / draws.len() as f64,
        )
    }

    fn near(found: (f64, f64), mean: f64, variance: f64) {
        assert!((found.0 / mean - 1.0).abs() < 0.03, "{found:?}");
        assert!((found.1 / variance - 1.0).abs() < 0.06, "{found:?}");
    }

    #[test]
    fn distributions_have_their_moments() {
        let mut dice = Dice::new(1, 2, 3, Purpose::Behaviour);
        near(moments(|| dice.gamma(0.4)), 1.0, 2.5);
        near(moments(|| dice.gamma(3.0)), 1.0, 1.0 / 3.0);
        near(moments(|| f64::from(dice.poisson(0.3))), 0.3, 0.3);
        near(moments(|| f64::from(dice.poisson(75.0))), 75.0, 75.0);
        near(moments(|| dice.exponential(5.0)), 5.0, 25.0);
        near(moments(|| 10.0 + dice.normal()), 10.0, 1.0);
        near(moments(|| f64::from(dice.below(10))), 4.5, 8.25);
    }

    #[test]
    fn streams_differ_in_every_coordinate() {
        let first = |seed, who, day, purpose| Dice::new(seed, who, day, purpose).source.next_u64();
        let base = first(1, 1, 1, Purpose::Traits);
        assert_eq!(base, first(1, 1, 1, Purpose::Traits));
        for other in [
            first(2, 1, 1, Purpose::Traits),
            first(1, 2, 1, Purpose::Traits),
            first(1, 1, 2, Purpose::Traits),
            first(1, 1, 1, Purpose::Faults),
        ] {
            assert_ne!(base, other);
        }
    }

    /// The stream itself is a promise: changing it changes every published file.
    #[test]
    fn the_stream_is_pinned() {
        let mut dice = Dice::new(7, 0, 0, Purpose::Traits);
        let draws = [dice.bits(), dice.bits(), dice.bits()];
        assert_eq!(draws, [679_367_822, 4_013_071_513, 2_892_808_201]);
    }
}
