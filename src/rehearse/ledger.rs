//! Everything published in a rehearsal, counted.

use super::contacts::Contacts;
use super::detector::ReportedOutcome;
use super::put_off::PutOff;
use super::report::{CityFigures, ManagerFigures, Report, TaskFigures};
use super::sample::Sample;
use super::tasks::Tasks;
use crate::engine::Rules;
use crate::model::{
    Calendar, Counts, Day, Effect, OutcomeResult, Signal, Suppression, Task, Timestamp,
};
use std::collections::BTreeMap;

/// Counts what is published on the days that count, and remembers what came before.
pub struct Ledger {
    calendar: Calendar,
    first_day: Day,
    end: Timestamp,
    /// The day, from 0 for the first that counts; none before it.
    day: Option<usize>,
    today: Day,
    tasks: Tasks,
    put_off: PutOff,
    contacts: Contacts,
    sample: Sample,
    signals_used: BTreeMap<&'static str, u64>,
    suppressed: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    outcomes: BTreeMap<&'static str, u64>,
    confirmed_reasons: BTreeMap<String, u64>,
}

impl Ledger {
    /// So many days count, from a day on.
    pub fn new(rules: &Rules, first_day: Day, days: u32) -> Self {
        let calendar = rules.calendar.clone();
        Self {
            end: calendar.start_of(first_day + days as i32),
            calendar,
            first_day,
            day: None,
            today: Day::MIN,
            tasks: Tasks::new(days),
            put_off: PutOff::new(rules.policy.budget.wait_days),
            contacts: Contacts::default(),
            sample: Sample::default(),
            signals_used: BTreeMap::new(),
            suppressed: BTreeMap::new(),
            outcomes: OutcomeResult::ALL.map(|result| (result.name(), 0)).into(),
            confirmed_reasons: BTreeMap::new(),
        }
    }

    /// When the days that count are over.
    pub fn end(&self) -> Timestamp {
        self.end
    }

    /// What follows is said at this moment.
    pub fn turn_to(&mut self, now: Timestamp) {
        let today = self.calendar.day_of(now);
        if today <= self.today {
            return;
        }
        self.today = today;
        let begun = self.day.is_some();
        self.day = usize::try_from(today.since(self.first_day)).ok();
        if !begun && self.day.is_some() {
            self.tasks.begin();
            self.put_off.begin(today);
        }
    }

    /// Counts what the engine says.
    pub fn hear(&mut self, effect: &Effect) {
        match effect {
            Effect::Signal(signal) => self.signal(signal),
            Effect::Task(task) => self.task(task),
            Effect::Shadow(_) | Effect::Erased(_) => {}
        }
    }

    /// Counts what was reported of a task; `talk` if the subscriber was spoken to.
    pub fn told(&mut self, told: ReportedOutcome, talk: bool) {
        if let Some(task) = self.tasks.of(&told.task_id).filter(|_| talk) {
            let (purpose, tier) = (task.purpose, task.tier);
            self.contacts.add(task.msisdn, told.at, purpose, tier);
        }
        if self.day.is_some() {
            *self.outcomes.entry(told.result.name()).or_default() += 1;
            if let Some(reason) = told.confirmed_reason {
                *self.confirmed_reasons.entry(reason).or_default() += 1;
            }
        }
    }

    fn signal(&mut self, signal: &Signal) {
        let counting = self.day.is_some();
        if signal.suppressed == Some(Suppression::OverBudget) {
            // The close of a day is in the morning after it.
            let found = self.calendar.day_of(signal.fired_at) - 1;
            let who = (signal.msisdn, signal.purpose);
            self.put_off.put_off(who, found, self.today, counting);
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
            self.sample.see(task);
        }
        if self.tasks.take(task, self.day) {
            let who = (task.msisdn, task.purpose);
            self.put_off.placed(who, self.today, self.day.is_some());
        }
    }

    /// The figures, and the task that tells most.
    pub fn finish(
        self,
        rules: &Rules,
        city: CityFigures,
        records: Counts,
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
            escalations: BTreeMap::new(),
            signals_used: self.signals_used,
            suppressed: self.suppressed,
            closed: BTreeMap::new(),
            outcomes: self.outcomes,
            confirmed_reasons: self.confirmed_reasons,
            purposes: Vec::new(),
            triggers: Vec::new(),
            contacts: self.contacts.figures(from, &policy.contact),
            candidates: self.put_off.finish(self.today),
        };
        self.tasks.finish(self.end, &policy.budget, &mut report);
        (report, self.sample.into_task())
    }
}
