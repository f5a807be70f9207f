//! What the clock makes due: tasks nobody has reported on go up a rung, and the budget is released (behaviour: Due
//! times and escalation).

use super::Reference;
use super::policy::{Case, Tasks};
use super::tasks::Advance;
use churnwatch::model::{Level, Msisdn, Purpose, TaskStatus, Timestamp};

impl Reference {
    /// In order of time; of two at the same time the release comes first.
    pub fn keep_appointments(&mut self) {
        loop {
            let due = |at: &Timestamp| Some(*at) <= self.clock;
            let release = self.release.map(|(_, until)| until).filter(due);
            let next = self.book.tasks.iter().filter_map(|(who, tasks)| {
                let at = tasks.escalates_at().filter(due)?;
                Some((at, *who))
            });
            match (release, next.min()) {
                (None, None) => return,
                (Some(release), Some((at, who))) if at < release => self.escalate(who),
                (Some(_), _) => self.release(),
                (None, Some((_, who))) => self.escalate(who),
            }
        }
    }

    fn escalate(&mut self, who: Msisdn) {
        let now = self.clock.unwrap();
        self.consider(who, now, Tasks::escalate);
    }
}

impl Tasks {
    fn escalates_at(&self) -> Option<Timestamp> {
        self.open.get(&Purpose::Churn)?.escalates_at
    }

    fn escalate(&mut self, case: &Case<'_>) {
        let mut task = self.open[&Purpose::Churn].clone();
        let level = match task.assignee.level {
            Level::AccountManager => Level::Supervisor,
            Level::Supervisor => Level::RegionalManager,
            Level::RegionalManager | Level::DeputyGeneralManager => Level::DeputyGeneralManager,
        };
        let hours = case.rung_hours(task.tier);
        let next = case.after_quiet(case.now.plus_hours(hours));
        let top = level == Level::DeputyGeneralManager;
        task.escalates_at = (!top && hours > 0).then_some(next);
        task.assignee.level = level;
        task.status = TaskStatus::Escalated;
        task.rules_version = case.rules.version.clone();
        task.advance(None, case);
        self.publish(task);
    }
}
