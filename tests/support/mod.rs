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

pub mod ber;
pub mod broker;
pub mod city;
pub mod client;
pub mod fault_scenario;
pub mod feeding;
pub mod forms;
pub mod http;
pub mod installation;
pub mod oracle;
pub mod process;
pub mod properties;
pub mod proxy;
pub mod receiver;
pub mod registry;
pub mod rules;
pub mod scenario;
pub mod streams;

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
    wait_while_moving(what, || probe().ok_or("nothing yet"))
}

/// Like [`wait_for`], for what may take long as long as it moves: `probe` gives a value, or how far it has come, and
/// patience begins anew whenever that has changed.
///
/// # Panics
///
/// When nothing has moved for [`PATIENCE`].
#[track_caller]
pub fn wait_while_moving<T, P: PartialEq + std::fmt::Debug>(
    what: &str,
    mut probe: impl FnMut() -> Result<T, P>,
) -> T {
    let mut last = None;
    let mut start = Instant::now();
    loop {
        let now_at = match probe() {
            Ok(value) => return value,
            Err(progress) => Some(progress),
        };
        if now_at != last {
            (last, start) = (now_at, Instant::now());
        }
        assert!(
            start.elapsed() < PATIENCE,
            "waited {} s in vain until {what}; last: {:?}",
            PATIENCE.as_secs(),
            last.unwrap()
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}
