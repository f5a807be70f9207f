//! `churnwatch backtest` over a few subscribers whose figures can be worked out by hand.
//!
//! Ten subscribers make two calls a day for ninety days. The 28 days of learning leave 62 that count:
//!
//! - A calls a competitor's hotline on day 50, two days after the onset, stops on day 60 and leaves on day 62.
//! - B calls it on day 70: a wrong number.
//! - C falls silent on day 50, for good.
//! - D calls it on day 10, while everything is still being learnt.

mod refusals;
mod win_back;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

const DAYS: i64 = 90;
const HOUR_MS: i64 = 3_600_000;
/// 2026-01-05T00:00:00+08:00.
const START_MS: i64 = 1_767_542_400_000;
const NOW: &str = "2026-06-01T00:00:00Z";

fn msisdn(subscriber: char) -> String {
    format!("138001380{:02}", subscriber as u32 - 'A' as u32)
}

fn at(day: i64, hour: i64) -> i64 {
    START_MS + (24 * day + hour) * HOUR_MS
}

/// RFC 3339 in UTC.
fn moment(day: i64, hour: i64) -> String {
    jiff::Timestamp::from_millisecond(at(day, hour))
        .unwrap()
        .to_string()
}

fn record(kind: &str, subscriber: char, at_ms: i64, rest: &str) -> (i64, String) {
    let id = format!("{kind}-{subscriber}-{at_ms}");
    let who = msisdn(subscriber);
    let line = format!(
        r#"{{"record_id":"{id}","record_type":"{kind}","msisdn":"{who}","event_timestamp":{at_ms}{rest}}}"#
    );
    (at_ms, line)
}

fn call(subscriber: char, at_ms: i64, other: &str) -> (i64, String) {
    let rest = format!(
        r#","other_number":"{other}","duration_seconds":60,"first_cell_id":"1","cause_for_termination":"normal_release","rat_type":"lte""#
    );
    record("mo_call", subscriber, at_ms, &rest)
}

/// Their events, with some further ones.
fn events(further: &[(i64, String)]) -> String {
    let mut lines = further.to_vec();
    for subscriber in 'A'..='J' {
        let last = match subscriber {
            'A' => 60,
            'C' => 50,
            _ => DAYS,
        };
        for day in 0..last {
            lines.push(call(subscriber, at(day, 10), "13900139000"));
            lines.push(call(subscriber, at(day, 18), "13900139001"));
        }
    }
    for (subscriber, day) in [('A', 50), ('B', 70), ('D', 10)] {
        lines.push(call(subscriber, at(day, 12), "10010"));
    }
    lines.sort();
    lines.into_iter().map(|(_, line)| line + "\n").collect()
}

fn truth() -> String {
    let line = |who: char, rest: String| format!("{{\"msisdn\":\"{}\",{rest}}}\n", msisdn(who));
    line(
        'A',
        format!(
            r#""class":"churn","kind":"port_out","from":"{}","last_use_at":"{}","left_at":"{}","until":null,"details":{{}}"#,
            moment(48, 0),
            moment(60, 0),
            moment(62, 12)
        ),
    ) + &line(
        'B',
        format!(
            r#""class":"harmless","kind":"wrong_number","from":"{}","until":"{}""#,
            moment(70, 0),
            moment(71, 0)
        ),
    ) + &line(
        'C',
        r#""class":"churn","kind":"stop","from":"2026-02-24""#.to_owned(),
    ) + &line(
        'C',
        r#""class":"churn","kind":"stop","from":"2026-02-24""#.to_owned(),
    ) + &line(
        'E',
        r#""class":"note","kind":"x","from":"2026-02-24""#.to_owned(),
    ) + "{\"msisdn\":\"13800138999\",\"class\":\"churn\",\"kind\":\"stop\",\"from\":\"2026-02-24\"}\n"
        + "{\"msisdn\":null,\"class\":\"city\",\"kind\":\"outage\",\"from\":\"2026-02-24\",\"until\":\"2026-02-25\"}\n"
}

/// As the figures are: to six digits.
fn rounded(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

struct Ran {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

fn backtest(arguments: &[&str]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_churnwatch"))
        .arg("backtest")
        .args(arguments)
        .env_clear()
        .output()
        .unwrap();
    Ran {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

fn write(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// The figures of a CSV: rules, trigger, population, path, tier, measure to value and count.
type Figures = BTreeMap<[String; 6], (Option<f64>, u64)>;

fn figures(csv: &str) -> Figures {
    let mut lines = csv.lines();
    assert_eq!(
        lines.next(),
        Some("rules,trigger,population,path,tier,measure,value,low,high,count")
    );
    lines
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            assert_eq!(fields.len(), 10, "{line}");
            let key = std::array::from_fn(|place| fields[place].to_owned());
            (key, (fields[6].parse().ok(), fields[9].parse().unwrap()))
        })
        .collect()
}

/// A figure of the regular subscribers of all tiers.
fn figure(figures: &Figures, rules: &str, trigger: &str, path: &str, measure: &str) -> (f64, u64) {
    let key = [rules, trigger, "regular", path, "all", measure].map(str::to_owned);
    let (value, count) = figures.get(&key).unwrap_or_else(|| panic!("no {key:?}"));
    (value.unwrap_or(f64::NAN), *count)
}

#[test]
fn the_figures_are_those_worked_out_by_hand() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let events = write(folder.path(), "events.ndjson", &events(&[]));
    let truth = write(folder.path(), "truth.ndjson", &truth());
    let (csv, json, page) = (path("f.csv"), path("f.json"), path("r.html"));
    let arguments = [
        "--events", &events, "--truth", &truth, "--now", NOW, "--csv", &csv, "--json", &json,
        "--report", &page, "--force",
    ];
    let ran = backtest(&arguments);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(
        ran.stdout
            .contains("10 regular, 0 of them with data; 0 machines"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout
            .contains("1 label equals another and was not counted again"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout
            .contains("1 label names a subscriber without any record"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("outage: 2026-02-24 to 2026-02-24"));

    let text = std::fs::read_to_string(&csv).unwrap();
    let found = figures(&text);
    let hotline = |path, measure| figure(&found, "defaults", "competitor_hotline", path, measure);
    // Alarms of A and B; that of D is not counted.
    assert_eq!(hotline("any", "precision"), (0.5, 2));
    assert_eq!(hotline("any", "late_share"), (0.0, 2));
    assert_eq!(hotline("any", "found_before_leaving_share"), (0.5, 2));
    assert_eq!(hotline("any", "found_after_leaving_share"), (0.0, 2));
    assert_eq!(hotline("any", "leavers_alarmed_before"), (1.0, 1));
    // Before their onsets A has 20 days, C 22, and the eight others 62 each.
    let sound = 20 + 22 + 8 * 62;
    let rate = 30_000.0 / f64::from(sound);
    let (value, count) = hotline("any", "false_alarms_per_1000_30d");
    assert!((value - rate).abs() < 1e-6, "{value}");
    assert_eq!(count, sound as u64);
    let (value, count) = hotline("any", "alarms_per_1000_30d");
    assert!((value - 2.0 * 30_000.0 / 620.0).abs() < 1e-6, "{value}");
    assert_eq!(count, 620);
    assert_eq!(hotline("any", "recall_14d"), (0.5, 2));
    assert_eq!(hotline("port_out", "recall_14d"), (1.0, 1));
    assert_eq!(hotline("stop", "recall_30d"), (0.0, 1));
    // A single event is raised on its own day.
    assert_eq!(hotline("port_out", "delay_data_days_p50"), (2.0, 1));
    assert_eq!(hotline("port_out", "delay_operator_days_p50"), (2.0, 1));
    // From noon of day 50 to noon of day 62, and to the beginning of day 60.
    assert_eq!(hotline("any", "lead_to_leaving_hours_p50"), (288.0, 1));
    assert_eq!(hotline("any", "lead_to_last_use_hours_p10"), (228.0, 1));
    assert_eq!(hotline("any", "leavers_alarmed_72h_before"), (1.0, 1));
    assert_eq!(hotline("wrong_number", "harmless_alarmed_30d"), (1.0, 1));
    // The outage of day 50 counts until day 57; B's alarm lies on a usual day.
    let (value, count) = hotline("usual", "false_alarms_per_1000_30d");
    let usual = 20 + 22 + 8 * (62 - 8);
    assert!(
        (value - 30_000.0 / f64::from(usual)).abs() < 1e-6,
        "{value}"
    );
    assert_eq!(count, usual as u64);
    assert_eq!(hotline("outage", "false_alarms_per_1000_30d"), (0.0, 8 * 8));

    // C is alarmed for day 52. A is for day 62: after the leaving at noon, but within 30 days of the onset.
    let zeros = |path, measure| figure(&found, "simple_rules", "3_zero_days", path, measure);
    assert_eq!(zeros("any", "precision"), (1.0, 2));
    assert_eq!(zeros("any", "found_before_leaving_share"), (0.5, 2));
    assert_eq!(zeros("any", "found_after_leaving_share"), (0.5, 2));
    assert_eq!(zeros("any", "leavers_alarmed_before"), (0.0, 1));
    assert_eq!(zeros("any", "recall_14d"), (1.0, 2));
    assert_eq!(zeros("any", "recall_30d"), (1.0, 2));
    assert_eq!(zeros("port_out", "delay_data_days_p50"), (14.0, 1));
    assert_eq!(zeros("stop", "delay_data_days_p50"), (2.0, 1));
    assert_eq!(zeros("stop", "delay_operator_days_p50"), (3.0, 1));
    assert_eq!(zeros("any", "leavers_alarmed_72h_before"), (0.0, 1));
    // The calls of A and B open a task each, and C's silence another; D's task is of the warm-up. Only A's leaving is dated.
    let tasks = |measure: &str| {
        let key = ["defaults", "together", "all", "any", "all", measure].map(str::to_owned);
        let (value, count) = found[&key];
        (value.unwrap(), count)
    };
    let (precision, opened) = tasks("task_precision");
    assert_eq!((opened, (precision * 3.0).round()), (3, 2.0));
    assert_eq!(tasks("tasks_per_day"), (rounded(3.0 / 62.0), 3));
    let rate = rounded(3.0 * 30_000.0 / 620.0);
    assert_eq!(tasks("tasks_per_1000_30d"), (rate, 620));
    assert_eq!(tasks("leavers_with_task_before"), (1.0, 1));
    assert_eq!(tasks("leavers_with_task_72h_before"), (1.0, 1));
    // Of rules about use, and of those alone, it is known what became of the false alarms.
    let parts = ["recovered", "stayed_low", "not_known_yet"];
    let parts = parts.map(|part| format!("false_{part}_per_1000_30d"));
    for part in &parts {
        assert_eq!(zeros("any", part), (0.0, sound as u64));
        assert!(!text.contains(&format!("competitor_hotline,regular,any,all,{part}")));
    }
    let random = |measure| {
        figure(
            &found,
            "simple_rules",
            "random_equal_burden",
            "any",
            measure,
        )
    };
    let sum: f64 = parts.iter().map(|part| random(part).0).sum();
    assert!((sum - random("false_alarms_per_1000_30d").0).abs() < 1e-5);
    // Nobody has data sessions.
    let scoped = |population: &str| {
        let rules = "defaults";
        let key = [
            rules,
            "competitor_hotline",
            population,
            "any",
            "all",
            "precision",
        ];
        found[&key.map(str::to_owned)].1
    };
    assert_eq!(scoped("regular_without_data"), 2);
    assert_eq!(scoped("regular_with_data"), 0);
    // Two of two are no certainty, and too few to print.
    let line = text
        .lines()
        .find(|line| line.contains(",3_zero_days,regular,any,all,precision,"));
    let bounds: Vec<&str> = line.unwrap().split(',').skip(7).take(2).collect();
    assert_eq!(bounds, ["0.158114", "1"]);
    let shown = ran
        .stdout
        .lines()
        .find(|line| line.starts_with("  3_zero_days"));
    assert!(shown.unwrap().ends_with("few    few    few"), "{shown:?}");
    for line in ran.stdout.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }
    // Whoever has been silent for three days is not active.
    let key = [
        "simple_rules",
        "3_zero_days",
        "active",
        "any",
        "all",
        "precision",
    ];
    assert_eq!(found[&key.map(str::to_owned)], (None, 0));

    // The same again, to the byte, and nobody is named in it.
    let outputs = || [&csv, &json, &page].map(|path| std::fs::read_to_string(path).unwrap());
    let first = outputs();
    let again = backtest(&arguments);
    assert_eq!(again.stdout, ran.stdout);
    assert_eq!(outputs(), first);
    for text in first.iter().chain([&ran.stdout, &ran.stderr]) {
        assert!(!text.contains("1380013"), "{text}");
    }
    let parsed: serde_json::Value = serde_json::from_str(&first[1]).unwrap();
    assert_eq!(parsed["format"], "churnwatch-backtest/1");
    assert_eq!(parsed["data"]["records"]["records"], 1_663);

    // The churn score of ten people on days 28 and 58; A leaves within 30 days of the second.
    let [falls, scores] = parsed["reliability"].as_array().unwrap().as_slice() else {
        panic!("not one of P and one of the score");
    };
    assert_eq!(
        (&falls["predicted"], &scores["predicted"]),
        (&"fall".into(), &"churn_score".into())
    );
    let bands = scores["bands"].as_array().unwrap();
    let sum = |count: &dyn Fn(&serde_json::Value) -> u64| bands.iter().map(count).sum::<u64>();
    assert_eq!(sum(&|band| band["count"].as_u64().unwrap()), 20);
    assert_eq!(sum(&|band| band["seen"][0]["count"].as_u64().unwrap()), 1);
    assert!(first[2].contains("Do the probabilities come true?"));
    let total = &scores["total"];
    assert_eq!(
        (&total["count"], &total["seen"][0]["count"]),
        (&20.into(), &1.into())
    );
    let expected = 20.0 * total["mean"].as_f64().unwrap();
    let line = format!("expected {expected:.1} (");
    let sums = [&ran.stdout, &first[2]].map(|text| text.matches(&line).count());
    assert_eq!(sums, [1, 1], "{line}");
    assert!(
        ran.stdout.contains("seen 1 of 20: 0.050 (0.001..0.249)"),
        "{}",
        ran.stdout
    );
}

#[test]
fn without_truth_the_events_tell_who_left() {
    let folder = tempfile::tempdir().unwrap();
    let further = [
        record("cancellation", 'A', at(62, 12), r#","reason":"moved""#),
        record(
            "task_outcome",
            'B',
            at(75, 12),
            r#","task_id":"t1","result":"saved""#,
        ),
        record(
            "task_outcome",
            'C',
            at(80, 12),
            r#","task_id":"t2","result":"lost""#,
        ),
    ];
    let events = write(folder.path(), "events.ndjson", &events(&further));
    let csv = folder.path().join("f.csv").display().to_string();
    let ran = backtest(&["--events", &events, "--now", NOW, "--csv", &csv]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    assert!(
        ran.stdout
            .contains("no truth file was given, so cancellations"),
        "{}",
        ran.stdout
    );
    assert!(
        ran.stdout.contains("churn: cancellation 1, lost 1")
            && ran.stdout.contains("harmless: saved 1"),
        "{}",
        ran.stdout
    );
    let found = figures(&std::fs::read_to_string(&csv).unwrap());
    let hotline = |path, measure| figure(&found, "defaults", "competitor_hotline", path, measure);
    // A left on day 62; its alarm came 18 days after the assumed onset.
    assert_eq!(hotline("any", "precision"), (0.5, 2));
    assert_eq!(hotline("cancellation", "recall_14d"), (0.0, 1));
    assert_eq!(hotline("cancellation", "recall_30d"), (1.0, 1));
    assert_eq!(hotline("saved", "harmless_alarmed_30d"), (1.0, 1));
    // A's silence after the cancellation is nobody's burden; C's is.
    let zeros = |path, measure| figure(&found, "simple_rules", "3_zero_days", path, measure);
    assert_eq!(zeros("any", "precision"), (1.0, 1));
}

#[test]
fn rule_sets_stand_side_by_side_in_a_page_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let events = write(folder.path(), "events.ndjson", &events(&[]));
    let truth = write(folder.path(), "truth.ndjson", &truth());
    let strict = write(folder.path(), "<b>&strict.toml", "");
    let lax = write(
        folder.path(),
        "lax.toml",
        "[triggers.usage_drop]\nstrength = 0.4\n",
    );
    let page = folder.path().join("r.html").display().to_string();
    let csv = folder.path().join("f.csv").display().to_string();
    let ran = backtest(&[
        "--events", &events, "--truth", &truth, "--now", NOW, "--rules", &strict, "--rules", &lax,
        "--report", &page, "--csv", &csv,
    ]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let found = figures(&std::fs::read_to_string(&csv).unwrap());
    for rules in ["<b>&strict", "lax"] {
        let precision = figure(&found, rules, "competitor_hotline", "any", "precision");
        assert_eq!(precision, (0.5, 2));
    }
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.contains("&lt;b&gt;&amp;strict") && !html.contains("<b>&strict"));
    for fetched in ["http", "<script", "src=", "href=", "@import", "url("] {
        assert!(!html.contains(fetched), "{fetched}");
    }
    for tag in [
        "table", "svg", "figure", "ul", "dl", "div", "tr", "td", "th",
    ] {
        let opened =
            html.matches(&format!("<{tag}>")).count() + html.matches(&format!("<{tag} ")).count();
        assert_eq!(opened, html.matches(&format!("</{tag}>")).count(), "{tag}");
    }
    assert!(!html.contains("NaN") && !html.contains("inf"));
}

#[test]
fn the_frontier_has_the_first_rules_at_every_threshold() {
    let folder = tempfile::tempdir().unwrap();
    let events = write(folder.path(), "events.ndjson", &events(&[]));
    let truth = write(folder.path(), "truth.ndjson", &truth());
    let rules = write(folder.path(), "own.toml", "");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (json, page) = (path("f.json"), path("r.html"));
    let ran = backtest(&[
        "--events",
        &events,
        "--truth",
        &truth,
        "--now",
        NOW,
        "--rules",
        &rules,
        "--frontier",
        "--json",
        &json,
        "--report",
        &page,
    ]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let parsed = std::fs::read_to_string(&json).unwrap();
    let parsed: serde_json::Value = serde_json::from_str(&parsed).unwrap();
    let curves = parsed["frontier"].as_array().unwrap();
    let of = |rules: &str, threshold: &str| {
        let named =
            |curve: &&serde_json::Value| curve["rules"] == rules && curve["threshold"] == threshold;
        let curve = curves.iter().find(named).unwrap();
        curve["points"].as_array().unwrap().clone()
    };
    let swept = of("own", "line_state.threshold");
    assert!(swept.len() > 3);
    let burdens = swept
        .iter()
        .map(|point| point["alarms_per_1000_30d"].as_f64().unwrap());
    assert!(burdens.is_sorted());
    let given = of("own", "as given");
    assert_eq!(given[0]["kinds"]["stop"]["onsets_30d"], 1);
    assert_eq!(of("simple_rules", "days").len(), 8);
    assert!(
        ran.stdout.contains("at several thresholds"),
        "{}",
        ran.stdout
    );
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.contains("<h2>The frontier</h2>") && html.contains("stop, within 14 days"));
}

#[test]
fn several_files_and_standard_input_are_one_stream() {
    let folder = tempfile::tempdir().unwrap();
    let all = events(&[]);
    let half = all[..all.len() / 2].rfind('\n').unwrap() + 1;
    let whole = write(folder.path(), "all.ndjson", &all);
    let first = write(folder.path(), "1.ndjson", &all[..half]);
    let second = folder.path().join("2.ndjson.zst");
    std::fs::write(
        &second,
        zstd::encode_all(&all.as_bytes()[half..], 1).unwrap(),
    )
    .unwrap();
    let second = second.display().to_string();
    let parts = backtest(&["--events", &first, &second, "--now", NOW]);
    let whole = backtest(&["--events", &whole, "--now", NOW]);
    assert_eq!(whole.status, Some(0), "{}", whole.stderr);
    assert_eq!(parts.stdout, whole.stdout);
}
