//! Two groups compared: how many of those with a task left, and how many of those without.

use super::{Tier, Timestamp};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// Days after which it is seen who has left.
pub const HORIZON_DAYS: [u16; 2] = [30, 60];

/// Subscribers of one group who are, or were, followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Followed {
    /// All of them.
    pub entered: u64,
    /// What became of them, by [`HORIZON_DAYS`].
    pub horizons: [Fates; HORIZON_DAYS.len()],
}

/// What had become of those followed when a horizon was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Fates {
    /// Still subscribers.
    pub stayed: u64,
    /// Not any more.
    pub left: u64,
    /// Nothing can be learnt of them: erased, the number of somebody else, or changed over to the other group.
    pub dropped: u64,
}

/// All that one partition has counted in one region.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpliftCounts {
    /// The partition.
    pub partition: u32,
    /// Region path; empty for subscribers of no known region.
    pub region: String,
    /// Up to when.
    pub as_of: Timestamp,
    /// By the first reason and tier.
    pub rows: Vec<UpliftRow>,
}

/// Both groups of one trigger and tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpliftRow {
    /// The first reason.
    pub trigger: Cow<'static, str>,
    /// Who should act.
    pub tier: Tier,
    /// Those with a task.
    pub with_task: Followed,
    /// Those held out.
    pub held_out: Followed,
}

/// A share: so many of so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// Those who left.
    pub left: u64,
    /// All who were followed to the end.
    pub followed: u64,
}

/// Two groups compared at one horizon.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Comparison {
    /// How many of 1 more would leave without tasks; nothing while a group is empty.
    pub difference: Option<Difference>,
    /// What may be said of it.
    pub verdict: Verdict,
}

/// A difference of two shares, with the interval that holds the true one in 95 of 100 cases.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// As counted: the share that left of those held out, less that of those with a task.
    pub value: f64,
    /// At least.
    pub low: f64,
    /// At most.
    pub high: f64,
}

/// What a comparison says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Nothing yet: the numbers are too small.
    TooFew,
    /// The interval holds zero: tasks may achieve nothing.
    Unclear,
    /// Fewer leave with a task.
    Keeps,
    /// More leave with a task.
    DrivesAway,
}

/// Fewest in each group, and fewest who left in both together, for anything to be said.
const FOLLOWED_MIN: u64 = 100;
const LEFT_MIN: u64 = 10;
/// The normal quantile of intervals that miss one time in 20.
const Z: f64 = 1.959_963_984_540_054;

impl Verdict {
    /// Its name in records and on pages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::TooFew => "too_few",
            Self::Unclear => "unclear",
            Self::Keeps => "keeps",
            Self::DrivesAway => "drives_away",
        }
    }
}

impl Fates {
    /// Those who were followed to the end.
    pub fn followed(&self) -> u64 {
        self.stayed.saturating_add(self.left)
    }
}

impl Followed {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.entered = self.entered.saturating_add(other.entered);
        for (sum, fates) in self.horizons.iter_mut().zip(&other.horizons) {
            sum.stayed = sum.stayed.saturating_add(fates.stayed);
            sum.left = sum.left.saturating_add(fates.left);
            sum.dropped = sum.dropped.saturating_add(fates.dropped);
        }
    }

    /// Those of whom it is not known yet what becomes of them by a horizon; nothing if the counts contradict each other.
    pub fn unfinished(&self, horizon: usize) -> Option<u64> {
        let fates = self.horizons.get(horizon)?;
        let known = fates.stayed.checked_add(fates.left)?;
        self.entered.checked_sub(known.checked_add(fates.dropped)?)
    }

    /// How many of those followed to the end of a horizon left.
    pub fn share(&self, horizon: usize) -> Share {
        let fates = self.horizons.get(horizon).copied().unwrap_or_default();
        Share {
            left: fates.left,
            followed: fates.followed(),
        }
    }
}

impl Comparison {
    /// Compares two groups.
    pub fn new(with_task: Share, held_out: Share) -> Self {
        let difference = Difference::between(held_out, with_task);
        let small = with_task.followed.min(held_out.followed) < FOLLOWED_MIN
            || with_task.left.saturating_add(held_out.left) < LEFT_MIN;
        let verdict = match difference {
            Some(difference) if !small && difference.low > 0.0 => Verdict::Keeps,
            Some(difference) if !small && difference.high < 0.0 => Verdict::DrivesAway,
            Some(_) if !small => Verdict::Unclear,
            _ => Verdict::TooFew,
        };
        Self {
            difference,
            verdict,
        }
    }
}

impl Difference {
    /// One share less another (Newcombe 1998, method 10: from the Wilson intervals of both).
    fn between(a: Share, b: Share) -> Option<Self> {
        let ((p, p_low, p_high), (q, q_low, q_high)) = (a.wilson()?, b.wilson()?);
        let away = |a: f64, b: f64| (a * a + b * b).sqrt();
        let value = p - q;
        Some(Self {
            value,
            low: value - away(p - p_low, q_high - q),
            high: value + away(p_high - p, q - q_low),
        })
    }
}

impl Share {
    /// The share and the bounds of its interval (Wilson 1927); nothing of nobody.
    fn wilson(self) -> Option<(f64, f64, f64)> {
        if self.followed == 0 {
            return None;
        }
        let (n, z2) = (self.followed as f64, Z * Z);
        let p = self.left as f64 / n;
        let middle = (p + z2 / (2.0 * n)) / (1.0 + z2 / n);
        let reach = Z * (p * (1.0 - p) / n + z2 / (4.0 * n * n)).sqrt() / (1.0 + z2 / n);
        Some((p, (middle - reach).max(0.0), (middle + reach).min(1.0)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn share(left: u64, followed: u64) -> Share {
        Share { left, followed }
    }

    /// The examples of Newcombe's paper (1998, table II, method 10), to its four places.
    #[test]
    fn intervals_are_those_of_the_literature() {
        let examples = [
            ((56, 70), (48, 80), (0.0524, 0.3339)),
            ((9, 10), (3, 10), (0.1705, 0.8090)),
            ((6, 7), (2, 7), (0.0582, 0.8062)),
            ((5, 56), (0, 29), (-0.0381, 0.1926)),
            ((0, 10), (0, 20), (-0.1611, 0.2775)),
            ((10, 10), (0, 20), (0.6791, 1.0)),
        ];
        for ((a, m), (b, n), (low, high)) in examples {
            let found = Difference::between(share(a, m), share(b, n)).unwrap();
            let close = |x: f64, y: f64| (x - y).abs() < 5.1e-5;
            assert!(close(found.low, low), "{found:?}: {low}");
            assert!(close(found.high, high), "{found:?}: {high}");
        }
    }

    #[test]
    fn small_numbers_say_nothing() {
        let verdict = |with_task, held_out| Comparison::new(with_task, held_out).verdict;
        assert_eq!(verdict(share(0, 0), share(0, 0)), Verdict::TooFew);
        assert_eq!(verdict(share(1, 99), share(90, 200)), Verdict::TooFew);
        assert_eq!(verdict(share(1, 1_000), share(8, 100)), Verdict::TooFew);
        assert_eq!(verdict(share(10, 1_000), share(20, 100)), Verdict::Keeps);
        assert_eq!(
            verdict(share(200, 1_000), share(2, 100)),
            Verdict::DrivesAway
        );
        assert_eq!(verdict(share(150, 1_000), share(16, 100)), Verdict::Unclear);
        assert_eq!(Comparison::new(share(3, 100), share(0, 0)).difference, None);
    }

    #[test]
    fn whoever_is_not_judged_yet_is_in_neither_share() {
        let mut followed = Followed {
            entered: 10,
            ..Followed::default()
        };
        followed.horizons[0] = Fates {
            stayed: 5,
            left: 2,
            dropped: 1,
        };
        assert_eq!(followed.unfinished(0), Some(2));
        assert_eq!(followed.unfinished(1), Some(10));
        assert_eq!(followed.share(0), share(2, 7));
        followed.horizons[0].left = 9;
        assert_eq!(followed.unfinished(0), None);
    }
}
