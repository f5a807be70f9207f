//! The seeded simulation: a modelled Kafka world in virtual time, in which the real worker, journal and snapshots run.

// A test that cannot get at what it needs fails.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod arrivals;
mod clerk;
mod client;
mod commit;
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
mod stage;
mod store;
mod town;
mod trace;
mod transactions;
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
