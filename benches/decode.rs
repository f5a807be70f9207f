//! Decoding, beside what serde_json alone needs for the same bytes.
//!
//! The limit reads the same records into a borrowed struct of the same fields, without judging any of them.
#![allow(missing_docs, clippy::unwrap_used)]

use churnwatch::decode::{DecodeSettings, Decoder, Form, LayoutText, Layouts, Scratch};
use churnwatch::registry::{Room, Schema, Sources};
use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher};
use serde::Deserialize;

/// Shows that decoding call-detail records allocates nothing.
#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

const RECORDS: usize = 10_000;

fn main() {
    divan::main();
}

/// Every field of call-detail, billing and service records that the decoder reads.
#[derive(Deserialize)]
#[allow(dead_code)]
struct Limit<'a> {
    record_id: &'a str,
    record_type: &'a str,
    msisdn: &'a str,
    event_timestamp: serde::de::IgnoredAny,
    other_number: Option<&'a str>,
    duration_seconds: Option<u32>,
    cause_for_termination: Option<&'a str>,
    uplink_volume_bytes: Option<u64>,
    downlink_volume_bytes: Option<u64>,
    charging_id: Option<u64>,
    amount: Option<&'a str>,
    subject: Option<&'a str>,
}

fn call(n: usize) -> String {
    format!(
        r#"{{"record_id":"msc07-20260301-{n:09}","record_type":"mo_call","msisdn":"138{:08}","event_timestamp":"2026-03-01T08:{:02}:{:02}+08:00","other_number":"+86139{:08}","duration_seconds":{},"cause_for_termination":"normal_release","first_cell_id":"460-00-1234-5678","rat_type":"eutran"}}"#,
        n % 100_000_000,
        n / 60 % 60,
        n % 60,
        n * 7919 % 100_000_000,
        n % 3600
    )
}

fn data(n: usize) -> String {
    format!(
        r#"{{"record_id":"pgw02-20260301-{n:09}","record_type":"data","msisdn":"138{:08}","event_timestamp":{},"uplink_volume_bytes":{},"downlink_volume_bytes":{},"charging_id":{n},"first_cell_id":"460-00-1234-5678","rat_type":"eutran"}}"#,
        n % 100_000_000,
        1_772_323_200_000 + n,
        n * 31,
        n * 977
    )
}

fn message(n: usize) -> String {
    format!(
        r#"{{"record_id":"smsc01-20260301-{n:09}","record_type":"mt_sms","msisdn":"138{:08}","event_timestamp":{},"other_number":"1069{n:08}"}}"#,
        n % 100_000_000,
        1_772_323_200_000 + n
    )
}

fn payment(n: usize) -> String {
    format!(
        r#"{{"record_id":"pay-{n}","record_type":"payment","msisdn":"138{:08}","event_timestamp":{},"amount":"{}.50"}}"#,
        n % 100_000_000,
        1_772_323_200_000 + n,
        n % 300
    )
}

fn calls() -> Vec<String> {
    (0..RECORDS).map(call).collect()
}

/// The records of [`call`] as another system writes them.
fn foreign_call(n: usize) -> String {
    format!(
        r#"{{"cdrId":"msc07-20260301-{n:09}","callType":"MOC","aParty":"138{:08}","startTime":"2026-03-01T08:{:02}:{:02}+08:00","bParty":"+86139{:08}","duration":{},"releaseCause":"normal_release","cell":{{"id":"460-00-1234-5678"}},"ratType":"eutran"}}"#,
        n % 100_000_000,
        n / 60 % 60,
        n % 60,
        n * 7919 % 100_000_000,
        n % 3600
    )
}

const FOREIGN_CALLS: &str = r#"
format = "json"
[fields]
record_id = { from = "cdrId" }
record_type = { from = "callType", values = { MOC = "mo_call", MTC = "mt_call" } }
msisdn = { from = "aParty" }
event_timestamp = { from = "startTime" }
other_number = { from = "bParty" }
duration_seconds = { from = "duration" }
cause_for_termination = { from = "releaseCause" }
"#;

/// The same as a row.
fn row_call(n: usize) -> String {
    format!(
        "msc07-20260301-{n:09};MOC;138{:08};20260301;08{:02}{:02};+86139{:08};{};normal_release;460-00-1234-5678;eutran",
        n % 100_000_000,
        n / 60 % 60,
        n % 60,
        n * 7919 % 100_000_000,
        n % 3600
    )
}

const ROW_CALLS: &str = r##"
format = "csv"
zone = "Asia/Shanghai"
csv.delimiter = ";"
[fields]
record_id = { from = "#1" }
record_type = { from = "#2", values = { MOC = "mo_call", MTC = "mt_call" } }
msisdn = { from = "#3" }
event_timestamp = { join = ["#4", "#5"], with = "", time = "%Y%m%d%H%M%S" }
other_number = { from = "#6" }
duration_seconds = { from = "#7" }
cause_for_termination = { from = "#8" }
"##;

/// The records of [`foreign_call`] in Avro.
const AVRO: &str = r#"{"type":"record","name":"Call","fields":[
    {"name":"cdrId","type":"string"},{"name":"callType","type":{"type":"enum","name":"Kind","symbols":["MOC","MTC"]}},
    {"name":"aParty","type":"string"},{"name":"startTime","type":"string"},{"name":"bParty","type":["null","string"]},
    {"name":"duration","type":"int"},{"name":"releaseCause","type":"string"},
    {"name":"cell","type":{"type":"record","name":"Cell","fields":[{"name":"id","type":"string"}]}},
    {"name":"ratType","type":"string"}]}"#;

/// And in Protobuf.
const PROTOBUF: &str = r#"syntax = "proto3";
message Call {
    string cdrId = 1; Kind callType = 2; string aParty = 3; string startTime = 4; string bParty = 5; int32 duration = 6;
    string releaseCause = 7; Cell cell = 8; string ratType = 9;
}
message Cell { string id = 1; }
enum Kind { UNKNOWN = 0; MOC = 1; MTC = 2; }"#;

/// The texts of [`foreign_call`] in the order of their fields, and its duration.
fn parts(n: usize) -> ([String; 4], usize) {
    let texts = [
        format!("msc07-20260301-{n:09}"),
        format!("138{:08}", n % 100_000_000),
        format!("2026-03-01T08:{:02}:{:02}+08:00", n / 60 % 60, n % 60),
        format!("+86139{:08}", n * 7919 % 100_000_000),
    ];
    (texts, n % 3600)
}

/// A number of up to 14 bits as both formats write it.
fn varint(number: usize) -> Vec<u8> {
    match number {
        0..128 => vec![number as u8],
        _ => vec![number as u8 | 0x80, (number >> 7) as u8],
    }
}

fn avro_call(n: usize) -> Vec<u8> {
    let text = |text: &str| [&varint(2 * text.len()), text.as_bytes()].concat();
    let ([id, a_party, start, b_party], duration) = parts(n);
    let fields = [
        text(&id),
        vec![0],
        text(&a_party),
        text(&start),
        [vec![2], text(&b_party)].concat(),
        varint(2 * duration),
        text("normal_release"),
        text("460-00-1234-5678"),
        text("eutran"),
    ];
    fields.concat()
}

fn protobuf_call(n: usize) -> Vec<u8> {
    let sized = |number: u8, bytes: &[u8]| [&[number << 3 | 2, bytes.len() as u8], bytes].concat();
    let ([id, a_party, start, b_party], duration) = parts(n);
    let fields = [
        // It is the first message of its schema.
        vec![0],
        sized(1, id.as_bytes()),
        vec![2 << 3, 1],
        sized(3, a_party.as_bytes()),
        sized(4, start.as_bytes()),
        sized(5, b_party.as_bytes()),
        [vec![6 << 3], varint(duration)].concat(),
        sized(7, b"normal_release"),
        sized(8, &sized(1, b"460-00-1234-5678")),
        sized(9, b"eutran"),
    ];
    fields.concat()
}

/// Records of a schema, through the layout of [`foreign_call`].
fn coded(bencher: Bencher<'_, '_>, kind: &str, schema: &str, records: &[Vec<u8>]) {
    let schema = Schema::new(&Sources {
        kind: kind.to_owned(),
        text: schema.to_owned(),
        references: Vec::new(),
    });
    let schema = schema.unwrap();
    let text = LayoutText {
        name: "bench".to_owned(),
        text: FOREIGN_CALLS.to_owned(),
    };
    let layouts = Layouts::new(&[text]).unwrap();
    let form: Form = layouts.of_topic("calls").clone();
    let decoder = Decoder::new(DecodeSettings::default()).unwrap();
    let same =
        schema.json(&records[7], &mut Room::default()).unwrap() == foreign_call(7).as_bytes();
    assert!(same, "the records are the same");
    bencher
        .counter(ItemsCount::new(records.len()))
        .counter(BytesCount::new(records.iter().map(Vec::len).sum::<usize>()))
        .with_inputs(|| (Scratch::default(), Room::default()))
        .bench_refs(|(scratch, room)| {
            for record in records {
                let json = schema.json(record, room).unwrap();
                let read = decoder.decode_as(&form, json, scratch);
                divan::black_box(read.unwrap().unwrap());
            }
        });
}

#[divan::bench]
fn avro_calls_mapped(bencher: Bencher<'_, '_>) {
    let records: Vec<Vec<u8>> = (0..RECORDS).map(avro_call).collect();
    coded(bencher, "AVRO", AVRO, &records);
}

#[divan::bench]
fn protobuf_calls_mapped(bencher: Bencher<'_, '_>) {
    let records: Vec<Vec<u8>> = (0..RECORDS).map(protobuf_call).collect();
    coded(bencher, "PROTOBUF", PROTOBUF, &records);
}

fn mapped(bencher: Bencher<'_, '_>, layout: &str, records: &[String]) {
    let text = LayoutText {
        name: "bench".to_owned(),
        text: layout.to_owned(),
    };
    let layouts = Layouts::new(&[text]).unwrap();
    let form: Form = layouts.of_topic("calls").clone();
    let decoder = Decoder::new(DecodeSettings::default()).unwrap();
    let bytes: usize = records.iter().map(String::len).sum();
    bencher
        .counter(ItemsCount::new(records.len()))
        .counter(BytesCount::new(bytes))
        .with_inputs(Scratch::default)
        .bench_refs(|scratch| {
            for record in records {
                let read = decoder.decode_as(&form, record.as_bytes(), scratch);
                divan::black_box(read.unwrap().unwrap());
            }
        });
}

#[divan::bench]
fn foreign_calls_mapped(bencher: Bencher<'_, '_>) {
    let records: Vec<String> = (0..RECORDS).map(foreign_call).collect();
    mapped(bencher, FOREIGN_CALLS, &records);
}

#[divan::bench]
fn row_calls_mapped(bencher: Bencher<'_, '_>) {
    let records: Vec<String> = (0..RECORDS).map(row_call).collect();
    mapped(bencher, ROW_CALLS, &records);
}

/// As feeds mix: mostly data sessions, then calls, messages, and now and then money.
fn mixed() -> Vec<String> {
    let kinds = [
        data, data, data, call, data, message, call, data, data, call,
    ];
    let record = |n: usize| match n % 200 {
        199 => payment(n),
        _ => kinds[n % kinds.len()](n),
    };
    (0..RECORDS).map(record).collect()
}

fn run(bencher: Bencher<'_, '_>, records: &[String], read: impl Fn(&[u8]) + Sync) {
    let bytes: usize = records.iter().map(String::len).sum();
    bencher
        .counter(ItemsCount::new(records.len()))
        .counter(BytesCount::new(bytes))
        .bench(|| {
            for record in records {
                read(record.as_bytes());
            }
        });
}

fn decode(bytes: &[u8], decoder: &Decoder) {
    divan::black_box(decoder.decode(bytes).unwrap());
}

fn limit(bytes: &[u8]) {
    divan::black_box(serde_json::from_slice::<Limit<'_>>(bytes).unwrap());
}

#[divan::bench]
fn calls_decoded(bencher: Bencher<'_, '_>) {
    let decoder = Decoder::new(DecodeSettings::default()).unwrap();
    run(bencher, &calls(), |bytes| decode(bytes, &decoder));
}

#[divan::bench]
fn calls_limit(bencher: Bencher<'_, '_>) {
    run(bencher, &calls(), limit);
}

#[divan::bench]
fn mixed_decoded(bencher: Bencher<'_, '_>) {
    let decoder = Decoder::new(DecodeSettings::default()).unwrap();
    run(bencher, &mixed(), |bytes| decode(bytes, &decoder));
}

#[divan::bench]
fn mixed_limit(bencher: Bencher<'_, '_>) {
    run(bencher, &mixed(), limit);
}
