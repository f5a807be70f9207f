//! Snapshots of a shard's state: their format, and the store they lie in.
//!
//! A snapshot is a chain of parts, each an object of its own: first a full part, then parts with what changed since the
//! part before. Every part carries the [`Manifest`] it was written for, which names the parts before it, so a chain can
//! be verified from its last part alone. A snapshot counts only once its manifest is committed to the journal. Until
//! then nothing names its last part, and [`SnapshotRepository::prune`] removes it sooner or later.

mod container;
mod jobs;
mod repository;
mod store;

pub use container::{CONTAINER_VERSION, PartError, PartInfo, verify};
pub use repository::{SnapshotRepository, SnapshotRequest, Spawn};
pub use store::{StoredPart, earliest_seq, list, open, read};

#[cfg(doc)]
use crate::journal::Manifest;
