//! `route`: records of other topics come into the topics of the feeds, each once, whatever happens to the routers.

use std::collections::{BTreeMap, BTreeSet};

use churnwatch::kafka::partition_of;
use serde_json::Value;

use crate::support::broker::ProxiedBroker;
use crate::support::client::{Client, NewRecord, ReadRecord, unique};
use crate::support::installation::{FEEDS, Installation, Running, call, minutes_ago};
use crate::support::process::Signal;
use crate::support::proxy::{Api, Disturbance, Often};
use crate::support::{PATIENCE, wait_for};

/// Partitions of each source.
const SOURCE_PARTITIONS: i32 = 3;
/// Partitions of each feed's topic.
const PARTITIONS: i32 = 4;

/// The configuration that routes all topics that begin so.
fn routing(prefix: &str, extra: &str) -> String {
    format!(
        "route.sources = [{{ topic = \"{prefix}-*\" }}]\nroute.batch_records_max = 200\n{extra}\n"
    )
}

/// The canonical number of a test's subscriber.
fn canonical(subscriber: u32) -> String {
    format!("86136{subscriber:08}")
}

/// A number in one of the forms that feeds write.
fn written(subscriber: u32) -> String {
    let forms = ["", "+86", "0086", "86", "0"];
    format!(
        "{}136{subscriber:08}",
        forms[subscriber as usize % forms.len()]
    )
}

/// Calls of some subscribers, under keys that say nothing, the next number of each partition in their ids.
fn calls(from: u32, count: u32, at: &str) -> impl Iterator<Item = NewRecord> {
    (from..from + count).map(move |n| {
        let (partition, subscriber) = (n % SOURCE_PARTITIONS as u32, n % 50);
        let value = call(
            &format!("{partition}/{n}"),
            &written(subscriber),
            "13800138000",
            at,
        );
        NewRecord {
            partition: Some(partition as i32),
            key: (n % 2 == 0).then(|| b"switch-7".to_vec()),
            value: Some(value.into_bytes()),
            headers: vec![("trace".to_owned(), n.to_string().into_bytes())],
        }
    })
}

/// The fields of a record's value.
fn json(record: &ReadRecord) -> Value {
    serde_json::from_str(record.text()).unwrap()
}

/// Waits until a group has routed all of a source.
fn wait_routed(installation: &Installation, source: &str, running: &mut [&mut Running]) {
    let group = format!("{}-route", installation.group);
    let end: i64 = installation.client.end_offsets(source).into_values().sum();
    wait_for(&format!("{source} is routed to {end}"), || {
        for running in running.iter_mut() {
            if let Some(status) = running.process.exit_status() {
                panic!("a router ended ({status}):\n{}", running.process.stderr());
            }
        }
        let offsets = installation.client.committed_offsets(&group, source);
        let routed: i64 = offsets.into_values().flatten().sum();
        (routed == end).then_some(())
    });
}

/// Every one of these calls lies once where its subscriber's other records lie, and in the order of its source's partition.
fn judge(records: &[ReadRecord], count: u32) {
    let (mut seen, mut last) = (BTreeSet::new(), BTreeMap::new());
    for record in records {
        let id = json(record)["record_id"].as_str().unwrap().to_owned();
        let (source, number) = id.split_once('/').unwrap();
        let number: u32 = number.parse().unwrap();
        let key = canonical(number % 50);
        assert_eq!(record.key.as_deref(), Some(key.as_bytes()), "{id}");
        assert_eq!(
            record.partition,
            partition_of(key.as_bytes(), PARTITIONS),
            "{id}"
        );
        assert_eq!(record.header("trace"), Some(number.to_string().as_str()));
        let before = last.insert((record.partition, source.to_owned()), number);
        assert!(before < Some(number), "{id} came after {before:?}");
        assert!(seen.insert(number), "{id} came twice");
    }
    assert_eq!(seen.len() as u32, count, "all have come");
}

#[test]
fn records_with_any_key_come_to_their_feed_and_run_uses_them() {
    let prefix = unique("raw");
    let extra = routing(&prefix, "route.in_run = true");
    let installation = Installation::new("route", PARTITIONS, &extra);
    let source = format!("{prefix}-mixed");
    installation
        .client
        .create_topic(&source, SOURCE_PARTITIONS, &[]);
    let at = minutes_ago(5);
    let mut records: Vec<_> = calls(0, 90, &at).collect();
    let statement = |feed: &str| {
        format!(r#"{{"record_type":"feed_progress","feed":"{feed}","complete_until":"{at}"}}"#)
    };
    let paid = format!(
        r#"{{"record_type":"payment","record_id":"p","msisdn":"{}","event_timestamp":"{at}","amount":"20.00"}}"#,
        written(7)
    );
    let lost = [
        ("not_json", "{".to_owned()),
        ("invalid_msisdn", call("lost", "1380013800O", "10010", &at)),
        (
            "unknown_record_type",
            r#"{"record_type":"weather"}"#.to_owned(),
        ),
    ];
    let others = [statement("cdr"), statement("billing"), paid.clone()].into_iter();
    let others = others.chain(lost.iter().map(|(_, value)| value.clone()));
    records.extend(others.map(|value| NewRecord {
        partition: Some(1),
        value: Some(value.into_bytes()),
        ..NewRecord::default()
    }));
    installation.client.produce(&source, records);

    let mut running = installation.run();
    wait_routed(&installation, &source, &mut [&mut running]);
    let (statements, calls): (Vec<_>, Vec<_>) = installation
        .read("cdr")
        .into_iter()
        .partition(|record| json(record)["record_type"] == "feed_progress");
    judge(&calls, 90);
    let told: Vec<_> = statements.iter().map(|record| record.partition).collect();
    assert_eq!(told, [0, 1, 2, 3], "a statement once in every partition");
    let billing = installation.read("billing");
    assert_eq!(
        billing.len(),
        5,
        "a payment, and a statement for every partition"
    );
    let payment = billing.iter().find(|record| record.text() == paid).unwrap();
    assert_eq!(payment.key.as_deref(), Some(canonical(7).as_bytes()));
    let dead: Vec<_> = installation
        .read("dead_letters")
        .iter()
        .map(|record| {
            assert_eq!(record.header("errors.topic"), Some(source.as_str()));
            (
                record.header("errors.reason").unwrap().to_owned(),
                record.text().to_owned(),
            )
        })
        .collect();
    for (reason, value) in lost {
        assert!(
            dead.contains(&(reason.to_owned(), value)),
            "{reason}: {dead:?}"
        );
    }
    assert_eq!(dead.len(), 3);

    installation.wait_processed(&mut running);
    assert_eq!(
        running.counts()["dead_lettered"],
        0,
        "`run` takes what was routed"
    );
    let metrics = running.metrics();
    let routed = |outcome| metrics.value("churnwatch_route_records_total", &[("outcome", outcome)]);
    assert_eq!(
        (routed("routed"), routed("dead_lettered")),
        (Some(93.0), Some(3.0))
    );
    running.process.signal(Signal::Term);
    assert_eq!(running.process.wait().code(), Some(0));
}

#[test]
fn routers_that_come_go_and_are_killed_route_each_record_once() {
    let prefix = unique("raw");
    let installation = Installation::new("routers", PARTITIONS, &routing(&prefix, ""));
    let source = format!("{prefix}-calls");
    installation
        .client
        .create_topic(&source, SOURCE_PARTITIONS, &[]);
    let at = minutes_ago(5);
    let (mut loaded, piece) = (0, 1_500);
    let mut load = || {
        installation
            .client
            .produce(&source, calls(loaded, piece, &at));
        loaded += piece;
        loaded
    };
    load();
    let mut first = installation.route("first");
    let mut second = installation.route("second");
    for round in 0..4 {
        load();
        first.process.signal(Signal::Kill);
        first.process.wait();
        load();
        first = installation.route("first");
        if round == 2 {
            second.process.signal(Signal::Term);
            assert_eq!(second.process.wait().code(), Some(0));
            load();
            second = installation.route("third");
        }
    }
    let total = load();
    wait_routed(&installation, &source, &mut [&mut first, &mut second]);
    judge(&installation.read("cdr"), total);
}

#[test]
fn a_router_that_is_killed_at_any_step_of_a_transaction_repeats_and_loses_nothing() {
    let broker = ProxiedBroker::shared();
    let prefix = unique("raw");
    let extra = routing(
        &prefix,
        "kafka.properties.\"session.timeout.ms\" = \"60000\"",
    );
    let name = "route-steps";
    let installation = Installation::behind_proxy(&broker, name, PARTITIONS, &extra);
    let source = format!("{prefix}-calls");
    let direct = Client::new(&broker.bootstrap());
    direct.create_topic(&source, SOURCE_PARTITIONS, &[]);
    let (at, proxy) = (minutes_ago(5), broker.proxy());
    let (mut loaded, piece) = (0, 300);
    let mut load = || {
        direct.produce(&source, calls(loaded, piece, &at));
        loaded += piece;
        loaded
    };
    let mut running = installation.route("one");
    let before = Disturbance::DropRequest { silence: PATIENCE };
    let behind = Disturbance::DropResponse { silence: PATIENCE };
    for api in [
        Api::AddPartitionsToTxn,
        Api::Produce,
        Api::AddOffsetsToTxn,
        Api::TxnOffsetCommit,
        Api::EndTxn,
    ] {
        for disturbance in [before, behind] {
            load();
            wait_routed(&installation, &source, &mut [&mut running]);
            let due = proxy.disturbed(api) + 1;
            proxy.disturb(api, disturbance, Often::Times(1));
            load();
            let what = format!("{disturbance:?} of {api:?}");
            running
                .process
                .wait_for(&what, |_| (proxy.disturbed(api) >= due).then_some(()));
            running.process.signal(Signal::Kill);
            running.process.wait();
            running = installation.route("one");
        }
    }
    let total = load();
    wait_routed(&installation, &source, &mut [&mut running]);
    judge(&installation.read("cdr"), total);
}

#[test]
fn topics_that_appear_later_are_routed_and_missing_ones_are_named() {
    let prefix = unique("raw");
    let installation = Installation::new("late-topic", PARTITIONS, &routing(&prefix, ""));
    let mut running = installation.route("one");
    running.wait_ready();
    let source = format!("{prefix}-late");
    installation
        .client
        .create_topic(&source, SOURCE_PARTITIONS, &[]);
    installation
        .client
        .produce(&source, calls(0, 30, &minutes_ago(5)));
    wait_routed(&installation, &source, &mut [&mut running]);
    judge(&installation.read("cdr"), 30);

    let extra = "route.sources = [{ topic = \"nowhere\", feed = \"cdr\" }]\n";
    let bare = Installation::bare("no-topics", PARTITIONS, extra);
    let mut refused = bare.start("route", &[]);
    assert_eq!(refused.wait().code(), Some(1));
    let said = refused.stderr();
    for feed in FEEDS {
        assert!(said.contains(&bare.topic(feed)), "{said}");
    }
    assert!(
        said.contains("there is no topic `nowhere` (route.sources)"),
        "{said}"
    );
}
