//! Rules on trial: evaluated for the same subscribers as those in force, with trigger states of their own.

use super::evaluation::{Evaluation, Firings};
use crate::engine::policy::{self, Case, WorkedOut};
use crate::engine::state::pages::List;
use crate::engine::state::trigger_state::{DENSE, SparseStates, TriggerState, TriggerStates};
use crate::engine::triggers::{Firing, Trigger};
use crate::model::{Day, Effect, Timestamp};

/// The trigger states of the shadow rules by slot, those of all triggers in one list for each subscriber. Empty without
/// shadow rules, and no longer than up to the last subscriber with a state.
#[derive(Debug, Default)]
pub struct Shadow {
    trigger_states: List<SparseStates>,
}

impl Shadow {
    /// Evaluates the shadow's triggers at some places of the registry for a day of a subscriber and keeps their states.
    /// Gives what fired.
    pub fn evaluate(
        &mut self,
        slot: u32,
        places: impl Iterator<Item = usize>,
        day: Day,
        triggers: &[Box<dyn Trigger>],
        look: impl Fn(&dyn Trigger, &mut TriggerState) -> Option<Firing>,
    ) -> Firings {
        let untouched = SparseStates::default();
        let known = self
            .trigger_states
            .item(slot as usize)
            .unwrap_or(&untouched);
        let before = std::array::from_fn(|place| known.get(place));
        let mut dense = before;
        let evaluation = Evaluation::of(places, &mut dense, Some(known), day, triggers, look);
        let of_everybody = (0..).zip(dense.into_iter().zip(before));
        let of_everybody = of_everybody.filter(|(_, (now, before))| now != before);
        let of_everybody = of_everybody.map(|(place, (now, _))| (place, now));
        for (place, state) in of_everybody.chain(evaluation.changed) {
            self.keep_state(slot as usize, place, state);
        }
        evaluation.firings
    }

    /// Publishes what fired. `case` holds the rules in force.
    pub fn publish(
        &self,
        firings: Firings,
        at: Timestamp,
        case: &Case<'_>,
        effects: &mut Vec<Effect>,
    ) {
        let Some(rules) = case.rules.shadow.as_deref() else {
            return;
        };
        let untouched = SparseStates::default();
        let sparse = self
            .trigger_states
            .item(case.slot as usize)
            .unwrap_or(&untouched);
        let trigger_states = TriggerStates {
            dense: &std::array::from_fn(|place| sparse.get(place)),
            sparse: Some(sparse),
        };
        let case = Case {
            rules,
            trigger_states,
            worked_out: WorkedOut::default(),
            ..*case
        };
        for (trigger, firing) in firings {
            policy::shadow::publish(trigger, firing, at, &case, effects);
        }
    }

    fn keep_state(&mut self, slot: usize, place: usize, state: TriggerState) {
        while self.trigger_states.items() <= slot {
            self.trigger_states.append(SparseStates::default());
        }
        if let Some(trigger_states) = self.trigger_states.edit_item(slot) {
            trigger_states.set(place, state);
        }
    }

    /// Forgets a subscriber: the number was given to somebody new, or everything is erased.
    pub fn forget(&mut self, slot: u32) {
        if let Some(trigger_states) = self.trigger_states.edit_item(slot as usize) {
            *trigger_states = SparseStates::default();
        }
    }

    /// Forgets the states of dense triggers: the line was taken for a machine until now.
    pub fn unlearn(&mut self, slot: u32) {
        for place in 0..DENSE {
            if (slot as usize) < self.trigger_states.items() {
                self.keep_state(slot as usize, place, TriggerState::default());
            }
        }
    }

    /// Forgets everybody: there are no shadow rules any more.
    pub fn clear(&mut self) {
        self.trigger_states.clear();
    }

    /// Subscribers up to the last with a state.
    pub fn len(&self) -> usize {
        self.trigger_states.items()
    }

    /// Bytes held, without the states themselves.
    pub fn bytes(&self) -> usize {
        self.trigger_states.bytes()
    }

    /// The states as they are, shared until they change.
    pub fn image(&mut self) -> List<SparseStates> {
        self.trigger_states.image()
    }

    /// The states of an image.
    pub fn restored(trigger_states: List<SparseStates>) -> Self {
        Self { trigger_states }
    }
}
