//! A back-fill through five topics gives what it gives through one.

use crate::support::city::City;
use crate::support::installation::Installation;
use churnwatch::decode::{DecodeSettings, Decoded, Decoder};
use churnwatch::model::Timestamp;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

const PARTITIONS: i32 = 2;

#[test]
fn five_topics_give_the_tasks_of_one_file_in_order_of_time() {
    let clock = "window.clock = \"event\"\n";
    let installation = Installation::new("aligned", PARTITIONS, clock);
    let city = City::build(installation.folder(), 240, 60, 11);
    let events = in_order_of_time(city, installation.folder());
    let mut load = installation.load(&events);
    assert_eq!(load.wait().code(), Some(0), "{}", load.stderr());
    let mut running = installation.run();
    installation.wait_processed(&mut running);

    let tasks = installation.folder().join("expected.ndjson");
    let partitions = PARTITIONS.to_string();
    let arguments = [events.to_str().unwrap(), "--tasks", tasks.to_str().unwrap()];
    let mut detect = installation.start(
        "detect",
        &[&arguments[..], &["--partitions", &partitions]].concat(),
    );
    assert!(
        matches!(detect.wait_long().code(), Some(0 | 3)),
        "{}",
        detect.stderr()
    );
    let expected = fs::read_to_string(tasks).unwrap();
    let expected: BTreeSet<String> = expected
        .lines()
        .map(|line| facts(line.as_bytes()))
        .collect();
    let found = installation.read("tasks").into_iter();
    let found: BTreeSet<String> = found.map(|record| facts(&record.value.unwrap())).collect();
    assert!(expected.len() > 500, "{} tasks", expected.len());
    let others: Vec<_> = expected.symmetric_difference(&found).collect();
    assert!(
        others.is_empty(),
        "{} of {}: {others:#?}",
        others.len(),
        expected.len()
    );
}

/// What a task says, but for where its event was read.
fn facts(task: &[u8]) -> String {
    let mut task: Value = serde_json::from_slice(task).unwrap();
    without_sources(&mut task);
    task.to_string()
}

fn without_sources(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("source");
            fields.values_mut().for_each(without_sources);
        }
        Value::Array(entries) => entries.iter_mut().for_each(without_sources),
        _ => {}
    }
}

/// The records of a city that can be read, the oldest first.
fn in_order_of_time(mut city: City, folder: &Path) -> PathBuf {
    let piece = city.next_piece(u64::MAX).unwrap();
    let bytes = fs::read(piece).unwrap();
    let decoder = Decoder::new(DecodeSettings::default()).unwrap();
    let time = |line: &[u8]| match decoder.decode(line) {
        Ok(Decoded::Event(event, _)) => Some(event.at),
        _ => None,
    };
    let lines = bytes.split(|byte| *byte == b'\n');
    let mut records: Vec<(Timestamp, &[u8])> =
        lines.filter_map(|line| Some((time(line)?, line))).collect();
    records.sort_by_key(|(at, _)| *at);
    let path = folder.join("in-order.ndjson");
    let lines: Vec<&[u8]> = records.into_iter().map(|(_, line)| line).collect();
    fs::write(&path, lines.join(&b'\n')).unwrap();
    path
}
