//! Starts without brokers, and ends at awkward moments.

use std::net::TcpListener;
use std::time::Duration;

use crate::support::broker::ProxiedBroker;
use crate::support::fault_scenario::FaultScenario;
use crate::support::http::get;
use crate::support::installation::{Installation, Running, call, minutes_ago, replayed};
use crate::support::process::{Process, Signal};
use crate::support::proxy::{Api, Disturbance, Often};
use crate::support::wait_for;
use churnwatch::runtime::clock::Stopwatch;
use serde_json::Value;

/// The line of a log that says this.
fn line(log: &str, message: &str) -> Option<Value> {
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut lines = lines.filter(|line| {
        let said = line["message"].as_str();
        said.is_some_and(|said| said.contains(message))
    });
    lines.next()
}

#[test]
fn a_start_without_brokers_waits_says_so_and_ends_at_once_when_asked() {
    let broker = ProxiedBroker::shared();
    let installation = Installation::behind_proxy(&broker, "absent", 1, "");
    broker.proxy().sever();
    let mut running = installation.run_unready();
    let ready = get(running.address, "/readyz").unwrap();
    assert_eq!(ready.status, 503);
    let asking = running
        .process
        .wait_for("it says what it tries", |process| {
            let log = process.stderr();
            assert!(!log.contains("no answer"), "it says so too late: {log}");
            line(&log, "asking the brokers")
        });
    assert_eq!(asking["bootstrap"], *broker.proxy().bootstrap());
    let waiting = running.process.wait_for("it says what it waits for", |_| {
        let page = get(running.address, "/readyz")?;
        page.body
            .contains("no answer from the brokers")
            .then_some(page)
    });
    assert_eq!(waiting.status, 503, "{}", waiting.body);
    assert_eq!(get(running.address, "/healthz").unwrap().status, 200);

    // Another one is asked to end meanwhile.
    let mut asked = installation.run_unready();
    asked.process.signal(Signal::Term);
    assert_eq!(asked.process.wait().code(), Some(0));

    broker.proxy().mend();
    running.wait_ready();
    let end = line(&running.process.stderr(), "the brokers answer").expect("the end is told");
    assert!(end["seconds"].as_f64().is_some(), "{end}");
    running.process.signal(Signal::Term);
    assert!(running.process.wait().success());
}

#[test]
fn what_no_waiting_mends_ends_the_start() {
    // Somebody listens there, and is no Kafka: that may be a port that is about to be one. A topic that is not there is
    // not waited for.
    let bare = Installation::bare("nowhere", 1, "");
    let mut process = bare.start("run", &[]);
    assert_eq!(process.wait().code(), Some(1));
    assert!(
        process
            .stderr()
            .contains("does not exist; create the topics"),
        "{}",
        process.stderr()
    );

    let mute = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = mute.local_addr().unwrap().to_string();
    let config = bare.config();
    let arguments = ["run", "--config", config.to_str().unwrap()];
    let bootstrap = [("CHURNWATCH_KAFKA__BOOTSTRAP", &*address)];
    let mut waiting = Process::start_with(arguments, &bootstrap);
    waiting.wait_for("it waits", |process| {
        process
            .stderr()
            .contains("waiting for the brokers")
            .then_some(())
    });
    waiting.signal(Signal::Term);
    assert_eq!(waiting.wait().code(), Some(0));
}

#[test]
fn partitions_that_are_added_end_it_with_the_remedy() {
    let installation = Installation::new("grown", 1, "");
    let mut running = installation.run();
    let topic = installation.topic("billing");
    installation.client.add_partitions(&topic, 2);
    let status = running.process.wait();
    let log = running.process.stderr();
    assert_eq!(status.code(), Some(1), "{log}");
    let named = format!("topic {topic} has 2 partitions now, and the state was built from 1");
    assert!(log.contains(&named), "{log}");
    assert!(log.contains("More partitions"), "{log}");

    // The next start says the same, and so does a look at the brokers.
    let remedy = format!("create {topic} anew with 1 partitions, or all input topics");
    assert!(log.contains(&remedy), "{log}");
    for command in [&["run"][..], &["check", "--connect"]] {
        let mut again = installation.start(command[0], &command[1..]);
        assert_eq!(again.wait().code(), Some(1), "{command:?}");
        let said = again.stderr();
        assert!(said.contains(&named) && said.contains(&remedy), "{said}");
        assert!(said.contains("`kafka.group`"), "{said}");
    }
}

#[test]
fn an_end_while_it_joins_is_at_once() {
    let extra = "kafka.properties.\"session.timeout.ms\" = \"60000\"\n";
    let installation = Installation::new("joining", 2, extra);
    let first = installation.run_as("first");
    // The group waits for it, and so does everybody who joins.
    first.process.signal(Signal::Stop);
    let mut second = installation.run_other("second");
    wait_for("the second joins", || {
        (installation.members().len() == 2).then_some(())
    });
    let asked = Stopwatch::start();
    second.process.signal(Signal::Term);
    let status = second.process.wait();
    let log = second.process.stderr();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(asked.elapsed() < Duration::from_secs(3), "{log}");
    first.process.signal(Signal::Kill);
}

#[test]
fn an_end_before_it_joins_is_at_once() {
    let broker = ProxiedBroker::shared();
    let installation = Installation::behind_proxy(&broker, "connecting", 1, "");
    let late = Disturbance::Delay(Duration::from_secs(8));
    broker
        .proxy()
        .disturb(Api::InitProducerId, late, Often::Always);
    let mut running = installation.run_unready();
    wait_for("its producer connects", || {
        (broker.proxy().disturbed(Api::InitProducerId) > 0).then_some(())
    });
    let asked = Stopwatch::start();
    running.process.signal(Signal::Term);
    let status = running.process.wait();
    let log = running.process.stderr();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(asked.elapsed() < Duration::from_secs(3), "{log}");
}

/// Some calls are processed, and no snapshot has them.
fn worked(installation: &Installation) -> Running {
    let mut running = installation.run();
    let at = minutes_ago(5);
    let records = (0..20).map(|n| {
        let msisdn = format!("137{n:08}");
        installation.keyed(&msisdn, call(&format!("call-{n}"), &msisdn, "10010", &at))
    });
    installation.produce("cdr", records);
    installation.wait_processed(&mut running);
    running
}

#[test]
fn an_end_after_the_group_has_moved_on_is_no_failure() {
    let installation = Installation::new("forgotten", 1, "");
    let mut running = worked(&installation);
    running.process.signal(Signal::Stop);
    wait_for("the group has forgotten the member", || {
        installation.members().is_empty().then_some(())
    });
    running.process.signal(Signal::Term);
    running.process.signal(Signal::Cont);
    let status = running.process.wait();
    let log = running.process.stderr();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(line(&log, "the group has moved on").is_some(), "{log}");
    assert!(
        line(&log, "again: ").is_none(),
        "it was tried in vain:\n{log}"
    );
}

#[test]
fn an_end_during_a_restore_says_what_is_left() {
    let extra = "\
state.snapshot_interval_seconds = 86400
kafka.properties.\"max.partition.fetch.bytes\" = \"16384\"
";
    let mut scenario = FaultScenario::new("halfway", 60, 1, extra);
    scenario.load_share(0.5);
    let mut running = scenario.installation.run_unready();
    scenario.wait_processed(&mut [&mut running]);
    running.process.signal(Signal::Kill);
    running.process.wait();

    let late = Disturbance::Delay(Duration::from_millis(300));
    scenario.proxy().disturb(Api::Fetch, late, Often::Always);
    let mut running = scenario.installation.run_unready();
    running.process.wait_for("it replays", |process| {
        line(&process.stderr(), "replaying the journal")
    });
    running.process.signal(Signal::Term);
    let status = running.process.wait();
    let log = running.process.stderr();
    assert_eq!(status.code(), Some(0), "{log}");
    let said = line(&log, "partitions were not restored yet").expect(&log);
    let partitions = said["partitions"].as_u64().unwrap();
    let left = said["records"].as_u64().unwrap();
    assert!((1..=4).contains(&partitions) && left > 0, "{said}");

    // What stands is enough for the next start.
    scenario.proxy().calm();
    let mut running = scenario.installation.run();
    assert!(replayed(&running.process.stderr()) >= left);
    scenario.finish(&mut [&mut running]);
}
