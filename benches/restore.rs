//! From a start after kill -9 to the first new record and its task, committed: the program is built up to a snapshot and a debt
//! of records behind it, killed, and started again.
//!
//! Starts a real broker and the release program. Run with `cargo bench --bench restore`;
//! `CHURNWATCH_BENCH_RESTORE="subscribers:debt,..."` changes the sizes. Snapshots of the debt are taken as by default;
//! `CHURNWATCH_BENCH_RECOVERY=3600` is another `state.recovery_seconds_max`, with which all of it is replayed. Static membership
//! spares the wait for the session time-out, which is the group's and not the restore's. With `-- takeover` there are two
//! processes, and it measures how long the records of the killed one wait for the other one.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods
)]

mod common;
#[path = "../tests/support/mod.rs"]
mod support;

use churnwatch::config::Config;
use churnwatch::kafka::{Delivery, Loader};
use common::peak_megabytes;
use std::path::Path;
use std::time::{Duration, Instant};
use support::client::Client;
use support::http::{self, Metrics};
use support::process::{Process, Signal};

const PARTITIONS: i32 = 4;
/// Records of each subscriber in the snapshot.
const RECORDS_EACH: u64 = 4;
const DAYS: u64 = 35;
/// 2026-01-01, in milliseconds since 1970.
const BEGIN_MS: u64 = 1_767_225_600_000;
const DAY_MS: u64 = 86_400_000;
/// A competitor's hotline.
const HOTLINE: &str = "10010";
const PORT: u16 = 29_471;

fn main() {
    // `cargo test --all-targets` also starts benches; this one is only for `cargo bench`.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let sizes = std::env::var("CHURNWATCH_BENCH_RESTORE");
    let sizes = sizes.unwrap_or_else(|_| "500000:50000,1000000:5000000".to_owned());
    let client = Client::shared();
    for topic in ["tasks", "signals", "dead", "churnwatch-erasures"] {
        client.create_topic(topic, PARTITIONS, &[]);
    }
    if std::env::args().any(|argument| argument == "takeover") {
        return ["static", "dynamic"].into_iter().for_each(takeover);
    }
    for (number, size) in sizes.split(',').enumerate() {
        let (subscribers, debt) = size.split_once(':').expect("subscribers:debt");
        measure(number, subscribers.parse().unwrap(), debt.parse().unwrap());
    }
}

fn measure(number: usize, subscribers: u64, debt: u64) {
    let topic = format!("events-{number}");
    Client::shared().create_topic(&topic, PARTITIONS, &[]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("churnwatch.toml");
    std::fs::write(&file, configuration(&topic, folder.path())).unwrap();
    let config = Config::load_with(Some(&file), std::iter::empty()).unwrap();
    let built = subscribers * RECORDS_EACH;
    load(&config, &topic, subscribers, 0..built, false);
    let mut first = start(&file);
    let (took, _) = processed(&mut first, built);
    println!(
        "{subscribers} subscribers: {built} records at {:.0}/s",
        built as f64 / took
    );
    first.signal(Signal::Term);
    assert!(first.wait_long().success(), "{}", first.stderr());

    load(&config, &topic, subscribers, built..built + debt, false);
    let mut second = start(&file);
    let (live, page) = processed(&mut second, debt);
    let left = page.sum("churnwatch_replay_debt_records", &[]);
    let before = peak_megabytes(&second.id().to_string());
    second.signal(Signal::Kill);
    second.wait_long();

    // A few new records. Their tasks let them be committed at once; without, they would wait for company for a second.
    load(
        &config,
        &topic,
        subscribers,
        built + debt..built + debt + 1_000,
        true,
    );
    let started = Instant::now();
    let mut third = start(&file);
    let new = |page: &Metrics| page.sum("churnwatch_records_received_total", &[]) > 0.0;
    until(&mut third, new);
    let seconds = started.elapsed().as_secs_f64();
    let page = until(&mut third, |page| page.sum("churnwatch_ready", &[]) > 0.0);
    let all = started.elapsed().as_secs_f64();
    let restore = |partition: i32| {
        let partition = partition.to_string();
        page.value("churnwatch_restore_seconds", &[("partition", &partition)])
    };
    let slowest = (0..PARTITIONS).filter_map(restore).fold(0.0, f64::max);
    println!(
        "  debt {debt}, {left} not in snapshots: {seconds:.2} s from process start to the first new record and its task, {all:.2} s until all partitions are live \
         ({slowest:.2} s of it from assignment); the debt was first applied at {:.0}/s; {before:.0} MB at most before, {:.0} MB after",
        debt as f64 / live,
        peak_megabytes(&third.id().to_string()),
    );
    third.signal(Signal::Kill);
    third.wait_long();
}

/// From kill -9 of one of two processes until the other one has applied new records of all partitions.
fn takeover(membership: &str) {
    let (subscribers, new) = (500_000, 10_000);
    let built = subscribers * RECORDS_EACH;
    let topic = format!("takeover-{membership}");
    Client::shared().create_topic(&topic, PARTITIONS, &[]);
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = [0, 1].map(|number| {
        let file = folder.path().join(format!("{number}.toml"));
        let instance = match membership {
            "static" => format!("run.instance_id = \"bench-{number}\""),
            _ => String::new(),
        };
        let text = configuration(&topic, folder.path());
        let text = text.replace("run.instance_id = \"bench\"", &instance);
        let port = (PORT + number).to_string();
        std::fs::write(&file, text.replace(&PORT.to_string(), &port)).unwrap();
        file
    });
    let config = Config::load_with(Some(&one), std::iter::empty()).unwrap();
    load(&config, &topic, subscribers, 0..built, false);
    let committed = || -> i64 {
        let offsets = Client::shared().committed_offsets(&topic, &topic);
        offsets.into_values().flatten().sum()
    };
    let wait = |records: u64| {
        while committed() < records as i64 {
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let (mut first, mut second) = (start(&one), start(&other));
    wait(built);
    first.signal(Signal::Kill);
    let killed = Instant::now();
    first.wait_long();
    load(&config, &topic, subscribers, built..built + new, false);
    wait(built + new);
    println!(
        "takeover, {membership} membership, {subscribers} subscribers in {PARTITIONS} partitions, half of them on each process: {:.1} s \
         from kill -9 until new records of all partitions are committed",
        killed.elapsed().as_secs_f64()
    );
    second.signal(Signal::Kill);
    second.wait_long();
}

fn configuration(topic: &str, folder: &Path) -> String {
    let recovery = std::env::var("CHURNWATCH_BENCH_RECOVERY");
    let recovery = recovery.map_or(String::new(), |seconds| {
        format!("recovery_seconds_max = {seconds}\n")
    });
    format!(
        "kafka.bootstrap = \"{}\"\nkafka.group = \"{topic}\"\nwindow.clock = \"event\"\nlog.level = \"info\"\n\
         http.listen = \"127.0.0.1:{PORT}\"\nrun.instance_id = \"bench\"\nrun.shutdown_seconds = 120\n[topics]\n\
         cdr = \"{topic}\"\nbilling = \"{topic}\"\nsubscriber = \"{topic}\"\nservice = \"{topic}\"\n\
         outcome = \"{topic}\"\n\
         group = \"{topic}\"\ntasks = \"tasks\"\nsignals = \"signals\"\ndead_letters = \"dead\"\n[state]\n\
         snapshots = \"{}\"\nsnapshot_interval_seconds = 86400\n{recovery}",
        Client::shared().bootstrap(),
        folder.join("snapshots").display()
    )
}

/// Sends calls, the subscribers in turn, over 35 days: to a competitor's hotline, or to ordinary numbers.
fn load(
    config: &Config,
    topic: &str,
    subscribers: u64,
    numbers: std::ops::Range<u64>,
    hotline: bool,
) {
    let loader = Loader::new(config).unwrap();
    let total = subscribers * RECORDS_EACH;
    for number in numbers {
        // Turns differ in their order, so that neighbours in time are not neighbours in memory.
        let subscriber = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) % subscribers;
        let msisdn = format!("138{subscriber:08}");
        let at = BEGIN_MS + (DAYS * DAY_MS).min(number * DAYS * DAY_MS / total);
        let other = match hotline {
            true => HOTLINE.to_owned(),
            false => format!("139{:08}", number % 100_000_000),
        };
        let record = format!(
            r#"{{"record_type":"mo_call","record_id":"r{number}","msisdn":"{msisdn}","event_timestamp":{at},"other_number":"{other}","duration_seconds":{},"cause_for_termination":"normal_release","first_cell_id":"460-00-{:05}-{:05}","rat_type":"eutran"}}"#,
            number % 600,
            number % 65_536,
            number % 9_973,
        );
        let to = Delivery::Keyed(msisdn.as_bytes());
        loader
            .send(topic, PARTITIONS, to, Some(record.as_bytes()))
            .unwrap();
    }
    loader.finish().unwrap();
}

fn start(file: &Path) -> Process {
    Process::start(["run", "--config", file.to_str().unwrap()])
}

/// Waits until so many records were processed. Returns the seconds from the first to the last, and the metrics then.
fn processed(process: &mut Process, records: u64) -> (f64, Metrics) {
    let received = |page: &Metrics| page.sum("churnwatch_records_received_total", &[]);
    until(process, |page| received(page) > 0.0);
    let started = Instant::now();
    let page = until(process, |page| received(page) >= records as f64);
    (started.elapsed().as_secs_f64(), page)
}

fn until(process: &mut Process, done: impl Fn(&Metrics) -> bool) -> Metrics {
    let address = ([127, 0, 0, 1], PORT).into();
    loop {
        if let Some(status) = process.exit_status() {
            panic!("the program ended ({status}): {}", process.stderr());
        }
        let page = http::get(address, "/metrics").map(|page| Metrics::parse(&page.body));
        if let Some(page) = page.filter(|page| done(page)) {
            return page;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}
