//! What outcomes do (behaviour: Outcomes of tasks): they close tasks, let them go on with another try, correct what was
//! said before, and count as contacts.

use super::case::Case;
use super::revision::advance;
use super::taskbook::Taskbook;
use super::{contact, eligibility, route};
use crate::model::{
    CloseReason, Effect, Event, OutcomeResult, Purpose, Signal, Source, Task, TaskOutcome,
    TaskStatus, Timestamp,
};
use std::sync::Arc;

/// Why an outcome closes a task, if it does.
const fn verdict(result: OutcomeResult) -> Option<CloseReason> {
    match result {
        OutcomeResult::Saved => Some(CloseReason::Saved),
        OutcomeResult::Refused => Some(CloseReason::Refused),
        OutcomeResult::Lost => Some(CloseReason::Lost),
        OutcomeResult::Reached | OutcomeResult::Unreachable => None,
    }
}

impl Taskbook {
    /// Takes an outcome that an event reports.
    pub fn settle(
        &mut self,
        event: &Event<'_>,
        outcome: &TaskOutcome<'_>,
        source: &Source,
        case: &Case<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let named = |task: &&Task| task.task_id == outcome.task_id;
        let learnt = |mut task: Task| {
            task.motives.learn(outcome);
            task
        };
        let open = self.of(case.slot).find(named).cloned().map(learnt);
        let correctable = -24 * i64::from(case.rules.policy.contact.correction_days);
        let since = case.now.plus_hours(correctable);
        let settled = self.settled(case.slot, &outcome.task_id);
        let settled = settled.filter(|task| task.updated_at > since);
        let settled = settled.map(Arc::unwrap_or_clone).map(learnt);
        if let Some(task) = open {
            self.answer(task, event.at, outcome.result, source, case, effects);
        } else if let Some(task) = settled {
            self.correct(task, outcome.result, source, case, effects);
        } else if outcome.result != OutcomeResult::Unreachable {
            self.contact_history(case.slot)
                .contact(event.at, Purpose::Churn);
        }
        if outcome.do_not_contact {
            self.revoke(case, source, effects);
        }
    }

    /// The outcome of an open task.
    fn answer(
        &mut self,
        mut task: Task,
        at: Timestamp,
        result: OutcomeResult,
        source: &Source,
        case: &Case<'_>,
        effects: &mut Vec<Effect>,
    ) {
        task.outcome = Some(result);
        if result == OutcomeResult::Unreachable {
            let retry = i64::from(case.rules.policy.contact.retry_hours);
            let next = contact::after_quiet_hours(at.plus_hours(retry), case.rules);
            if next <= task.due_at {
                task.not_before = task.not_before.max(next);
            }
            return self.go_on(task, TaskStatus::Updated, source, case, effects);
        }
        task.contacted_at = task.contacted_at.max(Some(at));
        self.contact_history(case.slot).contact(at, task.purpose);
        if let Some(reason) = verdict(result) {
            let closed = self.close(task, reason, Some(source), case, effects);
            self.contact_history(case.slot).settle(Arc::new(closed));
        } else if task.purpose == Purpose::Churn {
            self.plan_again(&mut task, case);
            self.go_on(task, TaskStatus::Updated, source, case, effects);
        } else {
            self.close(task, CloseReason::Contacted, Some(source), case, effects);
        }
    }

    /// Another outcome of a task that an outcome closed: the last one counts.
    fn correct(
        &mut self,
        mut task: Task,
        result: OutcomeResult,
        source: &Source,
        case: &Case<'_>,
        effects: &mut Vec<Effect>,
    ) {
        if task.outcome == Some(result) {
            return;
        }
        task.outcome = Some(result);
        if let Some(reason) = verdict(result) {
            task.close_reason = Some(reason);
            advance(&mut task, Some(source), case);
            self.publish(case.slot, task.clone(), effects);
            return self.contact_history(case.slot).settle(Arc::new(task));
        }
        let taken = self.open.contains_key(&(case.slot, task.purpose));
        let barred = eligibility::forbidden(case).is_some()
            || eligibility::out_of_place(case, task.purpose, task.tier).is_some();
        if task.purpose != Purpose::Churn || taken || barred {
            return;
        }
        task.close_reason = None;
        for signal in self.take_along(case.slot, effects) {
            let same = |other: &&mut Signal| other.trigger == signal.trigger;
            match task.signals.iter_mut().find(same) {
                Some(known) => *known = signal,
                None => task.signals.push(signal),
            }
        }
        self.supersede(case, Some(source), effects);
        self.plan_again(&mut task, case);
        let task_id = task.task_id.clone();
        self.go_on(task, TaskStatus::Open, source, case, effects);
        let contact_history = self.contact_history(case.slot);
        contact_history
            .settled
            .retain(|other| other.task_id != task_id);
    }

    /// Sets a churn task's next talk as soon as the rules of contact allow it. Nobody is late any more: the first was made.
    fn plan_again(&self, task: &mut Task, case: &Case<'_>) {
        let turn = self.turn(task.purpose, task.tier, case);
        task.escalates_at = None;
        if turn.at < task.expires_at {
            let hours = route::hours(task.tier, task.severity, case.rules);
            task.not_before = turn.at;
            task.due_at = turn.at.plus_hours(hours);
        }
    }

    fn go_on(
        &mut self,
        mut task: Task,
        status: TaskStatus,
        source: &Source,
        case: &Case<'_>,
        effects: &mut Vec<Effect>,
    ) {
        task.status = status;
        advance(&mut task, Some(source), case);
        self.publish(case.slot, task, effects);
    }
}
