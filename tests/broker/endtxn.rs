//! The ends of transactions: answers that get lost, requests that come too late, brokers that lose patience.

use std::time::Duration;

use crate::support::fault_scenario::FaultScenario;
use crate::support::installation::Running;
use crate::support::process::Signal;
use crate::support::proxy::Disturbance;
use crate::support::{PATIENCE, wait_for};

/// The program's patience with a transaction is 2 s. The member is not forgotten while it is frozen.
const EXTRA: &str = "\
run.transaction_timeout_seconds = 2
run.batch_records_max = 500
run.instance_id = \"one\"
kafka.properties.\"session.timeout.ms\" = \"60000\"
";
const LONGER: Duration = Duration::from_millis(3000);
const SHORTER: Duration = Duration::from_millis(1500);

/// Commits whose outcome the worker had to find out.
fn unknown(running: &Running) -> f64 {
    let labels = [("outcome", "unknown")];
    running.metrics().sum("churnwatch_commits_total", &labels)
}

#[test]
fn endtxn_response_dropped() {
    let mut scenario = FaultScenario::new("dropped", 100, 1, EXTRA);
    scenario.load_share(0.3);
    let mut running = scenario.installation.run_unready();
    // Committed, and nobody says so.
    let forever = Disturbance::DropResponse { silence: PATIENCE };
    // Here the client asks again before the program loses patience.
    let soon = Disturbance::DropResponse {
        silence: Duration::from_millis(100),
    };
    for _ in 0..3 {
        scenario.disturb_endtxn(&[forever, soon], &mut running);
    }
    scenario.finish(&mut [&mut running]);
    assert!(unknown(&running) >= 3.0, "outcomes were unknown");
}

#[test]
fn endtxn_request_dropped() {
    let mut scenario = FaultScenario::new("unasked", 100, 2, EXTRA);
    scenario.load_share(0.3);
    let mut running = scenario.installation.run_unready();
    let forever = Disturbance::DropRequest { silence: PATIENCE };
    for _ in 0..3 {
        scenario.disturb_endtxn(&[forever], &mut running);
    }
    scenario.finish(&mut [&mut running]);
    assert!(unknown(&running) >= 3.0, "outcomes were unknown");
}

#[test]
fn endtxn_delayed_into_next() {
    let mut scenario = FaultScenario::new("delayed", 100, 3, EXTRA);
    scenario.load_share(0.3);
    let mut running = scenario.installation.run_unready();
    for _ in 0..3 {
        // The request arrives after the program has given up and begun the next transaction, which is held open so long.
        let late = [Disturbance::Delay(LONGER), Disturbance::Delay(SHORTER)];
        scenario.disturb_endtxn(&late, &mut running);
    }
    scenario.finish(&mut [&mut running]);
    assert!(unknown(&running) >= 3.0, "outcomes were unknown");
}

#[test]
fn coordinator_timeout() {
    let mut scenario = FaultScenario::new("frozen", 100, 4, EXTRA);
    scenario.load_share(0.3);
    let mut running = scenario.installation.run_unready();
    let forever = Disturbance::DropRequest { silence: PATIENCE };
    for _ in 0..2 {
        scenario.disturb_endtxn(&[forever], &mut running);
        running.process.signal(Signal::Stop);
        // Everything else of the transaction is written, so what comes now are the marks of the coordinator's abort.
        let outputs = ["tasks", "signals", "dead_letters"];
        let length = || {
            let offsets = scenario
                .installation
                .client
                .end_offsets("__consumer_offsets");
            let outputs = outputs.map(|key| scenario.installation.length(key));
            offsets.into_values().sum::<i64>() + outputs.into_iter().sum::<i64>()
        };
        let before = length();
        wait_for("the coordinator has aborted the transaction", || {
            (length() > before).then_some(())
        });
        running.process.signal(Signal::Cont);
    }
    scenario.finish(&mut [&mut running]);
    scenario.stop(&mut [&mut running]);
}
