//! What the integration tests share: a real Kafka broker, a small client for it, the program as a child process,
//! and its HTTP pages.
//!
//! A test crate takes it in by `mod support;`.

// Every integration test is a crate of its own and compiles this tree, and none uses all of it.
#![allow(dead_code)]
// Test support reports trouble by failing the test, and waits for other processes by the wall clock.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]

pub mod broker;
pub mod client;
pub mod http;
pub mod installation;
pub mod process;
pub mod proxy;

use std::time::{Duration, Instant};

/// The longest that a test waits for anything, in seconds: it bounds a failing test and is no expectation of speed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Asks `probe` again and again until it gives a value, and returns it.
///
/// # Panics
///
/// When [`PATIENCE`] runs out. The message names `what` was awaited.
#[track_caller]
pub fn wait_for<T>(what: &str, mut probe: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = probe() {
            return value;
        }
        assert!(
            start.elapsed() < PATIENCE,
            "waited {} s in vain until {what}",
            PATIENCE.as_secs()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}
