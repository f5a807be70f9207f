//! A naive model of the engine, written from DOMAIN and from "What the engine means" in ARCHITECTURE.md.
//!
//! It keeps what was accepted and works everything out from the beginning whenever it is asked: no rings, no running
//! sums, no slices. A day closes for everybody at once. Where a decision lies within rounding of its threshold (the
//! engine stores some figures in 32 bits), the subscriber, or the whole shard, is marked undecided from there on.

// Other logarithms than the engine's: figures are compared with a tolerance.
#![allow(clippy::disallowed_methods)]

mod account;
mod baseline;
mod care;
mod compare;
mod days;
mod feeds;
mod policy;
mod population;
mod triggers;
mod usage;

pub use compare::compare;
pub use usage::Counted;

use account::Account;
use baseline::{Baseline, LEARNABLE, Lesson};
use care::Behaviour;
use churnwatch::engine::rules::ClockKind;
use churnwatch::engine::{Inputs, Rules};
use churnwatch::model::{
    Body, CloseReason, Counts, Day, Effect, Event, Feed, Msisdn, Outcome, Reject, Source, Timestamp,
};
use days::Days;
use feeds::FeedTime;
use policy::{Case, Tasks};
use population::{Population, Stable, near};
use std::collections::BTreeMap;
use std::sync::Arc;
use triggers::{DayView, Memory, Settings};
use usage::{CHANNELS, Usage};

pub struct Reference {
    rules: Arc<Rules>,
    settings: Settings,
    days: Days,
    people: BTreeMap<String, Person>,
    feeds: [FeedTime; Feed::ALL.len()],
    inputs: Inputs,
    now: Option<Timestamp>,
    clock: Option<Timestamp>,
    closed: Option<Day>,
    population: Population,
    outage_days: [u64; Feed::ALL.len()],
    counts: Counts,
}

struct Person {
    msisdn: Msisdn,
    usage: Usage,
    account: Account,
    known_days: usize,
    lessons: [Vec<Lesson>; 2],
    /// Judged without its own share in the population factor.
    stable: bool,
    /// Counts for the population on the day after the last close.
    enrolled: Option<Enrolled>,
    behaviour: Behaviour,
    memory: Memory,
    tasks: Tasks,
}

/// With what was ordinary for it at the close, and its events of the next day if they count no further.
struct Enrolled {
    baselines: [Baseline; 2],
    events: Option<[u64; 2]>,
}

/// Known days after which a subscriber counts for the population, if active on one of the last.
const STABLE_DAYS: usize = 14;
const STABLE_SILENCE_DAYS: usize = 3;
/// With fewer subscribers, days stand in for subscribers who may never come together.
const SMALL: usize = 20;

impl Reference {
    /// `triggers` is `[triggers]` of the configuration the rules were made from.
    pub fn new(rules: Arc<Rules>, triggers: toml::Table) -> Self {
        Self {
            days: Days::of(&rules.window.time_zone),
            settings: triggers.try_into().unwrap(),
            rules,
            people: BTreeMap::new(),
            feeds: Default::default(),
            inputs: Inputs::default(),
            now: None,
            clock: None,
            closed: None,
            population: Population::default(),
            outage_days: [0; Feed::ALL.len()],
            counts: Counts::default(),
        }
    }

    pub fn apply(&mut self, event: &Event<'static>, source: &Source) -> Outcome {
        let outcome = self.judge(event, source);
        self.counts.count(&outcome);
        outcome
    }

    pub fn progress(&mut self, feed: Feed, complete_until: Timestamp) -> Outcome {
        let outcome = if self.in_the_future(complete_until) {
            Outcome::Rejected(Reject::Future)
        } else {
            let day = self.days.day_of(complete_until);
            self.feeds[feed as usize].statement(complete_until, day);
            self.begin(day);
            self.move_clock();
            self.close_due_days();
            Outcome::Ignored
        };
        self.counts.count(&outcome);
        outcome
    }

    pub fn tick(&mut self, now: Timestamp, inputs: Inputs) {
        self.now = self.now.max(Some(now));
        self.inputs = inputs;
        self.move_clock();
        self.close_due_days();
    }

    /// Closes every day up to the last that a watermark has entered.
    pub fn finish(&mut self) {
        self.feeds.iter_mut().for_each(FeedTime::settle);
        self.move_clock();
        let Some(last) = self.feeds.iter().filter_map(|feed| feed.watermark).max() else {
            return;
        };
        let last = self.days.day_of(last);
        while self.closed.is_some_and(|closed| closed < last) {
            let end = self.days.start_of(self.closed.unwrap() + 2);
            self.close(self.clock.unwrap_or(end).max(end));
        }
    }

    /// Counts a record that never became an event.
    pub fn count(&mut self, outcome: &Outcome) {
        self.counts.count(outcome);
    }

    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    pub fn clock(&self) -> Option<Timestamp> {
        self.clock
    }

    pub fn watermarks(&self) -> [Option<Timestamp>; Feed::ALL.len()] {
        Feed::ALL.map(|feed| self.feeds[feed as usize].watermark)
    }

    pub fn closed(&self) -> Option<Day> {
        self.closed
    }

    pub fn day_closes(&self) -> u64 {
        self.population.days.len() as u64
    }

    pub fn outage_days(&self) -> [u64; Feed::ALL.len()] {
        self.outage_days
    }

    pub fn open_tasks(&self) -> u64 {
        let open = self.people.values().map(|person| person.tasks.open());
        open.sum::<usize>() as u64
    }

    /// Lines that behave like machines.
    pub fn robots(&self) -> u64 {
        let robots = self
            .people
            .values()
            .filter(|person| person.behaviour.machine());
        robots.count() as u64
    }

    pub fn subscribers(&self) -> Vec<Msisdn> {
        self.people.values().map(|person| person.msisdn).collect()
    }

    /// A subscriber's days, oldest first.
    pub fn window(&self, who: &Msisdn) -> Vec<(Day, Counted)> {
        self.people[who.as_str()].usage.window()
    }

    /// Everything said of a subscriber so far, in order.
    pub fn said(&self, who: &Msisdn) -> &[Effect] {
        &self.people[who.as_str()].tasks.effects
    }

    /// The `task_id` of the last task of a subscriber, if there ever was one.
    pub fn last_task(&self, who: &Msisdn) -> Option<String> {
        let opened = self.people.get(who.as_str())?.tasks.opened();
        (opened > 0).then(|| opened.to_string())
    }

    /// Whether rounding may have decided otherwise for a subscriber.
    pub fn undecided(&self, who: &Msisdn) -> bool {
        self.people[who.as_str()].memory.undecided
    }

    /// Whether rounding may have decided otherwise for the whole shard.
    pub fn all_undecided(&self) -> bool {
        self.population.undecided
    }

    /// The order of judgement of ARCHITECTURE.
    fn judge(&mut self, event: &Event<'static>, source: &Source) -> Outcome {
        if self.in_the_future(event.at) {
            return Outcome::Rejected(Reject::Future);
        }
        let day = self.days.day_of(event.at);
        let is_profile = matches!(event.body, Body::Profile(_));
        if !is_profile {
            let window_days = i32::from(self.rules.window.days);
            let today = self.clock.map(|clock| self.days.day_of(clock));
            if today.is_some_and(|today| today.0 - day.0 >= window_days) {
                return Outcome::Expired;
            }
            self.begin(day);
        }
        let name = event.msisdn.as_str().to_owned();
        let window_days = self.rules.window.days;
        let people = &mut self.people;
        let person = people.entry(name.clone()).or_insert_with(|| Person {
            msisdn: event.msisdn,
            usage: Usage::new(window_days),
            account: Account::default(),
            known_days: 0,
            lessons: Default::default(),
            stable: false,
            enrolled: None,
            behaviour: Behaviour::default(),
            memory: Memory::default(),
            tasks: Tasks::default(),
        });
        let feed = event.body.feed();
        if feed == Feed::Cdr {
            if person.usage.too_old(day) {
                return Outcome::Expired;
            }
            if person.usage.repeated(event) {
                return Outcome::Duplicate;
            }
            person.usage.take(event, day);
        } else {
            if person.account.repeated(event) {
                return Outcome::Duplicate;
            }
            let owners = person.account.standing().owners;
            person.account.take(event, day);
            if person.account.standing().owners > owners {
                person.start_afresh(self.closed);
            }
        }
        let late = !is_profile && Some(day) <= self.closed;
        if !is_profile {
            let all = self.people.len();
            let enough = usize::from(self.rules.window.day_entry_subscribers);
            let needed = enough.max((all / 256).min(64)).min(all);
            let small = all < SMALL;
            self.feeds[feed as usize].record(event.at, day, &name, needed, small);
            self.move_clock();
        }
        self.react(&name, event, day, source);
        self.close_due_days();
        Outcome::Applied { late }
    }

    /// Immediate triggers, and what ends a task.
    fn react(&mut self, name: &str, event: &Event<'static>, day: Day, source: &Source) {
        let Some(person) = self.people.get_mut(name) else {
            return;
        };
        let rules = &self.rules;
        let standing = person.account.standing();
        let immediate_ms = i64::from(rules.window.immediate_hours) * 3_600_000;
        let young = self
            .clock
            .is_none_or(|clock| clock.0 - event.at.0 <= immediate_ms);
        let mut firings = Vec::new();
        if young && !standing.machine() && !person.behaviour.machine() {
            let memory = &mut person.memory;
            firings = memory.on_event(event, day, source, &standing, &self.settings, rules);
        }
        let case = Case {
            msisdn: person.msisdn,
            now: self.clock.unwrap_or(event.at).max(event.at),
            day,
            standing: &standing,
            memory: &person.memory,
            rules,
            days: &self.days,
        };
        let tasks = &mut person.tasks;
        for firing in firings {
            tasks.take(firing, event.at, &case);
        }
        match &event.body {
            Body::TaskOutcome(said) => tasks.settle(&said.task_id, said.result, source, &case),
            Body::Cancellation if standing.churned(day, rules) => {
                tasks.close(CloseReason::Churned, Some(source), &case);
            }
            Body::PortOutApplication => tasks.close(CloseReason::PortOut, Some(source), &case),
            _ => {}
        }
    }

    fn in_the_future(&self, at: Timestamp) -> bool {
        let tolerance_ms = i64::from(self.rules.window.future_minutes) * 60_000;
        self.now.is_some_and(|now| at.0 - now.0 > tolerance_ms)
    }

    /// The first event's day is the first that can close.
    fn begin(&mut self, day: Day) {
        self.closed.get_or_insert(day - 1);
    }

    fn move_clock(&mut self) {
        let clock = match self.rules.window.clock {
            ClockKind::Wall => self.now,
            ClockKind::Event => {
                let highest = self.feeds.iter().map(|feed| feed.watermark).max().flatten();
                let lagging = self.lagging();
                lagging
                    .map(|feed| feed.watermark)
                    .fold(highest, Option::min)
            }
        };
        self.clock = self.clock.max(clock);
    }

    fn lagging(&self) -> impl Iterator<Item = &FeedTime> {
        let lags = |feed: &Feed| self.inputs.lagging.contains(*feed);
        Feed::ALL
            .into_iter()
            .filter(lags)
            .map(|feed| &self.feeds[feed as usize])
    }

    fn close_due_days(&mut self) {
        while self.day_is_over() {
            self.close(self.clock.unwrap());
        }
    }

    fn day_is_over(&self) -> bool {
        let (Some(closed), Some(clock)) = (self.closed, self.clock) else {
            return false;
        };
        let end = self.days.start_of(closed + 2);
        let idle_hours = i64::from(self.rules.window.idle_feed_hours);
        let idle = clock.plus_hours(-idle_hours);
        let current = self.feeds.iter().filter_map(|feed| feed.watermark);
        let current = current.filter(|watermark| *watermark >= idle).min();
        // A lagging feed without any record holds everything back.
        let held_back_by = self.lagging().map(|feed| feed.watermark).min();
        let watermark = match held_back_by {
            Some(lagging) if current.is_some() => lagging.min(current),
            Some(lagging) => lagging,
            None => current,
        };
        let soon = end.plus_hours(i64::from(self.rules.window.grace_hours));
        let late = end.plus_hours(idle_hours);
        let wall = self.rules.window.clock == ClockKind::Wall;
        let complete = self.feeds[Feed::Cdr as usize].complete(end);
        if clock < end {
            return false;
        }
        (watermark >= Some(soon) && complete)
            || watermark >= Some(late)
            || (wall && self.inputs.caught_up && clock >= late)
    }

    /// Closes the day after the last closed one, for everybody.
    fn close(&mut self, at: Timestamp) {
        let day = self.closed.unwrap() + 1;
        let end = self.days.start_of(day + 1);
        let people = self.people.values();
        let stable: Vec<Stable> = people.filter_map(|person| person.as_stable(day)).collect();
        let complete = Feed::ALL.map(|feed| self.feeds[feed as usize].complete(end));
        let population = &mut self.population;
        population.close(day, complete[Feed::Cdr as usize], &stable, &self.rules);
        for feed in Feed::ALL {
            let known = match feed {
                Feed::Cdr => population.known(day),
                _ => complete[feed as usize],
            };
            self.outage_days[feed as usize] += u64::from(!known);
        }
        self.closed = Some(day);
        let mut undecided = false;
        for person in self.people.values_mut() {
            person.close(
                day,
                at,
                &self.population,
                &self.settings,
                &self.rules,
                &self.days,
            );
            undecided |= person.learn(day, &self.population, &self.rules);
        }
        self.population.undecided |= undecided;
    }
}

impl Person {
    fn baselines(&self, rules: &Rules) -> [Baseline; 2] {
        CHANNELS.map(|channel| Baseline::of(&self.lessons[channel], rules))
    }

    /// The number was given to somebody new.
    fn start_afresh(&mut self, closed: Option<Day>) {
        if let (Some(enrolled), Some(closed)) = (&mut self.enrolled, closed) {
            let events = CHANNELS.map(|channel| self.usage.events(channel, closed + 1));
            enrolled.events.get_or_insert(events);
        }
        self.usage.forget();
        self.known_days = 0;
        self.lessons = Default::default();
        self.stable = false;
        self.behaviour = Behaviour::default();
        self.memory.forget();
    }

    fn as_stable(&self, day: Day) -> Option<Stable> {
        let Enrolled { baselines, events } = self.enrolled.as_ref()?;
        let counted = || CHANNELS.map(|channel| self.usage.events(channel, day));
        Some(Stable {
            events: events.unwrap_or_else(counted),
            level: baselines.map(|baseline| baseline.level),
            excess: baselines.map(|baseline| baseline.excess),
            square: baselines.map(|baseline| baseline.square),
        })
    }

    /// The triggers look at the day, the open task is reviewed, then what fired is taken up.
    fn close(
        &mut self,
        day: Day,
        at: Timestamp,
        population: &Population,
        settings: &Settings,
        rules: &Rules,
        days: &Days,
    ) {
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
        let mut firings = Vec::new();
        if !standing.machine() && !self.behaviour.machine() {
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
                baselines,
                population,
                factor: CHANNELS.map(own_factor),
                rules,
            };
            firings = self.memory.on_day(&view, settings);
        }
        let case = Case {
            msisdn: self.msisdn,
            now: at,
            day,
            standing: &standing,
            memory: &self.memory,
            rules,
            days,
        };
        self.tasks.review(&case);
        for firing in firings {
            self.tasks.take(firing, at, &case);
        }
    }

    /// Learns the day that left the lag, and settles whether the subscriber counts for the population tomorrow.
    /// Returns whether rounding may have decided otherwise.
    fn learn(&mut self, day: Day, population: &Population, rules: &Rules) -> bool {
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
