//! The broker dies, is away, and comes back; or what it kept is gone.

use std::time::Duration;

use crate::support::PATIENCE;
use crate::support::http::get;
use crate::support::process::Signal;
use crate::support::proxy::Disturbance;
use crate::support::scene::{PARTITIONS, Scene};

#[test]
fn broker_kill9() {
    let mut scene = Scene::to_hurt("dying", 100, 1, "run.batch_records_max = 500\n");
    scene.load_share(0.3);
    let mut running = scene.installation.run();
    for _ in 0..3 {
        // In the middle of a transaction.
        let held = Disturbance::Delay(Duration::from_millis(500));
        scene.disturb_endtxn(&[held], &mut running);
        scene.broker.kill();
        scene.broker.restart();
        scene.load_share(0.05);
    }
    scene.finish(&mut [&mut running]);
    scene.stop(&mut [&mut running]);
}

#[test]
fn broker_down() {
    let extra = "run.batch_records_max = 500\nrun.transaction_timeout_seconds = 2\n";
    let mut scene = Scene::to_hurt("down", 100, 2, extra);
    scene.load_share(0.3);
    let mut running = scene.installation.run();
    let held = Disturbance::Delay(Duration::from_millis(500));
    scene.disturb_endtxn(&[held], &mut running);
    scene.broker.kill();

    let address = running.address;
    let status = |path: &str| get(address, path).map(|page| page.status);
    running.process.wait_for("readiness drops", |_| {
        (status("/readyz") == Some(503)).then_some(())
    });
    let memory_before = running.process.memory_kilobytes();
    let attempts = scene.proxy().refused();
    running
        .process
        .wait_for("it has called in vain for long", |_| {
            assert_eq!(status("/healthz"), Some(200), "liveness stays up");
            assert_eq!(status("/readyz"), Some(503), "readiness stays down");
            (scene.proxy().refused() > attempts + 100).then_some(())
        });
    let grown = running
        .process
        .memory_kilobytes()
        .saturating_sub(memory_before);
    assert!(grown < 64 << 10, "memory has grown by {grown} kB meanwhile");

    scene.broker.restart();
    running.wait_ready();
    scene.finish(&mut [&mut running]);
    scene.stop(&mut [&mut running]);
}

#[test]
fn brokers_unreachable() {
    let extra = "run.batch_records_max = 500\nrun.transaction_timeout_seconds = 2\n";
    let mut scene = Scene::new("unreachable", 100, 3, extra);
    scene.load_share(0.3);
    let mut running = scene.installation.run();
    for _ in 0..3 {
        // The brokers go on: they abort the transaction and forget the member.
        let lost = Disturbance::DropRequest { silence: PATIENCE };
        scene.disturb_endtxn(&[lost], &mut running);
        scene.proxy().sever();
        crate::support::wait_for("the group has forgotten the member", || {
            scene.installation.members().is_empty().then_some(())
        });
        scene.load_share(0.05);
        scene.proxy().mend();
    }
    scene.finish(&mut [&mut running]);
    scene.stop(&mut [&mut running]);
}

/// Starts `run`, which is to refuse, naming the topic, a partition, and what to do.
fn assert_refused(scene: &Scene, reason: &str) {
    let mut process = scene.installation.start("run", &[]);
    assert_eq!(process.wait().code(), Some(1), "{}", process.stderr());
    let error = process.stderr();
    let topic = scene.installation.topic("cdr");
    let named = (0..PARTITIONS).any(|p| error.contains(&format!("topic {topic} partition {p}")));
    assert!(named, "it does not name topic and partition:\n{error}");
    for part in [reason, "Restore the records", "kafka.group", "retention.ms"] {
        assert!(
            error.to_lowercase().contains(&part.to_lowercase()),
            "it does not say {part:?}:\n{error}"
        );
    }
}

fn delete_before(scene: &Scene, offset: impl Fn(i64) -> i64) {
    let installation = &scene.installation;
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
    let mut scene = Scene::new("passed", 60, 4, "");
    scene.load_share(0.3);
    let mut running = scene.installation.run();
    scene.wait_processed(&mut [&mut running]);
    scene.stop(&mut [&mut running]);
    scene.load_share(0.3);
    delete_before(&scene, |committed| committed + 1);
    assert_refused(&scene, "deleted before they were processed");
}

#[test]
fn retention_passed_snapshot() {
    // No snapshot is taken while it runs.
    let extra =
        "state.snapshot_interval_seconds = 86400\nstate.snapshot_debt_records = 1000000000\n";
    let mut scene = Scene::new("snapshot", 60, 5, extra);
    scene.load_share(0.3);
    let mut running = scene.installation.run();
    scene.wait_processed(&mut [&mut running]);
    running.process.signal(Signal::Kill);
    running.process.wait();
    // Nothing is lost that was not processed, but the state cannot be restored.
    delete_before(&scene, |committed| committed - 1);
    assert_refused(&scene, "retention passed the snapshot");
}
