//! All the model knows of one subscriber but its tasks.

use super::account::Account;
use super::baseline::{Baseline, LEARNABLE, Lesson};
use super::care::Behaviour;
use super::population::{Population, Stable, near};
use super::service_history::ServiceHistory;
use super::triggers::{DayView, Firing, Memory, Settings};
use super::usage::{CHANNELS, Usage};
use churnwatch::engine::Rules;
use churnwatch::model::{Day, Msisdn};

pub struct Person {
    pub msisdn: Msisdn,
    pub usage: Usage,
    pub account: Account,
    pub service_history: ServiceHistory,
    known_days: usize,
    lessons: [Vec<Lesson>; 2],
    /// Judged without its own share in the population factor.
    stable: bool,
    /// Counts for the population on the day after the last close.
    enrolled: Option<Enrolled>,
    pub behaviour: Behaviour,
    pub memory: Memory,
}

/// With what was ordinary for it at the close, and its events of the next day if they count no further.
struct Enrolled {
    baselines: [Baseline; 2],
    events: Option<[u64; 2]>,
}

/// Known days after which a subscriber counts for the population, if active on one of the last.
const STABLE_DAYS: usize = 14;
const STABLE_SILENCE_DAYS: usize = 3;
impl Person {
    pub fn new(msisdn: Msisdn, window_days: u16) -> Self {
        Self {
            msisdn,
            usage: Usage::new(window_days),
            account: Account::default(),
            service_history: ServiceHistory::default(),
            known_days: 0,
            lessons: Default::default(),
            stable: false,
            enrolled: None,
            behaviour: Behaviour::default(),
            memory: Memory::default(),
        }
    }

    fn baselines(&self, rules: &Rules) -> [Baseline; 2] {
        CHANNELS.map(|channel| Baseline::of(&self.lessons[channel], rules))
    }

    /// The number was given to somebody new.
    pub fn start_afresh(&mut self, closed: Option<Day>) {
        if let (Some(enrolled), Some(closed)) = (&mut self.enrolled, closed) {
            let events = CHANNELS.map(|channel| self.usage.events(channel, closed + 1));
            enrolled.events.get_or_insert(events);
        }
        self.usage.forget();
        self.service_history = ServiceHistory::default();
        self.known_days = 0;
        self.lessons = Default::default();
        self.stable = false;
        self.behaviour = Behaviour::default();
        self.memory.forget();
    }

    pub fn as_stable(&self, day: Day) -> Option<Stable> {
        let Enrolled { baselines, events } = self.enrolled.as_ref()?;
        let counted = || CHANNELS.map(|channel| self.usage.events(channel, day));
        Some(Stable {
            events: events.unwrap_or_else(counted),
            level: baselines.map(|baseline| baseline.level),
            excess: baselines.map(|baseline| baseline.excess),
            square: baselines.map(|baseline| baseline.square),
        })
    }

    /// The triggers look at the day.
    pub fn close(
        &mut self,
        day: Day,
        population: &Population,
        settings: &Settings,
        rules: &Rules,
    ) -> Vec<Firing> {
        let today = population.day(day).unwrap();
        let began = self.usage.first_active().is_some_and(|first| first <= day);
        self.known_days += usize::from(today.known && began);
        if today.known && self.behaviour.close(day, &self.usage, population, rules) {
            self.known_days = 0;
            self.lessons = Default::default();
            self.memory.unlearn();
        }
        let standing = self.account.standing();
        let baselines = self.baselines(rules);
        if standing.machine() || self.behaviour.machine() {
            return Vec::new();
        }
        let own_factor = |channel: usize| {
            let (events, level) = (self.usage.events(channel, day), baselines[channel].level);
            match self.stable {
                true => today.factor_without(channel, events, level, rules),
                false => today.factor[channel],
            }
        };
        let view = DayView {
            today,
            known_days: self.known_days,
            usage: &self.usage,
            standing: &standing,
            service_history: &self.service_history,
            baselines,
            population,
            factor: CHANNELS.map(own_factor),
            rules,
        };
        self.memory.on_day(&view, settings)
    }

    /// Learns the day that left the lag, and settles whether the subscriber counts for the population tomorrow.
    /// Returns whether rounding may have decided otherwise.
    pub fn learn(&mut self, day: Day, population: &Population, rules: &Rules) -> bool {
        let lesson = day - i32::from(rules.baseline.lag_days);
        let learnt = population.day(lesson).filter(|closed| closed.known);
        let mut undecided = false;
        let after_first = self
            .usage
            .first_active()
            .is_some_and(|first| lesson > first);
        if let Some(closed) = learnt.filter(|_| after_first) {
            for channel in CHANNELS {
                let share = closed.dow[channel] * closed.factor[channel];
                undecided |= near(share, LEARNABLE);
                let events = self.usage.events(channel, lesson);
                self.lessons[channel].push(Lesson { events, share });
            }
        }
        let last = self.usage.last_active();
        let known = |day: &i32| population.known(Day(*day));
        let oldest = day.0 + 1 - i32::from(rules.window.days);
        let silent = |last: Day| (oldest.max(last.0 + 1)..=day.0).filter(known).count();
        self.stable = self.known_days >= STABLE_DAYS
            && last.is_some_and(|last| silent(last) <= STABLE_SILENCE_DAYS)
            && !self.account.standing().machine()
            && !self.behaviour.machine();
        self.enrolled = self.stable.then(|| Enrolled {
            baselines: self.baselines(rules),
            events: None,
        });
        undecided
    }
}
