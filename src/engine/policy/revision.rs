//! How one revision of a task follows from another.

use super::case::Case;
use super::contact::after_quiet_hours;
use super::severity::severity;
use super::{group, route, stage};
use crate::engine::triggers::{COMPLAINT, complained_again, index_of};
use crate::model::{
    Level, Purpose, Signal, Source, Suppression, Task, TaskStatus, Tier, Timestamp,
};

/// Counts a revision up and says when it was made, and by which record.
pub fn advance(task: &mut Task, source: Option<&Source>, case: &Case<'_>) {
    task.revision += 1;
    task.updated_at = case.now.max(task.updated_at);
    task.source = source.cloned();
    task.suspension = case.suspension();
}

/// When a task goes up a rung, if there is one above it.
pub fn escalation(task: &Task) -> Option<Timestamp> {
    task.escalates_at
        .filter(|_| task.assignee.level.above().is_some())
}

/// The rung on which a churn task must be, given further signals: a second complaint about the same thing is above whoever
/// has the task first (behaviour: Due times and escalation).
pub fn least_level(signals: &[Signal], tier: Tier, case: &Case<'_>) -> Level {
    let mut triggers = signals.iter().map(|signal| index_of(&signal.trigger));
    let above = case.rules.policy.escalation.rung_hours.of(tier) > 0
        && triggers.any(|place| place == Some(COMPLAINT))
        && complained_again(&case.trigger_states.get(COMPLAINT));
    match above {
        true => Level::Supervisor,
        false => Level::AccountManager,
    }
}

/// An open task with a further signal in it, if that adds a reason, raises the severity or takes it up a rung.
///
/// Tier and assignee stay as they were when the task was opened; a due time only ever becomes earlier.
pub fn revise(task: &Task, signal: &Signal, case: &Case<'_>) -> Result<Task, Suppression> {
    let same = |other: &Signal| other.trigger == signal.trigger;
    let known = task.signals.iter().position(same);
    let severity = severity(task.purpose, case);
    let level = least_level(std::slice::from_ref(signal), task.tier, case);
    let goes_up = level > task.assignee.level;
    let group = group::alert(std::slice::from_ref(signal), case);
    let told = |other: &Signal| other.evidence.facts == signal.evidence.facts;
    let same_told = known.is_some_and(|place| told(&task.signals[place]));
    let news = goes_up || (group.is_some() && (group != task.group || !same_told));
    if known.is_some() && severity <= task.severity && !news {
        return Err(Suppression::TaskOpen);
    }
    if route::bound(signal, case.rules).is_some_and(|bound| bound < task.not_before) {
        return Err(Suppression::ContactGap);
    }
    let mut task = task.clone();
    match known {
        Some(index) => task.signals[index] = signal.clone(),
        None => task.signals.push(signal.clone()),
    }
    let channel = route::channel(task.tier, route::is_bulk(&task.signals));
    task.action.channel = channel;
    if group.is_some() {
        task.group = group;
    }
    task.status = TaskStatus::Updated;
    task.severity = severity.max(task.severity);
    task.churn_score = case.score().value;
    task.score_parts.clone_from(&case.score().parts);
    task.stage = stage::stage(case);
    task.action.care_only = task.purpose == Purpose::Churn && case.care_only();
    let from = after_quiet_hours(case.now, case.rules).max(task.not_before);
    let due_at = route::due_at(
        from,
        task.tier,
        task.severity,
        &task.signals,
        task.contacted_at,
        case.rules,
    );
    task.due_at = task.due_at.min(due_at);
    let on_first_rung = task.assignee.level == Level::AccountManager;
    task.escalates_at = task
        .escalates_at
        .map(|at| if on_first_rung { task.due_at } else { at });
    if goes_up {
        task.assignee.level = level;
        task.status = TaskStatus::Escalated;
    }
    task.rules_version = case.rules.version.clone();
    advance(&mut task, signal.evidence.source.as_ref(), case);
    Ok(task)
}
