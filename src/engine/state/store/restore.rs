use super::page::Page;
use super::subscriber::Key;
use super::{Store, pseudonym_hash, record};
use crate::engine::codec::Problem;
use crate::engine::state::pages::{List, Pages};
use crate::model::Msisdn;
use hashbrown::hash_table::Entry;

impl Store {
    /// The subscribers' pages and the pseudonyms as they are, shared until they change.
    pub fn image(&mut self) -> (Pages<Page>, List<Msisdn>) {
        (self.pages.image(), self.pseudonyms.image())
    }

    /// The stamp of the newest changes; see [`Pages::stamp`].
    pub fn stamp(&self) -> u32 {
        self.pages.stamp()
    }

    /// A store of the pages of an image, each with rings of `window_days`. Makes the indexes anew.
    pub fn restored(
        window_days: u16,
        pages: Vec<Page>,
        pseudonyms: Vec<Vec<Msisdn>>,
    ) -> Result<Self, Problem> {
        let mut store = Self::new(window_days);
        if !pages
            .iter()
            .all(|page| page.has_rings_of(store.window_days))
        {
            return Err("has pages with windows of different lengths");
        }
        let count: usize = pages.iter().map(Page::len).sum();
        store.slots = u32::try_from(count).map_err(|_| "has too many subscribers")?;
        store.pages = Pages::restored(pages, Page::len)?;
        store.pseudonyms = List::restored(pseudonyms, Vec::len)?;
        store.index_pseudonyms()?;
        store.index_subscribers()?;
        Ok(store)
    }

    fn index_pseudonyms(&mut self) -> Result<(), Problem> {
        let (names, index) = (&self.pseudonyms, &mut self.pseudonym_index);
        let hash = |number: &u32| names.item(*number as usize).map_or(0, pseudonym_hash);
        index.reserve(names.items(), hash);
        for number in 0..names.items() as u32 {
            let same = |other: &u32| names.item(*other as usize) == names.item(number as usize);
            if names
                .item(number as usize)
                .and_then(|msisdn| Key::of_digits(msisdn.as_bytes()))
                .is_some()
            {
                return Err("has digits for a pseudonym");
            }
            match index.entry(hash(&number), same, hash) {
                Entry::Occupied(_) => return Err("has a pseudonym twice"),
                Entry::Vacant(vacant) => vacant.insert(number),
            };
        }
        Ok(())
    }

    fn index_subscribers(&mut self) -> Result<(), Problem> {
        let (pages, index) = (&self.pages, &mut self.index);
        let key = |slot: u32| record(pages, slot).map_or(Key::VACANT, |record| record.key);
        let hash = |slot: &u32| key(*slot).hash();
        let names = self.pseudonyms.items() as u64;
        let mut named = 0;
        index.reserve(self.slots as usize, hash);
        for slot in 0..self.slots {
            let mine = key(slot);
            if mine == Key::VACANT {
                self.vacant.insert(slot);
                continue;
            }
            if let Some(number) = mine.pseudonym() {
                named += 1;
                if number >= names {
                    return Err("has a subscriber without the pseudonym it names");
                }
            }
            match index.entry(mine.hash(), |other| key(*other) == mine, hash) {
                Entry::Occupied(_) => return Err("has a subscriber twice"),
                Entry::Vacant(vacant) => vacant.insert(slot),
            };
        }
        match named == names {
            true => Ok(()),
            false => Err("has a pseudonym of nobody"),
        }
    }

    /// Gives every window another length; the newest days stay.
    pub fn resize_windows(&mut self, window_days: u16) {
        let (from, to) = (self.window_days, usize::from(window_days));
        if from == to {
            return;
        }
        for index in 0..self.pages.len() {
            if let Some(page) = self.pages.edit(index) {
                page.resize_windows(from, to);
            }
        }
        self.window_days = to;
    }
}
