//! Fetching what records will touch into the cache, for many records at once: one by one, each would wait for memory.
//! Nothing changes but the time.
#![allow(unsafe_code)]

use super::Store;
use super::subscriber::Key;
use crate::engine::state::pages::PAGE;

/// Asks the processor for the cache line of something, and does not wait for it.
fn fetch<T>(thing: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the instruction reads nothing that the program can see, and may be given any address.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(thing).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = thing;
}

impl Store {
    /// Where the index has a subscriber who is named by digits, if it has.
    pub fn aim(key: &[u8]) -> Option<u64> {
        Key::of_digits(key).map(Key::hash)
    }

    /// Fetches the record, and gives the slot that the index has there: as good as always the right one. To be certain, it would
    /// have to wait for the record.
    pub fn fetch_record(&self, aim: u64) -> Option<u32> {
        let slot = *self.index.find(aim, |_| true)?;
        let page = self.pages.get(slot as usize / PAGE)?;
        let record = page.place(slot as usize);
        fetch(page);
        fetch(&page.count);
        fetch(&record.key);
        fetch(&record.account);
        Some(slot)
    }

    /// Fetches the newest day of a subscriber whose record was fetched.
    pub fn fetch_day(&self, slot: u32) {
        if let Some(day) = self.window(slot).and_then(|window| window.newest_packed()) {
            fetch(day);
        }
    }
}
