//! From producing a call to a competitor's hotline to its task at a read-committed reader, while calls come at a steady rate.
//!
//! Beside it, as the limit, a transaction of one record and one offset by itself, as often and in the same traffic.

use crate::common::consumer;
use crate::support::client::Client;
use crate::support::process::Signal;
use crate::{
    BEGIN_MS, DAY_MS, DAYS, HOTLINE, ONE_IN, PARTITIONS, TOPIC, Traffic, call, caught_up, keep,
};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{
    BaseProducer, BaseRecord, DefaultProducerContext, Producer, ThreadedProducer,
};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Calls a second.
const RATES: [u64; 2] = [20_000, 200_000];
/// What comes before does not count: buffers and the broker's code are cold.
const WARM_UP: Duration = Duration::from_secs(5);
const TIME: Duration = Duration::from_secs(20);
/// Calls are sent so many times a second.
const SLICES: u64 = 500;
/// Where calls go that nobody detects in.
const BESIDE: &str = "beside";
const LIMIT: &str = "limit";
/// Behind all that was there before.
const END_MS: u64 = BEGIN_MS + DAYS * DAY_MS;

/// Measures at each rate and keeps the figures. The topic holds so many calls, which the program reads first.
pub fn measure(records: u64) {
    let client = Client::shared();
    for topic in [BESIDE, LIMIT] {
        client.create_topic(topic, PARTITIONS, &[]);
    }
    let limits = RATES.map(|rate| report("one transaction", rate, 0.0, alone(rate)));
    let folder = tempfile::tempdir().unwrap();
    let (mut process, _) = caught_up("latency", folder.path(), records);
    let (mut number, live) = (records, Instant::now());
    for (rate, limit) in RATES.into_iter().zip(limits) {
        report("churnwatch", rate, limit, detected(rate, &mut number, live));
    }
    process.signal(Signal::Kill);
    process.wait_long();
}

/// Prints and keeps some waits of a rate. Returns their median in milliseconds.
fn report(program: &str, rate: u64, limit: f64, mut waits: Vec<f64>) -> f64 {
    assert!(!waits.is_empty(), "{program} made nothing of what was sent");
    waits.sort_by(f64::total_cmp);
    let of = |percent: usize| waits[(waits.len() * percent / 100).min(waits.len() - 1)];
    let [p50, p90, p99, most] = [50, 90, 99, 100].map(of);
    let ratio = if limit > 0.0 { p50 / limit } else { 1.0 };
    println!(
        "{program:<16}{rate:>8} calls/s: p50 {p50:.1} ms, p90 {p90:.1}, p99 {p99:.1}, longest {most:.1}; {} of them, {ratio:.1} of the limit's p50",
        waits.len()
    );
    keep(json!({
        "program": format!("latency: {program}"),
        "calls_per_second": rate,
        "p50_ms": (p50 * 10.0).round() / 10.0,
        "p99_ms": (p99 * 10.0).round() / 10.0,
        "measured": waits.len(),
    }));
    p50
}

/// Waits for the tasks of calls to the hotline, in milliseconds.
fn detected(rate: u64, number: &mut u64, live: Instant) -> Vec<f64> {
    let tasks = behind_its_end("tasks");
    let done = AtomicBool::new(false);
    let (sent, seen) = thread::scope(|scope| {
        let reader = scope.spawn(|| seen(&tasks, &done));
        let sent = traffic(TOPIC, rate, number, live);
        // What is late by more than this is missing in the count.
        thread::sleep(Duration::from_secs(2));
        done.store(true, Ordering::Relaxed);
        (sent, reader.join().unwrap())
    });
    waits(&sent, &seen)
}

/// Waits for the records of transactions without a detector.
fn alone(rate: u64) -> Vec<f64> {
    let client = Client::shared();
    let settings = [
        ("transactional.id", "limit"),
        ("retry.backoff.ms", "1"),
        ("linger.ms", "0"),
    ];
    let producer: BaseProducer = properties(&settings).create().unwrap();
    producer.init_transactions(Duration::from_secs(10)).unwrap();
    let group = consumer(client.bootstrap(), BESIDE, PARTITIONS);
    let membership = group.group_metadata().unwrap();
    let reader = behind_its_end(LIMIT);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let seen = scope.spawn(|| seen(&reader, &done));
        let traffic = scope.spawn(|| traffic(BESIDE, rate, &mut 0, Instant::now()));
        let started = Instant::now();
        let mut sent = Vec::new();
        let pause = Duration::from_secs(1) / (RATES[0] / ONE_IN) as u32;
        while started.elapsed() < WARM_UP + TIME {
            let key = sent.len().to_string();
            let begun = Instant::now();
            let mut offsets = TopicPartitionList::new();
            let next = Offset::Offset(sent.len() as i64);
            offsets.add_partition_offset(BESIDE, 0, next).unwrap();
            let patience = Duration::from_secs(10);
            producer.begin_transaction().unwrap();
            producer
                .send_offsets_to_transaction(&offsets, &membership, patience)
                .unwrap();
            let record = BaseRecord::to(LIMIT).key(&key).payload("x");
            producer.send(record).map_err(|(error, _)| error).unwrap();
            while producer.in_flight_count() > 0 {
                producer.poll(Duration::from_micros(500));
            }
            producer.commit_transaction(patience).unwrap();
            if started.elapsed() > WARM_UP {
                sent.push((key, begun));
            }
            thread::sleep(pause.saturating_sub(begun.elapsed()));
        }
        traffic.join().unwrap();
        done.store(true, Ordering::Relaxed);
        waits(&sent, &seen.join().unwrap())
    })
}

/// Sends calls at a rate, dated from the end of those before on, at the pace of the clock since `live`. Returns those to the
/// hotline behind the warm-up: whose, and when.
fn traffic(topic: &str, rate: u64, number: &mut u64, live: Instant) -> Vec<(String, Instant)> {
    let settings = [("linger.ms", "0"), ("partitioner", "murmur2_random")];
    let producer: ThreadedProducer<DefaultProducerContext> =
        properties(&settings).create().unwrap();
    let (started, mut sent, mut calls) = (Instant::now(), 0, Vec::new());
    for slice in 1.. {
        let elapsed = started.elapsed();
        if elapsed > WARM_UP + TIME {
            break;
        }
        while sent < rate * slice / SLICES {
            let (msisdn, record) = call(
                *number,
                END_MS + live.elapsed().as_millis() as u64,
                Traffic::Usual,
            );
            let now = Instant::now();
            let mut to = BaseRecord::to(topic).key(&msisdn).payload(&record);
            // A full queue shows in the waits, which begin before it.
            while let Err((error, back)) = producer.send(to) {
                assert_eq!(
                    error.rdkafka_error_code(),
                    Some(RDKafkaErrorCode::QueueFull)
                );
                to = back;
                thread::sleep(Duration::from_millis(1));
            }
            if elapsed > WARM_UP && record.contains(&format!("\"{HOTLINE}\"")) {
                calls.push((msisdn, now));
            }
            *number += 1;
            sent += 1;
        }
        let next = Duration::from_secs(1) * slice as u32 / SLICES as u32;
        thread::sleep(next.saturating_sub(started.elapsed()));
    }
    producer.flush(Duration::from_secs(10)).unwrap();
    calls
}

fn properties(settings: &[(&str, &str)]) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", Client::shared().bootstrap())
        .set("queue.buffering.max.messages", "1000000");
    for (name, value) in settings {
        config.set(*name, *value);
    }
    config
}

/// A read-committed reader of what comes from now on.
fn behind_its_end(topic: &str) -> BaseConsumer {
    let reader = consumer(Client::shared().bootstrap(), topic, PARTITIONS);
    let mut list = TopicPartitionList::new();
    for partition in 0..PARTITIONS {
        let (_, end) = reader
            .fetch_watermarks(topic, partition, Duration::from_secs(10))
            .unwrap();
        list.add_partition_offset(topic, partition, Offset::Offset(end))
            .unwrap();
    }
    reader.assign(&list).unwrap();
    reader
}

/// Reads until it is done: keys, and when their first records came.
fn seen(reader: &BaseConsumer, done: &AtomicBool) -> BTreeMap<String, Vec<Instant>> {
    let mut seen: BTreeMap<String, Vec<Instant>> = BTreeMap::new();
    while !done.load(Ordering::Relaxed) {
        let Some(message) = reader.poll(Duration::from_millis(100)) else {
            continue;
        };
        let now = Instant::now();
        let message = message.unwrap();
        let key = String::from_utf8(message.key().unwrap().to_vec()).unwrap();
        seen.entry(key).or_default().push(now);
    }
    seen
}

/// From each call to the first record of its key behind it, in milliseconds. Not every call leads to a task.
fn waits(sent: &[(String, Instant)], seen: &BTreeMap<String, Vec<Instant>>) -> Vec<f64> {
    let wait = |(key, at): &(String, Instant)| {
        let first = seen.get(key)?.iter().find(|seen| *seen > at)?;
        Some(first.duration_since(*at).as_secs_f64() * 1000.0)
    };
    sent.iter().filter_map(wait).collect()
}
