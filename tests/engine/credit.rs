//! Who a subscriber is to the operator: the exact table of credit points, the stars, the tier, who is not pursued, and
//! what a subscriber is worth (behaviour: Credit, tier and stage). Every bound is looked at from both sides.

use crate::support::scenario::{HOTLINE, Scenario, call, day, profile};
use churnwatch::decode::{DecodeSettings, Decoded, Decoder};
use churnwatch::model::{
    Body, Inputs, Invoice, Money, Msisdn, Plan, Profile, Segment, Source, SuspensionReason,
};

const ONE: &str = "13900000001";

/// Points, stars and tier as of a day's noon by the clock, after some records.
fn rated(overrides: &str, on: &str, records: &[(&str, Body<'static>)]) -> (i32, u8, &'static str) {
    let mut scenario = Scenario::new(&format!("window.clock = \"wall\"\n{overrides}"));
    for (at, body) in records {
        scenario.tick(at, Inputs::default());
        scenario.event(ONE, at, body.clone());
    }
    scenario.tick(&format!("{on} 12:00"), Inputs::default());
    let who = Msisdn::new(ONE).unwrap();
    let account = scenario.shard.describe(&who).unwrap().account.unwrap();
    assert_eq!(scenario.shard.tier(&who).unwrap().name(), account.tier);
    (account.credit_score, account.stars, account.tier)
}

/// Of a profile alone.
fn rated_by(
    overrides: &str,
    on: &str,
    change: impl FnOnce(&mut Profile<'static>),
) -> (i32, u8, &'static str) {
    let mut told = Profile::default();
    change(&mut told);
    let body = Body::Profile(Box::new(told));
    rated(overrides, on, &[("2026-01-10 10:00", body)])
}

fn points(on: &str, change: impl FnOnce(&mut Profile<'static>)) -> i32 {
    rated_by("", on, change).0
}

#[test]
fn brands_have_points() {
    for (brand, expected) in [
        (Some("gotone"), 50),
        (Some("mzone"), 30),
        (Some("easyown"), 20),
        (Some("another"), 0),
        (None, 0),
    ] {
        let found = points("2026-02-01", |p| p.brand = brand.map(Into::into));
        assert_eq!(found, expected, "{brand:?}");
    }
}

#[test]
fn tenure_counts_in_completed_years() {
    for (since, on, expected) in [
        ("2026-02-01", "2026-02-01", 0),
        ("2025-02-02", "2026-02-01", 0),
        ("2025-02-01", "2026-02-01", 50),
        ("2024-02-02", "2026-02-01", 50),
        ("2024-02-01", "2026-02-01", 150),
        ("2023-02-02", "2026-02-01", 150),
        ("2023-02-01", "2026-02-01", 200),
        ("2022-02-02", "2026-02-01", 200),
        ("2022-02-01", "2026-02-01", 250),
        ("2021-02-02", "2026-02-01", 250),
        ("2021-02-01", "2026-02-01", 300),
        ("1999-12-31", "2026-02-01", 300),
        // Not yet in service.
        ("2026-03-01", "2026-02-01", 0),
        // Since a leap day: the year is complete on 1 March, or on the next leap day itself.
        ("2024-02-29", "2026-02-28", 50),
        ("2024-02-29", "2026-03-01", 150),
        ("2024-02-29", "2028-02-28", 200),
        ("2024-02-29", "2028-02-29", 250),
    ] {
        let found = points(on, |p| p.activated_on = Some(day(since)));
        assert_eq!(found, expected, "since {since}, on {on}");
    }
}

#[test]
fn spend_counts_up_to_each_bound_inclusive() {
    for (hundredths, expected) in [
        (0, 0),
        (2_000, 0),
        (2_001, 20),
        (5_000, 20),
        (5_001, 50),
        (8_000, 50),
        (8_001, 100),
        (12_000, 100),
        (12_001, 150),
        (20_000, 150),
        (20_001, 200),
        (40_000, 200),
        (40_001, 250),
        (9_999_900, 250),
    ] {
        let found = points("2026-02-01", |p| {
            p.avg_monthly_spend = Some(Money(hundredths))
        });
        assert_eq!(found, expected, "{hundredths} hundredths a month");
    }
    assert_eq!(
        points("2026-02-01", |_| {}),
        0,
        "nothing is known of the spend"
    );
}

/// An invoice of January's usage, or of another month's.
fn bill(month: u32, yuan: i64) -> Body<'static> {
    Body::Invoice(Invoice {
        corrects: None,
        period: day(&format!("2025-{month:02}-01")),
        amount: Money(yuan * 100),
        plan_fee: Some(Money::ZERO),
        usage_value: Some(Money::ZERO),
        document: 0,
        overage: Some(Money::ZERO),
        due_on: Some(day("2026-12-31")),
    })
}

#[test]
fn without_the_operators_figure_the_mean_of_the_invoices_counts() {
    let spend = |hundredths: i64| {
        profile(|p| {
            p.activated_on = None;
            p.avg_monthly_spend = Some(Money(hundredths));
        })
    };
    let (first, second, third) = ("2026-01-10 10:00", "2026-01-10 11:00", "2026-01-10 12:00");
    let found = |records: &[_]| rated("", "2026-01-11", records).0;
    assert_eq!(
        found(&[(first, bill(10, 120)), (second, bill(11, 120))]),
        100
    );
    assert_eq!(
        found(&[(first, bill(10, 120)), (second, bill(11, 121))]),
        150
    );
    // The operator's own figure is the better one.
    let both = [
        (first, bill(10, 500)),
        (second, spend(2_000)),
        (third, bill(11, 500)),
    ];
    assert_eq!(found(&both), 0);
}

#[test]
fn every_suspension_costs_a_hundred_points() {
    let told = |times: Option<u16>| {
        profile(|p| {
            p.activated_on = None;
            p.suspensions = times;
        })
    };
    let suspended = Body::Suspension(SuspensionReason::Arrears);
    let voluntary = Body::Suspension(SuspensionReason::Voluntary);
    let (first, second, third) = ("2026-01-10 10:00", "2026-01-11 10:00", "2026-01-12 10:00");
    for (case, records, expected) in [
        ("none", vec![(first, told(None))], 0),
        ("told of one", vec![(first, told(Some(1)))], -100),
        ("told of seven", vec![(first, told(Some(7)))], -700),
        (
            "seen two",
            vec![(first, suspended.clone()), (second, suspended.clone())],
            -200,
        ),
        // The operator's count and the one seen here are of the same suspensions: the larger counts.
        (
            "seen two, told of one",
            vec![
                (first, suspended.clone()),
                (second, suspended.clone()),
                (third, told(Some(1))),
            ],
            -200,
        ),
        (
            "seen one, told of three",
            vec![(first, suspended), (third, told(Some(3)))],
            -300,
        ),
        ("at the customer's wish", vec![(first, voluntary)], 0),
    ] {
        let (score, stars, tier) = rated("", "2026-01-13", &records);
        assert_eq!((score, stars, tier), (expected, 0, "small"), "{case}");
    }
}

#[test]
fn everything_adds_up() {
    let full = |p: &mut Profile<'static>| {
        p.brand = Some("gotone".into());
        p.activated_on = Some(day("2016-02-01"));
        p.avg_monthly_spend = Some(Money(50_000));
    };
    assert_eq!(rated_by("", "2026-02-01", full), (600, 5, "key"));
    let suspended = |p: &mut Profile<'static>| {
        full(p);
        p.suspensions = Some(2);
    };
    assert_eq!(rated_by("", "2026-02-01", suspended), (400, 4, "key"));
}

#[test]
fn stars_and_tier_follow_from_the_points() {
    for (score, stars, tier) in [
        (0, 0, "small"),
        (99, 0, "small"),
        (100, 1, "small"),
        (199, 1, "small"),
        (200, 2, "ordinary"),
        (299, 2, "ordinary"),
        (300, 3, "ordinary"),
        (399, 3, "ordinary"),
        (400, 4, "key"),
        (499, 4, "key"),
        (500, 5, "key"),
        (9_999, 5, "key"),
    ] {
        // A brand of which the whole score comes.
        let overrides = format!("policy.credit.brand_points.probe = {score}");
        let found = rated_by(&overrides, "2026-02-01", |p| p.brand = Some("probe".into()));
        assert_eq!(found, (score, stars, tier));
    }
}

#[test]
fn companies_and_important_people_are_key_whatever_their_points() {
    let vip = |p: &mut Profile<'static>| p.vip = true;
    let group = |p: &mut Profile<'static>| p.segment = Segment::Group;
    assert_eq!(rated_by("", "2026-02-01", vip), (0, 0, "key"));
    assert_eq!(rated_by("", "2026-02-01", group), (0, 0, "key"));
    let poor = |p: &mut Profile<'static>| {
        p.vip = true;
        p.suspensions = Some(3);
    };
    assert_eq!(rated_by("", "2026-02-01", poor), (-300, 0, "key"));
}

/// What is said of a call to a competitor by a line whose profile has a flag, as an operator's system writes it.
fn called_with(flags: &str) -> Vec<String> {
    let mut scenario = Scenario::new("");
    let record = format!(
        r#"{{"record_id":"p1","record_type":"profile","msisdn":"{ONE}","event_timestamp":"2026-02-01T09:00:00+08:00","activated_on":"2020-01-01","flags":[{flags}]}}"#
    );
    let decoder = Decoder::new(DecodeSettings::default()).unwrap();
    let Decoded::Event(event, _) = decoder.decode(record.as_bytes()).unwrap() else {
        panic!("{record} is no event");
    };
    let source = Source {
        topic: "subscriber".into(),
        partition: 0,
        offset: 0,
    };
    scenario.shard.apply(&event, &source, &mut scenario.effects);
    let who = event.msisdn.as_str();
    scenario.event(who, "2026-02-02 10:00", call(HOTLINE));
    scenario.published(who)
}

#[test]
fn who_is_not_pursued_gets_no_task_and_machines_not_even_a_signal() {
    for flag in [
        "malicious_arrears",
        "bad_reputation",
        "contract_breach",
        "unprofitable",
    ] {
        let said = called_with(&format!("{flag:?}"));
        let expected = "2026-02-02 10:00 competitor_hotline 0.60 (not_pursued)";
        assert_eq!(said, [expected], "{flag}");
    }
    for flag in ["iot", "robot"] {
        assert_eq!(called_with(&format!("{flag:?}")), [""; 0], "{flag}");
        let both = called_with(&format!("{flag:?}, \"unprofitable\""));
        assert_eq!(both, [""; 0], "{flag} and not pursued");
    }
    assert_eq!(called_with("").len(), 2, "a signal and a task");
}

/// What a subscriber is worth, as the task of a call to a competitor has it.
fn value(overrides: &str, records: &[Body<'static>]) -> i64 {
    let mut scenario = Scenario::new(overrides);
    for body in records {
        scenario.event(ONE, "2026-02-01 10:00", body.clone());
    }
    scenario.event(ONE, "2026-02-02 10:00", call(HOTLINE));
    scenario.last_task(ONE).monthly_value.0
}

#[test]
fn a_subscriber_is_worth_the_spend_else_the_plan_else_what_is_assumed() {
    let told = |spend: Option<i64>, fee: Option<i64>| {
        profile(|p| {
            p.avg_monthly_spend = spend.map(Money);
            p.plan = fee.map(|fee| Plan {
                monthly_fee: Some(Money(fee)),
                ..Plan::default()
            });
        })
    };
    assert_eq!(value("", &[told(Some(8_850), Some(5_900))]), 8_850);
    assert_eq!(value("", &[bill(10, 70), bill(11, 90)]), 8_000);
    assert_eq!(value("", &[told(None, Some(5_900)), bill(10, 70)]), 7_000);
    assert_eq!(value("", &[told(None, Some(5_900))]), 5_900);
    assert_eq!(value("", &[told(None, None)]), 5_000);
    assert_eq!(value("", &[]), 5_000, "a stranger");
    assert_eq!(value("policy.value_unknown = 35", &[]), 3_500);
    assert_eq!(
        value("", &[told(Some(0), Some(5_900))]),
        0,
        "known to spend nothing"
    );
}
