use super::diary::{Diary, Rows};
use crate::decode::{Decoder, Record};
use crate::driver::{self, Driver};
use crate::engine::Rules;
use crate::engine::triggers::index_of;
use crate::model::{
    Body, Calendar, Counts, Day, Effect, Event, Msisdn, Outcome, OutcomeResult, Purpose, Signal,
    Source, Suppression, Task, TaskStatus, Tier, Timestamp,
};
use hashbrown::HashTable;
use std::collections::BTreeMap;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// Events run through the real engine, once for each set of rules, side by side in one pass. What the engine says is kept
/// in compact form: the texts of signals and tasks are not.
pub struct Replay {
    decoder: Decoder,
    calendar: Calendar,
    roster: Roster,
    players: Vec<Player>,
    diary: Diary,
    outcomes: Vec<ToldOutcome>,
    departures: Vec<Departure>,
    profiles: Vec<Option<(Timestamp, bool)>>,
}

/// The engine under one set of rules.
struct Player {
    driver: Driver,
    effects: Vec<Effect>,
    run: Run,
    open: BTreeMap<(u32, Purpose), usize>,
}

/// What came of one set of rules.
#[derive(Debug, Default)]
pub struct Run {
    /// Every firing of a trigger, in the order in which they were said.
    pub firings: Vec<Firing>,
    /// Every task, in the order of opening.
    pub tasks: Vec<TaskNote>,
    /// The names that [`TaskNote::assignee`] refers to: account managers, or queues where there is none.
    pub assignees: Vec<Arc<str>>,
    /// Tier of each subscriber on the last day.
    pub tiers: Vec<Tier>,
}

/// A trigger fired for a subscriber.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Firing {
    /// Whose, by number in the roster.
    pub subscriber: u32,
    /// Index into the registry of triggers.
    pub trigger: u16,
    /// Whether one event set it off, and not the close of a day.
    pub immediate: bool,
    /// When it was said: the event's time, or the clock at the day's close.
    pub raised_at: Timestamp,
    /// 0..1.
    pub strength: f32,
    /// The subscriber's churn score with it, 0..1 (behaviour: Churn score and severity).
    pub score: f32,
    /// What was seen, in the trigger's unit.
    pub observed: f32,
    /// What was expected, in the same unit.
    pub expected: f32,
    /// What the deciding figure had to pass.
    pub threshold: f32,
    /// The first measure among the facts, which is the deciding figure where the trigger adds one up.
    pub figure: f32,
    /// Why it raised no task, if it did not.
    pub suppressed: Option<Suppression>,
}

/// A retention task from its opening to its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TaskNote {
    /// Whose, by number in the roster.
    pub subscriber: u32,
    /// Index into the registry of triggers of the signal that opened it.
    pub trigger: u16,
    /// What it is for.
    pub purpose: Purpose,
    /// Tier at opening.
    pub tier: Tier,
    /// Index into [`Run::assignees`].
    pub assignee: u32,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was closed, if it was.
    pub closed_at: Option<Timestamp>,
}

/// A `task_outcome` of the events.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ToldOutcome {
    /// Whose, by number in the roster.
    pub subscriber: u32,
    /// When.
    pub at: Timestamp,
    /// What became of the task.
    pub result: OutcomeResult,
}

/// A cancellation or port-out application of the events.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Departure {
    /// Whose, by number in the roster.
    pub subscriber: u32,
    /// When.
    pub at: Timestamp,
    /// A port-out application, and not a cancellation.
    pub port_out: bool,
}

/// All that a replay has collected.
pub struct Recording {
    /// What became of the records, under the first rules.
    pub counts: Counts,
    /// Numbers of the subscribers, in the order of their first records.
    pub roster: Roster,
    /// What they did, up to the last closed day.
    pub rows: Rows,
    /// Whether each is an `iot` or `robot` line by its last profile.
    pub machines: Vec<bool>,
    /// One for each set of rules.
    pub runs: Vec<Run>,
    /// Task outcomes.
    pub outcomes: Vec<ToldOutcome>,
    /// Cancellations and port-out applications.
    pub departures: Vec<Departure>,
}

impl Replay {
    /// Nothing replayed yet. Records dated after `now` (with the tolerance of the rules) will be rejected. `None` without
    /// any rules.
    pub fn new(rules: &[Arc<Rules>], decoder: Decoder, now: Timestamp) -> Option<Self> {
        let player = |rules: &Arc<Rules>| {
            let mut driver = Driver::new(rules, 1, |_, _| 0);
            driver.set_now(now);
            Player {
                driver,
                effects: Vec::new(),
                run: Run::default(),
                open: BTreeMap::new(),
            }
        };
        Some(Self {
            decoder,
            calendar: rules.first()?.calendar.clone(),
            players: rules.iter().map(player).collect(),
            roster: Roster::default(),
            diary: Diary::default(),
            outcomes: Vec::new(),
            departures: Vec::new(),
            profiles: Vec::new(),
        })
    }

    /// What became of the records so far, under the first rules.
    pub fn counts(&self) -> Counts {
        let first = self.players.first();
        first.map_or_else(Counts::default, |player| *player.driver.counts())
    }

    /// Firings so far, under the first rules.
    pub fn firings(&self) -> usize {
        self.players.first().map_or(0, |p| p.run.firings.len())
    }

    /// Applies one record under all rules. Returns what became of it under the first.
    pub fn record(&mut self, value: &[u8], source: &Source) -> Outcome {
        let reading = driver::read(&self.decoder, Some(value));
        let mut first = None;
        for player in &mut self.players {
            let outcome = player.driver.apply(&reading, source, &mut player.effects);
            if !player.effects.is_empty() {
                player.note(&mut self.roster);
            }
            first.get_or_insert(outcome);
        }
        let outcome = first.unwrap_or(Outcome::Ignored);
        if let (Outcome::Applied { .. }, Ok(Some(Record::Event(event)))) = (&outcome, &reading) {
            self.write_down(event);
        }
        outcome
    }

    /// Closes every day up to the last event's and hands over what was collected.
    pub fn finish(mut self) -> Recording {
        let mut last = Day::MIN;
        for player in &mut self.players {
            player.driver.finish(&mut player.effects);
            player.note(&mut self.roster);
            let closed = player.driver.shards().map(|shard| shard.stats().closed);
            last = closed.fold(last, Day::max);
        }
        let subscribers = self.roster.names.len();
        self.profiles.resize(subscribers, None);
        let machine = |profile: &Option<(Timestamp, bool)>| profile.is_some_and(|(_, m)| m);
        let (counts, names) = (self.counts(), &self.roster.names);
        let run = |player: Player| {
            let tier = |msisdn| {
                let mut tiers = player.driver.shards().map(|shard| shard.tier(msisdn));
                tiers.find_map(|tier| tier).unwrap_or(Tier::Small)
            };
            Run {
                tiers: names.iter().map(tier).collect(),
                ..player.run
            }
        };
        Recording {
            counts,
            runs: self.players.into_iter().map(run).collect(),
            rows: self.diary.into_rows(subscribers, last),
            machines: self.profiles.iter().map(machine).collect(),
            roster: self.roster,
            outcomes: self.outcomes,
            departures: self.departures,
        }
    }

    /// Keeps what the statistics and the labels need of an event.
    fn write_down(&mut self, event: &Event<'_>) {
        let subscriber = self.roster.number(&event.msisdn);
        match &event.body {
            Body::Call { .. } | Body::Message { .. } | Body::Data { .. } => {
                let day = self.calendar.day_of(event.at);
                let data = matches!(event.body, Body::Data { .. });
                self.diary.count(subscriber, day, data);
            }
            Body::Profile(profile) => {
                let place = subscriber as usize;
                if place >= self.profiles.len() {
                    self.profiles.resize(place + 1, None);
                }
                if self.profiles[place].is_none_or(|(at, _)| at <= event.at) {
                    self.profiles[place] = Some((event.at, profile.flags.machine));
                }
            }
            Body::TaskOutcome(outcome) => self.outcomes.push(ToldOutcome {
                subscriber,
                at: event.at,
                result: outcome.result,
            }),
            Body::Cancellation | Body::PortOutApplication => self.departures.push(Departure {
                subscriber,
                at: event.at,
                port_out: matches!(event.body, Body::PortOutApplication),
            }),
            _ => {}
        }
    }
}

impl Player {
    fn note(&mut self, roster: &mut Roster) {
        for effect in self.effects.drain(..) {
            match effect {
                Effect::Signal(signal) => {
                    let subscriber = roster.number(&signal.msisdn);
                    let firing = firing(&signal, subscriber);
                    self.run.firings.extend(firing);
                }
                Effect::Task(task) => {
                    let subscriber = roster.number(&task.msisdn);
                    self.run.note_task(&task, subscriber, &mut self.open);
                }
                // Rules are compared side by side here; those on trial beside them are given as rules of their own.
                Effect::Shadow(_) | Effect::Erased(_) => {}
            }
        }
    }
}

fn firing(signal: &Signal, subscriber: u32) -> Option<Firing> {
    let trigger = index_of(&signal.trigger)?;
    let figure = signal
        .evidence
        .facts
        .iter()
        .find_map(|(_, fact)| match fact {
            crate::model::Fact::Measure(value) => Some(*value),
            _ => None,
        });
    Some(Firing {
        subscriber,
        trigger: trigger as u16,
        immediate: signal.evidence.source.is_some(),
        raised_at: signal.fired_at,
        strength: signal.strength as f32,
        score: signal.churn_score as f32,
        observed: signal.evidence.observed as f32,
        expected: signal.evidence.expected as f32,
        threshold: signal.evidence.threshold as f32,
        figure: figure.unwrap_or_default() as f32,
        suppressed: signal.suppressed,
    })
}

impl Run {
    fn note_task(
        &mut self,
        task: &Task,
        subscriber: u32,
        open: &mut BTreeMap<(u32, Purpose), usize>,
    ) {
        match task.status {
            TaskStatus::Open => {
                let first = task.signals.first();
                let trigger = first.and_then(|signal| index_of(&signal.trigger));
                let name = task.assignee.account_manager.as_deref();
                let name = name.unwrap_or(&task.assignee.queue);
                open.insert((subscriber, task.purpose), self.tasks.len());
                let assignee = self.assignee(name);
                self.tasks.push(TaskNote {
                    subscriber,
                    trigger: trigger.unwrap_or_default() as u16,
                    purpose: task.purpose,
                    tier: task.tier,
                    assignee,
                    opened_at: task.opened_at,
                    closed_at: None,
                });
            }
            TaskStatus::Closed => {
                let opened = open.remove(&(subscriber, task.purpose));
                if let Some(note) = opened.and_then(|index| self.tasks.get_mut(index)) {
                    note.closed_at = Some(task.updated_at);
                }
            }
            TaskStatus::Updated | TaskStatus::Escalated => {}
        }
    }

    fn assignee(&mut self, name: &str) -> u32 {
        let known = self.assignees.iter().position(|known| **known == *name);
        known.unwrap_or_else(|| {
            self.assignees.push(name.into());
            self.assignees.len() - 1
        }) as u32
    }
}

/// Subscribers by number, in the order of first appearance.
#[derive(Default)]
pub struct Roster {
    names: Vec<Msisdn>,
    index: HashTable<u32>,
}

impl Roster {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// The number of a subscriber who has appeared.
    pub fn find(&self, msisdn: &Msisdn) -> Option<u32> {
        let same = |number: &u32| self.names.get(*number as usize) == Some(msisdn);
        self.index.find(hash(msisdn), same).copied()
    }

    /// The number of a subscriber, who gets one on first sight.
    pub fn number(&mut self, msisdn: &Msisdn) -> u32 {
        if let Some(number) = self.find(msisdn) {
            return number;
        }
        let number = self.names.len() as u32;
        self.names.push(*msisdn);
        let names = &self.names;
        let rehash = |number: &u32| names.get(*number as usize).map_or(0, hash);
        self.index.insert_unique(hash(msisdn), number, rehash);
        number
    }
}

fn hash(msisdn: &Msisdn) -> u64 {
    xxh3_64(msisdn.as_bytes())
}
