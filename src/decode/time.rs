//! Moments and dates as records write them (behaviour: Events).

use crate::model::{Day, Timestamp};

/// 2200-01-01T00:00:00Z: no record of a living clock is dated so late.
pub(super) const FUTURE: Timestamp = Timestamp(7_258_118_400_000);

/// The years a date may lie in. No contract, offer or bill of a living system lies outside them.
pub(super) const YEAR_MIN: u16 = 2000;
pub(super) const YEAR_MAX: u16 = 2098;
/// Lines may be older, but not older than the first mobile networks.
pub(super) const FIRST_NETWORKS: u16 = 1980;

/// What systems write where there is no date: zeros, and the ends of what a format, a clock or a spreadsheet knows.
pub(super) const NO_DATES: [&str; 11] = [
    "0000-00-00",
    "0001-01-01",
    "1753-01-01",
    "1899-12-30",
    "1899-12-31",
    "1900-01-01",
    "1970-01-01",
    "1980-01-01",
    "2099-12-31",
    "2999-12-31",
    "9999-12-31",
];
/// The same for a day of the year.
pub(super) const NO_MONTH_DAY: &str = "00-00";

/// Reads RFC 3339 with an offset, to the millisecond; further decimals are cut off, a leap second is the second
/// before it.
pub(super) fn rfc3339(text: &str) -> Option<Timestamp> {
    let (day, rest) = text.split_at_checked(10)?;
    let day = date(day)?;
    let (time, rest) = rest.as_bytes().split_at_checked(9)?;
    let &[b'T' | b't', h1, h2, b':', m1, m2, b':', s1, s2] = time else {
        return None;
    };
    let (hour, minute, second) = (pair(h1, h2)?, pair(m1, m2)?, pair(s1, s2)?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (fraction_ms, zone) = fraction(rest)?;
    let offset_minutes = match *zone {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (pair(h1, h2)?, pair(m1, m2)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let minutes = hours * 60 + minutes;
            if sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    let minutes = i64::from(day.0) * 1440 + hour * 60 + minute - offset_minutes;
    let seconds = minutes * 60 + second.min(59);
    Some(Timestamp(seconds * Timestamp::SECOND_MS + fraction_ms))
}

/// Reads `YYYY-MM-DD`.
pub(super) fn date(text: &str) -> Option<Day> {
    let &[y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else {
        return None;
    };
    let year = pair(y1, y2)? * 100 + pair(y3, y4)?;
    day_of(year, pair(m1, m2)?, pair(d1, d2)?)
}

/// Reads `YYYY-MM` as the month's first day.
pub(super) fn month(text: &str) -> Option<Day> {
    let &[y1, y2, y3, y4, b'-', m1, m2] = text.as_bytes() else {
        return None;
    };
    day_of(pair(y1, y2)? * 100 + pair(y3, y4)?, pair(m1, m2)?, 1)
}

/// Reads `MM-DD`, of any year; 29 February is one.
pub(super) fn month_day(text: &str) -> Option<(u8, u8)> {
    let &[m1, m2, b'-', d1, d2] = text.as_bytes() else {
        return None;
    };
    let (month, day) = (pair(m1, m2)?, pair(d1, d2)?);
    day_of(2000, month, day)?;
    Some((u8::try_from(month).ok()?, u8::try_from(day).ok()?))
}

/// Days since 1970-01-01 in the Gregorian calendar, which counts leap days most simply in years from March on.
fn day_of(year: i64, month: i64, day: i64) -> Option<Day> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) {
        return None;
    }
    let from_march = (month + 9) % 12;
    let year = if month <= 2 { year - 1 } else { year };
    let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    let days = year * 365 + leap_days + (from_march * 153 + 2) / 5 + day - 719_469;
    Some(Day(days as i32))
}

/// Milliseconds of `.ddd...`, if there is one, and what follows.
fn fraction(rest: &[u8]) -> Option<(i64, &[u8])> {
    let Some(decimals) = rest.strip_prefix(b".") else {
        return Some((0, rest));
    };
    let digits = decimals.iter().take_while(|b| b.is_ascii_digit()).count();
    let (decimals, zone) = decimals.split_at(digits);
    let padded = decimals.iter().copied().chain(std::iter::repeat(b'0'));
    let ms = padded
        .take(3)
        .fold(0, |ms, digit| ms * 10 + i64::from(digit - b'0'));
    (digits > 0).then_some((ms, zone))
}

fn pair(tens: u8, ones: u8) -> Option<i64> {
    let digit = |b: u8| b.is_ascii_digit().then_some(i64::from(b) - 48);
    Some(digit(tens)? * 10 + digit(ones)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_rfc_3339_with_an_offset() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-03-01T08:00:00+08:00", 1_772_323_200_000),
            ("2026-02-28T19:30:00-04:30", 1_772_323_200_000),
            ("2026-03-01t00:00:00.5z", 1_772_323_200_500),
            ("2026-03-01T00:00:00.0019999999999Z", 1_772_323_200_001),
            ("2016-12-31T23:59:60Z", 1_483_228_799_000),
            ("2200-01-01T00:00:00Z", FUTURE.0),
        ] {
            assert_eq!(rfc3339(text), Some(Timestamp(ms)), "{text}");
        }
        for text in [
            "",
            "2026-03-01",
            "2026-03-01T00:00:00",
            "2026-03-01 00:00:00Z",
            "2026-03-01T00:00:00+0800",
            "2026-03-01T00:00:00+24:00",
            "2026-03-01T00:00:00.Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T00:60:00Z",
            "2026-03-01T00:00:00Z ",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-03-00T00:00:00Z",
            "２026-03-01T00:00:00Z",
            "2026-03-0１T00:00:00Z",
        ] {
            assert_eq!(rfc3339(text), None, "{text}");
        }
    }

    #[test]
    fn reads_dates_months_and_birthdays() {
        assert_eq!(date("2024-02-29"), Day::from_ymd(2024, 2, 29));
        assert_eq!(date("2100-02-29"), None);
        assert_eq!(date("2024-2-29"), None);
        assert_eq!(month("2024-02"), Day::from_ymd(2024, 2, 1));
        assert_eq!(month("2024-13"), None);
        assert_eq!(month_day("02-29"), Some((2, 29)));
        assert_eq!(month_day("02-30"), None);
        assert_eq!(month_day("2-3"), None);
    }

    #[test]
    fn every_day_of_four_centuries_agrees_with_the_calendar() {
        let first = Day::from_ymd(1900, 1, 1).unwrap();
        for day in (0..146_097).map(|days| first + days) {
            assert_eq!(date(&day.to_string()), Some(day));
        }
    }

    proptest! {
        #[test]
        fn agrees_with_jiff(seconds in 0_i64..7_258_118_400, ms in 0_i64..1000, offset in -1439_i32..1440) {
            let at = jiff::Timestamp::from_millisecond(seconds * 1000 + ms).unwrap();
            let offset = jiff::tz::Offset::from_seconds(offset * 60).unwrap();
            let text = at.display_with_offset(offset).to_string();
            prop_assert_eq!(rfc3339(&text), Some(Timestamp(at.as_millisecond())));
        }

        #[test]
        fn never_panics(text in "[0-9TZ:+.é-]{0,40}") {
            let _ = (rfc3339(&text), date(&text), month(&text), month_day(&text));
        }
    }
}
