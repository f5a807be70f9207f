//! Numbers of one unit made into numbers of another, in integers.

use std::fmt::Write as _;

/// How a source writes a number, and what it counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Quantity {
    /// Before the decimals.
    pub(super) decimal: char,
    /// What a number is multiplied by,
    pub(super) times: i128,
    /// and divided by.
    pub(super) of: i128,
    /// Decimals of the result; further ones are rounded, halves away from zero.
    pub(super) decimals: u32,
}

/// More digits than any amount or volume has.
const DIGITS_MAX: usize = 24;
/// Seconds of an hour, a minute and a second, as clocks show a duration.
const CLOCK: [i128; 3] = [3_600, 60, 1];

impl Quantity {
    /// Appends a number of the field's unit, or nothing if the text is no number.
    pub(super) fn convert(&self, text: &str, out: &mut String) -> bool {
        let Some((number, scale)) = decimal(text, self.decimal) else {
            return false;
        };
        // What is counted is never less than nothing.
        if number < 0 && self.decimals == 0 {
            return false;
        }
        let Some(shown) = number.checked_mul(self.times * 10_i128.pow(self.decimals)) else {
            return false;
        };
        let shown = divided(shown, self.of * 10_i128.pow(scale));
        write_decimal(shown, self.decimals, out);
        true
    }
}

/// Appends the seconds of a duration as clocks show it: `1:02:03`, `02:03`, with or without decimals.
pub(super) fn clock_seconds(text: &str, out: &mut String) -> bool {
    let parts = text.split(':').count();
    if !(2..=CLOCK.len()).contains(&parts) {
        return false;
    }
    let mut seconds = 0;
    for (part, unit) in text.split(':').zip(&CLOCK[CLOCK.len() - parts..]) {
        let Some((number, scale)) = decimal(part, '.').filter(|(number, _)| *number >= 0) else {
            return false;
        };
        seconds += divided(number * unit, 10_i128.pow(scale));
    }
    write_decimal(seconds, 0, out);
    true
}

/// The digits of a decimal number as one integer, and how many of them are decimals.
fn decimal(text: &str, point: char) -> Option<(i128, u32)> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, decimals) = digits.split_once(point).unwrap_or((digits, ""));
    let fits = whole.len() + decimals.len() <= DIGITS_MAX && !whole.is_empty();
    let mut all = whole.bytes().chain(decimals.bytes());
    if !fits || !all.clone().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = all.try_fold(0_i128, |number, digit| {
        number
            .checked_mul(10)?
            .checked_add(i128::from(digit - b'0'))
    })?;
    let number = if text.starts_with('-') {
        -number
    } else {
        number
    };
    Some((number, decimals.len() as u32))
}

/// Rounded, halves away from zero. Nothing is divided by zero: units and scales are above it.
fn divided(number: i128, by: i128) -> i128 {
    let by = by.max(1);
    let half = by / 2;
    (number + number.signum() * half) / by
}

fn write_decimal(number: i128, decimals: u32, out: &mut String) {
    let unit = 10_i128.pow(decimals);
    let sign = if number < 0 { "-" } else { "" };
    let number = number.abs();
    let _ = write!(out, "{sign}{}", number / unit);
    if decimals > 0 {
        let width = decimals as usize;
        let _ = write!(out, ".{:0width$}", number % unit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(text: &str, quantity: &Quantity) -> Option<String> {
        let mut out = String::new();
        quantity.convert(text, &mut out).then_some(out)
    }

    #[test]
    fn numbers_of_one_unit_become_numbers_of_another() {
        let whole = |times, of| Quantity {
            decimal: '.',
            times,
            of,
            decimals: 0,
        };
        let money = Quantity {
            decimal: ',',
            decimals: 2,
            ..whole(1, 1)
        };
        for (text, quantity, expected) in [
            ("125", whole(1, 10), Some("13")),
            ("124", whole(1, 10), Some("12")),
            ("-125", whole(1, 10), None),
            ("1.5", whole(60, 1), Some("90")),
            ("7", whole(1 << 10, 1), Some("7168")),
            (
                "12345678901234567890123.4",
                whole(1, 1),
                Some("12345678901234567890123"),
            ),
            ("1234567890123456789012345", whole(1, 1), None),
            ("12,5", money.clone(), Some("12.50")),
            ("-0,005", money.clone(), Some("-0.01")),
            ("1.234,5", money.clone(), None),
            ("", money.clone(), None),
            ("12 ", money, None),
            ("1e3", whole(1, 1), None),
        ] {
            assert_eq!(converted(text, &quantity).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn clocks_show_durations() {
        for (text, expected) in [
            ("1:02:03", Some("3723")),
            ("00:59", Some("59")),
            ("00:00:01.6", Some("2")),
            ("61", None),
            ("1:2:3:4", None),
            ("-1:00", None),
            ("a:b", None),
        ] {
            let mut out = String::new();
            let read = clock_seconds(text, &mut out).then_some(out);
            assert_eq!(read.as_deref(), expected, "{text}");
        }
    }
}
