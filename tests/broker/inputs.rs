//! What `run` reads: committed records only, from topics that fit together.

use crate::support::client::{NewRecord, Outcome};
use crate::support::installation::{FEEDS, Installation, OUTPUTS, call, minutes_ago};
use crate::support::process::Signal;
use churnwatch::kafka::Partitioner;

#[test]
fn aborted_input_invisible() {
    let installation = Installation::new("aborted", 2, "");
    let at = minutes_ago(5);
    let calls = |name: &str, count: usize| -> Vec<_> {
        let record = |n: usize| {
            let msisdn = format!("139{n:08}");
            installation.keyed(
                &msisdn,
                call(&format!("{name}-{n}"), &msisdn, "13800138000", &at),
            )
        };
        (0..count).map(record).collect()
    };
    let unreadable =
        |name: &str| installation.keyed("13900000000", format!("not a record: {name}"));
    let cdr = installation.topic("cdr");
    let mut running = installation.run();

    let transaction = |name: &str, count: usize, outcome| {
        let records = calls(name, count).into_iter().chain([unreadable(name)]);
        installation.client.produce_in_transaction(
            &format!("{cdr}-{name}"),
            &cdr,
            records,
            outcome,
        );
    };
    transaction("first", 30, Outcome::Commit);
    transaction("aborted", 50, Outcome::Abort);
    transaction("second", 7, Outcome::Commit);
    // The aborted records and the markers of all three are passed over, or this would wait in vain.
    installation.wait_processed(&mut running);

    let counts = running.counts();
    assert_eq!(counts["dead_lettered"], 2);
    assert_eq!(counts.values().sum::<u64>(), 30 + 7 + 2);
    let dead: Vec<_> = installation.read("dead_letters");
    let mut dead: Vec<_> = dead.iter().map(|letter| letter.text()).collect();
    dead.sort_unstable();
    assert_eq!(dead, ["not a record: first", "not a record: second"]);

    // Nor does a restart, which reads the window again, see them.
    running.process.signal(Signal::Term);
    assert!(running.process.wait().success());
    let mut running = installation.run();
    let subscribers = running.metrics().sum("churnwatch_subscribers", &[]);
    transaction("third", 1, Outcome::Commit);
    installation.wait_processed(&mut running);
    assert_eq!(running.counts().values().sum::<u64>(), 2);
    assert!(
        subscribers <= 30.0,
        "{subscribers} subscribers, of 30 that were committed"
    );
}

#[test]
fn partition_mismatch() {
    let installation = Installation::bare("mismatch", 3, "");
    for key in FEEDS.into_iter().chain(OUTPUTS) {
        let partitions = if key == "billing" { 2 } else { 3 };
        installation
            .client
            .create_topic(&installation.topic(key), partitions, &[]);
    }
    for command in [&["run"][..], &["check", "--connect"]] {
        let mut process = installation.start(command[0], &command[1..]);
        assert_eq!(process.wait().code(), Some(1), "{command:?}");
        let error = process.stderr();
        let billing = installation.topic("billing");
        for part in [
            format!("{billing} has 2"),
            format!("{} has 3", installation.topic("cdr")),
            format!("create {billing} anew with 3 partitions"),
        ] {
            assert!(
                error.contains(&part),
                "{command:?} does not say {part:?}:\n{error}"
            );
        }
    }
}

#[test]
fn feeds_that_are_keyed_differently_are_refused() {
    let installation = Installation::new("keyed", 4, "");
    let at = minutes_ago(5);
    let produce = |feed: &str, partitioner: Partitioner| {
        let record = |n: usize| {
            let msisdn = format!("86138{n:08}");
            let partition = partitioner.partition(msisdn.as_bytes(), 4);
            let value = call(&format!("{feed}-{n}"), &msisdn, "10010", &at);
            NewRecord::new(msisdn, value).on(partition)
        };
        installation.produce(feed, (0..40).map(record));
    };
    produce("cdr", Partitioner::Crc32);
    let check = || {
        let mut process = installation.start("check", &["--connect"]);
        let code = process.wait().code();
        (code, process.stdout() + &process.stderr())
    };
    let (code, said) = check();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("keys are hashed by CRC-32"), "{said}");

    produce("subscriber", Partitioner::Murmur2);
    let mut run = installation.start("run", &[]);
    let refused = (run.wait().code(), run.stderr());
    for (code, said) in [check(), refused] {
        assert_eq!(code, Some(1), "{said}");
        for part in [
            format!("{} CRC-32", installation.topic("cdr")),
            format!("{} murmur2", installation.topic("subscriber")),
            "set the same partitioner in all producers".to_owned(),
        ] {
            assert!(said.contains(&part), "{part:?} is not in\n{said}");
        }
        assert!(!said.contains("8613800000"), "{said}");
    }
}

/// A mediation's statement, as it goes to every partition.
fn statement(partition: i32) -> NewRecord {
    let at = minutes_ago(5);
    let value = format!(
        r#"{{"record_type":"feed_progress","feed":"cdr","event_timestamp":"{at}","complete_until":"{at}"}}"#
    );
    NewRecord::new("feed_progress", value).on(partition)
}

#[test]
fn keys_are_found_behind_statements_that_concern_nobody() {
    let installation = Installation::new("behind", 4, "");
    let at = minutes_ago(5);
    let produce = |feed: &str, partitioner: Partitioner, records: usize| {
        let record = |n: usize| {
            let msisdn = format!("86138{n:08}");
            let partition = partitioner.partition(msisdn.as_bytes(), 4);
            let value = call(&format!("{feed}-{n}"), &msisdn, "10010", &at);
            NewRecord::new(msisdn, value).on(partition)
        };
        installation.produce(feed, (0..records).map(record));
    };
    produce("cdr", Partitioner::Crc32, 200);
    produce("subscriber", Partitioner::Murmur2, 200);
    produce("billing", Partitioner::Murmur2, 1);
    for feed in ["cdr", "subscriber"] {
        let statements = (0..4).flat_map(|partition| (0..2_000).map(move |_| statement(partition)));
        installation.produce(feed, statements);
    }
    let mut check = installation.start("check", &["--connect"]);
    assert_eq!(check.wait().code(), Some(1), "{}", check.stdout());
    let said = check.stderr();
    for part in [
        format!("{} CRC-32", installation.topic("cdr")),
        format!("{} murmur2", installation.topic("subscriber")),
    ] {
        assert!(said.contains(&part), "{part:?} is not in\n{said}");
    }
}

#[test]
fn run_compares_keys_from_the_first_record_on_with_what_its_start_found() {
    let installation = Installation::new("compares", 4, "run.workers = 2\n");
    let at = minutes_ago(5);
    let record = |feed: &str, n: usize, shift: i32| {
        let msisdn = format!("86138{n:08}");
        let partition = Partitioner::Murmur2.partition(msisdn.as_bytes(), 4);
        let value = call(&format!("{feed}-{n}"), &msisdn, "10010", &at);
        NewRecord::new(msisdn, value).on((partition + shift) % 4)
    };
    installation.produce("cdr", (0..40).map(|n| record("cdr", n, 0)));
    installation.produce("outcome", [record("outcome", 0, 0)]);
    let mut check = installation.start("check", &["--connect"]);
    assert!(check.wait().success(), "{}", check.stderr());
    assert!(
        check.stdout().contains("(1 key looked at)"),
        "{}",
        check.stdout()
    );
    let mut running = installation.run();
    installation.wait_processed(&mut running);
    running.process.signal(Signal::Term);
    assert!(running.process.wait().success());

    let mut running = installation.run();
    // Nothing but these comes, and they lie with both workers.
    installation.produce("cdr", (40..48).map(|n| record("cdr", n, 1)));
    installation.wait_processed(&mut running);
    let differing = running
        .metrics()
        .sum("churnwatch_key_disagreements_total", &[]);
    assert_eq!(differing, 8.0);
    let said = running.process.stderr();
    let warned = said.matches("a record lies in another partition").count();
    assert_eq!(warned, 1, "{said}");
}

#[test]
fn missing_topics_are_named_with_the_command_that_creates_them() {
    let installation = Installation::bare("missing", 4, "");
    for key in [
        "cdr",
        "billing",
        "subscriber",
        "service",
        "group",
        "tasks",
        "signals",
    ] {
        installation
            .client
            .create_topic(&installation.topic(key), 4, &[]);
    }
    for command in [&["run"][..], &["check", "--connect"]] {
        let mut process = installation.start(command[0], &command[1..]);
        assert_eq!(process.wait().code(), Some(1), "{command:?}");
        let error = process.stderr();
        for key in ["outcome", "dead_letters", "erasures"] {
            let topic = installation.topic(key);
            for part in [
                format!("topic `{topic}` (topics.{key}) does not exist"),
                "PARTITIONS=4 deploy/kafka-topics.sh".to_owned(),
            ] {
                assert!(
                    error.contains(&part),
                    "{command:?} does not say {part:?}:\n{error}"
                );
            }
        }
    }
    // With them in place, both accept.
    for key in ["outcome", "dead_letters", "erasures"] {
        installation
            .client
            .create_topic(&installation.topic(key), 4, &[]);
    }
    let mut check = installation.start("check", &["--connect"]);
    assert!(check.wait().success(), "{}", check.stderr());
    assert!(check.stdout().contains(&format!(
        "input topic {}: partitions: 4",
        installation.topic("cdr")
    )));
    let mut running = installation.run();
    running.process.signal(Signal::Term);
    assert!(running.process.wait().success());
}

#[test]
fn recreated_topic() {
    let installation = Installation::new("anew", 1, "");
    let records =
        |count: usize| (0..count).map(|n| installation.keyed("x", format!("unreadable {n}")));
    installation.produce("cdr", records(10));
    let mut running = installation.run();
    installation.wait_processed(&mut running);
    running.process.signal(Signal::Term);
    assert!(running.process.wait().success());

    let cdr = installation.topic("cdr");
    installation.client.delete_topic(&cdr);
    installation.client.create_topic(&cdr, 1, &[]);
    installation.produce("cdr", records(3));
    let mut process = installation.start("run", &[]);
    assert_eq!(process.wait().code(), Some(1));
    let error = process.stderr();
    for part in [
        &format!("topic {cdr} partition 0"),
        "created anew",
        "begin anew with another `kafka.group`",
    ] {
        assert!(error.contains(part), "it does not say {part:?}:\n{error}");
    }
}

#[test]
fn produce_loads_a_compacted_topic_and_tells_every_partition_of_progress() {
    let installation = Installation::bare("compacted", 3, "");
    let compacted: &[(&str, &str)] = &[
        ("cleanup.policy", "compact"),
        ("min.compaction.lag.ms", "1200000"),
    ];
    for key in FEEDS.into_iter().chain(OUTPUTS) {
        let settings = if key == "subscriber" { compacted } else { &[] };
        let topic = installation.topic(key);
        installation.client.create_topic(&topic, 3, settings);
    }
    let at = minutes_ago(5);
    let profile = format!(
        r#"{{"record_id":"1","record_type":"profile","msisdn":"13800138000","event_timestamp":"{at}","brand":"gotone"}}"#
    );
    let progress = format!(
        r#"{{"record_type":"feed_progress","feed":"subscriber","event_timestamp":"{at}","complete_until":"{at}"}}"#
    );
    let file = installation.folder().join("profiles.ndjson");
    std::fs::write(&file, format!("{profile}\n{progress}\n")).unwrap();
    let mut produce = installation.start("produce", &[file.to_str().unwrap()]);
    assert_eq!(produce.wait().code(), Some(0), "{}", produce.stderr());
    assert_eq!(installation.length("subscriber"), 1 + 3);
    let said = produce.stderr();
    assert!(said.contains("2 records in "), "{said}");
    let explained = "1 of them is feed_progress and goes to every partition, 3 times in all";
    assert!(said.contains(explained), "{said}");

    let mut running = installation.run();
    installation.wait_processed(&mut running);
    let counts = running.counts();
    assert_eq!((counts["applied"], counts["ignored"]), (1, 3), "{counts:?}");
}
