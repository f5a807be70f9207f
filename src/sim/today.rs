//! The day being lived: its date and moments, and what it brings to everybody.

use super::config::CityConfig;
use crate::model::{Calendar, Day, Timestamp};

/// One local day of the city.
pub struct Today<'a> {
    pub config: &'a CityConfig,
    pub calendar: &'a Calendar,
    pub day: Day,
    /// Days since the start.
    pub number: u16,
    pub date: Date,
    /// Monday is 0.
    pub weekday: usize,
    start_ms: i64,
    length_ms: i64,
    /// Whether the mediation loses this day's call-detail records.
    pub outage: bool,
    /// Tomorrow is a holiday's first day.
    pub holiday_eve: bool,
    /// The holiday's effect on calls and messages, and on data.
    pub voice_factor: f64,
    pub data_factor: f64,
}

/// A civil date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date {
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
}

/// A day's 24 hours in milliseconds, by which times of day are given.
pub const DAY_MS: i64 = Timestamp::DAY_MS;

impl<'a> Today<'a> {
    pub fn new(config: &'a CityConfig, calendar: &'a Calendar, number: u16) -> Self {
        let day = config.start + i32::from(number);
        let start_ms = calendar.start_of(day).0;
        let today = u32::from(number);
        let holidays = &config.scenario.holiday;
        let mut begins = holidays.from_days.iter();
        let (voice_factor, data_factor) =
            if begins.any(|from| (*from..from + holidays.days).contains(&today)) {
                (holidays.voice_level, holidays.data_level)
            } else {
                (1.0, 1.0)
            };
        Self {
            config,
            calendar,
            day,
            number,
            date: Date::of(day),
            weekday: day.weekday(),
            start_ms,
            length_ms: calendar.start_of(day.next()).0 - start_ms,
            outage: config.scenario.outage.on_days.contains(&today),
            holiday_eve: holidays.from_days.contains(&(today + 1)),
            voice_factor,
            data_factor,
        }
    }

    /// Where a local day begins.
    pub fn start_of(&self, day: Day) -> i64 {
        self.calendar.start_of(day).0
    }

    /// The moment of a time of day given in milliseconds of 24 hours; days of 23 or 25 hours are stretched.
    pub fn at(&self, time_of_day_ms: u32) -> i64 {
        let ms = i64::from(time_of_day_ms);
        if self.length_ms == DAY_MS {
            return self.start_ms + ms;
        }
        self.start_ms + ms * self.length_ms / DAY_MS
    }

    /// The moment of a time of day of any day.
    pub fn moment(&self, day: Day, time_of_day_ms: u32) -> i64 {
        self.start_of(day) + i64::from(time_of_day_ms)
    }

    /// Where the day begins and where the next one does.
    pub fn bounds(&self) -> (i64, i64) {
        (self.start_ms, self.start_ms + self.length_ms)
    }
}

impl Date {
    /// The date of a day (Howard Hinnant's algorithm).
    pub const fn of(day: Day) -> Self {
        let shifted = day.0 as i64 + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted_month = (5 * day_of_year + 2) / 153;
        let month = if shifted_month < 10 {
            shifted_month + 3
        } else {
            shifted_month - 9
        };
        Self {
            year: (year_of_era + era * 400 + if month <= 2 { 1 } else { 0 }) as i32,
            month: month as u8,
            day: (day_of_year - (153 * shifted_month + 2) / 5 + 1) as u8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_agree_with_the_calendar() {
        for day in (-1_000..80_000).step_by(13).map(Day) {
            let Date {
                year,
                month,
                day: d,
            } = Date::of(day);
            assert_eq!(day.to_string(), format!("{year:04}-{month:02}-{d:02}"));
        }
    }

    #[test]
    fn long_and_short_days_hold_all_their_times() {
        let config = CityConfig {
            start: Day::parse("2026-03-29").unwrap(),
            time_zone: "Europe/Berlin".to_owned(),
            ..CityConfig::new(1, 1, 1)
        };
        let calendar = Calendar::new(&config.time_zone).unwrap();
        let today = Today::new(&config, &calendar, 0);
        let (start, end) = today.bounds();
        assert_eq!(end - start, 23 * 3_600_000);
        assert!(today.at(86_399_999) < end);
    }
}
