//! Rules on trial: asked about the same subscribers as those in force, with memories of their own.

use super::asking::{Asked, Firings};
use super::image::{Problem, from_list, list};
use super::pages::List;
use super::policy::{self, Case};
use super::rules::Rules;
use super::triggers::{ALWAYS, Firing, Memory, Rare, Recall, Trigger};
use crate::model::{Day, Effect, Timestamp};

/// What the triggers of the shadow rules remember, by slot: all triggers in one list for each subscriber. Nothing while
/// there are no shadow rules, and nothing behind the last subscriber of whom they have something to remember.
#[derive(Debug, Default)]
pub struct Shadow {
    memories: List<Rare>,
}

impl Shadow {
    /// Asks the shadow's triggers at some places of the registry about a day of a subscriber, and keeps what they
    /// remember. Gives what fired.
    pub fn ask(
        &mut self,
        slot: u32,
        places: impl Iterator<Item = usize>,
        day: Day,
        rules: &Rules,
        look: impl Fn(&dyn Trigger, &mut Memory) -> Option<Firing>,
    ) -> Firings {
        let untouched = Rare::default();
        let known = self.memories.item(slot as usize).unwrap_or(&untouched);
        let before = std::array::from_fn(|place| known.get(place));
        let mut always = before;
        let asked = Asked::ask(places, &mut always, Some(known), day, rules, look);
        let of_everybody = (0..).zip(always.into_iter().zip(before));
        let of_everybody = of_everybody.filter(|(_, (now, before))| now != before);
        let of_everybody = of_everybody.map(|(place, (now, _))| (place, now));
        for (place, memory) in of_everybody.chain(asked.changed) {
            self.remember(slot as usize, place, memory);
        }
        asked.firings
    }

    /// Publishes what fired; `case` is that of the rules in force.
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
        let untouched = Rare::default();
        let rare = self.memories.item(case.slot as usize).unwrap_or(&untouched);
        let memories = Recall {
            always: &std::array::from_fn(|place| rare.get(place)),
            rare: Some(rare),
        };
        let case = Case {
            rules,
            memories,
            ..*case
        };
        for (trigger, firing) in firings {
            policy::shadow::publish(trigger, firing, at, &case, effects);
        }
    }

    fn remember(&mut self, slot: usize, place: usize, memory: Memory) {
        while self.memories.items() <= slot {
            self.memories.append(Rare::default());
        }
        if let Some(memories) = self.memories.edit_item(slot) {
            memories.set(place, memory);
        }
    }

    /// Whether anything is remembered of a subscriber.
    pub fn remembers(&self, slot: u32) -> bool {
        let known = self.memories.item(slot as usize);
        known.is_some_and(|memories| *memories != Rare::default())
    }

    /// Forgets a subscriber: the number was given to somebody new, or everything is erased.
    pub fn forget(&mut self, slot: u32) {
        if let Some(memories) = self.memories.edit_item(slot as usize) {
            *memories = Rare::default();
        }
    }

    /// Forgets what the triggers remember that remember everybody: the line was taken for a machine until now.
    pub fn unlearn(&mut self, slot: u32) {
        for place in 0..ALWAYS {
            if (slot as usize) < self.memories.items() {
                self.remember(slot as usize, place, Memory::default());
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

    /// Bytes held, without the memories themselves.
    pub fn bytes(&self) -> usize {
        self.memories.bytes()
    }

    /// The memories as they are, shared until they change.
    pub fn image(&mut self) -> List<Rare> {
        self.memories.image()
    }

    /// The memories of an image.
    pub fn restored(pages: Vec<Vec<Rare>>) -> Result<Self, Problem> {
        let memories = List::restored(pages, Vec::len)?;
        Ok(Self { memories })
    }
}

/// A page of memories as bytes.
pub fn encode(page: &[Rare]) -> Vec<u8> {
    list(page)
}

/// A page of memories from bytes. `places`: for each trigger of the image, where in the registry it belongs, if anywhere.
pub fn decode(format: u16, bytes: &[u8], places: &[Option<usize>]) -> Result<Vec<Rare>, Problem> {
    let mut page: Vec<Rare> = from_list(format, bytes)?;
    page.iter_mut()
        .for_each(|memories| memories.move_to(places, 0));
    Ok(page)
}
