use super::Store;
use super::subscriber::Key;

impl Store {
    /// Where a subscriber is who is named by digits, if it was ever seen. It reads the index and the first part of the record,
    /// and so brings them into the cache.
    pub fn locate(&self, key: &[u8]) -> Option<u32> {
        self.find(Key::of_digits(key)?)
    }

    /// Reads what the next event of a subscriber will read, which brings it into the cache.
    pub fn touch(&self, slot: u32) {
        let window = self.window(slot);
        std::hint::black_box(window.map(|window| window.newest()));
    }
}
