//! Counts the effects and outcomes of a rehearsal for its report.

use super::contacts::Contacts;
use super::deferrals::Deferrals;
use super::detector::ReportedOutcome;
use super::report::{CapacityFigures, CityFigures, ManagerFigures, Report, TaskFigures};
use super::sample_task::SampleTask;
use super::tasks::Tasks;
use crate::engine::{RegionUplift, Rules};
use crate::model::{
    Calendar, Counts, Day, Effect, OutcomeResult, Signal, Suppression, Task, Timestamp,
};
use std::collections::BTreeMap;

/// Counts on the days that count, and keeps the tasks of the days before.
pub struct ReportBuilder {
    calendar: Calendar,
    first_day: Day,
    end: Timestamp,
    /// The day, counted from 0 for the first that counts; nothing before it.
    day: Option<usize>,
    today: Day,
    tasks: Tasks,
    deferrals: Deferrals,
    contacts: Contacts,
    sample: SampleTask,
    signals_used: BTreeMap<&'static str, u64>,
    suppressed: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    outcomes: BTreeMap<&'static str, u64>,
    confirmed_reasons: BTreeMap<String, u64>,
}

impl ReportBuilder {
    /// A report on so many days, beginning with `first_day`.
    pub fn new(rules: &Rules, first_day: Day, days: u32) -> Self {
        let calendar = rules.calendar.clone();
        Self {
            end: calendar.start_of(first_day + days as i32),
            calendar,
            first_day,
            day: None,
            today: Day::MIN,
            tasks: Tasks::new(days),
            deferrals: Deferrals::new(rules.policy.budget.wait_days),
            contacts: Contacts::default(),
            sample: SampleTask::default(),
            signals_used: BTreeMap::new(),
            suppressed: BTreeMap::new(),
            outcomes: OutcomeResult::ALL.map(|result| (result.name(), 0)).into(),
            confirmed_reasons: BTreeMap::new(),
        }
    }

    /// The end of the days that count.
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// Sets the time of what follows.
    pub fn advance_to(&mut self, now: Timestamp) {
        let today = self.calendar.day_of(now);
        if today <= self.today {
            return;
        }
        self.today = today;
        let begun = self.day.is_some();
        self.day = usize::try_from(today.since(self.first_day)).ok();
        if !begun && self.day.is_some() {
            self.tasks.begin();
            self.deferrals.begin(today);
        }
    }

    /// Counts an effect of the engine.
    pub fn count(&mut self, effect: &Effect) {
        match effect {
            Effect::Signal(signal) => self.signal(signal),
            Effect::Task(task) => self.task(task),
            Effect::Shadow(_) | Effect::Erased(_) | Effect::Group(_) => {}
        }
    }

    /// Counts a reported outcome; `talk` if somebody spoke to the subscriber.
    pub fn outcome(&mut self, outcome: ReportedOutcome, talk: bool) {
        if let Some(task) = self.tasks.get(&outcome.task_id).filter(|_| talk) {
            let (purpose, tier) = (task.purpose, task.tier);
            self.contacts.add(task.msisdn, outcome.at, purpose, tier);
        }
        if self.day.is_some() {
            *self.outcomes.entry(outcome.result.name()).or_default() += 1;
            if let Some(reason) = outcome.confirmed_reason {
                *self.confirmed_reasons.entry(reason).or_default() += 1;
            }
        }
    }

    fn signal(&mut self, signal: &Signal) {
        let counting = self.day.is_some();
        let waits = matches!(
            signal.suppressed,
            Some(Suppression::OverBudget | Suppression::OverCapacity)
        );
        if waits {
            // A day closes on the next morning.
            let fired_for = self.calendar.day_of(signal.fired_at) - 1;
            let who = (signal.msisdn, signal.purpose);
            self.deferrals.defer(who, fired_for, self.today, counting);
        }
        if !counting {
            return;
        }
        let purpose = signal.purpose.name();
        let count = match signal.suppressed {
            Some(reason) => {
                let by_purpose = self.suppressed.entry(reason.name()).or_default();
                by_purpose.entry(purpose).or_default()
            }
            None => self.signals_used.entry(purpose).or_default(),
        };
        *count += 1;
    }

    fn task(&mut self, task: &Task) {
        if self.day.is_some() {
            self.sample.consider(task);
        }
        if self.tasks.revise(task, self.day) {
            let who = (task.msisdn, task.purpose);
            self.deferrals.placed(who, self.today, self.day.is_some());
        }
    }

    /// The report, and one churn task to show.
    pub fn finish(
        self,
        rules: &Rules,
        city: CityFigures,
        records: Counts,
        uplift: RegionUplift,
    ) -> (Report, Option<Task>) {
        let from = self.calendar.start_of(self.first_day);
        let policy = &rules.policy;
        let mut report = Report {
            format: "churnwatch-rehearsal/1",
            version: env!("CARGO_PKG_VERSION"),
            rules_version: rules.version.to_string(),
            city,
            records,
            tasks: TaskFigures::default(),
            opened: Vec::new(),
            managers: ManagerFigures::default(),
            queues: Vec::new(),
            capacity: CapacityFigures::default(),
            escalations: BTreeMap::new(),
            signals_used: self.signals_used,
            suppressed: self.suppressed,
            closed: BTreeMap::new(),
            outcomes: self.outcomes,
            confirmed_reasons: self.confirmed_reasons,
            purposes: Vec::new(),
            triggers: Vec::new(),
            contacts: self.contacts.figures(from, &policy.contact),
            candidates: self.deferrals.finish(self.today),
            uplift: policy.hold_out.is_used().then_some(uplift),
        };
        let (first, end) = (self.first_day, self.end);
        self.tasks.finish(first, end, policy, &mut report);
        (report, self.sample.into_task())
    }
}
