//! A shard's state as bytes: images, and the snapshots that hold them.

// A test that cannot get at what it needs fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod image;
mod repository;
#[path = "../support/mod.rs"]
mod support;
