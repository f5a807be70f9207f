use super::{Day, Timestamp};
use icu_calendar as lunar;
use icu_calendar::types::Month;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

/// Which moments a local calendar day covers in one time zone (behaviour: Windows).
///
/// Days are tabulated once. A look-up on the hot path is then one guess and a compare, also in zones with daylight
/// saving.
#[derive(Debug, Clone)]
pub struct Calendar {
    zone: TimeZone,
    name: String,
    /// Start of day `FIRST_DAY + index`, in milliseconds; ends with the start of the day after the last.
    starts: Vec<i64>,
}

/// The time zone is not one of the IANA database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a time zone of the IANA database, such as Asia/Shanghai")]
pub struct CalendarError(pub String);

/// 1999-12-31: every plausible moment lies on it or later, in every zone.
const FIRST_DAY: i32 = 10_956;
/// To the end of 2199.
const DAYS: i32 = 73_051;

impl Calendar {
    /// Tabulates the days of an IANA time zone.
    ///
    /// # Errors
    /// [`CalendarError`] if the zone is not known.
    pub fn new(zone: &str) -> Result<Self, CalendarError> {
        let unknown = || CalendarError(zone.to_owned());
        let timezone = TimeZone::get(zone).map_err(|_| unknown())?;
        let start = |index: i32| {
            let moment = date_of(Day(FIRST_DAY + index)).to_zoned(timezone.clone());
            moment.map(|moment| moment.timestamp().as_millisecond())
        };
        let starts = (0..=DAYS).map(start).collect::<Result<_, _>>();
        Ok(Self {
            starts: starts.map_err(|_| unknown())?,
            name: zone.to_owned(),
            zone: timezone,
        })
    }

    /// The zone's IANA name.
    pub fn zone(&self) -> &str {
        &self.name
    }

    /// The local day a moment falls on. Moments outside 2000..2199 fall on the nearest day of that range.
    pub fn day_of(&self, at: Timestamp) -> Day {
        let last = self.starts.len() - 2;
        let first_ms = self.starts.first().copied().unwrap_or_default();
        let guess =
            (at.0.saturating_sub(first_ms) / Timestamp::DAY_MS).clamp(0, last as i64) as usize;
        let mut index = guess;
        while index > 0 && at.0 < self.starts[index] {
            index -= 1;
        }
        while index < last && at.0 >= self.starts[index + 1] {
            index += 1;
        }
        Day(FIRST_DAY + index as i32)
    }

    /// The first moment of a local day. Days outside 2000..2199 are held at the ends of that range.
    pub fn start_of(&self, day: Day) -> Timestamp {
        let last = self.starts.len() - 1;
        let index = day.0.saturating_sub(FIRST_DAY).clamp(0, last as i32);
        Timestamp(self.starts[index as usize])
    }

    /// RFC 3339 with the zone's offset, to the millisecond if there are any.
    pub fn rfc3339(&self, at: Timestamp) -> String {
        let moment = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
        let offset = self.zone.to_offset(moment);
        moment.display_with_offset(offset).to_string()
    }

    /// Hour of the local day (0..23) at a moment.
    pub fn hour_of(&self, at: Timestamp) -> u8 {
        let moment = jiff::Timestamp::from_millisecond(at.0).unwrap_or_default();
        self.zone.to_datetime(moment).hour().unsigned_abs()
    }

    /// The moment at which a local day's clocks show `hour`:00, or the first moment after the gap where daylight saving
    /// skips it.
    pub fn at_hour(&self, day: Day, hour: u8) -> Timestamp {
        let hour = i8::try_from(hour.min(23)).unwrap_or(23);
        date_of(day)
            .date()
            .at(hour, 0, 0, 0)
            .to_zoned(self.zone.clone())
            .map_or(self.start_of(day), |moment| {
                Timestamp(moment.timestamp().as_millisecond())
            })
    }
}

/// Civil dates need no zone.
impl Day {
    /// Reads `YYYY-MM-DD`.
    pub fn parse(text: &str) -> Option<Self> {
        let date: Date = text.parse().ok()?;
        (text.len() == 10).then(|| Self::from_date(date))
    }

    /// The day of a year (1..9999), month and day of month, if there is one.
    pub fn from_ymd(year: i16, month: i8, day: i8) -> Option<Self> {
        Date::new(year, month, day).ok().map(Self::from_date)
    }

    /// Completed years from this day to a later one; 0 if it is not later.
    pub fn years_until(self, later: Self) -> u32 {
        let (from, to) = (date_of(self).date(), date_of(later).date());
        let complete = (to.month(), to.day()) >= (from.month(), from.day());
        let years = i32::from(to.year()) - i32::from(from.year()) - i32::from(!complete);
        u32::try_from(years).unwrap_or(0)
    }

    /// The first day of the month after that of a month's first day.
    pub fn next_month(self) -> Self {
        let within = self + 31;
        within - (i32::from(within.month_and_day().1) - 1)
    }

    /// The first day of its quarter.
    pub fn quarter(self) -> Self {
        let date = date_of(self);
        let months = i32::from((date.month().unsigned_abs() - 1) % 3);
        let first = self - (i32::from(date.day().unsigned_abs()) - 1);
        (0..months).fold(first, |first, _| {
            let last = first - 1;
            last - (i32::from(last.month_and_day().1) - 1)
        })
    }

    /// Month and day of month.
    pub fn month_and_day(self) -> (u8, u8) {
        let date = date_of(self);
        (date.month().unsigned_abs(), date.day().unsigned_abs())
    }

    /// The first day from this one on with that month and day of month, if there is one. In common years 1 March stands
    /// in for 29 February, as it does for [`years_until`](Self::years_until).
    pub fn next_yearly(self, month: u8, day: u8) -> Option<Self> {
        let (month, day) = (i8::try_from(month).ok()?, i8::try_from(day).ok()?);
        let year = date_of(self).year();
        let of = |year: i16| {
            let leap = || Self::from_ymd(year, 3, 1).filter(|_| (month, day) == (2, 29));
            Self::from_ymd(year, month, day).or_else(leap)
        };
        let this_year = of(year).filter(|day| *day >= self);
        this_year.or_else(|| of(year.checked_add(1)?))
    }

    /// The day of a month of the Chinese calendar's year that begins in a year. Where the month has 29 days, the 30th is the last one.
    pub fn from_chinese(year: i16, month: u8, day: u8) -> Option<Self> {
        if !(1..=12).contains(&month) || !(1..=30).contains(&day) {
            return None;
        }
        let of = |day| {
            let month = Month::new(month);
            lunar::Date::try_new_chinese_traditional(year.into(), month, day).ok()
        };
        let date = of(day).or_else(|| of(29).filter(|_| day == 30))?;
        let date = date.to_calendar(lunar::Iso);
        let year = i16::try_from(date.year().extended_year()).ok()?;
        let (month, day) = (date.month().ordinal, date.day_of_month().0);
        Self::from_ymd(year, month.cast_signed(), day.cast_signed())
    }

    fn from_date(date: Date) -> Self {
        let epoch = Date::constant(1970, 1, 1);
        let span = date.since(epoch).map(|span| span.get_days());
        Self(span.unwrap_or_default())
    }
}

impl std::fmt::Display for Day {
    /// `YYYY-MM-DD`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", date_of(*self).date())
    }
}

fn date_of(day: Day) -> DateTime {
    let span = jiff::Span::new().try_days(day.0).unwrap_or_default();
    let date = Date::constant(1970, 1, 1).checked_add(span);
    date.unwrap_or(Date::constant(1970, 1, 1))
        .to_datetime(jiff::civil::Time::midnight())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instant(text: &str) -> Timestamp {
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    }

    #[test]
    fn days_follow_the_zone() {
        let shanghai = Calendar::new("Asia/Shanghai").unwrap();
        let day = shanghai.day_of(instant("2026-02-28T16:00:00Z"));
        assert_eq!(day.to_string(), "2026-03-01");
        assert_eq!(shanghai.start_of(day), instant("2026-02-28T16:00:00Z"));
        assert_eq!(
            shanghai.rfc3339(shanghai.start_of(day)),
            "2026-03-01T00:00:00+08:00"
        );
        assert_eq!(shanghai.hour_of(shanghai.at_hour(day, 9)), 9);
    }

    #[test]
    fn daylight_saving_changes_the_length_of_days() {
        let berlin = Calendar::new("Europe/Berlin").unwrap();
        let short = Day::parse("2026-03-29").unwrap();
        let long = Day::parse("2026-10-25").unwrap();
        let hours =
            |day: Day| berlin.start_of(day.next()).since_ms(berlin.start_of(day)) / 3_600_000;
        assert_eq!((hours(short), hours(long)), (23, 25));
        for day in [short, long] {
            let start = berlin.start_of(day);
            assert_eq!(berlin.day_of(start), day);
            assert_eq!(berlin.day_of(Timestamp(start.0 - 1)), day - 1);
        }
    }

    #[test]
    fn every_tabulated_day_finds_itself() {
        let calendar = Calendar::new("America/New_York").unwrap();
        for day in (FIRST_DAY..FIRST_DAY + DAYS).map(Day) {
            assert_eq!(calendar.day_of(calendar.start_of(day)), day);
        }
    }

    #[test]
    fn dates_read_and_print() {
        assert_eq!(Day::parse("1970-01-01"), Some(Day(0)));
        assert_eq!(
            Day::parse("2024-02-29").map(|d| d.to_string()).as_deref(),
            Some("2024-02-29")
        );
        assert_eq!(Day::parse("2023-02-29"), None);
        assert_eq!(Day::parse("2023-2-9"), None);
        assert!(Calendar::new("Middle/Earth").is_err());
        let day = |text| Day::parse(text).unwrap();
        assert_eq!(day("2024-02-29").years_until(day("2026-02-28")), 1);
        assert_eq!(day("2024-02-29").years_until(day("2026-03-01")), 2);
        assert_eq!(day("2026-01-01").years_until(day("2025-01-01")), 0);
        assert_eq!(day("2026-12-31").month_and_day(), (12, 31));
    }

    #[test]
    fn yearly_days_come_again() {
        let day = |text| Day::parse(text).unwrap();
        for (from, (month, of_month), next) in [
            ("2026-03-01", (3, 1), Some("2026-03-01")),
            ("2026-03-02", (3, 1), Some("2027-03-01")),
            ("2026-12-31", (1, 1), Some("2027-01-01")),
            ("2026-02-28", (2, 29), Some("2026-03-01")),
            ("2026-03-02", (2, 29), Some("2027-03-01")),
            ("2027-03-02", (2, 29), Some("2028-02-29")),
            ("2028-02-29", (2, 29), Some("2028-02-29")),
            ("2028-03-01", (2, 29), Some("2029-03-01")),
            ("2026-01-01", (2, 30), None),
            ("2026-01-01", (13, 1), None),
        ] {
            let found = day(from).next_yearly(month, of_month);
            assert_eq!(found, next.map(day), "{from} {month}-{of_month}");
        }
    }

    #[test]
    fn festivals_of_the_chinese_calendar_lie_where_they_were_kept() {
        for (year, month, of_month, on) in [
            (2024, 1, 1, "2024-02-10"),
            (2025, 1, 1, "2025-01-29"),
            (2026, 1, 1, "2026-02-17"),
            (2026, 5, 5, "2026-06-19"),
            (2026, 8, 15, "2026-09-25"),
            // The sixth month came twice in 2025.
            (2025, 8, 15, "2025-10-06"),
            // New Year's Eve: the last month had 29 days, then 30.
            (2025, 12, 30, "2026-02-16"),
            (2026, 12, 30, "2027-02-05"),
        ] {
            let found = Day::from_chinese(year, month, of_month);
            assert_eq!(found, Day::parse(on), "{year} {month} {of_month}");
        }
        let none = [(0, 1), (13, 1), (1, 0), (1, 31)];
        let none = none.map(|(month, day)| Day::from_chinese(2026, month, day));
        assert_eq!(none, [None; 4]);
    }
}
