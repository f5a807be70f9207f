//! Members of a group in several partitions, on a real broker: one task for all of them.

use serde_json::Value;
use std::collections::BTreeMap;

use churnwatch::kafka::partition_of;

use crate::support::installation::{Installation, call, minutes_ago};
use crate::support::process::Signal;

const PARTITIONS: i32 = 3;

/// One number in each partition.
fn members() -> Vec<String> {
    let numbers = (0..).map(|n| format!("86138{n:08}"));
    let mut of = BTreeMap::new();
    for number in numbers {
        of.entry(partition_of(number.as_bytes(), PARTITIONS))
            .or_insert(number);
        if of.len() == PARTITIONS as usize {
            break;
        }
    }
    of.into_values().collect()
}

/// The last revision of each task.
fn tasks(installation: &Installation) -> Vec<Value> {
    let mut last = BTreeMap::new();
    for record in installation.read("tasks") {
        let task: Value = serde_json::from_str(record.text()).unwrap();
        last.insert(task["task_id"].as_str().unwrap().to_owned(), task);
    }
    last.into_values().collect()
}

fn asks(installation: &Installation, who: &str) {
    let value = call(&format!("ask-{who}"), who, "10010", &minutes_ago(1));
    installation.produce("cdr", [installation.keyed(who, value)]);
}

#[test]
fn members_of_three_partitions_have_one_task_though_the_detector_is_killed() {
    let installation = Installation::new("groups", PARTITIONS, "");
    let members = members();
    let mut running = installation.run();
    for (n, who) in members.iter().enumerate() {
        let at = minutes_ago(10);
        let value = format!(
            r#"{{"record_id":"p-{who}","record_type":"profile","msisdn":"{who}","event_timestamp":"{at}","group_id":"G-7","group_manager":"GM-1","group_size":40,"avg_monthly_spend":{}}}"#,
            100 + n
        );
        installation.produce("subscriber", [installation.keyed(who, value)]);
    }
    installation.wait_processed(&mut running);
    for who in &members[..2] {
        asks(&installation, who);
    }
    running.process.wait_for("two tasks are open", |_| {
        (tasks(&installation).len() == 2).then_some(())
    });
    running.process.signal(Signal::Kill);
    running.process.wait();
    let mut running = installation.run();
    asks(&installation, &members[2]);
    running.process.wait_for("one task is open", |_| {
        let tasks = tasks(&installation);
        let closed = tasks.iter().filter(|task| task["status"] == "closed");
        (tasks.len() == 3 && closed.count() == 2).then_some(())
    });
    installation.wait_processed(&mut running);
    for task in tasks(&installation) {
        let lead = task["msisdn"] == *members[2];
        if lead {
            let listed = task["group"]["members"].as_array().unwrap().iter();
            let listed: Vec<_> = listed.map(|member| &member["msisdn"]).collect();
            assert_eq!(listed, members.iter().rev().collect::<Vec<_>>());
            assert_eq!(task["assignee"]["account_manager"], "GM-1");
            assert_eq!(task["group"]["head_count"], 40);
        } else {
            assert_eq!(task["close_reason"], "group", "{task}");
        }
    }
    let told = installation.read("group");
    let of = |kind: &str| {
        let named = |record: &&_| -> bool {
            let record: &crate::support::client::ReadRecord = record;
            record.text().contains(&format!("\"{kind}\""))
        };
        told.iter().filter(named).count()
    };
    assert_eq!(
        [of("member_signal"), of("group_alert"), of("group_covered")],
        [3, 1, 2]
    );
    running.process.signal(Signal::Term);
    running.process.wait();
}
