//! Input and output files as users name them.

use crate::support::process::Process;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::Write;
use std::path::Path;

/// Calls of two days.
fn calls(day: u32) -> String {
    let call = |hour: u32| {
        format!(
            "{{\"record_id\":\"{day}-{hour}\",\"record_type\":\"mo_call\",\"msisdn\":\"13800138000\",\
             \"event_timestamp\":\"2026-03-{day:02}T{hour:02}:00:00+08:00\",\"duration_seconds\":60,\
             \"cause_for_termination\":\"normal_release\"}}\n"
        )
    };
    (8..20).map(call).collect()
}

fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(text.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

/// Exit status and standard error.
fn detect(arguments: &[&str]) -> (Option<i32>, String) {
    let mut process = Process::start([&["detect"], arguments].concat());
    (process.wait().code(), process.stderr())
}

fn write(folder: &Path, name: &str, bytes: impl AsRef<[u8]>) -> String {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn an_output_never_destroys_an_input_another_output_or_what_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let events = write(folder.path(), "events.ndjson", calls(2));
    let kept = write(folder.path(), "kept", "what is there\n");
    let new = folder.path().join("new").to_str().unwrap().to_owned();
    for (arguments, why) in [
        (vec!["--tasks", &*events, "--force"], "is an input"),
        (
            vec!["--tasks", &*new, "--signals", &*new],
            "--tasks and --signals both name",
        ),
        (vec!["--dead-letters", &*kept], "with --force"),
    ] {
        let (status, errors) = detect(&[&[&*events], &arguments[..]].concat());
        assert_eq!(status, Some(2), "{arguments:?}: {errors}");
        assert!(errors.contains(why), "{errors}");
    }
    assert_eq!(fs::read_to_string(&events).unwrap(), calls(2));
    assert_eq!(fs::read_to_string(&kept).unwrap(), "what is there\n");
    let (status, errors) = detect(&[&events, "--tasks", &kept, "--force"]);
    assert_eq!(
        (status, &*fs::read_to_string(&kept).unwrap()),
        (Some(0), ""),
        "{errors}"
    );
}

#[test]
fn outputs_of_an_earlier_run_are_no_inputs_of_the_next() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    write(folder.path(), "events.ndjson", calls(2) + "{}\n");
    write(folder.path(), ".events.ndjson.swp", calls(3));
    let inputs = [path(""), path("*")];
    for (run, input) in inputs.iter().enumerate() {
        let outputs = ["--dead-letters", &path("dead"), "--force"];
        let (status, errors) = detect(&[&[&**input], &outputs[..]].concat());
        assert_eq!(status, Some(3), "{errors}");
        assert!(
            errors.starts_with("13 records") || errors.contains("\n13 records"),
            "{errors}"
        );
        let named = errors.contains("dead: passed over, as none of its first lines is an event");
        assert_eq!(named, run > 0, "{errors}");
        assert_eq!(fs::read_to_string(path("dead")).unwrap().lines().count(), 1);
    }
    let (status, errors) = detect(&[&path("dea*")]);
    assert_eq!(status, Some(1));
    assert!(
        errors.contains("none of the inputs holds events"),
        "{errors}"
    );
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let whole = gzip(&calls(2));
    write(folder.path(), "a.gz", &whole[..whole.len() / 2]);
    write(folder.path(), "b.xz", b"\xfd7zXZ\0");
    write(folder.path(), "c.ndjson", calls(3));
    let growing = calls(4);
    write(folder.path(), "d.ndjson", &growing[..growing.len() - 30]);
    let (status, errors) = detect(&[folder.path().to_str().unwrap()]);
    assert_eq!(status, Some(1), "{errors}");
    for named in [
        "a.gz: ",
        "the compressed file is cut short",
        "b.xz: it is compressed with xz; unpack it first: xz -dc ",
        "d.ndjson: the last line has no end",
        "2 of 4 inputs could not be read to the end",
    ] {
        assert!(errors.contains(named), "{named}: {errors}");
    }
    assert!(!errors.contains("c.ndjson: the last line"), "{errors}");
    let applied = errors
        .lines()
        .find(|line| line.trim_start().starts_with("applied"))
        .unwrap();
    let applied: u32 = applied.split_whitespace().last().unwrap().parse().unwrap();
    assert!((12 + 11..12 + 11 + 12).contains(&applied), "{errors}");
}
