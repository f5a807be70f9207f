//! Local calendar days, asked of the time zone database for every single moment.

use churnwatch::model::{Day, Timestamp};
use jiff::ToSpan;
use jiff::civil::{Date, date};
use jiff::tz::TimeZone;

pub struct Days {
    zone: TimeZone,
}

impl Days {
    pub fn of(zone: &str) -> Self {
        Self {
            zone: TimeZone::get(zone).unwrap(),
        }
    }

    pub fn day_of(&self, at: Timestamp) -> Day {
        let local = moment(at).to_zoned(self.zone.clone()).date();
        let since = local.since(date(1970, 1, 1)).unwrap();
        Day(since.get_days())
    }

    pub fn start_of(&self, day: Day) -> Timestamp {
        self.at_hour(day, 0)
    }

    pub fn hour_of(&self, at: Timestamp) -> u8 {
        let local = moment(at).to_zoned(self.zone.clone());
        u8::try_from(local.hour()).unwrap()
    }

    pub fn at_hour(&self, day: Day, hour: u8) -> Timestamp {
        let local = date_of(day).at(i8::try_from(hour).unwrap(), 0, 0, 0);
        let zoned = local.to_zoned(self.zone.clone()).unwrap();
        Timestamp(zoned.timestamp().as_millisecond())
    }

    /// Completed years of service.
    pub fn years(from: Day, to: Day) -> u32 {
        let (from, to) = (date_of(from), date_of(to));
        let years = (1..200).take_while(|years| {
            let anniversary = from.year() + years;
            // 29 February is completed on 1 March of a common year.
            (anniversary, from.month(), from.day()) <= (to.year(), to.month(), to.day())
        });
        years.count() as u32
    }

    pub fn month_and_day(day: Day) -> (u8, u8) {
        let date = date_of(day);
        (date.month() as u8, date.day() as u8)
    }

    /// The next such day of a year, today included; 1 March for 29 February of a common year.
    pub fn next_yearly(today: Day, month: u8, of_month: u8) -> Option<Day> {
        let mut ahead = (0..8).filter_map(|years| {
            let year = date_of(today).year() + years;
            let asked = Date::new(year, month as i8, of_month as i8).ok();
            let leap = (month, of_month) == (2, 29);
            asked.or(leap.then(|| date(year, 3, 1)))
        });
        let next = ahead.find(|next| *next >= date_of(today))?;
        Some(Day(next.since(date(1970, 1, 1)).unwrap().get_days()))
    }
}

fn moment(at: Timestamp) -> jiff::Timestamp {
    jiff::Timestamp::from_millisecond(at.0).unwrap()
}

fn date_of(day: Day) -> Date {
    date(1970, 1, 1).checked_add(day.0.days()).unwrap()
}
