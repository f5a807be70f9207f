//! The daily budget: what is not urgent waits until a day's close has been collected, and the best of it become tasks
//! (behaviour: Budget).

use super::case::Case;
use super::eligibility;
use crate::model::{Day, Msisdn, Purpose, Signal, Suppression, Tier};
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a subscriber's signals are worth: the churn score times the money that is at stake.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rank(f64);

impl Eq for Rank {}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0)
    }
}

impl Rank {
    /// The rank of a subscriber now.
    pub fn of(case: &Case<'_>) -> Self {
        Self(case.score().value * case.monthly_value().major())
    }
}

/// Signals of a subscriber that wait for a place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The reasons, oldest first, one for each trigger.
    pub signals: Vec<Signal>,
    /// So many of them have been published.
    pub published: usize,
    /// The day it first fired for.
    pub day: Day,
    /// It fired in a backlog, and may have been over before that ended.
    pub from_backlog: bool,
    tier: Tier,
    rank: Rank,
    held_out: bool,
}

/// What waits, bounded for each purpose and tier.
///
/// The new ones compete with each other only, until the release ranks all of them: the best of a close are the same in
/// whatever order its sweep finds them.
#[derive(Debug, Clone, Default)]
pub struct Waiting {
    candidates: BTreeMap<(u32, Purpose), Arc<Candidate>>,
    /// Those no release has seen yet, by purpose and tier; the one that goes first if there is no room any more is first.
    /// Those held out are apart: they take no room from the others.
    new: BTreeMap<(Purpose, Tier, bool), BTreeSet<LapseOrder>>,
}

/// The order in which candidates without room go: the lowest rank first, and of equal ranks the higher number first.
type LapseOrder = (Rank, Reverse<Msisdn>, u32);

impl Waiting {
    /// Adds a signal to those that wait. Returns the signals that do not wait, or no longer do, with the reason.
    pub fn add(
        &mut self,
        signal: Signal,
        tier: Tier,
        case: &Case<'_>,
    ) -> Vec<(Signal, Suppression)> {
        let purpose = signal.purpose;
        if let Some(known) = self.candidates.get_mut(&(case.slot, purpose)) {
            let same = |other: &Signal| other.trigger == signal.trigger;
            if known.signals.iter().any(same) {
                return vec![(signal, Suppression::Repeat)];
            }
            let known = Arc::make_mut(known);
            known.signals.push(signal);
            known.from_backlog |= case.backlog;
            return Vec::new();
        }
        let candidate = Candidate {
            signals: vec![signal],
            published: 0,
            day: case.day,
            from_backlog: case.backlog,
            tier,
            rank: Rank::of(case),
            held_out: eligibility::hold_out(case).is_some(),
        };
        let held_out = candidate.held_out;
        self.insert(case.slot, candidate);
        let rules = &case.rules.policy.budget;
        let room = case.share.room(rules, purpose, tier, case.day);
        let group = self.new.get(&(purpose, tier, held_out));
        let surplus = group.filter(|group| group.len() > room);
        let lowest = surplus.and_then(|group| group.first().copied());
        let lapsed = lowest.and_then(|(_, _, slot)| self.remove(slot, purpose));
        let lapsed = lapsed.into_iter();
        let unpublished = lapsed.flat_map(|it| it.signals.into_iter().skip(it.published));
        unpublished
            .map(|signal| (signal, Suppression::OverBudget))
            .collect()
    }

    /// Puts a candidate in, or back.
    pub fn insert(&mut self, slot: u32, candidate: Candidate) {
        let Some((purpose, order)) = candidate.lapse_order(slot) else {
            return;
        };
        if candidate.published == 0 {
            let group = (purpose, candidate.tier, candidate.held_out);
            self.new.entry(group).or_default().insert(order);
        }
        self.candidates.insert((slot, purpose), Arc::new(candidate));
    }

    /// A subscriber's candidate.
    pub fn get(&self, slot: u32, purpose: Purpose) -> Option<&Candidate> {
        self.candidates.get(&(slot, purpose)).map(|it| &**it)
    }

    /// Takes a subscriber's candidate out.
    pub fn remove(&mut self, slot: u32, purpose: Purpose) -> Option<Candidate> {
        let candidate = self.candidates.remove(&(slot, purpose))?;
        let group = (purpose, candidate.tier, candidate.held_out);
        let group = self.new.get_mut(&group);
        if let Some((group, (_, order))) = group.zip(candidate.lapse_order(slot)) {
            group.remove(&order);
        }
        Some(Arc::unwrap_or_clone(candidate))
    }

    /// The slots with a candidate of a purpose, in order.
    pub fn slots(&self, purpose: Purpose) -> Vec<u32> {
        let keys = self.candidates.keys();
        keys.filter(|(_, of)| *of == purpose)
            .map(|(slot, _)| *slot)
            .collect()
    }

    /// A subscriber's candidates, by purpose.
    pub fn of(&self, slot: u32) -> impl Iterator<Item = &Candidate> {
        let purposes = (slot, Purpose::Churn)..=(slot, Purpose::WinBack);
        let candidates = self.candidates.range(purposes);
        candidates.map(|(_, candidate)| &**candidate)
    }

    /// All candidates, by slot and purpose.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Candidate)> {
        let all = self.candidates.iter();
        all.map(|((slot, _), candidate)| (*slot, &**candidate))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.candidates.len()
    }
}

impl Candidate {
    /// What it is for and whose it is; the same for all of its signals.
    pub fn owner(&self) -> Option<(Purpose, Msisdn)> {
        let first = self.signals.first();
        first.map(|signal| (signal.purpose, signal.msisdn))
    }

    fn lapse_order(&self, slot: u32) -> Option<(Purpose, LapseOrder)> {
        let (purpose, msisdn) = self.owner()?;
        Some((purpose, (self.rank, Reverse(msisdn), slot)))
    }
}
