//! The seeded simulation: the real worker, journal and snapshots in a modelled Kafka world, in virtual time, on one
//! thread, thousands of times faster than real time.
//!
//! | part | modules |
//! |---|---|
//! | brokers | `log` (a partition), `transactions` and `group` (the coordinators), `world` (all of it, and its timers) |
//! | clients | `client` (the group's protocol), `link`, `commit`, `reader` (the worker's way to it) |
//! | processes | `slot`, `turns`, `scheduler` (who runs when), `worker` (the real one), `copy_worker` (a tiny one) |
//! | faults | `faults` (what, where, how often), `store` (snapshots that are lost, torn, damaged) |
//! | inputs | `traffic` (what subscribers do), `arrivals` (when it comes, and in whose transactions) |
//! | proof | `oracle` (what must hold), `world_tests` (the world is no kinder than Kafka), `scenarios` |
//!
//! A seed decides everything. A failure names it and shows what happened last:
//!
//! - `CHURNWATCH_SIM_SEED=7 cargo test --test simulation zombie` plays exactly that one again;
//! - `CHURNWATCH_SIM_SEEDS=10000 cargo test --test simulation` plays so many of every scenario;
//! - `CHURNWATCH_SIM_LINES=5000` shows more of what happened.
//!
//! Not modelled: records too large for their topics, the client's `max.poll.interval.ms` (no call lasts that long),
//! retention and compaction of inputs, and everything below the protocol.

// A test that cannot get at what it needs fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arrivals;
mod client;
mod commit;
mod copy_worker;
mod dice;
mod faults;
mod group;
mod link;
mod log;
mod oracle;
mod play;
mod reader;
mod scenario;
mod scenarios;
mod scheduler;
mod slot;
mod store;
mod trace;
mod traffic;
mod transactions;
mod turns;
mod worker;
mod world;
mod world_tests;

use std::env;

/// Seeds to run: as many as asked for by `CHURNWATCH_SIM_SEEDS`, or else a number; or `CHURNWATCH_SIM_SEED` alone.
fn seeds(count: u64) -> std::ops::Range<u64> {
    match number("CHURNWATCH_SIM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("CHURNWATCH_SIM_SEEDS").unwrap_or(count),
    }
}

/// How many of the last things that happened in a failing world are shown: `CHURNWATCH_SIM_LINES`.
fn lines() -> usize {
    number("CHURNWATCH_SIM_LINES").unwrap_or(200) as usize
}

fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}
