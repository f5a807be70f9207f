//! Counts tasks from their opening to their end: how many, whose, whether in time, and their outcomes.

use super::loads::{Loads, mean};
use super::report::{EndFigures, OpenedFigures, Report, TaskFigures};
use crate::engine::settings::{BudgetRules, PolicyRules};
use crate::engine::{Figures, Holder, Tally};
use crate::model::{Day, Purpose, Task, TaskStatus, Tier, Timestamp};
use std::collections::BTreeMap;

/// Every task that was ever published, with the counts.
pub struct Tasks {
    days: usize,
    tasks: BTreeMap<String, TrackedTask>,
    /// Task outcomes as the metrics count them: now, and when the days that count began.
    tally: Tally,
    before: Tally,
    opened: BTreeMap<(Purpose, Tier), Opened>,
    loads: Loads,
    escalations: BTreeMap<&'static str, u64>,
    figures: TaskFigures,
}

/// A task and its state in the report.
struct TrackedTask {
    /// The last revision.
    task: Task,
    /// Whether it was opened on a day that counts.
    counted: bool,
    /// Whether it was last closed on a day that counts.
    closed: bool,
    /// Whether the first contact, or the close without one, came too late; nothing while the task waits.
    overdue: Option<bool>,
}

#[derive(Default)]
struct Opened {
    by_day: Vec<u64>,
    urgent: u64,
}

impl Tasks {
    /// No tasks yet; so many days will count.
    pub fn new(days: u32) -> Self {
        Self {
            days: days as usize,
            tasks: BTreeMap::new(),
            tally: Tally::default(),
            before: Tally::default(),
            opened: BTreeMap::new(),
            loads: Loads::new(days as usize),
            escalations: BTreeMap::new(),
            figures: TaskFigures::default(),
        }
    }

    /// The days that count begin.
    pub fn begin(&mut self) {
        self.figures.open_at_start = self.open_now();
        self.before = self.tally.clone();
    }

    /// The last revision of a task.
    pub fn get(&self, task_id: &str) -> Option<&Task> {
        self.tasks.get(task_id).map(|tracked| &tracked.task)
    }

    fn open_now(&self) -> u64 {
        let open = self.tasks.values().filter(|tracked| tracked.is_open());
        open.count() as u64
    }

    /// Counts a revision. `day` counts from 0 and is nothing before the days that count. Returns whether the task is new.
    pub fn revise(&mut self, task: &Task, day: Option<usize>) -> bool {
        let Some(tracked) = self.tasks.get_mut(&task.task_id) else {
            self.tally.revise(None, task);
            self.open(task, day);
            return true;
        };
        self.tally.revise(Some(&tracked.task), task);
        tracked.judge(task);
        let (counting, was_open) = (day.is_some(), tracked.is_open());
        let count = u64::from(counting);
        if Holder::of(&task.assignee) != Holder::of(&tracked.task.assignee) {
            self.loads.figures.passed_on += count;
        }
        match task.status {
            TaskStatus::Closed if was_open => {
                self.figures.closed += count;
                tracked.closed = counting;
            }
            TaskStatus::Closed => self.figures.corrected += count,
            TaskStatus::Escalated if counting => {
                let rung = task.assignee.level.name();
                *self.escalations.entry(rung).or_default() += 1;
            }
            _ if !was_open => {
                self.figures.reopened += count;
                tracked.closed = false;
            }
            _ => {}
        }
        tracked.task = task.clone();
        false
    }

    fn open(&mut self, task: &Task, day: Option<usize>) {
        let tracked = TrackedTask {
            task: task.clone(),
            counted: day.is_some(),
            closed: false,
            overdue: None,
        };
        self.tasks.insert(task.task_id.clone(), tracked);
        let Some(day) = day else {
            return;
        };
        self.figures.opened += 1;
        let opened = self.opened.entry((task.purpose, task.tier)).or_default();
        let first = task.signals.first();
        let immediate = first.is_some_and(|signal| signal.evidence.source.is_some());
        opened.urgent += u64::from(immediate && task.purpose == Purpose::Churn);
        opened.by_day.resize(self.days, 0);
        if let Some(count) = opened.by_day.get_mut(day) {
            *count += 1;
        }
        self.loads.open(&task.assignee, task.purpose, day);
    }

    /// Fills the figures into the report.
    pub fn finish(
        mut self,
        first_day: Day,
        end: Timestamp,
        policy: &PolicyRules,
        report: &mut Report,
    ) {
        self.figures.open_at_end = self.open_now();
        for tracked in self.tasks.values_mut() {
            if tracked.overdue.is_none() && end > tracked.task.due_at {
                tracked.overdue = Some(true);
            }
        }
        for purpose in Purpose::ALL {
            for tier in Tier::ALL {
                let figures = self.opened_of(purpose, tier, &policy.budget);
                report.opened.push(figures);
            }
        }
        for TrackedTask { task, .. } in self.tasks.values().filter(|tracked| tracked.closed) {
            if let Some(reason) = task.close_reason {
                let by_purpose = report.closed.entry(reason.name()).or_default();
                *by_purpose.entry(task.purpose.name()).or_default() += 1;
            }
        }
        let (now, before) = (by_purpose(&self.tally), by_purpose(&self.before));
        report.purposes = differences(now, &before);
        let (now, before) = (by_trigger(&self.tally), by_trigger(&self.before));
        report.triggers = differences(now, &before);
        (report.managers, report.queues) = self.loads.finish(first_day, &policy.capacity);
        report.capacity = self.loads.figures;
        report.escalations = self.escalations;
        report.tasks = self.figures;
    }

    fn opened_of(&self, purpose: Purpose, tier: Tier, budget: &BudgetRules) -> OpenedFigures {
        let none = Opened::default();
        let opened = self.opened.get(&(purpose, tier)).unwrap_or(&none);
        let all: u64 = opened.by_day.iter().sum();
        let of = self.tasks.values().filter(|tracked| {
            let own = (tracked.task.purpose, tracked.task.tier) == (purpose, tier);
            tracked.counted && own && tracked.overdue.is_some()
        });
        OpenedFigures {
            purpose: purpose.name(),
            tier: tier.name(),
            opened: all,
            urgent: opened.urgent,
            per_day_mean: mean(all, self.days),
            per_day_most: opened.by_day.iter().copied().max().unwrap_or_default(),
            budget_per_day: budget.of(purpose, tier),
            judged: of.clone().count() as u64,
            overdue: of.filter(|tracked| tracked.overdue == Some(true)).count() as u64,
        }
    }
}

impl TrackedTask {
    fn is_open(&self) -> bool {
        self.task.status != TaskStatus::Closed
    }

    /// Judges whether the first contact, or the close without one, came in time.
    fn judge(&mut self, task: &Task) {
        let closed = task.status == TaskStatus::Closed;
        let answered_at = task.contacted_at.or(closed.then_some(task.updated_at));
        if self.overdue.is_none() {
            self.overdue = answered_at.map(|at| at > self.task.due_at);
        }
    }
}

/// Counts each task once.
fn by_purpose(tally: &Tally) -> BTreeMap<String, Figures> {
    let mut sums: BTreeMap<String, Figures> = BTreeMap::new();
    for ((purpose, _), figures) in tally.regions.values().flat_map(|region| &region.tasks) {
        sums.entry(purpose.name().to_owned())
            .or_default()
            .add(figures);
    }
    sums
}

/// Counts each task once for every trigger among its reasons.
fn by_trigger(tally: &Tally) -> BTreeMap<String, Figures> {
    let mut sums: BTreeMap<String, Figures> = BTreeMap::new();
    for ((trigger, _), figures) in tally.by_trigger() {
        sums.entry(trigger.to_owned()).or_default().add(&figures);
    }
    sums
}

/// The increase of the counters between two moments.
fn differences(
    now: BTreeMap<String, Figures>,
    before: &BTreeMap<String, Figures>,
) -> Vec<EndFigures> {
    let rows = now.into_iter().map(|(name, now)| {
        let none = Figures::default();
        let before = before.get(&name).unwrap_or(&none);
        let counts = now.named().into_iter().zip(before.named());
        let counts = counts.map(|((count, now), (_, before))| (count, now.saturating_sub(before)));
        let counts: BTreeMap<&'static str, u64> = counts.collect();
        let of = |count| counts.get(count).copied().unwrap_or_default();
        let (confirmed, refuted) = (of("confirmed"), of("refuted"));
        let judged = confirmed + refuted;
        EndFigures {
            name,
            precision: (judged > 0).then(|| confirmed as f64 / judged as f64),
            counts,
        }
    });
    rows.filter(|row| row.counts.values().any(|count| *count > 0))
        .collect()
}
