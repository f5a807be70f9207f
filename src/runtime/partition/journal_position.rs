/// Where a shard stands in its journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct JournalPosition {
    /// The last entry.
    pub seq: u64,
    /// Offset from which later entries can be read.
    pub next: i64,
}
