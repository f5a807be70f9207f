//! kill -9 at every step of a transaction, and transactions that are aborted.

use std::fs;
use std::path::Path;

use crate::support::PATIENCE;
use crate::support::fault_scenario::FaultScenario;
use crate::support::installation::Running;
use crate::support::process::Signal;
use crate::support::proxy::{Api, Disturbance, Often};

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
state.snapshot_interval_seconds = 1
kafka.properties.\"session.timeout.ms\" = \"60000\"
";
    let mut scenario = FaultScenario::new("crash", 100, 1, extra);
    scenario.load_share(0.1);
    let mut running = scenario.installation.run_unready();
    let before = Disturbance::DropRequest { silence: PATIENCE };
    let behind = Disturbance::DropResponse { silence: PATIENCE };
    for api in STEPS {
        for disturbance in [before, behind] {
            let due = scenario.proxy().disturbed(api) + 1;
            scenario.proxy().disturb(api, disturbance, Often::Times(1));
            scenario.load_share(0.04);
            if api == Api::InitProducerId {
                // It is asked for at the start.
                kill(&mut running);
                running = scenario.installation.run_unready();
            }
            let what = format!("{disturbance:?} of {api:?}");
            running.process.wait_for(&what, |_| {
                (scenario.proxy().disturbed(api) >= due).then_some(())
            });
            kill(&mut running);
            running = scenario.installation.run_unready();
        }
    }
    for _ in 0..3 {
        // A snapshot is uploaded, and most likely not yet named by the journal.
        let snapshots = scenario.installation.snapshots();
        let known = parts(&snapshots);
        scenario.load_share(0.04);
        running
            .process
            .wait_for("a snapshot has been uploaded", |_| {
                let now = parts(&snapshots);
                now.iter().any(|name| !known.contains(name)).then_some(())
            });
        scenario.proxy().disturb(Api::EndTxn, before, Often::Always);
        kill(&mut running);
        scenario.proxy().calm();
        running = scenario.installation.run_unready();
    }
    let verdict = scenario.finish(&mut [&mut running]);
    assert!(verdict.manifests > 0, "no snapshot was ever published");
    scenario.stop(&mut [&mut running]);
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
    let mut scenario = FaultScenario::new("abort", 100, 2, extra);
    let proxy = scenario.proxy();
    proxy.seed(2);
    // Its offsets do not arrive, and the program gives the transaction up.
    let lost = Disturbance::DropRequest { silence: PATIENCE };
    proxy.disturb(Api::TxnOffsetCommit, lost, Often::Chance(1.0 / 3.0));
    let mut running = scenario.installation.run_unready();
    scenario.load_share(0.8);
    scenario.wait_processed(&mut [&mut running]);
    scenario.finish(&mut [&mut running]);
    let labels = [("outcome", "aborted")];
    let aborted = running.metrics().sum("churnwatch_commits_total", &labels);
    assert!(aborted >= 3.0, "only {aborted} transactions were aborted");
    scenario.stop(&mut [&mut running]);
}

#[test]
fn every_kind_of_request_gets_lost() {
    let extra = "\
run.batch_records_max = 1000
run.transaction_timeout_seconds = 1
";
    let mut scenario = FaultScenario::new("lossy", 100, 3, extra);
    let proxy = scenario.proxy();
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
    let mut first = scenario.installation.run_other("first");
    let mut second = scenario.installation.run_other("second");
    for _ in 0..8 {
        scenario.load_share(0.1);
        scenario.wait_processed(&mut [&mut first, &mut second]);
    }
    let disturbed = STEPS.map(|api| scenario.proxy().disturbed(api));
    assert!(
        disturbed.into_iter().sum::<u64>() > 10,
        "too little got lost: {disturbed:?}"
    );
    scenario.finish(&mut [&mut first, &mut second]);
    scenario.stop(&mut [&mut first, &mut second]);
}
