//! Files for campaign systems.

use crate::records::{closed, hours, id, msisdn, revised, task, with};
use crate::site::Site;
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Of the operator's calendar.
const ZONE: &str = "Asia/Shanghai";

/// A task of a bulk campaign that was published so many days ago, each at a time of its own.
fn bulk(number: u32, days_ago: i64) -> Value {
    let day = day(days_ago).in_tz(ZONE).unwrap();
    let at = day.timestamp() + SignedDuration::from_millis(number.into());
    let changes = json!({
        "tier": "small", "updated_at": at.to_string(), "opened_at": at.to_string(),
        "recommended_action": { "channel": "bulk_campaign", "playbook": [
            { "action": "gift", "en": "A gift, \"on us\"", "zh-CN": "送礼" },
            { "action": "call", "en": "A call", "zh-CN": "致电" }] },
    });
    with(task(number), changes)
}

/// The day of the operator's calendar so many days ago.
fn day(days_ago: i64) -> Date {
    let at = Timestamp::now() - SignedDuration::from_hours(24 * days_ago);
    at.in_tz(ZONE).unwrap().date()
}

fn names(body: &str) -> Vec<String> {
    let lines = body
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .map(|line| line["task_id"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_campaign_has_each_task_of_one_day_once_and_nobody_who_opted_out() {
    let site = Site::new();
    let elsewhere = json!({ "assignee": { "region": ["HQ", "四川", "成都"] } });
    let tasks = [
        bulk(1, 3),
        bulk(2, 3),
        bulk(3, 2),
        with(bulk(4, 3), elsewhere),
        task(5),
        bulk(6, 0),
    ];
    site.publish(&tasks);
    let chen = site.program("chen");
    let get = |path: &str| chen.get(&format!("/api/campaigns/{path}"));
    let file = get(&format!("{}.ndjson?language=en", day(3)));
    assert_eq!(file.status, 200, "{file:?}");
    assert_eq!(names(&file.body), [id(1), id(2), id(4)]);
    let first: Value = serde_json::from_str(file.body.lines().next().unwrap()).unwrap();
    assert_eq!(first["msisdn"], msisdn(1));
    assert_eq!(
        (&first["step"], &first["text"], &first["revision"]),
        (&json!("gift"), &json!("A gift, \"on us\""), &json!(1))
    );
    assert_eq!(
        names(&get(&format!("{}.ndjson", day(2))).body),
        [id(3)],
        "each task has one day"
    );

    // A further revision does not bring a task into another day's file; who opted out or was reached is in none.
    site.publish(&[
        revised(&tasks[0], json!({ "severity": "critical" })),
        closed(&tasks[1], "opted_out"),
        revised(&tasks[3], json!({ "contacted_at": hours(0) })),
    ]);
    assert_eq!(names(&get(&format!("{}.ndjson", day(3))).body), [id(1)]);

    let csv = get(&format!("{}.csv?language=zh-CN&tier=small", day(3))).body;
    let lines: Vec<&str> = csv.trim_start_matches('\u{feff}').lines().collect();
    assert!(
        lines[0].starts_with("task_id,revision,msisdn,"),
        "{}",
        lines[0]
    );
    assert!(lines[1].starts_with(&format!("{},2,{},small,churn,HQ/", id(1), msisdn(1))));
    assert!(lines[1].contains(",gift,送礼,"), "{}", lines[1]);
    assert_eq!(lines.len(), 2);
    let csv = get(&format!("{}.csv?language=en", day(3))).body;
    assert!(csv.contains("\"A gift, \"\"on us\"\"\""), "{csv}");
    for (nobody, query) in [
        ("another step", "step=call"),
        ("another region", "region=HQ/%E5%9B%9B%E5%B7%9D"),
        ("another tier", "tier=key"),
    ] {
        let file = get(&format!("{}.ndjson?{query}", day(3)));
        assert_eq!((file.status, &*file.body), (200, ""), "{nobody}");
    }
    let audit = chen.get("/api/audit?what=campaign").json();
    assert_eq!(audit["entries"].as_array().unwrap().len(), 8);
    assert!(!audit.to_string().contains(&msisdn(1)[2..]));
}

#[test]
fn what_is_wrong_with_a_campaign_is_said() {
    let site = Site::new();
    let chen = site.program("chen");
    let today = format!("{}.csv", day(0));
    for (path, status, why) in [
        (&*today, 400, "is not over"),
        ("2026-13-01.csv", 400, "is no day such as"),
        ("2026-03-09.xml", 404, ""),
        ("2026-03-09.csv?language=fr", 400, "no language"),
        ("2026-03-09.csv?colour=red", 400, "colour"),
        (
            "2026-03-09.csv?tier=gold",
            400,
            "is none of small, ordinary, key",
        ),
        (
            "2026-03-09.csv?purpose=foo",
            400,
            "is none of churn, care, grow, win_back",
        ),
        ("2026-03-09.csv?due=overdue", 400, "is filtered by"),
    ] {
        let answer = chen.get(&format!("/api/campaigns/{path}"));
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert!(answer.body.contains(why), "{path}: {answer:?}");
    }
    // Nobody without the right to see numbers, and no account manager.
    for name in ["li-na", "wang", "robot"] {
        let answer = site.program(name).get("/api/campaigns/2026-03-09.csv");
        assert_eq!(answer.status, 403, "{name}");
    }
}
