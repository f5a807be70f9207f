//! What becomes of open tasks without an outcome: they are superseded, outlive their reasons, are revoked, go up the ladder.

use super::capacity::successor;
use super::case::Case;
use super::contact::after_quiet_hours;
use super::contact_history::ContactHistory;
use super::eligibility;
use super::group;
use super::revision::{advance, escalation};
use super::taskbook::Taskbook;
use crate::engine::triggers::{index_of, registered};
use crate::model::{
    Assignee, Body, CloseReason, Effect, Event, GroupCovered, OrderKind, Purpose, Severity, Signal,
    Source, Stage, Suppression, Task, TaskStatus,
};
use std::sync::Arc;

impl Taskbook {
    /// Lets an event change tasks. Returns false if it is the outcome of a task that is not known.
    pub fn apply(
        &mut self,
        event: &Event<'_>,
        source: &Source,
        case: &Case<'_>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let from = Some(source);
        match &event.body {
            Body::TaskOutcome(outcome) => {
                return self.record_outcome(event, outcome, source, case, effects);
            }
            Body::Profile(_) => self.revoke(case, source, effects),
            Body::GroupCovered(covered) => self.withdraw_covered(covered, source, case, effects),
            Body::ServiceOrder(kind) => self.withdraw(*kind, source, case, effects),
            Body::Cancellation if case.churned() => {
                let keeps = |purpose: Purpose| !purpose.is_for_the_lost();
                self.close_if(case, CloseReason::Churned, from, effects, |task| {
                    keeps(task.purpose)
                });
                self.drop_waiting(case, Suppression::Churned, effects, keeps);
                group::leave(case, effects);
            }
            Body::PortOutApplication if case.held() => {
                self.close_if(case, CloseReason::MnpHold, from, effects, |_| true);
                self.drop_waiting(case, Suppression::MnpHold, effects, |_| true);
                group::leave(case, effects);
            }
            _ => {}
        }
        true
    }

    /// Withdraws what another member's task stands for.
    fn withdraw_covered(
        &mut self,
        covered: &GroupCovered,
        source: &Source,
        case: &Case<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let stands_for = |signals: &[Signal]| group::stands_for(covered, signals, case);
        self.close_if(case, CloseReason::Group, Some(source), effects, |task| {
            task.purpose == Purpose::Churn && stands_for(&task.signals)
        });
        let waiting = self.waiting.get(case.slot, Purpose::Churn);
        if waiting.is_some_and(|candidate| stands_for(&candidate.signals)) {
            self.drop_waiting(case, Suppression::Group, effects, |purpose| {
                purpose == Purpose::Churn
            });
        }
    }

    /// A customer who has ordered what growth would propose is not asked for it any more.
    fn withdraw(
        &mut self,
        kind: OrderKind,
        source: &Source,
        case: &Case<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let answered = |signal: &Signal| {
            registered(&signal.trigger).is_some_and(|trigger| trigger.answered_by.contains(&kind))
        };
        let all_answered = |task: &Task| task.signals.iter().all(answered);
        self.close_if(
            case,
            CloseReason::OccasionOver,
            Some(source),
            effects,
            all_answered,
        );
        let recovered = |signal: &Signal| answered(signal).then_some(Suppression::Recovered);
        self.drop_signals(Purpose::Grow, case.slot, effects, recovered);
    }

    /// Ends everything about the number's owner so far, who has left it to somebody new.
    pub fn hand_over(&mut self, source: &Source, case: &Case<'_>, effects: &mut Vec<Effect>) {
        self.close_if(case, CloseReason::Churned, Some(source), effects, |_| true);
        self.drop_waiting(case, Suppression::Churned, effects, |_| true);
        self.forget(case.slot);
    }

    /// Care and growth make room for a churn task.
    pub(super) fn supersede(
        &mut self,
        case: &Case<'_>,
        source: Option<&Source>,
        effects: &mut Vec<Effect>,
    ) {
        let beside = |task: &Task| task.purpose != Purpose::Churn;
        self.close_if(case, CloseReason::Superseded, source, effects, beside);
    }

    /// Closes a subscriber's open tasks for which `holds` is true.
    pub fn close_if(
        &mut self,
        case: &Case<'_>,
        reason: CloseReason,
        source: Option<&Source>,
        effects: &mut Vec<Effect>,
        holds: impl Fn(&Task) -> bool,
    ) {
        let ends = self.of(case.slot).filter(|task| holds(task));
        let ends: Vec<Task> = ends.cloned().collect();
        for task in ends {
            self.close(task, reason, source, case, effects);
        }
    }

    /// Closes an open task.
    pub(super) fn close(
        &mut self,
        mut task: Task,
        reason: CloseReason,
        source: Option<&Source>,
        case: &Case<'_>,
        effects: &mut Vec<Effect>,
    ) -> Task {
        // Without an outcome nobody knows whether the contact was made; it may have been.
        if task.contacted_at.is_none() && case.now > task.not_before {
            let at = case.now.min(task.due_at);
            self.contact_history(case.slot).contact(at, task.purpose);
        }
        if reason == CloseReason::Churned {
            task.severity = Severity::Lost;
            task.stage = Stage::Churned;
        }
        task.status = TaskStatus::Closed;
        task.close_reason = Some(reason);
        task.escalates_at = None;
        advance(&mut task, source, case);
        self.publish(case.slot, task.clone(), effects);
        task
    }

    /// What is kept of a subscriber beside open tasks, to be added to.
    pub(super) fn contact_history(&mut self, slot: u32) -> &mut ContactHistory {
        Arc::make_mut(self.contact_histories.entry(slot).or_default())
    }

    /// Gives an open task to somebody else, for the rest of its life.
    fn pass_on(
        &mut self,
        mut task: Task,
        assignee: Assignee,
        case: &Case<'_>,
        effects: &mut Vec<Effect>,
    ) {
        task.assignee = assignee;
        task.status = TaskStatus::Updated;
        advance(&mut task, None, case);
        self.publish(case.slot, task, effects);
    }

    /// Closes the tasks that have outlived their reasons, passes on those of the absent, and forgets what no longer counts.
    pub fn review(&mut self, case: &Case<'_>, effects: &mut Vec<Effect>) {
        let tasks: Vec<Task> = self.of(case.slot).cloned().collect();
        for task in tasks {
            if let Some(reason) = outlived(&task, case) {
                self.close(task, reason, None, case, effects);
            } else if let Some(assignee) = successor(&task.assignee, case) {
                self.pass_on(task, assignee, case, effects);
            }
        }
        if let Some(contact_history) = self.contact_histories.get_mut(&case.slot)
            && !Arc::make_mut(contact_history).prune(case)
        {
            self.contact_histories.remove(&case.slot);
        }
    }

    /// Closes the tasks that must not go on, now that more is known of the customer.
    pub fn revoke(&mut self, case: &Case<'_>, source: &Source, effects: &mut Vec<Effect>) {
        let tasks: Vec<Task> = self.of(case.slot).cloned().collect();
        for task in tasks {
            if let Some(reason) = eligibility::revoked(case, &task) {
                self.close(task, reason, Some(source), case, effects);
            }
        }
    }

    /// Hands a task that is overdue without an outcome one rung up (behaviour: Due times and escalation).
    pub fn escalate(&mut self, case: &Case<'_>, effects: &mut Vec<Effect>) {
        let due = |task: &&Task| escalation(task).is_some_and(|at| at <= case.now);
        let Some(mut task) = self.of(case.slot).find(due).cloned() else {
            return;
        };
        let Some(level) = task.assignee.level.above() else {
            return;
        };
        let hours = i64::from(case.rules.policy.escalation.rung_hours.of(task.tier));
        let next = after_quiet_hours(case.now.plus_hours(hours), case.rules);
        task.assignee.level = level;
        task.escalates_at = (hours > 0 && level.above().is_some()).then_some(next);
        task.status = TaskStatus::Escalated;
        task.rules_version = case.rules.version.clone();
        advance(&mut task, None, case);
        self.publish(case.slot, task, effects);
    }

    /// Forgets a subscriber's past and what waits: the number was given to somebody new.
    pub fn forget(&mut self, slot: u32) {
        self.contact_histories.remove(&slot);
        for purpose in Purpose::ALL {
            self.waiting.remove(slot, purpose);
        }
    }
}

/// Why a signal's reason is gone, if it is.
pub(super) fn recovery(signal: &Signal, case: &Case<'_>) -> Option<CloseReason> {
    let place = index_of(&signal.trigger)?;
    let trigger = case.rules.triggers.get(place)?;
    trigger.recovered(&case.trigger_states.get(place))
}

/// Why a task should end by itself: churned, every reason recovered, or its life over.
fn outlived(task: &Task, case: &Case<'_>) -> Option<CloseReason> {
    let reasons = task.signals.iter().map(|signal| recovery(signal, case));
    let reasons: Option<Vec<CloseReason>> = reasons.collect();
    if case.churned() && !task.purpose.is_for_the_lost() {
        Some(CloseReason::Churned)
    } else if let Some(reason) = reasons.and_then(|reasons| reasons.first().copied()) {
        Some(reason)
    } else {
        (task.expires_at <= case.now).then_some(CloseReason::Expired)
    }
}
