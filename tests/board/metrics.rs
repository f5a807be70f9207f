//! What the board counts for Prometheus.

use crate::caller::Caller;
use crate::records::{hours, msisdn, task, with};
use crate::site::Site;
use crate::support::http;
use crate::support::receiver::{Receiver, Reply};
use crate::support::wait_for;
use serde_json::json;

#[test]
fn the_board_counts_what_it_reads_answers_and_holds() {
    let mut site = Site::new();
    let late = with(task(1), json!({ "tier": "key", "due_at": hours(-60) }));
    let campaign = json!({ "tier": "small", "due_at": hours(-60), "recommended_action": { "channel": "bulk_campaign" } });
    site.publish(&[
        late,
        with(task(2), campaign),
        with(task(3), json!({ "tier": "key" })),
    ]);
    let tasks = site.config.topics.tasks.clone();
    wait_for("all is read", || {
        let metrics = site.metrics();
        let lag = metrics.value("churnwatch_board_lag_seconds", &[("topic", &tasks)]);
        let read = metrics.value("churnwatch_board_records_total", &[("topic", &tasks)]);
        (lag == Some(0.0) && read == Some(3.0)).then_some(())
    });
    let metrics = site.metrics();
    for (state, tier, tasks) in [
        ("open", "key", 2.0),
        ("overdue", "key", 1.0),
        ("open", "small", 1.0),
        ("overdue", "small", 0.0),
        ("open", "ordinary", 0.0),
    ] {
        let labels = [("state", state), ("tier", tier)];
        let found = metrics.value("churnwatch_board_tasks", &labels);
        assert_eq!(found, Some(tasks), "{labels:?}");
    }
    assert!(metrics.value("churnwatch_board_store_bytes", &[]) > Some(4096.0));
    let requests = |class: &str, status: &str| {
        let labels = [("class", class), ("status", status)];
        let found = site
            .metrics()
            .value("churnwatch_board_requests_total", &labels);
        found.unwrap()
    };
    let chen = site.person("chen");
    for (path, class, status) in [
        ("/tasks", "page", "2xx"),
        ("/tasks/no-such-task", "page", "4xx"),
        ("/tasks.csv", "export", "2xx"),
        ("/api/campaigns/2026-13-01.csv", "export", "4xx"),
        ("/api/rollup", "api", "2xx"),
        ("/assets/board.css", "other", "2xx"),
        ("/nowhere", "other", "4xx"),
    ] {
        let before = requests(class, status);
        chen.get(path);
        assert_eq!(requests(class, status), before + 1.0, "{path}");
    }
    let before = requests("form", "3xx");
    chen.post("/views", &[("name", "late"), ("query", "due=overdue")]);
    assert_eq!(requests("form", "3xx"), before + 1.0);

    site.client.produce(
        &tasks,
        [crate::support::client::NewRecord::new("x", "no task")],
    );
    wait_for("a broken record is counted", || {
        let broken = site
            .metrics()
            .value("churnwatch_board_records_broken_total", &[]);
        (broken == Some(1.0)).then_some(())
    });
    site.lose_brokers();
    chen.post("/views", &[("name", "later"), ("query", "due=later")]);
    wait_for("what waits for the brokers is told", || {
        let metrics = site.metrics();
        let away = metrics.value("churnwatch_board_brokers_away_seconds", &[]);
        let waiting = metrics.value("churnwatch_board_outbox_records", &[]);
        let since = metrics.value("churnwatch_board_outbox_seconds", &[]);
        (away > Some(0.0) && waiting > Some(0.0) && since > Some(0.0)).then_some(())
    });
}

#[test]
fn metrics_are_not_among_the_pages_of_people_and_have_no_number() {
    let site = Site::new();
    site.publish_some(3);
    // Whoever is let in, and whoever is not.
    assert_eq!(site.person("chen").get("/metrics").status, 404);
    assert_eq!(Caller::stranger(site.address()).get("/metrics").status, 404);
    let address = site.metrics_address();
    let page = http::get(address, "/metrics").unwrap().body;
    for number in 1..=3 {
        assert!(!page.contains(&msisdn(number)[2..]));
    }
    for path in ["/", "/tasks", "/api/tasks"] {
        assert_eq!(http::get(address, path).unwrap().status, 404, "{path}");
    }
    let foreign = Caller::stranger(address).with("host", "evil.example.com");
    assert_eq!(foreign.get("/metrics").status, 421);
}

#[test]
fn alerts_are_counted_by_receiver_and_by_what_became_of_them() {
    let willing = Receiver::willing();
    let failing = Receiver::start(|_, _| Reply::status(503));
    let gone = Receiver::start(|_, _| Reply::status(410));
    let site = crate::alerts::site(&[
        ("crm", "webhook", willing.address),
        ("busy", "webhook", failing.address),
        ("gone", "webhook", gone.address),
    ]);
    let labels = |receiver: &'static str, outcome: &'static str| {
        [
            ("receiver", receiver),
            ("channel", "webhook"),
            ("alert", "new"),
            ("outcome", outcome),
        ]
    };
    let alerts = "churnwatch_board_alerts_total";
    assert_eq!(
        site.metrics().value(alerts, &labels("gone", "failed")),
        Some(0.0)
    );
    site.publish_some(2);
    wait_for("all is counted", || {
        let metrics = site.metrics();
        let waiting = [("receiver", "busy"), ("alert", "new")];
        let attempts = [("receiver", "busy")];
        let all = metrics.value(alerts, &labels("crm", "sent")) == Some(2.0)
            && metrics.value(alerts, &labels("gone", "failed")) == Some(2.0)
            && metrics.value("churnwatch_board_alerts_waiting", &waiting) == Some(2.0)
            && metrics.value("churnwatch_board_alert_attempts_failed_total", &attempts) > Some(1.0);
        all.then_some(())
    });
    let metrics = site.metrics();
    let crm = [("receiver", "crm")];
    assert_eq!(metrics.sum("churnwatch_board_alerts_waiting", &crm), 0.0);
    assert_eq!(
        metrics.value("churnwatch_board_alert_delivery_seconds_count", &crm),
        Some(2.0)
    );
    let within = [("receiver", "crm"), ("le", "30")];
    assert_eq!(
        metrics.value("churnwatch_board_alert_delivery_seconds_bucket", &within),
        Some(2.0)
    );
}
