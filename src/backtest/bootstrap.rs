use super::exact::share_bounds;
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
    /// 2.5 % lie below.
    pub low: Option<f64>,
    /// 2.5 % lie above.
    pub high: Option<f64>,
    /// The denominator, or the number of values.
    pub count: u64,
}

/// A ratio with fewer cases than this, counted or not, has an exact interval: draws from so few repeat them, and of none
/// they say nothing.
const EXACT_BELOW: u64 = 10;
/// Shares and quantiles of fewer cases are not printed, and such quantiles have no interval: chance alone decides them.
pub const FEW: u64 = 20;
/// Chance of a value beyond each bound.
pub const MISS: f64 = 0.025;

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
    for ((estimate, figure), mut draws) in estimates.iter_mut().zip(figures).zip(draws) {
        draws.sort_by(f64::total_cmp);
        let drawn = (quantile(&draws, MISS), quantile(&draws, 1.0 - MISS));
        let exact = figure.exact_bounds(estimate.count);
        (estimate.low, estimate.high) = match (figure, exact) {
            _ if draws.is_empty() => (None, None),
            (Figure::Quantile { .. }, _) if estimate.count < FEW => (None, None),
            (_, Some((low, high))) => (Some(low), Some(high)),
            _ => drawn,
        };
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

    /// The exact bounds of a ratio with few cases.
    fn exact_bounds(&self, among: u64) -> Option<(f64, f64)> {
        let Self::Ratio { of, scale, .. } = self else {
            return None;
        };
        let hits: u64 = of.iter().map(|(_, n)| u64::from(*n)).sum();
        let fewest = hits.min(among.checked_sub(hits)?);
        (fewest < EXACT_BELOW).then(|| {
            let (low, high) = share_bounds(hits, among, MISS);
            (scale * low, scale * high)
        })
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
    #[test]
    fn few_cases_have_exact_intervals() {
        let all: SubscriberCounts = (0..2_000).map(|subscriber| (subscriber, 1)).collect();
        let share = |hits: usize, among: usize| Figure::Ratio {
            of: all[..hits].to_vec(),
            among: Denominator::Own(all[..among].to_vec()),
            scale: 1.0,
        };
        let few = Figure::Quantile {
            values: (0..19).map(|subscriber| (1.0, subscriber)).collect(),
            share: 0.5,
        };
        let figures = [share(2, 2), share(0, 1_000), share(500, 1_000), few];
        let found = estimate(&figures, &[], 2_000, 200, &mut Chance::new(7, 1));
        let bounds = |place: usize| (found[place].low.unwrap(), found[place].high.unwrap());
        assert!((bounds(0).0 - 0.158).abs() < 1e-3 && bounds(0).1 == 1.0);
        assert!(bounds(1).0 == 0.0 && (bounds(1).1 - 0.00368).abs() < 1e-5);
        assert!((0.46..0.48).contains(&bounds(2).0), "{:?}", bounds(2));
        assert_eq!((found[3].value, found[3].low), (Some(1.0), None));
        let without = estimate(&figures, &[], 2_000, 0, &mut Chance::new(7, 1));
        assert!(without.iter().all(|estimate| estimate.low.is_none()));
    }
}
