//! The metrics as Prometheus sees them.

use crate::support::scenario::{Scenario, profile};
use churnwatch::engine::Shard;
use churnwatch::engine::triggers::REGISTRY;
use churnwatch::model::{
    Action, Assignee, Body, Channel, CustomerKind, Effect, EnquirySubject, Evidence, Feed, Level,
    Money, Motives, Msisdn, Outcome, OutcomeResult, Purpose, Reject, Severity, ShadowSignal,
    Signal, Stage, Suppression, Task, TaskOutcome, TaskStatus, Text, Tier, Timestamp,
};
use churnwatch::telemetry::{
    BatchReport, CommitOutcome, CommitReport, FeedDelay, LagReport, ShardReport, Telemetry,
    WorkReport,
};
use proptest::prelude::*;
use std::sync::Arc;

/// Sum of the samples whose line begins so.
fn sum(telemetry: &Telemetry, beginning: &str) -> f64 {
    let text = telemetry.render().unwrap();
    let samples = text.lines().filter(|line| line.starts_with(beginning));
    let values = samples.map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap());
    values.sum()
}

/// Number of the series whose line begins so.
fn series(telemetry: &Telemetry, beginning: &str) -> usize {
    let text = telemetry.render().unwrap();
    text.lines()
        .filter(|line| line.starts_with(beginning))
        .count()
}

fn signal(trigger: &'static str, suppressed: Option<Suppression>) -> Signal {
    Signal {
        purpose: Purpose::Churn,
        trigger: trigger.into(),
        msisdn: Msisdn::new("8613800138000").unwrap(),
        fired_at: Timestamp(0),
        strength: 0.5,
        churn_score: 0.5,
        evidence: Evidence {
            observed: 0.0,
            expected: 1.0,
            unit: "events_per_day".into(),
            window_days: 3,
            threshold: 0.5,
            facts: Vec::new(),
            source: None,
        },
        text: Text::default(),
        suppressed,
    }
}

fn task(status: TaskStatus, reasons: &[&'static str]) -> Task {
    Task {
        task_id: "t".into(),
        revision: 1,
        status,
        close_reason: None,
        purpose: Purpose::Churn,
        severity: Severity::AtRisk,
        churn_score: 0.5,
        score_parts: Vec::new(),
        msisdn: Msisdn::new("8613800138000").unwrap(),
        tier: Tier::Key,
        customer_kind: CustomerKind::Ordinary,
        stars: 4,
        credit_score: 400,
        monthly_value: Money::ZERO,
        stage: Stage::Decline,
        suspension: None,
        group: None,
        signals: reasons
            .iter()
            .map(|trigger| signal(trigger, None))
            .collect(),
        action: Action {
            channel: Channel::AccountManager,
            care_only: false,
        },
        assignee: Assignee {
            account_manager: None,
            queue: "q".into(),
            region: Vec::new(),
            level: Level::AccountManager,
            notify: None,
            deputy_for: None,
            over_capacity: false,
        },
        opened_at: Timestamp(0),
        not_before: Timestamp(0),
        due_at: Timestamp(0),
        escalates_at: None,
        expires_at: Timestamp(0),
        contacted_at: None,
        outcome: None,
        outcome_at: None,
        motives: Motives::default(),
        updated_at: Timestamp(0),
        rules_version: "v".into(),
        source: None,
    }
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        any::<bool>().prop_map(|late| Outcome::Applied { late }),
        Just(Outcome::Duplicate),
        Just(Outcome::Expired),
        Just(Outcome::Ignored),
        Just(Outcome::Rejected(Reject::Empty)),
        Just(Outcome::Rejected(Reject::Future)),
    ]
}

fn feed() -> impl Strategy<Value = Option<Feed>> {
    proptest::option::of(proptest::sample::select(Feed::ALL.to_vec()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_record_has_exactly_one_outcome(
        batches in proptest::collection::vec(proptest::collection::vec((feed(), outcome()), 0..20), 0..5)
    ) {
        let telemetry = Telemetry::new().unwrap();
        let mut report = BatchReport::default();
        for batch in &batches {
            report.received(batch.len() as u64);
            for (feed, outcome) in batch {
                report.outcome(*feed, outcome);
            }
            report.emit(&telemetry);
        }
        let records: Vec<_> = batches.iter().flatten().collect();
        let number = |wanted: &dyn Fn(&Outcome) -> bool| {
            records.iter().filter(|(_, outcome)| wanted(outcome)).count() as f64
        };
        let total = records.len() as f64;
        prop_assert_eq!(sum(&telemetry, "churnwatch_records_received_total "), total);
        prop_assert_eq!(sum(&telemetry, "churnwatch_records_total{"), total);
        let rejected = number(&|outcome| matches!(outcome, Outcome::Rejected(_)));
        prop_assert_eq!(sum(&telemetry, "churnwatch_dead_letters_total{"), rejected);
        let late = number(&|outcome| matches!(outcome, Outcome::Applied { late: true }));
        prop_assert_eq!(sum(&telemetry, "churnwatch_records_late_total{"), late);
    }
}

#[test]
fn records_are_counted_by_feed_and_outcome() {
    let telemetry = Telemetry::new().unwrap();
    let mut report = BatchReport::default();
    report.received(4);
    report.outcome(Some(Feed::Cdr), &Outcome::Applied { late: true });
    report.outcome(Some(Feed::Billing), &Outcome::Duplicate);
    report.outcome(None, &Outcome::Rejected(Reject::NotUtf8));
    report.outcome(None, &Outcome::Ignored);
    report.field_fault(Feed::Cdr, "cause_for_termination", "unknown");
    report.field_fault(Feed::Cdr, "cause_for_termination", "unknown");
    report.emit(&telemetry);
    // The report is empty now: emitting it again adds nothing.
    report.emit(&telemetry);
    for (series, value) in [
        (
            "churnwatch_records_total{feed=\"cdr\",outcome=\"applied\"}",
            1.0,
        ),
        (
            "churnwatch_records_total{feed=\"billing\",outcome=\"duplicate\"}",
            1.0,
        ),
        (
            "churnwatch_records_total{feed=\"unknown\",outcome=\"dead_lettered\"}",
            1.0,
        ),
        (
            "churnwatch_records_total{feed=\"unknown\",outcome=\"ignored\"}",
            1.0,
        ),
        ("churnwatch_records_total{", 4.0),
        ("churnwatch_records_late_total{feed=\"cdr\"}", 1.0),
        (
            "churnwatch_dead_letters_total{feed=\"unknown\",reason=\"not_utf8\"}",
            1.0,
        ),
        (
            "churnwatch_field_faults_total{fault=\"unknown\",feed=\"cdr\",field=\"cause_for_termination\"}",
            2.0,
        ),
    ] {
        assert_eq!(sum(&telemetry, series), value, "{series}");
    }
}

#[test]
fn signals_and_tasks_are_counted_by_what_led_to_them() {
    let telemetry = Telemetry::new().unwrap();
    let mut report = BatchReport::default();
    report.effect(&Effect::Signal(Box::new(signal("usage_drop", None))));
    report.effect(&Effect::Signal(Box::new(signal(
        "arrears",
        Some(Suppression::NotPursued),
    ))));
    for suppressed in [None, Some(Suppression::LowScore), None] {
        report.effect(&Effect::Shadow(Box::new(ShadowSignal {
            signal: signal("usage_drop", suppressed),
            rules_version: "0123456789ab".into(),
        })));
    }
    report.effect(&Effect::Task(Arc::new(task(
        TaskStatus::Open,
        &["usage_drop"],
    ))));
    report.effect(&Effect::Task(Arc::new(task(
        TaskStatus::Updated,
        &["usage_drop", "arrears"],
    ))));
    report.emit(&telemetry);
    for series in [
        "churnwatch_signals_total{suppression=\"none\",trigger=\"usage_drop\"}",
        "churnwatch_signals_total{suppression=\"not_pursued\",trigger=\"arrears\"}",
        "churnwatch_tasks_total{severity=\"at_risk\",status=\"open\",tier=\"key\",trigger=\"usage_drop\"}",
        "churnwatch_tasks_total{severity=\"at_risk\",status=\"updated\",tier=\"key\",trigger=\"arrears\"}",
    ] {
        assert_eq!(sum(&telemetry, series), 1.0, "{series}");
    }
    assert_eq!(sum(&telemetry, "churnwatch_signals_total{"), 2.0);
    for (suppression, count) in [("none", 2.0), ("low_score", 1.0)] {
        let series = format!(
            "churnwatch_shadow_signals_total{{suppression=\"{suppression}\",trigger=\"usage_drop\"}}"
        );
        assert_eq!(sum(&telemetry, &series), count, "{series}");
    }
    assert_eq!(sum(&telemetry, "churnwatch_shadow_signals_total{"), 3.0);
    assert_eq!(sum(&telemetry, "churnwatch_tasks_total{"), 2.0);
}

#[test]
fn series_with_known_labels_exist_from_the_start() {
    let telemetry = Telemetry::new().unwrap();
    assert_eq!(series(&telemetry, "churnwatch_records_total{"), 7 * 5);
    assert_eq!(
        series(&telemetry, "churnwatch_dead_letters_total{"),
        7 * Reject::REASONS.len()
    );
    assert_eq!(series(&telemetry, "churnwatch_commits_total{"), 3);
    for name in [
        "churnwatch_signals_total{",
        "churnwatch_shadow_signals_total{",
    ] {
        let expected = REGISTRY.len() * (Suppression::ALL.len() + 1);
        assert_eq!(series(&telemetry, name), expected, "{name}");
    }
    assert_eq!(
        series(&telemetry, "churnwatch_tasks_total{"),
        REGISTRY.len() * 4 * 3 * 4
    );
    let outcomes = series(&telemetry, "churnwatch_task_outcomes_total{");
    assert_eq!(outcomes, REGISTRY.len() * 3 * 12);
    let judged = series(&telemetry, "churnwatch_tasks_judged_total{");
    assert_eq!(judged, REGISTRY.len() * 2);
}

#[test]
fn a_partition_that_left_leaves_no_gauges() {
    let telemetry = Telemetry::new().unwrap();
    for partition in [3, 4] {
        let lag = LagReport {
            topic: "cdr",
            partition,
            records: 70,
            seconds: 1.5,
        };
        lag.emit(&telemetry);
        let shard = ShardReport {
            partition,
            subscribers: 10,
            robots: 1,
            store_bytes: 3200,
            open_tasks: 2,
            replay_debt_records: 7,
            restore_remaining_records: 5,
            days_closed: 1,
            forgotten: 1,
            feeds: vec![FeedDelay {
                feed: Feed::Cdr,
                watermark_delay_seconds: 60.0,
                outage_days: 1,
            }],
        };
        shard.emit(&telemetry);
    }
    assert_eq!(sum(&telemetry, "churnwatch_subscribers{"), 20.0);
    assert_eq!(sum(&telemetry, "churnwatch_robots{"), 2.0);
    assert_eq!(sum(&telemetry, "churnwatch_lag_seconds{"), 3.0);
    telemetry.forget_partition(&["cdr", "billing"], 3);
    let text = telemetry.render().unwrap();
    assert!(!text.contains("partition=\"3\""), "{text}");
    assert_eq!(text.matches("partition=\"4\"").count(), 12, "{text}");
    for total in [
        "churnwatch_day_closes_total",
        "churnwatch_subscribers_forgotten_total",
        "churnwatch_feed_outage_days_total",
    ] {
        assert_eq!(
            sum(&telemetry, total),
            1.0,
            "{total} is the partition's own"
        );
    }
}

/// A scenario in which so many in each region have asked how to cancel.
fn enquiries(regions: &[(&str, usize)]) -> Scenario {
    let mut scenario = Scenario::new("");
    let mut next = 0;
    for (region, residents) in regions {
        for _ in 0..*residents {
            next += 1;
            let who = format!("139{next:08}");
            let region: Vec<String> = region.split('/').map(str::to_owned).collect();
            let body = profile(|p| p.region = region.into_iter().map(Into::into).collect());
            scenario.event(&who, "2026-03-02 10:00", body);
            let body = Body::Enquiry(EnquirySubject::Cancel);
            scenario.event(&who, "2026-03-02 10:00", body);
        }
    }
    scenario
}

fn work_of(shard: &Shard, partition: i32, telemetry: &Telemetry) {
    let report = WorkReport {
        partition,
        rollup: shard.rollup(),
    };
    report.emit(telemetry);
}

#[test]
fn open_tasks_are_stated_by_how_they_stand_and_where() {
    let telemetry = Telemetry::new().unwrap();
    assert_eq!(series(&telemetry, "churnwatch_tasks{"), 5 * 3 * 4);
    assert_eq!(sum(&telemetry, "churnwatch_tasks{"), 0.0);
    let scenario = enquiries(&[
        ("HQ/广东/广州", 2),
        ("HQ/广东/深圳", 1),
        ("HQ/北京", 3),
        ("", 1),
    ]);
    let other = enquiries(&[("HQ/广东/广州", 10)]);
    work_of(&scenario.shard, 0, &telemetry);
    work_of(&other.shard, 1, &telemetry);
    for (series, value) in [
        (
            "churnwatch_tasks{purpose=\"churn\",state=\"open\",tier=\"ordinary\"}",
            17.0,
        ),
        (
            "churnwatch_tasks{purpose=\"churn\",state=\"due\",tier=\"ordinary\"}",
            17.0,
        ),
        (
            "churnwatch_tasks{purpose=\"churn\",state=\"overdue\",tier=\"ordinary\"}",
            0.0,
        ),
        (
            "churnwatch_region_tasks{purpose=\"churn\",region=\"HQ/广东\",state=\"open\"}",
            13.0,
        ),
        (
            "churnwatch_region_tasks{purpose=\"churn\",region=\"HQ/北京\",state=\"open\"}",
            3.0,
        ),
        (
            "churnwatch_region_tasks{purpose=\"churn\",region=\"none\",state=\"open\"}",
            1.0,
        ),
    ] {
        assert_eq!(sum(&telemetry, series), value, "{series}");
    }
    telemetry.forget_partition(&["cdr"], 1);
    let series = "churnwatch_region_tasks{purpose=\"churn\",region=\"HQ/广东\",state=\"open\"}";
    assert_eq!(sum(&telemetry, series), 3.0, "it was another's");
    telemetry.forget_partition(&["cdr"], 0);
    assert_eq!(sum(&telemetry, "churnwatch_tasks{"), 0.0);
    let text = telemetry.render().unwrap();
    assert!(!text.contains("region=\"HQ"), "{text}");
}

#[test]
fn regions_beyond_the_bound_share_a_series() {
    let regions: Vec<String> = (0..70).map(|n| format!("HQ/province {n}/city")).collect();
    let regions: Vec<(&str, usize)> = regions
        .iter()
        .enumerate()
        .map(|(n, region)| (region.as_str(), if n < 10 { 1 } else { 2 }))
        .collect();
    let scenario = enquiries(&regions);
    let telemetry = Telemetry::new().unwrap();
    work_of(&scenario.shard, 0, &telemetry);
    let open = "churnwatch_region_tasks{purpose=\"churn\",region=\"";
    let of = |region: &str| sum(&telemetry, &format!("{open}{region}\",state=\"open\"}}"));
    assert_eq!(series(&telemetry, open), 65 * 5);
    assert_eq!(of("other"), 6.0, "six of those with one task each");
    assert_eq!(of("HQ/province 69"), 2.0);
    assert_eq!(
        sum(
            &telemetry,
            "churnwatch_tasks{purpose=\"churn\",state=\"open\""
        ),
        130.0
    );
}

#[test]
fn what_became_of_tasks_is_counted_once() {
    const ONE: &str = "13900000001";
    let telemetry = Telemetry::new().unwrap();
    let mut scenario = enquiries(&[("HQ", 3)]);
    let of = |outcome: &str| {
        let labels = format!("outcome=\"{outcome}\",tier=\"ordinary\",trigger=\"cancel_enquiry\"");
        sum(
            &telemetry,
            &format!("churnwatch_task_outcomes_total{{{labels}}}"),
        )
    };
    let judged = |verdict: &str| {
        let labels = format!("trigger=\"cancel_enquiry\",verdict=\"{verdict}\"");
        sum(
            &telemetry,
            &format!("churnwatch_tasks_judged_total{{{labels}}}"),
        )
    };
    let report = |scenario: &Scenario| work_of(&scenario.shard, 0, &telemetry);
    report(&scenario);
    report(&scenario);
    assert_eq!(
        (of("opened"), of("saved"), judged("confirmed")),
        (3.0, 0.0, 0.0)
    );
    let task_id = scenario.last_task(ONE).task_id;
    let outcome = |result| {
        Body::TaskOutcome(TaskOutcome {
            task_id: task_id.clone().into(),
            result: Some(result),
            stated_reason: None,
            confirmed_reason: None,
            do_not_contact: false,
        })
    };
    scenario.event(ONE, "2026-03-02 11:00", outcome(OutcomeResult::Saved));
    report(&scenario);
    report(&scenario);
    assert_eq!(
        (of("opened"), of("saved"), judged("confirmed")),
        (3.0, 1.0, 1.0)
    );
    // A correction takes the earlier outcome back.
    scenario.event(ONE, "2026-03-02 12:00", outcome(OutcomeResult::Lost));
    report(&scenario);
    assert_eq!(
        (of("saved"), of("lost"), judged("confirmed")),
        (0.0, 1.0, 1.0)
    );
    assert_eq!(of("reached"), 1.0);

    // The partition goes to another process, which restored it.
    telemetry.forget_partition(&["cdr"], 0);
    assert_eq!(
        (of("opened"), of("lost"), judged("confirmed")),
        (0.0, 0.0, 0.0)
    );
    report(&scenario);
    assert_eq!(
        (of("opened"), of("lost"), judged("confirmed")),
        (3.0, 1.0, 1.0)
    );
}

#[test]
fn commits_are_timed_and_counted() {
    let telemetry = Telemetry::new().unwrap();
    for (outcome, duration_seconds) in [
        (CommitOutcome::Committed, 0.004),
        (CommitOutcome::Committed, 0.15),
        (CommitOutcome::Aborted, 20.0),
    ] {
        let report = CommitReport {
            outcome,
            duration_seconds,
            polls: 2,
            journal_bytes: 100,
        };
        report.emit(&telemetry);
    }
    let name = "churnwatch_commit_duration_seconds";
    assert_eq!(
        sum(&telemetry, &format!("{name}_bucket{{le=\"0.005\"}}")),
        1.0
    );
    assert_eq!(sum(&telemetry, &format!("{name}_bucket{{le=\"10\"}}")), 2.0);
    assert_eq!(sum(&telemetry, &format!("{name}_count")), 3.0);
    assert_eq!(sum(&telemetry, "churnwatch_commit_polls_total"), 6.0);
    assert_eq!(
        sum(
            &telemetry,
            "churnwatch_commits_total{outcome=\"committed\"}"
        ),
        2.0
    );
    assert_eq!(
        sum(&telemetry, "churnwatch_commits_total{outcome=\"unknown\"}"),
        0.0
    );
}

#[test]
fn clones_share_their_metrics() {
    let telemetry = Telemetry::new().unwrap();
    telemetry.clone().set_rules_version("abc");
    telemetry.set_rules_version("def");
    let text = telemetry.render().unwrap();
    let line = format!(
        "churnwatch_build_info{{rules_version=\"def\",version=\"{}\"}} 1",
        env!("CARGO_PKG_VERSION")
    );
    assert!(text.contains(&line), "{text}");
    assert!(!text.contains("abc"), "{text}");
}
