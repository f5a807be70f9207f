//! `churnwatch inspect journal` on a real broker.

use crate::support::PATIENCE;
use crate::support::client::NewRecord;
use crate::support::installation::{Installation, call, minutes_ago};
use crate::support::process::{Process, Signal};
use rdkafka::producer::Producer;
use serde_json::Value;

/// Exit status, stdout and stderr of `inspect journal`.
fn inspect(
    installation: &Installation,
    arguments: &[&str],
    journal: &str,
) -> (Option<i32>, String, String) {
    let config = installation.config();
    let mut all = vec!["inspect", "journal", "--config", config.to_str().unwrap()];
    all.extend(arguments);
    let mut process = Process::start_with(all, &[("CHURNWATCH_TOPICS__JOURNAL", journal)]);
    let status = process.wait().code();
    (status, process.stdout(), process.stderr())
}

fn objects(lines: &str) -> Vec<Value> {
    let objects = lines.lines().map(serde_json::from_str);
    objects.collect::<Result<_, _>>().unwrap()
}

#[test]
fn the_journal_of_a_run_is_told() {
    let installation = Installation::one_topic("inspected", 1, "");
    let print = |arguments: &[&str]| {
        let arguments = [&["--partition", "0"][..], arguments].concat();
        let (status, printed, errors) = inspect(&installation, &arguments, "");
        assert_eq!(status, Some(0), "{errors}");
        printed
    };
    let (status, _, errors) = inspect(&installation, &["--partition", "0"], "");
    assert_eq!(status, Some(1));
    assert!(
        errors.contains("-journal` (topics.journal) does not exist"),
        "{errors}"
    );

    let mut running = installation.run();
    let at = minutes_ago(5);
    for n in 0..3 {
        let value = call(&format!("call-{n}"), "13900000001", "10010", &at);
        installation.produce("cdr", [NewRecord::new("13900000001", value)]);
        installation.wait_processed(&mut running);
    }
    // While it runs.
    let lines = objects(&print(&["--json"]));
    assert_eq!(installation.members().len(), 1, "nobody else has joined");
    let topic = installation.topic("cdr");
    let (mut seq, mut next, mut said) = (0, 0, 0);
    for line in &lines {
        let entry = &line["entry"];
        seq += 1;
        assert_eq!(line["seq"], seq);
        assert_eq!(line["writer"], lines[0]["writer"]);
        said += entry["said_records"].as_u64().unwrap();
        if let Some(applied) = entry["topics"].get(&topic) {
            assert_eq!(applied["from"], next);
            assert_eq!(applied["records"], entry["records"]);
            next = applied["to"].as_i64().unwrap();
        }
    }
    assert_eq!(next, 3, "every record is in an entry: {lines:?}");
    assert_eq!(lines[0]["entry"]["rules"].as_array().unwrap().len(), 1);
    let outputs = ["tasks", "signals", "dead_letters"];
    let written: usize = outputs.map(|key| installation.read(key).len()).iter().sum();
    assert_eq!(said as usize, written);

    running.process.signal(Signal::Term);
    assert!(running.process.wait().success());
    let lines = objects(&print(&["--json"]));
    let last = lines.last().unwrap();
    let snapshot = &last["snapshot"];
    assert_eq!(snapshot["subscribers"], 1);
    assert_eq!(snapshot["next_offsets"][&topic], 3);
    assert_eq!(snapshot["parts"].as_array().unwrap().len(), 1);
    let text = print(&["--from", "2"]);
    assert!(text.lines().all(|line| !line.contains("  seq 1  ")));
    assert!(text.lines().last().unwrap().contains("SNAPSHOT of 20"));
    assert!(
        text.contains(&format!("{topic} 1..2 (1 records)")),
        "{text}"
    );
    assert_eq!(print(&["--limit", "2"]).lines().count(), 2);
    assert!(!print(&[]).contains("13900000001"));

    let (status, _, errors) = inspect(&installation, &["--partition", "1"], "");
    assert_eq!(status, Some(1));
    assert!(errors.contains("has no partition 1"), "{errors}");

    // The snapshot that the journal names is there.
    let config = installation.config();
    let mut snapshots = Process::start([
        "inspect",
        "snapshots",
        "--json",
        "--config",
        config.to_str().unwrap(),
    ]);
    assert_eq!(snapshots.wait().code(), Some(0), "{}", snapshots.stderr());
    let parts = objects(&snapshots.stdout());
    assert_eq!(parts.len(), 1);
    assert_eq!(parts[0]["key"], snapshot["parts"][0]["key"]);
}

#[test]
fn a_topic_of_others_is_refused_and_an_open_transaction_is_not_waited_for() {
    let installation = Installation::one_topic("foreign", 1, "");
    let topic = format!("{}-others", installation.group);
    installation.client.create_topic(&topic, 1, &[]);
    let producer = installation.client.open_transaction(&topic);
    let (status, printed, errors) = inspect(&installation, &["--partition", "0"], &topic);
    assert_eq!((status, printed.as_str()), (Some(0), ""));
    assert!(
        errors.contains("holds nothing that is committed"),
        "{errors}"
    );

    producer.commit_transaction(PATIENCE).unwrap();
    let (status, _, errors) = inspect(&installation, &["--partition", "0"], &topic);
    assert_eq!(status, Some(1));
    assert!(
        errors.contains(&format!(
            "topic `{topic}` (topics.journal) partition 0 offset 0"
        )) && errors.contains("belongs to another application"),
        "{errors}"
    );
}
