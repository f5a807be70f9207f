//! What outcomes and profiles do to tasks (behaviour: Outcomes of tasks).

use super::occasions;
use super::policy::{Case, PURPOSES, Tasks};
use super::tasks::Advance;
use churnwatch::engine::Rules;
use churnwatch::model::{
    CloseReason, Effect, Event, Motive, OutcomeResult, Purpose, Source, Task, TaskOutcome,
    TaskStatus, Timestamp,
};
use std::sync::Arc;

fn verdict(result: OutcomeResult) -> Option<CloseReason> {
    match result {
        OutcomeResult::Saved => Some(CloseReason::Saved),
        OutcomeResult::Refused => Some(CloseReason::Refused),
        OutcomeResult::Lost => Some(CloseReason::Lost),
        OutcomeResult::Reached | OutcomeResult::Unreachable => None,
    }
}

/// By its name, spelt with spaces, hyphens or capitals as people do.
pub fn motive(text: &str) -> Motive {
    let words = text.replace([' ', '-', '_'], " ").to_ascii_lowercase();
    let words: Vec<&str> = words.split_whitespace().collect();
    let name = words.join("_");
    let mut all = Motive::ALL.into_iter();
    all.find(|motive| motive.name() == name)
        .unwrap_or(Motive::Other)
}

impl Tasks {
    /// The purpose of the task that an outcome of that time may still change.
    pub fn decided_by(
        &self,
        task_id: &str,
        at: Timestamp,
        now: Timestamp,
        rules: &Rules,
    ) -> Option<Purpose> {
        let days = i64::from(rules.policy.contact.correction_days);
        let young = |task: &&Task| now.0 - task.updated_at.0 < days * 24 * 60 * 60 * 1_000;
        let settled = self.settled.values().filter(young);
        let mut tasks = self.open.values().chain(settled);
        let task = tasks.find(|task| task.task_id == task_id)?;
        (task.outcome_at <= Some(at)).then_some(task.purpose)
    }

    /// Returns whether the task is known.
    pub fn outcome(
        &mut self,
        event: &Event<'_>,
        said: &TaskOutcome<'_>,
        source: &Source,
        case: &Case<'_>,
    ) -> bool {
        let Some(result) = said.result else {
            self.revoke(source, case);
            return true;
        };
        let late = |task: &Task| task.outcome_at > Some(event.at);
        let named = |task: &&Task| task.task_id == said.task_id;
        // A late word on how a task ended is only a contact.
        let open = |task: &&Task| named(task) && !(late(task) && verdict(result).is_some());
        let days = i64::from(case.rules.policy.contact.correction_days);
        let correctable =
            |task: &&Task| case.now.0 - task.updated_at.0 < days * 24 * 60 * 60 * 1_000;
        let settled = self.settled.values().find(named).filter(correctable);
        let known = self.knows(&said.task_id, case) || settled.is_some();
        let same_talk =
            |task: &Task| task.outcome_at == Some(event.at) && verdict(result).is_none();
        let settled = settled.filter(|task| !late(task) && !same_talk(task));
        let learnt = |task: &Task| {
            let mut task = task.clone();
            if late(&task) {
                return task;
            }
            task.outcome_at = Some(event.at);
            task.outcome = Some(result);
            let named = |text: &Option<_>| text.as_deref().map(motive);
            task.motives.stated = named(&said.stated_reason).or(task.motives.stated);
            task.motives.confirmed = named(&said.confirmed_reason).or(task.motives.confirmed);
            task
        };
        if let Some(task) = self.open.values().find(open).map(learnt) {
            self.answer(task, event, result, source, case);
        } else if let Some(task) = settled.map(learnt) {
            self.correct(task, result, source, case);
        } else if result != OutcomeResult::Unreachable {
            let purpose = self.purpose_of(&said.task_id);
            self.contact(event.at, purpose.unwrap_or(Purpose::Churn));
        }
        if said.do_not_contact {
            self.revoke(source, case);
        }
        known
    }

    /// An outcome of an open task.
    fn answer(
        &mut self,
        mut task: Task,
        event: &Event<'_>,
        result: OutcomeResult,
        source: &Source,
        case: &Case<'_>,
    ) {
        let purpose = task.purpose;
        if result == OutcomeResult::Unreachable {
            let hours = i64::from(case.rules.policy.contact.retry_hours);
            let again = case.after_quiet(event.at.plus_hours(hours));
            if again > task.not_before && again <= task.due_at {
                task.not_before = again;
            }
            return self.go_on(task, TaskStatus::Updated, source, case);
        }
        self.contact(event.at, purpose);
        task.contacted_at = task.contacted_at.max(Some(event.at));
        match (verdict(result), purpose) {
            (Some(reason), _) => {
                self.open.insert(purpose, task);
                let closed = self.close(purpose, reason, Some(source), case);
                self.settled.insert(purpose, closed.unwrap());
            }
            (None, Purpose::Churn) => {
                self.talk_again(&mut task, case);
                self.go_on(task, TaskStatus::Updated, source, case);
            }
            (None, _) => {
                self.open.insert(purpose, task);
                self.close(purpose, CloseReason::Contacted, Some(source), case);
            }
        }
    }

    /// Another outcome of a task that one has closed.
    fn correct(&mut self, mut task: Task, result: OutcomeResult, source: &Source, case: &Case<'_>) {
        let purpose = task.purpose;
        let reason = verdict(result);
        if reason == task.close_reason {
            return;
        }
        task.outcome = Some(result);
        if reason.is_some() {
            task.close_reason = reason;
            task.advance(Some(source), case);
            self.settled.insert(purpose, task.clone());
            self.note_closed(&task);
            // Beside a later one that may be open.
            self.effects.push(Effect::Task(Arc::new(task)));
            return;
        }
        let barred = case.barred(purpose).is_some() || case.held_out();
        let barred = barred || case.opted_out(purpose, task.tier);
        if purpose != Purpose::Churn || self.open.contains_key(&purpose) || barred {
            return;
        }
        self.settled.remove(&purpose);
        for waited in self.take_along(Purpose::Churn, None) {
            let mut signals = task.signals.iter_mut();
            match signals.find(|signal| signal.trigger == waited.trigger) {
                Some(known) => *known = waited,
                None => task.signals.push(waited),
            }
        }
        self.supersede(Some(source), case);
        task.close_reason = None;
        self.talk_again(&mut task, case);
        self.go_on(task, TaskStatus::Open, source, case);
    }

    /// Nobody is late any more; the next talk is due in the ordinary time from the next turn on.
    fn talk_again(&self, task: &mut Task, case: &Case<'_>) {
        task.escalates_at = None;
        let turn = self.earliest(task.purpose, task.tier, case);
        if turn.at < task.expires_at {
            task.not_before = turn.at;
            task.due_at = turn.at.plus_hours(case.hours(task.tier, task.severity));
        }
    }

    fn go_on(&mut self, mut task: Task, status: TaskStatus, source: &Source, case: &Case<'_>) {
        task.status = status;
        task.advance(Some(source), case);
        self.publish(task);
    }

    /// Ends what must not go on, now that more is known of the customer.
    pub fn revoke(&mut self, source: &Source, case: &Case<'_>) {
        for purpose in PURPOSES {
            let Some(task) = self.open.get(&purpose) else {
                continue;
            };
            if case.standing.not_pursued() {
                self.close(purpose, CloseReason::NotPursued, Some(source), case);
            } else if case.opted_out(purpose, occasions::reach(task.tier, &task.signals)) {
                self.close(purpose, CloseReason::OptedOut, Some(source), case);
            }
        }
    }
}
