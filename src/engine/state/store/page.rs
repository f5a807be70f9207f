use super::subscriber::{AccountId, DIGITS_MAX, Key, NEVER, RECENT, Subscriber};
use crate::engine::codec::{Encoded, Problem, Reader, Writer, is_possible};
use crate::engine::state::bucket::Bucket;
use crate::engine::state::pages::PAGE;
use crate::engine::state::rings::Rings;
use crate::engine::state::trigger_state::{DENSE, TriggerState};
use crate::engine::state::window::Window;
use crate::model::Msisdn;
use std::array;

/// Subscribers and their rings, in the order of their slots.
///
/// What every record needs of the page comes first, beside what its `Arc` counts.
#[derive(Debug, Clone)]
#[repr(C)]
pub struct Page {
    pub(super) rings: Rings,
    /// Subscribers in the page.
    pub(super) count: u8,
    /// In the page itself, so that a record is one step away. Vacant beyond the count.
    records: [Subscriber; PAGE],
}

/// The state of a trigger that was dense when the image was written, and is sparse now.
pub struct RelocatedState {
    /// The subscriber's place in the page.
    pub at: usize,
    /// The trigger's place in the registry.
    pub place: usize,
    /// The state.
    pub state: TriggerState,
}

impl Page {
    /// Room for a page of subscribers.
    pub(super) fn new(window_days: usize) -> Self {
        Self {
            rings: Rings::with_capacity(PAGE * window_days),
            count: 0,
            records: array::from_fn(|_| Subscriber::nobody(None)),
        }
    }

    /// Subscribers in the page.
    pub fn len(&self) -> usize {
        self.count.into()
    }

    /// The records of the subscribers.
    pub(super) fn subscribers(&self) -> &[Subscriber] {
        self.records.get(..self.len()).unwrap_or(&self.records)
    }

    fn subscribers_mut(&mut self) -> &mut [Subscriber] {
        let count = self.len();
        self.records.get_mut(..count).unwrap_or_default()
    }

    /// A subscriber's record and the rings, to be changed.
    pub(super) fn entry(&mut self, at: usize) -> Option<(&mut Subscriber, &mut Rings)> {
        let record = self
            .records
            .get_mut(..usize::from(self.count))?
            .get_mut(at)?;
        Some((record, &mut self.rings))
    }

    /// Where the record of a slot lies, whether it is anybody's or not: nothing is read to tell.
    pub(super) fn place(&self, slot: usize) -> &Subscriber {
        &self.records[slot % PAGE]
    }

    /// Makes room for one more, if the page is not full.
    pub(super) fn extend(&mut self, window_days: usize) {
        if self.len() < PAGE {
            self.count += 1;
            self.rings.extend(window_days);
        }
    }

    /// Whether every subscriber has a ring of so many days.
    pub fn has_rings_of(&self, window_days: usize) -> bool {
        self.rings.len() == self.len() * window_days
    }

    /// Refuses vacant places in which something is left.
    fn check_vacant(
        &self,
        window_days: usize,
        relocated: &[RelocatedState],
    ) -> Result<(), Problem> {
        let places = self.subscribers().iter().enumerate();
        for (at, subscriber) in places.filter(|(_, subscriber)| subscriber.is_vacant()) {
            let mut ring = at * window_days..(at + 1) * window_days;
            let used = ring.any(|place| self.rings.get(place) != Bucket::default());
            if used || !subscriber.is_blank() || relocated.iter().any(|state| state.at == at) {
                return Err("still has something of a subscriber who was erased");
            }
        }
        Ok(())
    }

    /// Gives every subscriber a ring of another length; the newest days stay.
    pub(super) fn resize_windows(&mut self, from_days: usize, to_days: usize) {
        let mut rings = Rings::with_capacity(PAGE * to_days);
        rings.extend(self.len() * to_days);
        for (at, subscriber) in self.subscribers().iter().enumerate() {
            let window = Window::new(&self.rings, at, from_days, subscriber.newest);
            window.copy_newest(&mut rings, at, to_days);
        }
        self.rings = rings;
    }

    /// The page as bytes: each field of all subscribers together, because like compresses with like; then the rings.
    pub fn encode(&self) -> Vec<u8> {
        let days = self.rings.len() * Rings::DAY_BYTES + self.rings.busy_bytes();
        let mut to = Writer::with_capacity(self.len() * size_of::<Subscriber>() + days);
        (self.len() as u8).put(&mut to);
        put_columns(self.subscribers(), &mut to);
        for index in 0..DENSE {
            for subscriber in self.subscribers() {
                subscriber.trigger_states[index].put(&mut to);
            }
        }
        self.rings.encode(&mut to);
        to.into_bytes()
    }

    /// A page from bytes, with rings of `window_days`. `triggers`: for each dense trigger of the image, its place in the
    /// registry, if it has one. With the page come the states of triggers that are dense no more.
    pub fn decode(
        bytes: &[u8],
        window_days: usize,
        triggers: &[Option<usize>],
    ) -> Result<(Self, Vec<RelocatedState>), Problem> {
        let mut from = Reader::new(bytes);
        let mut relocated = Vec::new();
        let count = usize::from(u8::get(&mut from)?);
        if !(1..=PAGE).contains(&count) {
            return Err("holds no subscribers, or more than a page has");
        }
        let mut page = Self::new(window_days);
        page.count = count as u8;
        get_columns(page.subscribers_mut(), &mut from)?;
        for trigger in triggers {
            for (at, subscriber) in page.subscribers_mut().iter_mut().enumerate() {
                let state = TriggerState::get(&mut from)?;
                let Some(place) = *trigger else { continue };
                match subscriber.trigger_states.get_mut(place) {
                    Some(known) => *known = state,
                    None if state == TriggerState::default() => {}
                    None => relocated.push(RelocatedState { at, place, state }),
                }
            }
        }
        page.rings.decode(count * window_days, &mut from)?;
        from.end()?;
        page.subscribers().iter().try_for_each(Subscriber::check)?;
        page.check_vacant(window_days, &relocated)?;
        Ok((page, relocated))
    }
}

/// The fields of a subscriber, in the order of their columns. The dense trigger states follow.
macro_rules! columns {
    ($($field:ident)*) => {
        fn put_columns(subscribers: &[Subscriber], to: &mut Writer) {
            // Named one by one, so that a new field cannot be forgotten.
            if let Some(Subscriber { trigger_states: _, $($field: _,)* }) = subscribers.first() {
                $(subscribers.iter().for_each(|subscriber| subscriber.$field.put(to));)*
            }
        }

        fn get_columns(subscribers: &mut [Subscriber], from: &mut Reader<'_>) -> Result<(), Problem> {
            $(for subscriber in subscribers.iter_mut() {
                subscriber.$field = Encoded::get(from)?;
            })*
            Ok(())
        }
    };
}

columns! {
    key newest visited last_active first_active account known_days stable in_book
    recent_next data_carry_bytes line baselines recent machine_detector
}

impl Encoded for Key {
    fn put(&self, to: &mut Writer) {
        let Self(number) = *self;
        number.put(to);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
        u64::get(from).map(Self)
    }
}

/// 0 for none, so that all take four bytes.
impl Encoded for Option<AccountId> {
    fn put(&self, to: &mut Writer) {
        self.map_or(0, |id| id.0.get()).put(to);
    }

    fn get(from: &mut Reader<'_>) -> Result<Self, Problem> {
        let number = u32::get(from)?;
        Ok(std::num::NonZeroU32::new(number).map(AccountId))
    }
}

impl Subscriber {
    /// Refuses what the engine would never write.
    fn check(&self) -> Result<(), Problem> {
        if !self.key.is_possible() {
            Err("has a subscriber that no MSISDN could have")
        } else if usize::from(self.recent_next) >= RECENT {
            Err("has a subscriber with a place beyond the last records")
        } else if self.data_carry_bytes >= 1 << 20 {
            Err("has a subscriber who carries over more than 1 MiB")
        } else if ![self.newest, self.visited, self.last_active]
            .into_iter()
            .all(is_possible)
            || (self.first_active != NEVER && !is_possible(self.first_active))
        {
            Err("has a subscriber with a day out of range")
        } else {
            Ok(())
        }
    }
}

impl Key {
    /// Whether nobody or some MSISDN has this key: enough digits behind a leading 1, or the number of a pseudonym.
    fn is_possible(self) -> bool {
        let digits = self.0.checked_ilog10().unwrap_or(0);
        let leading = |digits: u32| self.0 / 10_u64.pow(digits) == 1;
        self == Self::VACANT
            || self.pseudonym().is_some()
            || ((Msisdn::DIGITS_MIN..=DIGITS_MAX).contains(&(digits as usize)) && leading(digits))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::engine::state::store::Store;
    use crate::model::Day;

    /// An image of a program in which the second dense trigger has become sparse and the third is gone.
    #[test]
    fn states_follow_their_triggers_to_other_places() {
        let mut store = Store::new(28);
        let slot = store.slot(&Msisdn::new("13800138000").unwrap(), Day(100));
        let states = [1, 2, 3].map(|number| {
            let mut state = TriggerState::default();
            state.set_number(number);
            state
        });
        store.entry(slot).unwrap().subscriber.trigger_states = states;
        let (pages, _) = store.image();
        let bytes = pages.get(0).unwrap().encode();

        let (page, relocated) = Page::decode(&bytes, 28, &[Some(0), Some(7), None]).unwrap();

        let kept = page.subscribers().first().unwrap().trigger_states;
        assert_eq!(
            kept,
            [states[0], TriggerState::default(), TriggerState::default()]
        );
        let relocated: Vec<_> = relocated
            .iter()
            .map(|it| (it.at, it.place, it.state))
            .collect();
        assert_eq!(relocated, [(0, 7, states[1])]);
    }
}
