use serde::{Deserialize, Serialize};
use std::fmt;

/// An exact amount of money in hundredths of the major unit (fen for yuan); may be negative.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Money(pub i64);

/// Why a text is not an exact amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not `-?digits[.digits]`; exponents are refused because they hide how many decimals were meant.
    #[error("is not a plain decimal number")]
    NotDecimal,
    /// More than two decimals that are not zero.
    #[error("has more than 2 decimals")]
    TooPrecise,
    /// Beyond ± 10^13 of the major unit.
    #[error("is out of range")]
    OutOfRange,
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount accepted, in hundredths.
    pub const LIMIT: i64 = 1_000_000_000_000_000;

    /// A whole number of the major unit.
    pub const fn from_major(major: u32) -> Self {
        Self(major as i64 * 100)
    }

    /// In the major unit, for figures that are compared and not accounted.
    pub fn major(self) -> f64 {
        self.0 as f64 / 100.0
    }

    /// Reads a decimal in the major unit without ever passing through floating point.
    ///
    /// # Errors
    /// [`MoneyError`] says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, MoneyError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, decimals) = digits.split_once('.').unwrap_or((digits, "00"));
        let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !all_digits(whole) || !all_digits(decimals) {
            return Err(MoneyError::NotDecimal);
        }
        let decimals = decimals.trim_end_matches('0');
        if decimals.len() > 2 {
            return Err(MoneyError::TooPrecise);
        }
        let major: i64 = whole.parse().map_err(|_| MoneyError::OutOfRange)?;
        let minor = decimals
            .bytes()
            .chain(std::iter::repeat(b'0'))
            .take(2)
            .fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        let total = major
            .checked_mul(100)
            .and_then(|hundredths| hundredths.checked_add(minor))
            .filter(|hundredths| *hundredths <= Self::LIMIT)
            .ok_or(MoneyError::OutOfRange)?;
        Ok(Self(if negative { -total } else { total }))
    }

    /// Sum, held at the ends of the range.
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Difference, held at the ends of the range.
    pub fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Money {
    /// Major unit with exactly two decimals, such as `-12.05`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let hundredths = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", hundredths / 100, hundredths % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_exactly() {
        for (text, hundredths) in [
            ("0", 0),
            ("19.9", 1990),
            ("19.90", 1990),
            ("19.900", 1990),
            ("-0.01", -1),
            ("10000000000000", Money::LIMIT),
        ] {
            assert_eq!(Money::parse(text), Ok(Money(hundredths)), "{text}");
        }
        assert_eq!(Money::parse("0.005"), Err(MoneyError::TooPrecise));
        assert_eq!(Money::parse("1e3"), Err(MoneyError::NotDecimal));
        assert_eq!(Money::parse("1."), Err(MoneyError::NotDecimal));
        assert_eq!(Money::parse(".5"), Err(MoneyError::NotDecimal));
        assert_eq!(Money::parse("--1"), Err(MoneyError::NotDecimal));
        assert_eq!(
            Money::parse("10000000000000.01"),
            Err(MoneyError::OutOfRange)
        );
        assert_eq!(Money::parse(&"9".repeat(40)), Err(MoneyError::OutOfRange));
    }

    #[test]
    fn prints_two_decimals() {
        assert_eq!(Money(-5).to_string(), "-0.05");
        assert_eq!(Money(123_456).to_string(), "1234.56");
    }
}
