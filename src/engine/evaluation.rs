//! Asks triggers about one subscriber, and keeps what they remember.

use super::rules::Rules;
use super::shard::Shard;
use super::triggers::{
    DENSE, Firing, REGISTRY, Registration, SparseStates, Trigger, TriggerState, TriggerStates,
};
use crate::model::Day;

/// What fired, in the order of the registry.
pub type Firings = Vec<(&'static Registration, Firing)>;

/// What came of asking.
#[derive(Default)]
pub struct Evaluation {
    /// What fired.
    pub firings: Firings,
    /// Memories of those that have something to remember of few, to be kept.
    pub changed: Vec<(usize, TriggerState)>,
}

impl Evaluation {
    /// Asks the triggers at some places of the registry about a day of a subscriber, `dense` being the memories of
    /// those that remember everybody and `sparse` those of the others.
    pub fn ask(
        places: impl Iterator<Item = usize>,
        dense: &mut [TriggerState; DENSE],
        sparse: Option<&SparseStates>,
        day: Day,
        rules: &Rules,
        look: impl Fn(&dyn Trigger, &mut TriggerState) -> Option<Firing>,
    ) -> Self {
        let mut evaluation = Self::default();
        for place in places {
            let Some((trigger, registered)) = rules.triggers.get(place).zip(REGISTRY.get(place))
            else {
                continue;
            };
            let before = TriggerStates { dense, sparse }.get(place);
            let mut state = before;
            if let Some(firing) = look(&**trigger, &mut state) {
                state.note_firing(&firing, day);
                evaluation.firings.push((registered, firing));
            }
            match dense.get_mut(place) {
                Some(own) => *own = state,
                None if state != before => evaluation.changed.push((place, state)),
                None => {}
            }
        }
        evaluation
    }
}

impl Shard {
    /// Keeps what triggers remember of a subscriber, and hands out what fired.
    pub(super) fn keep(&mut self, slot: u32, evaluation: Evaluation) -> Firings {
        for (place, state) in evaluation.changed {
            self.remember(slot, place, state);
        }
        evaluation.firings
    }

    /// Keeps the memory of a trigger that has something to remember of few.
    pub(super) fn remember(&mut self, slot: u32, place: usize, state: TriggerState) {
        let id = self.account_id(slot);
        if let Some(account) = id.and_then(|id| self.accounts.edit_item(id.index())) {
            account.trigger_states.set(place, state);
        }
    }
}
