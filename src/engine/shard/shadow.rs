//! Rules on trial: evaluated for the same subscribers as those in force, with memories of their own.

use super::evaluation::{Evaluation, Firings};
use crate::engine::policy::{self, Case, WorkedOut};
use crate::engine::state::line_state::LineBelief;
use crate::engine::state::pages::List;
use crate::engine::state::trial_memory::TrialMemory;
use crate::engine::state::trigger_state::{DENSE, SparseStates, TriggerState, TriggerStates};
use crate::engine::triggers::{Firing, Trigger};
use crate::model::{Day, Effect, Timestamp};

/// What the shadow rules remember, by slot. Empty without shadow rules, and no longer than up to the last subscriber of whom
/// they remember something.
#[derive(Debug, Default)]
pub struct Shadow {
    memories: List<TrialMemory>,
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
        let memory = self.memories.item(slot as usize);
        let known = memory.map_or(&untouched, |memory| &memory.trigger_states);
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
        let memory = self.memories.item(case.slot as usize);
        let sparse = memory.map_or(&untouched, |memory| &memory.trigger_states);
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

    /// The states of their triggers, if they have any.
    pub fn trigger_states(&self, slot: u32) -> Option<&SparseStates> {
        let memory = self.memories.item(slot as usize);
        memory.map(|memory| &memory.trigger_states)
    }

    /// What the rules on trial believe of a line.
    pub fn line(&self, slot: u32) -> LineBelief {
        let memory = self.memories.item(slot as usize);
        memory.map_or_else(LineBelief::default, |memory| memory.line)
    }

    /// Keeps what they believe of it.
    pub fn keep_line(&mut self, slot: u32, line: LineBelief) {
        if self.line(slot) != line
            && let Some(memory) = self.memory_mut(slot as usize)
        {
            memory.line = line;
        }
    }

    fn keep_state(&mut self, slot: usize, place: usize, state: TriggerState) {
        if let Some(memory) = self.memory_mut(slot) {
            memory.trigger_states.set(place, state);
        }
    }

    fn memory_mut(&mut self, slot: usize) -> Option<&mut TrialMemory> {
        while self.memories.items() <= slot {
            self.memories.append(TrialMemory::default());
        }
        self.memories.edit_item(slot)
    }

    /// Forgets a subscriber: the number was given to somebody new, or everything is erased.
    pub fn forget(&mut self, slot: u32) {
        if let Some(memory) = self.memories.edit_item(slot as usize) {
            *memory = TrialMemory::default();
        }
    }

    /// Forgets what is believed of a line, and the states of dense triggers: it was taken for a machine until now.
    pub fn unlearn(&mut self, slot: u32) {
        self.keep_line(slot, LineBelief::default());
        for place in 0..DENSE {
            if (slot as usize) < self.memories.items() {
                self.keep_state(slot as usize, place, TriggerState::default());
            }
        }
    }

    /// Forgets everybody: there are no shadow rules any more.
    pub fn clear(&mut self) {
        self.memories.clear();
    }

    /// Subscribers up to the last of whom something is remembered.
    pub fn len(&self) -> usize {
        self.memories.items()
    }

    /// Bytes held, without the trigger states themselves.
    pub fn bytes(&self) -> usize {
        self.memories.bytes()
    }

    /// The memories as they are, shared until they change.
    pub fn image(&mut self) -> List<TrialMemory> {
        self.memories.image()
    }

    /// The memories of an image.
    pub fn restored(memories: List<TrialMemory>) -> Self {
        Self { memories }
    }
}
