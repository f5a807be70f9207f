//! Rules on trial: what they say beside the rules in force, and that nothing comes of it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod config;
mod equal;
mod scenarios;

#[allow(dead_code)] // Each test uses its part of it.
#[path = "../engine_image/feeding.rs"]
mod feeding;
#[path = "../rules/mod.rs"]
mod rules;
#[allow(dead_code)] // Each test uses its part of it.
#[path = "../scenario/mod.rs"]
mod scenario;
#[allow(dead_code)] // Rules are made from plans here.
#[path = "../streams/mod.rs"]
mod streams;
