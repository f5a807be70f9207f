//! `simulate`, `detect` and `demo` as a new user runs them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::support::process::{Process, Signal};
use churnwatch::runtime::clock::Stopwatch;
use serde_json::Value;

fn simulate(out: &Path, more: &[&str]) {
    let mut args = vec![
        "simulate",
        "--subscribers",
        "150",
        "--days",
        "45",
        "--seed",
        "3",
    ];
    args.extend(["--out", out.to_str().unwrap()]);
    args.extend(more);
    let mut process = Process::start(args);
    assert_eq!(process.wait().code(), Some(0), "{}", process.stderr());
}

fn lines(path: &Path) -> Vec<Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The number behind a name in a summary.
fn figure(summary: &str, name: &str) -> u64 {
    let line = summary
        .lines()
        .find(|line| line.trim_start().starts_with(name));
    let line = line.unwrap_or_else(|| panic!("no {name} in\n{summary}"));
    let number = line.split_whitespace().last().unwrap();
    number.replace(',', "").parse().unwrap()
}

#[test]
fn detect_finds_signals_and_accounts_for_every_record() {
    let folder = tempfile::tempdir().unwrap();
    simulate(folder.path(), &["--set", "churn.scale=5"]);
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (events, tasks, signals) = (path("events.ndjson.zst"), path("tasks"), path("signals"));
    let rejected = path("rejected");
    let mut detect = Process::start([
        "detect",
        &events,
        "--finish",
        "--tasks",
        &tasks,
        "--signals",
        &signals,
        "--dead-letters",
        &rejected,
    ]);
    assert_eq!(detect.wait().code(), Some(3), "some records are rejected");
    let summary = detect.stderr();
    let truth: Value =
        serde_json::from_str(&fs::read_to_string(path("summary.json")).unwrap()).unwrap();
    let sum: u64 = ["applied", "duplicate", "expired", "ignored", "rejected"]
        .iter()
        .map(|outcome| figure(&summary, outcome))
        .sum();
    assert_eq!(Some(sum), truth["lines"].as_u64());
    let rejected = lines(Path::new(&rejected));
    assert_eq!(rejected.len() as u64, figure(&summary, "rejected"));
    assert!(rejected.iter().all(|letter| letter["reason"].is_string()));
    let signals = lines(Path::new(&signals));
    for trigger in [
        "competitor_hotline",
        "zero_usage_days",
        "usage_drop",
        "arrears",
    ] {
        let found = signals
            .iter()
            .filter(|signal| signal["trigger"] == trigger)
            .count();
        assert_eq!(found as u64, figure(&summary, trigger), "{trigger}");
        assert!(found > 0, "{trigger}");
    }
    assert!(
        lines(Path::new(&tasks))
            .iter()
            .any(|task| task["status"] == "open")
    );
}

#[test]
fn a_clean_city_leaves_nothing_to_reject() {
    let folder = tempfile::tempdir().unwrap();
    simulate(folder.path(), &["--clean", "--plain"]);
    let events = folder.path().join("events.ndjson");
    let mut detect = Process::start(["detect", events.to_str().unwrap()]);
    assert_eq!(detect.wait().code(), Some(0), "{}", detect.stderr());
    let opened = detect
        .stdout()
        .lines()
        .filter(|line| line.contains("\"status\":\"open\""))
        .count();
    assert!(opened > 0);
    let mut missing = Process::start(["detect", "/no/such/file"]);
    assert_eq!(missing.wait().code(), Some(1));
    assert!(
        missing.stderr().contains("cannot read /no/such/file"),
        "{}",
        missing.stderr()
    );
}

#[test]
fn properties_that_the_client_does_not_take_are_explained() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("churnwatch.toml");
    for (properties, problem) in [
        ("\"security.protokol\" = \"ssl\"", "CONFIGURATION.md"),
        (
            "\"security.protocol\" = \"SASL_PLAINTEXT\"\n\"sasl.mechanism\" = \"SCRAM-SHA-512\"",
            "--features tls",
        ),
    ] {
        fs::write(&path, format!("[kafka.properties]\n{properties}\n")).unwrap();
        let mut check = Process::start(["check", "--config", path.to_str().unwrap()]);
        assert_eq!(check.wait().code(), Some(2), "{}", check.stdout());
        assert!(check.stderr().contains(problem), "{}", check.stderr());
    }
}

#[test]
fn a_file_that_is_not_there_is_named_before_any_broker_is_asked() {
    let mut produce = Process::start(["produce", "/no/such/file"]);
    assert_eq!(produce.wait().code(), Some(1));
    let errors = produce.stderr();
    assert!(errors.contains("cannot read /no/such/file"), "{errors}");
}

#[test]
fn produce_says_whom_it_asks_and_asks_once() {
    let folder = tempfile::tempdir().unwrap();
    let events = folder.path().join("events.ndjson");
    fs::write(&events, "{}\n").unwrap();
    let started = Stopwatch::start();
    let arguments = ["produce", events.to_str().unwrap()];
    let nobody = [("CHURNWATCH_KAFKA__BOOTSTRAP", "127.0.0.1:1")];
    let mut produce = Process::start_with(arguments, &nobody);
    produce.wait_for("it says whom it asks", |process| {
        let said = process.stderr();
        said.contains("asking the brokers at 127.0.0.1:1")
            .then_some(())
    });
    assert_eq!(produce.wait().code(), Some(1));
    let said = produce.stderr();
    assert!(
        said.contains("error: no answer from the brokers at 127.0.0.1:1"),
        "{said}"
    );
    assert!(started.elapsed() < Duration::from_secs(30), "{said}");
}

#[test]
fn the_demo_ends_by_itself_with_every_record_accounted_for() {
    let mut demo = Process::start([
        "demo",
        "--subscribers",
        "60",
        "--days",
        "6",
        "--day-seconds",
        "0",
        "--listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(demo.wait().code(), Some(0), "{}", demo.stderr());
    let output = demo.stdout();
    assert!(
        output.contains("Kafka broker for any client: 127.0.0.1:"),
        "{output}"
    );
    assert!(output.contains("too early to say"), "{output}");
    let (sent, taken) = (
        figure(&output, "records sent"),
        figure(&output, "records in"),
    );
    assert!(sent > 1_000);
    assert_eq!(sent, taken);
    let outcomes = [
        "applied",
        "duplicate",
        "expired",
        "ignored",
        "dead-lettered",
    ];
    assert_eq!(
        outcomes
            .iter()
            .map(|name| figure(&output, name))
            .sum::<u64>(),
        sent
    );
}

#[test]
fn the_demo_ends_cleanly_when_it_is_asked_to() {
    let mut demo = Process::start([
        "demo",
        "--subscribers",
        "60",
        "--day-seconds",
        "1",
        "--listen",
        "127.0.0.1:0",
    ]);
    demo.wait_for("the end of the warm-up", |demo| {
        demo.stdout().contains("day 29 of").then_some(())
    });
    demo.signal(Signal::Term);
    assert_eq!(demo.wait().code(), Some(0), "{}", demo.stderr());
    assert!(demo.stdout().contains("records sent"), "{}", demo.stdout());
}
