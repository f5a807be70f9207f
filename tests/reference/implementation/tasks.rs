//! Tasks as they are opened, revised and closed (behaviour: From signals to tasks).

use super::Reference;
use super::churn::COMPLAINT;
use super::groups::GROUP;
use super::occasions;
use super::policy::{Case, Tasks};
use churnwatch::model::{
    Action, Assignee, Channel, CloseReason, Effect, Level, Motives, Msisdn, Purpose, Severity,
    Signal, Source, Stage, Suppression, Task, TaskStatus, Tier, Timestamp,
};
use std::sync::Arc;

fn channel(tier: Tier) -> Channel {
    match tier {
        Tier::Key => Channel::AccountManager,
        Tier::Ordinary => Channel::OutboundCall,
        Tier::Small => Channel::BulkCampaign,
    }
}

impl Reference {
    /// Everybody in the book of tasks, erased or not.
    pub fn spoken_of(&self) -> Vec<Msisdn> {
        self.book.tasks.keys().copied().collect()
    }

    /// How many tasks a subscriber ever had; they are numbered from 1.
    pub fn opened(&self, who: &Msisdn) -> usize {
        self.book.tasks.get(who).map_or(0, |tasks| tasks.opened)
    }

    /// Everything said of a subscriber so far, in order.
    pub fn said(&self, who: &Msisdn) -> &[Effect] {
        let tasks = self.book.tasks.get(who);
        tasks.map_or(&[], |tasks| &tasks.effects)
    }
}

impl Tasks {
    /// Publishes a task, which is then the open one of its purpose unless it is closed.
    pub fn publish(&mut self, task: Task) {
        self.open.remove(&task.purpose);
        if task.status != TaskStatus::Closed {
            self.open.insert(task.purpose, task.clone());
        } else {
            self.note_closed(&task);
        }
        self.effects.push(Effect::Task(Arc::new(task)));
    }

    /// A closed task is known for a while.
    pub fn note_closed(&mut self, task: &Task) {
        self.closed.retain(|(id, _)| *id != task.task_id);
        self.closed.push((task.task_id.clone(), task.updated_at));
    }

    /// Whether a task is open, or is among the last eight that were closed, within a task's life.
    pub fn knows(&self, id: &str, case: &Case<'_>) -> bool {
        let life = 24 * i64::from(case.rules.policy.task_days);
        let since = case.now.plus_hours(-life);
        let last = self.closed.iter().rev().take(8);
        let mut closed = last.filter(|(_, at)| *at > since);
        self.open.values().any(|task| task.task_id == id) || closed.any(|(closed, _)| closed == id)
    }

    /// A new task of signals that were published already, unless the subscriber is held out.
    pub fn open(
        &mut self,
        signals: Vec<Signal>,
        not_before: Timestamp,
        mut assignee: Assignee,
        case: &Case<'_>,
    ) {
        let source = signals[0].evidence.source.clone();
        let purpose = signals[0].purpose;
        if purpose == Purpose::Churn {
            self.follow(&signals[0].trigger, case);
        }
        if case.held_out() {
            return;
        }
        if purpose == Purpose::Churn {
            self.supersede(source.as_ref(), case);
        }
        self.opened += 1;
        let rules = &case.rules.policy;
        let standing = case.standing;
        let (tier, severity) = (case.tier(), case.severity(purpose));
        let due_at = case.due_at(not_before, tier, severity, &signals, None);
        let ladder = purpose == Purpose::Churn && case.rung_hours(tier) > 0;
        if signals.iter().any(|signal| case.goes_up(signal, tier)) {
            assignee.level = Level::Supervisor;
        }
        let channel = channel(occasions::reach(tier, &signals));
        let task = Task {
            task_id: self.opened.to_string(),
            revision: 1,
            status: TaskStatus::Open,
            close_reason: None,
            purpose,
            severity,
            churn_score: case.score(),
            score_parts: case.score_parts(),
            msisdn: case.msisdn,
            tier,
            customer_kind: case.customer_kind(),
            stars: standing.stars(case.day, case.rules),
            credit_score: standing.credit_score(case.day, case.rules),
            monthly_value: case.value(),
            stage: case.stage(),
            suspension: standing.suspension(),
            group: case.group_alert(&signals),
            signals,
            action: Action {
                channel,
                care_only: purpose == Purpose::Churn && case.care_only(),
            },
            assignee,
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
        self.tell(&task.signals, case);
        self.publish(task);
    }

    /// Shows a signal to the open task of its purpose, which takes it up if it adds a reason or raises the severity.
    pub fn take_up(&mut self, signal: &Signal, assignee: Assignee, case: &Case<'_>) {
        let mut task = self.open[&signal.purpose].clone();
        let severity = case.severity(task.purpose);
        let known = task
            .signals
            .iter()
            .position(|s| s.trigger == signal.trigger);
        let goes_up =
            case.goes_up(signal, task.tier) && task.assignee.level == Level::AccountManager;
        let of_group = signal.trigger == GROUP;
        let alert = case.group_alert(std::slice::from_ref(signal));
        let facts = known.map(|place| &task.signals[place].evidence.facts);
        let told = facts == Some(&signal.evidence.facts);
        let joined = alert.is_some() && (alert != task.group || !told);
        let refusal = if known.is_some() && severity <= task.severity && !goes_up && !joined {
            Some(Suppression::TaskOpen)
        } else if case
            .bound(signal)
            .is_some_and(|bound| bound < task.not_before)
        {
            Some(Suppression::ContactGap)
        } else {
            None
        };
        if refusal.is_some() {
            return self.say(signal, refusal);
        }
        self.tell(std::slice::from_ref(signal), case);
        self.say(signal, None);
        if joined {
            task.group = alert;
        }
        match known {
            Some(place) => task.signals[place] = signal.clone(),
            None => task.signals.push(signal.clone()),
        }
        let was_bulk = task.action.channel == Channel::BulkCampaign && task.tier != Tier::Small;
        if was_bulk && !occasions::bulk(&task.signals) {
            task.action.channel = channel(task.tier);
        }
        if of_group || was_bulk && !occasions::bulk(&task.signals) {
            let level = task.assignee.level;
            task.assignee = Assignee { level, ..assignee };
        }
        task.status = TaskStatus::Updated;
        task.severity = task.severity.max(severity);
        task.churn_score = case.score();
        task.score_parts = case.score_parts();
        task.stage = case.stage();
        task.action.care_only = task.purpose == Purpose::Churn && case.care_only();
        let from = case.after_quiet(case.now).max(task.not_before);
        let due_at = case.due_at(
            from,
            task.tier,
            task.severity,
            &task.signals,
            task.contacted_at,
        );
        task.due_at = task.due_at.min(due_at);
        if task.escalates_at.is_some() && task.assignee.level == Level::AccountManager {
            task.escalates_at = Some(task.due_at);
        }
        if goes_up {
            task.assignee.level = Level::Supervisor;
            task.status = TaskStatus::Escalated;
        }
        task.rules_version = case.rules.version.clone();
        task.advance(signal.evidence.source.as_ref(), case);
        self.publish(task);
    }

    /// The daily look at whether the tasks have outlived their reasons.
    pub fn review(&mut self, case: &Case<'_>) {
        for (purpose, task) in self.open.clone() {
            let signals = task.signals.iter();
            let recovered = signals.map(|s| case.memory.recovered(&s.trigger));
            let recovered: Option<Vec<CloseReason>> = recovered.collect();
            if case.churned() && purpose != Purpose::WinBack {
                self.close(purpose, CloseReason::Churned, None, case);
            } else if let Some(reasons) = recovered {
                self.close(purpose, reasons[0], None, case);
            } else if case.now >= task.expires_at {
                self.close(purpose, CloseReason::Expired, None, case);
            }
        }
        self.forget_old_contacts(case);
    }

    /// Care and growth make room for a churn task.
    pub fn supersede(&mut self, source: Option<&Source>, case: &Case<'_>) {
        for purpose in [Purpose::Care, Purpose::Grow, Purpose::WinBack] {
            self.close(purpose, CloseReason::Superseded, source, case);
        }
    }

    /// Closes the open task of a purpose, if there is one.
    pub fn close(
        &mut self,
        purpose: Purpose,
        reason: CloseReason,
        source: Option<&Source>,
        case: &Case<'_>,
    ) -> Option<Task> {
        let mut task = self.open.remove(&purpose)?;
        // Nobody has said whether there was a contact; there may have been one.
        if task.contacted_at.is_none() && case.now > task.not_before {
            self.contact(case.now.min(task.due_at), purpose);
        }
        task.status = TaskStatus::Closed;
        task.close_reason = Some(reason);
        task.escalates_at = None;
        if reason == CloseReason::Churned {
            task.severity = Severity::Lost;
            task.stage = Stage::Churned;
        }
        task.advance(source, case);
        self.publish(task.clone());
        Some(task)
    }
}

pub trait Advance {
    fn advance(&mut self, source: Option<&Source>, case: &Case<'_>);
}

impl Advance for Task {
    /// Another revision.
    fn advance(&mut self, source: Option<&Source>, case: &Case<'_>) {
        self.revision += 1;
        self.updated_at = self.updated_at.max(case.now);
        self.source = source.cloned();
        self.suspension = case.standing.suspension();
    }
}

impl Case<'_> {
    /// Whether a signal is of a second complaint, which is not for whoever has the task first.
    fn goes_up(&self, signal: &Signal, tier: Tier) -> bool {
        signal.trigger == COMPLAINT && self.memory.churn.again && self.rung_hours(tier) > 0
    }

    /// Hours to act.
    pub fn hours(&self, tier: Tier, severity: Severity) -> i64 {
        let due = &self.rules.policy.due;
        i64::from(match (tier, severity) {
            (Tier::Key, Severity::Critical) => due.key_critical_hours,
            (Tier::Key, _) => due.key_hours,
            (Tier::Ordinary, _) => due.ordinary_hours,
            (Tier::Small, _) => due.small_hours,
        })
    }

    /// Hours on a rung of the ladder.
    pub fn rung_hours(&self, tier: Tier) -> i64 {
        let hours = &self.rules.policy.escalation.rung_hours;
        i64::from(match tier {
            Tier::Key => hours.key,
            Tier::Ordinary => hours.ordinary,
            Tier::Small => hours.small,
        })
    }

    /// When the contact must have happened. What a competitor did before the last contact was answered by it.
    fn due_at(
        &self,
        from: Timestamp,
        tier: Tier,
        severity: Severity,
        signals: &[Signal],
        contacted_at: Option<Timestamp>,
    ) -> Timestamp {
        let mut due_at = from.plus_hours(self.hours(tier, severity));
        for signal in signals {
            let answered = contacted_at.is_some_and(|contact| signal.fired_at <= contact);
            if let Some(bound) = self.bound(signal).filter(|_| !answered) {
                due_at = due_at.min(bound);
            }
        }
        due_at.max(from)
    }

    pub fn assignee(&self, purpose: Purpose, tier: Tier, bulk: bool) -> Assignee {
        let profile = self.standing.profile();
        let region: Vec<_> = profile.map_or(Vec::new(), |p| {
            p.region.iter().map(|name| name.as_ref().into()).collect()
        });
        let addressed = if bulk { Tier::Small } else { tier };
        let queue = match (addressed, profile.and_then(|p| p.region.last())) {
            (Tier::Key, _) => "key-accounts".to_owned(),
            (Tier::Small, _) => "bulk-campaign".to_owned(),
            (Tier::Ordinary, None) => "outbound-calls".to_owned(),
            (Tier::Ordinary, Some(city)) => format!("outbound-calls/{city}"),
        };
        let high_value = i64::from(self.rules.policy.escalation.high_value) * 100;
        let weighty = tier == Tier::Key || self.value().0 >= high_value;
        let notify = purpose == Purpose::Churn && weighty;
        Assignee {
            account_manager: self.group_manager(purpose).or(profile
                .filter(|_| !bulk)
                .and_then(|p| p.account_manager.as_deref())
                .map(Into::into)),
            queue,
            region,
            level: Level::AccountManager,
            notify: notify.then_some(Level::RegionalManager),
            deputy_for: None,
            over_capacity: false,
        }
    }
}
