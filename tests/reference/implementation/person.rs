//! All the model knows of one subscriber but its tasks.

use super::account::{Account, AccountView};
use super::baseline::{Baseline, LEARNABLE, Lesson};
use super::line_state;
use super::machines::Behaviour;
use super::population::{Population, SETTLING_DAYS, Stable, Volume, near};
use super::service_history::ServiceHistory;
use super::triggers::{Firing, Memory, Settings};
use super::usage::{CHANNELS, Usage, VOICE};
use super::view::DayView;
use super::win_back::Said;
use churnwatch::engine::Rules;
use churnwatch::model::{Day, Msisdn};

pub struct Person {
    pub msisdn: Msisdn,
    pub usage: Usage,
    pub account: Account,
    pub service_history: ServiceHistory,
    pub said: Said,
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
            said: Said::default(),
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
        self.said = Said::default();
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

    /// What a day teaches; nothing if it is not known, or only part of one.
    fn lesson(&self, channel: usize, day: Day, population: &Population) -> Option<Lesson> {
        let first = self.usage.first_active()?;
        let closed = population.day(day)?;
        let teaches = day > first && population.known(channel, day);
        teaches.then(|| Lesson {
            events: self.usage.events(channel, day),
            share: closed.dow[channel] * population.factor(channel, closed),
        })
    }

    /// Where the volume has settled on another level, only the days it took teach what is ordinary. Returns whether
    /// rounding may have decided otherwise.
    pub fn settle(&mut self, day: Day, population: &Population) -> bool {
        let mut undecided = false;
        for channel in CHANNELS {
            if population.day(day).unwrap().volume[channel] != Volume::Settled {
                continue;
            }
            let days = (0..SETTLING_DAYS).rev().map(|age| day - age);
            let lessons = days.filter_map(|day| self.lesson(channel, day, population));
            self.lessons[channel] = lessons.collect();
            let close = |lesson: &Lesson| near(lesson.share, LEARNABLE);
            undecided |= self.lessons[channel].iter().any(close);
        }
        undecided
    }

    /// The triggers look at the day.
    pub fn close(
        &mut self,
        day: Day,
        population: &Population,
        settings: &Settings,
        line: &line_state::Settings,
        rules: &Rules,
    ) -> Vec<Firing> {
        let today = population.day(day).unwrap();
        if let Some(since) = self.account.standing(rules).suspended_since() {
            let days = (0..i32::from(rules.window.days)).map(|age| day - age);
            let days = days.take_while(|day| *day > since);
            let used = days.filter(|day| self.usage.used(*day)).count();
            if used >= 3 && self.usage.used(day) {
                self.account
                    .use_shows(self.msisdn, rules.calendar.start_of(day), day);
            }
        }
        let began = self.usage.first_active().is_some_and(|first| first <= day);
        let standing = self.account.standing(rules);
        let free = !standing.barred(day, rules);
        self.known_days += usize::from(free && population.partly_known(day) && began);
        if population.known(VOICE, day) && self.behaviour.close(day, &self.usage, population, rules)
        {
            self.known_days = 0;
            self.lessons = Default::default();
            self.memory.unlearn();
        }
        let baselines = self.baselines(rules);
        if standing.machine() || self.behaviour.machine() {
            return Vec::new();
        }
        let own_factor = |channel: usize| {
            let (events, level) = (self.usage.events(channel, day), baselines[channel].level);
            match self.stable {
                true => today.factor_without(channel, events, level, rules),
                false => population.factor(channel, today),
            }
        };
        let said = self.said.clone();
        let view = DayView {
            msisdn: self.msisdn,
            today,
            known_days: self.known_days,
            usage: &self.usage,
            standing: &standing,
            service_history: &self.service_history,
            said: &said,
            baselines,
            population,
            factor: CHANNELS.map(own_factor),
            rules,
        };
        self.said.forget_old(&view);
        self.memory.on_day(&view, settings, line)
    }

    /// Use of a day that is not closed may end a fall.
    pub fn look_ahead(
        &mut self,
        day: Day,
        population: &Population,
        line: &line_state::Settings,
        rules: &Rules,
    ) {
        if self.service_history.abroad(day, self.usage.last_active()) {
            return;
        }
        let baselines = self.baselines(rules);
        let channels = CHANNELS.map(|channel| {
            let of_all = population.dispersion(channel, rules);
            (
                self.usage.events(channel, day),
                baselines[channel].level * population.dow(channel, day.weekday(), rules),
                baselines[channel].dispersion(of_all, rules),
            )
        });
        let events = channels[0].0 + channels[1].0;
        let logs = line_state::so_far(channels, line);
        self.memory.on_return(logs, day, events, line);
    }

    /// Whether somebody was away on the day that left the lag, and whether rounding may have decided that.
    fn absent(
        &self,
        today: Day,
        standing: &AccountView,
        population: &Population,
        rules: &Rules,
    ) -> (bool, bool) {
        let lag = i32::from(rules.baseline.lag_days);
        if (self.known_days as i32) < 21 + lag {
            return (false, false);
        }
        let levels = self.baselines(rules).map(|baseline| baseline.level);
        let ordinary = levels[0] + levels[1];
        if ordinary < 1.0 && !near(ordinary, 1.0) {
            return (false, false);
        }
        // Whether use was low, and whether that was close.
        let low = |days: i32| {
            let days = (lag..lag + days).filter(|age| *age < i32::from(rules.window.days));
            let days = days.map(|age| today - age);
            let days =
                days.filter(|day| !self.usage.too_old(*day) && !standing.barred(*day, rules));
            let (mut used, mut expected) = (0, 0.0);
            for lessons in days.map(|day| CHANNELS.map(|c| self.lesson(c, day, population))) {
                for (lesson, level) in lessons.into_iter().zip(levels) {
                    used += lesson.map_or(0, |lesson| lesson.events);
                    expected += lesson.map_or(0.0, |lesson| level * lesson.share);
                }
            }
            let bound = rules.baseline.absence_below * expected;
            let close = bound > 0.0 && near(used as f64, bound);
            ((used as f64) < bound, close)
        };
        let ((soon, soon_close), (long, long_close)) = (low(3), low(21));
        let possible = (soon || soon_close) && (!long || long_close);
        let close = soon_close || long_close || near(ordinary, 1.0);
        (soon && !long && ordinary >= 1.0, possible && close)
    }

    /// Learns the day that left the lag, and settles whether the subscriber counts for the population tomorrow.
    /// Returns whether rounding may have decided otherwise.
    pub fn learn(&mut self, day: Day, population: &Population, rules: &Rules) -> bool {
        let lesson = day - i32::from(rules.baseline.lag_days);
        let standing = self.account.standing(rules);
        let (absent, mut undecided) = self.absent(day, &standing, population, rules);
        let last = self.usage.last_active();
        for channel in CHANNELS {
            let abroad = self.service_history.abroad(lesson, last);
            let barred = abroad || standing.barred(lesson, rules);
            let lesson = self.lesson(channel, lesson, population);
            let lesson = lesson.filter(|_| !barred && !absent);
            undecided |= lesson.is_some_and(|lesson| near(lesson.share, LEARNABLE));
            self.lessons[channel].extend(lesson);
        }
        let comparable = |day: &i32| population.comparable(Day(*day)).len() == CHANNELS.len();
        let oldest = day.0 + 1 - i32::from(rules.window.days);
        let silent = |last: Day| (oldest.max(last.0 + 1)..=day.0).filter(comparable).count();
        self.stable = self.known_days >= STABLE_DAYS
            && last.is_some_and(|last| silent(last) <= STABLE_SILENCE_DAYS)
            && !standing.machine()
            && !standing.barred(day + 1, rules)
            && !self.service_history.abroad(day + 1, last)
            && !self.behaviour.machine();
        self.enrolled = self.stable.then(|| Enrolled {
            baselines: self.baselines(rules),
            events: None,
        });
        undecided
    }
}
