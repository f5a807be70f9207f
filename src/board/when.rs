//! Times as people read them, in the operator's time zone.

use crate::board::words::Language;
use crate::config::Config;
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Writes times.
#[derive(Clone)]
pub struct When {
    zone: TimeZone,
    /// The board's time.
    pub now: i64,
    language: Language,
}

const HOUR_MS: i64 = 3_600_000;

impl When {
    /// Writes times of a configuration's zone.
    pub fn new(config: &Config, now: i64, language: Language) -> Self {
        let zone = TimeZone::get(config.rules.calendar.zone()).unwrap_or(TimeZone::UTC);
        Self {
            zone,
            now,
            language,
        }
    }

    fn format(&self, at: i64, form: &str) -> String {
        let at = Timestamp::from_millisecond(at).unwrap_or_default();
        at.to_zoned(self.zone.clone()).strftime(form).to_string()
    }

    /// Day and minute.
    pub fn minute(&self, at: i64) -> String {
        self.format(at, "%Y-%m-%d %H:%M")
    }

    /// The same without the year where it is this one.
    pub fn short(&self, at: i64) -> String {
        let year = |at| self.format(at, "%Y");
        match year(at) == year(self.now) {
            true => self.format(at, "%m-%d %H:%M"),
            false => self.minute(at),
        }
    }

    /// For the `datetime` of an element, and for programs.
    pub fn machine(&self, at: i64) -> String {
        self.format(at, "%Y-%m-%dT%H:%M:%S%:z")
    }

    /// What a browser's field for a time takes.
    pub fn field(&self, at: i64) -> String {
        self.format(at, "%Y-%m-%dT%H:%M")
    }

    /// What such a field says, in milliseconds since 1970.
    pub fn of_field(&self, text: &str) -> Option<i64> {
        let local: jiff::civil::DateTime = text.parse().ok()?;
        let at = local.to_zoned(self.zone.clone()).ok()?;
        Some(at.timestamp().as_millisecond())
    }

    /// How long until a moment, or since: "3 h left", "2 d over".
    pub fn left(&self, at: i64) -> String {
        let gap = at.saturating_sub(self.now);
        let name = if gap >= 0 { "left" } else { "over" };
        self.language
            .fill(name, &[&self.span(gap.saturating_abs())])
    }

    /// Moments that a task is often put off to, each with the name of its word.
    pub fn choices(&self) -> [(&'static str, i64); 3] {
        let now = Timestamp::from_millisecond(self.now).unwrap_or_default();
        let today = now.to_zoned(self.zone.clone()).date();
        let nine = |days: i64| {
            let day = today
                .checked_add(jiff::Span::new().days(days))
                .unwrap_or(today);
            let at = day.at(9, 0, 0, 0).to_zoned(self.zone.clone());
            at.map_or(self.now, |at| at.timestamp().as_millisecond())
        };
        let to_monday = 7 - i64::from(today.weekday().to_monday_zero_offset());
        [
            ("in_two_hours", self.now + 2 * HOUR_MS),
            ("tomorrow", nine(1)),
            ("monday", nine(to_monday)),
        ]
    }

    fn span(&self, gap: i64) -> String {
        let (name, number) = match gap {
            gap if gap < HOUR_MS => ("minutes", gap / 60_000),
            gap if gap < 48 * HOUR_MS => ("hours", gap / HOUR_MS),
            gap => ("days", gap / (24 * HOUR_MS)),
        };
        self.language.fill(name, &[&number.to_string()])
    }
}
