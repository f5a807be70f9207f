//! Watches what a shard says, and knows nothing but that and what it was told.

use super::capacity::{Given, is_with_somebody};
use super::known::Known;
use churnwatch::engine::{Holder, Rules, ShardStats};
use churnwatch::model::{
    Body, CloseReason, Day, Effect, Erasure, Event, Level, Msisdn, Outcome, OutcomeResult, Purpose,
    Severity, Signal, Suppression, Task, TaskOutcome, TaskStatus, Tier, Timestamp,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a good number of plans must have led to.
pub const EXPECTED: &[&str] = &[
    "open",
    "updated",
    "escalated",
    "after its close: closed",
    "after its close: open",
    "closed: saved",
    "closed: refused",
    "closed: lost",
    "closed: contacted",
    "closed: expired",
    "closed: churned",
    "closed: mnp_hold",
    "closed: not_pursued",
    "closed: opted_out",
    "closed: superseded",
    "closed: arrears_paid",
    "closed: occasion_over",
    "closed: erased",
    "closed: returned",
    "erased",
    "signal: taken up",
    "signal: care_only",
    "signal: churn_task_open",
    "signal: churned",
    "signal: contact_cap",
    "signal: contact_gap",
    "signal: hold_out",
    "signal: low_score",
    "signal: mnp_hold",
    "signal: not_pursued",
    "signal: opted_out",
    "signal: over_budget",
    "signal: over_capacity",
    "deputy",
    "over capacity",
    "passed on",
    "signal: repeat",
    "signal: task_open",
];

/// A rule that was broken.
type Broken = String;

macro_rules! ensure {
    ($holds:expr, $($what:tt)+) => {
        if !$holds {
            return Err(format!($($what)+));
        }
    };
}

#[derive(Default)]
struct Person {
    known: Known,
    open: BTreeMap<Purpose, Task>,
    /// Every task as it was last published.
    tasks: BTreeMap<String, Task>,
    /// Their ids, in the order in which they were opened.
    order: Vec<String>,
    /// Contacts that were surely made.
    contacts: Vec<(Timestamp, Purpose)>,
    held_out: bool,
    /// Nothing may be said of the subscriber before the next record.
    erased: bool,
    /// Every signal that was published, and why it raised no task.
    signals: BTreeMap<(String, Timestamp, String), Option<Suppression>>,
}

pub struct Observer {
    rules: Arc<Rules>,
    people: BTreeMap<String, Person>,
    /// Urgent tasks since the last call that closed a day.
    urgent: BTreeMap<Tier, u32>,
    given: Given,
    pub seen: BTreeMap<String, u64>,
}

impl Observer {
    pub fn new(rules: Arc<Rules>) -> Self {
        Self {
            rules,
            people: BTreeMap::new(),
            urgent: BTreeMap::new(),
            given: Given::default(),
            seen: BTreeMap::new(),
        }
    }

    pub fn day_of(&self, at: Timestamp) -> Day {
        self.rules.calendar.day_of(at)
    }

    /// The id of a subscriber's last task, or of one opened so many before; of none if there are not as many.
    pub fn task_id(&self, who: &Msisdn, back: usize) -> String {
        let order = self.people.get(who.as_str()).map(|person| &person.order);
        let id = order.and_then(|order| order.iter().rev().nth(back));
        id.cloned().unwrap_or_else(|| "unknown".to_owned())
    }

    /// A call that brought no record: a tick, a sweep, the end.
    pub fn idle(
        &mut self,
        before: &ShardStats,
        after: &ShardStats,
        effects: &[Effect],
    ) -> Result<(), Broken> {
        self.effects(None, None, (before, after), effects)
    }

    /// A record, and what came of it.
    pub fn record(
        &mut self,
        event: &Event<'_>,
        outcome: &Outcome,
        stats: (&ShardStats, &ShardStats),
        effects: &[Effect],
    ) -> Result<(), Broken> {
        let mut report = None;
        if matches!(outcome, Outcome::Applied { .. }) {
            let day = self.rules.calendar.day_of(event.at);
            let person = self.person(&event.msisdn);
            person.erased = false;
            if person.known.take(event, day) {
                person.contacts.clear();
            }
            if let Body::TaskOutcome(outcome) = &event.body {
                person.hear(outcome, event.at);
                report = Some(outcome);
            }
        }
        self.effects(Some(event), report, stats, effects)
    }

    fn person(&mut self, who: &Msisdn) -> &mut Person {
        self.people.entry(who.as_str().to_owned()).or_default()
    }

    fn see(&mut self, what: String) {
        *self.seen.entry(what).or_default() += 1;
    }

    fn effects(
        &mut self,
        event: Option<&Event<'_>>,
        report: Option<&TaskOutcome<'_>>,
        (before, after): (&ShardStats, &ShardStats),
        effects: &[Effect],
    ) -> Result<(), Broken> {
        let mut to_be_in_a_task: Vec<&Signal> = Vec::new();
        let mut released: BTreeMap<(Purpose, Tier), u32> = BTreeMap::new();
        let mut urgent: BTreeMap<Tier, u32> = BTreeMap::new();
        for effect in effects {
            match effect {
                Effect::Signal(signal) => {
                    self.signal(signal)?;
                    if signal.suppressed.is_none() {
                        to_be_in_a_task.push(signal);
                    }
                }
                Effect::Task(task) => {
                    self.task(task, report, after)
                        .map_err(|what| format!("{what}\n{task:#?}"))?;
                    to_be_in_a_task.retain(|signal| {
                        let reason = task.signals.iter().any(|s| s.trigger == signal.trigger);
                        !(reason && signal.msisdn == task.msisdn && signal.purpose == task.purpose)
                    });
                    if task.status == TaskStatus::Open && task.revision == 1 {
                        match (task.purpose, &task.source) {
                            (Purpose::Churn, Some(_)) => *urgent.entry(task.tier).or_default() += 1,
                            _ => {
                                *released.entry((task.purpose, task.tier)).or_default() += 1;
                                let today = self.day_of(task.opened_at);
                                let room = self.given.released(task, today, &self.rules);
                                ensure!(room, "more than its holder can take\n{task:#?}");
                            }
                        }
                        let assignee = &task.assignee;
                        let over = assignee.over_capacity.then_some("over capacity");
                        let deputy = assignee.deputy_for.as_ref().map(|_| "deputy");
                        for what in over.into_iter().chain(deputy) {
                            self.see(what.to_owned());
                        }
                    }
                }
                Effect::Erased(erasure) => {
                    let erased = event.map(|event| event.msisdn);
                    let person = erased.map(|who| self.person(&who));
                    let person = person.ok_or("erased without a request")?;
                    person.erase(erasure, effects)?;
                    self.see("erased".to_owned());
                }
                Effect::Group(record) => {
                    let told = matches!(record.event.body, Body::MemberSignal(_));
                    ensure!(
                        !told || record.partition.is_none(),
                        "a signal for one partition"
                    );
                }
                Effect::Shadow(_) => return Err("nothing is on trial".to_owned()),
            }
        }
        ensure!(
            to_be_in_a_task.is_empty(),
            "signals without a reason why no task came of them, and without one: {to_be_in_a_task:#?}"
        );
        self.within_budget(&released, (before, after))?;
        if after.day_closes > before.day_closes {
            self.urgent.clear();
        }
        for (tier, tasks) in urgent {
            *self.urgent.entry(tier).or_default() += tasks;
        }
        self.known(after.clock)
    }

    /// A signal: said once, and never of somebody held out for another reason than the strongest.
    fn signal(&mut self, signal: &Signal) -> Result<(), Broken> {
        let fate = signal.suppressed.map_or("taken up", Suppression::name);
        self.see(format!("signal: {fate}"));
        let person = self.person(&signal.msisdn);
        ensure!(!person.erased, "a signal of somebody erased");
        if signal.suppressed == Some(Suppression::HoldOut) {
            person.held_out = true;
        }
        let known = person.signals.insert(identity(signal), signal.suppressed);
        ensure!(known.is_none(), "said twice: {signal:#?}");
        Ok(())
    }

    fn task(
        &mut self,
        task: &Task,
        report: Option<&TaskOutcome<'_>>,
        after: &ShardStats,
    ) -> Result<(), Broken> {
        let reason = task
            .close_reason
            .map(|reason| format!(": {}", reason.name()));
        self.see(format!(
            "{}{}",
            task.status.name(),
            reason.unwrap_or_default()
        ));
        let rules = self.rules.clone();
        let named = report.filter(|report| report.task_id == task.task_id);
        let person = self.person(&task.msisdn);
        ensure!(!person.held_out, "a task of somebody held out");
        ensure!(!person.erased, "a task of somebody erased");
        let before = person.tasks.insert(task.task_id.clone(), task.clone());
        let open = task.status != TaskStatus::Closed;
        let other = person.open.get(&task.purpose);
        let other = other.filter(|other| other.task_id != task.task_id);
        ensure!(
            !(open && other.is_some()),
            "beside another open task: {other:#?}"
        );
        if open {
            person.open.insert(task.purpose, task.clone());
        } else if other.is_none() {
            person.open.remove(&task.purpose);
        }
        let beside_churn = person.open.len() > 1 && person.open.contains_key(&Purpose::Churn);
        ensure!(!beside_churn, "care or growth beside a churn task");
        person.reasons(task)?;
        let mut passed_on = false;
        let planned = match &before {
            None => {
                person.order.push(task.task_id.clone());
                is_new(task, person.known.complaints > 1)?;
                let today = rules.calendar.day_of(task.opened_at);
                let there = is_with_somebody(task, today, &rules);
                ensure!(there, "new, and given to somebody absent");
                true
            }
            Some(before) => {
                follows(task, before, named, person.known.complaints > 1, after)?;
                passed_on = follows_holder(task, before, &rules)?;
                let again = named.is_some() && before.not_before != task.not_before;
                again && task.outcome != Some(OutcomeResult::Unreachable)
            }
        };
        if open {
            hours(task, before.is_none(), &rules)?;
        }
        if planned {
            person.turn(task, &rules)?;
        }
        if passed_on {
            self.see("passed on".to_owned());
        }
        let reopened = before.is_some_and(|before| before.status == TaskStatus::Closed);
        if reopened {
            self.see(format!("after its close: {}", task.status.name()));
        }
        Ok(())
    }

    /// No more new tasks than there are places, less those that urgent ones took.
    fn within_budget(
        &self,
        released: &BTreeMap<(Purpose, Tier), u32>,
        (before, after): (&ShardStats, &ShardStats),
    ) -> Result<(), Broken> {
        let budget = &self.rules.policy.budget;
        let closes = (after.day_closes - before.day_closes) as u32;
        for ((purpose, tier), tasks) in released {
            let places = budget.of(*purpose, *tier);
            let spent = match purpose {
                Purpose::Churn => self.urgent.get(tier).copied().unwrap_or(0),
                _ => 0,
            };
            let places = match closes {
                0 => places.saturating_sub(spent),
                1 if budget.collect_minutes == 0 => places.saturating_sub(spent),
                // That of the close before, and of each.
                closes => places * (closes + 1),
            };
            ensure!(
                *tasks <= places,
                "{tasks} new tasks of {} {} for {places} places",
                purpose.name(),
                tier.name()
            );
        }
        Ok(())
    }

    /// Nobody has a task who must not have one.
    fn known(&self, now: Timestamp) -> Result<(), Broken> {
        for person in self.people.values() {
            for task in person.open.values() {
                let today = self.day_of(now.max(task.updated_at));
                let why = person.known.forbids(task, today);
                ensure!(why.is_none(), "still open, {why:?}: {task:#?}");
            }
        }
        Ok(())
    }
}

fn identity(signal: &Signal) -> (String, Timestamp, String) {
    let (trigger, text) = (signal.trigger.to_string(), signal.text.en.clone());
    (trigger, signal.fired_at, text)
}

impl Person {
    /// Notes the contact that an outcome surely reports: of a task that is open, or of one that nobody knows.
    fn hear(&mut self, outcome: &TaskOutcome<'_>, at: Timestamp) {
        if matches!(outcome.result, None | Some(OutcomeResult::Unreachable)) {
            return;
        }
        let open = self
            .open
            .values()
            .find(|task| task.task_id == outcome.task_id);
        if let Some(task) = open {
            self.contacts.push((at, task.purpose));
        } else if !self.tasks.contains_key(&*outcome.task_id) {
            self.contacts.push((at, Purpose::Churn));
        }
    }

    /// Forgets everything but whether tasks are withheld, which follows from the number.
    fn erase(&mut self, erasure: &Erasure, effects: &[Effect]) -> Result<(), Broken> {
        ensure!(self.open.is_empty(), "erased with open tasks");
        let closed = effects.iter().filter(|effect| {
            matches!(effect, Effect::Task(task) if task.close_reason == Some(CloseReason::Erased))
        });
        let closed = closed.count();
        ensure!(
            erasure.tasks_closed as usize == closed,
            "{closed} tasks were closed"
        );
        *self = Self {
            held_out: self.held_out,
            erased: true,
            ..Self::default()
        };
        Ok(())
    }

    /// The reasons of a task: one for each trigger, and all of them published as such.
    fn reasons(&self, task: &Task) -> Result<(), Broken> {
        ensure!(!task.signals.is_empty(), "a task without reasons");
        for (place, signal) in task.signals.iter().enumerate() {
            let mut others = task.signals[..place].iter();
            ensure!(
                others.all(|other| other.trigger != signal.trigger),
                "{} twice",
                signal.trigger
            );
            ensure!(
                signal.purpose == task.purpose,
                "{} is for something else",
                signal.trigger
            );
            let fate = self.signals.get(&identity(signal));
            let taken_up = matches!(
                fate,
                Some(None | Some(Suppression::OverBudget | Suppression::OverCapacity))
            );
            ensure!(taken_up, "{} was {fate:?}", signal.trigger);
        }
        Ok(())
    }

    /// A contact that is planned anew keeps its distance from those before it, and is not one too many.
    fn turn(&self, task: &Task, rules: &Rules) -> Result<(), Broken> {
        let limits = &rules.policy.contact;
        let all = task.purpose != Purpose::Churn || limits.care_delays_churn;
        let counted = self
            .contacts
            .iter()
            .filter(|(_, of)| all || *of == Purpose::Churn);
        let mut made: Vec<Timestamp> = counted.map(|(at, _)| *at).collect();
        if task.purpose != Purpose::Churn {
            let others = self
                .open
                .values()
                .filter(|other| other.purpose != task.purpose && other.contacted_at.is_none());
            made.extend(others.map(|other| other.due_at));
        }
        let gap_hours = 24 * i64::from(limits.gap_days);
        for at in &made {
            let next = at.plus_hours(gap_hours);
            ensure!(
                task.not_before >= next,
                "contacted at {at:?}, and so soon again"
            );
        }
        let since = task
            .not_before
            .plus_hours(-24 * i64::from(limits.cap_window_days));
        let within = made.iter().filter(|at| **at > since).count();
        let cap = usize::from(limits.cap.of(task.tier));
        ensure!(within < cap, "one contact more than {cap}: {made:?}");
        Ok(())
    }
}

/// The first revision of a task.
fn is_new(task: &Task, complains_again: bool) -> Result<(), Broken> {
    ensure!(task.revision == 1, "begins with revision {}", task.revision);
    ensure!(
        task.status == TaskStatus::Open,
        "begins as {:?}",
        task.status
    );
    let up = complains_again && rests_on_complaint(task);
    let level = task.assignee.level;
    ensure!(
        level == Level::AccountManager || (level == Level::Supervisor && up),
        "begins up the ladder"
    );
    ensure!(
        task.contacted_at.is_none() && task.outcome.is_none(),
        "begins with an outcome"
    );
    Ok(())
}

/// Whether a complaint is among the reasons.
fn rests_on_complaint(task: &Task) -> bool {
    let mut signals = task.signals.iter();
    signals.any(|signal| signal.trigger == "complaint")
}

/// A further revision: counted up by one, of the same task, and never back where it was.
fn follows(
    task: &Task,
    before: &Task,
    named: Option<&TaskOutcome<'_>>,
    complains_again: bool,
    after: &ShardStats,
) -> Result<(), Broken> {
    ensure!(
        task.revision == before.revision + 1,
        "after revision {}",
        before.revision
    );
    ensure!(task.updated_at >= before.updated_at, "goes back in time");
    let constant = |task: &Task| {
        let assignee = task.assignee.clone();
        let who = (task.msisdn, task.purpose, task.tier, task.action.channel);
        (
            who,
            assignee.notify,
            assignee.region,
            task.opened_at,
            task.expires_at,
        )
    };
    ensure!(constant(task) == constant(before), "is another task");
    if before.status == TaskStatus::Closed {
        let named = named.and_then(|report| report.result);
        ensure!(
            named.is_some() && named == task.outcome,
            "closed, and changed without an outcome"
        );
        ensure!(
            task.outcome != before.outcome,
            "corrected by the same outcome"
        );
        let status = task.status;
        ensure!(
            matches!(status, TaskStatus::Closed | TaskStatus::Open),
            "closed, then {status:?}"
        );
    } else {
        ensure!(task.status != TaskStatus::Open, "opened twice");
    }
    let (level, last) = (task.assignee.level, before.assignee.level);
    if task.status == TaskStatus::Escalated {
        ensure!(Some(level) == last.above(), "from {last:?} to {level:?}");
        let due = before.escalates_at.is_some_and(|at| at <= after.clock);
        let complaint = complains_again && last == Level::AccountManager && task.source.is_some();
        let complaint = complaint && rests_on_complaint(task);
        ensure!(due || complaint, "escalated before its time");
        ensure!(
            task.purpose == Purpose::Churn,
            "care and growth have no ladder"
        );
    } else {
        ensure!(level == last, "from {last:?} to {level:?} without a rung");
    }
    Ok(())
}

/// Whether somebody else has it now, which is so only because the one before is absent.
fn follows_holder(task: &Task, before: &Task, rules: &Rules) -> Result<bool, Broken> {
    let (holder, last) = (Holder::of(&task.assignee), Holder::of(&before.assignee));
    if holder == last {
        let same = task.assignee.deputy_for == before.assignee.deputy_for;
        ensure!(same, "stands in for somebody else");
        return Ok(false);
    }
    if task.updated_at == before.updated_at {
        // An event was ahead of the clock: the close that passed it on may have been a day before.
        return Ok(true);
    }
    let today = rules.calendar.day_of(task.updated_at);
    let absent = !last.is_present(&rules.policy.capacity, today);
    ensure!(absent, "passed on by somebody who is there");
    ensure!(
        is_with_somebody(task, today, rules),
        "passed on to somebody absent"
    );
    Ok(true)
}

/// What an open task says of times.
fn hours(task: &Task, new: bool, rules: &Rules) -> Result<(), Broken> {
    let quiet = &rules.policy.quiet;
    let hour = rules.calendar.hour_of(task.not_before);
    let is_quiet = match quiet.from_hour <= quiet.to_hour {
        true => (quiet.from_hour..quiet.to_hour).contains(&hour),
        false => hour >= quiet.from_hour || hour < quiet.to_hour,
    };
    ensure!(!is_quiet, "a contact at {hour} o'clock");
    ensure!(task.due_at >= task.not_before, "due before it may begin");
    let due = &rules.policy.due;
    let of_tier = match task.tier {
        Tier::Key if new && task.severity == Severity::Critical => due.key_critical_hours,
        Tier::Key => due.key_hours,
        Tier::Ordinary => due.ordinary_hours,
        Tier::Small => due.small_hours,
    };
    let latest = task.not_before.plus_hours(i64::from(of_tier));
    ensure!(task.due_at <= latest, "due after its tier's time");
    if task.contacted_at.is_none() {
        let competitor = |signal: &&Signal| signal.trigger.starts_with("competitor_");
        for signal in task.signals.iter().filter(competitor) {
            let bound = signal.fired_at.plus_hours(i64::from(due.competitor_hours));
            ensure!(task.due_at <= bound, "a competitor is answered too late");
        }
    }
    Ok(())
}
