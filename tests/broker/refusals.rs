//! State that cannot be trusted is not gone on with: the program says what is wrong, where, and what to do.

use std::fs;

use crate::support::client::NewRecord;
use crate::support::installation::{Installation, Running, call, minutes_ago, wait_records};
use crate::support::process::{Process, Signal};

const HOTLINE: &str = "10000";
/// What the program asks of a journal that it did not create.
const JOURNAL: &[(&str, &str)] = &[("retention.ms", "-1"), ("retention.bytes", "-1")];

/// The program's last words when it does not start. `check --connect` says the same.
fn refusal(installation: &Installation, environment: &[(&str, &str)]) -> String {
    let checked = last_words(installation, &["check", "--connect"], environment);
    let said = last_words(installation, &["run"], environment);
    let problems = checked
        .lines()
        .filter_map(|line| line.strip_prefix("error: "));
    for problem in problems {
        assert!(said.contains(problem), "`{problem}` is not in: {said}");
    }
    said
}

fn last_words(
    installation: &Installation,
    command: &[&str],
    environment: &[(&str, &str)],
) -> String {
    let config = installation.config();
    let arguments = [command, &["--config", config.to_str().unwrap()]].concat();
    let mut process = Process::start_with(arguments, environment);
    let status = process.wait();
    assert_eq!(status.code(), Some(1), "{command:?} {}", process.stderr());
    process.stderr()
}

fn assert_says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
}

/// Runs until a subscriber's call has become a task, and stops it, which leaves a snapshot.
fn live_once(installation: &Installation, number: usize) {
    let mut running = installation.run();
    work(installation, &mut running, number);
    running.process.signal(Signal::Term);
    assert!(running.process.wait().success());
}

fn work(installation: &Installation, running: &mut Running, number: usize) {
    let msisdn = format!("1380000{number:04}");
    let record = call(&number.to_string(), &msisdn, HOTLINE, &minutes_ago(5));
    installation.produce("cdr", [installation.keyed(&msisdn, record)]);
    wait_records(installation, running, "tasks", number);
}

fn with_journal(name: &str, partitions: i32) -> Installation {
    let installation = Installation::one_topic(name, 1, "");
    let client = &installation.client;
    client.create_topic(&installation.journal(), partitions, JOURNAL);
    installation
}

#[test]
fn a_journal_of_another_application() {
    let installation = with_journal("foreign", 1);
    let journal = installation.journal();
    let record = NewRecord::new("k", r#"{"somebody":"else"}"#).on(0);
    installation.client.produce(&journal, [record]);
    let said = refusal(&installation, &[]);
    let wanted = [
        &*journal,
        "not a churnwatch journal record",
        "topics.journal",
    ];
    assert_says(&said, &wanted);
}

#[test]
fn a_journal_of_a_newer_version() {
    let installation = with_journal("newer", 1);
    let journal = installation.journal();
    let record = NewRecord::new("k", "CWJ9 whatever").on(0);
    installation.client.produce(&journal, [record]);
    assert_says(&refusal(&installation, &[]), &[&*journal, "newer version"]);
}

#[test]
fn a_journal_of_another_group() {
    let theirs = Installation::one_topic("theirs", 1, "");
    live_once(&theirs, 1);
    let ours = Installation::one_topic("ours", 1, "");
    let journal = theirs.journal();
    let said = refusal(&ours, &[("CHURNWATCH_TOPICS__JOURNAL", &journal)]);
    assert_says(&said, &[&*journal, &*theirs.group, "topics.journal"]);
}

#[test]
fn a_group_that_began_with_other_topics() {
    let installation = Installation::one_topic("others", 1, "");
    live_once(&installation, 1);
    let topic = format!("{}-new", installation.group);
    installation.client.create_topic(&topic, 1, &[]);
    let said = refusal(&installation, &[("CHURNWATCH_TOPICS__CDR", &topic)]);
    assert_says(&said, &["none for this one", "kafka.group"]);
    let feeds = [
        "CDR",
        "BILLING",
        "SUBSCRIBER",
        "SERVICE",
        "OUTCOME",
        "GROUP",
    ];
    let keys = feeds.map(|feed| format!("CHURNWATCH_TOPICS__{feed}"));
    let all: Vec<(&str, &str)> = keys.iter().map(|key| (&**key, &*topic)).collect();
    let said = refusal(&installation, &all);
    assert_says(&said, &["the state was built from topics", "kafka.group"]);
}

#[test]
fn partition_mismatch_of_the_journal() {
    let installation = with_journal("counts", 3);
    let said = refusal(&installation, &[]);
    assert_says(&said, &[&*installation.journal(), "3", "1"]);
}

#[test]
fn a_journal_that_was_deleted() {
    let installation = Installation::one_topic("deleted", 1, "");
    live_once(&installation, 1);
    installation.client.delete_topic(&installation.journal());
    let said = refusal(&installation, &[]);
    assert_says(&said, &["journal is empty", "state.start_without_state"]);
    // Told so, it goes on with empty windows.
    let mut running = installation.run_with(&[("CHURNWATCH_STATE__START_WITHOUT_STATE", "true")]);
    work(&installation, &mut running, 2);
}

#[test]
fn snapshots_that_are_gone() {
    let installation = Installation::one_topic("gone", 1, "state.snapshots_kept = 1\n");
    let snapshots = installation.folder().join("snapshots");
    live_once(&installation, 1);
    fs::remove_dir_all(&snapshots).unwrap();
    // The journal still goes back to its first entry.
    live_once(&installation, 2);
    // A program that stops does not wait long for a busy broker to delete what no snapshot needs.
    let trimmed = (3..10).any(|number| {
        live_once(&installation, number);
        installation.client.first_offset(&installation.journal(), 0) > 0
    });
    assert!(trimmed, "the journal still goes back to its first entry");
    fs::remove_dir_all(&snapshots).unwrap();
    let said = last_words(&installation, &["run"], &[]);
    let wanted = [
        &*installation.journal(),
        "no snapshot can be read",
        "state.snapshots",
    ];
    assert_says(&said, &wanted);
}

#[test]
fn a_snapshot_that_is_damaged_is_passed_over() {
    let installation = Installation::one_topic("damaged", 1, "");
    live_once(&installation, 1);
    live_once(&installation, 2);
    let folder = installation.folder().join("snapshots");
    let folder = folder.join(&installation.group).join("0");
    let parts = fs::read_dir(&folder).unwrap();
    let newest = parts.map(|part| part.unwrap().path()).max().unwrap();
    let mut bytes = fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&newest, bytes).unwrap();
    let mut running = installation.run();
    work(&installation, &mut running, 3);
    let refused = [("outcome", "refused")];
    let metrics = running.metrics();
    assert_eq!(
        metrics.value("churnwatch_snapshots_total", &refused),
        Some(1.0)
    );
    assert!(running.process.stderr().contains("the one before is tried"));
}
