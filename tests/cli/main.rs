//! The commands, as a user runs them.

// A test that cannot get at what it needs fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arguments;
mod backtest;
mod calibrate;
mod commands;
mod config;
mod environment;
mod files;
mod inspect;
mod layouts;
mod rehearse;
mod simulator;
#[path = "../support/mod.rs"]
mod support;
mod uplift;
