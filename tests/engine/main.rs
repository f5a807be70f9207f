//! From records to tasks, without input or output: what is decoded, what is learnt, which triggers fire, what becomes a
//! task.

// A test that cannot get at what it needs fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod backlog;
mod barred;
mod batch_split_invariance;
mod clock_and_days;
mod credit;
mod decoding;
mod driver;
mod falls;
mod forgotten;
mod future_timestamps;
mod golden_lifecycle;
mod golden_scenarios;
mod groups;
mod machines;
mod outages;
mod owners;
mod policy;
mod shadow;
mod signals_and_tasks;
mod states;
#[path = "../support/mod.rs"]
mod support;
mod triggers;
mod unclear_records;
mod who_is_contacted;
