//! What a city promises: the same bytes, independent subscribers, valid records, a truth its records bear out, and
//! exactly the faults it counts.

#![allow(clippy::unwrap_used, clippy::panic)]

mod calibration;
mod episodes;
mod orders;
mod outcomes;

use super::*;
use crate::model::{Day, Feed, Timestamp};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use xxhash_rust::xxh3::Xxh3;

/// One record on its arrival, kept.
#[derive(Debug, Clone, PartialEq)]
struct Arrived {
    at_ms: i64,
    feed: Feed,
    key: Option<String>,
    value: Option<Vec<u8>>,
}

fn live(config: CityConfig) -> (Vec<Arrived>, City) {
    let mut city = City::new(config).unwrap();
    let mut all = Vec::new();
    while let Some(event) = city.next_event() {
        all.push(Arrived {
            at_ms: event.arrival_ms,
            feed: event.feed,
            key: event.msisdn.map(str::to_owned),
            value: event.value.map(<[u8]>::to_vec),
        });
    }
    (all, city)
}

fn fingerprint(events: &[Arrived]) -> u64 {
    let mut hash = Xxh3::new();
    for event in events {
        hash.update(&event.at_ms.to_le_bytes());
        hash.update(event.key.as_deref().unwrap_or("-").as_bytes());
        hash.update(event.value.as_deref().unwrap_or(b"null"));
    }
    hash.digest()
}

fn scenario(text: &str) -> Scenario {
    Scenario::parse(text, "test").unwrap()
}

fn clean(subscribers: u32, days: u32, seed: u64) -> CityConfig {
    CityConfig {
        faults: false,
        ..CityConfig::new(subscribers, days, seed)
    }
}

fn parse(event: &Arrived) -> Value {
    serde_json::from_slice(event.value.as_deref().unwrap()).unwrap()
}

/// The moment a record says it happened, in either form.
fn happened(record: &Value) -> Timestamp {
    match &record["event_timestamp"] {
        Value::Number(ms) => Timestamp(ms.as_i64().unwrap()),
        Value::String(text) => Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond()),
        other => panic!("{other}"),
    }
}

#[test]
fn same_seed_same_bytes() {
    let config = CityConfig::new(60, 30, 11);
    let print = fingerprint(&live(config.clone()).0);
    assert_eq!(print, fingerprint(&live(config.clone()).0));
    assert_ne!(
        print,
        fingerprint(&live(CityConfig { seed: 12, ..config }).0)
    );
    // The same on every machine. It changes with every change of the simulated behaviour, and only then.
    assert_eq!(print, 202_983_380_245_086_399);
}

#[test]
fn a_larger_city_begins_like_a_smaller_one() {
    let of_first = |events: Vec<Arrived>, keys: &BTreeSet<Option<String>>| {
        let mut first = events;
        first.retain(|event| keys.contains(&event.key));
        first
    };
    let (small, _) = live(CityConfig::new(40, 30, 3));
    let (large, _) = live(CityConfig::new(95, 30, 3));
    let keys: BTreeSet<Option<String>> = small.iter().map(|event| event.key.clone()).collect();
    assert!(large.len() > small.len() * 3 / 2);
    assert_eq!(of_first(large, &keys), small);
}

#[test]
fn a_longer_city_begins_like_a_shorter_one() {
    let (mut short, city) = live(CityConfig::new(50, 26, 4));
    let (mut long, _) = live(CityConfig::new(50, 45, 4));
    let end = city.calendar().start_of(city.config().start + 26).0;
    for events in [&mut short, &mut long] {
        events.retain(|event| event.at_ms < end);
    }
    assert_eq!(short, long);
}

#[test]
fn arrivals_never_go_back() {
    let (events, city) = live(CityConfig::new(300, 6, 5));
    assert!(events.is_sorted_by_key(|event| event.at_ms));
    assert_eq!(events.len() as u64, city.tally().records);
    assert_eq!(
        city.tally().expected.values().sum::<u64>(),
        city.tally().records
    );
}

/// The fields every record of a type must have (behaviour: Events).
fn required(record_type: &str) -> &'static [&'static str] {
    match record_type {
        "mo_call" | "mt_call" => &[
            "other_number",
            "duration_seconds",
            "first_cell_id",
            "cause_for_termination",
            "rat_type",
        ],
        "mo_sms" | "mt_sms" => &["other_number"],
        "data" => &["uplink_volume_bytes", "downlink_volume_bytes"],
        "call_forward" => &["other_number"],
        "invoice" => &[
            "period",
            "amount",
            "plan_fee",
            "usage_value",
            "overage",
            "due_on",
        ],
        "payment" | "recharge" => &["amount"],
        "charge" => &["amount", "service", "subscribed_by_customer"],
        "suspension" | "reactivation" | "cancellation" => &["reason"],
        "profile" => &[
            "brand",
            "activated_on",
            "plan",
            "segment",
            "vip",
            "region",
            "birthday",
            "points_expire_on",
            "marketing_opt_out",
            "flags",
        ],
        "complaint" => &["category", "resolution"],
        "enquiry" => &["subject"],
        "service_order" => &["kind", "monthly_fee_before", "monthly_fee_after"],
        "port_out_application" | "competitor_contact" => &[],
        "feed_progress" => &["feed", "complete_until"],
        other => panic!("record type {other}"),
    }
}

#[test]
fn clean_records_are_complete() {
    let config = CityConfig {
        scenario: scenario("churn.scale = 8"),
        ..clean(600, 36, 6)
    };
    let (events, city) = live(config);
    let mut ids = BTreeSet::new();
    let mut types: BTreeMap<String, u64> = BTreeMap::new();
    let (mut forms, mut money) = (BTreeSet::new(), BTreeSet::new());
    for event in &events {
        let record = parse(event);
        let name = record["record_type"].as_str().unwrap();
        for field in required(name) {
            assert!(!record[field].is_null(), "{field} of {record}");
        }
        assert!(happened(&record).0 <= event.at_ms, "{record}");
        assert!(ids.insert((event.feed, record["record_id"].to_string())));
        assert_eq!(record["msisdn"].as_str(), event.key.as_deref());
        forms.insert((event.feed, record["event_timestamp"].is_number()));
        money.insert(record["amount"].is_string());
        *types.entry(name.to_owned()).or_default() += 1;
    }
    assert_eq!(types.len(), 20, "{types:?}");
    assert!(forms.contains(&(Feed::Cdr, true)) && forms.contains(&(Feed::Cdr, false)));
    assert_eq!(money.len(), 2);
    assert!(city.tally().faults.is_empty());
    // The longest identifier is shorter than a time stamp.
    assert!(ids.iter().all(|(_, id)| id.len() <= 18));
}

#[test]
fn an_outage_loses_call_records_and_stops_progress() {
    let (events, city) = live(clean(200, 27, 9));
    let calendar = city.calendar();
    let day = city.config().start + 24;
    let count = |day: Day, feed: Feed| {
        let on_day = |event: &&Arrived| {
            event.feed == feed
                && event.key.is_some()
                && calendar.day_of(happened(&parse(event))) == day
        };
        events.iter().filter(on_day).count()
    };
    assert!(count(day, Feed::Cdr) * 10 < count(day - 1, Feed::Cdr));
    assert!(count(day + 1, Feed::Cdr) * 10 > count(day - 1, Feed::Cdr) * 6);
    assert!(city.tally().lost_in_outage > 500);
    let outage = city
        .truth()
        .into_iter()
        .find(|line| line.kind == Kind::Outage);
    assert_eq!(outage.unwrap().from, calendar.start_of(day));

    // Until noon of the next day the mediation does not claim that the day is complete; for other feeds it does.
    let noon = calendar.at_hour(day + 1, 11).0;
    let claims = |feed: Feed| {
        let progress =
            |event: &&Arrived| event.feed == feed && event.key.is_none() && event.at_ms <= noon;
        let latest = events.iter().rfind(progress).map(parse).unwrap();
        let text = latest["complete_until"].as_str().unwrap().to_owned();
        Timestamp(text.parse::<jiff::Timestamp>().unwrap().as_millisecond())
    };
    assert_eq!(claims(Feed::Cdr), calendar.start_of(day));
    assert!(claims(Feed::Billing) > calendar.start_of(day + 1));
}

/// Counts faults by looking at the records only.
fn visible_faults(events: &[Arrived]) -> BTreeMap<Fault, u64> {
    let mut found = BTreeMap::new();
    for event in events.iter().filter(|event| event.key.is_some()) {
        if let Some(fault) = visible_fault(event) {
            *found.entry(fault).or_default() += 1;
        }
    }
    found
}

fn visible_fault(event: &Arrived) -> Option<Fault> {
    let Some(value) = &event.value else {
        return Some(Fault::Tombstone);
    };
    if value.is_empty() {
        return Some(Fault::PayloadEmpty);
    }
    if value[0] == 0 {
        return Some(Fault::PayloadFramed);
    }
    if str::from_utf8(value).is_err() {
        return Some(Fault::PayloadNotUtf8);
    }
    let Ok(record) = serde_json::from_slice::<Value>(value) else {
        return Some(Fault::PayloadTruncated);
    };
    let ahead_ms = happened(&record).0 - event.at_ms;
    let own = event.key.as_deref().unwrap();
    let msisdn = record["msisdn"].as_str().unwrap();
    let other = record["other_number"].as_str().unwrap_or("13800138000");
    let seconds = record["duration_seconds"].as_f64().unwrap_or_default();
    let in_1970 = happened(&record).0 < 400 * 86_400_000;
    let overdue_hours = -ahead_ms / Timestamp::HOUR_MS;
    [
        (
            Fault::SecondsForMilliseconds,
            in_1970 && happened(&record).0 > 1_000_000_000,
        ),
        (Fault::ClockAtZero, happened(&record).0 <= 1_000_000_000),
        (Fault::ClockYearsAhead, ahead_ms > 4 * 365 * 86_400_000),
        (Fault::MsisdnTruncated, msisdn.len() < 5),
        (
            Fault::MsisdnPrefixed,
            msisdn.starts_with('+') || msisdn.starts_with("00"),
        ),
        (Fault::OtherIsOwn, other == own),
        (Fault::OtherTruncated, other.len() < 5),
        (Fault::DurationNegative, seconds < 0.0),
        (Fault::DurationOverflowing, seconds > 86_400.0),
        (Fault::UnknownField, !record["vendor_extension"].is_null()),
        (
            Fault::SecondGateway,
            record["record_id"].as_str().unwrap().ends_with(".2"),
        ),
        (Fault::OtherPrefixed, dialled(other)),
        (Fault::ClockHoursAhead, overdue_hours < 0),
    ]
    .into_iter()
    .find_map(|(fault, holds)| holds.then_some(fault))
}

/// Not how the switch writes a clean number: a mobile, a landline with its zero, a service, a short number.
fn dialled(other: &str) -> bool {
    let clean = match other.len() {
        5 => true,
        11 => other.starts_with(['0', '1']),
        _ => false,
    };
    !clean
}

#[test]
fn injected_faults_are_what_is_counted() {
    let (events, city) = live(CityConfig::new(1_500, 8, 10));
    let tally = city.tally();
    let found = visible_faults(&events);
    for fault in Fault::ALL {
        let counted = tally.faults.get(&fault).copied().unwrap_or_default();
        assert!(counted > 0, "{} never happens", fault.name());
        match fault {
            // Seen only against other records, below, or not at all.
            Fault::Duplicate
            | Fault::Late
            | Fault::FileResent
            | Fault::FileOutOfOrder
            | Fault::ClockMinutesAhead
            | Fault::ClockHoursAhead => {}
            _ => assert_eq!(found.get(&fault), Some(&counted), "{}", fault.name()),
        }
    }
    let share = |fault| tally.faults[&fault] as f64 / tally.records as f64;
    assert!((0.004..0.006).contains(&share(Fault::Duplicate)));
    assert!((0.018..0.022).contains(&share(Fault::Late)));
    assert!((0.001..0.006).contains(&share(Fault::FileResent)));

    // Copies are equal to the byte, and there are as many of them as were counted.
    let mut times: BTreeMap<&[u8], u64> = BTreeMap::new();
    for event in events.iter().filter(|event| event.key.is_some()) {
        let value = event.value.as_deref().unwrap_or_default();
        if !value.is_empty() {
            *times.entry(value).or_default() += 1;
        }
    }
    let copies: u64 = times.values().map(|n| n - 1).sum();
    let counted = tally.faults[&Fault::Duplicate] + tally.faults[&Fault::FileResent];
    assert!(counted - copies <= 2, "{counted} counted, {copies} found");
}

#[test]
fn faults_do_not_change_what_people_do() {
    let truth = |faults| {
        let config = CityConfig {
            faults,
            ..CityConfig::new(300, 30, 13)
        };
        live(config).1.truth()
    };
    assert_eq!(truth(true), truth(false));
}

#[test]
fn operators_have_their_own_competitors() {
    let config = CityConfig {
        operator: Operator::Unicom,
        scenario: scenario("churn.scale = 10"),
        ..clean(300, 20, 14)
    };
    let (events, _) = live(config);
    let others: BTreeSet<String> = events
        .iter()
        .map(|event| {
            parse(event)["other_number"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .filter(|other| ["10086", "10000", "10010", "10099"].contains(&other.as_str()))
        .collect();
    assert_eq!(
        others,
        ["10000", "10086", "10099"].map(str::to_owned).into()
    );
}

#[test]
fn what_cannot_be_made_is_refused() {
    let error = |config| City::new(config).err().unwrap().to_string();
    assert!(error(CityConfig::new(0, 1, 1)).contains("subscribers"));
    let config = CityConfig {
        time_zone: "Middle/Earth".to_owned(),
        ..CityConfig::new(1, 1, 1)
    };
    assert!(error(config).contains("Middle/Earth"));
}
