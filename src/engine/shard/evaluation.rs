//! The evaluation of triggers for one subscriber.

use crate::engine::state::trigger_state::{DENSE, SparseStates, TriggerState};
use crate::engine::triggers::{Firing, REGISTRY, Registration, Trigger};
use crate::model::Day;

/// What fired, in the order of the registry.
pub type Firings = Vec<(&'static Registration, Firing)>;

/// What came of evaluating some triggers.
#[derive(Default)]
pub struct Evaluation {
    /// What fired.
    pub firings: Firings,
    /// Changed states of sparse triggers, to be kept.
    pub changed: Vec<(usize, TriggerState)>,
}

impl Evaluation {
    /// Evaluates the triggers at some places of the registry for a day of a subscriber. `dense` are the states of dense
    /// triggers, `sparse` those of the others.
    pub fn of(
        places: impl Iterator<Item = usize>,
        dense: &mut [TriggerState; DENSE],
        sparse: Option<&SparseStates>,
        day: Day,
        triggers: &[Box<dyn Trigger>],
        look: impl Fn(&dyn Trigger, &mut TriggerState) -> Option<Firing>,
    ) -> Self {
        let mut evaluation = Self::default();
        for place in places {
            let Some((trigger, registered)) = triggers.get(place).zip(REGISTRY.get(place)) else {
                continue;
            };
            let mut show = |state: &mut TriggerState| {
                if let Some(firing) = look(&**trigger, state) {
                    state.note_firing(firing.kind, firing.strength, day);
                    evaluation.firings.push((registered, firing));
                }
            };
            // In place: a copy right after a write to a part of it makes the processor wait.
            if let Some(own) = dense.get_mut(place) {
                show(own);
                continue;
            }
            let before = sparse.map_or_else(TriggerState::default, |sparse| sparse.get(place));
            let mut state = before;
            show(&mut state);
            if state != before {
                evaluation.changed.push((place, state));
            }
        }
        evaluation
    }
}
