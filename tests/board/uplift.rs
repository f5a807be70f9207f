//! What tasks achieve, as the detector's counts tell the board.

use crate::site::Site;
use crate::support::client::NewRecord;
use crate::support::wait_for;
use serde_json::{Value, json};

/// A count of one partition and region: entered, and stayed, left and dropped after 30 days, of both groups.
fn count(partition: u32, region: &str, trigger: &str, groups: [[u64; 4]; 2]) -> Value {
    let group = |[entered, stayed, left, dropped]: [u64; 4]| {
        json!({
            "entered": entered,
            "horizons": [
                { "days": 30, "stayed": stayed, "left": left, "dropped": dropped },
                { "days": 60, "stayed": 0, "left": 0, "dropped": dropped },
            ],
        })
    };
    json!({
        "partition": partition,
        "region": region,
        "as_of": "2026-06-05T03:00:00+08:00",
        "counts": [{
            "trigger": trigger,
            "tier": "small",
            "with_task": group(groups[0]),
            "held_out": group(groups[1]),
        }],
    })
}

fn put(site: &Site, counts: &[Value]) {
    let records = counts.iter().map(|count| {
        let key = format!(
            "{}/{}",
            count["partition"],
            count["region"].as_str().unwrap()
        );
        NewRecord::new(key, count.to_string())
    });
    site.client.produce(&site.config.topics.uplift, records);
}

/// The figures once so many have entered the group with a task.
fn figures(site: &Site, who: &str, entered: u64) -> Value {
    wait_for("the board has read the counts", || {
        let rollup = site.program(who).get("/api/rollup").json();
        (rollup["uplift"][0]["with_task"] == entered).then(|| rollup["uplift"].clone())
    })
}

#[test]
fn a_lead_sees_what_tasks_achieve_in_the_region() {
    let site = Site::with("[policy.hold_out]\nshare = 0.1\n");
    let lead = site.person("wang").with("accept-language", "en");
    assert!(!lead.get("/lead").body.contains("What tasks achieve"));
    put(
        &site,
        &[
            // The later one of a key counts, and what does not read counts nothing.
            count(0, "HQ/广东", "complaint", [[9, 9, 0, 0], [9, 9, 0, 0]]),
            json!({ "partition": 0, "region": "HQ/广东", "counts": "none" }),
            count(
                0,
                "HQ/广东",
                "complaint",
                [[400, 270, 30, 2], [200, 120, 60, 1]],
            ),
            count(
                1,
                "HQ/广东",
                "complaint",
                [[100, 90, 10, 0], [30, 20, 10, 0]],
            ),
            count(
                1,
                "HQ/广东/广州",
                "arrears",
                [[20, 15, 5, 0], [10, 5, 5, 0]],
            ),
            count(
                1,
                "HQ/四川",
                "arrears",
                [[1_000, 900, 100, 0], [1_000, 900, 100, 0]],
            ),
        ],
    );

    let rows = figures(&site, "wang", 520);
    let names: Vec<&Value> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["trigger"])
        .collect();
    assert_eq!(names, ["", "arrears", "complaint"]);
    let of = |row: usize, horizon: usize| &rows[row]["horizons"][horizon];
    assert_eq!(
        of(2, 0)["with_task"],
        json!({ "stayed": 360, "left": 40, "dropped": 2 })
    );
    assert_eq!(
        of(2, 0)["held_out"],
        json!({ "stayed": 140, "left": 70, "dropped": 1 })
    );
    assert_eq!(
        [&of(2, 0)["verdict"], &of(1, 0)["verdict"]],
        ["keeps", "too_few"]
    );
    assert_eq!(
        (&of(2, 1)["difference"], &of(2, 1)["verdict"]),
        (&Value::Null, &json!("too_few"))
    );
    assert_eq!(
        figures(&site, "chen", 1_520)[0]["horizons"][0]["verdict"],
        "keeps"
    );

    let page = lead.get("/lead").body;
    for said in [
        "What tasks achieve",
        "40 / 400",
        "70 / 210",
        "too few",
        "Not known yet: 117. Dropped out: 3.",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(page.contains("23.3 (16.4 … 30.4)"), "{page}");
    let chinese = site
        .person("wang")
        .with("accept-language", "zh-CN")
        .get("/lead")
        .body;
    assert!(
        chinese.contains("任务的成效") && chinese.contains("样本太少"),
        "{chinese}"
    );
    assert!(
        page.contains("<td title=") && !page.contains("1 000 / "),
        "{page}"
    );
}

#[test]
fn where_nobody_is_held_out_there_is_nothing_to_compare() {
    let site = Site::new();
    site.publish_some(1);
    assert_eq!(
        site.program("chen").get("/api/rollup").json()["uplift"],
        json!([])
    );
}
