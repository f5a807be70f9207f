//! Members of the group come and go: twins, zombies, rebalances, restarts in turn.

use std::time::Duration;

use crate::support::fault_scenario::FaultScenario;
use crate::support::http::get;
use crate::support::installation::{Installation, Running};
use crate::support::process::Signal;
use crate::support::proxy::{Api, Disturbance, Often};
use crate::support::{PATIENCE, wait_while_moving};

const DROPPED: Disturbance = Disturbance::DropRequest { silence: PATIENCE };

/// A worker freezes while its transaction is about to end, another one takes its place, and it wakes up.
fn zombie(
    scenario: &mut FaultScenario,
    start: impl Fn(&FaultScenario, &str) -> Running,
    names: [&str; 2],
) {
    scenario.load_share(0.2);
    let mut zombie = start(scenario, names[0]);
    zombie.wait_ready();
    scenario.disturb_endtxn(&[DROPPED], &mut zombie);
    zombie.process.signal(Signal::Stop);

    let mut heir = start(scenario, names[1]);
    scenario.load_share(0.2);
    scenario.wait_processed(&mut [&mut heir]);
    zombie.process.signal(Signal::Cont);
    // It finds out, and both have work.
    scenario.load_share(0.2);
    scenario.wait_processed(&mut [&mut heir]);
    zombie.process.signal(Signal::Kill);
    zombie.process.wait();
    scenario.finish(&mut [&mut heir]);
}

#[test]
fn zombie_fenced() {
    let extra = "run.transaction_timeout_seconds = 2\nrun.batch_records_max = 500\n";
    let mut scenario = FaultScenario::new("zombie", 100, 1, extra);
    // The group forgets it after its session.
    zombie(
        &mut scenario,
        |scenario, name| scenario.installation.run_other(name),
        ["zombie", "heir"],
    );
}

#[test]
fn zombie_fenced_by_its_twin() {
    let extra = "\
run.transaction_timeout_seconds = 2
run.batch_records_max = 500
kafka.properties.\"session.timeout.ms\" = \"60000\"
";
    let mut scenario = FaultScenario::new("twin", 100, 2, extra);
    // The same member, transactional id included.
    zombie(
        &mut scenario,
        |scenario, name| scenario.installation.run_member(name),
        ["same", "same"],
    );
}

#[test]
fn two_of_one_name_are_told_how_to_part() {
    let installation = Installation::new("namesakes", 2, "");
    let mut pair = ["same", "same"].map(|name| {
        let mut running = installation.run_member(name);
        running.wait_ready();
        running
    });
    for running in &mut pair {
        running.process.wait_for("it says so", |process| {
            let log = process.stderr();
            let line = log.lines().find(|line| line.contains("starts over"))?;
            let remedy = "give each process a `run.instance_id` of its own";
            assert!(line.contains(remedy), "{line}");
            Some(())
        });
    }
}

#[test]
fn rebalance_mid_transaction() {
    let mut scenario = FaultScenario::new("rebalance", 100, 3, "run.batch_records_max = 500\n");
    scenario.load_share(0.2);
    let mut first = scenario.installation.run_as("first");
    // Shorter than the program's patience and than the group's.
    let held = [Disturbance::Delay(Duration::from_millis(1500))];
    for round in 0..2 {
        scenario.disturb_endtxn(&held, &mut first);
        let mut second = scenario.installation.run_as("second");
        assert_eq!(scenario.installation.members().len(), 2, "round {round}");
        scenario.disturb_endtxn(&held, &mut first);
        scenario.stop(&mut [&mut second]);
        scenario.load_share(0.1);
    }
    scenario.finish(&mut [&mut first]);
    scenario.stop(&mut [&mut first]);
}

#[test]
fn rolling_restart() {
    let extra = "\
run.batch_records_max = 500
kafka.properties.\"session.timeout.ms\" = \"60000\"
";
    let mut scenario = FaultScenario::new("rolling", 100, 4, extra);
    let names = ["a", "b", "c"];
    let mut workers = names.map(|name| scenario.installation.run_member(name));
    for worker in &mut workers {
        worker.wait_ready();
    }
    for (turn, name) in names.into_iter().enumerate() {
        let mut load = scenario.start_loading(scenario.city.lines / 5);
        let joins = scenario.proxy().seen(Api::JoinGroup);
        scenario.stop(&mut [&mut workers[turn]]);
        workers[turn] = scenario.installation.run_member(name);
        workers[turn].wait_ready();
        // The members that stay are not disturbed: a rebalance would make all of them join anew.
        let joins = scenario.proxy().seen(Api::JoinGroup) - joins;
        assert!(
            joins < names.len() as u64,
            "{joins} members joined when {name} came back"
        );
        scenario.wait_loaded(&mut load);
    }
    let [a, b, c] = &mut workers;
    scenario.finish(&mut [a, b, c]);
    scenario.stop(&mut [a, b, c]);
}

#[test]
fn restore_longer_than_poll_interval() {
    /// `max.poll.interval.ms`
    const POLL_INTERVAL: u64 = 3000;
    const LATE: u64 = 300;
    let extra = format!(
        "\
run.transaction_timeout_seconds = 2
run.instance_id = \"one\"
kafka.properties.\"max.poll.interval.ms\" = \"{POLL_INTERVAL}\"
kafka.properties.\"max.partition.fetch.bytes\" = \"16384\"
"
    );
    let mut scenario = FaultScenario::new("restore", 100, 5, &extra);
    scenario.load_share(0.8);
    let mut running = scenario.installation.run_unready();
    scenario.wait_processed(&mut [&mut running]);
    running.process.signal(Signal::Kill);
    running.process.wait();

    let proxy = scenario.proxy();
    let late = Disturbance::Delay(Duration::from_millis(LATE));
    proxy.disturb(Api::Fetch, late, Often::Always);
    let mut running = scenario.installation.run_unready();
    running
        .process
        .wait_for("the restore has begun", |process| {
            process
                .stderr()
                .contains("partitions taken over")
                .then_some(())
        });
    let (joins, fetches) = (proxy.seen(Api::JoinGroup), proxy.disturbed(Api::Fetch));
    let members = scenario.installation.members();
    wait_while_moving("the restore is done", || {
        assert_eq!(proxy.seen(Api::JoinGroup), joins, "it had to join again");
        match get(running.address, "/readyz") {
            Some(page) if page.status == 200 => Ok(()),
            _ => Err(proxy.disturbed(Api::Fetch)),
        }
    });
    let fetches = proxy.disturbed(Api::Fetch) - fetches;
    assert!(
        fetches * LATE > 3 * POLL_INTERVAL,
        "the restore took only {fetches} fetches of {LATE} ms"
    );
    assert_eq!(scenario.installation.members(), members);
    scenario.finish(&mut [&mut running]);
    scenario.stop(&mut [&mut running]);
}
