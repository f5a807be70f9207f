//! Topics with records of other systems.

use crate::support::installation::{Installation, minutes_ago};
use crate::support::process::Signal;
use serde_json::Value;
use std::fs;

/// No snapshot is taken while it runs: a restart replays everything.
const EXTRA: &str = "\
state.snapshot_interval_seconds = 86400
state.recovery_seconds_max = 3600
";

/// A layout of rows in the topic of call detail, whose first column is called so and means calls or messages.
fn layout(record_type: &str) -> String {
    format!(
        "format = \"csv\"\ncsv = {{ delimiter = \"|\", columns = [\"id\", \"number\", \"other\", \"at\"] }}\n[choose]\ntopic = \"*-cdr\"\n\
         [fields]\nrecord_id = {{ from = \"id\" }}\nrecord_type = {{ value = {record_type:?} }}\nmsisdn = {{ from = \"number\" }}\n\
         other_number = {{ from = \"other\" }}\nevent_timestamp = {{ from = \"at\" }}\n"
    )
}

#[test]
fn rows_are_read_and_replayed_by_the_layout_of_their_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.toml");
    fs::write(&path, layout("mo_call")).unwrap();
    let extra = format!("{EXTRA}decode.layouts = [{:?}]\n", path.to_str().unwrap());
    let installation = Installation::new("layouts", 2, &extra);
    let at = minutes_ago(5);
    let rows = |from: usize, count: usize| {
        let row = |n: usize| {
            let msisdn = format!("86139{n:08}");
            installation.keyed(&msisdn, format!("id-{n}|{msisdn}|10010|{at}"))
        };
        (from..from + count).map(row).collect::<Vec<_>>()
    };
    installation.produce("cdr", rows(0, 40));
    installation.produce(
        "cdr",
        [installation.keyed("8613900000000", "id|8613900000000|10010")],
    );
    let mut running = installation.run();
    installation.wait_processed(&mut running);
    let counts = running.counts();
    assert_eq!((counts["applied"], counts["dead_lettered"]), (40, 1));
    let dead = installation.read("dead_letters");
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].text(), "id|8613900000000|10010");
    assert_eq!(dead[0].header("errors.reason"), Some("not_a_row"));
    let message = dead[0].header("errors.message").unwrap();
    assert!(
        message.contains("it has 3 columns instead of 4"),
        "{message}"
    );
    running.process.signal(Signal::Kill);
    running.process.wait();
    let before = installation.read("tasks");

    // The replay reads the rows as they were read then, and what comes now as the file says now.
    fs::write(&path, layout("mo_sms")).unwrap();
    let mut running = installation.run();
    assert_eq!(running.metrics().sum("churnwatch_subscribers", &[]), 40.0);
    installation.produce("cdr", rows(40, 10));
    installation.wait_processed(&mut running);
    assert_eq!(running.counts()["applied"], 10);
    let tasks = installation.read("tasks");
    assert!(tasks.len() >= before.len());
    running.process.signal(Signal::Term);
    assert!(running.process.wait().success());
}

#[test]
fn files_of_ber_become_records_of_the_schemas() {
    let installation = Installation::new("layout-ber", 2, "");
    let sample = "schemas/layouts/samples/3gpp-ber.ber";
    let mut process = installation.start("produce", &["--layout", "3gpp-ber", sample]);
    assert!(process.wait().success(), "{}", process.stderr());
    let mut types = Vec::new();
    for record in installation.read("cdr") {
        let value: Value = serde_json::from_str(record.text()).unwrap();
        assert_eq!(record.key.as_deref(), Some(&b"8613800138003"[..]));
        types.push(value["record_type"].as_str().unwrap().to_owned());
    }
    let expected = ["mo_call", "mt_call", "mo_sms", "mt_sms", "data", "data"];
    assert_eq!(types, expected);
}

#[test]
fn files_of_another_system_become_records_of_the_schemas() {
    let installation = Installation::new("layout-files", 2, "");
    let sample = "schemas/layouts/samples/asterisk-cdr.csv";
    let mut process = installation.start("produce", &["--layout", "asterisk-cdr", sample]);
    assert!(process.wait().success(), "{}", process.stderr());
    let records = installation.read("cdr");
    assert_eq!(records.len(), 2);
    for record in records {
        let value: Value = serde_json::from_str(record.text()).unwrap();
        assert_eq!(value["record_type"], "mo_call");
        assert_eq!(record.key.as_deref(), Some(&b"8613800138000"[..]));
        assert_eq!(value["msisdn"], "13800138000");
    }
}
