mod page;
mod prefetch;
mod restore;
mod subscriber;
mod vacancy;

pub use page::{Page, RelocatedState};
pub use subscriber::{AccountId, NEVER, Subscriber};

use crate::engine::state::bucket::Bucket;
use crate::engine::state::pages::{List, PAGE, Pages};
use crate::engine::state::rings::Rings;
use crate::engine::state::window::{self, Window};
use crate::model::{Day, Msisdn};
use hashbrown::HashTable;
use std::collections::BTreeSet;
use subscriber::Key;

/// All subscribers of a shard: pages of fixed-size records and an index from MSISDN to slot.
///
/// Slots are given in the order of first appearance and never change. Slots of erased subscribers are given again, the
/// lowest first.
pub struct Store {
    window_days: usize,
    pages: Pages<Page>,
    index: HashTable<u32>,
    pseudonyms: List<Msisdn>,
    pseudonym_index: HashTable<u32>,
    slots: u32,
    vacant: BTreeSet<u32>,
}

/// Pages for each that is looked at for the bytes held.
const SAMPLED: usize = 64;

/// One subscriber's record and ring, to be changed.
pub struct SubscriberEntry<'a> {
    /// The record.
    pub subscriber: &'a mut Subscriber,
    rings: &'a mut Rings,
    /// The subscriber's place in the page.
    at: usize,
    window_days: usize,
}

impl Store {
    /// An empty store with rings of that many days.
    pub fn new(window_days: u16) -> Self {
        Self {
            window_days: usize::from(window_days),
            pages: Pages::default(),
            index: HashTable::new(),
            pseudonyms: List::default(),
            pseudonym_index: HashTable::new(),
            slots: 0,
            vacant: BTreeSet::new(),
        }
    }

    /// Subscribers in the store.
    pub fn len(&self) -> u32 {
        self.slots - self.vacant()
    }

    /// Slots, the vacant ones among them.
    pub fn slots(&self) -> u32 {
        self.slots
    }

    /// Slots of subscribers who were erased.
    pub fn vacant(&self) -> u32 {
        self.vacant.len() as u32
    }

    /// Pseudonyms in the store.
    pub fn pseudonyms(&self) -> usize {
        self.pseudonyms.items()
    }

    /// Subscribers who behave like machines.
    pub fn machines(&self) -> usize {
        let machine = |slot: &u32| {
            self.record(*slot)
                .is_some_and(|r| r.machine_detector.machine())
        };
        (0..self.slots).filter(machine).count()
    }

    /// Bytes held, all in.
    pub fn bytes(&self) -> usize {
        let page = PAGE * self.window_days * Rings::DAY_BYTES;
        // One page in so many tells how much busy days take in all.
        let sample = (0..self.pages.len()).step_by(SAMPLED);
        let busy = sample.filter_map(|page| Some(self.pages.get(page)?.rings.busy_bytes()));
        self.pages.len() * (page + size_of::<Page>())
            + busy.sum::<usize>() * SAMPLED
            + (self.index.capacity() + self.pseudonym_index.capacity()) * (size_of::<u32>() + 1)
            + self.pseudonyms.bytes()
    }

    /// The slot of a subscriber, made on first sight with an empty window.
    pub fn slot(&mut self, msisdn: &Msisdn, visited: Day) -> u32 {
        let found = Key::of_digits(msisdn.as_bytes()).or_else(|| self.known_pseudonym(msisdn));
        let key = found.unwrap_or_else(|| self.new_pseudonym(msisdn));
        let slot = self.find(key);
        slot.unwrap_or_else(|| self.insert(key, visited))
    }

    /// Who is in a slot.
    pub fn msisdn(&self, slot: u32) -> Option<Msisdn> {
        let key = self.record(slot)?.key;
        if let Some(number) = key.pseudonym() {
            return self.pseudonyms.item(number as usize).copied();
        }
        key.digits()
    }

    /// A subscriber's record.
    pub fn record(&self, slot: u32) -> Option<&Subscriber> {
        record(&self.pages, slot)
    }

    /// A subscriber's window.
    pub fn window(&self, slot: u32) -> Option<Window<'_>> {
        let page = self.pages.get(slot as usize / PAGE)?;
        let at = slot as usize % PAGE;
        let record = page.subscribers().get(at)?;
        Some(Window::new(
            &page.rings,
            at,
            self.window_days,
            record.newest,
        ))
    }

    /// A subscriber's record and ring, to be changed.
    pub fn entry(&mut self, slot: u32) -> Option<SubscriberEntry<'_>> {
        let page = self.pages.edit(slot as usize / PAGE)?;
        let at = slot as usize % PAGE;
        let (subscriber, rings) = page.entry(at)?;
        Some(SubscriberEntry {
            subscriber,
            rings,
            at,
            window_days: self.window_days,
        })
    }

    /// The slot of a subscriber, if it was ever seen.
    pub fn slot_of(&self, msisdn: &Msisdn) -> Option<u32> {
        self.find(Key::of_digits(msisdn.as_bytes()).or_else(|| self.known_pseudonym(msisdn))?)
    }

    fn find(&self, key: Key) -> Option<u32> {
        // What the index has, its page has.
        let place = |slot: u32| Some(self.pages.get(slot as usize / PAGE)?.place(slot as usize));
        let same = |slot: &u32| place(*slot).is_some_and(|record| record.key == key);
        self.index.find(key.hash(), same).copied()
    }

    fn insert(&mut self, key: Key, visited: Day) -> u32 {
        let slot = self.vacant.pop_first().unwrap_or_else(|| self.new_slot());
        if let Some(entry) = self.entry(slot) {
            *entry.subscriber = Subscriber {
                account: entry.subscriber.account,
                ..Subscriber::new(key, visited)
            };
        }
        let pages = &self.pages;
        let hash = |slot: &u32| record(pages, *slot).map_or(0, |record| record.key.hash());
        self.index.insert_unique(key.hash(), slot, hash);
        slot
    }

    fn new_slot(&mut self) -> u32 {
        let slot = self.slots;
        if (slot as usize).is_multiple_of(PAGE) {
            self.pages.push(Page::new(self.window_days));
        }
        if let Some(page) = self.pages.edit(slot as usize / PAGE) {
            page.extend(self.window_days);
        }
        self.slots += 1;
        slot
    }

    fn known_pseudonym(&self, msisdn: &Msisdn) -> Option<Key> {
        let same = |number: &u32| self.pseudonyms.item(*number as usize) == Some(msisdn);
        let number = self.pseudonym_index.find(pseudonym_hash(msisdn), same)?;
        Some(Key::of_pseudonym(*number))
    }

    fn new_pseudonym(&mut self, msisdn: &Msisdn) -> Key {
        let number = self.pseudonyms.items() as u32;
        let names = &self.pseudonyms;
        let rehash = |number: &u32| names.item(*number as usize).map_or(0, pseudonym_hash);
        self.pseudonym_index
            .insert_unique(pseudonym_hash(msisdn), number, rehash);
        self.pseudonyms.append(*msisdn);
        Key::of_pseudonym(number)
    }
}

fn record(pages: &Pages<Page>, slot: u32) -> Option<&Subscriber> {
    let page = pages.get(slot as usize / PAGE)?;
    page.subscribers().get(slot as usize % PAGE)
}

fn pseudonym_hash(msisdn: &Msisdn) -> u64 {
    xxhash_rust::xxh3::xxh3_64(msisdn.as_bytes())
}

impl SubscriberEntry<'_> {
    /// Whether a day is too old for the window.
    pub fn too_old(&self, day: Day) -> bool {
        self.subscriber.newest.since(day) >= self.window_days as i32
    }

    /// Changes a day of the ring; nothing if it is older than the window.
    pub fn change_day<T>(&mut self, day: Day, change: impl FnOnce(&mut Bucket) -> T) -> Option<T> {
        let newest = &mut self.subscriber.newest;
        window::change(self.rings, self.at, self.window_days, newest, day, change)
    }

    /// Makes every day silent.
    fn clear_ring(&mut self) {
        self.rings
            .clear(self.at * self.window_days, self.window_days);
    }

    /// Forgets everything but which records were seen: the number was given to somebody new.
    pub fn reset_for_new_owner(&mut self) {
        self.clear_ring();
        let before = &*self.subscriber;
        *self.subscriber = Subscriber {
            account: before.account,
            in_book: before.in_book,
            recent: before.recent,
            recent_next: before.recent_next,
            ..Subscriber::new(before.key, before.visited)
        };
    }

    /// The window, read only, beside the record.
    pub fn split(&mut self) -> (&mut Subscriber, Window<'_>) {
        let newest = self.subscriber.newest;
        let window = Window::new(self.rings, self.at, self.window_days, newest);
        (self.subscriber, window)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subscribers_are_found_again() {
        let mut store = Store::new(35);
        let name = |i: u32| match i % 3 {
            0 => format!("pseudonym-{i}"),
            1 => format!("0{i:010}"),
            _ => format!("{i:011}"),
        };
        for i in 0..5_000 {
            let msisdn = Msisdn::new(&name(i)).unwrap();
            assert_eq!(store.slot(&msisdn, Day(0)), i);
        }
        for i in 0..5_000 {
            let msisdn = Msisdn::new(&name(i)).unwrap();
            assert_eq!(store.slot(&msisdn, Day(0)), i);
            assert_eq!(store.msisdn(i), Some(msisdn));
        }
        assert_eq!(store.len(), 5_000);
        assert!(store.bytes() > 0);
    }

    #[test]
    fn the_last_records_are_remembered() {
        let mut store = Store::new(28);
        let slot = store.slot(&Msisdn::new("13800138000").unwrap(), Day(0));
        let subscriber = store.entry(slot).unwrap().subscriber;
        let fingerprint = |i: u64| i.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        for i in 1..=40 {
            assert!(!subscriber.seen(fingerprint(i)));
        }
        assert!((33..=40).all(|i| subscriber.seen(fingerprint(i))));
        assert!(!subscriber.seen(fingerprint(32)));
    }

    #[test]
    fn data_volume_is_carried_not_lost() {
        let mut store = Store::new(28);
        let slot = store.slot(&Msisdn::new("13800138000").unwrap(), Day(0));
        let subscriber = store.entry(slot).unwrap().subscriber;
        let whole: u64 = (0..10).map(|_| subscriber.carry_data(700 << 10)).sum();
        assert_eq!((whole, subscriber.data_carry_bytes), (6, 856 << 10));
    }
}
