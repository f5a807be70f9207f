//! How long the worker stands still for a snapshot: the time of each batch applied to a shard of a million subscribers,
//! the taking of images included, with no snapshot being written and with one being written all the time.
//!
//! Run with `cargo bench --bench stall`; `CHURNWATCH_BENCH_SUBSCRIBERS` changes the size.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

use churnwatch::config::Config;
use churnwatch::engine::Shard;
use churnwatch::journal::{Epoch, Manifest};
use churnwatch::model::{
    Body, CallOutcome, Day, Direction, Effect, Event, Msisdn, Number, Source, Timestamp,
};
use churnwatch::snapshot::{SnapshotRepository, SnapshotRequest};
use std::time::{Duration, Instant};

/// Records that the worker takes between two looks at the group.
const BATCH: u64 = 2_048;
const BATCHES: u64 = 3_000;
/// Records of each subscriber before it begins.
const RECORDS_EACH: u64 = 2;

fn main() {
    // `cargo test --all-targets` also starts benches; this one is only for `cargo bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let subscribers = std::env::var("CHURNWATCH_BENCH_SUBSCRIBERS");
    let subscribers = subscribers.map_or(1_000_000, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let mut repository =
        SnapshotRepository::open(folder.path().to_str().unwrap(), "bench").unwrap();
    let rules = Config::embedded().unwrap().rules;
    let start = rules
        .calendar
        .at_hour(Day::from_ymd(2026, 3, 2).unwrap(), 8);
    let mut load = Load {
        shard: Shard::new(rules),
        subscribers,
        sent: 0,
        start,
        effects: Vec::new(),
    };
    while load.sent < subscribers * RECORDS_EACH {
        load.batch();
    }
    let alone: Vec<Duration> = (0..BATCHES).map(|_| load.batch()).collect();
    report("no snapshot", alone);
    let (mut images, mut batches, mut written) = (Vec::new(), Vec::new(), 0);
    while written < 3 {
        if !repository.busy() {
            let started = Instant::now();
            let image = load.shard.image();
            let manifest = manifest(load.sent);
            repository.begin(SnapshotRequest { image, manifest });
            images.push(started.elapsed());
        }
        batches.push(load.batch());
        if let Some((_, result)) = repository.written() {
            let manifest = result.unwrap();
            let bytes: u64 = manifest.parts.iter().map(|part| part.bytes).sum();
            println!(
                "snapshot of {} subscribers written, {bytes} bytes",
                manifest.subscribers
            );
            written += 1;
        }
    }
    report("batches while snapshots are written", batches);
    report("taking an image", images);
}

struct Load {
    shard: Shard,
    subscribers: u64,
    sent: u64,
    start: Timestamp,
    effects: Vec<Effect>,
}

impl Load {
    /// Applies a batch of calls of subscribers picked all over the shard.
    fn batch(&mut self) -> Duration {
        let source = Source {
            topic: "cdr".into(),
            partition: 0,
            offset: 0,
        };
        let started = Instant::now();
        for _ in 0..BATCH {
            let number = self.sent;
            self.sent += 1;
            let subscriber = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) % self.subscribers;
            let msisdn = Msisdn::new(&format!("138{subscriber:08}")).unwrap();
            let event = Event {
                msisdn,
                at: Timestamp(self.start.0 + (number / 1_000) as i64),
                record: number.wrapping_mul(0xD6E8_FEB8_6659_FD93),
                visited: None,
                body: Body::Call {
                    direction: Direction::Outgoing,
                    other: Number::from_digits(b"13900139000"),
                    duration_seconds: 60,
                    outcome: CallOutcome::Normal,
                    handset: None,
                },
            };
            self.shard.apply(&event, &source, &mut self.effects);
        }
        self.effects.clear();
        started.elapsed()
    }
}

fn manifest(seq: u64) -> Manifest {
    Manifest {
        format: 0,
        partition: 0,
        seq,
        writer: 1,
        journal_from: 0,
        next_offsets: vec![0],
        epoch: Epoch {
            group: "bench".to_owned(),
            engine: churnwatch::engine::VERSION,
            ruleset_id: 0,
            ruleset: String::new(),
            topics: vec!["cdr (cdr)".to_owned()],
        },
        taken_ms: 0,
        subscribers: 0,
        parts: Vec::new(),
    }
}

fn report(what: &str, mut times: Vec<Duration>) {
    times.sort();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    println!(
        "{what}: median {:.2} ms, 99 % {:.2} ms, longest {:.2} ms, of {}",
        at(0.5),
        at(0.99),
        at(1.0),
        times.len()
    );
}
