use super::OutputDigest;
use xxhash_rust::xxh3::xxh3_64_with_seed;

impl OutputDigest {
    /// Adds a record that is to be written: a task, a signal or a dead letter, whatever their topics are called.
    pub fn add(&mut self, kind: &str, key: Option<&[u8]>, value: Option<&[u8]>) {
        self.records = self.records.saturating_add(1);
        for part in [Some(kind.as_bytes()), key, value] {
            // An absent part differs from an empty one.
            let part = part.map_or(&b"\0absent"[..], |part| part);
            self.digest = xxh3_64_with_seed(part, self.digest.rotate_left(7));
        }
    }

    /// The digest of all that was added and of the state it left.
    #[must_use]
    pub fn sealed(self, fingerprint: u64) -> Self {
        let digest = xxh3_64_with_seed(&fingerprint.to_le_bytes(), self.digest);
        Self { digest, ..self }
    }
}
