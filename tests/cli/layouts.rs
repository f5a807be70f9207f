//! Records of other systems, as operators bring them.

use crate::support::process::Process;
use serde_json::Value;
use std::fs;
use std::path::Path;

const SAMPLES: &str = "schemas/layouts/samples";
const ROWS: &str = "Kind;Number;Other;Start;Seconds\nMOC;13800138000;10010;02.03.2026 09:15;64\nSMS;13800138000;;02.03.2026 10:00;\nMOC;1380013800O;10010;02.03.2026 11:00;1\n";
const LAYOUT: &str = "format = \"csv\"\nzone = \"Asia/Shanghai\"\ncsv = { delimiter = \";\", header = true }\n[fields]\nrecord_id = { hash = \"record\" }\nrecord_type = { from = \"Kind\", values = { MOC = \"mo_call\", SMS = \"mo_sms\" } }\nmsisdn = { from = \"Number\" }\nother_number = { from = \"Other\" }\nevent_timestamp = { from = \"Start\", time = \"%d.%m.%Y %H:%M\" }\nduration_seconds = { from = \"Seconds\" }\n";

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Exit status, standard output and standard error.
fn churnwatch(arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut process = Process::start(arguments.to_vec());
    let status = process.wait().code();
    (status, process.stdout(), process.stderr())
}

/// Where records lay is the only thing that differs.
fn forget_sources(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.remove("source");
            members.values_mut().for_each(forget_sources);
        }
        Value::Array(entries) => entries.iter_mut().for_each(forget_sources),
        _ => {}
    }
}

#[test]
fn a_file_of_another_system_gives_the_tasks_of_its_records() {
    let detect = |layout: &[&str], file: &str| {
        let file = format!("{SAMPLES}/{file}");
        let arguments = [
            &["detect", "--finish", "--now", "2026-03-20T00:00:00+08:00"],
            layout,
            &[&*file],
        ]
        .concat();
        let (status, tasks, errors) = churnwatch(&arguments);
        assert_eq!(status, Some(0), "{errors}");
        let tasks = tasks.lines().map(|task| {
            let mut task = serde_json::from_str(task).unwrap();
            forget_sources(&mut task);
            task
        });
        tasks.collect::<Vec<Value>>()
    };
    for (layout, sample) in [
        ("asterisk-cdr", "asterisk-cdr.csv"),
        ("china-province-mediation", "china-province-mediation.txt"),
        ("3gpp-charging", "3gpp-charging.ndjson"),
    ] {
        let tasks = detect(&["--layout", layout], sample);
        assert!(!tasks.is_empty() || layout == "3gpp-charging", "{layout}");
        assert_eq!(
            tasks,
            detect(&[], &format!("{layout}.expected")),
            "{layout}"
        );
    }
}

#[test]
fn a_draft_becomes_a_layout_that_is_shown_at_work() {
    let folder = tempfile::tempdir().unwrap();
    let rows = write(folder.path(), "rows.csv", ROWS);
    let (status, draft, errors) = churnwatch(&["check", "--sample", &rows]);
    assert_eq!(status, Some(0), "{errors}");
    insta::assert_snapshot!(draft.replace(&rows, "rows.csv"));
    let layout = write(folder.path(), "rows.toml", LAYOUT);
    let (status, shown, errors) = churnwatch(&["check", "--sample", &rows, "--layout", &layout]);
    assert_eq!(status, Some(3), "{errors}");
    let shown = shown.replace(folder.path().to_str().unwrap(), "");
    insta::assert_snapshot!(shown);
}

#[test]
fn what_cannot_be_mapped_is_a_dead_letter_that_names_layout_and_field() {
    let folder = tempfile::tempdir().unwrap();
    let rows = write(folder.path(), "rows.csv", ROWS);
    let layout = write(folder.path(), "rows.toml", LAYOUT);
    let dead = folder.path().join("dead").to_str().unwrap().to_owned();
    let (status, _, errors) = churnwatch(&[
        "detect",
        &rows,
        "--layout",
        &layout,
        "--dead-letters",
        &dead,
    ]);
    assert_eq!(status, Some(3), "{errors}");
    let dead: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&dead).unwrap()).unwrap();
    assert_eq!(dead["reason"], "invalid_msisdn");
    assert_eq!(dead["value"], "MOC;1380013800O;10010;02.03.2026 11:00;1");
    let message = dead["message"].as_str().unwrap();
    assert!(
        message.ends_with("(`Number` is like 9999999999a)"),
        "{message}"
    );
    let other = write(
        folder.path(),
        "other.csv",
        "Kind;Nummer;Other;Start;Seconds\n",
    );
    let (status, _, errors) = churnwatch(&["detect", &other, "--layout", &layout]);
    assert_eq!(status, Some(1), "{errors}");
    assert!(
        errors.contains("there is no column `Number`; did you mean `Nummer`?"),
        "{errors}"
    );
}

#[test]
fn a_file_that_no_layout_fits_is_named_with_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let rows = write(folder.path(), "rows.csv", ROWS);
    let chosen = |name: &str| format!("name = {name:?}\nchoose.file = \"{name}_*\"\n{LAYOUT}");
    let one = write(folder.path(), "one.toml", &chosen("one"));
    let two = write(folder.path(), "two.toml", &chosen("two"));
    let (status, _, errors) = churnwatch(&["detect", &rows, "--layout", &one, "--layout", &two]);
    assert_eq!(status, Some(1), "{errors}");
    assert!(
        errors.contains("none of the layouts one, two fits"),
        "{errors}"
    );
    let (status, _, errors) = churnwatch(&["detect", &rows, "--layout", "nosuch.toml"]);
    assert_eq!(status, Some(2), "{errors}");
    assert!(
        errors.contains("--layout nosuch.toml: there is no such file"),
        "{errors}"
    );
}

#[test]
fn a_layout_that_is_wrong_or_not_there_stops_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let layout = write(
        folder.path(),
        "rows.toml",
        "format = \"csv\"\n[fields]\nmsisdm = { from = \"a\" }\n",
    );
    let config = write(
        folder.path(),
        "churnwatch.toml",
        &format!("[decode]\nlayouts = [{layout:?}, \"asterisk\"]\n"),
    );
    let (status, _, errors) = churnwatch(&["check", "--config", &config]);
    assert_eq!(status, Some(2), "{errors}");
    assert!(errors.contains("did you mean `asterisk-cdr`?"), "{errors}");
    let config = write(
        folder.path(),
        "churnwatch.toml",
        &format!("[decode]\nlayouts = [{layout:?}]\n"),
    );
    let (status, _, errors) = churnwatch(&["check", "--config", &config]);
    assert_eq!(status, Some(2), "{errors}");
    assert!(
        errors.contains("rows.toml:3: fields.msisdm: is no field\n    did you mean `msisdn`?"),
        "{errors}"
    );
}
