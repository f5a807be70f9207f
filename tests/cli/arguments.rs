//! The commands `check` and `config` as a shell sees them.

use std::path::Path;
use std::process::{Command, Stdio};

/// Exit status, stdout and stderr of the program, with an environment of its own.
fn churnwatch(arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_churnwatch"))
        .args(arguments)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(output.stdout),
        text(output.stderr),
    )
}

fn file(directory: &Path, text: &str) -> String {
    let path = directory.join("churnwatch.toml");
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn the_printed_configuration_passes_the_check() {
    let (status, reference, errors) = churnwatch(&["config"], &[]);
    assert_eq!((status, errors.as_str()), (Some(0), ""));
    assert_eq!(reference, churnwatch::config::reference());
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), &reference);
    let (status, printed, errors) = churnwatch(&["check", "--config", &path], &[]);
    assert_eq!((status, errors.as_str()), (Some(0), ""));
    let (_, of_defaults, _) = churnwatch(&["check"], &[]);
    assert_eq!(printed, of_defaults);
}

#[test]
fn a_valid_configuration_is_summed_up() {
    let directory = tempfile::tempdir().unwrap();
    let text = "[kafka.properties]\nsasl.username = 'me'\n[window]\nclock = 'event'\n";
    let path = file(directory.path(), text);
    let secret = ("CHURNWATCH_KAFKA__PROPERTIES__SASL_PASSWORD", "hunter2");
    let (status, printed, errors) = churnwatch(&["check", "--config", &path], &[secret]);
    assert_eq!((status, errors.as_str()), (Some(0), ""));
    assert!(!printed.contains("hunter2"), "{printed}");
    for line in [
        "configuration is valid",
        "  brokers       localhost:9092",
        "  properties    sasl.password, sasl.username",
        "  feeds         cdr <- cdr, billing <- billing, subscriber <- subscriber, service <- service, outcome <- task-outcomes, group <- churnwatch.groups",
        "  output        JSON",
        "  window        35 days of Asia/Shanghai",
        "  clock         event",
        "  competitors   broadnet (1), telecom (2), unicom (2)",
        "  admin pages   http://127.0.0.1:9464/",
    ] {
        assert!(
            printed.lines().any(|printed| printed == line),
            "`{line}` is not in\n{printed}"
        );
    }
}

#[test]
fn signals_on_trial_go_to_a_file_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (trial, events) = (path("trial.toml"), path("events.ndjson"));
    let (signals, shadow) = (path("signals.ndjson"), path("shadow.ndjson"));
    std::fs::write(&trial, "triggers.competitor_hotline.strengths = [0.5]\n").unwrap();
    let call = r#"{"record_id":"1","record_type":"mo_call","msisdn":"13800138000","event_timestamp":"2026-03-01T08:00:00+08:00","other_number":"10010","duration_seconds":60,"cause_for_termination":"normal_release"}"#;
    std::fs::write(&events, format!("{call}\n")).unwrap();
    let config = file(directory.path(), &format!("shadow.rules = {trial:?}\n"));

    let (status, printed, _) = churnwatch(&["check", "--config", &config], &[]);
    assert_eq!(status, Some(0));
    assert!(
        printed.contains(&format!("  shadow        {trial} (")),
        "{printed}"
    );

    let detect = [
        "detect",
        &events,
        "--signals",
        &signals,
        "--shadow-signals",
        &shadow,
    ];
    let with = [&detect[..], &["--config", &config]].concat();
    let (status, tasks, summary) = churnwatch(&with, &[]);
    assert_eq!(status, Some(0), "{summary}");
    assert_eq!(tasks.lines().count(), 1, "{tasks}");
    assert!(summary.contains("signals of the shadow rules"), "{summary}");
    let line = |path: &str| -> serde_json::Value {
        serde_json::from_str(std::fs::read_to_string(path).unwrap().trim()).unwrap()
    };
    assert_eq!(line(&signals)["strength"], 0.6);
    assert_eq!(line(&signals).get("shadow"), None);
    assert_eq!(line(&shadow)["strength"], 0.5);
    assert_eq!(line(&shadow)["shadow"], true);

    let (status, _, error) = churnwatch(&detect, &[]);
    assert_eq!(status, Some(2));
    assert!(error.contains("there are no shadow rules"), "{error}");
}

/// The first of each feed and reason has its place, and all have their numbers.
#[test]
fn what_cannot_be_used_is_named_by_feed() {
    let directory = tempfile::tempdir().unwrap();
    let events = directory.path().join("events.ndjson");
    let record = |number: u32, kind: &str, fields: &str| {
        format!(
            r#"{{"record_id":"{number}","record_type":"{kind}","msisdn":"13800138000","event_timestamp":"2026-03-01T08:00:00+08:00"{fields}}}"#
        )
    };
    let radio_loss = r#","duration_seconds":60,"cause_for_termination":"radio_loss""#;
    let records = [
        record(1, "mo_call", radio_loss),
        record(2, "mo_call", radio_loss),
        record(3, "profile", r#","segment":"government""#),
        record(4, "invoice", r#","period":"2026-02""#),
        record(5, "invoice", r#","period":"2026-02""#),
        "no record".to_owned(),
    ];
    std::fs::write(&events, records.join("\n")).unwrap();
    let events = events.to_str().unwrap();
    let (status, _, summary) = churnwatch(&["detect", events], &[]);
    assert_eq!(status, Some(3), "{summary}");
    let lines: Vec<String> = summary
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    for line in [
        &format!("{events}:4: rejected (feed billing): field `amount` is missing"),
        &format!(
            "{events}:6: rejected (feed unknown): the record is not valid JSON: malformed at line 1, column 2"
        ),
        "billing: missing_field 2",
        "unknown: not_json 1",
        "cdr: cause_for_termination unknown 2",
        "subscriber: segment unknown 1",
    ] {
        assert!(lines.iter().any(|l| l == line), "no `{line}` in\n{summary}");
    }
    assert!(!summary.contains(&format!("{events}:5:")), "{summary}");
}

/// Who asked for it is not named; where nothing was known, that is said as well.
#[test]
fn erasures_are_confirmed_in_a_file_of_their_own() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (events, erasures) = (path("events.ndjson"), path("erasures.ndjson"));
    let records = [
        r#"{"record_id":"1","record_type":"mo_call","msisdn":"13800138000","event_timestamp":"2026-03-01T10:00:00+08:00","other_number":"10010","duration_seconds":60,"cause_for_termination":"normal_release"}"#,
        r#"{"record_id":"dpo-1","record_type":"erase","msisdn":"13800138000","event_timestamp":"2026-03-01T11:00:00+08:00"}"#,
        r#"{"record_id":2,"record_type":"erase","msisdn":"13800138001","event_timestamp":"2026-03-01T11:00:00+08:00"}"#,
    ];
    std::fs::write(&events, records.join("\n")).unwrap();

    let (status, tasks, summary) = churnwatch(&["detect", &events, "--erasures", &erasures], &[]);
    assert_eq!(status, Some(0), "{summary}");
    assert!(summary.contains("requests to erase"), "{summary}");
    let last: serde_json::Value = serde_json::from_str(tasks.lines().last().unwrap()).unwrap();
    assert_eq!(last["close_reason"], "erased", "{tasks}");
    let confirmed = std::fs::read_to_string(&erasures).unwrap();
    assert!(!confirmed.contains("1380013800"), "{confirmed}");
    let confirmed: Vec<serde_json::Value> = confirmed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let said = confirmed
        .iter()
        .map(|line| serde_json::json!([line["request"], line["known"], line["tasks_closed"]]));
    assert_eq!(
        said.collect::<Vec<_>>(),
        [
            serde_json::json!(["dpo-1", true, 1]),
            serde_json::json!(["2", false, 0]),
        ]
    );
}

#[test]
fn all_problems_end_with_status_2_on_stderr() {
    let directory = tempfile::tempdir().unwrap();
    let path = file(directory.path(), "[window]\ndays = 3\ndyas = 4\n");
    let variables = [("CHURNWATCH_RUN__WORKERS", "0")];
    let (status, printed, errors) = churnwatch(&["check", "--config", &path], &variables);
    assert_eq!((status, printed.as_str()), (Some(2), ""));
    let expected = format!(
        "error: the configuration has 3 problems
{path}:2: window.days: 3 is out of range
    set a number from 28 to 63, or leave the key out for the default, 35
{path}:3: window.dyas: there is no such key
    did you mean `window.days`?
environment variable CHURNWATCH_RUN__WORKERS: run.workers: 0 is out of range
    set a number from 1 to 256, or leave the key out for the default, \"auto\"
"
    );
    assert_eq!(errors, expected);
    let (status, _, errors) = churnwatch(&["check", "--config", "/no/such.toml"], &[]);
    assert_eq!(status, Some(2));
    assert!(errors.contains("/no/such.toml: cannot be read"), "{errors}");
}

#[test]
fn wrong_usage_ends_with_status_2_and_help_with_0() {
    for arguments in [
        &[][..],
        &["chekc"],
        &["check", "--conifg", "x"],
        &["config", "extra"],
    ] {
        let (status, printed, errors) = churnwatch(arguments, &[]);
        assert_eq!((status, printed.as_str()), (Some(2), ""), "{arguments:?}");
        assert!(errors.contains("Usage: churnwatch"), "{errors}");
    }
    for arguments in [&["--help"][..], &["check", "--help"], &["config", "--help"]] {
        let (status, printed, _) = churnwatch(arguments, &[]);
        assert_eq!(status, Some(0), "{arguments:?}");
        assert!(printed.contains("Examples:"), "{printed}");
    }
    let (status, printed, _) = churnwatch(&["--version"], &[]);
    assert_eq!(status, Some(0));
    assert_eq!(
        printed,
        concat!("churnwatch ", env!("CARGO_PKG_VERSION"), "\n")
    );
}

/// Prints the reference to somewhere.
fn print_to(stdout: impl Into<Stdio>) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_churnwatch"));
    let output = command.arg("config").stdout(stdout).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    (output.status.code(), errors)
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(print_to(writer), (Some(0), String::new()));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_with_status_1() {
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let (status, errors) = print_to(full);
    assert_eq!(status, Some(1));
    assert!(
        errors.starts_with("error: cannot write to stdout: No space left"),
        "{errors}"
    );
}
