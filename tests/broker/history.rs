//! History from files, then live topics: the procedure of docs/operations.md, step by step.

use crate::support::client::{NewRecord, unique};
use crate::support::installation::{Installation, call, minutes_ago};
use crate::support::process::Signal;
use crate::support::wait_for;
use std::collections::BTreeMap;
use std::fs;

const SUBSCRIBERS: u32 = 12;
/// The days of the files, the first and the last; counted back from today.
const FILES: (i64, i64) = (50, 5);
/// The first day of the live topic, whose last is yesterday. A subscriber has more records between the two than repeats are known by.
const LIVE: i64 = 15;
/// Records of this day and later come from the live topic.
const CUT: i64 = 9;
const CALLS_A_DAY: u32 = 3;

fn msisdn(subscriber: u32) -> String {
    format!("86137{subscriber:08}")
}

/// Noon of a day, in UTC.
fn noon(days_ago: i64) -> String {
    let at = minutes_ago(days_ago * 1440);
    format!("{}T12:00:00Z", &at[..10])
}

/// The calls of a day.
fn calls(days_ago: i64) -> impl Iterator<Item = String> {
    let all =
        (0..SUBSCRIBERS).flat_map(|subscriber| (0..CALLS_A_DAY).map(move |n| (subscriber, n)));
    all.map(move |(subscriber, n)| {
        let id = format!("{subscriber}-{days_ago}-{n}");
        call(&id, &msisdn(subscriber), "13800138000", &noon(days_ago))
    })
}

fn profile(subscriber: u32, days_ago: i64) -> String {
    format!(
        r#"{{"record_type":"profile","record_id":"p-{subscriber}-{days_ago}","msisdn":"{}","event_timestamp":"{}","segment":"personal"}}"#,
        msisdn(subscriber),
        noon(days_ago)
    )
}

fn statement(days_ago: i64) -> String {
    let until = noon(days_ago);
    format!(r#"{{"record_type":"feed_progress","feed":"cdr","complete_until":"{until}"}}"#)
}

/// How often each record of a feed's topic lies there, by its id.
fn copies(installation: &Installation, feed: &str) -> BTreeMap<String, u32> {
    let mut copies = BTreeMap::new();
    for record in installation.read(feed) {
        let value: serde_json::Value = serde_json::from_str(record.text()).unwrap();
        let id = value["record_id"].as_str().unwrap_or("statement");
        *copies.entry(id.to_owned()).or_default() += 1;
    }
    copies
}

#[test]
fn files_and_then_live_topics_give_each_record_once() {
    let source = unique("live");
    let cut = noon(CUT);
    let extra = format!("route.sources = [{{ topic = \"{source}\" }}]\nroute.from = \"{cut}\"\n");
    let installation = Installation::new("history", 2, &extra);
    installation.client.create_topic(&source, 3, &[]);

    // The live topic has overlapped with the files for long. A call of before the cut comes late; the files have it too.
    let late = call("late", &msisdn(1), "13800138000", &noon(CUT + 2));
    let changed = profile(3, 7);
    let mut live: Vec<String> = (1..=LIVE).rev().flat_map(calls).collect();
    live.extend([late.clone(), changed.clone(), statement(1)]);
    let live = live.into_iter().enumerate().map(|(n, value)| NewRecord {
        partition: Some(n as i32 % 3),
        value: Some(value.into_bytes()),
        ..NewRecord::default()
    });
    installation.client.produce(&source, live);

    let mut history: Vec<String> = (0..SUBSCRIBERS).map(|n| profile(n, 400)).collect();
    history.extend((FILES.1..=FILES.0).rev().flat_map(calls));
    history.extend([late, changed, statement(FILES.1)]);
    let file = installation.folder().join("history.ndjson");
    fs::write(&file, history.join("\n") + "\n").unwrap();

    let arguments = ["--before", &cut, file.to_str().unwrap()];
    let mut load = installation.start("produce", &arguments);
    assert_eq!(load.wait().code(), Some(0), "{}", load.stderr());
    let said = load.stderr();
    let left_out = (CUT - FILES.1 + 1) as u32 * SUBSCRIBERS * CALLS_A_DAY + 1;
    let expected = format!("{left_out} left out: dated at --before or later");
    assert!(said.contains(&expected), "{expected}: {said}");

    let mut router = installation.route("one");
    let end: i64 = installation.client.end_offsets(&source).into_values().sum();
    let group = format!("{}-route", installation.group);
    wait_for("all is routed", || {
        let offsets = installation.client.committed_offsets(&group, &source);
        let routed: i64 = offsets.into_values().flatten().sum();
        (routed == end).then_some(())
    });
    let metrics = router.metrics();
    let passed = metrics.value(
        "churnwatch_route_records_total",
        &[("outcome", "passed_over")],
    );
    let before_cut = (LIVE - CUT) as u32 * SUBSCRIBERS * CALLS_A_DAY + 1;
    assert_eq!(passed, Some(f64::from(before_cut)));
    router.process.signal(Signal::Term);
    assert_eq!(router.process.wait().code(), Some(0));

    let calls_in_topic = copies(&installation, "cdr");
    let days = FILES.0 as u32;
    let expected = days * SUBSCRIBERS * CALLS_A_DAY + 1;
    let twice: Vec<_> = calls_in_topic
        .iter()
        .filter(|(_, copies)| **copies > 1)
        .collect();
    assert!(
        matches!(twice.as_slice(), [(id, 2)] if *id == "statement"),
        "one statement in both partitions: {twice:?}"
    );
    assert_eq!(calls_in_topic.len() as u32, expected + 1);

    let mut running = installation.run();
    installation.wait_processed(&mut running);
    let counts = running.counts();
    let profiles = SUBSCRIBERS + 1;
    assert_eq!(counts["applied"], u64::from(expected + profiles));
    assert_eq!(counts["duplicate"], 1, "the profile that both have");
    assert_eq!(counts["expired"] + counts["dead_lettered"], 0);
}
