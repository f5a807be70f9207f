use super::{Case, Credit, Score, route, score};
use crate::engine::image::Problem;
use crate::engine::triggers::{Firing, FiringKind, Registration, index_of};
use crate::model::{
    CloseReason, Effect, OutcomeResult, Purpose, Severity, Signal, Source, Stage, Suppression,
    Task, TaskOutcome, TaskStatus, Tier, Timestamp,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

/// The open tasks of a shard: at most one for each subscriber and purpose (DOMAIN section 6).
#[derive(Debug, Clone, Default)]
pub struct Taskbook {
    open: BTreeMap<(u32, Purpose), Arc<Task>>,
}

impl Taskbook {
    /// Open tasks.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// A book of the open tasks of an image, by slot.
    pub fn restored(tasks: Vec<(u32, Task)>) -> Result<Self, Problem> {
        let key = |(slot, task): &(u32, Task)| (*slot, task.purpose);
        if !tasks.is_sorted_by(|task, next| key(task) < key(next)) {
            return Err("has tasks out of order");
        }
        let open = tasks.into_iter();
        let open = open.map(|(slot, task)| ((slot, task.purpose), Arc::new(task)));
        Ok(Self {
            open: open.collect(),
        })
    }

    /// The open tasks by slot.
    pub fn tasks(&self) -> impl Iterator<Item = (u32, &Task)> {
        self.open.iter().map(|((slot, _), task)| (*slot, &**task))
    }

    /// The open tasks by slot, shared.
    pub fn into_tasks(self) -> impl Iterator<Item = (u32, Arc<Task>)> {
        self.open.into_iter().map(|((slot, _), task)| (slot, task))
    }

    /// A subscriber's open tasks, by purpose.
    pub fn of(&self, slot: u32) -> impl Iterator<Item = &Task> {
        let purposes = (slot, Purpose::Churn)..=(slot, Purpose::Grow);
        self.open.range(purposes).map(|(_, task)| &**task)
    }

    /// Whether a subscriber has an open task.
    pub fn has(&self, slot: u32) -> bool {
        self.of(slot).next().is_some()
    }

    /// Subscribers with an open task.
    pub fn subscribers(&self) -> usize {
        let slots: Vec<u32> = self.open.keys().map(|(slot, _)| *slot).collect();
        slots.chunk_by(|slot, next| slot == next).count()
    }

    /// Publishes a firing as a signal, and as a task or a revision of one where that is due.
    ///
    /// The trigger's memory already knows of the firing.
    pub fn take(
        &mut self,
        trigger: &'static Registration,
        firing: Firing,
        at: Timestamp,
        case: &Case<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let kind = firing.kind;
        let score = Score::of(case);
        let signal = Signal {
            trigger: trigger.name.into(),
            purpose: trigger.purpose,
            msisdn: case.msisdn,
            fired_at: at,
            strength: firing.strength,
            churn_score: score.value,
            evidence: firing.evidence,
            text: firing.text,
            suppressed: None,
        };
        let key = (case.slot, trigger.purpose);
        let beside = key.1 != Purpose::Churn;
        let suppressed = match forbidden(case) {
            Some(suppression) => Some(suppression),
            None => match kind {
                FiringKind::Weak => Some(Suppression::WeakSign),
                FiringKind::CareOnly => Some(Suppression::CareOnly),
                _ if beside && self.open.contains_key(&(case.slot, Purpose::Churn)) => {
                    Some(Suppression::ChurnTaskOpen)
                }
                FiringKind::Full | FiringKind::Repeat => None,
            },
        };
        let task = match suppressed {
            Some(suppression) => Err(suppression),
            None => match self.open.get_mut(&key) {
                Some(task) => revise(Arc::make_mut(task), &signal, score, case),
                None if kind == FiringKind::Repeat => Err(Suppression::Repeat),
                None => open(&signal, score, case),
            },
        };
        let suppressed = task.as_ref().err().copied();
        let signal = Signal {
            suppressed,
            ..signal
        };
        effects.push(Effect::Signal(Box::new(signal)));
        let Ok(task) = task else { return };
        if task.status == TaskStatus::Open {
            let source = task.source.as_ref();
            // Care and growth never coincide with an open churn task.
            self.close_if(case, CloseReason::Superseded, source, effects, |_| !beside);
            self.open.insert(key, Arc::new(task.clone()));
        }
        effects.push(Effect::Task(Box::new(task)));
    }

    /// Closes those of a subscriber's open tasks of which `holds` agrees.
    pub fn close_if(
        &mut self,
        case: &Case<'_>,
        reason: CloseReason,
        source: Option<&Source>,
        effects: &mut Vec<Effect>,
        holds: impl Fn(&Task) -> bool,
    ) {
        let ends = self.of(case.slot).filter(|task| holds(task));
        let ends: Vec<Purpose> = ends.map(|task| task.purpose).collect();
        for purpose in ends {
            let Some(task) = self.open.remove(&(case.slot, purpose)) else {
                continue;
            };
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

    /// Closes the tasks that have outlived their reasons.
    pub fn review(&mut self, case: &Case<'_>, effects: &mut Vec<Effect>) {
        let ends = self.of(case.slot);
        let ends = ends.filter_map(|task| Some((task.purpose, outlived(task, case)?)));
        for (purpose, reason) in ends.collect::<Vec<_>>() {
            let this = |task: &Task| task.purpose == purpose;
            self.close_if(case, reason, None, effects, this);
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

/// Why a task should end by itself: churned, every reason recovered, or its life over.
fn outlived(task: &Task, case: &Case<'_>) -> Option<CloseReason> {
    let recovered = |signal: &Signal| {
        let place = index_of(&signal.trigger)?;
        let trigger = case.rules.triggers.get(place)?;
        trigger.recovered(&case.memories.get(place))
    };
    let reasons: Option<Vec<CloseReason>> = task.signals.iter().map(recovered).collect();
    if case.churned() {
        Some(CloseReason::Churned)
    } else if let Some(reason) = reasons.and_then(|reasons| reasons.first().copied()) {
        Some(reason)
    } else {
        (task.expires_at <= case.now).then_some(CloseReason::Expired)
    }
}

/// Why no task may come of anything for this subscriber.
pub(super) fn forbidden(case: &Case<'_>) -> Option<Suppression> {
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

/// Whether the score is too low for a task of the tier. What happens at once is urgent whatever it is.
pub(super) fn too_low(signal: &Signal, tier: Tier, case: &Case<'_>) -> bool {
    let found_at_close = signal.evidence.source.is_none() && signal.purpose == Purpose::Churn;
    found_at_close && signal.churn_score < case.rules.policy.score.task_at.of(tier)
}

/// A task of a signal, unless the score is too low for one.
fn open(signal: &Signal, score: Score, case: &Case<'_>) -> Result<Task, Suppression> {
    let credit = Credit::rate(case.account, case.day, &case.rules.policy.credit);
    if too_low(signal, credit.tier, case) {
        return Err(Suppression::LowScore);
    }
    let severity = score::severity(signal.purpose, case, score.value);
    let stage = score::stage(case);
    let signals = vec![signal.clone()];
    let schedule = route::schedule(case.now, credit.tier, severity, &signals, case.rules);
    let days = i64::from(case.rules.policy.task_days);
    Ok(Task {
        task_id: task_id(signal, case),
        revision: 1,
        status: TaskStatus::Open,
        close_reason: None,
        purpose: signal.purpose,
        severity,
        churn_score: score.value,
        score_parts: score.parts,
        msisdn: case.msisdn,
        tier: credit.tier,
        stars: credit.stars,
        credit_score: credit.score,
        stage,
        action: route::action(case, signal.purpose, credit.tier, stage, &signals),
        assignee: route::assignee(case, credit.tier),
        signals,
        opened_at: case.now,
        not_before: schedule.not_before,
        due_at: schedule.due_at,
        expires_at: case.now.plus_hours(24 * days),
        updated_at: case.now,
        rules_version: case.rules.version.clone(),
        source: signal.evidence.source.clone(),
    })
}

/// Takes a further signal into an open task if it adds a reason or raises the severity.
///
/// Tier and assignee stay as they were when the task was opened; a due time only ever moves forward.
fn revise(
    task: &mut Task,
    signal: &Signal,
    score: Score,
    case: &Case<'_>,
) -> Result<Task, Suppression> {
    let known = task
        .signals
        .iter()
        .position(|s| s.trigger == signal.trigger);
    let severity = score::severity(task.purpose, case, score.value);
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
    task.churn_score = score.value;
    task.score_parts = score.parts;
    task.stage = score::stage(case);
    task.action = route::action(case, task.purpose, task.tier, task.stage, &task.signals);
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
