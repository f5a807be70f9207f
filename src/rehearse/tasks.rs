//! The tasks from their opening to their end: how many, for whom, in time or not, and what came of them.

use super::report::{Load, ManagerFigures, OpenedFigures, Report, TaskFigures, TriggerFigures};
use crate::engine::rules::BudgetRules;
use crate::engine::triggers::index_of;
use crate::model::{CloseReason, Msisdn, Purpose, Task, TaskStatus, Tier, Timestamp};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Every task that was ever published, and what is counted of them.
pub struct Tasks {
    days: usize,
    notes: BTreeMap<String, Note>,
    closings: Vec<Closing>,
    opened: BTreeMap<(Purpose, Tier), Opened>,
    loads: BTreeMap<Holder, Vec<u64>>,
    escalations: BTreeMap<&'static str, u64>,
    figures: TaskFigures,
}

/// A task.
pub struct Note {
    /// Whose.
    pub subscriber: Msisdn,
    /// What for.
    pub purpose: Purpose,
    /// Tier when it was opened.
    pub tier: Tier,
    trigger: Cow<'static, str>,
    open: bool,
    /// Opened on a day that counts.
    counted: bool,
    due_at: Timestamp,
    /// Whether the first contact, or the close without one, came too late; not known yet of one that waits.
    overdue: Option<bool>,
    /// First contact on a day that counts.
    reached: bool,
    contacted: bool,
    /// Its place among the closings that count.
    closing: Option<usize>,
}

/// A task was closed on a day that counts.
struct Closing {
    purpose: Purpose,
    trigger: Cow<'static, str>,
    reason: CloseReason,
    /// It was not opened again.
    stays: bool,
}

#[derive(Default)]
struct Opened {
    by_day: Vec<u64>,
    urgent: u64,
}

/// Who has the work.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Holder {
    Manager(String),
    Queue(String),
}

/// Managers shown by name.
const BUSIEST: usize = 5;

impl Tasks {
    /// None yet; so many days will count.
    pub fn new(days: u32) -> Self {
        Self {
            days: days as usize,
            notes: BTreeMap::new(),
            closings: Vec::new(),
            opened: BTreeMap::new(),
            loads: BTreeMap::new(),
            escalations: BTreeMap::new(),
            figures: TaskFigures::default(),
        }
    }

    /// The days that count begin.
    pub fn begin(&mut self) {
        let open = self.notes.values().filter(|note| note.open);
        self.figures.open_at_start = open.count() as u64;
    }

    /// What is known of a task.
    pub fn of(&self, task_id: &str) -> Option<&Note> {
        self.notes.get(task_id)
    }

    /// Takes a revision, published on a day that counts (from 0) or before these. Returns whether the task is new.
    pub fn take(&mut self, task: &Task, day: Option<usize>) -> bool {
        let Some(note) = self.notes.get_mut(&task.task_id) else {
            self.open(task, day);
            return true;
        };
        let counting = day.is_some();
        let count = u64::from(counting);
        note.judge(task, counting);
        match task.status {
            TaskStatus::Escalated if counting => {
                let rung = task.assignee.level.name();
                *self.escalations.entry(rung).or_default() += 1;
            }
            TaskStatus::Closed if note.open => {
                note.open = false;
                self.figures.closed += count;
                let reason = task.close_reason.filter(|_| counting);
                note.closing = reason.map(|reason| {
                    self.closings.push(Closing {
                        purpose: note.purpose,
                        trigger: note.trigger.clone(),
                        reason,
                        stays: true,
                    });
                    self.closings.len() - 1
                });
            }
            TaskStatus::Closed => {
                self.figures.corrected += count;
                let closing = note.closing.and_then(|at| self.closings.get_mut(at));
                if let Some((closing, reason)) = closing.zip(task.close_reason) {
                    closing.reason = reason;
                }
            }
            _ if !note.open => {
                note.open = true;
                self.figures.reopened += count;
                let closing = note.closing.take();
                if let Some(closing) = closing.and_then(|at| self.closings.get_mut(at)) {
                    closing.stays = false;
                }
            }
            _ => {}
        }
        false
    }

    fn open(&mut self, task: &Task, day: Option<usize>) {
        let first = task.signals.first();
        let note = Note {
            subscriber: task.msisdn,
            purpose: task.purpose,
            tier: task.tier,
            trigger: first.map_or("".into(), |signal| signal.trigger.clone()),
            open: true,
            counted: day.is_some(),
            due_at: task.due_at,
            overdue: None,
            reached: false,
            contacted: false,
            closing: None,
        };
        self.notes.insert(task.task_id.clone(), note);
        let Some(day) = day else {
            return;
        };
        self.figures.opened += 1;
        let opened = self.opened.entry((task.purpose, task.tier)).or_default();
        let immediate = first.is_some_and(|signal| signal.evidence.source.is_some());
        opened.urgent += u64::from(immediate && task.purpose == Purpose::Churn);
        let holder = match &task.assignee.account_manager {
            Some(name) => Holder::Manager(name.to_string()),
            None => Holder::Queue(task.assignee.queue.clone()),
        };
        for by_day in [&mut opened.by_day, self.loads.entry(holder).or_default()] {
            by_day.resize(self.days, 0);
            if let Some(count) = by_day.get_mut(day) {
                *count += 1;
            }
        }
    }

    /// Fills in what is known at the end.
    pub fn finish(mut self, end: Timestamp, budget: &BudgetRules, report: &mut Report) {
        let open = self.notes.values().filter(|note| note.open);
        self.figures.open_at_end = open.count() as u64;
        for note in self.notes.values_mut() {
            if note.overdue.is_none() && note.open && end > note.due_at {
                note.overdue = Some(true);
            }
        }
        for purpose in Purpose::ALL {
            for tier in Tier::ALL {
                let figures = self.opened_of(purpose, tier, budget);
                report.opened.push(figures);
            }
        }
        for closing in self.closings.iter().filter(|closing| closing.stays) {
            let by_purpose = report.closed.entry(closing.reason.name()).or_default();
            *by_purpose.entry(closing.purpose.name()).or_default() += 1;
        }
        (report.churn, report.triggers) = self.by_trigger();
        let (managers, queues): (Vec<_>, Vec<_>) = self
            .loads
            .iter()
            .map(|(holder, by_day)| load(holder, by_day))
            .partition(|(manager, _)| *manager);
        report.managers = managers_of(busiest_first(managers), self.days);
        report.queues = busiest_first(queues);
        report.escalations = self.escalations;
        report.tasks = self.figures;
    }

    fn opened_of(&self, purpose: Purpose, tier: Tier, budget: &BudgetRules) -> OpenedFigures {
        let none = Opened::default();
        let opened = self.opened.get(&(purpose, tier)).unwrap_or(&none);
        let all: u64 = opened.by_day.iter().sum();
        let of = self.notes.values().filter(|note| {
            note.counted && (note.purpose, note.tier) == (purpose, tier) && note.overdue.is_some()
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
            overdue: of.filter(|note| note.overdue == Some(true)).count() as u64,
        }
    }

    fn by_trigger(&self) -> (TriggerFigures, Vec<TriggerFigures>) {
        let mut figures: BTreeMap<(Purpose, Option<usize>), TriggerFigures> = BTreeMap::new();
        let key = |purpose: Purpose, trigger: &str| (purpose, index_of(trigger));
        for note in self
            .notes
            .values()
            .filter(|note| note.counted || note.reached)
        {
            let row = figures.entry(key(note.purpose, &note.trigger)).or_default();
            row.name(note.purpose, &note.trigger);
            row.opened += u64::from(note.counted);
            row.reached += u64::from(note.reached);
        }
        for closing in self.closings.iter().filter(|closing| closing.stays) {
            let row = figures
                .entry(key(closing.purpose, &closing.trigger))
                .or_default();
            row.name(closing.purpose, &closing.trigger);
            row.close(closing.reason);
        }
        let mut churn = TriggerFigures::default();
        churn.name(Purpose::Churn, "all");
        for ((purpose, _), row) in &mut figures {
            row.weigh();
            if *purpose == Purpose::Churn {
                churn.add(row);
            }
        }
        churn.weigh();
        (churn, figures.into_values().collect())
    }
}

impl Note {
    /// Looks whether the first contact came, or the task ended without one, in time.
    fn judge(&mut self, task: &Task, counting: bool) {
        let contact = task.contacted_at.filter(|_| !self.contacted);
        self.contacted |= contact.is_some();
        self.reached |= contact.is_some() && counting;
        let closed = task.status == TaskStatus::Closed;
        let answered_at = contact.or(closed.then_some(task.updated_at));
        if self.overdue.is_none() {
            self.overdue = answered_at.map(|at| at > self.due_at);
        }
        self.due_at = task.due_at;
    }
}

impl TriggerFigures {
    fn name(&mut self, purpose: Purpose, trigger: &str) {
        self.purpose = purpose.name();
        self.trigger = trigger.to_owned();
    }

    fn close(&mut self, reason: CloseReason) {
        let count = match reason {
            CloseReason::Saved => &mut self.saved,
            CloseReason::Refused => &mut self.refused,
            CloseReason::Lost => &mut self.lost,
            CloseReason::Churned => &mut self.churned,
            CloseReason::Expired => &mut self.expired,
            CloseReason::UsageRecovered
            | CloseReason::ArrearsPaid
            | CloseReason::ContractRenewed
            | CloseReason::ComplaintSettled
            | CloseReason::ForwardingEnded
            | CloseReason::QualityRecovered => &mut self.recovered,
            CloseReason::MnpHold
            | CloseReason::Superseded
            | CloseReason::OccasionOver
            | CloseReason::Contacted
            | CloseReason::OptedOut
            | CloseReason::NotPursued
            | CloseReason::Erased => &mut self.other,
        };
        *count += 1;
    }

    fn add(&mut self, other: &Self) {
        self.opened += other.opened;
        self.reached += other.reached;
        self.saved += other.saved;
        self.refused += other.refused;
        self.lost += other.lost;
        self.churned += other.churned;
        self.recovered += other.recovered;
        self.expired += other.expired;
        self.other += other.other;
    }

    /// Works the precision out; care and growth have none.
    fn weigh(&mut self) {
        let right = self.saved + self.refused + self.lost + self.churned;
        let all = right + self.recovered + self.expired;
        let some = all > 0 && self.purpose == Purpose::Churn.name();
        self.precision = some.then(|| right as f64 / all as f64);
    }
}

fn mean(all: u64, days: usize) -> f64 {
    all as f64 / days.max(1) as f64
}

/// Whether it is a manager's, and the load.
fn load(holder: &Holder, by_day: &[u64]) -> (bool, Load) {
    let (manager, name) = match holder {
        Holder::Manager(name) => (true, name),
        Holder::Queue(name) => (false, name),
    };
    let opened = by_day.iter().sum();
    let load = Load {
        name: name.clone(),
        opened,
        per_day_mean: mean(opened, by_day.len()),
        per_day_most: by_day.iter().copied().max().unwrap_or_default(),
    };
    (manager, load)
}

fn busiest_first(loads: Vec<(bool, Load)>) -> Vec<Load> {
    let mut loads: Vec<Load> = loads.into_iter().map(|(_, load)| load).collect();
    loads.sort_by_key(|load| Reverse(load.opened));
    loads
}

fn managers_of(mut loads: Vec<Load>, days: usize) -> ManagerFigures {
    let opened = loads.iter().map(|load| load.opened).sum();
    let managers = loads.len();
    let per_day_most = loads.iter().map(|load| load.per_day_most).max();
    loads.truncate(BUSIEST);
    ManagerFigures {
        managers: managers as u64,
        opened,
        per_day_mean: mean(opened, days * managers),
        per_day_most: per_day_most.unwrap_or_default(),
        busiest: loads,
    }
}
