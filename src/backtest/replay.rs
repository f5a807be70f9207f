use super::line_days::LineDays;
use super::recording::{Departure, Firing, RecordedOutcome, Recording, Run, TaskSpan};
use super::roster::Roster;
use super::usage::UsageColumns;
use crate::decode::{Decoded, Decoder, Form, Scratch};
use crate::driver::{self, Driver};
use crate::engine::Rules;
use crate::engine::settings::LineState;
use crate::engine::triggers::index_of;
use crate::model::{
    Body, Calendar, Counts, Day, Effect, Event, Fact, Outcome, Purpose, Reject, Signal, Source,
    Task, TaskStatus, Tier, Timestamp,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// Records run through the real engine in one pass, under every set of rules side by side. Signals and tasks are kept in
/// compact form, without their texts.
pub struct Replay {
    decoder: Decoder,
    scratch: Scratch,
    calendar: Calendar,
    roster: Roster,
    rule_sets: Vec<RuleSetRun>,
    usage: UsageColumns,
    outcomes: Vec<RecordedOutcome>,
    departures: Vec<Departure>,
    /// By subscriber: the time of the last profile, and whether it says that the line is a machine.
    profiles: Vec<Option<(Timestamp, bool)>>,
    lines: LineDays,
}

/// Any even spread will do.
fn partition_of(key: &[u8], partitions: i32) -> i32 {
    (xxh3_64(key) % partitions.unsigned_abs().max(1) as u64) as i32
}

/// The engine under one set of rules.
struct RuleSetRun {
    driver: Driver,
    effects: Vec<Effect>,
    run: Run,
    /// Index of each open task in the run's tasks.
    open: BTreeMap<(u32, Purpose), usize>,
}

impl Replay {
    /// Nothing replayed yet; `None` without any rules. Subscribers are spread over so many partitions. Records dated after
    /// `now`, with the tolerance of the rules, will be rejected.
    pub fn new(
        rules: &[Arc<Rules>],
        decoder: Decoder,
        now: Timestamp,
        partitions: i32,
    ) -> Option<Self> {
        Some(Self {
            decoder,
            calendar: rules.first()?.calendar.clone(),
            rule_sets: rules
                .iter()
                .map(|rules| RuleSetRun::new(rules, now, partitions))
                .collect(),
            scratch: Scratch::default(),
            roster: Roster::default(),
            usage: UsageColumns::default(),
            outcomes: Vec::new(),
            departures: Vec::new(),
            profiles: Vec::new(),
            lines: LineDays::default(),
        })
    }

    /// Keeps what days say of lines, under the first rules.
    pub fn keep_line_days(&mut self) {
        if let Some(first) = self.rule_sets.first_mut() {
            first.driver.keep_line_days();
        }
    }

    /// What became of the records so far, under the first rules.
    pub fn counts(&self) -> Counts {
        let first = self.rule_sets.first();
        first.map_or_else(Counts::default, |first| *first.driver.counts())
    }

    /// Firings so far, under the first rules.
    pub fn firings(&self) -> usize {
        let first = self.rule_sets.first();
        first.map_or(0, |first| first.run.firings.len())
    }

    /// Applies one record of some form under all rules. Returns what became of it under the first.
    pub fn record(&mut self, form: &Form, value: &[u8], source: &Source) -> Outcome {
        let mut scratch = std::mem::take(&mut self.scratch);
        let outcome = self.apply(form, value, source, &mut scratch);
        self.scratch = scratch;
        outcome
    }

    fn apply(
        &mut self,
        form: &Form,
        value: &[u8],
        source: &Source,
        scratch: &mut Scratch,
    ) -> Outcome {
        let reading = driver::read(&self.decoder, form, Some(value), scratch);
        let partition = self.rule_sets.first();
        let partition = partition.and_then(|first| first.driver.partition_of(&reading));
        let source = Source {
            partition: partition.unwrap_or_default(),
            ..source.clone()
        };
        let mut first = None;
        for rule_set in &mut self.rule_sets {
            let outcome = rule_set
                .driver
                .apply(&reading, &source, &mut rule_set.effects);
            rule_set.collect(&mut self.roster);
            first.get_or_insert(outcome);
        }
        self.collect_line_days();
        let outcome = match first.unwrap_or(Outcome::Ignored) {
            // Other rules open other tasks, and what became of a customer counts all the same.
            Outcome::Rejected(Reject::UnknownTask) => Outcome::Applied { late: false },
            outcome => outcome,
        };
        if let (Outcome::Applied { .. }, Ok(Some(Decoded::Event(event, _)))) = (&outcome, &reading)
        {
            self.collect(event);
        }
        outcome
    }

    /// Closes every day up to the last event's and hands over what was collected.
    pub fn finish(mut self) -> Recording {
        let mut last = Day::MIN;
        for rule_set in &mut self.rule_sets {
            rule_set.driver.finish(&mut rule_set.effects);
            rule_set.collect(&mut self.roster);
            let closed = rule_set.driver.shards().map(|shard| shard.stats().closed);
            last = closed.fold(last, Day::max);
        }
        self.collect_line_days();
        let subscribers = self.roster.len();
        self.profiles.resize(subscribers, None);
        let machine = |profile: &Option<(Timestamp, bool)>| profile.is_some_and(|(_, m)| m);
        Recording {
            counts: self.counts(),
            runs: self
                .rule_sets
                .into_iter()
                .map(|rule_set| rule_set.finish(&self.roster))
                .collect(),
            rows: self.usage.into_rows(subscribers, last),
            machines: self.profiles.iter().map(machine).collect(),
            roster: self.roster,
            outcomes: self.outcomes,
            departures: self.departures,
            lines: self.lines,
        }
    }

    fn collect_line_days(&mut self) {
        if let Some(first) = self.rule_sets.first_mut() {
            for day in first.driver.take_line_days() {
                self.lines.add(&mut self.roster, &day);
            }
        }
    }

    /// Keeps what the statistics and the labels need of an event.
    fn collect(&mut self, event: &Event<'_>) {
        let subscriber = self.roster.number(&event.msisdn);
        match &event.body {
            Body::Call { .. } | Body::Message { .. } | Body::Data { .. } => {
                let day = self.calendar.day_of(event.at);
                let data = matches!(event.body, Body::Data { .. });
                self.usage.count(subscriber, day, data);
            }
            Body::Profile(profile) => {
                let index = subscriber as usize;
                if index >= self.profiles.len() {
                    self.profiles.resize(index + 1, None);
                }
                if self.profiles[index].is_none_or(|(at, _)| at <= event.at) {
                    self.profiles[index] = Some((event.at, profile.flags.machine));
                }
            }
            Body::TaskOutcome(outcome) => {
                let recorded = outcome.result.map(|result| RecordedOutcome {
                    subscriber,
                    at: event.at,
                    result,
                });
                self.outcomes.extend(recorded);
            }
            Body::Cancellation | Body::PortOutApplication => self.departures.push(Departure {
                subscriber,
                at: event.at,
                port_out: matches!(event.body, Body::PortOutApplication),
            }),
            // Who thinks better of it has not left.
            Body::PortOutWithdrawn => {
                let stays = |departure: &Departure| {
                    let applied = departure.port_out && departure.at <= event.at;
                    departure.subscriber == subscriber && applied
                };
                self.departures.retain(|departure| !stays(departure));
            }
            _ => {}
        }
    }
}

impl RuleSetRun {
    fn new(rules: &Arc<Rules>, now: Timestamp, partitions: i32) -> Self {
        let mut driver = Driver::new(rules, partitions, partition_of);
        driver.set_now(now);
        Self {
            driver,
            effects: Vec::new(),
            run: Run::default(),
            open: BTreeMap::new(),
        }
    }

    /// Keeps the engine's effects.
    fn collect(&mut self, roster: &mut Roster) {
        for effect in self.effects.drain(..) {
            match effect {
                Effect::Signal(signal) => {
                    let subscriber = roster.number(&signal.msisdn);
                    let firing = firing(&signal, subscriber);
                    self.run.firings.extend(firing);
                }
                Effect::Task(task) => {
                    let subscriber = roster.number(&task.msisdn);
                    self.run.collect_task(&task, subscriber, &mut self.open);
                }
                // Sets of rules are compared side by side here; shadow rules are given as a set of their own.
                Effect::Shadow(_) | Effect::Erased(_) | Effect::Group(_) => {}
            }
        }
    }

    fn finish(self, roster: &Roster) -> Run {
        let tier = |msisdn| {
            let mut tiers = self.driver.shards().map(|shard| shard.tier(msisdn));
            tiers.find_map(|tier| tier).unwrap_or(Tier::Small)
        };
        let loss = |msisdn| {
            let mut losses = self.driver.shards().map(|shard| shard.loss(msisdn));
            losses.find_map(|loss| loss)
        };
        Run {
            tiers: roster.names().iter().map(tier).collect(),
            losses: roster.names().iter().map(loss).collect(),
            ..self.run
        }
    }
}

fn firing(signal: &Signal, subscriber: u32) -> Option<Firing> {
    let trigger = index_of(&signal.trigger)?;
    let of_falls = signal.evidence.facts.iter().map(|(name, fact)| {
        let state = name.strip_prefix("p_");
        let fall = LineState::FALLS
            .iter()
            .any(|fall| state == Some(fall.name()));
        match fact {
            Fact::Measure(p) if fall => *p,
            _ => 0.0,
        }
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
        fall: of_falls.sum::<f64>() as f32,
        suppressed: signal.suppressed,
    })
}

impl Run {
    fn collect_task(
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
                self.tasks.push(TaskSpan {
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
                if let Some(span) = opened.and_then(|index| self.tasks.get_mut(index)) {
                    span.closed_at = Some(task.updated_at);
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
