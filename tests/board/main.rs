//! The board: over HTTP, and as people use it in a browser.

// A test that cannot get at what it needs fails, and a test waits by the wall clock.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]

mod access;
mod alerts;
mod caller;
mod campaigns;
mod contract;
mod cutter;
mod deeds;
mod lists;
mod mail;
mod mail_tls;
mod metrics;
mod records;
mod session;
mod site;
mod smtp;
mod store;
#[path = "../support/mod.rs"]
mod support;
mod uplift;
mod web;
mod words;
