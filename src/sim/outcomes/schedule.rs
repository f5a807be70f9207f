//! What is still to be done about tasks, in order of time.

use crate::model::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What can be done about a task; at most one of each is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A wrong outcome is corrected.
    Correct,
    /// The subscriber is called, visited or written to.
    Contact,
    /// It becomes known that the subscriber has left.
    ReportLoss,
}

/// Plans by task and by time.
#[derive(Default)]
pub struct Schedule {
    by_task: BTreeMap<(Arc<str>, Step), Timestamp>,
    by_time: BTreeSet<(Timestamp, Arc<str>, Step)>,
}

impl Schedule {
    /// Plans a step, in place of an earlier plan for it.
    pub fn plan(&mut self, task: &Arc<str>, step: Step, at: Timestamp) {
        self.cancel(task, step);
        self.by_task.insert((Arc::clone(task), step), at);
        self.by_time.insert((at, Arc::clone(task), step));
    }

    /// Gives a step up.
    pub fn cancel(&mut self, task: &Arc<str>, step: Step) {
        if let Some(at) = self.by_task.remove(&(Arc::clone(task), step)) {
            self.by_time.remove(&(at, Arc::clone(task), step));
        }
    }

    /// When a step is planned for, if it is.
    pub fn planned(&self, task: &Arc<str>, step: Step) -> Option<Timestamp> {
        self.by_task.get(&(Arc::clone(task), step)).copied()
    }

    /// The earliest step of all, taken out if it is due by a moment.
    pub fn take_due(&mut self, by: Timestamp) -> Option<(Timestamp, Arc<str>, Step)> {
        let (at, _, _) = self.by_time.first()?;
        if *at > by {
            return None;
        }
        let (at, task, step) = self.by_time.pop_first()?;
        self.by_task.remove(&(Arc::clone(&task), step));
        Some((at, task, step))
    }

    /// The earliest step of a task, taken out if it comes before a moment.
    pub fn take_before(&mut self, task: &Arc<str>, before: Timestamp) -> Option<(Timestamp, Step)> {
        let steps = [Step::Correct, Step::Contact, Step::ReportLoss];
        let planned = steps.map(|step| self.planned(task, step).map(|at| (at, step)));
        let (at, step) = planned.into_iter().flatten().min()?;
        if at >= before {
            return None;
        }
        self.cancel(task, step);
        Some((at, step))
    }
}
