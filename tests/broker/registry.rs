//! Records whose schema is in a registry: they are routed as JSON, and wait while the registry is away.

use std::collections::BTreeSet;
use std::net::TcpListener;

use apache_avro::Schema;
use apache_avro::types::Value as Avro;
use apache_avro::writer::datum::GenericDatumWriter;
use churnwatch::kafka::partition_of;
use churnwatch::registry::frame;
use serde_json::Value;

use crate::support::client::{NewRecord, ReadRecord, unique};
use crate::support::http::get;
use crate::support::installation::{Installation, Running, call, minutes_ago};
use crate::support::process::Signal;
use crate::support::receiver::Reply;
use crate::support::registry::StandIn;
use crate::support::wait_for;

/// Partitions of each source, and of each feed's topic.
const PARTITIONS: i32 = 3;

const AVRO: &str = r#"{"type":"record","name":"Cdr","fields":[
    {"name":"id","type":"string"},
    {"name":"kind","type":{"type":"enum","name":"Kind","symbols":["MOC","MTC"]}},
    {"name":"aParty","type":"string"},
    {"name":"start","type":{"type":"long","logicalType":"timestamp-millis"}},
    {"name":"leg","type":{"type":"record","name":"Leg","fields":[
        {"name":"bParty","type":["null","string"]},
        {"name":"seconds","type":"int"}]}}]}"#;

const PROTOBUF: &str = r#"syntax = "proto3";
import "google/protobuf/timestamp.proto";
message Heartbeat {}
message Cdr {
    string id = 1;
    Kind kind = 2;
    string a_party = 3;
    google.protobuf.Timestamp start = 4;
    Leg leg = 5;
}
message Leg { string b_party = 1; int32 seconds = 2; }
enum Kind { UNKNOWN = 0; MOC = 1; MTC = 2; }"#;

/// The layout of the topics of a kind, whose fields are called so.
fn layout(kind: &str, a_party: &str, b_party: &str, time: &str) -> String {
    format!(
        "name = \"{kind}-calls\"\nformat = \"json\"\n[choose]\ntopic = \"*-{kind}\"\n[fields]\nrecord_id = {{ from = \"id\" }}\n\
         record_type = {{ from = \"kind\", values = {{ MOC = \"mo_call\", MTC = \"mt_call\" }} }}\n\
         msisdn = {{ from = \"{a_party}\" }}\nother_number = {{ from = \"leg.{b_party}\" }}\n\
         event_timestamp = {{ from = \"start\", time = \"{time}\" }}\nduration_seconds = {{ from = \"leg.seconds\" }}\n"
    )
}

/// An installation that routes all topics that begin so, with a registry at an address.
fn installation(name: &str, prefix: &str, registry: &str) -> Installation {
    let avro = layout("avro", "aParty", "bParty", "epoch_ms");
    let protobuf = layout("protobuf", "a_party", "b_party", "rfc3339");
    let folder = tempfile::tempdir().unwrap().keep();
    let paths = [("avro", avro), ("protobuf", protobuf)].map(|(kind, text)| {
        let path = folder.join(format!("{kind}.toml"));
        std::fs::write(&path, text).unwrap();
        path
    });
    let extra = format!(
        "decode.layouts = {paths:?}\nroute.sources = [{{ topic = \"{prefix}-*\" }}]\nroute.workers = 2\nregistry.url = \"{registry}\"\n"
    );
    Installation::new(name, PARTITIONS, &extra)
}

/// The number of a call's subscriber, as the source has it.
fn number(n: u32) -> String {
    format!("0136{:08}", n % 50)
}

fn avro(id: u32, n: u32, at: i64) -> Vec<u8> {
    let schema = Schema::parse_str(AVRO).unwrap();
    let text = |text: &str| Avro::String(text.to_owned());
    let field = |name: &str, value| (name.to_owned(), value);
    let other = Avro::Union(1, Box::new(text("13800138000")));
    let leg = vec![field("bParty", other), field("seconds", Avro::Int(60))];
    let record = Avro::Record(vec![
        field("id", text(&format!("avro-{n}"))),
        field(
            "kind",
            Avro::Enum(n % 2, ["MOC", "MTC"][n as usize % 2].to_owned()),
        ),
        field("aParty", text(&number(n))),
        field("start", Avro::TimestampMillis(at)),
        field("leg", Avro::Record(leg)),
    ]);
    let writer = GenericDatumWriter::builder(&schema).build().unwrap();
    [&frame(id)[..], &writer.write_value_to_vec(record).unwrap()].concat()
}

/// A field with a length: a text or a message.
fn sized(number: u8, bytes: &[u8]) -> Vec<u8> {
    let length = u8::try_from(bytes.len()).unwrap();
    assert!(length < 128);
    [&[number << 3 | 2, length], bytes].concat()
}

fn protobuf(id: u32, n: u32, at: i64) -> Vec<u8> {
    let mut seconds = Vec::new();
    let mut rest = at / 1000;
    while rest >= 128 {
        seconds.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    seconds.push(rest as u8);
    let leg = [sized(1, b"13800138000"), vec![2 << 3, 60]].concat();
    // It is the second message of its schema.
    let parts = [
        frame(id).to_vec(),
        vec![2, 2],
        sized(1, format!("protobuf-{n}").as_bytes()),
        vec![2 << 3, 1 + (n % 2) as u8],
        sized(3, number(n).as_bytes()),
        sized(4, &[vec![1 << 3], seconds].concat()),
        sized(5, &leg),
    ];
    parts.concat()
}

fn json(id: u32, n: u32, at: i64) -> Vec<u8> {
    let at = jiff::Timestamp::from_millisecond(at).unwrap().to_string();
    let call = call(&format!("json-{n}"), &number(n), "13800138000", &at);
    [&frame(id)[..], call.as_bytes()].concat()
}

fn now() -> i64 {
    minutes_ago(5)
        .parse::<jiff::Timestamp>()
        .unwrap()
        .as_millisecond()
}

/// Records of a range, spread over the partitions of a source.
fn load(
    installation: &Installation,
    topic: &str,
    range: std::ops::Range<u32>,
    write: impl Fn(u32) -> Vec<u8>,
) {
    let record = |n: u32| NewRecord {
        partition: Some((n % PARTITIONS as u32) as i32),
        key: Some(b"switch-7".to_vec()),
        value: Some(write(n)),
        ..NewRecord::default()
    };
    installation.client.produce(topic, range.map(record));
}

/// Waits until so many calls were routed, and finds each once, as the schemas say, where its subscriber's records lie.
fn wait_calls(
    installation: &Installation,
    running: &mut Running,
    count: usize,
) -> BTreeSet<String> {
    let records = running
        .process
        .wait_for(&format!("{count} calls are routed"), |_| {
            Some(installation.read("cdr")).filter(|records| records.len() >= count)
        });
    let id = |record: &ReadRecord| {
        let call: Value = serde_json::from_str(record.text()).unwrap();
        let id = call["record_id"].as_str().unwrap().to_owned();
        let n: u32 = id.rsplit('-').next().unwrap().parse().unwrap();
        let key = format!("86136{:08}", n % 50);
        assert_eq!(record.key.as_deref(), Some(key.as_bytes()), "{id}");
        assert_eq!(record.partition, partition_of(key.as_bytes(), PARTITIONS));
        let kind = if n.is_multiple_of(2) || id.starts_with("json") {
            "mo_call"
        } else {
            "mt_call"
        };
        assert_eq!(call["record_type"], kind, "{id}");
        assert_eq!(call["msisdn"], number(n), "{id}");
        assert_eq!(call["other_number"], "13800138000", "{id}");
        assert_eq!(call["duration_seconds"], 60, "{id}");
        id
    };
    let ids: BTreeSet<String> = records.iter().map(id).collect();
    assert_eq!((records.len(), ids.len()), (count, count), "each once");
    ids
}

#[test]
fn avro_protobuf_and_json_come_to_their_feed_and_what_is_broken_to_the_dead_letters() {
    let stand_in = StandIn::start();
    stand_in.put(1, "AVRO", AVRO, &[]);
    stand_in.put(2, "PROTOBUF", PROTOBUF, &[]);
    stand_in.put(3, "JSON", "{}", &[]);
    let prefix = unique("coded");
    let installation = installation("registry", &prefix, &stand_in.url());
    let [calls, messages, texts] = ["avro", "protobuf", "json"].map(|kind| {
        let topic = format!("{prefix}-{kind}");
        installation.client.create_topic(&topic, PARTITIONS, &[]);
        topic
    });
    let at = now();
    load(&installation, &calls, 0..300, |n| avro(1, n, at));
    load(&installation, &messages, 0..300, |n| protobuf(2, n, at));
    load(&installation, &texts, 0..300, |n| json(3, n, at));
    let cut = avro(1, 7, at)[..10].to_vec();
    let wrong = [&frame(2)[..], b"\x02\x02\x0a\x01\xff"].concat();
    let nobody = {
        let mut record = avro(1, 7, at);
        let place = record
            .windows(4)
            .position(|window| window == b"0136")
            .unwrap();
        record[place + 1] = b'x';
        record
    };
    let broken = [
        (
            &calls,
            "unknown_schema",
            avro(99, 7, at),
            "no schema with id 99",
        ),
        (
            &calls,
            "unknown_schema",
            avro(99, 8, at),
            "no schema with id 99",
        ),
        (
            &calls,
            "not_of_schema",
            cut,
            "field `id` is cut short (schema 1)",
        ),
        (
            &messages,
            "not_of_schema",
            wrong,
            "field `id` is not valid UTF-8 (schema 2)",
        ),
        (
            &calls,
            "invalid_msisdn",
            nobody,
            "layout `avro-calls`: msisdn",
        ),
    ];
    for (topic, _, value, _) in &broken {
        load(&installation, topic, 0..1, |_| value.clone());
    }
    let mut running = installation.route("one");
    wait_calls(&installation, &mut running, 900);
    let dead = wait_for("the broken ones are dead letters", || {
        Some(installation.read("dead_letters")).filter(|dead| dead.len() >= broken.len())
    });
    assert_eq!(dead.len(), broken.len());
    for (topic, reason, value, said) in &broken {
        let letter = dead
            .iter()
            .find(|letter| letter.value.as_deref() == Some(value));
        let letter = letter.unwrap_or_else(|| panic!("{reason}: its bytes are kept"));
        assert_eq!(letter.header("errors.topic"), Some(topic.as_str()));
        assert_eq!(letter.header("errors.reason"), Some(*reason));
        let message = letter.header("errors.message").unwrap();
        assert!(message.contains(said), "{message}");
    }
    for id in [1, 2, 3, 99] {
        assert_eq!(stand_in.asked_for(id), 1, "schema {id} is asked for once");
    }
    running.wait_ready();
    let metrics = running.metrics();
    let requests = |outcome| {
        metrics.value(
            "churnwatch_registry_requests_total",
            &[("outcome", outcome)],
        )
    };
    assert_eq!(
        ["sent", "unknown", "failed"].map(requests),
        [Some(3.0), Some(1.0), Some(0.0)]
    );
    running.process.signal(Signal::Term);
    assert_eq!(running.process.wait().code(), Some(0));

    // What becomes of a live topic is shown as that of any other.
    let mut check = installation.start("check", &["--sample", &calls]);
    assert_eq!(check.wait().code(), Some(3), "{}", check.stderr());
    let shown = check.stdout();
    for line in [
        "layout `avro-calls`",
        "from kind = MOC",
        "304 records looked at",
        "    150  mo_call\n",
        "2  rejected (unknown_schema), such as record",
        "1  rejected (not_of_schema), such as record",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let mut check = installation.start("check", &["--connect"]);
    check.wait();
    let line = format!("schema registry: {}", stand_in.url());
    assert!(
        check.stdout().contains(&line),
        "{}{}",
        check.stdout(),
        check.stderr()
    );
}

/// Waits until readiness says why it is not there.
fn wait_unready(running: &mut Running) {
    let address = running.address;
    running.process.wait_for("it waits for the registry", |_| {
        let page = get(address, "/readyz")?;
        (page.status == 503 && page.body.contains("waits for the schema registry")).then_some(())
    });
}

#[test]
fn while_the_registry_is_away_records_wait_and_then_each_comes_once() {
    // Nobody listens there yet.
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let prefix = unique("waiting");
    let installation = installation("registry-away", &prefix, &format!("http://{address}"));
    let topic = format!("{prefix}-avro");
    installation.client.create_topic(&topic, PARTITIONS, &[]);
    let at = now();
    load(&installation, &topic, 0..300, |n| avro(1, n, at));
    let mut running = installation.route("one");
    wait_unready(&mut running);
    assert_eq!(get(running.address, "/healthz").unwrap().status, 200);
    assert_eq!(
        installation.length("cdr") + installation.length("dead_letters"),
        0
    );

    let stand_in = StandIn::at(address);
    stand_in.put(1, "AVRO", AVRO, &[]);
    wait_calls(&installation, &mut running, 300);
    running.wait_ready();

    // Schemas that are known need no registry; a new one does.
    for reply in [Reply::status(503), Reply::status(401), Reply::Breaks] {
        stand_in.away(Some(reply));
        let routed = installation.read("cdr").len();
        let (from, id) = (routed as u32, 1 + stand_in.asked().len() as u32);
        load(&installation, &topic, from..from + 90, |n| avro(1, n, at));
        wait_calls(&installation, &mut running, routed + 90);
        running.wait_ready();
        load(&installation, &topic, from + 90..from + 180, |n| {
            avro(id, n, at)
        });
        load(&installation, &topic, from + 180..from + 270, |n| {
            avro(1, n, at)
        });
        wait_unready(&mut running);
        running.process.signal(Signal::Kill);
        running.process.wait();
        running = installation.route("one");
        wait_unready(&mut running);
        assert_eq!(installation.length("dead_letters"), 0);
        stand_in.put(id, "AVRO", AVRO, &[]);
        stand_in.away(None);
        wait_calls(&installation, &mut running, routed + 270);
        running.wait_ready();
    }
    let log = running.process.stderr();
    let lines = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let told: Vec<Value> = lines.filter(|line| line["trouble"] == "registry").collect();
    let levels: Vec<&str> = told
        .iter()
        .filter_map(|line| line["level"].as_str())
        .collect();
    assert_eq!(
        levels,
        ["WARN", "INFO"],
        "one line for the trouble, one for its end: {log}"
    );
    assert_eq!(told[1]["message"], "the schema registry answers again");
    let failed = running.metrics();
    let failed = failed.value(
        "churnwatch_registry_requests_total",
        &[("outcome", "failed")],
    );
    assert!(failed > Some(0.0), "{failed:?}");
    assert_eq!(installation.length("dead_letters"), 0);
    running.process.signal(Signal::Term);
    assert_eq!(running.process.wait().code(), Some(0));
}
