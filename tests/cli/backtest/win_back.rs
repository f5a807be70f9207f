//! Who was asked back, and what a downgrade said, worked out by hand.
//!
//! Nobody is followed before day 28, and the data end with day 89, so that an alarm counts up to day 59.
//!
//! - A, a key customer, cancels and leaves on day 62, and uses the line again on days 75 and 76.
//! - B leaves on day 55, and no record says so.
//! - C takes the number elsewhere on day 52.
//! - D is as A, cancels on day 60, and is not pursued.
//! - E, a small customer, cancels on day 88.
//! - F, a key customer, cancels on day 60, and the truth knows nothing of it.
//! - G cancels a service on day 50 and leaves on day 60; H does so and stays.

use super::{DAYS, NOW, at, backtest, call, moment, msisdn, record, write};
use serde_json::Value;

fn events() -> String {
    let mut lines = Vec::new();
    for subscriber in 'A'..='J' {
        let last = match subscriber {
            'A' => 62,
            'B' => 55,
            'C' => 52,
            'D' | 'F' | 'G' => 60,
            'E' => 88,
            _ => DAYS,
        };
        for day in 0..last {
            lines.push(call(subscriber, at(day, 10), "13900139000"));
            lines.push(call(subscriber, at(day, 18), "13900139001"));
        }
        let (vip, flags) = match subscriber {
            'A' | 'F' => ("true", ""),
            'D' => ("true", r#""unprofitable""#),
            _ => ("false", ""),
        };
        let rest = format!(
            r#","brand":"x","vip":{vip},"segment":"consumer","activated_on":"2020-01-01","flags":[{flags}],"avg_monthly_spend":30"#
        );
        lines.push(record("profile", subscriber, at(0, 1), &rest));
    }
    for day in [75, 76] {
        lines.push(call('A', at(day, 10), "13900139000"));
    }
    for (subscriber, day) in [('A', 62), ('C', 52), ('D', 60), ('E', 88), ('F', 60)] {
        lines.push(record("cancellation", subscriber, at(day, 1), ""));
    }
    lines.push(record("port_out_application", 'C', at(50, 12), ""));
    for subscriber in ['G', 'H'] {
        let rest = r#","kind":"cancel_service""#;
        lines.push(record("service_order", subscriber, at(50, 12), rest));
    }
    lines.sort();
    lines.into_iter().map(|(_, line)| line + "\n").collect()
}

fn truth() -> String {
    let left = [
        ('A', 62),
        ('B', 55),
        ('C', 52),
        ('D', 60),
        ('E', 88),
        ('G', 60),
    ];
    let line = |(who, day): (char, i64)| {
        format!(
            "{{\"msisdn\":\"{}\",\"class\":\"churn\",\"kind\":\"stop\",\"from\":\"{}\",\"left_at\":\"{}\"}}\n",
            msisdn(who),
            moment(day - 15, 0),
            moment(day, 1)
        )
    };
    left.map(line).concat()
}

#[test]
fn who_left_is_asked_back_or_it_is_said_why_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let events = write(folder.path(), "events.ndjson", &events());
    let truth = write(folder.path(), "truth.ndjson", &truth());
    let (json, page) = (path("f.json"), path("r.html"));
    let ran = backtest(&[
        "--events", &events, "--truth", &truth, "--now", NOW, "--json", &json, "--report", &page,
    ]);
    assert_eq!(ran.status, Some(0), "{}", ran.stderr);
    let text = std::fs::read_to_string(&json).unwrap();
    let report: Value = serde_json::from_str(&text).unwrap();
    let win_back = &report["win_back"][0];
    let of_tier = |tier: &str| {
        let tiers = win_back["tiers"].as_array().unwrap();
        let row = tiers.iter().find(|row| row["tier"] == tier).unwrap();
        let number = |name: &str| row[name].as_f64();
        [
            number("left"),
            number("planned"),
            row["with_task"]["count"].as_f64(),
            number("first_task_days_p50"),
            number("came_back"),
            number("came_back_with_task"),
            number("wrong"),
        ]
        .map(|number| number.map(|number| number as i64))
    };
    let some = |numbers: [i64; 7]| numbers.map(Some);
    assert_eq!(of_tier("all"), some([6, 2, 1, 3, 1, 1, 1]), "{win_back}");
    assert_eq!(of_tier("key"), some([2, 2, 1, 3, 1, 1, 1]), "{win_back}");
    let why = serde_json::json!({"not_seen": 2, "ported": 1, "not_pursued": 1, "not_due": 1});
    assert_eq!(win_back["without_task"], why);
    let shown = "without a task: not_seen 2, not_due 1, not_pursued 1, ported 1";
    assert!(ran.stdout.contains(shown), "{}", ran.stdout);
    let page = std::fs::read_to_string(&page).unwrap();
    assert!(page.contains("<h2>Winning back</h2>") && page.contains("not_seen 2, not_due 1"));
    for line in ran.stdout.lines() {
        assert!(line.chars().count() <= 100, "{line}");
    }

    // Of G and H one left within 30 days. A, D, E, F and G left, by the labels or the records, with 30 days before it to look at.
    let signs = &report["signs"][0];
    let downgrade = signs["signs"].as_array().unwrap();
    let downgrade = downgrade.iter().find(|sign| sign["trigger"] == "downgrade");
    let downgrade = downgrade.unwrap();
    assert_eq!(
        (&downgrade["alarms"], &downgrade["left"]["count"]),
        (&2.into(), &1.into())
    );
    assert_eq!(
        (&signs["leavers"], &downgrade["leavers"]["count"]),
        (&5.into(), &1.into())
    );
    assert!(downgrade["lift"].is_null(), "two are too few");
}
