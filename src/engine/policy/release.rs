//! Which signals become tasks, and when: at once, or at the daily release by rank.

use super::budget::{Candidate, Rank};
use super::case::Case;
use super::contact::NextContact;
use super::lifecycle::recovery;
use super::taskbook::{Taskbook, emit};
use super::{eligibility, route};
use crate::model::{CloseReason, Effect, Purpose, Signal, Suppression, Tier, Timestamp};

/// Where a candidate stands at a release.
pub struct Ranked {
    pub rank: Rank,
    pub tier: Tier,
    /// It takes nobody's place: nothing is opened for it.
    pub held_out: bool,
}

impl Taskbook {
    /// Opens a task for an urgent signal, whatever the budget. Signals of the subscriber that wait go into it.
    pub(super) fn open_at_once(
        &mut self,
        signal: Signal,
        tier: Tier,
        case: &Case<'_>,
        effects: &mut Vec<Effect>,
    ) {
        match self.contact_for(std::slice::from_ref(&signal), tier, case) {
            Err(why) => emit(signal, Some(why), effects),
            Ok(not_before) => {
                let held_out = eligibility::hold_out(case);
                if held_out.is_none() {
                    let urgent = &mut self.urgent[signal.purpose as usize][tier as usize];
                    *urgent = urgent.saturating_add(1);
                }
                emit(signal.clone(), held_out, effects);
                let waited = self.take_waiting(signal.purpose, case.slot, held_out, effects);
                let waited = waited.into_iter();
                let others = waited.filter(|other| other.trigger != signal.trigger);
                let signals = std::iter::once(signal.clone()).chain(others).collect();
                self.open(signals, case.day, not_before, true, case, effects);
            }
        }
    }

    /// The signals of a subscriber that wait, for a task that is opened now: it is the one place for them. None is opened for
    /// those held out.
    pub(super) fn take_waiting(
        &mut self,
        purpose: Purpose,
        slot: u32,
        held_out: Option<Suppression>,
        effects: &mut Vec<Effect>,
    ) -> Vec<Signal> {
        let waited = self.waiting.remove(slot, purpose);
        waited.map_or_else(Vec::new, |waited| {
            emit_unpublished(&waited, held_out, effects);
            waited.signals
        })
    }

    /// When a new task of some signals may contact the subscriber, or why it may not.
    fn contact_for(
        &self,
        signals: &[Signal],
        tier: Tier,
        case: &Case<'_>,
    ) -> Result<Timestamp, Suppression> {
        let purpose = signals
            .first()
            .map_or(Purpose::Churn, |signal| signal.purpose);
        let bound = signals
            .iter()
            .filter_map(|s| route::bound(s, case.rules))
            .min();
        let next_contact = self.next_contact(purpose, tier, case);
        next_contact.for_new_task(case.now, purpose, bound, case.rules)
    }

    /// When the subscriber may be contacted next.
    pub(super) fn next_contact(
        &self,
        purpose: Purpose,
        tier: Tier,
        case: &Case<'_>,
    ) -> NextContact {
        let all = purpose != Purpose::Churn || case.rules.policy.contact.care_delays_churn;
        let made = self.contacts(case.slot);
        let made = made.filter(|(_, of)| all || *of == Purpose::Churn);
        let planned = self.of(case.slot).filter(|task| {
            purpose != Purpose::Churn && task.purpose != purpose && task.contacted_at.is_none()
        });
        let planned = planned.map(|task| task.due_at);
        let contacts: Vec<Timestamp> = made.map(|(at, _)| at).chain(planned).collect();
        NextContact::next(case.now, &contacts, tier, case.rules)
    }

    /// Looks at a candidate again and ranks it. A candidate that may not become a task any more is dropped.
    pub fn revalidate(
        &mut self,
        purpose: Purpose,
        case: &Case<'_>,
        effects: &mut Vec<Effect>,
    ) -> Option<Ranked> {
        let candidate = self.waiting.get(case.slot, purpose)?;
        let tier = case.tier();
        let channel = route::channel(tier, route::is_bulk(&candidate.signals));
        let refusal = eligibility::subscriber_refusal(case, purpose)
            .or_else(|| eligibility::purpose_refusal(case, purpose, channel))
            .or_else(|| self.blocked_by_churn_task(case.slot, purpose))
            .or_else(|| self.contact_for(&candidate.signals, tier, case).err());
        if refusal.is_some() {
            emit_unpublished(candidate, refusal, effects);
            self.waiting.remove(case.slot, purpose);
            return None;
        }
        Some(Ranked {
            rank: Rank::of(case),
            tier,
            held_out: eligibility::hold_out(case).is_some(),
        })
    }

    /// Drops the signals of a candidate that call for nothing any more, and the candidate with its last signal.
    pub fn drop_obsolete(&mut self, purpose: Purpose, case: &Case<'_>, effects: &mut Vec<Effect>) {
        let Some(candidate) = self.waiting.get(case.slot, purpose) else {
            return;
        };
        let from_backlog = candidate.from_backlog;
        let obsolete = |signal: &Signal| match recovery(signal, case) {
            Some(CloseReason::OccasionOver) if from_backlog => Some(Suppression::Backlog),
            Some(_) => Some(Suppression::Recovered),
            None => (from_backlog && route::over(signal, case)).then_some(Suppression::Backlog),
        };
        self.drop_signals(purpose, case.slot, effects, obsolete);
    }

    /// Drops the signals of a candidate that are obsolete, each with the reason, and the candidate with its last signal.
    pub(super) fn drop_signals(
        &mut self,
        purpose: Purpose,
        slot: u32,
        effects: &mut Vec<Effect>,
        obsolete: impl Fn(&Signal) -> Option<Suppression>,
    ) {
        let holds = |signal: &Signal| obsolete(signal).is_none();
        let Some(candidate) = self.waiting.get(slot, purpose) else {
            return;
        };
        if candidate.signals.iter().all(holds) {
            return;
        }
        let Some(mut candidate) = self.waiting.remove(slot, purpose) else {
            return;
        };
        let mut unpublished = candidate.signals.split_off(candidate.published);
        candidate.signals.retain(holds);
        candidate.published = candidate.signals.len();
        for signal in unpublished.extract_if(.., |signal| !holds(signal)) {
            let why = obsolete(&signal);
            emit(signal, why, effects);
        }
        candidate.signals.append(&mut unpublished);
        if !candidate.signals.is_empty() {
            self.waiting.insert(slot, candidate);
        }
    }

    /// Gives a candidate its place if there is one in the budget and with those who would do it, and else lets it wait where
    /// there is room. Returns whether it got its place.
    pub fn settle(
        &mut self,
        purpose: Purpose,
        in_budget: bool,
        may_wait: bool,
        case: &Case<'_>,
        effects: &mut Vec<Effect>,
    ) -> bool {
        let candidate = self.waiting.get(case.slot, purpose);
        let bulk = candidate.is_some_and(|candidate| route::is_bulk(&candidate.signals));
        let why = if !in_budget {
            Some(Suppression::OverBudget)
        } else if self.assign(purpose, case.tier(), bulk, case).over_capacity {
            Some(Suppression::OverCapacity)
        } else {
            None
        };
        match why {
            None => self.open_released(purpose, case, effects),
            Some(why) => self.keep_waiting(purpose, why, may_wait, case, effects),
        }
        why.is_none()
    }

    /// Opens a task of a candidate within the budget.
    fn open_released(&mut self, purpose: Purpose, case: &Case<'_>, effects: &mut Vec<Effect>) {
        let Some(candidate) = self.waiting.remove(case.slot, purpose) else {
            return;
        };
        let next_contact = self.contact_for(&candidate.signals, case.tier(), case);
        let why = next_contact.err().or_else(|| eligibility::hold_out(case));
        emit_unpublished(&candidate, why, effects);
        if let Ok(not_before) = next_contact {
            let Candidate { signals, day, .. } = candidate;
            self.open(signals, day, not_before, false, case, effects);
        }
    }

    /// Lets a candidate without a place wait where there is room, unless it has waited long enough.
    fn keep_waiting(
        &mut self,
        purpose: Purpose,
        why: Suppression,
        room: bool,
        case: &Case<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(mut candidate) = self.waiting.remove(case.slot, purpose) else {
            return;
        };
        emit_unpublished(&candidate, Some(why), effects);
        candidate.published = candidate.signals.len();
        let wait_days = i32::from(case.rules.policy.budget.wait_days);
        if room && case.day.since(candidate.day) < wait_days {
            self.waiting.insert(case.slot, candidate);
        }
    }

    /// Drops what waits of a subscriber for some purposes, for a reason.
    pub fn drop_waiting(
        &mut self,
        case: &Case<'_>,
        why: Suppression,
        effects: &mut Vec<Effect>,
        of: impl Fn(Purpose) -> bool,
    ) {
        for purpose in Purpose::ALL.into_iter().filter(|purpose| of(*purpose)) {
            if let Some(candidate) = self.waiting.remove(case.slot, purpose) {
                emit_unpublished(&candidate, Some(why), effects);
            }
        }
    }

    /// The slots with candidates of a purpose.
    pub fn candidates(&self, purpose: Purpose) -> Vec<u32> {
        self.waiting.slots(purpose)
    }
}

/// Publishes the signals of a candidate that nobody has heard of yet, with the reason if no task comes of them.
fn emit_unpublished(
    candidate: &Candidate,
    suppressed: Option<Suppression>,
    effects: &mut Vec<Effect>,
) {
    for signal in candidate.signals.iter().skip(candidate.published) {
        emit(signal.clone(), suppressed, effects);
    }
}
