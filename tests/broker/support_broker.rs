//! The test support itself: the broker starts and ends, what the client reads back is what a reader of Kafka would see,
//! and processes and pages are seen as they are.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;

use crate::support::broker::Broker;
use crate::support::client::{Client, NewRecord, Outcome, ReadRecord, unique};
use crate::support::http::{self, Metrics};
use crate::support::process::{Process, Signal};
use crate::support::wait_for;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

fn values(records: &[ReadRecord]) -> Vec<(i32, &str)> {
    records
        .iter()
        .map(|record| (record.partition, record.text()))
        .collect()
}

#[test]
fn committed_records_are_read_and_aborted_ones_are_not() {
    let client = Client::shared();
    let topic = unique("transactions");
    client.create_topic(&topic, 2, &[]);

    client.produce(&topic, [NewRecord::new("a", "plain").on(0)]);
    let batch = |word: &str| {
        [
            NewRecord::new("a", word).on(0),
            NewRecord::new("b", word).on(1),
        ]
    };
    client.produce_in_transaction("writer", &topic, batch("aborted"), Outcome::Abort);
    client.produce_in_transaction("writer", &topic, batch("committed"), Outcome::Commit);

    let read = client.read_committed(&topic);
    assert_eq!(
        values(&read),
        [(0, "plain"), (0, "committed"), (1, "committed")]
    );
    // The aborted records and both transactions' markers take offsets too.
    assert_eq!(read[1].offset, 3);
    assert_eq!(client.end_offsets(&topic), [(0, 5), (1, 4)].into());
}

#[test]
fn records_come_back_as_they_were_sent() {
    let client = Client::shared();
    let topic = unique("round-trip");
    client.create_topic(&topic, 1, &[("max.message.bytes", "3000000")]);

    let sent = [
        NewRecord {
            headers: vec![
                ("reason".into(), b"first".to_vec()),
                ("reason".into(), vec![0xff]),
            ],
            ..NewRecord::new("key", vec![0xff, 0x00])
        },
        NewRecord {
            key: Some(b"gone".to_vec()),
            ..NewRecord::default()
        },
        NewRecord {
            value: Some(Vec::new()),
            ..NewRecord::default()
        },
        NewRecord::new("big", vec![b'x'; 900_000]),
    ];
    client.produce(&topic, sent.clone());

    let read = client.read_committed(&topic);
    let expected: Vec<ReadRecord> = (0..)
        .zip(sent)
        .map(|(offset, record)| ReadRecord {
            partition: 0,
            offset,
            key: record.key,
            value: record.value,
            headers: record.headers,
        })
        .collect();
    assert_eq!(read, expected);
    assert_eq!(read[0].header("reason"), Some("first"));
    assert_eq!(read[0].header("absent"), None);
}

#[test]
fn an_empty_topic_ends_at_once() {
    let client = Client::shared();
    let topic = unique("empty");
    client.create_topic(&topic, 3, &[]);
    assert_eq!(client.read_committed(&topic), []);
    assert_eq!(client.end_offsets(&topic), [(0, 0), (1, 0), (2, 0)].into());
}

#[test]
fn committed_offsets_come_back() {
    let client = Client::shared();
    let (topic, group) = (unique("offsets"), unique("group"));
    client.create_topic(&topic, 2, &[]);
    client.produce(&topic, (0..5).map(|_| NewRecord::new("k", "v").on(1)));
    assert_eq!(
        client.committed_offsets(&group, &topic),
        [(0, None), (1, None)].into()
    );

    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", client.bootstrap())
        .set("group.id", &group)
        .create()
        .unwrap();
    let mut offsets = TopicPartitionList::new();
    offsets
        .add_partition_offset(&topic, 1, Offset::Offset(4))
        .unwrap();
    consumer.commit(&offsets, CommitMode::Sync).unwrap();

    assert_eq!(
        client.committed_offsets(&group, &topic),
        [(0, None), (1, Some(4))].into()
    );
}

#[test]
fn a_deleted_topic_can_be_created_anew() {
    let client = Client::shared();
    let topic = unique("deleted");
    client.create_topic(&topic, 1, &[]);
    client.produce(&topic, [NewRecord::new("k", "old")]);
    client.delete_topic(&topic);
    client.create_topic(&topic, 2, &[]);
    assert_eq!(client.read_committed(&topic), []);
}

/// However a test process ends, its broker ends with it. The test runs itself in a second process, where this variable
/// names the file that takes the broker's address, and kills that.
#[test]
fn a_killed_test_process_leaves_no_broker() {
    const ADDRESS_FILE: &str = "CHURNWATCH_TEST_ADDRESS_FILE";
    if let Some(file) = std::env::var_os(ADDRESS_FILE) {
        fs::write(file, Broker::shared().bootstrap()).unwrap();
        loop {
            std::thread::park();
        }
    }

    let file = tempfile::NamedTempFile::new().unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "support_broker::a_killed_test_process_leaves_no_broker",
        ])
        .env(ADDRESS_FILE, file.path())
        .env("TMPDIR", data.path());
    let mut holder = Process::spawn(command);
    let address: SocketAddr = holder.wait_for("its broker is up", |_| {
        fs::read_to_string(file.path()).ok()?.parse().ok()
    });
    assert!(TcpStream::connect(address).is_ok());

    holder.signal(Signal::Kill);
    holder.wait();
    wait_for("the broker is gone", || TcpStream::connect(address).err());
    wait_for("its data are gone", || {
        fs::read_dir(data.path())
            .unwrap()
            .next()
            .is_none()
            .then_some(())
    });
}

#[test]
fn the_program_runs_as_a_child() {
    let mut version = Process::start_with(["--version"], &[("NO_COLOR", "1")]);
    assert!(version.wait().success(), "{}", version.stderr());
}

#[test]
fn signals_reach_a_process() {
    let start = || {
        let mut command = Command::new("sh");
        command.args(["-c", "echo careful >&2; echo ready; exec sleep 1000"]);
        let mut process = Process::spawn(command);
        process.wait_for("it is ready", |process| {
            (process.stdout() == "ready\n").then_some(())
        });
        process
    };
    use std::os::unix::process::ExitStatusExt;
    const SIGKILL: i32 = 9;
    const SIGTERM: i32 = 15;

    let mut frozen = start();
    assert_eq!(frozen.stderr(), "careful\n");
    frozen.signal(Signal::Stop);
    frozen.signal(Signal::Term);
    assert_eq!(frozen.exit_status(), None);
    frozen.signal(Signal::Cont);
    assert_eq!(frozen.wait().signal(), Some(SIGTERM));

    let mut killed = start();
    killed.signal(Signal::Kill);
    assert_eq!(killed.wait().signal(), Some(SIGKILL));
}

#[test]
#[should_panic(expected = "ended (exit status: 3) while the test waited until it is ready")]
fn waiting_for_a_process_that_ended_fails_at_once() {
    let mut command = Command::new("sh");
    command.args(["-c", "exit 3"]);
    Process::spawn(command).wait_for("it is ready", |_| None::<()>);
}

#[test]
fn a_page_is_fetched() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 1024];
        let length = stream.read(&mut request).unwrap();
        stream
            .write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 9\r\n\r\nnot ready")
            .unwrap();
        String::from_utf8(request[..length].to_vec()).unwrap()
    });
    let response = http::get(address, "/readyz").unwrap();
    assert_eq!(
        (response.status, response.body.as_str()),
        (503, "not ready")
    );
    assert!(
        server
            .join()
            .unwrap()
            .starts_with("GET /readyz HTTP/1.0\r\n")
    );

    // Nobody listens on port 1: it was given to a service of the 1980s.
    assert!(http::get(SocketAddr::from(([127, 0, 0, 1], 1)), "/readyz").is_none());
}

#[test]
fn a_metrics_page_is_read() {
    let page = r#"
# HELP records_total Records, by feed and outcome.
# TYPE records_total counter
records_total{feed="cdr",outcome="applied"} 41
records_total{feed="cdr",outcome="late, \"very\" {late}\\"} 2
records_total{feed="billing",outcome="applied"} 1e3
lag_records 7 1790000000000
delay_seconds_bucket{le="+Inf"} +Inf
"#;
    let metrics = Metrics::parse(page);
    assert_eq!(metrics.value("lag_records", &[]), Some(7.0));
    assert_eq!(metrics.value("lag", &[]), None);
    assert_eq!(
        metrics.value("records_total", &[("feed", "billing")]),
        Some(1000.0)
    );
    assert_eq!(
        metrics.value("records_total", &[("outcome", r#"late, "very" {late}\"#)]),
        Some(2.0)
    );
    assert_eq!(metrics.sum("records_total", &[("feed", "cdr")]), 43.0);
    assert_eq!(
        metrics.sum("records_total", &[("outcome", "applied")]),
        1041.0
    );
    assert_eq!(metrics.sum("records_total", &[("feed", "outcome")]), 0.0);
    assert_eq!(
        metrics.value("delay_seconds_bucket", &[("le", "+Inf")]),
        Some(f64::INFINITY)
    );
}

#[test]
#[should_panic(expected = "not a sample")]
fn a_broken_metrics_page_is_refused() {
    Metrics::parse("records_total{feed=\"cdr\" 41");
}
