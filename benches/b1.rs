//! The workload on which other engines were measured: 10,000,000 calls of 491,761 subscribers over 40 days, in order of time,
//! in one topic of four partitions. Exactly-once and snapshots are on; everything else is at its default. The program has the
//! environment that the systemd unit gives it.
//!
//! Starts a real broker and loads the calls, then takes turns: the client's safe poll alone, poll with serde_json into a struct,
//! the release program. Each is a process of its own, so that its processor time and its memory are its own. Every run appends
//! one line to `benches/results/b1.jsonl`. Run with `cargo bench --bench b1`; `CHURNWATCH_BENCH_RECORDS` (in millions) and
//! `CHURNWATCH_BENCH_ROUNDS` change the size, and `CHURNWATCH_BENCH_COMPRESSION=none` the topic. With `-- storm` everybody calls a
//! competitor's hotline all the time, and with `-- one-line` one line makes 30 % of all calls. With `-- latency` it measures how
//! long a call to a competitor's hotline takes to its task.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods
)]

mod common;
#[path = "b1/latency.rs"]
mod latency;
#[path = "../tests/support/mod.rs"]
mod support;

use churnwatch::config::Config;
use churnwatch::kafka::{Delivery, Loader};
use common::{consumer, median, peak_megabytes, setting};
use rdkafka::Message;
use serde::Deserialize;
use serde_json::json;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use support::broker::{Broker, Manner};
use support::client::Client;
use support::process::{Process, Signal};

const PARTITIONS: i32 = 4;
const TOPIC: &str = "calls";
const SUBSCRIBERS: u64 = 491_761;
const DAYS: u64 = 40;
/// 2026-01-01 in China, in milliseconds since 1970.
const BEGIN_MS: u64 = 1_767_196_800_000;
const DAY_MS: u64 = 86_400_000;
/// A competitor's hotline.
const HOTLINE: &str = "10010";
/// Calls for one to the hotline.
const ONE_IN: u64 = 500;
const PORT: u16 = 29_472;
const RESULTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/results/b1.jsonl");
/// How the program is started where it is installed.
const UNIT: &str = include_str!("../deploy/churnwatch.service");
/// What `/proc/PID/stat` counts time in.
const TICKS_PER_SECOND: f64 = 100.0;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, limit, bootstrap, records] = arguments.as_slice() {
        return print_limit(limit, bootstrap, records.parse().unwrap());
    }
    // `cargo test --all-targets` also starts benches; this one is only for `cargo bench`.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let records = setting("CHURNWATCH_BENCH_RECORDS", 10) * 1_000_000;
    let rounds = setting("CHURNWATCH_BENCH_ROUNDS", 3);
    let compression = std::env::var("CHURNWATCH_BENCH_COMPRESSION");
    let compression = compression.unwrap_or_else(|_| "zstd".to_owned());
    Broker::shared_as(Manner::Usual);
    let client = Client::shared();
    for topic in [TOPIC, "tasks", "signals", "dead", "churnwatch-erasures"] {
        client.create_topic(topic, PARTITIONS, &[]);
    }
    let traffic = Traffic::of(&arguments);
    load(&compression, records, traffic);
    if arguments.iter().any(|argument| argument == "latency") {
        return latency::measure(records);
    }
    println!(
        "{records} calls in {PARTITIONS} partitions ({compression}, {traffic:?}), {rounds} rounds"
    );
    let mut figures = [const { Vec::new() }; 3];
    for round in 0..rounds {
        let runs = [
            ("poll", limit("poll", records)),
            ("poll + serde_json", limit("read", records)),
            ("churnwatch", detect(&format!("round-{round}"), records)),
        ];
        for (figures, (program, run)) in figures.iter_mut().zip(runs) {
            println!("{program:<20}{run}");
            keep(json!({
                "program": program,
                "records": records,
                "traffic": format!("{traffic:?}"),
                "compression": compression,
                "records_per_second": run.per_second.round(),
                "cpu_seconds_per_million": (run.cpu_seconds_per_million * 100.0).round() / 100.0,
                "peak_megabytes": run.peak_megabytes.round(),
            }));
            figures.push(run.per_second);
        }
    }
    let [poll, read, detect] = figures.map(median);
    println!(
        "medians: churnwatch {detect:.0}/s, {:.2} of poll, {:.2} of poll + serde_json",
        detect / poll,
        detect / read
    );
}

/// Who calls whom.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Traffic {
    /// As the other engines were shown it.
    Usual,
    /// Every call is one to the hotline.
    Storm,
    /// One line makes 30 % of the calls.
    OneLine,
}

impl Traffic {
    fn of(arguments: &[String]) -> Self {
        let stated = |name: &str| arguments.iter().any(|argument| argument == name);
        if stated("storm") {
            Self::Storm
        } else if stated("one-line") {
            Self::OneLine
        } else {
            Self::Usual
        }
    }
}

/// What one program needed for all records.
struct Run {
    per_second: f64,
    cpu_seconds_per_million: f64,
    peak_megabytes: f64,
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{:>10.0} records/s {:>6.2} CPU s per million {:>6.0} MB at most",
            self.per_second, self.cpu_seconds_per_million, self.peak_megabytes
        )
    }
}

/// Appends a run to the results, with what it ran on.
fn keep(mut run: serde_json::Value) {
    let load = fs::read_to_string("/proc/loadavg").unwrap();
    let rustc = Command::new("rustc").arg("--version").output().unwrap();
    let machine = [
        ("at", json!(jiff::Timestamp::now().to_string())),
        ("version", json!(env!("CARGO_PKG_VERSION"))),
        (
            "cores",
            json!(std::thread::available_parallelism().unwrap()),
        ),
        (
            "load_average",
            json!(load.split(' ').next().unwrap().parse::<f64>().unwrap()),
        ),
        (
            "rustc",
            json!(String::from_utf8(rustc.stdout).unwrap().trim()),
        ),
        ("librdkafka", json!(rdkafka::util::get_rdkafka_version().1)),
    ];
    let machine = machine.map(|(name, value)| (name.to_owned(), value));
    run.as_object_mut().unwrap().extend(machine);
    fs::create_dir_all(Path::new(RESULTS).parent().unwrap()).unwrap();
    let mut file = fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(RESULTS)
        .unwrap();
    writeln!(file, "{run}").unwrap();
}

/// Well mixed bits of a number, the same on every machine.
fn mixed(number: u64) -> u64 {
    let mut bits = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// A call, of 279 bytes or nearly, and whose it is.
fn call(number: u64, at: u64, traffic: Traffic) -> (String, String) {
    let bits = mixed(number);
    let caller = match traffic {
        Traffic::OneLine if bits >> 32 & 1023 < 307 => 0,
        _ => bits % SUBSCRIBERS,
    };
    let msisdn = format!("86138{caller:08}");
    let other = match mixed(bits) % ONE_IN {
        _ if traffic == Traffic::Storm => HOTLINE.to_owned(),
        0 => HOTLINE.to_owned(),
        other => format!("86139{:08}", other * 99_991 % 100_000_000),
    };
    let kind = ["mo_call", "mt_call"][(bits >> 40) as usize % 2];
    let record = format!(
        r#"{{"record_type":"{kind}","record_id":"msc07-20260101-{number:09}","msisdn":"{msisdn}","event_timestamp":{at},"other_number":"{other}","duration_seconds":{},"cause_for_termination":"normal_release","first_cell_id":"460-00-{:05}-{:05}","rat_type":"eutran"}}"#,
        bits >> 44 & 511,
        bits >> 20 & 65_535,
        bits >> 24 & 65_535,
    );
    (msisdn, record)
}

fn load(compression: &str, records: u64, traffic: Traffic) {
    let folder = tempfile::tempdir().unwrap();
    let extra = format!("kafka.properties.\"compression.type\" = \"{compression}\"\n");
    let config = configuration("load", folder.path(), &extra);
    let loader = Loader::new(&config).unwrap();
    for number in 0..records {
        let at = BEGIN_MS + number * DAYS * DAY_MS / records;
        let (msisdn, record) = call(number, at, traffic);
        let to = Delivery::Keyed(msisdn.as_bytes());
        loader
            .send(TOPIC, PARTITIONS, to, Some(record.as_bytes()))
            .unwrap();
    }
    loader.finish().unwrap();
}

fn configuration(group: &str, folder: &Path, extra: &str) -> Config {
    let text = format!(
        "{extra}kafka.bootstrap = \"{}\"\nkafka.group = \"{group}\"\nwindow.clock = \"event\"\n\
         http.listen = \"127.0.0.1:{PORT}\"\nstate.snapshots = \"{}\"\n[topics]\n\
         cdr = \"{TOPIC}\"\nbilling = \"{TOPIC}\"\nsubscriber = \"{TOPIC}\"\nservice = \"{TOPIC}\"\n\
         outcome = \"{TOPIC}\"\n\
         group = \"{TOPIC}\"\ntasks = \"tasks\"\nsignals = \"signals\"\ndead_letters = \"dead\"\n",
        Client::shared().bootstrap(),
        folder.join("snapshots").display()
    );
    fs::write(folder.join("churnwatch.toml"), &text).unwrap();
    Config::from_toml_str(&text, "bench").unwrap()
}

/// The fields that the three rules of the other engines need.
#[derive(Deserialize)]
#[allow(dead_code)]
struct Call<'a> {
    record_type: &'a str,
    record_id: &'a str,
    msisdn: &'a str,
    event_timestamp: u64,
    other_number: &'a str,
    duration_seconds: u32,
}

/// Runs one of the limits as another process.
fn limit(name: &str, records: u64) -> Run {
    let records = records.to_string();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([name, Client::shared().bootstrap(), &records]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let mut numbers = text
        .split_whitespace()
        .map(|number| number.parse().unwrap());
    Run {
        per_second: numbers.next().unwrap(),
        cpu_seconds_per_million: numbers.next().unwrap(),
        peak_megabytes: numbers.next().unwrap(),
    }
}

/// Polls every record, reads it or does nothing with it, and prints the figures.
fn print_limit(name: &str, bootstrap: &str, records: u64) {
    let consumer = consumer(bootstrap, TOPIC, PARTITIONS);
    let (mut seen, mut started) = (0, None);
    while seen < records {
        let Some(message) = consumer.poll(Duration::from_secs(10)) else {
            continue;
        };
        let message = message.unwrap();
        started.get_or_insert_with(Instant::now);
        if name == "read" {
            let call: Call<'_> = serde_json::from_slice(message.payload().unwrap()).unwrap();
            std::hint::black_box(&call);
        }
        seen += 1;
    }
    let took = started.unwrap().elapsed();
    let run = needed("self", took, records);
    println!(
        "{} {} {}",
        run.per_second, run.cpu_seconds_per_million, run.peak_megabytes
    );
}

/// The program with its defaults, from its first record to the commit of its last.
fn detect(group: &str, records: u64) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let (mut process, run) = caught_up(group, folder.path(), records);
    process.signal(Signal::Kill);
    process.wait_long();
    run
}

/// The variables that the systemd unit sets.
fn environment() -> Vec<(&'static str, &'static str)> {
    let lines = UNIT.lines();
    let set = lines.filter_map(|line| line.strip_prefix("Environment="));
    set.map(|set| set.split_once('=').unwrap()).collect()
}

/// Starts the program with its defaults. Returns it when it has committed so many records.
fn caught_up(group: &str, folder: &Path, records: u64) -> (Process, Run) {
    configuration(group, folder, "");
    let file = folder.join("churnwatch.toml");
    let arguments = ["run", "--config", file.to_str().unwrap()];
    let mut process = Process::start_with(arguments, &environment());
    let client = Client::shared();
    let committed = |process: &mut Process| -> i64 {
        assert!(process.exit_status().is_none(), "{}", process.stderr());
        let offsets = client.committed_offsets(group, TOPIC);
        offsets.into_values().flatten().sum()
    };
    // The start-up does not count: the rate is that from the first commit to the last.
    let mut first = 0;
    while first == 0 {
        std::thread::sleep(Duration::from_millis(5));
        first = committed(&mut process);
    }
    let started = Instant::now();
    while committed(&mut process) < records as i64 {
        std::thread::sleep(Duration::from_millis(20));
    }
    let mut run = needed(&process.id().to_string(), started.elapsed(), records);
    run.per_second *= 1.0 - first as f64 / records as f64;
    (process, run)
}

/// What a process has needed so far.
fn needed(process: &str, took: Duration, records: u64) -> Run {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    // The name before it may hold spaces.
    let mut fields = stat.rsplit(')').next().unwrap().split_whitespace().skip(11);
    let mut ticks = || fields.next().unwrap().parse::<f64>().unwrap();
    let cpu_seconds = (ticks() + ticks()) / TICKS_PER_SECOND;
    Run {
        per_second: records as f64 / took.as_secs_f64(),
        cpu_seconds_per_million: cpu_seconds * 1e6 / records as f64,
        peak_megabytes: peak_megabytes(process),
    }
}
