//! Decoding, beside what serde_json alone needs for the same bytes.
//!
//! The limit reads the same records into a borrowed struct of the same fields, without judging any of them.
#![allow(missing_docs, clippy::unwrap_used)]

use churnwatch::decode::{DecodeSettings, Decoder, Form, LayoutText, Layouts, Scratch};
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
