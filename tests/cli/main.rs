//! The commands, as a user runs them.

// A test that cannot get at what it needs fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arguments;
mod backtest;
mod calibrate;
mod commands;
mod config;
mod files;
mod inspect;
mod rehearse;
mod simulator;
#[path = "../support/mod.rs"]
mod support;
