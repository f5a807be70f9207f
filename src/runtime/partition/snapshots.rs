use crate::journal::Manifest;
use crate::runtime::clock::Stopwatch;
use std::time::Duration;

/// After a snapshot that could not be written, this passes before the next try.
const AGAIN: Duration = Duration::from_secs(60);

/// The snapshots of a shard.
#[derive(Debug)]
pub struct Snapshots {
    /// Those that are kept, oldest first.
    pub kept: Vec<Manifest>,
    /// One that is written, and not yet in the journal.
    pub written: Option<Manifest>,
    /// One is to be taken with the next commit.
    pub wanted: bool,
    /// Records applied since the last one was taken: what a restart would have to replay.
    pub debt: u64,
    /// Records that the one under way covers.
    covered: u64,
    /// When the last one was taken, or the state came to be.
    taken: Stopwatch,
    /// Since the last one that could not be written.
    failed: Option<Stopwatch>,
}

impl Default for Snapshots {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            written: None,
            wanted: false,
            debt: 0,
            covered: 0,
            taken: Stopwatch::start(),
            failed: None,
        }
    }
}

impl Snapshots {
    /// Whether a snapshot may be taken, and would spare a restart something.
    pub fn able(&self) -> bool {
        let mended = self.failed.is_none_or(|failed| failed.reached(AGAIN));
        mended && self.debt > 0 && !self.wanted && self.written.is_none()
    }

    /// Whether a snapshot should be taken by time.
    pub fn due(&self, interval: Duration) -> bool {
        self.able() && self.taken.reached(interval)
    }

    /// The one that is wanted is being taken.
    pub fn begin(&mut self) {
        self.wanted = false;
        self.covered = std::mem::take(&mut self.debt);
        self.taken = Stopwatch::start();
    }

    /// The one under way could not be written: its records are still to be replayed by a restart.
    pub fn failed(&mut self) {
        self.failed = Some(Stopwatch::start());
        self.debt += self.covered;
    }
}
