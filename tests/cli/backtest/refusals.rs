//! What `churnwatch backtest` refuses, and what it says then.

use super::{NOW, at, backtest, events, msisdn, record, truth, write};

#[test]
fn mistakes_are_named_with_file_and_line() {
    let folder = tempfile::tempdir().unwrap();
    let events = write(folder.path(), "events.ndjson", "");
    let good = r#"{"msisdn":"13800138000","class":"churn","kind":"stop","from":"2026-02-24"}"#;
    for (line, message) in [
        ("{", "EOF while parsing"),
        (
            r#"{"msisdn":"13800138000","class":"churn","kind":"stop"}"#,
            "missing field `from`",
        ),
        (
            r#"{"msisdn":"13800138000","class":"bad","kind":"stop","from":"2026-02-24"}"#,
            "unknown variant `bad`, expected one of `churn`, `harmless`, `note`, `city`",
        ),
        (
            r#"{"msisdn":13800138000,"class":"churn","kind":"stop","from":"2026-02-24"}"#,
            "invalid type: integer `***`, expected",
        ),
        (
            r#"{"class":"churn","kind":"stop","from":"2026-02-24"}"#,
            "`msisdn` is missing; only class \"city\" concerns everybody",
        ),
        (
            r#"{"msisdn":"138","class":"churn","kind":"stop","from":"2026-02-24"}"#,
            "`msisdn` has fewer than 5 digits",
        ),
        (
            r#"{"msisdn":"13800138000","class":"churn","kind":"stop","from":"yesterday"}"#,
            "`from` must be RFC 3339",
        ),
        (
            r#"{"msisdn":"13800138000","class":"churn","kind":"stop","from":"2026-02-24","left_at":"2026-02-01"}"#,
            "`left_at` lies before `from`",
        ),
    ] {
        let truth = write(
            folder.path(),
            "truth.ndjson",
            &format!("{good}\n\n{line}\n"),
        );
        let ran = backtest(&["--events", &events, "--truth", &truth]);
        assert_eq!(ran.status, Some(1), "{line}");
        let expected = format!("error: {truth}:3: {message}");
        assert!(ran.stderr.starts_with(&expected), "{}", ran.stderr);
        assert!(!ran.stderr.contains("13800138000"), "{}", ran.stderr);
    }
    let a = write(folder.path(), "a.toml", "");
    let b = write(folder.path(), "b.toml", "[window]\ntime_zone = \"UTC\"\n");
    let ran = backtest(&["--events", &events, "--rules", &a, "--rules", &b]);
    assert_eq!(ran.status, Some(2));
    assert!(
        ran.stderr
            .contains("b.toml: [decode] or window.time_zone differs from"),
        "{}",
        ran.stderr
    );
    let ran = backtest(&["--events", &events, "--rules", &a, "--rules", &a]);
    assert_eq!(ran.status, Some(2));
    assert!(
        ran.stderr.contains("a.toml is given twice"),
        "{}",
        ran.stderr
    );
    let ran = backtest(&["--events", "/no/such.ndjson"]);
    assert_eq!(ran.status, Some(1));
    assert!(
        ran.stderr.contains("cannot read /no/such.ndjson"),
        "{}",
        ran.stderr
    );
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let written = |name: &str, text: &str| write(folder.path(), name, text);
    let (empty, good) = (written("empty", ""), written("events", &events(&[])));
    let own = written("own", &truth());
    let label = |msisdn: &str| {
        format!(
            "{{\"msisdn\":\"{msisdn}\",\"class\":\"churn\",\"kind\":\"stop\",\"from\":\"2026-02-24\"}}\n"
        )
    };
    let (known, other) = (label(&msisdn('A')), label("13800138998"));
    let foreign = written("foreign", &(known.clone() + &other + &label("13800138997")));
    let half = written("half", &(known + &other));
    let cancelled = record("cancellation", 'A', at(3, 1), r#","reason":"moved""#);
    let unused = written("unused", &(cancelled.1 + "\n"));
    for (arguments, message) in [
        (&["--events", &*empty][..], "--events: none of 0 records could be used".to_owned()),
        (&["--events", &*own], "--events: none of 7 records could be used".to_owned()),
        (
            &["--events", &*good, "--warmup-days", "90"],
            "--events: the warm-up of 90 days leaves no day of the data, 2026-01-05 to 2026-04-04; \
             give more events or a smaller --warmup-days"
                .to_owned(),
        ),
        (&["--events", &*good, "--truth", &*empty], format!("{empty}: no line labels a subscriber")),
        (
            &["--events", &*good, "--truth", &*foreign],
            format!("{foreign}: only 1 of 3 labels name a subscriber with records"),
        ),
        (&["--events", &*unused], "--events: no record is a call".to_owned()),
    ] {
        let ran = backtest(&[arguments, &["--now", NOW]].concat());
        assert_eq!(ran.status, Some(2), "{arguments:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(&message), "{message}: {}", ran.stderr);
        assert!(ran.stdout.is_empty(), "{}", ran.stdout);
    }
    let ran = backtest(&["--events", &good, "--truth", &half, "--now", NOW]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
}
