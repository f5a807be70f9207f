//! Requests to erase a subscriber, on a real broker: confirmed once whatever happens, and nothing comes back.

use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::support::installation::{Installation, Running, call, minutes_ago, wait_records};
use crate::support::process::Signal;

/// A competitor's hotline: a call to it opens a task at once.
const HOTLINE: &str = "10010";
const NUMBER: &str = "13800138000";
const PSEUDONYM: &str = "k7-Qz.93b:A";
const OTHER: &str = "13900139000";

fn hotline_call(installation: &Installation, who: &str, record: &str) {
    let value = call(record, who, HOTLINE, &minutes_ago(60));
    installation.produce("cdr", [installation.keyed(who, value)]);
}

fn erase(installation: &Installation, who: &str, request: &str) {
    let at = minutes_ago(1);
    let value = format!(
        r#"{{"record_id":"{request}","record_type":"erase","msisdn":"{who}","event_timestamp":"{at}"}}"#
    );
    installation.produce("subscriber", [installation.keyed(who, value)]);
}

/// The confirmations so far by request, each of which is there once.
fn confirmed(installation: &Installation) -> BTreeMap<String, Value> {
    let mut confirmed = BTreeMap::new();
    for record in installation.read("erasures") {
        assert_eq!(
            record.header("ce_type"),
            Some("churnwatch.erasure.v1"),
            "{record:?}"
        );
        let value: Value = serde_json::from_str(record.text()).unwrap();
        let request = String::from_utf8(record.key.clone().unwrap()).unwrap();
        assert!(!record.text().contains(NUMBER) && !record.text().contains(PSEUDONYM));
        let again = confirmed.insert(request.clone(), value);
        assert_eq!(again, None, "{request} is confirmed twice");
    }
    confirmed
}

/// Revisions of a subscriber's tasks, in order.
fn tasks(installation: &Installation, who: &str) -> Vec<Value> {
    let tasks = installation.read("tasks").into_iter();
    let tasks = tasks.map(|record| serde_json::from_str(record.text()).unwrap());
    let of = |task: &Value| task["msisdn"].as_str().unwrap().ends_with(who);
    tasks.filter(of).collect()
}

fn kill(mut running: Running, logs: &mut String) {
    running.process.signal(Signal::Kill);
    running.process.wait();
    logs.push_str(&running.process.stderr());
}

/// What `inspect subscriber` says, and whether it succeeded.
fn inspect(installation: &Installation, who: &str) -> (bool, String) {
    let config = installation.config();
    let mut process = crate::support::process::Process::start([
        "inspect",
        "subscriber",
        who,
        "--config",
        config.to_str().unwrap(),
    ]);
    let success = process.wait().success();
    (success, process.stdout() + &process.stderr())
}

/// Parts of snapshots below a folder.
fn parts(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let count = |entry: fs::DirEntry| match entry.path() {
        path if path.is_dir() => parts(&path),
        path => usize::from(path.extension().is_some_and(|end| end == "part")),
    };
    entries.map(count).sum()
}

#[test]
fn an_erased_subscriber_is_confirmed_once_and_never_comes_back() {
    // Snapshots are written when it ends only: whatever is killed replays the erasure on top of what it was before.
    let extra = "run.instance_id = \"one\"\nstate.snapshot_interval_seconds = 86400\n";
    let installation = Installation::new("erase", 2, extra);
    let mut logs = String::new();
    let mut running = installation.run();
    for (who, record) in [(NUMBER, "a"), (PSEUDONYM, "b"), (OTHER, "c")] {
        hotline_call(&installation, who, record);
    }
    wait_records(&installation, &mut running, "tasks", 3);
    // The state of before lies in snapshots.
    running.process.signal(Signal::Term);
    assert!(running.process.wait().success());
    logs.push_str(&running.process.stderr());
    assert_eq!(parts(&installation.snapshots()), 2);
    for who in [NUMBER, PSEUDONYM, OTHER] {
        assert!(inspect(&installation, who).0, "{who}");
    }

    let mut running = installation.run();
    erase(&installation, NUMBER, "request-1");
    wait_records(&installation, &mut running, "erasures", 1);
    // Killed with the erasure behind it, and killed on the way.
    kill(running, &mut logs);
    let mut running = installation.run();
    assert_eq!(running.metrics().sum("churnwatch_subscribers", &[]), 2.0);
    erase(&installation, PSEUDONYM, "request-2");
    erase(&installation, "13700137000", "request-3");
    kill(running, &mut logs);
    running = installation.run();
    wait_records(&installation, &mut running, "erasures", 3);
    kill(running, &mut logs);
    running = installation.run();
    installation.wait_processed(&mut running);
    assert_eq!(running.metrics().sum("churnwatch_subscribers", &[]), 1.0);
    assert_eq!(running.metrics().sum("churnwatch_open_tasks", &[]), 1.0);

    let confirmed = confirmed(&installation);
    let said = |request: &str| {
        let said = &confirmed[request];
        (said["known"].clone(), said["tasks_closed"].clone())
    };
    assert_eq!(confirmed.len(), 3);
    assert_eq!(said("request-1"), (true.into(), 1.into()));
    assert_eq!(said("request-2"), (true.into(), 1.into()));
    assert_eq!(said("request-3"), (false.into(), 0.into()));
    for who in [NUMBER, PSEUDONYM] {
        let tasks = tasks(&installation, who);
        let states: Vec<_> = tasks.iter().map(|task| &task["status"]).collect();
        assert_eq!(states, ["open", "closed"], "{who}");
        assert_eq!(tasks[1]["close_reason"], "erased");
        assert_eq!(
            tasks[1]["source"]["topic"],
            installation.topic("subscriber")
        );
    }
    assert_eq!(tasks(&installation, OTHER).len(), 1);

    // Whoever comes with the number now is somebody new.
    hotline_call(&installation, NUMBER, "a");
    wait_records(&installation, &mut running, "tasks", 6);
    let renewed = tasks(&installation, NUMBER);
    assert_eq!(renewed.len(), 3, "the same record again is no duplicate");
    erase(&installation, NUMBER, "request-4");
    wait_records(&installation, &mut running, "erasures", 4);
    running.process.signal(Signal::Term);
    assert!(running.process.wait().success());
    logs.push_str(&running.process.stderr());

    for who in [NUMBER, PSEUDONYM] {
        let (found, said) = inspect(&installation, who);
        assert!(!found, "{said}");
        assert!(said.contains("nothing is known of subscriber"), "{said}");
        assert!(!said.contains(who), "{said}");
        assert!(!logs.contains(who), "a log names {who}");
    }
    assert!(inspect(&installation, OTHER).0);
}
