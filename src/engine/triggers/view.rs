use super::{Firing, FiringKind};
use crate::engine::Rules;
use crate::engine::account::Account;
use crate::engine::baseline::Baseline;
use crate::engine::image::fields;
use crate::engine::population::Population;
use crate::engine::window::{Channel, Window};
use crate::model::{Day, Event, Source, Timestamp};

/// What a trigger is shown of an event.
pub struct EventView<'a> {
    /// The event.
    pub event: &'a Event<'a>,
    /// Its local day.
    pub day: Day,
    /// Where its record came from.
    pub source: &'a Source,
    /// Bills and standing after the event, if there are any.
    pub account: Option<&'a Account>,
    /// The rules in force.
    pub rules: &'a Rules,
}

/// What a trigger is shown of a closed day of one subscriber.
pub struct DayView<'a> {
    /// The closed day.
    pub day: Day,
    /// Whether silence on it means silence.
    pub known: bool,
    /// Closed days on which the subscriber's usage was known.
    pub known_days: u16,
    /// The last day with any usage, which may lie after the closed one.
    pub last_active: Day,
    /// The subscriber's last days.
    pub window: Window<'a>,
    /// Bills and standing, if there are any.
    pub account: Option<&'a Account>,
    /// The rules in force.
    pub rules: &'a Rules,
    pub(in crate::engine) baselines: [Baseline; Channel::COUNT],
    pub(in crate::engine) population: &'a Population,
    /// Population factor of the closed day by channel, without the subscriber's own share in it.
    pub(in crate::engine) factor: [f64; Channel::COUNT],
}

impl DayView<'_> {
    /// Events on a day.
    pub fn observed(&self, channel: Channel, day: Day) -> u32 {
        self.window.day(day).events(channel)
    }

    /// Events expected on a closed day: mu = b * dow * f (DOMAIN section 4, `usage_drop`). Only days still in the window
    /// have a share of their own.
    pub fn expected(&self, channel: Channel, day: Day) -> f64 {
        let c = channel as usize;
        let share = self.population.facts(day).map_or(1.0, |facts| {
            if day == self.day {
                facts.weekday[c] * self.factor[c]
            } else {
                facts.share(channel)
            }
        });
        self.level(channel) * share
    }

    /// Events expected on an average day.
    pub fn level(&self, channel: Channel) -> f64 {
        self.baselines[channel as usize].level()
    }

    /// Dispersion k of the subscriber's daily events.
    pub fn dispersion(&self, channel: Channel) -> f64 {
        let population = self.population.dispersion(channel);
        self.baselines[channel as usize].dispersion(population, &self.rules.baseline)
    }

    /// Whether silence on a day means silence. Days before the first close are not known.
    pub fn day_known(&self, day: Day) -> bool {
        self.population.facts(day).is_some_and(|facts| facts.known)
    }
}

/// What one trigger remembers of one subscriber, in 8 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Memory {
    /// A running figure of the trigger's own.
    pub level: f32,
    /// Days since 1999-12-31 of the last full or weak firing; 0 for never.
    fired_on: u16,
    /// Strength of the last firing in 255ths.
    strength: u8,
    /// Marks or counts of the trigger's own.
    pub note: u8,
}

fields!(Memory {
    level,
    fired_on,
    strength,
    note,
});

/// 1999-12-31.
const DAY_ZERO: Day = Day(10_956);

impl Memory {
    /// Day of the last full or weak firing.
    pub fn fired_on(&self) -> Option<Day> {
        (self.fired_on > 0).then(|| DAY_ZERO + i32::from(self.fired_on))
    }

    /// Whether a day lies within so many days of the last firing.
    pub fn cooling(&self, day: Day, cooldown_days: u16) -> bool {
        let since = |fired: Day| day.since(fired) < i32::from(cooldown_days);
        self.fired_on().is_some_and(since)
    }

    /// Strength of the last firing, 0..1.
    pub fn strength(&self) -> f64 {
        f64::from(self.strength) / 255.0
    }

    /// Notes a firing. A repeat raises the strength while the cool-down runs on.
    pub(in crate::engine) fn note_firing(&mut self, firing: &Firing, day: Day) {
        let strength = (firing.strength * 255.0) as u8;
        if firing.kind == FiringKind::Repeat {
            self.strength = self.strength.max(strength);
            return;
        }
        self.strength = strength;
        self.fired_on = day.since(DAY_ZERO).clamp(1, i32::from(u16::MAX)) as u16;
    }
}

/// When a moment's age forbids an immediate trigger (DOMAIN section 3).
pub(in crate::engine) fn too_old(clock: Timestamp, at: Timestamp, hours: u16) -> bool {
    clock.since_ms(at) > i64::from(hours) * Timestamp::HOUR_MS
}
