use super::{Case, Credit, route, score};
use crate::engine::image::Problem;
use crate::engine::triggers::{Firing, FiringKind};
use crate::model::{
    CloseReason, Effect, OutcomeResult, Purpose, Severity, Signal, Source, Stage, Suppression,
    Task, TaskOutcome, TaskStatus, Timestamp,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

/// The open tasks of a shard: at most one for each subscriber (DOMAIN section 6).
#[derive(Debug, Clone, Default)]
pub struct Taskbook {
    open: BTreeMap<u32, Arc<Task>>,
}

impl Taskbook {
    /// Open tasks.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// A book of the open tasks of an image, by slot.
    pub fn restored(tasks: Vec<(u32, Task)>) -> Result<Self, Problem> {
        if !tasks.is_sorted_by(|(slot, _), (next, _)| slot < next) {
            return Err("has tasks out of order");
        }
        let open = tasks.into_iter().map(|(slot, task)| (slot, Arc::new(task)));
        Ok(Self {
            open: open.collect(),
        })
    }

    /// The open tasks by slot.
    pub fn tasks(&self) -> impl Iterator<Item = (u32, &Task)> {
        self.open.iter().map(|(slot, task)| (*slot, &**task))
    }

    /// The open tasks by slot, shared.
    pub fn into_tasks(self) -> impl Iterator<Item = (u32, Arc<Task>)> {
        self.open.into_iter()
    }

    /// A subscriber's open task.
    pub fn get(&self, slot: u32) -> Option<&Task> {
        self.open.get(&slot).map(|task| &**task)
    }

    /// Whether a subscriber has an open task.
    pub fn has(&self, slot: u32) -> bool {
        self.open.contains_key(&slot)
    }

    /// Publishes a firing as a signal, and as a task or a revision of one where that is due.
    ///
    /// The trigger's memory already knows of the firing.
    pub fn take(
        &mut self,
        trigger: &'static str,
        firing: Firing,
        at: Timestamp,
        case: &Case<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let kind = firing.kind;
        let signal = Signal {
            trigger: trigger.into(),
            msisdn: case.msisdn,
            fired_at: at,
            strength: firing.strength,
            evidence: firing.evidence,
            text: firing.text,
            suppressed: None,
        };
        let suppressed = match forbidden(case) {
            Some(suppression) => Some(suppression),
            None if kind == FiringKind::Weak => Some(Suppression::WeakSign),
            None => None,
        };
        let task = match suppressed {
            Some(suppression) => Err(suppression),
            None => match self.open.get_mut(&case.slot) {
                Some(task) => revise(Arc::make_mut(task), &signal, case),
                None if kind == FiringKind::Repeat => Err(Suppression::Repeat),
                None => {
                    let task = open(&signal, case);
                    self.open.insert(case.slot, Arc::new(task.clone()));
                    Ok(task)
                }
            },
        };
        let suppressed = task.as_ref().err().copied();
        let signal = Signal {
            suppressed,
            ..signal
        };
        effects.push(Effect::Signal(Box::new(signal)));
        effects.extend(task.ok().map(|task| Effect::Task(Box::new(task))));
    }

    /// Closes a subscriber's task, if it is open and `holds` agrees.
    pub fn close_if(
        &mut self,
        case: &Case<'_>,
        reason: CloseReason,
        source: Option<&Source>,
        effects: &mut Vec<Effect>,
        holds: impl Fn(&Task) -> bool,
    ) {
        if !self.open.get(&case.slot).is_some_and(|task| holds(task)) {
            return;
        }
        if let Some(task) = self.open.remove(&case.slot) {
            let mut task = Arc::unwrap_or_clone(task);
            task.revision += 1;
            task.status = TaskStatus::Closed;
            task.close_reason = Some(reason);
            task.updated_at = case.now.max(task.updated_at);
            task.source = source.cloned();
            if reason == CloseReason::Churned {
                task.severity = Severity::Lost;
                task.stage = Stage::Churned;
            }
            effects.push(Effect::Task(Box::new(task)));
        }
    }

    /// Closes a task that has outlived its reasons: churned, every reason recovered, or its life over.
    pub fn review(&mut self, case: &Case<'_>, effects: &mut Vec<Effect>) {
        let Some(task) = self.open.get(&case.slot) else {
            return;
        };
        let recovered = |signal: &Signal| {
            let index = case.rules.trigger_index(&signal.trigger)?;
            case.rules
                .triggers
                .get(index)?
                .recovered(case.memories.get(index)?)
        };
        let reasons: Option<Vec<CloseReason>> = task.signals.iter().map(recovered).collect();
        let reason = if case.churned() {
            Some(CloseReason::Churned)
        } else if let Some(reason) = reasons.and_then(|reasons| reasons.first().copied()) {
            Some(reason)
        } else {
            (task.expires_at <= case.now).then_some(CloseReason::Expired)
        };
        if let Some(reason) = reason {
            self.close_if(case, reason, None, effects, |_| true);
        }
    }

    /// Closes the task an outcome settles.
    pub fn settle(
        &mut self,
        outcome: &TaskOutcome<'_>,
        case: &Case<'_>,
        source: &Source,
        effects: &mut Vec<Effect>,
    ) {
        let reason = match outcome.result {
            OutcomeResult::Saved => CloseReason::Saved,
            OutcomeResult::Refused => CloseReason::Refused,
            OutcomeResult::Lost => CloseReason::Lost,
            OutcomeResult::Reached | OutcomeResult::Unreachable => return,
        };
        let named = |task: &Task| task.task_id == outcome.task_id;
        self.close_if(case, reason, Some(source), effects, named);
    }
}

/// Why no task may come of anything for this subscriber.
fn forbidden(case: &Case<'_>) -> Option<Suppression> {
    let account = case.account?;
    if case.churned() {
        Some(Suppression::Churned)
    } else if account.port_out_on.is_some() {
        Some(Suppression::PortOut)
    } else if account.profile.flags.not_pursued {
        Some(Suppression::NotPursued)
    } else {
        None
    }
}

fn open(signal: &Signal, case: &Case<'_>) -> Task {
    let score = score::churn_score(case);
    let severity = score::severity(case, score);
    let stage = score::stage(case);
    let credit = Credit::rate(case.account, case.day, &case.rules.policy.credit);
    let signals = vec![signal.clone()];
    let schedule = route::schedule(case.now, credit.tier, severity, &signals, case.rules);
    let days = i64::from(case.rules.policy.task_days);
    Task {
        task_id: task_id(signal, case),
        revision: 1,
        status: TaskStatus::Open,
        close_reason: None,
        purpose: Purpose::Churn,
        severity,
        churn_score: score,
        msisdn: case.msisdn,
        tier: credit.tier,
        stars: credit.stars,
        credit_score: credit.score,
        stage,
        action: route::action(credit.tier, stage, &signals, case.rules),
        assignee: route::assignee(case, credit.tier),
        signals,
        opened_at: case.now,
        not_before: schedule.not_before,
        due_at: schedule.due_at,
        expires_at: case.now.plus_hours(24 * days),
        updated_at: case.now,
        rules_version: case.rules.version.clone(),
        source: signal.evidence.source.clone(),
    }
}

/// Takes a further signal into an open task if it adds a reason or raises the severity.
///
/// Tier and assignee stay as they were when the task was opened; a due time only ever moves forward.
fn revise(task: &mut Task, signal: &Signal, case: &Case<'_>) -> Result<Task, Suppression> {
    let known = task
        .signals
        .iter()
        .position(|s| s.trigger == signal.trigger);
    let score = score::churn_score(case);
    let severity = score::severity(case, score);
    if known.is_some() && severity <= task.severity {
        return Err(Suppression::TaskOpen);
    }
    match known {
        Some(index) => task.signals[index] = signal.clone(),
        None => task.signals.push(signal.clone()),
    }
    let schedule = route::schedule(
        case.now,
        task.tier,
        severity.max(task.severity),
        &task.signals,
        case.rules,
    );
    task.revision += 1;
    task.status = TaskStatus::Updated;
    task.severity = severity.max(task.severity);
    task.churn_score = score;
    task.stage = score::stage(case);
    task.action = route::action(task.tier, task.stage, &task.signals, case.rules);
    task.due_at = task.due_at.min(schedule.due_at.max(task.not_before));
    task.updated_at = case.now.max(task.updated_at);
    task.rules_version = case.rules.version.clone();
    task.source = signal.evidence.source.clone();
    Ok(task.clone())
}

/// The same inputs give the same id, whatever the time they are processed at: a state that is rebuilt from the inputs
/// goes on with the tasks that were published. An event fires at its own time, a day's close for its day.
fn task_id(signal: &Signal, case: &Case<'_>) -> String {
    let mut hasher = Xxh3::new();
    hasher.update(case.msisdn.as_bytes());
    hasher.update(signal.trigger.as_bytes());
    hasher.update(&case.day.0.to_le_bytes());
    if signal.evidence.source.is_some() {
        hasher.update(&signal.fired_at.0.to_le_bytes());
    }
    format!("{:032x}", hasher.digest128())
}
