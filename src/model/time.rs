use serde::{Deserialize, Serialize};
use std::ops::{Add, Sub};

/// A moment: milliseconds since 1970-01-01T00:00:00Z.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// One second, in the unit of this type.
    pub const SECOND_MS: i64 = 1_000;
    /// One hour, in the unit of this type.
    pub const HOUR_MS: i64 = 3_600_000;
    /// Twenty-four hours, in the unit of this type; a local day may be longer or shorter.
    pub const DAY_MS: i64 = 24 * Self::HOUR_MS;
    /// Before every moment that can occur.
    pub const MIN: Self = Self(i64::MIN);
    /// 2000-01-01T00:00:00Z. Anything dated earlier is implausible (behaviour: Bad input).
    pub const PLAUSIBLE_MIN: Self = Self(946_684_800_000);

    /// Reads RFC 3339 with an offset, such as `2026-03-01T08:00:00+08:00`.
    pub fn parse(text: &str) -> Option<Self> {
        let moment: jiff::Timestamp = text.parse().ok()?;
        Some(Self(moment.as_millisecond()))
    }

    /// This moment moved by some hours; saturates at the ends of the range.
    pub fn plus_hours(self, hours: i64) -> Self {
        Self(self.0.saturating_add(hours.saturating_mul(Self::HOUR_MS)))
    }

    /// Milliseconds from `earlier` to this moment; negative if it lies ahead.
    pub fn since_ms(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

/// A local calendar day: days since 1970-01-01.
///
/// It has no zone of its own; [`Calendar`](super::Calendar) says which moments it covers.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Day(pub i32);

impl Day {
    /// Before every day that can occur.
    pub const MIN: Self = Self(i32::MIN);
    /// After everything.
    pub const MAX: Self = Self(i32::MAX);

    /// Days from `earlier` to this day; negative if it lies ahead.
    pub fn since(self, earlier: Self) -> i32 {
        self.0.saturating_sub(earlier.0)
    }

    /// The day after.
    pub fn next(self) -> Self {
        self + 1
    }

    /// Weekday, Monday = 0 to Sunday = 6.
    pub fn weekday(self) -> usize {
        // 1970-01-01 was a Thursday.
        (i64::from(self.0) + 3).rem_euclid(7) as usize
    }
}

impl Add<i32> for Day {
    type Output = Self;
    fn add(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }
}

impl Sub<i32> for Day {
    type Output = Self;
    fn sub(self, days: i32) -> Self {
        Self(self.0.saturating_sub(days))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weekdays_run_from_monday() {
        assert_eq!(Day(0).weekday(), 3);
        assert_eq!(Day(4).weekday(), 0);
        assert_eq!(Day(-4).weekday(), 6);
    }
}
