//! The rehearsal itself: day by day, record by record.

use super::detector::Detector;
use super::report::{CityFigures, Report};
use super::report_builder::ReportBuilder;
use crate::decode::Decoder;
use crate::driver::Partitioner;
use crate::engine::Rules;
use crate::model::{Effect, Feed, Task, Timestamp};
use crate::sim::{AccountManagers, City, CityConfig, SimError};
use std::sync::Arc;

/// The settings of a rehearsal.
pub struct Settings {
    /// The city. Its days are the days that count; the warm-up comes on top.
    pub city: CityConfig,
    /// Days before those that count: the engine learns what is usual, and the first wave of tasks passes.
    pub warm_up_days: u32,
    /// The rules in force.
    pub rules: Arc<Rules>,
    /// Reads records.
    pub decoder: Decoder,
    /// Partitions of the feeds, from 1.
    pub partitions: i32,
    /// Chooses the partition of a subscriber's key.
    pub partition_of: Partitioner,
}

/// How far a rehearsal is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Days begun, the warm-up included.
    pub days: u32,
    /// Records so far.
    pub records: u64,
}

/// Rules, and a city to try them on.
pub struct Rehearsal {
    city: City,
    closed_loop: ClosedLoop,
    rules: Arc<Rules>,
    figures: CityFigures,
}

/// The detector and the account managers, who act on each other's output.
struct ClosedLoop {
    managers: AccountManagers,
    detector: Detector,
    report: ReportBuilder,
    effects: Vec<Effect>,
}

/// Records between two reports of progress.
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
        let mut managers = AccountManagers::new(&city.scenario, &city.time_zone, city.seed)?;
        managers.set_quiet_hours(rules.policy.quiet.clone());
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
            closed_loop: ClosedLoop {
                managers,
                detector: Detector::new(&rules, decoder, partitions, partition_of),
                report: ReportBuilder::new(&rules, first_day, days),
                effects: Vec::new(),
            },
            rules,
            figures,
        })
    }

    /// Simulates all days. `emit` gets every effect of the engine, in order, the warm-up included. Returns the figures of
    /// the days that count, and one churn task to show.
    ///
    /// # Errors
    /// The error of `emit`.
    pub fn run<E>(
        self,
        mut emit: impl FnMut(&Effect) -> Result<(), E>,
        mut progress: impl FnMut(Progress),
    ) -> Result<(Report, Option<Task>), E> {
        let Self {
            mut city,
            mut closed_loop,
            rules,
            figures,
        } = self;
        let end = closed_loop.report.end();
        let last = Timestamp(end.0 - 1);
        let mut days = 0;
        loop {
            if city.days_begun() != days {
                days = city.days_begun();
                closed_loop.managers.set_truth(city.full_truth());
            }
            let Some(event) = city.next_event() else {
                break;
            };
            let now = Timestamp(event.arrival_ms);
            closed_loop.report_outcomes(now.min(last), &mut emit)?;
            if now >= end {
                break;
            }
            closed_loop.apply(event.feed, event.value, now, &mut emit)?;
            for msisdn in closed_loop.managers.take_kept() {
                city.keep(&msisdn);
            }
            for msisdn in closed_loop.managers.take_won_back() {
                city.win_back(&msisdn);
            }
            let records = closed_loop.detector.counts().records;
            if records.is_multiple_of(REPORT_EVERY) {
                progress(Progress { days, records });
            }
        }
        let records = *closed_loop.detector.counts();
        let uplift = closed_loop.detector.uplift();
        let report = closed_loop.report;
        Ok(report.finish(&rules, figures, records, uplift))
    }
}

impl ClosedLoop {
    /// Applies the outcomes that are reported up to a moment.
    fn report_outcomes<E>(
        &mut self,
        until: Timestamp,
        emit: &mut impl FnMut(&Effect) -> Result<(), E>,
    ) -> Result<(), E> {
        while let Some(answer) = self.managers.next_until(until) {
            self.report.advance_to(answer.at);
            let value = Some(answer.json.as_bytes());
            let outcome = self
                .detector
                .record(Feed::Outcome, value, answer.at, &mut self.effects);
            if let Some(outcome) = outcome {
                self.report.outcome(outcome, answer.talk);
            }
            self.publish(emit)?;
        }
        Ok(())
    }

    /// Applies a record of the city.
    fn apply<E>(
        &mut self,
        feed: Feed,
        value: Option<&[u8]>,
        now: Timestamp,
        emit: &mut impl FnMut(&Effect) -> Result<(), E>,
    ) -> Result<(), E> {
        self.report.advance_to(now);
        self.detector.record(feed, value, now, &mut self.effects);
        self.publish(emit)
    }

    fn publish<E>(&mut self, emit: &mut impl FnMut(&Effect) -> Result<(), E>) -> Result<(), E> {
        for effect in self.effects.drain(..) {
            if let Effect::Task(task) = &effect {
                self.managers.receive_task(task);
            }
            self.report.count(&effect);
            emit(&effect)?;
        }
        Ok(())
    }
}
