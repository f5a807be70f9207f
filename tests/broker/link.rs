//! The client of a worker on a real broker: what it holds back, reads again, commits, fences and checks.

use crate::support::client::{NewRecord, Outcome};
use crate::support::installation::Installation;
use crate::support::{PATIENCE, wait_for};
use churnwatch::config::Config;
use churnwatch::kafka::{
    Attempt, Cluster, Fault, Front, Item, Link, Member, Outbound, Reader, Rebalance, Receipt, Span,
    SpanReader, TopicPartition, Topics, connect,
};
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::producer::Producer;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::sync::Arc;
use std::time::Duration;

const WAIT: Duration = Duration::from_millis(20);

fn config(installation: &Installation) -> Config {
    let config = Config::load_with(Some(&installation.config()), std::iter::empty());
    config.unwrap_or_else(|problems| panic!("{problems}"))
}

fn journal(installation: &Installation) -> String {
    format!("{}-journal", installation.group)
}

/// A worker's client, and its partitions. The journal is there.
fn join(installation: &Installation) -> (Member, Vec<TopicPartition>) {
    let config = config(installation);
    Cluster::inspect(&config).unwrap();
    let mut member = Member::join(&config, Arc::new(Topics::new(&config)), 0, || false).unwrap();
    let assigned = wait_for("partitions are ours", || match member.serve().unwrap() {
        Some(Rebalance::Assigned(assigned)) => Some(assigned),
        _ => {
            member.wait(WAIT);
            None
        }
    });
    (member, assigned)
}

fn at(topic: usize, partition: i32) -> TopicPartition {
    TopicPartition { topic, partition }
}

fn numbered(partition: i32, numbers: std::ops::Range<i32>) -> Vec<NewRecord> {
    let record = |n: i32| NewRecord::new("key", n.to_string()).on(partition);
    numbers.map(record).collect()
}

/// Takes what comes until `count` records were taken, `take` being told of each.
fn take(member: &mut Member, count: usize, mut take: impl FnMut(TopicPartition, i64)) {
    let mut taken = 0;
    wait_for(&format!("{count} records have come"), || {
        assert_eq!(member.serve().unwrap(), None);
        member.receive(100, WAIT);
        for item in member.items() {
            match item {
                Item::Record(record) => {
                    taken += 1;
                    take(record.at, record.offset);
                }
                Item::End { .. } => {}
                Item::Error { reason, .. } => panic!("{reason}"),
            }
        }
        member.clear();
        (taken >= count).then_some(())
    });
    assert_eq!(taken, count);
}

#[test]
fn what_is_paused_does_not_come_and_goes_on_where_it_was() {
    let installation = Installation::one_topic("pause", 2, "");
    for partition in [0, 1] {
        installation.produce("cdr", numbered(partition, 0..500));
    }
    let (mut member, assigned) = join(&installation);
    assert_eq!(assigned, [at(0, 0), at(0, 1)]);

    // Before anything of it was fetched.
    member.assign(&[(at(0, 0), 100), (at(0, 1), 0)]).unwrap();
    member.pause(&[at(0, 0)]).unwrap();
    let mut next = [100, 0];
    let mut in_order = |at: TopicPartition, offset: i64| {
        let next = &mut next[at.partition as usize];
        assert_eq!(offset, *next, "{at:?}");
        *next += 1;
    };
    let other_only = |at: TopicPartition, _| assert_eq!(at.partition, 1, "this one is paused");
    take(&mut member, 500, |at, offset| {
        other_only(at, offset);
        in_order(at, offset);
    });
    member.resume(&[at(0, 0)]).unwrap();
    take(&mut member, 100, &mut in_order);

    // While more of it was fetched already.
    member.pause(&[at(0, 0)]).unwrap();
    installation.produce("cdr", numbered(1, 500..900));
    take(&mut member, 400, |at, offset| {
        other_only(at, offset);
        in_order(at, offset);
    });
    member.resume(&[at(0, 0)]).unwrap();
    take(&mut member, 300, &mut in_order);
    assert_eq!(next, [500, 900]);
    let mut positions = member.positions().unwrap();
    positions.sort_unstable();
    assert_eq!(positions, [(at(0, 0), 500), (at(0, 1), 900)]);

    // A pause ends with the assignment.
    member.pause(&[at(0, 0), at(0, 1)]).unwrap();
    let config = config(&installation);
    let _other = Member::join(&config, Arc::new(Topics::new(&config)), 1, || false).unwrap();
    let assigned = wait_for("one of two partitions is ours", || {
        match member.serve().unwrap() {
            Some(Rebalance::Assigned(assigned)) => return Some(assigned),
            Some(Rebalance::Revoked { lost }) => {
                assert!(!lost);
                member.unassign().unwrap();
            }
            None => member.wait(WAIT),
        }
        None
    });
    let [ours] = assigned[..] else {
        panic!("not one partition: {assigned:?}");
    };
    let end = if ours.partition == 0 { 500 } else { 900 };
    member.assign(&[(ours, end - 10)]).unwrap();
    take(&mut member, 10, |at, _| assert_eq!(at, ours));
}

/// What a reader hands over of a span until nothing is left of it.
fn read(reader: &mut SpanReader, span: usize) -> Vec<(i64, String)> {
    let mut records = Vec::new();
    wait_for("the span is read", || {
        loop {
            match reader.front(span, WAIT).unwrap() {
                Front::Done => return Some(()),
                Front::Pending => return None,
                Front::Record(record) => {
                    let text = std::str::from_utf8(record.value().unwrap()).unwrap();
                    records.push((record.offset, text.to_owned()));
                }
            }
            reader.pass(span);
        }
    });
    records
}

#[test]
fn spans_are_read_again_in_whatever_order_the_caller_likes() {
    let installation = Installation::one_topic("spans", 3, "");
    let topic = installation.topic("cdr");
    installation.produce("cdr", numbered(0, 0..2_500));
    // Offsets 2500 to 2509 and a marker, then 2511 to 2515 and a marker.
    let client = &installation.client;
    client.produce_in_transaction(&topic, &topic, numbered(0, 0..10), Outcome::Abort);
    client.produce_in_transaction(&topic, &topic, numbered(0, 2_500..2_505), Outcome::Commit);
    installation.produce("cdr", numbered(1, 0..20));
    let (member, _) = join(&installation);
    let span = |partition, from, to| Span {
        at: at(0, partition),
        from,
        to,
    };
    let spans = [
        span(0, 10, 2_517),
        span(1, 5, 8),
        span(2, 0, 0),
        span(0, 3, 3),
    ];
    let mut reader = member.reader(&spans).unwrap();
    let Front::Done = reader.front(2, WAIT).unwrap() else {
        panic!("an empty span has nothing");
    };
    let numbers = |from: i64, to: i64| (from..to).map(|n| (n, n.to_string()));
    assert_eq!(read(&mut reader, 1), Vec::from_iter(numbers(5, 8)));
    let expected = numbers(10, 2_500).chain((2_500..2_505).map(|n| (n + 11, n.to_string())));
    assert_eq!(read(&mut reader, 0), Vec::from_iter(expected));
    assert_eq!(read(&mut reader, 0), [], "still done");
    assert_eq!(read(&mut reader, 3), []);
    assert_eq!(read(&mut reader, 4), [], "there is no such span");

    // Offsets that are not there.
    let mut beyond = member.reader(&[span(1, 30, 40)]).unwrap();
    let error = wait_for("it is an error", || beyond.front(0, WAIT).err());
    assert!(
        matches!(&error, Fault::Halt(reason) if reason.contains("partition 1")),
        "{error}"
    );
}

#[test]
fn an_open_transaction_is_within_the_journal_s_bounds_and_waited_for() {
    let installation = Installation::one_topic("bounds", 2, "");
    let (mut member, _) = join(&installation);
    let journal = journal(&installation);
    let topic = Topics::new(&config(&installation)).journal();
    assert_eq!(member.journal_bounds(0).unwrap(), 0..0);
    installation.client.produce(&journal, numbered(0, 0..3));
    let open = installation.client.open_transaction(&journal);
    assert_eq!(member.journal_bounds(0).unwrap(), 0..4);
    assert_eq!(member.journal_bounds(1).unwrap(), 0..0);

    let span = Span {
        at: at(topic, 0),
        from: 0,
        to: 4,
    };
    let mut reader = member.reader(&[span]).unwrap();
    for expected in 0..3 {
        wait_for("a record comes", || match reader.front(0, WAIT).unwrap() {
            Front::Record(record) => {
                assert_eq!(record.at, at(topic, 0));
                assert_eq!(record.offset, expected);
                Some(())
            }
            Front::Pending => None,
            Front::Done => panic!("too early"),
        });
        reader.pass(0);
    }
    for _ in 0..20 {
        assert!(matches!(reader.front(0, WAIT).unwrap(), Front::Pending));
    }
    open.commit_transaction(PATIENCE).unwrap();
    assert_eq!(read(&mut reader, 0), [(3, "open".to_owned())]);

    // What lies before an offset can be deleted, and what is deleted is no loss.
    member.trim_journal(0, 2);
    wait_for("the journal is trimmed", || {
        assert_eq!(member.serve().unwrap_or(None), None);
        (member.journal_bounds(0).unwrap() == (2..5)).then_some(())
    });
    let mut reader = member.reader(&[span]).unwrap();
    let error = wait_for("it is an error", || reader.front(0, WAIT).err());
    assert!(
        matches!(&error, Fault::Restart(reason) if reason.contains("trimmed")),
        "{error}"
    );
}

fn outbound(topic: &str, partition: Option<i32>, value: &str) -> Outbound {
    Outbound {
        topic: topic.into(),
        partition,
        key: Some(b"key".to_vec()),
        value: Some(value.as_bytes().to_vec()),
        headers: Vec::new(),
        timestamp_ms: None,
    }
}

fn committed(attempt: Result<Attempt, Fault>) -> Receipt {
    match attempt.unwrap() {
        Attempt::Committed(receipt) => receipt,
        other => panic!("not committed: {other:?}"),
    }
}

#[test]
fn a_commit_tells_where_it_placed_what_has_a_partition() {
    let installation = Installation::one_topic("placed", 2, "");
    installation.produce("cdr", numbered(0, 0..9));
    let (mut member, assigned) = join(&installation);
    let starts: Vec<_> = assigned.iter().map(|at| (*at, 0)).collect();
    member.assign(&starts).unwrap();
    let (journal, tasks) = (journal(&installation), installation.topic("tasks"));
    let none: Vec<_> = assigned.iter().map(|at| (*at, None)).collect();
    assert_eq!(member.committed(&assigned).unwrap(), none);

    // Records 0 of the journal and their markers, then records 2.
    for (round, offset) in [(0, 0), (1, 2)] {
        let records = [
            outbound(&journal, Some(1), &format!("one {round}")),
            outbound(&tasks, None, "task"),
            outbound(&journal, Some(0), &format!("zero {round}")),
        ];
        let mut receipt = committed(member.commit(&records, &[(at(0, 0), 4 + offset)]));
        receipt.placed.sort_unstable();
        assert_eq!(receipt.placed, [(0, offset), (2, offset)]);
        // Far from the 200 polls of 100 ms.
        assert!(receipt.polls < 200, "{} polls", receipt.polls);
    }
    let found = member.committed(&assigned).unwrap();
    assert_eq!(found, [(at(0, 0), Some(6)), (at(0, 1), None)]);
    assert_eq!(
        member.starts(&assigned).unwrap(),
        [(at(0, 0), 0), (at(0, 1), 0)]
    );
    assert_eq!(
        member.ends(&assigned).unwrap(),
        [(at(0, 0), 9), (at(0, 1), 0)]
    );
    let records = installation.client.read_committed(&journal);
    let texts: Vec<_> = records.iter().map(|record| record.text()).collect();
    assert_eq!(texts, ["zero 0", "zero 1", "one 0", "one 1"]);
}

#[test]
fn offsets_of_an_open_transaction_are_waited_for() {
    let installation = Installation::one_topic("stable", 1, "");
    let topic = installation.topic("cdr");
    // While the group has no members, anybody may commit offsets for it.
    let outsider: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", installation.client.bootstrap())
        .set("group.id", &installation.group)
        .create()
        .unwrap();
    let open = installation.client.open_transaction(&topic);
    let mut offsets = TopicPartitionList::new();
    offsets
        .add_partition_offset(&topic, 0, Offset::Offset(5))
        .unwrap();
    let group = outsider.group_metadata().unwrap();
    open.send_offsets_to_transaction(&offsets, &group, PATIENCE)
        .unwrap();
    let (member, assigned) = join(&installation);
    let answer = member.committed(&assigned);
    assert!(matches!(answer, Err(Fault::Restart(_))), "{answer:?}");
    open.commit_transaction(PATIENCE).unwrap();
    let found = member.committed(&assigned).unwrap();
    assert_eq!(found, [(at(0, 0), Some(5))]);
}

#[test]
fn a_fenced_worker_cannot_commit() {
    let installation = Installation::one_topic("zombie", 1, "");
    let tasks = installation.topic("tasks");
    let (mut zombie, _) = join(&installation);
    zombie.assign(&[(at(0, 0), 0)]).unwrap();
    let record = |name: &str| [outbound(&tasks, None, name)];
    committed(zombie.commit(&record("first"), &[(at(0, 0), 1)]));

    // Fenced by itself, it goes on.
    assert_eq!(zombie.fence(), Ok(Ok(())));
    committed(zombie.commit(&record("second"), &[(at(0, 0), 2)]));

    // Fenced by a successor under the same name, it does not.
    let config = config(&installation);
    let topics = Arc::new(Topics::new(&config));
    let _successor = Member::join(&config, topics, 0, || false).unwrap();
    let fault = zombie
        .commit(&record("late"), &[(at(0, 0), 3)])
        .unwrap_err();
    assert!(
        matches!(&fault, Fault::Restart(reason) if reason.contains("taken over")),
        "{fault}"
    );
    let records = installation.read("tasks");
    let texts: Vec<_> = records.iter().map(|record| record.text()).collect();
    assert_eq!(texts, ["first", "second"]);
    assert_eq!(installation.committed("cdr"), 2);
}

/// Offset of the first record of an open transaction, or the end.
fn stable_end(installation: &Installation, topic: &str) -> i64 {
    let reader: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", installation.client.bootstrap())
        .set("isolation.level", "read_committed")
        .create()
        .unwrap();
    reader.fetch_watermarks(topic, 0, PATIENCE).unwrap().1
}

#[test]
fn a_transaction_that_the_group_refused_is_ended_at_once() {
    // The brokers would end it only long after the test has given up.
    let extra = "run.instance_id = \"one\"\nrun.transaction_timeout_seconds = 240\n";
    let installation = Installation::one_topic("refused", 1, extra);
    let tasks = installation.topic("tasks");
    let (mut first, assigned) = join(&installation);
    assert_eq!(assigned, [at(0, 0)]);
    first.assign(&[(at(0, 0), 0)]).unwrap();
    committed(first.commit(&[outbound(&tasks, Some(0), "before")], &[(at(0, 0), 1)]));

    // The same member of the group, with transactions of another name.
    let mut config = config(&installation);
    config.run.transactional_id_prefix = "twin".to_owned();
    let topics = Arc::new(Topics::new(&config));
    let mut twin = Member::join(&config, topics, 0, || false).unwrap();
    wait_for("the twin has taken over", || {
        twin.wait(WAIT);
        twin.serve().unwrap()
    });
    let records: Vec<_> = (0..50)
        .map(|n| outbound(&tasks, Some(0), &format!("refused {n}")))
        .collect();
    first.prepare(&records);
    // One record and the mark of its commit, and some of what will be refused.
    wait_for("the transaction has begun to be written", || {
        (installation.length("tasks") > 2).then_some(())
    });
    let attempt = first.commit(&records, &[(at(0, 0), 2)]).unwrap();
    assert!(matches!(&attempt, Attempt::Membership(_)), "{attempt:?}");
    wait_for("the transaction is ended", || {
        let end = installation.length("tasks");
        (stable_end(&installation, &tasks) == end).then_some(())
    });
    assert_eq!(installation.read("tasks").len(), 1);
}

#[test]
fn the_journal_is_created_to_last_and_another_is_refused() {
    let installation = Installation::one_topic("journal", 3, "");
    let (config, journal) = (config(&installation), journal(&installation));
    let facts = connect(&config).unwrap().facts.join("\n");
    assert!(
        facts.contains(&format!("{journal}: does not exist; `run` creates it")),
        "{facts}"
    );
    let facts = connect(&config).unwrap().facts.join("\n");
    assert!(
        facts.contains("does not exist"),
        "looking changes nothing: {facts}"
    );
    let cluster = Cluster::inspect(&config).unwrap();
    assert_eq!(cluster.partitions, 3);
    let fact = format!("journal topic {journal}: partitions: 3");
    assert!(cluster.facts.contains(&fact), "{:?}", cluster.facts);
    assert!(connect(&config).unwrap().facts.contains(&fact));

    let with = |partitions, settings: &[(&str, &str)]| {
        installation.client.delete_topic(&journal);
        installation
            .client
            .create_topic(&journal, partitions, settings);
        Cluster::inspect(&config).unwrap_err().problems.join("\n")
    };
    let forgetful = with(
        3,
        &[("cleanup.policy", "compact"), ("retention.ms", "1000")],
    );
    for part in [
        format!("`{journal}` (topics.journal) has cleanup.policy=compact"),
        format!("`{journal}` (topics.journal) has retention.ms=1000"),
        format!("--entity-name {journal} --add-config retention.ms=-1"),
    ] {
        assert!(forgetful.contains(&part), "{forgetful}");
    }
    let other = with(2, &[("retention.ms", "-1")]);
    assert!(
        other.contains(&format!("from 2, as many as its journal {journal} has")),
        "{other}"
    );
}

#[test]
fn a_compacted_input_must_keep_what_a_restart_reads_again() {
    let installation = Installation::bare("lag", 1, "state.snapshot_interval_seconds = 100");
    let keys = [
        "cdr",
        "billing",
        "service",
        "outcome",
        "group",
        "tasks",
        "signals",
        "dead_letters",
        "erasures",
    ];
    for key in keys {
        installation
            .client
            .create_topic(&installation.topic(key), 1, &[]);
    }
    let profiles = installation.topic("subscriber");
    let with = |lag_ms| {
        let settings = [
            ("cleanup.policy", "compact"),
            ("min.compaction.lag.ms", lag_ms),
        ];
        installation.client.create_topic(&profiles, 1, &settings);
        let found = Cluster::inspect(&config(&installation)).map_err(|all| all.problems.join("\n"));
        installation.client.delete_topic(&profiles);
        found
    };
    let problem = with("399999").unwrap_err();
    for part in [
        format!("topic `{profiles}` is compacted, and its min.compaction.lag.ms is 399999"),
        "--add-config min.compaction.lag.ms=400000".to_owned(),
    ] {
        assert!(problem.contains(&part), "{problem}");
    }
    with("400000").unwrap();
}

#[test]
// The client must have time to fetch more than it may.
#[allow(clippy::disallowed_methods)]
fn a_lag_waits_in_kafka_and_not_in_memory() {
    const KILOBYTES: usize = 1_024;
    const RECORDS: usize = 30_000;
    // Besides, the client may hold an answer for each partition that it asked for before the limit was reached.
    const BYTES_MAX: usize = (KILOBYTES + 2 * 1_024) << 10;
    let more = format!("run.queued_kilobytes_max = {KILOBYTES}\n");
    let installation = Installation::one_topic("lag", 2, &more);
    let value = "x".repeat(1_000);
    for partition in [0, 1] {
        let record = |_| NewRecord::new("key", value.as_str()).on(partition);
        installation.produce("cdr", (0..RECORDS / 2).map(record));
    }
    let (mut member, assigned) = join(&installation);
    let starts: Vec<_> = assigned.into_iter().map(|at| (at, 0)).collect();
    member.assign(&starts).unwrap();
    let mut taken = 0;
    wait_for("all records have come", || {
        assert_eq!(member.serve().unwrap(), None);
        // All that was fetched while nobody took it.
        std::thread::sleep(WAIT);
        let came = member.receive(RECORDS, Duration::ZERO);
        member.clear();
        taken += came;
        assert!(came * value.len() <= BYTES_MAX, "{came} records were held");
        (taken >= RECORDS).then_some(())
    });
}
