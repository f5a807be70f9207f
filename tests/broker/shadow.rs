//! Rules on trial in a running process: they come, change and go by SIGHUP and restarts, and everything that they say lies
//! in their own topic, once.

use std::collections::BTreeSet;
use std::fs;

use crate::support::client::ReadRecord;
use crate::support::installation::{
    Installation, Running, call, minutes_ago, replayed, wait_records,
};
use crate::support::process::Signal;
use serde_json::Value;

/// A competitor's hotline: a call to it fires at once.
const HOTLINE: &str = "10000";
/// Subscribers of each chapter.
const CHAPTER: usize = 5;
/// Everything is replayed from the journal's first entry.
const NO_SNAPSHOTS: &str = "run.instance_id = \"one\"\nstate.snapshot_interval_seconds = 86400\n";

/// Puts rules on trial, under which a call has a strength; nothing ends the trial.
fn try_out(installation: &Installation, strength: Option<f64>) {
    let trial = installation.folder().join("trial.toml");
    let text = fs::read_to_string(installation.config()).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.retain(|line| !line.starts_with("shadow.rules"));
    let named = format!("shadow.rules = {:?}", trial.to_str().unwrap());
    if let Some(strength) = strength {
        let rules = format!("[triggers.competitor_hotline]\nstrengths = [{strength:?}]\n");
        fs::write(&trial, rules).unwrap();
        lines.insert(0, &named);
    }
    fs::write(installation.config(), lines.join("\n")).unwrap();
}

/// Subscribers call the hotline, and each gets a task.
fn chapter(installation: &Installation, running: &mut Running, number: usize) {
    let calls = (0..CHAPTER).map(|caller| {
        let msisdn = format!("138{number:04}{caller:04}");
        let record = format!("{number}-{caller}");
        let value = call(&record, &msisdn, HOTLINE, &minutes_ago(60));
        installation.keyed(&msisdn, value)
    });
    let calls: Vec<_> = calls.collect();
    installation.produce("cdr", calls);
    let tasks = wait_records(installation, running, "tasks", number * CHAPTER);
    assert_eq!(tasks.len(), number * CHAPTER, "one task for each");
    let signals = installation.read("signals");
    assert_eq!(signals.len(), number * CHAPTER, "one signal for each");
}

/// What was said on trial of a chapter's subscribers: the strengths, and the version of the rules.
fn on_trial(installation: &Installation, number: usize) -> (Vec<f64>, BTreeSet<String>) {
    let (mut strengths, mut versions) = (Vec::new(), BTreeSet::new());
    for record in installation.read("shadow_signals") {
        let signal: Value = serde_json::from_str(record.text()).unwrap();
        let msisdn = signal["msisdn"].as_str().unwrap();
        if msisdn.starts_with(&format!("86138{number:04}")) {
            strengths.push(signal["strength"].as_f64().unwrap());
            versions.insert(signal["rules_version"].as_str().unwrap().to_owned());
        }
    }
    (strengths, versions)
}

/// Asks for the rules to be read again, and waits for what the log says then.
fn hang_up(running: &mut Running, says: &str) {
    let before = running.process.stderr().len();
    running.process.signal(Signal::Hup);
    running.process.wait_for(says, |process| {
        let log = process.stderr();
        log[before..].contains(says).then_some(())
    });
}

/// Kills it, starts it again, and makes sure that it replayed everything so far.
fn again(installation: &Installation, mut running: Running, records: usize) -> Running {
    running.process.signal(Signal::Kill);
    running.process.wait();
    let mut running = installation.run();
    running.wait_ready();
    assert_eq!(replayed(&running.process.stderr()), records as u64);
    running
}

#[test]
fn signals_of_rules_on_trial_lie_in_their_topic_once() {
    const IN_FORCE: &str = "other rules are in force";
    let installation = Installation::one_topic("shadow", 2, NO_SNAPSHOTS);
    let mut running = installation.run();
    chapter(&installation, &mut running, 1);

    try_out(&installation, Some(0.5));
    hang_up(&mut running, IN_FORCE);
    chapter(&installation, &mut running, 2);

    try_out(&installation, Some(0.9));
    let mut running = again(&installation, running, 2 * CHAPTER);
    chapter(&installation, &mut running, 3);

    try_out(&installation, Some(0.7));
    hang_up(&mut running, IN_FORCE);
    chapter(&installation, &mut running, 4);
    // Of this process; what was replayed is not counted again.
    let metrics = running.metrics();
    let counted = |name: &str| metrics.sum(name, &[("trigger", "competitor_hotline")]);
    let burden = metrics.sum(
        "churnwatch_shadow_signals_total",
        &[("suppression", "none")],
    );
    assert_eq!(burden, 2.0 * CHAPTER as f64);
    assert_eq!(counted("churnwatch_shadow_signals_total"), burden);
    assert_eq!(counted("churnwatch_signals_total"), burden);

    let mut running = again(&installation, running, 4 * CHAPTER);
    try_out(&installation, None);
    hang_up(&mut running, IN_FORCE);
    chapter(&installation, &mut running, 5);
    let mut running = again(&installation, running, 5 * CHAPTER);
    running.process.signal(Signal::Term);
    assert!(running.process.wait().success());

    let said: Vec<ReadRecord> = installation.read("shadow_signals");
    assert_eq!(said.len(), 3 * CHAPTER);
    let mut versions = BTreeSet::new();
    for (number, strength) in [(2, 0.5), (3, 0.9), (4, 0.7)] {
        let (strengths, version) = on_trial(&installation, number);
        assert_eq!(strengths, [strength; CHAPTER], "chapter {number}");
        assert_eq!(version.len(), 1, "chapter {number}");
        versions.extend(version);
    }
    assert_eq!(versions.len(), 3, "{versions:?}");
    let mut ids = BTreeSet::new();
    for record in &said {
        let signal: Value = serde_json::from_str(record.text()).unwrap();
        assert_eq!(signal["shadow"], true);
        let kind = record.header("ce_type");
        assert_eq!(kind, Some("churnwatch.shadow-signal.v1"));
        let key = record.key.as_deref().unwrap();
        assert_eq!(key, signal["msisdn"].as_str().unwrap().as_bytes());
        assert!(ids.insert(signal["signal_id"].to_string()), "{signal}");
    }
    for key in ["tasks", "signals"] {
        for record in installation.read(key) {
            assert!(!record.text().contains("\"shadow\""), "{}", record.text());
        }
    }
}

#[test]
fn rules_on_trial_need_their_topic() {
    let installation = Installation::one_topic("untopical", 1, NO_SNAPSHOTS);
    let environment: &[(&str, &str)] = &[("CHURNWATCH_TOPICS__SHADOW_SIGNALS", "no-such-topic")];
    let mut running = installation.run_with(environment);
    running.wait_ready();
    try_out(&installation, Some(0.5));
    hang_up(
        &mut running,
        "topic `no-such-topic` (topics.shadow_signals) does not exist",
    );
    assert!(running.process.stderr().contains("nothing is changed"));
    chapter(&installation, &mut running, 1);
    // A start under such rules looks as well.
    running.process.signal(Signal::Term);
    assert!(running.process.wait().success());
    let config = installation.config();
    let mut refused = crate::support::process::Process::start_with(
        ["run", "--config", config.to_str().unwrap()],
        environment,
    );
    assert_eq!(refused.wait().code(), Some(1));
    let error = refused.stderr();
    assert!(error.contains("no-such-topic"), "{error}");
}
