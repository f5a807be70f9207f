//! A naive model of the engine, written from docs/behaviour.md.
//!
//! It keeps what was accepted and works everything out from the beginning whenever it is asked: no rings, no running
//! sums, no slices. A day closes for everybody at once. Where a decision lies within rounding of its threshold (the
//! engine stores some figures in 32 bits), the subscriber, or the whole shard, is marked undecided from there on.

// Other logarithms than the engine's: figures are compared with a tolerance.
#![allow(clippy::disallowed_methods)]

mod account;
mod baseline;
mod bills;
mod budget;
mod capacity;
mod care;
mod churn;
mod compare;
mod contacts;
mod days;
mod erase;
mod feeds;
mod forget;
mod groups;
mod ladder;
mod line_state;
mod machines;
mod occasions;
mod orders;
mod outcomes;
mod person;
mod policy;
mod population;
mod quality;
mod rating;
mod roaming;
mod service_history;
mod tasks;
mod triggers;
mod uplift;
mod usage;
mod view;
mod visits;
mod win_back;

pub use compare::compare;
pub use uplift::{Counted as Seen, Whose};
pub use usage::Counted;

use churnwatch::engine::Rules;
use churnwatch::engine::settings::ClockKind;
use churnwatch::model::{
    Body, CloseReason, Counts, Day, Event, Feed, Inputs, Msisdn, Outcome, Purpose, Reject, Source,
    Suppression, Timestamp,
};
use days::Days;
use feeds::FeedTime;
use person::Person;
use policy::{Book, Case, Tasks};
use population::{Population, Stable};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use triggers::Settings;
use usage::CHANNELS;

pub struct Reference {
    rules: Arc<Rules>,
    settings: Settings,
    line_state: line_state::Settings,
    days: Days,
    people: BTreeMap<String, Person>,
    book: Book,
    /// When the last close began, and when its candidates are due, if they have not been released.
    release: Option<(Timestamp, Timestamp)>,
    /// How many were forgotten at the last close; until the next they count as subscribers.
    forgotten: usize,
    forgotten_ever: usize,
    /// Erased since the last close, as far as they counted for the population.
    erased_stable: Vec<Stable>,
    /// Erased while undecided.
    erased_undecided: BTreeSet<Msisdn>,
    feeds: [FeedTime; Feed::ALL.len()],
    inputs: Inputs,
    now: Option<Timestamp>,
    clock: Option<Timestamp>,
    closed: Option<Day>,
    population: Population,
    outage_days: [u64; Feed::ALL.len()],
    counts: Counts,
    groups: BTreeMap<String, groups::Heard>,
}

/// With fewer subscribers, days stand in for subscribers who may never come together.
const SMALL: usize = 20;

impl Reference {
    /// `sections` is the configuration the rules were made from.
    ///
    /// `part`: which part of the budget it has, of how many.
    pub fn new(rules: Arc<Rules>, mut sections: toml::Table, part: (i32, i32)) -> Self {
        let mut section = |name: &str| sections.remove(name).unwrap();
        Self {
            days: Days::of(&rules.window.time_zone),
            settings: section("triggers").try_into().unwrap(),
            line_state: section("line_state").try_into().unwrap(),
            rules,
            people: BTreeMap::new(),
            book: Book::new(part),
            release: None,
            forgotten: 0,
            forgotten_ever: 0,
            erased_stable: Vec::new(),
            erased_undecided: BTreeSet::new(),
            feeds: Default::default(),
            inputs: Inputs::default(),
            now: None,
            clock: None,
            closed: None,
            population: Population::default(),
            outage_days: [0; Feed::ALL.len()],
            counts: Counts::default(),
            groups: BTreeMap::new(),
        }
    }

    pub fn apply(&mut self, event: &Event<'static>, source: &Source) -> Outcome {
        let outcome = self.judge(event, source);
        self.counts.count(&outcome);
        outcome
    }

    pub fn progress(&mut self, feed: Feed, complete_until: Timestamp) -> Outcome {
        let outcome = if self.in_the_future(complete_until) {
            Outcome::Rejected(Reject::FutureStatement)
        } else if self.feeds.iter().all(|feed| feed.watermark.is_none()) {
            Outcome::Ignored
        } else if !self.founded(complete_until) {
            Outcome::Rejected(Reject::UnfoundedStatement)
        } else {
            let day = self.days.day_of(complete_until);
            self.feeds[feed as usize].statement(complete_until, day);
            self.begin(day);
            self.move_clock();
            self.follow_clock();
            Outcome::Ignored
        };
        self.counts.count(&outcome);
        outcome
    }

    /// Whether a statement is at most a week ahead of all that is known of the time.
    fn founded(&self, complete_until: Timestamp) -> bool {
        let live = !self.follows_events() && self.inputs.caught_up;
        let real = self.clock.filter(|_| live);
        let marks = self.feeds.iter().filter_map(|feed| feed.watermark);
        marks
            .chain(real)
            .any(|at| complete_until.0 - at.0 <= 7 * 24 * 3_600_000)
    }

    pub fn tick(&mut self, now: Timestamp, inputs: Inputs) {
        let in_backlog = self.in_backlog();
        self.now = self.now.max(Some(now));
        self.inputs = inputs;
        self.move_clock();
        self.follow_clock();
        if in_backlog && !self.in_backlog() && self.release.is_none() && self.closed.is_some() {
            self.release = self.clock.map(|clock| (clock, clock));
            self.release();
        }
        if let Some(clock) = self.clock.filter(|_| in_backlog && !self.in_backlog()) {
            self.review_groups(clock);
        }
    }

    fn in_backlog(&self) -> bool {
        self.rules.window.clock == ClockKind::Auto && self.inputs.backlog
    }

    fn follows_events(&self) -> bool {
        self.rules.window.clock == ClockKind::Event || self.in_backlog()
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
        self.release();
        self.keep_appointments();
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

    /// Lines forgotten so far.
    pub fn forgotten(&self) -> u64 {
        self.forgotten_ever as u64
    }

    pub fn outage_days(&self) -> [u64; Feed::ALL.len()] {
        self.outage_days
    }

    pub fn open_tasks(&self) -> u64 {
        let tasks = self.book.tasks.values();
        tasks.map(|tasks| tasks.open.len() as u64).sum()
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

    /// Whether rounding may have decided otherwise for a subscriber.
    pub fn undecided(&self, who: &Msisdn) -> bool {
        let person = self.people.get(who.as_str());
        self.erased_undecided.contains(who) || person.is_some_and(|person| person.memory.undecided)
    }

    /// Whether rounding may have decided otherwise for the whole shard.
    pub fn all_undecided(&self) -> bool {
        self.population.undecided
    }

    /// The order in which an event is judged (behaviour: Outcome of a record).
    fn judge(&mut self, event: &Event<'static>, source: &Source) -> Outcome {
        if self.in_the_future(event.at) {
            return Outcome::Rejected(Reject::Future);
        }
        let day = self.days.day_of(event.at);
        if let Body::Erase { request } = &event.body {
            self.erase(request, event, day, source);
            return Outcome::Applied { late: false };
        }
        if let Body::MemberSignal(signal) = &event.body {
            return self.hear(event, signal);
        }
        if self.is_nobody(event) {
            return Outcome::Ignored;
        }
        if let Body::Invoice(invoice) = &event.body
            && invoice.period.0 > day.0 + 62
        {
            return Outcome::Rejected(Reject::InvalidField {
                field: "period",
                problem: "begins more than 62 days after event_timestamp".into(),
            });
        }
        let feed = event.body.feed();
        let timeless = matches!(event.body, Body::Profile(_)) || feed == Feed::Group;
        if !timeless {
            let window_days = i32::from(self.rules.window.days);
            let today = self.clock.map(|clock| self.days.day_of(clock));
            let old = today.is_some_and(|today| today.0 - day.0 >= window_days);
            if old && !feeds::is_state(&event.body) {
                return Outcome::Expired;
            }
            self.begin(day);
        }
        let backlog = self.in_backlog();
        let name = event.msisdn.as_str().to_owned();
        let person = || Person::new(event.msisdn, self.rules.window.days);
        let person = self.people.entry(name.clone()).or_insert_with(person);
        if feed == Feed::Cdr {
            let late = Some(day) <= self.closed;
            let before_owner = || person.account.standing(&self.rules).before_owner(day);
            if person.usage.too_old(day) || (late && before_owner()) {
                return Outcome::Expired;
            }
            if person.usage.repeated(event) {
                return Outcome::Duplicate;
            }
            person.usage.take(event, day);
        } else {
            let standing = person.account.standing(&self.rules);
            if !timeless && standing.is_anothers(event, day) {
                return Outcome::Expired;
            }
            if person.account.repeated(event) {
                return Outcome::Duplicate;
            }
            let owners = standing.owners;
            person.account.take(event, day);
            let standing = person.account.standing(&self.rules);
            if standing.owners > owners {
                let tasks = self.book.of(event.msisdn);
                let case = Case {
                    msisdn: person.msisdn,
                    now: self.clock.unwrap_or(event.at).max(event.at),
                    day,
                    standing: &standing,
                    memory: &person.memory,
                    backlog,
                    rules: &self.rules,
                    days: &self.days,
                };
                tasks.leave(CloseReason::Churned, Suppression::Churned, source, &case);
                tasks.forget();
                tasks.lose_sight();
                person.start_afresh(self.closed);
            }
        }
        person.service_history.take(event, day);
        let late = !timeless && Some(day) <= self.closed;
        if !timeless {
            let all = self.people.len() + self.forgotten;
            let enough = usize::from(self.rules.window.day_entry_subscribers);
            let needed = enough.max((all / 256).min(64)).min(all);
            let small = all < SMALL;
            self.feeds[feed as usize].record(event.at, day, &name, needed, small);
            self.move_clock();
        }
        let urgent = self.book.urgent.len();
        let known = self.react(&name, event, day, source);
        if self.book.urgent.len() > urgent {
            self.doubt_one(event.msisdn);
        }
        self.follow_clock();
        if !known && !self.in_backlog() {
            return Outcome::Rejected(Reject::UnknownTask);
        }
        Outcome::Applied { late }
    }

    /// Immediate triggers, and what changes tasks. Returns false for an outcome of a task that is not known.
    fn react(&mut self, name: &str, event: &Event<'static>, day: Day, source: &Source) -> bool {
        let backlog = self.in_backlog();
        let Some(person) = self.people.get_mut(name) else {
            return true;
        };
        let rules = &self.rules;
        let settles = match &event.body {
            Body::TaskOutcome(said) => {
                let now = self.clock.unwrap_or(event.at).max(event.at);
                let tasks = self.book.of(event.msisdn);
                let purpose = tasks.decided_by(&said.task_id, event.at, now, rules);
                if let Some(purpose) = purpose {
                    person.said.learn(purpose, said, day);
                }
                purpose
            }
            _ => None,
        };
        let standing = person.account.standing(rules);
        let immediate_ms = i64::from(rules.window.immediate_hours) * 3_600_000;
        let young = self
            .clock
            .is_none_or(|clock| clock.0 - event.at.0 <= immediate_ms);
        let mut firings = Vec::new();
        if young && !standing.machine() && !person.behaviour.machine() {
            let view = churn::EventView {
                event,
                day,
                source,
                standing: &standing,
                service_history: &person.service_history,
                settles,
                rules,
            };
            firings = person.memory.on_event(&view, &self.settings);
        }
        let case = Case {
            msisdn: person.msisdn,
            now: self.clock.unwrap_or(event.at).max(event.at),
            day,
            standing: &standing,
            memory: &person.memory,
            backlog,
            rules,
            days: &self.days,
        };
        for firing in firings {
            self.book.take(firing, event.at, &case);
        }
        let tasks = self.book.of(event.msisdn);
        match &event.body {
            Body::TaskOutcome(said) => return tasks.outcome(event, said, source, &case),
            Body::Profile(_) => tasks.revoke(source, &case),
            Body::ServiceOrder(kind) => tasks.withdraw(*kind, source, &case),
            Body::GroupCovered(covered) => tasks.stand_back(covered, source, &case),
            Body::Cancellation if standing.churned(day, rules) => {
                let (end, why) = (CloseReason::Churned, Suppression::Churned);
                tasks.leave_but(Some(Purpose::WinBack), end, why, source, &case);
                tasks.depart(&case);
            }
            Body::PortOutApplication if case.held() => {
                tasks.leave(CloseReason::MnpHold, Suppression::MnpHold, source, &case);
                tasks.depart(&case);
            }
            _ => {}
        }
        true
    }

    /// Works on a subscriber's tasks at a moment of the engine's own, whose day is the last closed one.
    fn consider(
        &mut self,
        who: Msisdn,
        now: Timestamp,
        mut work: impl FnMut(&mut Tasks, &Case<'_>),
    ) {
        let backlog = self.in_backlog();
        let person = &self.people[who.as_str()];
        let case = Case {
            msisdn: who,
            now,
            day: self.closed.unwrap(),
            standing: &person.account.standing(&self.rules),
            memory: &person.memory,
            backlog,
            rules: &self.rules,
            days: &self.days,
        };
        work(self.book.of(who), &case);
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
        let clock = match self.follows_events() {
            false => self.now,
            true => {
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
        Feed::TIMED
            .into_iter()
            .filter(lags)
            .map(|feed| &self.feeds[feed as usize])
    }

    fn follow_clock(&mut self) {
        while self.day_is_over() {
            self.close(self.clock.unwrap());
        }
        self.keep_appointments();
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
        let wall = !self.follows_events();
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
        let backlog = self.in_backlog();
        self.review_groups(at);
        if self.release.is_some_and(|(_, due)| due <= at) {
            self.release();
        }
        let day = self.closed.unwrap() + 1;
        let end = self.days.start_of(day + 1);
        let people = self.people.values();
        let mut stable: Vec<Stable> = people.filter_map(|person| person.as_stable(day)).collect();
        stable.append(&mut self.erased_stable);
        let complete = Feed::ALL.map(|feed| self.feeds[feed as usize].complete(end));
        let population = &mut self.population;
        population.close(day, complete[Feed::Cdr as usize], &stable, &self.rules);
        for feed in Feed::ALL {
            let known = match feed {
                Feed::Cdr => CHANNELS.iter().all(|c| population.known(*c, day)),
                _ => complete[feed as usize],
            };
            self.outage_days[feed as usize] += u64::from(!known);
        }
        self.closed = Some(day);
        let mut undecided = false;
        for person in self.people.values_mut() {
            undecided |= person.settle(day, &self.population);
            let tasks = self.book.of(person.msisdn);
            tasks.see(day, person, &self.rules);
            let firings = person.close(
                day,
                &self.population,
                &self.settings,
                &self.line_state,
                &self.rules,
            );
            let case = Case {
                msisdn: person.msisdn,
                now: at,
                day,
                standing: &person.account.standing(&self.rules),
                memory: &person.memory,
                backlog,
                rules: &self.rules,
                days: &self.days,
            };
            self.book.of(person.msisdn).review(&case);
            self.book.of(person.msisdn).pass_on(&case);
            for firing in firings {
                self.book.take(firing, at, &case);
            }
            undecided |= person.learn(day, &self.population, &self.rules);
        }
        self.population.undecided |= undecided;
        self.forget_gone(day, at);
        let minutes = i64::from(self.rules.policy.budget.collect_minutes);
        self.release = Some((at, Timestamp(at.0 + minutes * 60_000)));
    }
}
