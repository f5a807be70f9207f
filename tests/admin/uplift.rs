//! What tasks achieve, as the admin pages tell it.

use crate::http::{figures, get, settings, start};
use crate::support::scenario::{Scenario, crowd, days, profile};
use churnwatch::model::{Body, EnquirySubject};
use churnwatch::telemetry::WorkReport;
use serde_json::Value;

/// Half of a crowd are held out, and some of them all leave.
#[test]
fn boards_get_what_tasks_achieve() {
    let mut scenario = Scenario::new("policy.hold_out = { share = 0.5, salt = 'spring' }");
    for who in crowd(40) {
        let body = profile(|p| p.region = ["HQ", "广东"].map(Into::into).into());
        scenario.event(&who, "2026-03-02 10:00", body);
        let enquiry = Body::Enquiry(EnquirySubject::Cancel);
        scenario.event(&who, "2026-03-02 10:00", enquiry);
        if who.ends_with('1') {
            scenario.event(&who, "2026-03-03 10:00", Body::Cancellation);
        }
    }
    scenario.live(&crowd(40), days("2026-03-04", "2026-04-04"), |_, _| 1);
    let admin = start(&settings());
    for partition in [2, 5] {
        let rollup = scenario.shard.rollup();
        WorkReport { partition, rollup }.emit(&admin.telemetry);
    }

    let all = figures(&admin, "/api/uplift");
    let [at_30, at_60] = &all["total"].as_array().unwrap()[..] else {
        panic!("{all:#}");
    };
    let sum = |at: &Value, what: &str| {
        let count = |group: &str| at[group][what].as_u64().unwrap();
        count("with_task") + count("held_out")
    };
    assert_eq!([sum(at_30, "entered"), sum(at_60, "entered")], [80, 80]);
    assert_eq!([sum(at_30, "left"), sum(at_30, "stayed")], [8, 72]);
    assert_eq!([sum(at_60, "unfinished"), sum(at_60, "left")], [80, 0]);
    assert!(at_30["difference"]["low"].as_f64() < at_30["difference"]["high"].as_f64());
    assert_eq!(at_60["difference"], Value::Null);
    assert_eq!(
        [&at_30["verdict"], &at_60["verdict"]],
        ["too_few", "too_few"]
    );
    assert_eq!(all["regions"]["HQ"], all["total"]);
    assert_eq!(all["triggers"][0]["trigger"], "cancel_enquiry");
    assert_eq!(all["triggers"][0]["total"], all["total"]);
    assert_eq!(all["tiers"]["ordinary"], all["total"]);
    let province = figures(&admin, "/api/uplift?region=HQ/%E5%B9%BF%E4%B8%9C");
    assert_eq!(province["total"], all["total"]);
    assert_eq!(
        get(admin.server.address(), "/api/uplift?region=HQ/x").0,
        404
    );

    let metrics = get(admin.server.address(), "/metrics").1;
    let line = |group: &str, fate: &str| {
        let count = at_30[group][fate].as_u64().unwrap();
        format!(
            "churnwatch_followed_total{{days=\"30\",fate=\"{fate}\",group=\"{group}\",\
             trigger=\"cancel_enquiry\"}} {count}\n"
        )
    };
    let said = "churnwatch_uplift_ratio{bound=\"low\",days=\"30\",trigger=\"all\"} NaN";
    assert!(
        metrics.contains(said),
        "numbers that are too small: {metrics}"
    );
    for (group, fate) in [("with_task", "stayed"), ("held_out", "left")] {
        assert!(
            metrics.contains(&line(group, fate)),
            "{}",
            line(group, fate)
        );
    }
}
