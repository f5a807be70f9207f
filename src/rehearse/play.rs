//! The rehearsal itself: day by day, record by record.

use super::detector::Detector;
use super::ledger::Ledger;
use super::report::{CityFigures, Report};
use crate::decode::Decoder;
use crate::driver::Partitioner;
use crate::engine::Rules;
use crate::model::{Effect, Feed, Task, Timestamp};
use crate::sim::{City, CityConfig, Clerk, SimError};
use std::sync::Arc;

/// What is rehearsed, and how.
pub struct Settings {
    /// The city. Its days are the days that count; those of the warm-up come on top.
    pub city: CityConfig,
    /// Days before those that count: the engine learns what is usual, and the first wave of tasks passes.
    pub warm_up_days: u32,
    /// The rules in force.
    pub rules: Arc<Rules>,
    /// Reads records.
    pub decoder: Decoder,
    /// Partitions of the feeds, from 1.
    pub partitions: i32,
    /// Which partition a subscriber's key belongs to.
    pub partition_of: Partitioner,
}

/// How far a rehearsal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Days begun, those of the warm-up too.
    pub days: u32,
    /// Records so far.
    pub records: u64,
}

/// Rules, and a city to try them on.
pub struct Rehearsal {
    city: City,
    stage: Stage,
    rules: Arc<Rules>,
    figures: CityFigures,
}

/// Everybody but the city.
struct Stage {
    clerk: Clerk,
    detector: Detector,
    ledger: Ledger,
    effects: Vec<Effect>,
}

/// Records that pass between two reports of progress.
const REPORT_EVERY: u64 = 20_000;

impl Rehearsal {
    /// Makes the city.
    ///
    /// # Errors
    /// [`SimError`] if a parameter of the city is out of range.
    pub fn new(settings: Settings) -> Result<Self, SimError> {
        let Settings {
            mut city,
            warm_up_days,
            rules,
            decoder,
            partitions,
            partition_of,
        } = settings;
        let days = city.days;
        let first_day = city.start + warm_up_days as i32;
        city.days = days.saturating_add(warm_up_days);
        let mut clerk = Clerk::new(&city.scenario, &city.time_zone, city.seed)?;
        clerk.keep_quiet(rules.policy.quiet.clone());
        let figures = CityFigures {
            subscribers: city.subscribers,
            seed: city.seed,
            operator: city.operator.name(),
            time_zone: city.time_zone.clone(),
            partitions,
            warm_up_days,
            days,
            first_day: first_day.to_string(),
            last_day: (first_day + days as i32 - 1).to_string(),
        };
        Ok(Self {
            city: City::new(city)?,
            stage: Stage {
                clerk,
                detector: Detector::new(&rules, decoder, partitions, partition_of),
                ledger: Ledger::new(&rules, first_day, days),
                effects: Vec::new(),
            },
            rules,
            figures,
        })
    }

    /// Lives through all days. `say` gets everything the engine publishes, in order, also during the warm-up. Returns
    /// the figures of the days that count, and the churn task among them that tells most.
    ///
    /// # Errors
    /// What `say` could not do.
    pub fn run<E>(
        self,
        mut say: impl FnMut(&Effect) -> Result<(), E>,
        mut progress: impl FnMut(Progress),
    ) -> Result<(Report, Option<Task>), E> {
        let Self {
            mut city,
            mut stage,
            rules,
            figures,
        } = self;
        let end = stage.ledger.end();
        let last = Timestamp(end.0 - 1);
        let mut days = 0;
        loop {
            if city.days_begun() != days {
                days = city.days_begun();
                stage.clerk.foresee(city.foreseen());
            }
            let Some(event) = city.next_event() else {
                break;
            };
            let now = Timestamp(event.arrival_ms);
            stage.hear_answers(now.min(last), &mut say)?;
            if now >= end {
                break;
            }
            stage.hear(event.feed, event.value, now, &mut say)?;
            let records = stage.detector.counts().records;
            if records.is_multiple_of(REPORT_EVERY) {
                progress(Progress { days, records });
            }
        }
        let records = *stage.detector.counts();
        Ok(stage.ledger.finish(&rules, figures, records))
    }
}

impl Stage {
    /// Takes what is reported of tasks up to a moment.
    fn hear_answers<E>(
        &mut self,
        until: Timestamp,
        say: &mut impl FnMut(&Effect) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(answer) = self.clerk.next_until(until) {
            self.ledger.turn_to(answer.at);
            let value = Some(answer.json.as_bytes());
            let told = self
                .detector
                .record(Feed::Outcome, value, answer.at, &mut self.effects);
            if let Some(told) = told {
                self.ledger.told(told, answer.talk);
            }
            self.publish(say)?;
        }
        Ok(())
    }

    /// Takes a record of the city.
    fn hear<E>(
        &mut self,
        feed: Feed,
        value: Option<&[u8]>,
        now: Timestamp,
        say: &mut impl FnMut(&Effect) -> Result<(), E>,
    ) -> Result<(), E> {
        self.ledger.turn_to(now);
        self.detector.record(feed, value, now, &mut self.effects);
        self.publish(say)
    }

    fn publish<E>(&mut self, say: &mut impl FnMut(&Effect) -> Result<(), E>) -> Result<(), E> {
        for effect in self.effects.drain(..) {
            if let Effect::Task(task) = &effect {
                self.clerk.hear(task);
            }
            self.ledger.hear(&effect);
            say(&effect)?;
        }
        Ok(())
    }
}
