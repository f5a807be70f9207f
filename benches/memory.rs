//! Bytes that a subscriber takes in memory: in shards of 1, 5 and 10 million who have each called once, and in a simulated city after
//! 40 days, where busy days take extra room. Run with `cargo bench --bench memory`.
//!
//! Every number is a process of its own, so that it starts with nothing.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

use churnwatch::config::Config;
use churnwatch::decode::Decoded;
use churnwatch::engine::Shard;
use churnwatch::model::{
    Body, CallOutcome, Day, Direction, Event, Feed, Inputs, Msisdn, Number, Source, Timestamp,
};
use churnwatch::sim::{City, CityConfig};
use std::fs;
use std::process::Command;
use std::sync::Arc;

const MILLIONS: [u32; 3] = [1, 5, 10];
const CITY: u32 = 50_000;
const CITY_DAYS: u32 = 40;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, what, count] = arguments.as_slice() {
        let count = count.parse().unwrap();
        return match &**what {
            "quiet" => quiet(count),
            _ => city(count),
        };
    }
    // `cargo test --all-targets` also starts benches; this one is only for `cargo bench`.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    println!("subscribers   bytes each, resident   by the program's own count");
    for millions in MILLIONS {
        run("quiet", millions * 1_000_000);
    }
    println!("a city's, after {CITY_DAYS} days, with profiles, bills and tasks:");
    run("city", CITY);
}

fn run(what: &str, count: u32) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    let status = command.args([what, &count.to_string()]).status().unwrap();
    assert!(status.success());
}

fn shard() -> Shard {
    let config = Config::from_toml_str("window.clock = \"event\"", "bench").unwrap();
    let mut shard = Shard::new(Arc::clone(&config.rules));
    let now = Timestamp(4_000_000_000_000);
    shard.tick(now, Inputs::default(), &mut Vec::new());
    shard
}

fn source() -> Source {
    Source {
        topic: "bench".into(),
        partition: 0,
        offset: 0,
    }
}

fn quiet(subscribers: u32) {
    let (mut shard, source, before) = (shard(), source(), resident());
    let rules = Config::from_toml_str("", "bench").unwrap().rules;
    let at = rules
        .calendar
        .at_hour(Day::from_ymd(2026, 3, 2).unwrap(), 12);
    for number in 0..subscribers {
        let event = Event {
            msisdn: Msisdn::new(&format!("138{number:08}")).unwrap(),
            at,
            record: u64::from(number) << 32 | 1,
            visited: None,
            body: Body::Call {
                direction: Direction::Outgoing,
                other: Number::from_digits(b"13900139000"),
                duration_seconds: 60,
                outcome: CallOutcome::Normal,
                handset: None,
            },
        };
        shard.apply(&event, &source, &mut Vec::new());
    }
    print(&shard, before);
}

fn city(subscribers: u32) {
    let (mut shard, source, before) = (shard(), source(), resident());
    let decoder = Config::from_toml_str("", "bench").unwrap().decoder;
    let mut city = City::new(CityConfig::new(subscribers, CITY_DAYS, 7)).unwrap();
    let mut effects = Vec::new();
    while let Some(event) = city.next_event() {
        let Some(value) = event.value else { continue };
        match decoder.decode(value) {
            Ok(Decoded::Event(event, _)) => drop(shard.apply(&event, &source, &mut effects)),
            Ok(Decoded::Progress { complete_until, .. }) => {
                shard.progress(Feed::Cdr, complete_until, &mut effects);
            }
            Err(_) => {}
        }
        shard.sweep(usize::MAX, &mut effects);
        effects.clear();
    }
    drop(city);
    print(&shard, before);
}

fn print(shard: &Shard, before: u64) {
    let stats = shard.stats();
    let each = |bytes: u64| bytes as f64 / stats.subscribers as f64;
    println!(
        "{:>11} {:>22.0} {:>26.0}",
        stats.subscribers,
        each(resident() - before),
        each(stats.store_bytes)
    );
}

/// Bytes of this process in memory.
fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<u64>().unwrap() * 1024
}
