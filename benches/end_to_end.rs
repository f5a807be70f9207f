//! From a topic to committed transactions, next to the limit: the safe poll loop over the same topic, alone.
//!
//! Starts a real broker, loads a simulated city's records, then takes turns: poll loop, detector, poll loop, detector.
//! Run with `cargo bench --bench end_to_end`; `CHURNWATCH_BENCH_RECORDS` and `CHURNWATCH_BENCH_ROUNDS` change the size.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

mod common;
#[path = "../tests/support/mod.rs"]
mod support;

use churnwatch::config::Config;
use churnwatch::health::Health;
use churnwatch::kafka::{Cluster, Delivery, Loader};
use churnwatch::runtime::{Pool, Setup, Stop, clock};
use churnwatch::sim::{City, CityConfig};
use churnwatch::telemetry::Telemetry;
use common::{consumer, median, setting};
use std::collections::BTreeSet;
use std::time::{Duration, Instant};
use support::client::Client;

const PARTITIONS: i32 = 4;
const TOPIC: &str = "events";

fn main() {
    // `cargo test --all-targets` also starts benches; this one is only for `cargo bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let records = setting("CHURNWATCH_BENCH_RECORDS", 2_000_000);
    let rounds = setting("CHURNWATCH_BENCH_ROUNDS", 3);
    let client = Client::shared();
    for topic in [TOPIC, "tasks", "signals", "dead", "churnwatch-erasures"] {
        client.create_topic(topic, PARTITIONS, &[]);
    }
    let loaded = load(&config("load"), records);
    println!("{loaded} records in {PARTITIONS} partitions, {rounds} rounds");
    let (mut polls, mut runs) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        polls.push(loaded as f64 / poll_loop(loaded).as_secs_f64());
        runs.push(loaded as f64 / detect(&config(&format!("round-{round}")), loaded).as_secs_f64());
        println!(
            "poll loop {:>10.0} records/s   end to end {:>10.0} records/s",
            polls[round as usize], runs[round as usize]
        );
    }
    let (poll, run) = (median(polls), median(runs));
    println!(
        "medians: poll loop {poll:.0}, end to end {run:.0} records/s, ratio {:.2}",
        run / poll
    );
}

fn config(group: &str) -> Config {
    let text = format!(
        "kafka.bootstrap = \"{}\"\nkafka.group = \"{group}\"\nwindow.clock = \"event\"\nlog.level = \"warn\"\n[topics]\n\
         cdr = \"{TOPIC}\"\nbilling = \"{TOPIC}\"\nsubscriber = \"{TOPIC}\"\nservice = \"{TOPIC}\"\noutcome = \"{TOPIC}\"\n\
         group = \"{TOPIC}\"\n\
         tasks = \"tasks\"\nsignals = \"signals\"\ndead_letters = \"dead\"\n[state]\nsnapshots = \"memory:\"\n",
        Client::shared().bootstrap()
    );
    Config::from_toml_str(&text, "bench").unwrap()
}

/// Fills the topic with that many records of a city of 10,000, some 13 a day and subscriber.
fn load(config: &Config, records: u64) -> u64 {
    let loader = Loader::new(config).unwrap();
    let mut city = City::new(CityConfig::new(10_000, 365, 7)).unwrap();
    let mut sent = 0;
    while sent < records {
        let event = city.next_event().unwrap();
        if let Some(msisdn) = event.msisdn {
            let to = Delivery::Keyed(msisdn.as_bytes());
            loader.send(TOPIC, PARTITIONS, to, event.value).unwrap();
            sent += 1;
        }
    }
    loader.finish().unwrap();
    sent
}

/// The limit: every record once through the client's safe poll, and nothing done with it.
fn poll_loop(records: u64) -> Duration {
    let consumer = consumer(Client::shared().bootstrap(), TOPIC, PARTITIONS);
    let mut seen = 0;
    let mut started = None;
    while seen < records {
        if consumer.poll(Duration::from_secs(10)).unwrap().is_ok() {
            started.get_or_insert_with(Instant::now);
            seen += 1;
        }
    }
    started.unwrap().elapsed()
}

/// The detector with one worker, from its first record to the commit of its last.
fn detect(config: &Config, records: u64) -> Duration {
    let telemetry = Telemetry::new().unwrap();
    let health = Health::new(1, 60, clock::monotonic_ms);
    let cluster = Cluster {
        aligned_outputs: BTreeSet::new(),
        ..Cluster::inspect(config).unwrap()
    };
    let setup = Setup::new(config.clone(), telemetry.clone(), cluster);
    let stop = Stop::default();
    let pool = Pool::start(setup, &health, &stop).unwrap();
    let wait_for = |records| {
        while telemetry.counts().records < records {
            assert!(!pool.finished(), "the worker ended");
            stop.wait(Duration::from_millis(1));
        }
    };
    wait_for(1);
    let started = Instant::now();
    wait_for(records);
    let client = Client::shared();
    let committed = || {
        let offsets = client.committed_offsets(&config.kafka.group, TOPIC);
        offsets.into_values().flatten().sum::<i64>() as u64
    };
    while committed() < records {
        stop.wait(Duration::from_millis(5));
    }
    let took = started.elapsed();
    stop.ask();
    pool.join().unwrap();
    assert!(telemetry.counts().conserved());
    took
}
