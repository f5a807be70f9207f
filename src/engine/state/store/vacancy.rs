//! What is left of a subscriber who was erased: a vacant slot, with nothing in it but the number of an account, which is
//! the next one's who gets the slot.

use super::subscriber::{AccountId, Key, Subscriber};
use super::{Store, pseudonym_hash, record};
use crate::model::{Day, Msisdn};

impl Subscriber {
    /// A vacant slot's, which keeps its account.
    pub(super) fn nobody(account: Option<AccountId>) -> Self {
        Self {
            account,
            ..Self::new(Key::VACANT, Day::MIN)
        }
    }

    /// Whether the slot is vacant.
    pub fn is_vacant(&self) -> bool {
        self.key == Key::VACANT
    }

    /// Whether nothing is left of the subscriber.
    pub(super) fn is_blank(&self) -> bool {
        *self == Self::nobody(self.account)
    }
}

impl Store {
    /// Makes a subscriber's slot vacant: number, record and ring are gone.
    pub fn erase(&mut self, slot: u32) {
        let Some(key) = self.record(slot).map(|record| record.key) else {
            return;
        };
        if key == Key::VACANT {
            return;
        }
        self.unindex(key);
        if let Some(mut entry) = self.entry(slot) {
            *entry.subscriber = Subscriber::nobody(entry.subscriber.account);
            entry.clear_ring();
        }
        self.vacant.insert(slot);
        if let Some(number) = key.pseudonym() {
            self.forget_pseudonym(number as u32);
        }
    }

    fn unindex(&mut self, key: Key) -> Option<u32> {
        let pages = &self.pages;
        let same = |slot: &u32| record(pages, *slot).is_some_and(|record| record.key == key);
        let found = self.index.find_entry(key.hash(), same).ok()?;
        Some(found.remove().0)
    }

    /// Takes a pseudonym out of the list; the last one gets its number.
    fn forget_pseudonym(&mut self, number: u32) {
        let last = (self.pseudonyms.items() as u32).saturating_sub(1);
        self.unindex_pseudonym(number);
        if last != number
            && let Some(moved) = self.unindex_pseudonym(last)
        {
            let names = &self.pseudonyms;
            let hash = |number: &u32| names.item(*number as usize).map_or(0, pseudonym_hash);
            let hashed = pseudonym_hash(&moved);
            self.pseudonym_index.insert_unique(hashed, number, hash);
            self.rename(Key::of_pseudonym(last), Key::of_pseudonym(number));
        }
        self.pseudonyms.swap_remove(number as usize);
    }

    fn unindex_pseudonym(&mut self, number: u32) -> Option<Msisdn> {
        let text = self.pseudonyms.item(number as usize).copied()?;
        let same = |other: &u32| *other == number;
        let found = self.pseudonym_index.find_entry(pseudonym_hash(&text), same);
        found.ok()?.remove();
        Some(text)
    }

    /// Gives the subscriber with a key another.
    fn rename(&mut self, from: Key, to: Key) {
        let Some(slot) = self.unindex(from) else {
            return;
        };
        if let Some(entry) = self.entry(slot) {
            entry.subscriber.key = to;
        }
        let pages = &self.pages;
        let hash = |slot: &u32| record(pages, *slot).map_or(0, |record| record.key.hash());
        self.index.insert_unique(to.hash(), slot, hash);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: u32) -> Msisdn {
        let text = match number % 2 {
            0 => format!("pseudonym-{number}"),
            _ => format!("139{number:08}"),
        };
        Msisdn::new(&text).unwrap()
    }

    #[test]
    fn the_erased_are_gone_and_their_slots_are_given_again() {
        let mut store = Store::new(28);
        (0..100).for_each(|number| assert_eq!(store.slot(&name(number), Day(0)), number));
        let pseudonym = "pseudonym-40";
        for number in [40, 41, 98, 7, 0] {
            store.erase(number);
            store.erase(number);
            assert_eq!(
                (store.slot_of(&name(number)), store.msisdn(number)),
                (None, None)
            );
        }
        assert_eq!(
            (store.len(), store.slots(), store.pseudonyms()),
            (95, 100, 47)
        );
        let texts = (0..store.pseudonyms()).filter_map(|at| store.pseudonyms.item(at));
        assert!(texts.into_iter().all(|text| text.as_str() != pseudonym));
        for number in (0..100).filter(|number| ![40, 41, 98, 7, 0].contains(number)) {
            assert_eq!(store.slot_of(&name(number)), Some(number));
            assert_eq!(store.msisdn(number), Some(name(number)));
        }
        for (number, slot) in [
            (200, 0),
            (40, 7),
            (201, 40),
            (203, 41),
            (202, 98),
            (204, 100),
        ] {
            assert_eq!(store.slot(&name(number), Day(1)), slot);
            assert_eq!(store.msisdn(slot), Some(name(number)));
        }
        assert_eq!(
            (store.len(), store.vacant(), store.pseudonyms()),
            (101, 0, 51)
        );
    }
}
