//! The broker dies, is away, and comes back; or what it kept is gone.

use std::time::Duration;

use crate::support::PATIENCE;
use crate::support::fault_scenario::{FaultScenario, PARTITIONS};
use crate::support::http::get;
use crate::support::process::Signal;
use crate::support::proxy::Disturbance;
use serde_json::Value;

#[test]
fn broker_kill9() {
    let mut scenario = FaultScenario::to_hurt("dying", 100, 1, "run.batch_records_max = 500\n");
    scenario.load_share(0.3);
    let mut running = scenario.installation.run();
    for _ in 0..3 {
        // In the middle of a transaction.
        let held = Disturbance::Delay(Duration::from_millis(500));
        scenario.disturb_endtxn(&[held], &mut running);
        scenario.broker.kill();
        scenario.broker.restart();
        scenario.load_share(0.05);
    }
    scenario.finish(&mut [&mut running]);
    scenario.stop(&mut [&mut running]);
}

#[test]
fn broker_down() {
    let extra = "run.batch_records_max = 500\nrun.transaction_timeout_seconds = 2\n";
    let mut scenario = FaultScenario::to_hurt("down", 100, 2, extra);
    scenario.load_share(0.3);
    let mut running = scenario.installation.run();
    let held = Disturbance::Delay(Duration::from_millis(500));
    scenario.disturb_endtxn(&[held], &mut running);
    scenario.broker.kill();

    let address = running.address;
    let status = |path: &str| get(address, path).map(|page| page.status);
    running.process.wait_for("readiness drops", |_| {
        (status("/readyz") == Some(503)).then_some(())
    });
    let memory_before = running.process.memory_kilobytes();
    let attempts = scenario.proxy().refused();
    running
        .process
        .wait_for("it has called in vain for long", |_| {
            assert_eq!(status("/healthz"), Some(200), "liveness stays up");
            assert_eq!(status("/readyz"), Some(503), "readiness stays down");
            (scenario.proxy().refused() > attempts + 100).then_some(())
        });
    let grown = running
        .process
        .memory_kilobytes()
        .saturating_sub(memory_before);
    assert!(grown < 64 << 10, "memory has grown by {grown} kB meanwhile");

    scenario.broker.restart();
    running.wait_ready();
    scenario.finish(&mut [&mut running]);

    // All that its clients and workers met is one trouble, which begins and ends once.
    let told = |log: &str, level: &str| -> Vec<Value> {
        let lines = log.lines().map(|line| serde_json::from_str(line).unwrap());
        lines
            .filter(|line: &Value| line["trouble"] == "brokers" && line["level"] == level)
            .filter(|line| !line["message"].as_str().unwrap().starts_with("again: "))
            .collect()
    };
    let end = running.process.wait_for("the end is told", |process| {
        told(&process.stderr(), "INFO").pop()
    });
    assert!(end["times"].as_u64() > Some(1), "{end}");
    assert!(end["seconds"].as_f64() > Some(1.0), "{end}");
    scenario.stop(&mut [&mut running]);
    let log = running.process.stderr();
    let (begins, ends) = (told(&log, "WARN"), told(&log, "INFO"));
    assert_eq!((begins.len(), ends.len()), (1, 1), "{begins:#?}\n{ends:#?}");
    // What goes along with it has no lines of its own.
    assert!(!log.contains("\"facility\":\"FAIL\""), "{log}");
}

#[test]
fn brokers_unreachable() {
    let extra = "run.batch_records_max = 500\nrun.transaction_timeout_seconds = 2\n";
    let mut scenario = FaultScenario::new("unreachable", 100, 3, extra);
    scenario.load_share(0.3);
    let mut running = scenario.installation.run();
    for _ in 0..3 {
        // The brokers go on: they abort the transaction and forget the member.
        let lost = Disturbance::DropRequest { silence: PATIENCE };
        scenario.disturb_endtxn(&[lost], &mut running);
        scenario.proxy().sever();
        crate::support::wait_for("the group has forgotten the member", || {
            scenario.installation.members().is_empty().then_some(())
        });
        scenario.load_share(0.05);
        scenario.proxy().mend();
    }
    scenario.finish(&mut [&mut running]);
    scenario.stop(&mut [&mut running]);
}

/// Starts `run`, which is to refuse, naming the topic, a partition, and what to do.
fn assert_refused(scenario: &FaultScenario, reason: &str) {
    let mut process = scenario.installation.start("run", &[]);
    assert_eq!(process.wait().code(), Some(1), "{}", process.stderr());
    let error = process.stderr();
    let topic = scenario.installation.topic("cdr");
    let named = (0..PARTITIONS).any(|p| error.contains(&format!("topic {topic} partition {p}")));
    assert!(named, "it does not name topic and partition:\n{error}");
    for part in [reason, "Restore the records", "kafka.group", "retention.ms"] {
        assert!(
            error.to_lowercase().contains(&part.to_lowercase()),
            "it does not say {part:?}:\n{error}"
        );
    }
}

fn delete_before(scenario: &FaultScenario, offset: impl Fn(i64) -> i64) {
    let installation = &scenario.installation;
    let topic = installation.topic("cdr");
    let committed = installation
        .client
        .committed_offsets(&installation.group, &topic);
    for (partition, committed) in committed {
        let before = offset(committed.unwrap());
        installation
            .client
            .delete_records(&topic, partition, before);
    }
}

#[test]
fn retention_passed_the_groups_offsets() {
    let mut scenario = FaultScenario::new("passed", 60, 4, "");
    scenario.load_share(0.3);
    let mut running = scenario.installation.run();
    scenario.wait_processed(&mut [&mut running]);
    scenario.stop(&mut [&mut running]);
    scenario.load_share(0.3);
    delete_before(&scenario, |committed| committed + 1);
    assert_refused(&scenario, "deleted before they were processed");
}

#[test]
fn retention_passed_snapshot() {
    // No snapshot is taken while it runs.
    let extra = "state.snapshot_interval_seconds = 86400\nstate.recovery_seconds_max = 3600\n";
    let mut scenario = FaultScenario::new("snapshot", 60, 5, extra);
    scenario.load_share(0.3);
    let mut running = scenario.installation.run();
    scenario.wait_processed(&mut [&mut running]);
    running.process.signal(Signal::Kill);
    running.process.wait();
    // Nothing is lost that was not processed, but the state cannot be restored.
    delete_before(&scenario, |committed| committed - 1);
    assert_refused(&scenario, "retention passed the snapshot");
}
