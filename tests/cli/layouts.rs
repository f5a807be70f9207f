//! Records of other systems, as operators bring them.

use crate::support::ber;
use crate::support::process::Process;
use serde_json::Value;
use std::fs;
use std::io::Write;
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
        ("3gpp-ber", "3gpp-ber.ber"),
        ("3gpp-charging", "3gpp-charging.ndjson"),
    ] {
        let tasks = detect(&["--layout", layout], sample);
        assert!(!tasks.is_empty() || layout.starts_with("3gpp-"), "{layout}");
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

/// The records of a summary, by what became of them.
fn counted(summary: &str, what: &str) -> u64 {
    let mut lines = summary.lines().map(str::trim_start);
    let line = lines.find(|line| line.starts_with(what)).unwrap();
    line.split_whitespace().last().unwrap().parse().unwrap()
}

#[test]
fn a_file_of_ber_is_shown_and_a_draft_made_of_it() {
    let sample = format!("{SAMPLES}/3gpp-ber.ber");
    let (status, shown, errors) =
        churnwatch(&["check", "--sample", &sample, "--layout", "3gpp-ber"]);
    assert_eq!(status, Some(0), "{errors}");
    insta::assert_snapshot!(shown);
    let folder = tempfile::tempdir().unwrap();
    let bare = folder.path().join("records");
    fs::write(&bare, ber::all().concat()).unwrap();
    let bare = bare.to_str().unwrap();
    let draft = |path: &str| {
        let (status, draft, errors) = churnwatch(&["check", "--sample", path]);
        assert_eq!(status, Some(0), "{errors}");
        draft.replace(path, "records")
    };
    insta::assert_snapshot!(draft(bare));
    assert_eq!(draft(&sample), draft(bare), "with headers and without");
}

#[test]
fn damage_in_a_file_of_ber_costs_as_little_as_can_be_known() {
    let folder = tempfile::tempdir().unwrap();
    let layout = fs::read_to_string("schemas/layouts/3gpp-ber.toml").unwrap();
    let blocks = layout.replace("[choose]", "[ber]\nblock = 512\n[choose]");
    let blocks = write(folder.path(), "blocks.toml", &blocks);
    let records = ber::all();
    let whole = ber::file(&records);
    let mut wrong = records.clone();
    wrong[1][1] = 0x7f;
    let block = |records: &[Vec<u8>]| {
        let mut block = records.concat();
        block.resize(512, 0xff);
        block
    };
    let mut in_blocks = [
        block(&records[..3]),
        block(&records[3..]),
        block(&records[1..2]),
    ];
    let begin = records[0].len();
    in_blocks[0][begin] = 0x02;
    let gzip = {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&whole).unwrap();
        gzip.finish().unwrap()
    };
    let filler = records.join(&[0xff, 0x00][..]);
    // Applied, rejected, and the bytes passed over.
    for (name, bytes, layout, expected) in [
        ("whole", whole.clone(), "3gpp-ber", (6, 0, 0)),
        ("gzip", gzip, "3gpp-ber", (6, 0, 0)),
        (
            "zstd",
            zstd::encode_all(&whole[..], 1).unwrap(),
            "3gpp-ber",
            (6, 0, 0),
        ),
        ("filler", filler, "3gpp-ber", (6, 0, 0)),
        (
            "short",
            whole[..whole.len() - 10].to_vec(),
            "3gpp-ber",
            (5, 1, 0),
        ),
        (
            "wrong length, with headers",
            ber::file(&wrong),
            "3gpp-ber",
            (5, 1, 0),
        ),
        (
            "no record in a block",
            in_blocks.concat(),
            &*blocks,
            (5, 1, 0),
        ),
        (
            "no record, without blocks",
            [&records[0][..], &[2; 9000]].concat(),
            "3gpp-ber",
            (1, 1, 4904),
        ),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let dead = folder.path().join("dead").to_str().unwrap().to_owned();
        let (_, _, errors) = churnwatch(&[
            "detect",
            path.to_str().unwrap(),
            "--layout",
            layout,
            "--now",
            "2026-03-20T00:00:00+08:00",
            "--dead-letters",
            &dead,
            "--force",
        ]);
        let (applied, rejected, lost) = expected;
        assert_eq!(counted(&errors, "applied"), applied, "{name}: {errors}");
        assert_eq!(counted(&errors, "rejected"), rejected, "{name}: {errors}");
        let told = format!(
            "{} bytes behind a damaged record were passed over",
            indicatif::HumanCount(lost)
        );
        assert_eq!(errors.contains(&told), lost > 0, "{name}: {errors}");
        if lost > 0 {
            let path = path.to_str().unwrap();
            let out = folder.path().join("out").to_str().unwrap().to_owned();
            let of_events = ["calibrate", "--events", path, "--layout", layout];
            let (_, _, errors) =
                churnwatch(&[&of_events[..], &["--budget", "key=60", "--out", &out]].concat());
            assert!(errors.contains(&told), "{errors}");
        }
        for dead in fs::read_to_string(&dead).unwrap().lines() {
            let dead: Value = serde_json::from_str(dead).unwrap();
            assert_eq!(dead["reason"], "not_ber", "{name}");
            assert!(dead["source"]["offset"].as_u64().unwrap() > 0, "{name}");
        }
    }
}

#[test]
fn a_row_may_have_line_breaks_in_quotes() {
    let folder = tempfile::tempdir().unwrap();
    let head = "Kind;Number;Other;Start;Seconds\n";
    let row =
        |other: &str, hour: u32| format!("MOC;13800138000;{other};02.03.2026 {hour:02}:00;64\n");
    let broken = "\"two\r\nlines; \"\"quoted\"\"\n\"";
    let open = row("\"never closed", 11);
    let rows = [
        head,
        &row("10010", 9),
        &row(broken, 10),
        &row("5\" pipe", 12),
        &open,
        &row("1", 13),
    ]
    .concat();
    let long = [
        head,
        &row("10010", 9),
        &open,
        &row("2", 12).repeat(300),
        &row("3", 13),
    ]
    .concat();
    let layout = write(folder.path(), "rows.toml", LAYOUT);
    for (name, text, expected, place) in
        [("rows.csv", rows, (4, 1), 7), ("long.csv", long, (3, 1), 3)]
    {
        let rows = write(folder.path(), name, &text);
        let dead = folder.path().join("dead").to_str().unwrap().to_owned();
        let (status, _, errors) = churnwatch(&[
            "detect",
            &rows,
            "--layout",
            &layout,
            "--dead-letters",
            &dead,
            "--force",
        ]);
        assert_eq!(status, Some(3), "{errors}");
        // Equal rows are one record.
        assert_eq!(counted(&errors, "applied"), expected.0, "{errors}");
        assert_eq!(counted(&errors, "rejected"), expected.1, "{errors}");
        let dead: Value = serde_json::from_str(&fs::read_to_string(&dead).unwrap()).unwrap();
        assert_eq!(dead["value"], open.trim_end());
        assert_eq!(dead["source"]["offset"], place, "the number of its line");
        let message = dead["message"].as_str().unwrap();
        assert!(message.ends_with("a quote is not closed"), "{message}");
    }
}
