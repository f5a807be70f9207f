//! What tasks achieve, told by a running process: the counts of each partition lie in their topic, and survive the
//! process with the state.

use crate::support::installation::{Installation, call, minutes_ago};
use crate::support::process::Signal;
use crate::support::wait_for;
use serde_json::Value;
use std::collections::BTreeMap;

const HOTLINE: &str = "10000";
const FRIEND: &str = "13712345678";
const DAY: i64 = 24 * 60;
const HALF_HELD_OUT: &str = "run.instance_id = \"one\"\nwindow.clock = \"event\"\n\
                             policy.hold_out = { share = 0.5, salt = \"spring\" }\n";

/// Some subscribers call somebody.
fn calls(installation: &Installation, people: i64, other: &str, minutes: i64) {
    let calls = (0..people).map(|caller| {
        let msisdn = format!("1380000{caller:04}");
        let value = call(
            &format!("{other}-{caller}-{minutes}"),
            &msisdn,
            other,
            &minutes_ago(minutes),
        );
        installation.keyed(&msisdn, value)
    });
    installation.produce("cdr", calls.collect::<Vec<_>>());
}

/// Those with a task and those held out, as the latest records of each key say.
fn entered(installation: &Installation) -> [u64; 2] {
    let mut latest: BTreeMap<Vec<u8>, Value> = BTreeMap::new();
    for record in installation.read("uplift") {
        let value: Value = serde_json::from_str(record.text()).unwrap();
        assert_eq!(
            record.key.as_deref(),
            Some(format!("{}/", value["partition"]).as_bytes())
        );
        latest.insert(record.key.clone().unwrap(), value);
    }
    let counts = latest
        .values()
        .flat_map(|value| value["counts"].as_array().unwrap());
    counts.fold([0, 0], |[with_task, held_out], count| {
        let of = |group: &str| count[group]["entered"].as_u64().unwrap();
        [with_task + of("with_task"), held_out + of("held_out")]
    })
}

#[test]
fn counts_of_what_tasks_achieve_are_those_of_tasks_and_signals() {
    let installation = Installation::one_topic("uplift", 2, HALF_HELD_OUT);
    let mut running = installation.run();
    calls(&installation, 24, HOTLINE, 4 * DAY);
    for day in [3, 2, 1] {
        calls(&installation, 24, FRIEND, day * DAY);
    }
    let both = running
        .process
        .wait_for("both partitions tell their counts", |_| {
            let both = entered(&installation);
            (both.iter().sum::<u64>() == 24).then_some(both)
        });
    let tasks = installation.read("tasks").len() as u64;
    let signals = installation.read("signals");
    let held_out = signals
        .iter()
        .filter(|signal| signal.text().contains("\"hold_out\""));
    assert_eq!(both, [tasks, held_out.count() as u64]);
    assert!(both.iter().all(|group| *group > 3), "{both:?}");

    running.process.signal(Signal::Kill);
    running.process.wait();
    let mut running = installation.run();
    running.wait_ready();
    let followed = |group| {
        let labels = [("group", group), ("days", "30")];
        running.metrics().sum("churnwatch_followed_total", &labels) as u64
    };
    wait_for("the new process knows the counts", || {
        (["with_task", "held_out"].map(followed) == both).then_some(())
    });
    // Nothing is told twice in one key that the last does not replace.
    assert_eq!(entered(&installation), both);
}
