//! Which threshold to take.

use super::Calibration;
use std::cmp::Reverse;

/// How many more leaving subscribers one threshold reaches in time than another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gain {
    /// Reached by the one alone, less those reached by the other alone.
    pub more: i64,
    /// Standard error of that, if both reach equally many: the square root of how many are reached by one of them alone
    /// (McNemar 1947).
    pub error: f64,
}

/// A gain is clear if it is more than so many standard errors: of seven thresholds that reach as many as the rules', one
/// would pass in less than one of twenty cases.
const CLEAR_ERRORS: f64 = 2.5;

impl Gain {
    /// The gain of one threshold over another.
    pub fn of(one: &Calibration, other: &Calibration) -> Self {
        let gained = one.reached.difference(&other.reached).count();
        let lost = other.reached.difference(&one.reached).count();
        Self {
            more: gained as i64 - lost as i64,
            error: libm::sqrt((gained + lost) as f64),
        }
    }

    /// Whether it is more than chance gives.
    pub fn is_clear(self) -> bool {
        self.more as f64 > CLEAR_ERRORS * self.error
    }
}

/// The place of the threshold to take. The threshold of the rules, at `given`, stays unless another clearly reaches more. Of
/// several such thresholds the one that reaches the most is taken; of equal ones, the one with the fewest tasks.
pub fn choose(tried: &[Calibration], given: usize) -> usize {
    let Some(rules) = tried.get(given) else {
        return given;
    };
    let tasks = |one: &Calibration| -> usize { one.burdens.iter().map(|tier| tier.count).sum() };
    let better = (0..tried.len()).filter(|place| {
        let one = tried.get(*place);
        one.is_some_and(|one| Gain::of(one, rules).is_clear())
    });
    let best = better.max_by_key(|place| {
        let one = tried.get(*place);
        one.map(|one| (one.reached.len(), Reverse(tasks(one))))
    });
    best.unwrap_or(given)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backtest::report::Point;
    use std::collections::BTreeMap;

    fn reaching(subscribers: std::ops::Range<u32>) -> Calibration {
        Calibration {
            base: -4.0,
            weights: Vec::new(),
            severity: (0.1, 0.5),
            burdens: Vec::new(),
            reached: subscribers.collect(),
            leaving: 200,
            alarms: Point {
                cut: 1.0,
                alarms_per_1000_30d: 0.0,
                false_alarms_per_1000_30d: 0.0,
                precision: 0.0,
                kinds: BTreeMap::new(),
            },
            samples: (0.0, 0.0),
        }
    }

    #[test]
    fn the_threshold_of_the_rules_stays_unless_another_is_clearly_better() {
        let rules = reaching(0..100);
        // Six more and none less are no more than 2.5 times their error; seven are.
        for (other, more, error, clear) in [
            (reaching(0..100), 0, 0.0, false),
            (reaching(0..106), 6, 6.0_f64.sqrt(), false),
            (reaching(0..107), 7, 7.0_f64.sqrt(), true),
            (reaching(20..130), 10, 50.0_f64.sqrt(), false),
            (reaching(5..100), -5, 5.0_f64.sqrt(), false),
        ] {
            let gain = Gain::of(&other, &rules);
            assert_eq!(
                (gain.more, gain.error, gain.is_clear()),
                (more, error, clear)
            );
            let tried = [other, rules.clone()];
            assert_eq!(choose(&tried, 1), usize::from(!clear));
        }
        let tried = [reaching(0..110), reaching(0..120), reaching(0..109), rules];
        assert_eq!(choose(&tried, 3), 1);
    }
}
