//! What `run` refuses: one dead letter each, in the transaction that commits the record's offset.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::client::NewRecord;
use crate::support::http::{Metrics, get};
use crate::support::installation::{Installation, Running, call, minutes_ago};
use crate::support::process::Signal;

/// Value, whether it can be used, and the reason if not.
fn mixed(installation: &Installation, count: usize) -> Vec<(NewRecord, Option<&'static str>)> {
    let at = minutes_ago(5);
    let msisdn = |n: usize| format!("137{n:08}");
    let good = |n: usize| call(&format!("mixed-{n}"), &msisdn(n), "13800138000", &at);
    let record = |n: usize| match n % 8 {
        0 => (
            installation.keyed(&msisdn(n), format!("{{\"cut short {n}")),
            Some("not_json"),
        ),
        1 => (
            installation.keyed(&msisdn(n), [b"\xff\xfe", good(n).as_bytes()].concat()),
            Some("not_utf8"),
        ),
        2 => (
            installation.keyed("13000000000", good(n)),
            Some("key_mismatch"),
        ),
        3 => {
            let record = NewRecord {
                key: None,
                ..installation.keyed("", good(n))
            };
            (record, Some("key_mismatch"))
        }
        _ => (installation.keyed(&msisdn(n), good(n)), None),
    };
    (0..count).map(record).collect()
}

#[test]
fn dead_letter_atomic() {
    // Small transactions make many moments to be killed in; a name lets the next start end what a killed one left open.
    let extra = "run.batch_records_max = 20\nrun.instance_id = \"one\"\n";
    let installation = Installation::new("killed", 3, extra);
    let records = mixed(&installation, 16_000);
    let mut expected = BTreeMap::new();
    let mut offsets = [0; 3];
    for (record, reason) in &records {
        let partition = record.partition.unwrap();
        let offset = &mut offsets[partition as usize];
        if let Some(reason) = reason {
            expected.insert(
                (partition.to_string(), offset.to_string()),
                (record.clone(), *reason),
            );
        }
        *offset += 1;
    }
    let total = records.len() as i64;
    installation.produce("cdr", records.into_iter().map(|(record, _)| record));

    for commits in [1, 5, 20, 50] {
        // Right behind some commit: the next transaction is under way.
        let mut running = installation.run_unready();
        let address = running.address;
        running
            .process
            .wait_for(&format!("{commits} commits"), |_| {
                let metrics = Metrics::parse(&get(address, "/metrics")?.body);
                let done = metrics.sum("churnwatch_commits_total", &[("outcome", "committed")]);
                (done >= f64::from(commits)).then_some(())
            });
        running.process.signal(Signal::Kill);
        running.process.wait();
    }
    let committed = installation.committed("cdr");
    assert!(
        (1..total).contains(&committed),
        "killed under load: at {committed} of {total}"
    );
    let mut running = installation.run();
    installation.wait_processed(&mut running);

    let dead = installation.read("dead_letters");
    let mut seen = BTreeSet::new();
    for letter in &dead {
        let header = |name: &str| {
            letter
                .header(name)
                .unwrap_or_else(|| panic!("no header {name}"))
                .to_owned()
        };
        let place = (header("errors.partition"), header("errors.offset"));
        let (record, reason) = expected
            .get(&place)
            .unwrap_or_else(|| panic!("{place:?} was good"));
        assert!(seen.insert(place.clone()), "two dead letters of {place:?}");
        assert_eq!(letter.value, record.value, "{place:?}");
        assert_eq!(letter.key, record.key, "{place:?}");
        assert_eq!(header("errors.reason"), *reason, "{place:?}");
        assert_eq!(header("errors.topic"), installation.topic("cdr"));
        assert!(!header("errors.message").is_empty());
    }
    assert_eq!(seen.len(), expected.len(), "dead letters of bad records");
}

#[test]
fn a_dead_letter_keeps_the_headers_and_can_be_replayed() {
    let installation = Installation::new("headers", 1, "");
    let mut record = installation.keyed(
        "13700000001",
        call("replayed", "13700000001", "13800138000", &minutes_ago(5)),
    );
    record.headers = vec![
        ("source".into(), b"msc-7".to_vec()),
        ("empty".into(), Vec::new()),
    ];
    // A call in the topic of bills.
    installation.produce("billing", [record]);
    let mut running = installation.run();
    installation.wait_processed(&mut running);
    let [letter] = &installation.read("dead_letters")[..] else {
        panic!("not one dead letter");
    };
    assert_eq!(letter.header("errors.reason"), Some("wrong_feed"));
    assert_eq!(
        letter.header("errors.topic"),
        Some(&*installation.topic("billing"))
    );
    assert_eq!(letter.header("source"), Some("msc-7"));
    assert_eq!(letter.header("empty"), Some(""));
    let log = running.process.stderr();
    let named = log
        .lines()
        .find(|line| line.contains("a record went to the dead letters"));
    let named = named.unwrap_or_else(|| panic!("nothing of it in the log:\n{log}"));
    for said in [&*installation.topic("billing"), "wrong_feed", "offset"] {
        assert!(named.contains(said), "{named}");
    }

    // Sent on as it is, to where it belongs, it is used.
    let again = NewRecord {
        partition: Some(0),
        key: letter.key.clone(),
        value: letter.value.clone(),
        headers: letter.headers.clone(),
    };
    installation.produce("cdr", [again]);
    installation.wait_processed(&mut running);
    let counts = running.counts();
    assert_eq!(
        (counts["applied"], counts["dead_lettered"]),
        (1, 1),
        "{counts:?}"
    );
}

#[test]
fn a_record_too_large_for_the_dead_letters_is_cut_and_says_so() {
    let installation = Installation::bare("large", 1, "decode.record_bytes_max = 65536\n");
    for key in [
        "billing",
        "subscriber",
        "service",
        "outcome",
        "group",
        "tasks",
        "signals",
        "erasures",
    ] {
        installation
            .client
            .create_topic(&installation.topic(key), 1, &[]);
    }
    installation.client.create_topic(
        &installation.topic("cdr"),
        1,
        &[("max.message.bytes", "900000")],
    );
    let dead_letters = installation.topic("dead_letters");
    installation
        .client
        .create_topic(&dead_letters, 1, &[("max.message.bytes", "300000")]);
    let large = vec![b'x'; 500_000];
    installation.produce(
        "cdr",
        [
            installation.keyed("a", "before"),
            installation.keyed("b", large),
            installation.keyed("c", "behind"),
        ],
    );
    let mut running = installation.run();
    installation.wait_processed(&mut running);
    let dead = installation.read("dead_letters");
    assert_eq!(dead.len(), 3);
    let lengths: Vec<_> = dead
        .iter()
        .map(|letter| letter.value.as_ref().map_or(0, Vec::len))
        .collect();
    assert_eq!(lengths, [6, 65_536, 6]);
    assert_eq!(dead[1].header("errors.reason"), Some("too_large"));
    assert_eq!(
        dead[1].header("errors.truncated_from_bytes"),
        Some("500000")
    );
}

#[test]
fn poison_flood() {
    let installation = Installation::new("poison", 2, "");
    let count = 40_000;
    let poison = (0..count).map(|n: usize| {
        let value: Vec<u8> = match n % 5 {
            0 => Vec::new(),
            1 => b"\0\0\0\0\x07framed".to_vec(),
            2 => b"[[[[[[[[[[[[[[[[".to_vec(),
            3 => vec![0xff; 40],
            _ => b"{\"record_type\":\"mo_call\"}".to_vec(),
        };
        installation.keyed(&n.to_string(), value)
    });
    installation.produce("cdr", poison);
    let mut running = installation.run();
    installation.wait_processed(&mut running);
    let counts = running.counts();
    assert_eq!(counts["dead_lettered"], count as u64, "{counts:?}");
    assert_eq!(installation.read("dead_letters").len(), count);
    // One process, one incarnation, and no transaction for each record.
    let log = running.process.stderr();
    assert!(!log.contains("starts over"), "{log}");
    let commits = running
        .metrics()
        .sum("churnwatch_commits_total", &[("outcome", "committed")]);
    assert!(commits < count as f64 / 100.0, "{commits} transactions");
    good_records_still_work(&installation, &mut running);
}

fn good_records_still_work(installation: &Installation, running: &mut Running) {
    let msisdn = "13700000001";
    let good = call("after-poison", msisdn, "13800138000", &minutes_ago(5));
    installation.produce("cdr", [installation.keyed(msisdn, good)]);
    installation.wait_processed(running);
    assert_eq!(running.counts()["applied"], 1);
}
