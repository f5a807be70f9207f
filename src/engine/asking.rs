//! Asks triggers about one subscriber, and keeps what they remember.

use super::rules::Rules;
use super::shard::Shard;
use super::triggers::{ALWAYS, Firing, Memory, REGISTRY, Rare, Recall, Registration, Trigger};
use crate::model::Day;

/// What fired, in the order of the registry.
pub type Firings = Vec<(&'static Registration, Firing)>;

/// What came of asking.
#[derive(Default)]
pub struct Asked {
    /// What fired.
    pub firings: Firings,
    /// Memories of those that have something to remember of few, to be kept.
    pub changed: Vec<(usize, Memory)>,
}

impl Asked {
    /// Asks the triggers at some places of the registry about a day of a subscriber, `always` being the memories of
    /// those that remember everybody and `rare` those of the others.
    pub fn ask(
        places: impl Iterator<Item = usize>,
        always: &mut [Memory; ALWAYS],
        rare: Option<&Rare>,
        day: Day,
        rules: &Rules,
        look: impl Fn(&dyn Trigger, &mut Memory) -> Option<Firing>,
    ) -> Self {
        let mut asked = Self::default();
        for place in places {
            let Some((trigger, registered)) = rules.triggers.get(place).zip(REGISTRY.get(place))
            else {
                continue;
            };
            let before = Recall { always, rare }.get(place);
            let mut memory = before;
            if let Some(firing) = look(&**trigger, &mut memory) {
                memory.note_firing(&firing, day);
                asked.firings.push((registered, firing));
            }
            match always.get_mut(place) {
                Some(own) => *own = memory,
                None if memory != before => asked.changed.push((place, memory)),
                None => {}
            }
        }
        asked
    }
}

impl Shard {
    /// Keeps what triggers remember of a subscriber, and hands out what fired.
    pub(super) fn keep(&mut self, slot: u32, asked: Asked) -> Firings {
        for (place, memory) in asked.changed {
            self.remember(slot, place, memory);
        }
        asked.firings
    }

    /// Keeps the memory of a trigger that has something to remember of few.
    pub(super) fn remember(&mut self, slot: u32, place: usize, memory: Memory) {
        let id = self.account_id(slot);
        if let Some(account) = id.and_then(|id| self.accounts.edit_item(id.index())) {
            account.memories.set(place, memory);
        }
    }
}
