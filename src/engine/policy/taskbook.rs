use super::budget::{Candidate, Waiting};
use super::capacity::Loads;
use super::case::Case;
use super::contact_history::ContactHistory;
use super::revision::{escalation, least_level, revise};
use super::severity::severity;
use super::tally::{Holder, Tally};
use super::uplift::{Entrant, Uplift};
use super::{eligibility, group, route, stage};
use crate::engine::state::trigger_state::FiringKind;
use crate::engine::triggers::{Firing, Registration};
use crate::model::{
    Action, Assignee, Day, Effect, Motives, Purpose, Signal, Suppression, Task, TaskStatus, Tier,
    Timestamp,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use xxhash_rust::xxh3::Xxh3;

/// The tasks of a shard: at most one open one for each subscriber and purpose (behaviour: From signals to tasks), and
/// what is to be known of those that were and those that may come. Nothing is kept of other subscribers.
#[derive(Debug, Clone, Default)]
pub struct Taskbook {
    pub(super) open: BTreeMap<(u32, Purpose), Arc<Task>>,
    pub(super) contact_histories: BTreeMap<u32, Arc<ContactHistory>>,
    pub(super) waiting: Waiting,
    /// When tasks go up a rung; the same as in the tasks, in order of time.
    pub(super) escalations: BTreeSet<(Timestamp, u32, Purpose)>,
    /// Tasks opened at once since the last release.
    pub(in crate::engine) urgent: AtOnce,
    /// New tasks that those with a capacity were given lately.
    pub(in crate::engine) loads: Loads,
    /// What became of all tasks; shared with whoever looks at it until it changes.
    pub(in crate::engine) tally: Arc<Tally>,
    /// What tasks achieve; shared in the same way.
    pub(in crate::engine) uplift: Arc<Uplift>,
    /// Who came so far that a churn task is opened, or would be but for the hold-out, in the call under way.
    pub(in crate::engine) entrant: Option<Entrant>,
}

/// Tasks that were opened at once, by purpose and tier.
pub type AtOnce = [[u32; Tier::ALL.len()]; Purpose::ALL.len()];

impl Taskbook {
    /// Whether there is anything about a subscriber.
    pub fn knows(&self, slot: u32) -> bool {
        self.of(slot).next().is_some()
            || self.contact_histories.contains_key(&slot)
            || self.waits(slot)
    }

    /// A subscriber's open tasks, by purpose.
    pub fn of(&self, slot: u32) -> impl Iterator<Item = &Task> {
        let purposes = (slot, Purpose::Churn)..=(slot, Purpose::WinBack);
        self.open.range(purposes).map(|(_, task)| &**task)
    }

    /// What the open task of a subscriber that has an id is for.
    pub fn purpose_of(&self, slot: u32, task_id: &str) -> Option<Purpose> {
        let named = self.of(slot).find(|task| task.task_id == task_id);
        named.map(|task| task.purpose)
    }

    /// A task of a subscriber that an outcome closed and that can still be corrected.
    pub(super) fn correctable(&self, slot: u32, task_id: &str) -> Option<Arc<Task>> {
        let correctable = &self.contact_histories.get(&slot)?.correctable;
        correctable
            .iter()
            .find(|task| task.task_id == task_id)
            .cloned()
    }

    /// Earlier contacts of a subscriber that count for the next one.
    pub fn contacts(&self, slot: u32) -> impl Iterator<Item = (Timestamp, Purpose)> {
        let contact_history = self.contact_histories.get(&slot).into_iter();
        let contacts = contact_history.flat_map(|contact_history| &contact_history.contacts);
        contacts.map(|contact| (contact.at, contact.purpose))
    }

    /// Whether a candidate of a subscriber waits.
    pub fn waits(&self, slot: u32) -> bool {
        self.waiting.of(slot).next().is_some()
    }

    /// A subscriber's candidates, by purpose.
    pub fn candidates_of(&self, slot: u32) -> impl Iterator<Item = &Candidate> {
        self.waiting.of(slot)
    }

    /// The next task to go up a rung, and when.
    pub fn next_escalation(&self) -> Option<(Timestamp, u32)> {
        self.escalations.first().map(|(at, slot, _)| (*at, *slot))
    }

    /// Publishes a task as it is now. This is the only way in which tasks change.
    pub(super) fn publish(&mut self, slot: u32, task: Task, effects: &mut Vec<Effect>) {
        let task = Arc::new(task);
        let key = (slot, task.purpose);
        let open = self.open.get(&key);
        let before = match task.status {
            // A correction of a closed task leaves alone what was opened since.
            TaskStatus::Closed if open.is_none_or(|open| open.task_id != task.task_id) => None,
            TaskStatus::Closed => self.open.remove(&key),
            _ => self.open.insert(key, Arc::clone(&task)),
        };
        if let Some(at) = before.as_deref().and_then(escalation) {
            self.escalations.remove(&(at, slot, task.purpose));
        }
        let before = before.or_else(|| self.correctable(slot, &task.task_id));
        Arc::make_mut(&mut self.tally).revise(before.as_deref(), &task);
        self.schedule_escalation(slot, &task);
        if task.status == TaskStatus::Closed {
            self.contact_history(slot).close(&task);
        }
        effects.push(Effect::Task(task));
    }

    /// Notes when a task goes up a rung.
    pub(super) fn schedule_escalation(&mut self, slot: u32, task: &Task) {
        if let Some(at) = escalation(task) {
            self.escalations.insert((at, slot, task.purpose));
        }
    }

    /// Publishes a firing as a signal, and as a task or a revision of one where due. What is not urgent waits for
    /// [`open_released`](Self::open_released).
    ///
    /// The trigger's state already holds the firing.
    pub fn raise(
        &mut self,
        trigger: &'static Registration,
        firing: Firing,
        at: Timestamp,
        case: &Case<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let (kind, purpose) = (firing.kind, trigger.purpose);
        let signal = Signal {
            trigger: trigger.name.into(),
            purpose,
            msisdn: case.msisdn,
            fired_at: at,
            strength: firing.strength,
            churn_score: case.score().value,
            evidence: firing.evidence,
            text: firing.text,
            suppressed: None,
        };
        let open = self.open.get(&(case.slot, purpose));
        let tier = open.map_or_else(|| case.tier(), |task| task.tier);
        let channel = route::channel(tier, trigger.bulk);
        let refusal = eligibility::refusal(case, kind, purpose, channel)
            .or_else(|| self.blocked_by_churn_task(case.slot, purpose));
        if let Some(why) = refusal {
            emit(signal, Some(why), effects);
        } else if let Some(task) = open {
            match revise(task, &signal, case) {
                Ok(mut revised) => {
                    // The group's manager talks to a group, and a customer who was to get a message is talked to by somebody.
                    if group::is_of_group(&signal) || revised.action.channel != task.action.channel
                    {
                        self.reassign(&mut revised, case);
                    }
                    group::tell(std::slice::from_ref(&signal), case, effects);
                    emit(signal, None, effects);
                    self.publish(case.slot, revised, effects);
                }
                Err(why) => emit(signal, Some(why), effects),
            }
        } else if kind == FiringKind::Repeat {
            emit(signal, Some(Suppression::Repeat), effects);
        } else if too_low(&signal, tier, case) {
            emit(signal, Some(Suppression::LowScore), effects);
        } else if group::is_covered(&signal, case) {
            group::tell(std::slice::from_ref(&signal), case, effects);
            emit(signal, Some(Suppression::Group), effects);
        } else if self.is_urgent(trigger, &signal, tier, case) {
            self.open_at_once(signal, tier, case, effects);
        } else {
            for (signal, why) in self.waiting.add(signal, tier, case) {
                emit(signal, Some(why), effects);
            }
        }
    }

    /// Whether a task is opened at once: for what a churn signal of an event says, and for care that cannot wait while there is
    /// a place in the day's budget and somebody who has room.
    fn is_urgent(
        &self,
        trigger: &Registration,
        signal: &Signal,
        tier: Tier,
        case: &Case<'_>,
    ) -> bool {
        let purpose = signal.purpose;
        let has_place = || {
            let budget = &case.rules.policy.budget;
            let opened = self.urgent[purpose as usize][tier as usize];
            opened < case.share.quota(budget, purpose, tier, case.day)
                && !self.assign(purpose, tier, trigger.bulk, case).over_capacity
        };
        signal.evidence.source.is_some()
            && !case.backlog
            && (purpose == Purpose::Churn || (trigger.at_once && has_place()))
    }

    /// Who would get a new task of a subscriber now.
    pub(super) fn assign(
        &self,
        purpose: Purpose,
        tier: Tier,
        bulk: bool,
        case: &Case<'_>,
    ) -> Assignee {
        let own = route::assignee(case, purpose, tier, bulk);
        self.loads.assign(own, case)
    }

    /// Gives an open task to whoever would get it now. It keeps its rung, and is a new task for whoever did not have it.
    fn reassign(&mut self, task: &mut Task, case: &Case<'_>) {
        let assignee = Assignee {
            level: task.assignee.level,
            ..self.assign(task.purpose, task.tier, false, case)
        };
        if Holder::of(&assignee) != Holder::of(&task.assignee) {
            let capacity = &case.rules.policy.capacity;
            self.loads.count(&assignee, true, capacity);
        }
        task.assignee = assignee;
    }

    /// Care and growth never coincide with an open churn task.
    pub(super) fn blocked_by_churn_task(&self, slot: u32, purpose: Purpose) -> Option<Suppression> {
        let beside = purpose != Purpose::Churn && self.open.contains_key(&(slot, Purpose::Churn));
        beside.then_some(Suppression::ChurnTaskOpen)
    }

    /// Opens a task of signals that are published already; for those held out it only notes that one would be opened now.
    pub(super) fn open(
        &mut self,
        signals: Vec<Signal>,
        day: Day,
        not_before: Timestamp,
        urgent: bool,
        case: &Case<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(first) = signals.first() else { return };
        let (purpose, source) = (first.purpose, first.evidence.source.clone());
        let rules = &case.rules.policy;
        let (score, credit) = (case.score(), case.credit());
        let tier = credit.tier;
        let held_out = eligibility::hold_out(case).is_some();
        if purpose == Purpose::Churn && rules.hold_out.is_used() {
            self.entrant = Some(Entrant::new(first.trigger.clone(), tier, held_out, case));
        }
        if held_out {
            return;
        }
        let severity = severity(purpose, case);
        let due_at = route::due_at(not_before, tier, severity, &signals, None, case.rules);
        let bulk = route::is_bulk(&signals);
        let mut assignee = self.assign(purpose, tier, bulk, case);
        self.loads.count(&assignee, urgent, &rules.capacity);
        assignee.level = least_level(&signals, tier, case);
        let ladder = purpose == Purpose::Churn && rules.escalation.rung_hours.of(tier) > 0;
        let task = Task {
            task_id: task_id(first, day, case),
            revision: 1,
            status: TaskStatus::Open,
            close_reason: None,
            purpose,
            severity,
            churn_score: score.value,
            score_parts: score.parts.clone(),
            msisdn: case.msisdn,
            tier,
            customer_kind: case.customer_kind(),
            stars: credit.stars,
            credit_score: credit.score,
            monthly_value: case.monthly_value(),
            stage: stage::stage(case),
            suspension: case.suspension(),
            group: group::alert(&signals, case),
            action: Action {
                channel: route::channel(tier, bulk),
                care_only: purpose == Purpose::Churn && case.care_only(),
            },
            assignee,
            signals,
            opened_at: case.now,
            not_before,
            due_at,
            escalates_at: ladder.then_some(due_at),
            expires_at: case.now.plus_hours(24 * i64::from(rules.task_days)),
            contacted_at: None,
            outcome: None,
            outcome_at: None,
            motives: Motives::default(),
            updated_at: case.now,
            rules_version: case.rules.version.clone(),
            source,
        };
        if purpose == Purpose::Churn {
            self.supersede(case, task.source.as_ref(), effects);
        }
        group::tell(&task.signals, case, effects);
        self.publish(case.slot, task, effects);
    }
}

/// Publishes a signal, with the reason if it raised no task.
pub(super) fn emit(signal: Signal, suppressed: Option<Suppression>, effects: &mut Vec<Effect>) {
    effects.push(Effect::Signal(Box::new(Signal {
        suppressed,
        ..signal
    })));
}

/// Whether the score is too low for a task of the tier. What happens at once is urgent whatever it is.
pub(super) fn too_low(signal: &Signal, tier: Tier, case: &Case<'_>) -> bool {
    let found_at_close = signal.evidence.source.is_none() && signal.purpose == Purpose::Churn;
    found_at_close && signal.churn_score < case.rules.policy.score.task_at.of(tier)
}

/// The same inputs give the same id, whatever the time they are processed at: a state that is rebuilt from the inputs
/// goes on with the tasks that were published. An event fires at its own time, a day's close for its day.
fn task_id(signal: &Signal, day: Day, case: &Case<'_>) -> String {
    let mut hasher = Xxh3::new();
    hasher.update(case.msisdn.as_bytes());
    hasher.update(signal.trigger.as_bytes());
    hasher.update(&day.0.to_le_bytes());
    if signal.evidence.source.is_some() {
        hasher.update(&signal.fired_at.0.to_le_bytes());
    }
    format!("{:032x}", hasher.digest128())
}
