use crate::engine::settings::{BaselineRules, Competitors, LineStateRules};
use crate::engine::state::account::Account;
use crate::engine::state::bar::BarredDays;
use crate::engine::state::baseline::Baseline;
use crate::engine::state::bucket::UsageChannel;
use crate::engine::state::credit::Credit;
use crate::engine::state::line_state::LineReading;
use crate::engine::state::loss::Loss;
use crate::engine::state::population::{DayFacts, Population};
use crate::engine::state::window::Window;
use crate::model::{Day, Event, Msisdn, Purpose, Source, Timestamp};

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
    /// If the event is an outcome that decides a task: that task's purpose.
    pub decides: Option<Purpose>,
    /// The competitors' numbers.
    pub competitors: &'a Competitors,
}

/// What a trigger is shown of a closed day of one subscriber.
#[derive(Clone, Copy)]
pub struct DayView<'a> {
    /// The subscriber, if there is an account.
    pub msisdn: Option<Msisdn>,
    /// The closed day.
    pub day: Day,
    /// Closed days on which anything was known of the subscriber's usage.
    pub known_days: u16,
    /// The last day with any usage, which may lie after the closed one.
    pub last_active: Day,
    /// The subscriber's last days.
    pub window: &'a Window<'a>,
    /// Bills and standing, if there are any.
    pub account: Option<&'a Account>,
    /// The days on which the line was barred, and the first ones after.
    pub barred: Option<BarredDays>,
    /// The days on which the line was used in other networks, and those until it is surely back.
    pub trip: Option<BarredDays>,
    /// How the customer was lost, if so.
    pub loss: Option<Loss>,
    /// Credit and stars on the closed day, if enough is known to rate the subscriber.
    pub credit: Option<Credit>,
    /// Whether the customer has lately given cause for worry.
    pub worried: bool,
    /// What is believed of the line after the closed day.
    pub line: &'a LineReading,
    /// How that is judged.
    pub line_state_rules: &'a LineStateRules,
    /// How baselines are read.
    pub baseline_rules: &'a BaselineRules,
    pub(in crate::engine) baselines: [Baseline; UsageChannel::COUNT],
    pub(in crate::engine) population: &'a Population,
    /// Of the closed day.
    pub(in crate::engine) facts: &'a DayFacts,
    /// Population factor of the closed day by channel, without the subscriber's own share in it.
    pub(in crate::engine) factor: [f64; UsageChannel::COUNT],
}

impl DayView<'_> {
    /// The day on which people read about the closed day: the one after it.
    pub fn today(&self) -> Day {
        self.day.next()
    }

    /// Events on a day.
    #[inline]
    pub fn observed(&self, channel: UsageChannel, day: Day) -> u32 {
        self.window.day(day).events(channel)
    }

    /// Events expected on a closed day: mu = b * dow * f (behaviour: Expectation). Only days still in the window have a
    /// share of their own.
    pub fn expected(&self, channel: UsageChannel, day: Day) -> f64 {
        self.level(channel) * self.share(channel, day)
    }

    /// How a closed day compares with an average one, by weekday and population factor; 1 for days out of the window.
    pub fn share(&self, channel: UsageChannel, day: Day) -> f64 {
        let c = channel as usize;
        match day == self.day {
            true => self.facts.weekday[c] * self.factor[c],
            false => self.facts(day).map_or(1.0, |facts| facts.share(channel)),
        }
    }

    /// What is known of a day. Nearly always it is the closed one that is asked for.
    fn facts(&self, day: Day) -> Option<&DayFacts> {
        match day == self.day {
            true => Some(self.facts),
            false => self.population.facts(day),
        }
    }

    /// Events expected on an average day.
    pub fn level(&self, channel: UsageChannel) -> f64 {
        self.baselines[channel as usize].level()
    }

    /// Dispersion k of the subscriber's daily events.
    pub fn dispersion(&self, channel: UsageChannel) -> f64 {
        let population = self.population.dispersion(channel);
        self.baselines[channel as usize].dispersion(population, self.baseline_rules)
    }

    /// Whether what there is of a channel on a day is all there was, and the line could be used. Days before the first close
    /// are not known.
    pub fn known(&self, channel: UsageChannel, day: Day) -> bool {
        let facts = self.facts(day);
        facts.is_some_and(|facts| facts.known(channel)) && !self.barred_from(day, day)
    }

    /// The days of the window up to the closed one on which a channel is known, newest first.
    pub fn known_days(&self, channel: UsageChannel) -> impl Iterator<Item = Day> {
        let facts = self.population.until(self.day);
        let known = facts
            .filter(move |facts| facts.known(channel) && !self.barred_from(facts.day, facts.day));
        known.map(|facts| facts.day)
    }

    /// The channels in which use on a day can be compared with the baseline, so that silence means silence.
    pub fn comparable(&self, day: Day) -> impl Iterator<Item = UsageChannel> + use<> {
        let facts = self.facts(day);
        let abroad = self.trip.is_some_and(|days| days.has(day));
        let facts = facts.filter(|_| !abroad && !self.barred_from(day, day));
        let comparable = UsageChannel::ALL.map(|c| facts.is_some_and(|facts| facts.comparable(c)));
        let channels = UsageChannel::ALL.into_iter();
        channels.filter(move |channel| comparable[*channel as usize])
    }

    /// Whether there is such a channel on the closed day.
    pub fn is_comparable(&self) -> bool {
        self.comparable(self.day).next().is_some()
    }

    /// Whether the line was barred on the closed day, or a few days before it.
    pub fn is_barred(&self) -> bool {
        self.barred_from(self.day, self.day)
    }

    /// Whether it was on a day from one to another.
    pub fn barred_from(&self, from: Day, to: Day) -> bool {
        self.barred.is_some_and(|days| days.touch(from, to))
    }
}

/// When a moment's age forbids an immediate trigger (behaviour: Clock and watermarks).
pub fn too_old(clock: Timestamp, at: Timestamp, hours: u16) -> bool {
    clock.since_ms(at) > i64::from(hours) * Timestamp::HOUR_MS
}
