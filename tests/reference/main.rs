//! The engine against a second implementation, written as plainly as the specification reads.

// A test that cannot get at what it needs fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod engine_vs_reference;
mod implementation;
#[path = "../support/mod.rs"]
mod support;
