//! Snapshots of a shard's state: their format, and the store they lie in.
