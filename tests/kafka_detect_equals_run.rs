//! The same input through files and through Kafka gives the same tasks.

#![allow(clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::fs;

use churnwatch::sim::{CityConfig, Compression, write_files};
use serde_json::Value;
use support::installation::Installation;
use support::process::Process;

const PARTITIONS: i32 = 3;
const SUBSCRIBERS: u32 = 240;
const DAYS: u32 = 50;

#[test]
fn the_same_input_gives_the_same_tasks_through_files_and_through_kafka() {
    // Sliced sweeps and small transactions on one side, none of both on the other.
    let installation = Installation::one_topic(
        "equal",
        PARTITIONS,
        "window.clock = \"event\"\nrun.batch_records_max = 700\n",
    );
    let folder = installation.folder().to_owned();
    let city = CityConfig::new(SUBSCRIBERS, DAYS, 11);
    let summary = write_files(city, &folder, Compression::Zstd, |_| {}).unwrap();
    let events = folder.join(summary.events_file);
    let events = events.to_str().unwrap();

    let mut produce = installation.start("produce", &[events]);
    assert_eq!(produce.wait().code(), Some(0), "{}", produce.stderr());
    let mut running = installation.run();
    installation.wait_processed(&mut running);
    let through_kafka = installation
        .read("tasks")
        .into_iter()
        .map(|record| record.value.unwrap());

    let tasks = folder.join("tasks.ndjson");
    let partitions = PARTITIONS.to_string();
    let mut detect = Process::start([
        "detect",
        events,
        "--tasks",
        tasks.to_str().unwrap(),
        "--partitions",
        &partitions,
    ]);
    assert_eq!(
        detect.wait().code(),
        Some(3),
        "dirt is rejected: {}",
        detect.stderr()
    );
    let text = fs::read(&tasks).unwrap();
    let through_files = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());

    let (kafka, files) = (by_subscriber(through_kafka), by_subscriber(through_files));
    let opened = files
        .values()
        .flatten()
        .filter(|task| task["status"] == "open")
        .count();
    assert!(opened > 20, "{opened} tasks are too few to prove anything");
    for (msisdn, tasks) in &files {
        assert_eq!(kafka.get(msisdn), Some(tasks), "tasks of {msisdn}");
    }
    assert_eq!(kafka.len(), files.len());
}

/// Every revision of every task in order, by subscriber, without where its record was: that differs.
fn by_subscriber<T: AsRef<[u8]>>(tasks: impl Iterator<Item = T>) -> BTreeMap<String, Vec<Value>> {
    let mut all: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for bytes in tasks {
        let mut task: Value = serde_json::from_slice(bytes.as_ref()).unwrap();
        strip_source(&mut task);
        let msisdn = task["msisdn"].as_str().unwrap().to_owned();
        all.entry(msisdn).or_default().push(task);
    }
    all
}

fn strip_source(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("source");
            fields.values_mut().for_each(strip_source);
        }
        Value::Array(values) => values.iter_mut().for_each(strip_source),
        _ => {}
    }
}
