use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

/// Random numbers, with a stream of their own for each purpose.
pub struct Chance(ChaCha8Rng);

impl Chance {
    /// The stream of one purpose.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut source = ChaCha8Rng::seed_from_u64(seed);
        source.set_stream(purpose);
        Self(source)
    }

    /// Uniform in `0..n`; 0 if `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.0.next_u64()) * n as u128) >> 64) as usize
    }
}

/// A count for each subscriber who has any.
pub type SubscriberCounts = Vec<(u32, u32)>;

/// A figure that can be computed again with the subscribers drawn in other numbers.
#[derive(Debug, Clone)]
pub enum Figure {
    /// One sum over another, times a scale.
    Ratio {
        /// The numerator.
        of: SubscriberCounts,
        /// The denominator.
        among: Denominator,
        /// Factor for the unit.
        scale: f64,
    },
    /// A quantile of values, each of a subscriber.
    Quantile {
        /// In rising order.
        values: Vec<(f64, u32)>,
        /// 0..1.
        share: f64,
    },
}

/// A denominator.
#[derive(Debug, Clone)]
pub enum Denominator {
    /// The figure's own.
    Own(SubscriberCounts),
    /// One that many figures share, as an index.
    Shared(usize),
}

/// A figure's value, and the bounds of its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Estimate {
    /// Nothing where nothing was counted.
    pub value: Option<f64>,
    /// 2.5 % of the draws lie below.
    pub low: Option<f64>,
    /// 2.5 % of the draws lie above.
    pub high: Option<f64>,
    /// The denominator, or the number of values.
    pub count: u64,
}

/// Estimates every figure, with an interval from `replicates` draws of all subscribers, with replacement. Whole subscribers
/// are drawn because the alarms of one subscriber are not independent.
pub fn estimate(
    figures: &[Figure],
    shared: &[SubscriberCounts],
    subscribers: usize,
    replicates: u32,
    chance: &mut Chance,
) -> Vec<Estimate> {
    let ones = vec![1; subscribers];
    let sums = sums(shared, &ones);
    let mut estimates: Vec<Estimate> = figures
        .iter()
        .map(|figure| Estimate {
            value: figure.value(&sums, &ones),
            count: figure.count(&sums),
            ..Estimate::default()
        })
        .collect();
    let mut draws: Vec<Vec<f64>> = vec![Vec::new(); figures.len()];
    let mut weights = vec![0; subscribers];
    for _ in 0..replicates {
        weights.fill(0_u8);
        for _ in 0..subscribers {
            let drawn = &mut weights[chance.below(subscribers)];
            *drawn = drawn.saturating_add(1);
        }
        let sums = self::sums(shared, &weights);
        for (figure, draws) in figures.iter().zip(&mut draws) {
            draws.extend(figure.value(&sums, &weights));
        }
    }
    for (estimate, mut draws) in estimates.iter_mut().zip(draws) {
        draws.sort_by(f64::total_cmp);
        estimate.low = quantile(&draws, 0.025);
        estimate.high = quantile(&draws, 0.975);
    }
    estimates
}

fn sums(counts: &[SubscriberCounts], weights: &[u8]) -> Vec<u64> {
    counts.iter().map(|counts| sum(counts, weights)).collect()
}

fn sum(counts: &SubscriberCounts, weights: &[u8]) -> u64 {
    let weigh = |(subscriber, n): &(u32, u32)| {
        let weight = weights.get(*subscriber as usize).copied();
        u64::from(*n) * u64::from(weight.unwrap_or_default())
    };
    counts.iter().map(weigh).sum()
}

/// A quantile of values in rising order.
pub fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let index = libm::floor(share * values.len() as f64) as usize;
    values.get(index.min(values.len().checked_sub(1)?)).copied()
}

impl Figure {
    fn count(&self, sums: &[u64]) -> u64 {
        match self {
            Self::Ratio { among, .. } => match among {
                Denominator::Own(counts) => counts.iter().map(|(_, n)| u64::from(*n)).sum(),
                Denominator::Shared(index) => sums.get(*index).copied().unwrap_or_default(),
            },
            Self::Quantile { values, .. } => values.len() as u64,
        }
    }

    fn value(&self, sums: &[u64], weights: &[u8]) -> Option<f64> {
        match self {
            Self::Ratio { of, among, scale } => {
                let among = match among {
                    Denominator::Own(counts) => sum(counts, weights),
                    Denominator::Shared(index) => sums.get(*index).copied()?,
                };
                (among > 0).then(|| scale * sum(of, weights) as f64 / among as f64)
            }
            Self::Quantile { values, share } => {
                let weight = |subscriber: u32| {
                    let weight = weights.get(subscriber as usize).copied();
                    u64::from(weight.unwrap_or_default())
                };
                let all: u64 = values.iter().map(|(_, s)| weight(*s)).sum();
                let mut left = libm::floor(share * all as f64) as u64;
                let mut last = None;
                for (value, subscriber) in values {
                    let weight = weight(*subscriber);
                    if weight > 0 {
                        last = Some(*value);
                    }
                    if left < weight {
                        break;
                    }
                    left -= weight;
                }
                last
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half() -> Figure {
        Figure::Ratio {
            of: vec![(0, 1), (1, 1)],
            among: Denominator::Own(vec![(0, 1), (1, 1), (2, 1), (3, 1)]),
            scale: 100.0,
        }
    }

    #[test]
    fn values_are_those_of_everybody_once() {
        let quantile = |share| Figure::Quantile {
            values: vec![(1.0, 0), (2.0, 1), (3.0, 1), (9.0, 3)],
            share,
        };
        let rate = Figure::Ratio {
            of: vec![(2, 3)],
            among: Denominator::Shared(0),
            scale: 1.0,
        };
        let nothing = Figure::Ratio {
            of: vec![],
            among: Denominator::Own(vec![]),
            scale: 1.0,
        };
        let figures = [half(), quantile(0.5), quantile(0.1), rate, nothing];
        let shared = vec![vec![(0, 2), (2, 4)]];
        let found = estimate(&figures, &shared, 4, 200, &mut Chance::new(1, 1));
        let values: Vec<_> = found.iter().map(|e| e.value).collect();
        assert_eq!(values, [Some(50.0), Some(3.0), Some(1.0), Some(0.5), None]);
        let counts: Vec<_> = found.iter().map(|e| e.count).collect();
        assert_eq!(counts, [4, 4, 4, 6, 0]);
        assert_eq!((found[4].low, found[4].high), (None, None));
    }

    #[test]
    fn intervals_hold_the_value_and_follow_the_seed() {
        // 400 subscribers, every second of them counted: the standard error is 2.5 %.
        let figure = Figure::Ratio {
            of: (0..400).step_by(2).map(|s| (s, 1)).collect(),
            among: Denominator::Own((0..400).map(|s| (s, 1)).collect()),
            scale: 1.0,
        };
        let run = |seed| {
            estimate(
                std::slice::from_ref(&figure),
                &[],
                400,
                400,
                &mut Chance::new(seed, 1),
            )[0]
        };
        let found = run(7);
        let (low, high) = (found.low.unwrap(), found.high.unwrap());
        assert!((0.43..0.47).contains(&low), "{low}");
        assert!((0.53..0.57).contains(&high), "{high}");
        assert_eq!(run(7), run(7));
        assert_ne!(run(7), run(8));
    }
}
