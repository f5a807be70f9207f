//! Snapshots of a shard's state: their format, and the store they lie in.
//!
//! A snapshot is a chain of parts, each an object of its own: a full one, and then parts with what changed since the one
//! before. Every part carries the [`Manifest`] it was written for, naming the parts before it, so that a chain can
//! be verified from its last part alone. A snapshot counts only once its manifest is committed to the journal: until
//! then its last part is an object that nobody names, which [`SnapshotRepository::prune`] removes sooner or later.

mod container;
mod jobs;
mod repository;
mod store;

pub use container::{CONTAINER_VERSION, PartError, PartInfo, verify};
pub use repository::{SnapshotRepository, SnapshotRequest, Spawn};
pub use store::{Found, earliest_seq, list, open, read};

#[cfg(doc)]
use crate::journal::Manifest;
