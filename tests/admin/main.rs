//! What operators see of a running program: HTTP pages, metrics and logs, and the roll-up of tasks. And the schema registry,
//! which is asked by HTTP.

// A test that cannot get at what it needs fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod http;
mod registry;
mod rollup;
#[path = "../support/mod.rs"]
mod support;
mod telemetry;
mod uplift;
