//! Readable scenarios: a shard, local times as text, and what it said of whom, one line each.

use churnwatch::engine::{Bucket, Rules, Shard};
use churnwatch::model::{
    Body, Calendar, CallOutcome, Day, Direction, Effect, Event, Feed, FeedSet, Inputs, Invoice,
    Money, Msisdn, Number, Outcome, OutcomeResult, Profile, ProfileFlags, Source, Talk, Task,
    TaskOutcome, Timestamp,
};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The clock is that of the events.
pub const EVENT_CLOCK: &str = "window.clock = \"event\"";
/// What a day's close finds becomes tasks at once.
pub const AT_ONCE: &str = "policy.budget.collect_minutes = 0";

/// A shard in which every call is one line of a test.
pub struct Scenario {
    pub shard: Shard,
    pub effects: Vec<Effect>,
    rules: Arc<Rules>,
    calendar: Calendar,
    records: u64,
    /// Effects that were looked through for what shards tell each other.
    heard: usize,
}

/// Over files nothing lags; this is a feed that is not read to its end.
pub fn behind(feed: Feed) -> Inputs {
    Inputs {
        lagging: FeedSet::NONE.with(feed),
        caught_up: false,
        backlog: false,
    }
}

/// A day by its date.
pub fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

/// The days from one date to another, both included.
pub fn days(from: &str, to: &str) -> RangeInclusive<i32> {
    day(from).0..=day(to).0
}

/// Subscribers by number.
pub fn crowd(size: usize) -> Vec<String> {
    (1..=size).map(|n| format!("139{n:08}")).collect()
}

/// Three to nine calls, the same mixture for everybody and every week, no two subscribers or days alike.
pub fn usual(who: &str, day: Day) -> u32 {
    let who: u32 = who[3..].parse().unwrap();
    3 + (who.wrapping_mul(7919) ^ (day.0 as u32).wrapping_mul(104_729)) / 8 % 7
}

pub fn call(other: &str) -> Body<'static> {
    Body::Call {
        direction: Direction::Outgoing,
        other: Number::from_digits(other.as_bytes()),
        duration_seconds: 60,
        outcome: CallOutcome::Normal,
        handset: None,
    }
}

/// Not a competitor's number.
pub const FRIEND: &str = "13712345678";
/// `unicom`.
pub const HOTLINE: &str = "10010";

/// Of a month, due on a date.
pub fn invoice(period: &str, due_on: &str, yuan: i64) -> Body<'static> {
    Body::Invoice(Invoice {
        period: day(period),
        amount: Money(yuan * 100),
        plan_fee: Some(Money(yuan * 100)),
        usage_value: Some(Money(yuan * 100)),
        document: 0,
        corrects: None,
        overage: Some(Money::ZERO),
        due_on: Some(day(due_on)),
    })
}

pub fn payment(yuan: i64) -> Body<'static> {
    Body::Payment {
        amount: Money(yuan * 100),
    }
}

pub fn profile(change: impl FnOnce(&mut Profile<'static>)) -> Body<'static> {
    let mut profile = Profile {
        activated_on: Some(day("2020-01-01")),
        ..Profile::default()
    };
    change(&mut profile);
    Body::Profile(Box::new(profile))
}

/// What became of a task.
pub fn outcome(task: &Task, result: OutcomeResult) -> Body<'static> {
    Body::TaskOutcome(TaskOutcome {
        task_id: task.task_id.clone().into(),
        result: Some(result),
        stated_reason: None,
        confirmed_reason: None,
        do_not_contact: false,
    })
}

pub const MACHINE: ProfileFlags = ProfileFlags {
    not_pursued: false,
    machine: true,
};
pub const NOT_PURSUED: ProfileFlags = ProfileFlags {
    not_pursued: true,
    machine: false,
};

impl Scenario {
    /// An empty shard; `overrides` is TOML over the defaults and over [`AT_ONCE`].
    pub fn new(overrides: &str) -> Self {
        let (rules, _) = crate::support::rules::rules(&[EVENT_CLOCK, AT_ONCE, overrides]);
        Self::under(rules)
    }

    /// An empty shard under rules.
    pub fn under(rules: Arc<Rules>) -> Self {
        Self {
            calendar: rules.calendar.clone(),
            shard: Shard::new(rules.clone()),
            rules,
            effects: Vec::new(),
            records: 0,
            heard: 0,
        }
    }

    /// A local time, such as `2026-03-01 09:30`.
    pub fn time(&self, text: &str) -> Timestamp {
        let (date, time) = text.split_once(' ').unwrap();
        let (hour, minute) = time.split_once(':').unwrap();
        let start = self.calendar.at_hour(day(date), hour.parse().unwrap());
        Timestamp(start.0 + minute.parse::<i64>().unwrap() * 60_000)
    }

    /// One record with an identity of its own.
    pub fn event(&mut self, who: &str, at: &str, body: Body<'static>) -> Outcome {
        let at = self.time(at);
        self.event_at(who, at, body)
    }

    pub fn event_at(&mut self, who: &str, at: Timestamp, body: Body<'static>) -> Outcome {
        self.records += 1;
        self.record(self.records, who, at, body)
    }

    /// One record with an identity of its own, in the middle of a day's close if there is one.
    pub fn apply_unswept(&mut self, who: &str, at: &str, body: Body<'static>) {
        let at = self.time(at);
        self.records += 1;
        self.apply(self.records, who, at, body);
    }

    /// One record with a given identity.
    pub fn record(&mut self, id: u64, who: &str, at: Timestamp, body: Body<'static>) -> Outcome {
        let outcome = self.apply(id, who, at, body);
        self.shard.sweep(usize::MAX, &mut self.effects);
        self.hand_over();
        outcome
    }

    fn apply(&mut self, id: u64, who: &str, at: Timestamp, body: Body<'static>) -> Outcome {
        let event = Event {
            msisdn: Msisdn::new(who).unwrap(),
            at,
            record: id.wrapping_mul(0x9E37_79B9_7F4A_7C15),
            visited: None,
            body,
        };
        let source = Source {
            topic: "scenario".into(),
            partition: 0,
            offset: self.records as i64,
        };
        self.shard.apply(&event, &source, &mut self.effects)
    }

    /// The one shard is told what it tells others.
    fn hand_over(&mut self) {
        while let Some(effect) = self.effects.get(self.heard) {
            self.heard += 1;
            if let Effect::Group(record) = effect {
                let event = record.event.clone();
                let source = Source {
                    topic: "told".into(),
                    partition: 0,
                    offset: self.heard as i64,
                };
                self.shard.apply(&event, &source, &mut self.effects);
                self.shard.sweep(usize::MAX, &mut self.effects);
            }
        }
    }

    /// Ordinary life: everybody makes so many calls to a friend on each day, from 08:00 to 20:00, in order of time.
    pub fn live(
        &mut self,
        people: &[String],
        days: RangeInclusive<i32>,
        calls: impl Fn(&str, Day) -> u32,
    ) {
        let days: Vec<i32> = days.collect();
        for (at, who) in self.records_of(people, &days, calls) {
            self.event_at(who, Timestamp(at), call(FRIEND));
        }
    }

    /// The same with real time as the clock, which is told every three hours from the first midnight to the last.
    pub fn live_by_the_clock(
        &mut self,
        people: &[String],
        days: RangeInclusive<i32>,
        calls: impl Fn(&str, Day) -> u32,
    ) {
        let all: Vec<i32> = days.collect();
        let records = self.records_of(people, &all, calls);
        let mut records = records.into_iter().peekable();
        for day in all {
            for hour in (3..=24).step_by(3) {
                let now = self.calendar.start_of(Day(day)).plus_hours(hour);
                while let Some((at, who)) = records.next_if(|(at, _)| *at < now.0) {
                    self.tick_at(Timestamp(at), Inputs::default());
                    self.event_at(who, Timestamp(at), call(FRIEND));
                }
                self.tick_at(now, Inputs::default());
            }
        }
    }

    fn records_of<'a>(
        &self,
        people: &'a [String],
        days: &[i32],
        calls: impl Fn(&str, Day) -> u32,
    ) -> Vec<(i64, &'a str)> {
        let mut records = Vec::new();
        for day in days.iter().copied().map(Day) {
            for (index, who) in people.iter().enumerate() {
                let calls = i64::from(calls(who, day));
                for call in 0..calls {
                    let start = self.calendar.at_hour(day, 8).0 + index as i64 * 1_000;
                    records.push((start + call * 12 * Timestamp::HOUR_MS / calls, who.as_str()));
                }
            }
        }
        records.sort();
        records
    }

    pub fn tick(&mut self, at: &str, inputs: Inputs) {
        self.tick_at(self.time(at), inputs);
    }

    fn tick_at(&mut self, at: Timestamp, inputs: Inputs) {
        self.shard.tick(at, inputs, &mut self.effects);
        self.shard.sweep(usize::MAX, &mut self.effects);
        self.hand_over();
    }

    pub fn progress(&mut self, feed: Feed, until: &str) -> Outcome {
        let until = self.time(until);
        self.shard.progress(feed, until, &mut self.effects)
    }

    pub fn window(&self, who: &str) -> Vec<(Day, Bucket)> {
        let who = Msisdn::new(who).unwrap();
        self.shard.window(&who).unwrap_or_default()
    }

    pub fn finish(&mut self) {
        self.shard.finish(&mut self.effects);
    }

    /// The last closed day.
    pub fn closed(&self) -> String {
        self.shard.stats().closed.to_string()
    }

    /// A feed's watermark, in local time.
    pub fn watermark(&self, feed: Feed) -> String {
        self.local(self.shard.stats().watermarks[feed as usize])
    }

    pub fn clock(&self) -> String {
        self.local(self.shard.stats().clock)
    }

    /// How many things were said at all.
    pub fn total(&self) -> usize {
        self.effects.len()
    }

    /// What was said of one subscriber, one line for each signal and task.
    pub fn published(&self, who: &str) -> Vec<String> {
        self.lines(self.effects.iter(), who)
    }

    /// The same of some effects.
    pub fn lines<'e>(&self, effects: impl Iterator<Item = &'e Effect>, who: &str) -> Vec<String> {
        let lines = effects.filter_map(|effect| match effect {
            Effect::Signal(signal) if signal.msisdn.as_str() == who => {
                let why = signal.suppressed.map(|why| format!(" ({})", why.name()));
                Some(format!(
                    "{} {} {:.2}{}",
                    self.local(signal.fired_at),
                    signal.trigger,
                    signal.strength,
                    why.unwrap_or_default()
                ))
            }
            Effect::Task(task) if task.msisdn.as_str() == who => {
                let line = format!(
                    "{} task {} {}",
                    self.local(task.updated_at),
                    task.revision,
                    task.status.name()
                );
                Some(match task.close_reason {
                    Some(reason) => format!("{line}: {}", reason.name()),
                    None => format!(
                        "{line}: {} {} due {}",
                        task.tier.name(),
                        task.severity.name(),
                        self.local(task.due_at)
                    ),
                })
            }
            _ => None,
        });
        lines.collect()
    }

    /// A subscriber's last task as it was last published.
    pub fn last_task(&self, who: &str) -> Task {
        let tasks = self.effects.iter().rev().filter_map(|effect| match effect {
            Effect::Task(task) if task.msisdn.as_str() == who => Some(task),
            _ => None,
        });
        Task::clone(tasks.into_iter().next().unwrap())
    }

    /// The steps of a subscriber's last task, in English.
    pub fn steps(&self, who: &str) -> Vec<String> {
        let (task, words) = (self.last_task(who), self.rules.words());
        words
            .steps(&task)
            .iter()
            .map(|step| step.en.clone())
            .collect()
    }

    /// How to speak to the customer of a subscriber's last task.
    pub fn talk(&self, who: &str) -> Option<Talk> {
        let (task, words) = (self.last_task(who), self.rules.words());
        words.talk(&task).cloned()
    }

    /// When a subscriber's last task may be acted upon and until when, as it was last published, and who has it.
    pub fn planned(&self, who: &str) -> String {
        let task = self.last_task(who);
        let (from, to) = (self.local(task.not_before), self.local(task.due_at));
        format!("{from} to {to}, {}", task.assignee.level.name())
    }

    /// Signals of a trigger, of anybody.
    pub fn signals(&self, trigger: &str) -> usize {
        let named = |effect: &&Effect| matches!(effect, Effect::Signal(s) if s.trigger == trigger);
        self.effects.iter().filter(named).count()
    }

    /// Local time to the minute.
    fn local(&self, at: Timestamp) -> String {
        self.calendar.rfc3339(at)[..16].replace('T', " ")
    }
}
