//! From firings to tasks (behaviour: From signals to tasks): at most one open task for each subscriber and purpose.

use super::account::AccountView;
use super::budget::Candidate;
use super::capacity::Ledger;
use super::care;
use super::churn;
use super::contacts::Contact;
use super::days::Days;
use super::occasions;
use super::roaming;
use super::triggers::{Firing, HOTLINE, Kind, Memory};
use super::uplift::Followed;
use super::win_back;
use churnwatch::engine::Rules;
use churnwatch::model::{
    CloseReason, Day, Effect, Erasure, Msisdn, Purpose, Signal, Source, Suppression, Task, Text,
    Tier, Timestamp,
};
use std::collections::BTreeMap;

pub const PURPOSES: [Purpose; 4] = [
    Purpose::Churn,
    Purpose::Care,
    Purpose::Grow,
    Purpose::WinBack,
];

/// One subscriber at one moment.
pub struct Case<'a> {
    pub msisdn: Msisdn,
    pub now: Timestamp,
    pub day: Day,
    pub standing: &'a AccountView,
    pub memory: &'a Memory,
    /// What is read has waited for long.
    pub backlog: bool,
    pub rules: &'a Rules,
    pub days: &'a Days,
}

/// All there is of a subscriber between signals and outcomes.
#[derive(Default)]
pub struct Tasks {
    pub open: BTreeMap<Purpose, Task>,
    /// Those that an outcome closed, the last of each purpose.
    pub settled: BTreeMap<Purpose, Task>,
    /// All that were closed, with the time, in the order of closing.
    pub closed: Vec<(String, Timestamp)>,
    /// In the order in which they became known.
    pub contacts: Vec<Contact>,
    pub waiting: BTreeMap<Purpose, Candidate>,
    /// All times the subscriber was followed, erased or not.
    pub followed: Vec<Followed>,
    /// How many tasks there ever were; the last one's `task_id`.
    pub opened: usize,
    pub effects: Vec<Effect>,
    /// That of the shard.
    pub partition: u32,
}

/// Everybody's tasks, those of erased subscribers included.
pub struct Book {
    pub tasks: BTreeMap<Msisdn, Tasks>,
    /// Which part of the budget it has, of how many.
    pub part: (i32, i32),
    /// Purposes and tiers of the tasks opened at once since the last release.
    pub urgent: Vec<(Purpose, Tier)>,
    pub ledger: Ledger,
}

impl Book {
    pub fn new(part: (i32, i32)) -> Self {
        Self {
            tasks: BTreeMap::new(),
            part,
            urgent: Vec::new(),
            ledger: Ledger::default(),
        }
    }

    pub fn of(&mut self, who: Msisdn) -> &mut Tasks {
        let partition = self.part.0 as u32;
        let tasks = self.tasks.entry(who).or_default();
        tasks.partition = partition;
        tasks
    }

    /// Takes what fired: it raises a task at once, waits for a place in the budget, or neither.
    pub fn take(&mut self, firing: Firing, fired_at: Timestamp, case: &Case<'_>) {
        let kind = firing.kind;
        let signal = Signal {
            trigger: firing.trigger.into(),
            purpose: win_back::purpose(firing.trigger)
                .unwrap_or_else(|| care::purpose(firing.trigger)),
            msisdn: case.msisdn,
            fired_at,
            strength: firing.strength,
            churn_score: case.score(),
            evidence: firing.evidence,
            text: Text::default(),
            suppressed: None,
        };
        let purpose = signal.purpose;
        let open = self.of(case.msisdn).open.get(&purpose);
        let tier = open.map_or(case.tier(), |task| task.tier);
        let whose = (purpose, tier);
        let assignee = self.ledger.assign(whose, false, self.part, case);
        let tasks = self.of(case.msisdn);
        let reach = occasions::reach(tier, std::slice::from_ref(&signal));
        if let Some(why) = tasks.refusal(kind, purpose, reach, case) {
            tasks.say(&signal, Some(why));
        } else if tasks.open.contains_key(&purpose) {
            let before = tasks.open[&purpose].assignee.clone();
            tasks.take_up(&signal, assignee, case);
            let after = tasks.open[&purpose].assignee.clone();
            self.ledger.pass(&before, &after);
        } else if kind == Kind::Repeat {
            tasks.say(&signal, Some(Suppression::Repeat));
        } else if purpose == Purpose::Churn
            && signal.evidence.source.is_none()
            && signal.churn_score < case.least_score(tier)
        {
            tasks.say(&signal, Some(Suppression::LowScore));
        } else if case.covered(&signal) {
            tasks.tell(std::slice::from_ref(&signal), case);
            tasks.say(&signal, Some(Suppression::Group));
        } else if signal.evidence.source.is_some() && purpose == Purpose::Churn {
            match case.backlog {
                true => self.wait(signal, tier, case),
                false => self.open_at_once(signal, tier, case),
            }
        } else if signal.trigger == roaming::ROAMING && !case.backlog {
            match self.has_place(tier, case) {
                true => self.open_at_once(signal, tier, case),
                false => self.wait(signal, tier, case),
            }
        } else {
            self.wait(signal, tier, case);
        }
    }

    /// Whether the day has a place left for care that cannot wait, and somebody who has room.
    fn has_place(&self, tier: Tier, case: &Case<'_>) -> bool {
        let opened = self
            .urgent
            .iter()
            .filter(|of| **of == (Purpose::Care, tier));
        opened.count() < self.quota(Purpose::Care, tier, case.day, case.rules)
            && !self
                .ledger
                .assign((Purpose::Care, tier), false, self.part, case)
                .over_capacity
    }

    /// What is urgent takes along what waits.
    fn open_at_once(&mut self, signal: Signal, tier: Tier, case: &Case<'_>) {
        let purpose = signal.purpose;
        let assignee = self.ledger.assign((purpose, tier), false, self.part, case);
        let tasks = self.of(case.msisdn);
        let not_before = match tasks.opening(std::slice::from_ref(&signal), tier, case) {
            Ok(not_before) => not_before,
            Err(why) => return tasks.say(&signal, Some(why)),
        };
        tasks.say(&signal, case.hold_out());
        let mut signals = vec![signal];
        for waited in tasks.take_along(purpose, case.hold_out()) {
            if waited.trigger != signals[0].trigger {
                signals.push(waited);
            }
        }
        tasks.open(signals, not_before, assignee.clone(), case);
        if !case.held_out() {
            self.urgent.push((purpose, tier));
            self.ledger.note(&assignee, true);
        }
    }
}

impl Tasks {
    pub fn say(&mut self, signal: &Signal, suppressed: Option<Suppression>) {
        let signal = Signal {
            suppressed,
            ..signal.clone()
        };
        self.effects.push(Effect::Signal(Box::new(signal)));
    }

    /// Why nothing may come of a firing, whatever is open or waits.
    fn refusal(
        &self,
        kind: Kind,
        purpose: Purpose,
        tier: Tier,
        case: &Case<'_>,
    ) -> Option<Suppression> {
        if let Some(why) = case.barred(purpose) {
            return Some(why);
        }
        match kind {
            Kind::CareOnly => return Some(Suppression::CareOnly),
            Kind::Full | Kind::Repeat => {}
        }
        case.out_of_place(purpose, tier)
            .or(self.crowded_out(purpose))
    }

    /// What the open task of an id is for.
    pub fn purpose_of(&self, id: &str) -> Option<Purpose> {
        let mut open = self.open.values();
        let named = open.find(|task| task.task_id == id);
        named.map(|task| task.purpose)
    }

    /// There is nobody to keep any more, or nobody to speak to.
    pub fn leave(&mut self, end: CloseReason, why: Suppression, source: &Source, case: &Case<'_>) {
        self.leave_but(None, end, why, source, case);
    }

    /// The same, but for one purpose that goes on.
    pub fn leave_but(
        &mut self,
        but: Option<Purpose>,
        end: CloseReason,
        why: Suppression,
        source: &Source,
        case: &Case<'_>,
    ) {
        let ends = || PURPOSES.into_iter().filter(|purpose| Some(*purpose) != but);
        for purpose in ends() {
            self.close(purpose, end, Some(source), case);
        }
        for purpose in ends() {
            self.drop_candidate(purpose, why);
        }
    }

    /// What waits comes along with a churn task that is opened at once.
    pub fn take_along(&mut self, purpose: Purpose, why: Option<Suppression>) -> Vec<Signal> {
        let Some(candidate) = self.waiting.remove(&purpose) else {
            return Vec::new();
        };
        for signal in candidate.unpublished() {
            self.say(signal, why);
        }
        candidate.signals
    }

    /// Care and growth never coincide with an open churn task.
    pub fn crowded_out(&self, purpose: Purpose) -> Option<Suppression> {
        let beside = purpose != Purpose::Churn && self.open.contains_key(&Purpose::Churn);
        beside.then_some(Suppression::ChurnTaskOpen)
    }

    /// Confirms that everything about the subscriber is gone, of which only what was said remains.
    pub fn erase(&mut self, erasure: Erasure) {
        self.open.clear();
        self.settled.clear();
        self.closed.clear();
        self.contacts.clear();
        self.waiting.clear();
        self.effects.push(Effect::Erased(Box::new(erasure)));
    }

    /// The number was given to somebody new.
    pub fn forget(&mut self) {
        self.settled.clear();
        self.closed.clear();
        self.contacts.clear();
        self.waiting.clear();
    }
}

impl Case<'_> {
    /// By when a signal has to be answered, if it is a competitor's doing.
    pub fn bound(&self, signal: &Signal) -> Option<Timestamp> {
        let hours = i64::from(self.rules.policy.due.competitor_hours);
        let competitor = signal.trigger == HOTLINE || signal.trigger == churn::MARKETING;
        competitor.then(|| signal.fired_at.plus_hours(hours))
    }
}
