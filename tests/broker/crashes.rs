//! kill -9 at every step of a transaction, and transactions that are aborted.

use std::fs;
use std::path::Path;

use crate::support::PATIENCE;
use crate::support::installation::Running;
use crate::support::process::Signal;
use crate::support::proxy::{Api, Disturbance, Often};
use crate::support::scene::Scene;

/// The requests of a transaction, from the first to the last.
const STEPS: [Api; 6] = [
    Api::InitProducerId,
    Api::AddPartitionsToTxn,
    Api::Produce,
    Api::AddOffsetsToTxn,
    Api::TxnOffsetCommit,
    Api::EndTxn,
];

#[test]
fn crash_at_every_step() {
    let extra = "\
run.batch_records_max = 500
run.instance_id = \"one\"
state.snapshot_debt_records = 2000
kafka.properties.\"session.timeout.ms\" = \"60000\"
";
    let mut scene = Scene::new("crash", 100, 1, extra);
    scene.load_share(0.1);
    let mut running = scene.installation.run_unready();
    let before = Disturbance::DropRequest { silence: PATIENCE };
    let behind = Disturbance::DropResponse { silence: PATIENCE };
    for api in STEPS {
        for disturbance in [before, behind] {
            let due = scene.proxy().disturbed(api) + 1;
            scene.proxy().disturb(api, disturbance, Often::Times(1));
            scene.load_share(0.04);
            if api == Api::InitProducerId {
                // It is asked for at the start.
                kill(&mut running);
                running = scene.installation.run_unready();
            }
            let what = format!("{disturbance:?} of {api:?}");
            running.process.wait_for(&what, |_| {
                (scene.proxy().disturbed(api) >= due).then_some(())
            });
            kill(&mut running);
            running = scene.installation.run_unready();
        }
    }
    for _ in 0..3 {
        // A snapshot is uploaded, and most likely not yet named by the journal.
        let snapshots = scene.installation.snapshots();
        let known = parts(&snapshots);
        scene.load_share(0.04);
        running
            .process
            .wait_for("a snapshot has been uploaded", |_| {
                let now = parts(&snapshots);
                now.iter().any(|name| !known.contains(name)).then_some(())
            });
        scene.proxy().disturb(Api::EndTxn, before, Often::Always);
        kill(&mut running);
        scene.proxy().calm();
        running = scene.installation.run_unready();
    }
    let verdict = scene.finish(&mut [&mut running]);
    assert!(verdict.manifests > 0, "no snapshot was ever published");
    scene.stop(&mut [&mut running]);
}

fn kill(running: &mut Running) {
    running.process.signal(Signal::Kill);
    running.process.wait();
}

/// Names of all finished objects below a folder.
fn parts(folder: &Path) -> Vec<String> {
    let mut names = Vec::new();
    // It is made with the first snapshot.
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            names.extend(parts(&entry.path()));
        } else if let Some(name) = entry.path().to_str().filter(|name| name.ends_with(".part")) {
            names.push(name.to_owned());
        }
    }
    names
}

#[test]
fn random_abort() {
    let extra = "\
run.batch_records_max = 2000
run.transaction_timeout_seconds = 1
";
    let mut scene = Scene::new("abort", 100, 2, extra);
    let proxy = scene.proxy();
    proxy.seed(2);
    // Its offsets do not arrive, and the program gives the transaction up.
    let lost = Disturbance::DropRequest { silence: PATIENCE };
    proxy.disturb(Api::TxnOffsetCommit, lost, Often::Chance(1.0 / 3.0));
    let mut running = scene.installation.run_unready();
    scene.load_share(0.8);
    scene.wait_processed(&mut [&mut running]);
    scene.finish(&mut [&mut running]);
    let labels = [("outcome", "aborted")];
    let aborted = running.metrics().sum("churnwatch_commits_total", &labels);
    assert!(aborted >= 3.0, "only {aborted} transactions were aborted");
    scene.stop(&mut [&mut running]);
}

#[test]
fn every_kind_of_request_gets_lost() {
    let extra = "\
run.batch_records_max = 1000
run.transaction_timeout_seconds = 1
";
    let mut scene = Scene::new("lossy", 100, 3, extra);
    let proxy = scene.proxy();
    proxy.seed(3);
    let others = [
        Api::Fetch,
        Api::FindCoordinator,
        Api::JoinGroup,
        Api::SyncGroup,
        Api::Heartbeat,
    ];
    for api in STEPS.into_iter().chain(others) {
        // The client connects anew and asks again.
        let silence = std::time::Duration::from_millis(100);
        for disturbance in [
            Disturbance::Close,
            Disturbance::DropRequest { silence },
            Disturbance::DropResponse { silence },
        ] {
            proxy.disturb(api, disturbance, Often::Chance(0.03));
        }
    }
    let mut first = scene.installation.run_other("first");
    let mut second = scene.installation.run_other("second");
    for _ in 0..8 {
        scene.load_share(0.1);
        scene.wait_processed(&mut [&mut first, &mut second]);
    }
    let disturbed = STEPS.map(|api| scene.proxy().disturbed(api));
    assert!(
        disturbed.into_iter().sum::<u64>() > 10,
        "too little got lost: {disturbed:?}"
    );
    scene.finish(&mut [&mut first, &mut second]);
    scene.stop(&mut [&mut first, &mut second]);
}
