//! The journal: everything about a run that does not follow from its inputs, as a small record for each transaction of
//! a shard. Applied again to the same inputs it gives the same state and the same effects, and its digests prove it.
//!
//! No IO: records are made and read here, and travel as any other output.

mod codec;
mod output_digest;
mod step_log;
#[cfg(test)]
mod tests;

pub use codec::JournalError;
pub use step_log::StepLog;

use crate::model::{Inputs, Timestamp};

/// One record of the journal.
#[derive(Debug, Clone, PartialEq)]
pub enum JournalRecord {
    /// What a transaction did.
    Entry(JournalEntry),
    /// A snapshot that can be restored.
    Manifest(Box<Manifest>),
}

/// What one transaction did to one shard.
#[derive(Debug, Clone, PartialEq)]
pub struct JournalEntry {
    /// Counts the entries of a shard from 1, without gaps.
    pub seq: u64,
    /// Who wrote it: another one for every start of a worker.
    pub writer: u64,
    /// What was done, in order.
    pub steps: Vec<Step>,
    /// The output that followed: records written, and their digest.
    pub output_digest: OutputDigest,
}

impl JournalEntry {
    /// Records that were applied.
    pub fn records(&self) -> u64 {
        let records = |step: &Step| match step {
            Step::Run(run) => u64::from(run.records),
            _ => 0,
        };
        self.steps.iter().map(records).sum()
    }

    /// The rules in force from the entry's beginning, if it states them.
    pub fn first_epoch(&self) -> Option<&Epoch> {
        match self.steps.first()? {
            Step::Epoch(epoch) => Some(epoch),
            _ => None,
        }
    }
}

/// What a transaction wrote for one shard, besides the journal itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct OutputDigest {
    /// Tasks, signals and dead letters.
    pub records: u32,
    /// XXH3 of their kinds, keys and values in order, and of the shard's fingerprint after them.
    pub digest: u64,
}

/// One thing that was done to a shard.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// These rules are in force from here on. The first step of every journal.
    Epoch(Box<Epoch>),
    /// Records of one topic were applied.
    Run(Run),
    /// The shard was told the time and how far its inputs had been read.
    Tick {
        /// The time.
        now: Timestamp,
        /// How far its inputs had been read.
        inputs: Inputs,
    },
    /// The closing of a day went on.
    Sweep {
        /// Visits at most, as handed to the engine.
        subscribers: u32,
    },
}

/// Consecutive records of one topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Run {
    /// Index into [`Epoch::topics`].
    pub topic: u8,
    /// Offset of the first.
    pub from: i64,
    /// Offset behind the last; what lies between and is no record are markers of transactions.
    pub to: i64,
    /// How many records.
    pub records: u32,
}

/// What decided the outcome of a run besides its records.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Epoch {
    /// The consumer group whose journal this is.
    pub group: String,
    /// Behaviour of the engine, [`crate::engine::VERSION`].
    pub engine: u32,
    /// Fingerprint of `ruleset`.
    pub ruleset_id: u64,
    /// The rules and the settings of the decoder, as TOML.
    pub ruleset: String,
    /// The input topics, in the order of [`Run::topic`].
    pub topics: Vec<String>,
}

/// A snapshot: the state of one shard after one entry of its journal, and where its parts lie.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Manifest {
    /// Version of the parts' format.
    pub format: u16,
    /// The shard's partition.
    pub partition: i32,
    /// The last entry the state contains.
    pub seq: u64,
    /// Who took it, as in [`JournalEntry::writer`].
    pub writer: u64,
    /// Offset in the journal from which later entries can be read.
    pub journal_from: i64,
    /// By topic, the offset of the next record to apply.
    pub next_offsets: Vec<i64>,
    /// The epoch in force.
    pub epoch: Epoch,
    /// When it was taken, in milliseconds since 1970.
    pub taken_ms: i64,
    /// Subscribers in it.
    pub subscribers: u64,
    /// Where the state lies: a full part, and then parts with what changed since, in order.
    pub parts: Vec<SnapshotPart>,
}

/// One object of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct SnapshotPart {
    /// Its name in the object store.
    pub key: String,
    /// Its length.
    pub bytes: u64,
    /// XXH3 of its bytes.
    pub digest: u64,
}
