//! From a topic with other keys to committed transactions in the topics of the feeds, next to the limit: a loop that polls each
//! record, produces it and commits, in transactions of as many records.
//!
//! Starts a real broker, loads a simulated city's records, then takes turns. Run with `cargo bench --bench route`;
//! `CHURNWATCH_BENCH_RECORDS` and `CHURNWATCH_BENCH_ROUNDS` change the size.
#![allow(missing_docs, clippy::unwrap_used, clippy::disallowed_methods)]

mod common;
#[path = "../tests/support/mod.rs"]
mod support;

use churnwatch::config::Config;
use churnwatch::health::Health;
use churnwatch::kafka::{Delivery, Loader, Sources};
use churnwatch::runtime::{Pool, Routes, Stop, clock};
use churnwatch::sim::{City, CityConfig};
use churnwatch::telemetry::Telemetry;
use common::{median, setting};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::{ClientConfig, Message, Offset, TopicPartitionList};
use std::time::{Duration, Instant};
use support::client::Client;

const PARTITIONS: i32 = 4;
const SOURCE: &str = "raw";
const FEEDS: &str = "events";
/// Records in a transaction, of both.
const BATCH: usize = 20_000;
const PATIENCE: Duration = Duration::from_secs(30);

fn main() {
    // `cargo test --all-targets` also starts benches; this one is only for `cargo bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let records = setting("CHURNWATCH_BENCH_RECORDS", 1_000_000);
    let rounds = setting("CHURNWATCH_BENCH_ROUNDS", 3);
    let client = Client::shared();
    for topic in [SOURCE, FEEDS, "dead", "copies"] {
        client.create_topic(topic, PARTITIONS, &[]);
    }
    let loaded = load(&config("load"), records);
    println!("{loaded} records in {PARTITIONS} partitions, {rounds} rounds");
    let (mut loops, mut routers) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        let group = format!("round-{round}");
        loops.push(loaded as f64 / poll_and_produce(&group, loaded).as_secs_f64());
        routers.push(loaded as f64 / route(&config(&group), loaded).as_secs_f64());
        let (last_loop, last_router) = (loops.last().unwrap(), routers.last().unwrap());
        println!(
            "poll and produce {last_loop:>10.0} records/s   route {last_router:>10.0} records/s"
        );
    }
    let (limit, route) = (median(loops), median(routers));
    println!(
        "medians: poll and produce {limit:.0}, route {route:.0} records/s, ratio {:.2}",
        route / limit
    );
}

fn config(group: &str) -> Config {
    let text = format!(
        "kafka.bootstrap = \"{}\"\nkafka.group = \"{group}\"\nlog.level = \"warn\"\n\
         route.batch_records_max = {BATCH}\nroute.sources = [{{ topic = \"{SOURCE}\" }}]\n[topics]\n\
         cdr = \"{FEEDS}\"\nbilling = \"{FEEDS}\"\nsubscriber = \"{FEEDS}\"\nservice = \"{FEEDS}\"\n\
         outcome = \"{FEEDS}\"\n\
         group = \"{FEEDS}\"\ndead_letters = \"dead\"\n",
        Client::shared().bootstrap()
    );
    Config::from_toml_str(&text, "bench").unwrap()
}

/// Fills the source with that many records of a city of 10,000, with no key and one partition after the other.
fn load(config: &Config, records: u64) -> u64 {
    let loader = Loader::new(config).unwrap();
    let mut city = City::new(CityConfig::new(10_000, 365, 7)).unwrap();
    let mut sent = 0;
    while sent < records {
        let event = city.next_event().unwrap();
        if event.msisdn.is_some() && event.value.is_some() {
            let to = Delivery::Keyless((sent % PARTITIONS as u64) as i32);
            loader.send(SOURCE, PARTITIONS, to, event.value).unwrap();
            sent += 1;
        }
    }
    loader.finish().unwrap();
    sent
}

/// The limit: every record from the client's safe poll to its producer as it is, with the offsets in the transactions.
fn poll_and_produce(group: &str, records: u64) -> Duration {
    let group = format!("{group}-loop");
    let base = || {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", Client::shared().bootstrap());
        config
    };
    let consumer: BaseConsumer = base()
        .set("group.id", &group)
        .set("isolation.level", "read_committed")
        .set("enable.auto.commit", "false")
        .set("fetch.queue.backoff.ms", "2")
        .set("auto.offset.reset", "earliest")
        .create()
        .unwrap();
    let producer: BaseProducer = base()
        .set("transactional.id", &group)
        .set("retry.backoff.ms", "1")
        .set("queue.buffering.max.messages", "1000000")
        .create()
        .unwrap();
    producer.init_transactions(PATIENCE).unwrap();
    consumer.subscribe(&[SOURCE]).unwrap();
    let mut next = [0; PARTITIONS as usize];
    let (mut seen, mut started) = (0, None);
    while seen < records {
        let mut read = 0;
        while read < BATCH && seen + (read as u64) < records {
            // None comes when the group assigns partitions.
            let Some(message) = consumer.poll(PATIENCE) else {
                continue;
            };
            let message = message.unwrap();
            started.get_or_insert_with(|| {
                producer.begin_transaction().unwrap();
                Instant::now()
            });
            next[message.partition() as usize] = message.offset() + 1;
            let mut record =
                BaseRecord::<[u8], [u8]>::to("copies").payload(message.payload().unwrap());
            while let Err((error, back)) = producer.send(record) {
                let full = KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull);
                assert_eq!(error, full);
                producer.poll(Duration::from_millis(1));
                record = back;
            }
            read += 1;
        }
        seen += read as u64;
        let mut offsets = TopicPartitionList::new();
        for (partition, next) in next.iter().enumerate().filter(|(_, next)| **next > 0) {
            let next = Offset::Offset(*next);
            offsets
                .add_partition_offset(SOURCE, partition as i32, next)
                .unwrap();
        }
        let membership = consumer.group_metadata().unwrap();
        producer
            .send_offsets_to_transaction(&offsets, &membership, PATIENCE)
            .unwrap();
        while producer.in_flight_count() > 0 {
            producer.poll(Duration::from_millis(1));
        }
        producer.commit_transaction(PATIENCE).unwrap();
        if seen < records {
            producer.begin_transaction().unwrap();
        }
    }
    started.unwrap().elapsed()
}

/// One router, from its first transaction to the commit of its last record.
fn route(config: &Config, records: u64) -> Duration {
    let telemetry = Telemetry::new().unwrap();
    let health = Health::new(1, 60, clock::monotonic_ms);
    let stop = Stop::default();
    let mut pool = Pool::new(&stop);
    let sources = Sources::find(config).unwrap();
    let routes = Routes::new(config, telemetry, sources).unwrap();
    pool.route(routes, health.workers().into_iter()).unwrap();
    while !health.unready().is_empty() {
        assert!(!pool.finished(), "the router ended");
        stop.wait(Duration::from_millis(1));
    }
    let started = Instant::now();
    let client = Client::shared();
    let committed = || {
        let offsets = client.committed_offsets(&config.route.group, SOURCE);
        offsets.into_values().flatten().sum::<i64>() as u64
    };
    while committed() < records {
        assert!(!pool.finished(), "the router ended");
        stop.wait(Duration::from_millis(5));
    }
    let took = started.elapsed();
    stop.ask();
    pool.join().unwrap();
    took
}
