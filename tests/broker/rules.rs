//! Rules change while it runs: a replay applies to every record the rules that were in force for it.

use std::collections::BTreeMap;
use std::fs;

use crate::support::installation::{
    Installation, Running, call, minutes_ago, replayed, wait_records,
};
use crate::support::process::Signal;

/// A competitor's hotline: a call to it opens a task at once.
const HOTLINE: &str = "10000";
/// Subscribers of each chapter.
const CHAPTER: usize = 5;
/// Everything is replayed from the journal's first entry.
const NO_SNAPSHOTS: &str = "run.instance_id = \"one\"\nstate.snapshot_interval_seconds = 86400\n";

/// Subscribers call the hotline, and each gets a task. Returns the version of the rules in these tasks.
fn chapter(installation: &Installation, running: &mut Running, number: usize) -> String {
    let calls = (0..CHAPTER).map(|caller| {
        let msisdn = format!("138{number:04}{caller:04}");
        let at = minutes_ago(60);
        installation.keyed(
            &msisdn,
            call(&format!("{number}-{caller}"), &msisdn, HOTLINE, &at),
        )
    });
    let calls: Vec<_> = calls.collect();
    installation.produce("cdr", calls);
    let tasks = wait_records(installation, running, "tasks", number * CHAPTER);
    assert_eq!(tasks.len(), number * CHAPTER, "one task for each");
    let begins = format!("86138{number:04}");
    let mut versions = BTreeMap::new();
    for task in &tasks {
        let task: serde_json::Value = serde_json::from_str(task.text()).unwrap();
        if task["msisdn"].as_str().unwrap().starts_with(&begins) {
            let version = task["rules_version"].as_str().unwrap().to_owned();
            *versions.entry(version).or_insert(0) += 1;
        }
    }
    assert_eq!(versions.len(), 1, "{versions:?}");
    versions.into_keys().next().unwrap()
}

/// Kills it, starts it again with some environment, and makes sure that it replayed everything so far.
fn again(
    installation: &Installation,
    mut running: Running,
    records: usize,
    environment: &[(&str, &str)],
) -> Running {
    running.process.signal(Signal::Kill);
    running.process.wait();
    let mut running = installation.run_with(environment);
    running.wait_ready();
    let replayed = replayed(&running.process.stderr());
    assert_eq!(replayed, records as u64);
    running
}

#[test]
fn rules_changed_by_sighup() {
    let installation = Installation::one_topic("rules", 2, NO_SNAPSHOTS);
    let other: &[(&str, &str)] = &[("CHURNWATCH_POLICY__TASK_DAYS", "9")];
    let mut running = installation.run();
    let first = chapter(&installation, &mut running, 1);

    let mut running = again(&installation, running, CHAPTER, other);
    let second = chapter(&installation, &mut running, 2);
    assert_ne!(first, second);

    let mut running = again(&installation, running, 2 * CHAPTER, &[]);
    assert_eq!(chapter(&installation, &mut running, 3), first);

    // Without a restart.
    let text = fs::read_to_string(installation.config()).unwrap();
    fs::write(
        installation.config(),
        format!("policy.task_days = 11\n{text}"),
    )
    .unwrap();
    running.process.signal(Signal::Hup);
    running
        .process
        .wait_for("other rules are in force", |process| {
            process
                .stderr()
                .contains("other rules are in force")
                .then_some(())
        });
    let fourth = chapter(&installation, &mut running, 4);
    assert!(fourth != first && fourth != second, "{fourth}");

    let mut running = again(&installation, running, 4 * CHAPTER, &[]);
    assert_eq!(chapter(&installation, &mut running, 5), fourth);
}

#[test]
fn broken_rules_leave_those_in_force() {
    let installation = Installation::one_topic("broken", 1, NO_SNAPSHOTS);
    let mut running = installation.run();
    let first = chapter(&installation, &mut running, 1);
    let text = fs::read_to_string(installation.config()).unwrap();
    fs::write(
        installation.config(),
        format!("policy.task_day = 11\n{text}"),
    )
    .unwrap();
    running.process.signal(Signal::Hup);
    running
        .process
        .wait_for("the problem is logged", |process| {
            let log = process.stderr();
            (log.contains("nothing is changed") && log.contains("task_day")).then_some(())
        });
    assert_eq!(chapter(&installation, &mut running, 2), first);
}
