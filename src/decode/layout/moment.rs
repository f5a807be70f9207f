//! Moments and dates as sources write them.

use super::kind::Kind;
use crate::model::Timestamp;
use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use jiff::tz::TimeZone;
use std::fmt::Write as _;

/// How a source writes a moment or a date.
#[derive(Debug, Clone)]
pub(super) struct Moment {
    pub(super) format: TimeFormat,
    /// Of moments without an offset. A time that the clock shows twice is the first of the two, and one that it leaves out
    /// is as much later.
    pub(super) zone: Option<TimeZone>,
    /// Of the field.
    pub(super) kind: Kind,
}

/// Ways of writing moments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TimeFormat {
    /// RFC 3339, with or without offset.
    Rfc3339,
    /// So many to the second since 1970.
    Epoch(i64),
    /// 3GPP TS 32.298: the digits of a TimeStamp's nine octets, the sign as `+`, `-`, `2B` or `2D`.
    ThreeGpp,
    /// As in `strptime`.
    Pattern(String),
}

/// The names of the formats that are no pattern.
pub(super) const NAMES: [&str; 6] = [
    "rfc3339", "epoch_s", "epoch_ms", "epoch_us", "epoch_ns", "3gpp",
];

impl TimeFormat {
    /// As the layout names it.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Rfc3339 => "rfc3339",
            Self::Epoch(1) => "epoch_s",
            Self::Epoch(1_000) => "epoch_ms",
            Self::Epoch(1_000_000) => "epoch_us",
            Self::Epoch(_) => "epoch_ns",
            Self::ThreeGpp => "3gpp",
            Self::Pattern(pattern) => pattern,
        }
    }

    fn read(&self, text: &str) -> Option<Read> {
        match self {
            Self::Rfc3339 => rfc3339(text),
            Self::Epoch(per_second) => epoch(text, *per_second).map(Read::At),
            Self::ThreeGpp => three_gpp(text).map(Read::At),
            Self::Pattern(pattern) => pattern_of(pattern, text),
        }
    }

    /// Whether it says a time without its offset.
    pub(super) fn is_local(&self) -> bool {
        let offsets = ["%z", "%:z", "%s", "%Q"];
        matches!(self, Self::Pattern(pattern) if !offsets.iter().any(|offset| pattern.contains(offset)))
    }

    /// A format by its name, or a pattern.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        Ok(match text {
            "rfc3339" => Self::Rfc3339,
            "epoch_s" => Self::Epoch(1),
            "epoch_ms" => Self::Epoch(1_000),
            "epoch_us" => Self::Epoch(1_000_000),
            "epoch_ns" => Self::Epoch(1_000_000_000),
            "3gpp" => Self::ThreeGpp,
            pattern if pattern.contains('%') => {
                let example = BrokenDownTime::from(&jiff::Zoned::default());
                let shown = example.to_string(pattern);
                let shown = shown.map_err(|error| format!("is no pattern: {error}"))?;
                BrokenDownTime::parse(pattern, &shown).map_err(|error| {
                    format!("is a pattern that does not read what it writes: {error}")
                })?;
                Self::Pattern(pattern.to_owned())
            }
            _ => return Err("is no way of writing times".to_owned()),
        })
    }
}

/// What a text says.
enum Read {
    At(jiff::Timestamp),
    Local(DateTime),
    /// A month or a day of any year, which a moment cannot be made of.
    Part(BrokenDownTime),
}

/// Whether a text is written so.
pub(super) fn reads(format: &TimeFormat, text: &str) -> bool {
    format.read(text).is_some()
}

impl Moment {
    /// Appends the JSON text of the field's value, or nothing if the text is not written so.
    pub(super) fn convert(&self, text: &str, out: &mut String) -> bool {
        let read = self.format.read(text);
        read.is_some_and(|read| self.write(read, out).is_some())
    }

    fn write(&self, read: Read, out: &mut String) -> Option<()> {
        if self.kind == Kind::Moment {
            let at = match read {
                Read::At(at) => at,
                Read::Local(local) => self.zone.as_ref()?.to_timestamp(local).ok()?,
                Read::Part(_) => return None,
            };
            return write!(out, "{}", at.as_millisecond()).ok();
        }
        let (year, month, day) = match read {
            Read::At(at) => {
                let zone = self.zone.clone().unwrap_or(TimeZone::UTC);
                parts(zone.to_datetime(at))
            }
            Read::Local(local) => parts(local),
            Read::Part(part) => (part.year(), part.month(), part.day()),
        };
        match self.kind {
            Kind::Month => write!(out, "\"{:04}-{:02}\"", year?, month?).ok(),
            Kind::MonthDay => write!(out, "\"{:02}-{:02}\"", month?, day?).ok(),
            _ => write!(out, "\"{:04}-{:02}-{:02}\"", year?, month?, day?).ok(),
        }
    }
}

fn parts(local: DateTime) -> (Option<i16>, Option<i8>, Option<i8>) {
    (Some(local.year()), Some(local.month()), Some(local.day()))
}

fn rfc3339(text: &str) -> Option<Read> {
    match text.parse::<jiff::Timestamp>() {
        Ok(at) => Some(Read::At(at)),
        Err(_) => text.parse::<DateTime>().ok().map(Read::Local),
    }
}

/// Decimals are cut off.
fn epoch(text: &str, per_second: i64) -> Option<jiff::Timestamp> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
    if decimals.is_empty() || !decimals.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let ms = match per_second {
        // Seconds with decimals have milliseconds.
        1 => {
            let padded = decimals.bytes().chain(std::iter::repeat(b'0')).take(3);
            let ms = padded.fold(0, |ms, digit| ms * 10 + i64::from(digit - b'0'));
            whole.checked_mul(Timestamp::SECOND_MS)?.checked_add(ms)?
        }
        _ => whole.div_euclid(per_second / Timestamp::SECOND_MS),
    };
    jiff::Timestamp::from_millisecond(ms).ok()
}

fn three_gpp(text: &str) -> Option<jiff::Timestamp> {
    let bytes = text.as_bytes();
    let pair = |at: usize| -> Option<i8> {
        let digits = bytes.get(at..at + 2)?;
        let digit = |b: u8| b.is_ascii_digit().then(|| (b - b'0') as i8);
        Some(digit(digits[0])? * 10 + digit(digits[1])?)
    };
    let (sign, zone) = match bytes.get(12..)? {
        [b'+', ..] => (1, 13),
        [b'-', ..] => (-1, 13),
        [b'2', b'B' | b'b', ..] => (1, 14),
        [b'2', b'D' | b'd', ..] => (-1, 14),
        _ => return None,
    };
    if bytes.len() != zone + 4 {
        return None;
    }
    let year = 2000 + i16::from(pair(0)?);
    let local = DateTime::new(year, pair(2)?, pair(4)?, pair(6)?, pair(8)?, pair(10)?, 0).ok()?;
    let (hours, minutes) = (i32::from(pair(zone)?), i32::from(pair(zone + 2)?));
    let offset = jiff::tz::Offset::from_seconds(sign * (hours * 3_600 + minutes * 60)).ok()?;
    offset.to_timestamp(local).ok()
}

fn pattern_of(pattern: &str, text: &str) -> Option<Read> {
    let read = BrokenDownTime::parse(pattern, text).ok()?;
    if read.offset().is_some() || read.timestamp().is_some() {
        return read.to_timestamp().ok().map(Read::At);
    }
    if let Ok(local) = read.to_datetime() {
        return Some(Read::Local(local));
    }
    match read.to_date() {
        Ok(date) => Some(Read::Local(date.at(0, 0, 0, 0))),
        Err(_) => Some(Read::Part(read)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_of_3gpp_has_nothing_but_digits_and_a_sign() {
        for (text, is) in [
            ("2603020915072b0800", true),
            ("260302091507+0800", true),
            (" 603020915072b0800", false),
            ("2603020915/72b0800", false),
            ("2603020915072b08-1", false),
            ("2603020915072b08", false),
            ("", false),
        ] {
            assert_eq!(reads(&TimeFormat::ThreeGpp, text), is, "{text}");
        }
    }
}
