//! What outcomes do (behaviour: Outcomes of tasks): they close tasks, let them go on with another try, correct what was
//! said before, and count as contacts.

use super::case::Case;
use super::revision::advance;
use super::taskbook::Taskbook;
use super::{contact, eligibility, route};
use crate::engine::rules::Rules;
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

/// What was said before the task's last outcome comes too late to decide anything.
fn is_news(task: &Task, at: Timestamp) -> bool {
    task.outcome_at <= Some(at)
}

impl Taskbook {
    /// The purpose of the task that an outcome closes, goes on with or corrects.
    pub fn decided_by(
        &self,
        slot: u32,
        task_id: &str,
        at: Timestamp,
        now: Timestamp,
        rules: &Rules,
    ) -> Option<Purpose> {
        let open = self.of(slot).find(|task| task.task_id == task_id);
        let closed = self.still_correctable(slot, task_id, now, rules);
        let task = open.or(closed.as_deref())?;
        is_news(task, at).then_some(task.purpose)
    }

    /// A task that an outcome closed a short time ago.
    fn still_correctable(
        &self,
        slot: u32,
        task_id: &str,
        now: Timestamp,
        rules: &Rules,
    ) -> Option<Arc<Task>> {
        let since = now.plus_hours(-24 * i64::from(rules.policy.contact.correction_days));
        let closed = self.correctable(slot, task_id);
        closed.filter(|task| task.updated_at > since)
    }

    /// Records an outcome that an event reports. Returns whether its task is known; what it says of the customer counts
    /// in any case.
    pub fn record_outcome(
        &mut self,
        event: &Event<'_>,
        outcome: &TaskOutcome<'_>,
        source: &Source,
        case: &Case<'_>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let Some(result) = outcome.result else {
            self.revoke(case, source, effects);
            return true;
        };
        let is_news = |task: &Task| is_news(task, event.at);
        let decides = verdict(result).is_some();
        let named = |task: &&Task| task.task_id == outcome.task_id && (is_news(task) || !decides);
        let learnt = |mut task: Task| {
            if is_news(&task) {
                task.outcome = Some(result);
                task.outcome_at = Some(event.at);
                task.motives.learn(outcome);
            }
            task
        };
        let open = self.of(case.slot).find(named).cloned().map(learnt);
        let closed = self.still_correctable(case.slot, &outcome.task_id, case.now, case.rules);
        let history = self.contact_histories.get(&case.slot);
        let was_closed = history.is_some_and(|history| history.was_closed(&outcome.task_id, case));
        let purpose = self.purpose_of(case.slot, &outcome.task_id);
        let known = purpose.is_some() || closed.is_some() || was_closed;
        // Of two rows of one talk, the verdict counts.
        let same_talk = |task: &Task| task.outcome_at == Some(event.at) && !decides;
        let closed = closed.filter(|task| is_news(task) && !same_talk(task));
        let closed = closed.map(Arc::unwrap_or_clone);
        if let Some(task) = open {
            self.answer(task, event.at, result, source, case, effects);
        } else if let Some(task) = closed {
            let said_again = task.outcome == Some(result);
            if !said_again {
                self.correct(learnt(task), result, source, case, effects);
            }
        } else if result != OutcomeResult::Unreachable {
            self.contact_history(case.slot)
                .contact(event.at, purpose.unwrap_or(Purpose::Churn));
        }
        if outcome.do_not_contact {
            self.revoke(case, source, effects);
        }
        known
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
        if result == OutcomeResult::Unreachable {
            let retry = i64::from(case.rules.policy.contact.retry_hours);
            let next = contact::after_quiet_hours(at.plus_hours(retry), case.rules);
            if next <= task.due_at {
                task.not_before = task.not_before.max(next);
            }
            return self.continue_task(task, TaskStatus::Updated, source, case, effects);
        }
        task.contacted_at = task.contacted_at.max(Some(at));
        self.contact_history(case.slot).contact(at, task.purpose);
        if let Some(reason) = verdict(result) {
            let closed = self.close(task, reason, Some(source), case, effects);
            self.contact_history(case.slot)
                .keep_correctable(Arc::new(closed));
        } else if task.purpose == Purpose::Churn {
            self.replan(&mut task, case);
            self.continue_task(task, TaskStatus::Updated, source, case, effects);
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
        if let Some(reason) = verdict(result) {
            task.close_reason = Some(reason);
            advance(&mut task, Some(source), case);
            self.publish(case.slot, task.clone(), effects);
            return self
                .contact_history(case.slot)
                .keep_correctable(Arc::new(task));
        }
        let taken = self.open.contains_key(&(case.slot, task.purpose));
        let barred = eligibility::subscriber_refusal(case, task.purpose).is_some()
            || eligibility::hold_out(case).is_some()
            || eligibility::purpose_refusal(case, task.purpose, task.action.channel).is_some();
        if task.purpose != Purpose::Churn || taken || barred {
            return;
        }
        task.close_reason = None;
        for signal in self.take_waiting(Purpose::Churn, case.slot, None, effects) {
            let same = |other: &&mut Signal| other.trigger == signal.trigger;
            match task.signals.iter_mut().find(same) {
                Some(known) => *known = signal,
                None => task.signals.push(signal),
            }
        }
        self.supersede(case, Some(source), effects);
        self.replan(&mut task, case);
        let task_id = task.task_id.clone();
        self.continue_task(task, TaskStatus::Open, source, case, effects);
        let contact_history = self.contact_history(case.slot);
        contact_history
            .correctable
            .retain(|other| other.task_id != task_id);
    }

    /// Sets a churn task's next talk as soon as the rules of contact allow it. Nobody is late any more: the first was made.
    fn replan(&self, task: &mut Task, case: &Case<'_>) {
        let next_contact = self.next_contact(task.purpose, task.tier, case);
        task.escalates_at = None;
        if next_contact.at < task.expires_at {
            let hours = route::hours(task.tier, task.severity, case.rules);
            task.not_before = next_contact.at;
            task.due_at = next_contact.at.plus_hours(hours);
        }
    }

    fn continue_task(
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
