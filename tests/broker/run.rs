//! How `run` lives and ends: latency of a commit, what it says about subscribers, and how it stops.

use crate::support::client::ReadRecord;
use crate::support::http::get;
use crate::support::installation::{
    Installation, Running, call, minutes_ago, replayed, wait_records,
};
use crate::support::process::Signal;
use crate::support::wait_for;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

#[test]
fn commit_latency_guard() {
    let installation = Installation::new("latency", 1, "");
    let mut running = installation.run();
    let rounds = 20;
    for round in 1..=rounds {
        let record = installation.keyed("x", format!("unreadable {round}"));
        installation.produce("cdr", [record]);
        let end = installation.length("cdr");
        let what = format!("round {round} is committed");
        let through = |_: &_| (installation.committed("cdr") == end).then_some(());
        running.process.wait_for(&what, through);
    }
    let metrics = running.metrics();
    let commits = metrics.sum("churnwatch_commits_total", &[("outcome", "committed")]);
    let polls = metrics.value("churnwatch_commit_polls_total", &[]).unwrap();
    assert!(
        commits >= rounds as f64,
        "each round has its own transaction, but there were {commits}"
    );
    // There is a poll every half millisecond. The client's own flush would wait a hundred.
    assert!(
        polls >= 1.0 && polls / commits < 100.0,
        "{polls} polls in {commits} commits"
    );
}

#[test]
fn sigterm_drain() {
    // One worker: of two, one may still be restoring what the other gave up when the signal comes, and then there is
    // something left to replay.
    let installation = Installation::new("drain", 4, "run.batch_records_max = 500\n");
    let total = 60_000;
    let at = minutes_ago(5);
    let records = (0..total).map(|n: i64| {
        let msisdn = format!("136{:08}", n % 1000);
        // Every tenth is refused, so that there is output to commit.
        let value = match n % 10 {
            0 => format!("unreadable {n}"),
            _ => call(&format!("drain-{n}"), &msisdn, "13800138000", &at),
        };
        installation.keyed(&msisdn, value)
    });
    installation.produce("cdr", records);
    let mut running = installation.run_unready();
    running.wait_received(2_000);
    running.process.signal(Signal::Term);
    assert_eq!(running.process.wait().code(), Some(0));

    let committed = installation.committed("cdr");
    assert!(
        (1..total).contains(&committed),
        "it was stopped under load, at {committed} of {total}"
    );
    let processed: i64 = processed(&running.process.stderr());
    assert_eq!(
        processed, committed,
        "nothing processed is left to be processed again"
    );
    assert_eq!(installation.members().len(), 0, "members left in the group");

    // The next start goes on exactly there, with nothing to replay.
    let mut running = installation.run_with(&[]);
    running.wait_ready();
    assert_eq!(replayed(&running.process.stderr()), 0);
    installation.wait_processed(&mut running);
    let counts = running.counts();
    assert_eq!(
        counts.values().sum::<u64>() as i64,
        total - committed,
        "{counts:?}"
    );
    assert_eq!(installation.read("dead_letters").len() as i64, total / 10);
}

/// Records processed by all workers, as they say at their end.
fn processed(log: &str) -> i64 {
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    lines
        .filter_map(|line| line["records_processed"].as_i64())
        .sum()
}

#[test]
fn privacy_canary() {
    let installation = Installation::new("canary", 2, "log.level = \"trace,hyper=info\"\n");
    let subscriber = |n: usize| format!("1357913{n:04}");
    let other = "13864209753";
    let at = minutes_ago(5);
    let mut records = Vec::new();
    for n in 0..40 {
        let msisdn = subscriber(n);
        // Good ones, some of them calling a competitor; bad ones with the number in key, value, or both.
        let called = if n % 2 == 0 { "10010" } else { other };
        records
            .push(installation.keyed(&msisdn, call(&format!("canary-{n}"), &msisdn, called, &at)));
        records.push(installation.keyed(
            &msisdn,
            format!("{{\"msisdn\":\"{msisdn}\",\"other_number\":\"{other}\""),
        ));
        records.push(installation.keyed(
            &msisdn,
            call("canary", &format!("{msisdn}{msisdn}{msisdn}"), other, &at),
        ));
        records.push(installation.keyed("elsewhere", call("canary", &msisdn, other, &at)));
    }
    installation.produce("cdr", records);
    let mut running = installation.run();
    installation.wait_processed(&mut running);
    let pages: Vec<String> = ["/metrics", "/healthz", "/readyz", "/", "/nothing"]
        .iter()
        .map(|path| get(running.address, path).unwrap().body)
        .collect();
    running.process.signal(Signal::Term);
    assert!(running.process.wait().success());

    // The numbers did come through: the output topics, which may show the subscriber's, do so.
    let dead = installation.read("dead_letters");
    assert_eq!(dead.len(), 3 * 40);
    let mut tasks = installation.read("tasks");
    tasks.extend(installation.read("signals"));
    assert!(tasks.len() >= 20, "{} tasks and signals", tasks.len());
    for task in &tasks {
        assert!(
            task.text().contains("1357913"),
            "a task names its subscriber"
        );
        assert!(
            !task.text().contains(other),
            "a task shows a counterparty: {}",
            task.text()
        );
    }
    let written = [running.process.stdout(), running.process.stderr()];
    for text in pages.iter().chain(&written) {
        for n in 0..40 {
            assert!(
                !text.contains(&subscriber(n)),
                "a subscriber's number is in\n{text}"
            );
        }
        assert!(
            !text.contains(other),
            "a counterparty's number is in\n{text}"
        );
    }
}

#[test]
fn state_survives_an_end_of_any_kind() {
    let installation = Installation::new("survives", 2, "");
    let msisdn = "13500000001";
    let hotline = |record_id: &str| {
        let call = call(record_id, msisdn, "10010", &minutes_ago(3));
        installation.keyed(msisdn, call)
    };
    let mut running = installation.run();
    installation.produce("cdr", [hotline("first")]);
    let tasks = wait_records(&installation, &mut running, "tasks", 1);
    let task: Value = serde_json::from_str(tasks[0].text()).unwrap();
    assert_eq!(task["status"], "open");

    for (signal, record_id) in [(Signal::Term, "second"), (Signal::Kill, "third")] {
        running.process.signal(signal);
        running.process.wait();
        running = installation.run();
        assert_eq!(
            running.metrics().sum("churnwatch_subscribers", &[]),
            1.0,
            "{signal:?}"
        );
        assert_eq!(
            running.metrics().sum("churnwatch_open_tasks", &[]),
            1.0,
            "{signal:?}"
        );
        // The same record once more is known, and another call opens no second task.
        installation.produce("cdr", [hotline("first"), hotline(record_id)]);
        installation.wait_processed(&mut running);
        let counts = running.counts();
        assert_eq!(
            (counts["duplicate"], counts["applied"]),
            (1, 1),
            "{signal:?}: {counts:?}"
        );
    }
    for task in installation.read("tasks") {
        let later: Value = serde_json::from_str(task.text()).unwrap();
        assert_eq!(later["task_id"], task_id(&tasks[0]), "{later}");
    }
    let opened = installation
        .read("tasks")
        .into_iter()
        .filter(|task| serde_json::from_str::<Value>(task.text()).unwrap()["status"] == "open");
    assert_eq!(opened.count(), 1);
}

fn task_id(task: &ReadRecord) -> Value {
    serde_json::from_str::<Value>(task.text()).unwrap()["task_id"].clone()
}

#[test]
fn partitions_move_between_processes_without_loss_or_repeat() {
    let installation = Installation::new("moved", 6, "run.batch_records_max = 200\n");
    let at = minutes_ago(5);
    let subscribers = 3_000;
    // In each round a subscriber calls a competitor once, and every fourth record is unreadable.
    let round = |round: usize| {
        let record = |n: usize| {
            let msisdn = format!("134{n:08}");
            let value = match n % 4 {
                0 => format!("unreadable {round} {n}"),
                _ => call(&format!("moved-{round}-{n}"), &msisdn, "10010", &at),
            };
            installation.keyed(&msisdn, value)
        };
        let records: Vec<_> = (0..subscribers).map(record).collect();
        installation.produce("cdr", records);
    };
    round(0);
    let mut first = installation.run_as("first");
    first.wait_received(500);
    let mut second = installation.run_as("second");
    round(1);
    second.wait_received(500);
    let opened = |running: &Running| {
        let labels = [("outcome", "opened")];
        let metrics = running.metrics();
        metrics.sum("churnwatch_task_outcomes_total", &labels)
    };
    let tasks = (3 * subscribers / 4) as f64;
    wait_for("every task counts once, wherever its partition is", || {
        (opened(&first) + opened(&second) == tasks).then_some(())
    });
    assert!(opened(&second) > 0.0, "also those of before it joined");
    round(2);
    second.process.signal(Signal::Term);
    assert!(
        second.process.wait().success(),
        "it leaves cleanly under load"
    );
    installation.wait_processed(&mut first);
    wait_for("every task counts where all partitions are now", || {
        (opened(&first) == tasks).then_some(())
    });
    first.process.signal(Signal::Kill);
    first.process.wait();
    let mut first = installation.run_as("first");
    wait_for("every task still counts after a crash", || {
        (opened(&first) == tasks).then_some(())
    });
    first.wait_ready();

    let dead = installation.read("dead_letters");
    let texts: BTreeSet<&str> = dead.iter().map(|letter| letter.text()).collect();
    assert_eq!(texts.len(), 3 * subscribers / 4, "every unreadable record");
    assert_eq!(dead.len(), texts.len(), "once");
    let mut opened = BTreeMap::new();
    let calls = installation.read("cdr").into_iter();
    let places: BTreeMap<_, _> = calls
        .map(|call| (call.key.unwrap(), call.partition))
        .collect();
    for record in installation.read("tasks") {
        let task: Value = serde_json::from_str(record.text()).unwrap();
        let msisdn = task["msisdn"].as_str().unwrap().to_owned();
        // Named in full, and in the partition of the records, whose keys are national.
        assert_eq!(record.key.as_deref(), Some(msisdn.as_bytes()));
        let national = msisdn.strip_prefix("86").unwrap();
        assert_eq!(record.partition, places[national.as_bytes()]);
        if task["status"] == "open" {
            *opened.entry(msisdn).or_insert(0) += 1;
        }
    }
    assert_eq!(
        opened.len(),
        3 * subscribers / 4,
        "every subscriber who called"
    );
    assert!(opened.values().all(|count| *count == 1), "has one task");
    let log = first.process.stderr() + &second.process.stderr();
    assert!(!log.contains("starts over"), "{log}");
}
