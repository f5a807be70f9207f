//! The program and a real Kafka broker, undisturbed and disturbed.

// A test that cannot get at what it needs fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod alerts;
mod alignment;
mod board;
mod broker_down;
mod consumers;
mod crashes;
mod dead_letters;
mod detect_equals_run;
mod endtxn;
mod erase;
mod error_classes;
mod groups;
mod history;
mod inputs;
mod inspect;
mod layouts;
mod link;
mod members;
mod output;
mod refusals;
mod registry;
mod route;
mod rules;
mod rules_changed;
mod run;
mod shadow;
mod soak;
mod stops;
#[path = "../support/mod.rs"]
mod support;
mod support_broker;
mod support_proxy;
mod uplift;
