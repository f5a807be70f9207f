//! The simulator against the decoder: every clean record is accepted, every faulty one refused for the right reason.

use churnwatch::decode::{DecodeSettings, Decoded, Decoder, FieldFault};
use churnwatch::model::{Body, Direction, Feed};
use churnwatch::sim::{AccountManagers, City, CityConfig, Fault, Kind, Scenario};
use std::collections::BTreeMap;

fn decoder() -> Decoder {
    Decoder::new(DecodeSettings::default()).unwrap()
}

#[test]
fn clean_records_are_accepted() {
    let config = CityConfig {
        faults: false,
        scenario: Scenario::parse("churn.scale = 8", "test").unwrap(),
        ..CityConfig::new(400, 30, 31)
    };
    let mut city = City::new(config).unwrap();
    let decoder = decoder();
    let mut feeds: BTreeMap<Feed, u32> = BTreeMap::new();
    while let Some(event) = city.next_event() {
        match decoder.decode(event.value.unwrap()).unwrap() {
            Decoded::Event(record, _) => {
                assert_eq!(record.body.feed(), event.feed);
                let key = event.msisdn.map(str::as_bytes);
                decoder.check_key(key, &record.msisdn).unwrap();
            }
            Decoded::Progress { feed, .. } => assert_eq!(feed, event.feed),
        }
        *feeds.entry(event.feed).or_default() += 1;
    }
    assert_eq!(feeds.len(), 4, "{feeds:?}");
}

#[test]
fn faulty_records_are_refused_for_the_right_reason() {
    let mut city = City::new(CityConfig::new(1_500, 8, 32)).unwrap();
    let decoder = decoder();
    let mut refused: BTreeMap<&str, u64> = BTreeMap::new();
    let mut lost: BTreeMap<(&str, FieldFault), u64> = BTreeMap::new();
    while let Some(event) = city.next_event() {
        let Some(value) = event.value else { continue };
        match decoder.decode(value) {
            Ok(Decoded::Event(record, field_faults)) => {
                for (field, fault) in field_faults.iter() {
                    *lost.entry((field, fault)).or_default() += 1;
                }
                let key = event.msisdn.map(str::as_bytes);
                decoder.check_key(key, &record.msisdn).unwrap();
            }
            Ok(Decoded::Progress { .. }) => {}
            Err(reject) => *refused.entry(reject.reason()).or_default() += 1,
        }
    }
    let faults = &city.tally().faults;
    let count = |kinds: &[Fault]| kinds.iter().map(|fault| faults[fault]).sum::<u64>();
    let expected = BTreeMap::from([
        ("empty", count(&[Fault::PayloadEmpty])),
        ("framed", count(&[Fault::PayloadFramed])),
        ("not_utf8", count(&[Fault::PayloadNotUtf8])),
        ("not_json", count(&[Fault::PayloadTruncated])),
        ("invalid_msisdn", count(&[Fault::MsisdnTruncated])),
        (
            "implausible_timestamp",
            count(&[Fault::SecondsForMilliseconds, Fault::ClockAtZero]),
        ),
    ]);
    // A clock years ahead is the engine's to judge.
    assert_eq!(refused, expected);
    let durations = count(&[Fault::DurationNegative, Fault::DurationOverflowing]);
    let expected = [(("duration_seconds", FieldFault::Invalid), durations)];
    assert_eq!(lost, BTreeMap::from(expected));
}

#[test]
fn hotlines_are_recognised_however_they_were_dialled() {
    let config = CityConfig {
        scenario: Scenario::parse("churn.scale = 10\noutage.on_days = []", "test").unwrap(),
        ..CityConfig::new(3_000, 10, 33)
    };
    let mut city = City::new(config).unwrap();
    let decoder = decoder();
    let hotlines = ["10000", "10010", "10099"].map(|number| decoder.number(number));
    let mut calls: BTreeMap<String, usize> = BTreeMap::new();
    while let Some(event) = city.next_event() {
        let Some(value) = event.value else { continue };
        let Ok(Decoded::Event(record, _)) = decoder.decode(value) else {
            continue;
        };
        let (Body::Call {
            direction: Direction::Outgoing,
            other,
            ..
        }
        | Body::Message {
            direction: Direction::Outgoing,
            other,
        }) = record.body
        else {
            continue;
        };
        if hotlines.contains(&other) {
            let json: serde_json::Value = serde_json::from_slice(value).unwrap();
            let id = json["record_id"].as_str().unwrap().to_owned();
            let dialled = json["other_number"].as_str().unwrap();
            calls.insert(id, dialled.len());
        }
    }
    let promised = city.truth();
    let promised = promised
        .iter()
        .filter(|line| matches!(line.kind, Kind::CompetitorHotline | Kind::WrongNumber));
    assert_eq!(calls.len(), promised.count());
    assert!(
        calls.values().any(|length| *length > 5),
        "none with a prefix"
    );
}

#[test]
fn outcomes_of_tasks_are_accepted() {
    let mut managers = AccountManagers::new(&Scenario::default(), "Asia/Shanghai", 3).unwrap();
    for number in 0..300 {
        let task = serde_json::json!({
            "task_id": format!("task-{number}"), "msisdn": format!("13912345{number:03}"),
            "status": "open", "purpose": "churn", "severity": "early", "not_before": "2026-04-01T09:00:00+08:00",
            "updated_at": "2026-04-01T08:00:00+08:00", "expires_at": "2026-05-01T08:00:00+08:00",
            "recommended_action": { "channel": "outbound_call", "playbook": [] },
        });
        managers.add_task_line(task.to_string().as_bytes()).unwrap();
    }
    let decoder = decoder();
    let mut forbidden = 0;
    for answer in managers.answers() {
        let record = decoder.decode(answer.json.as_bytes()).unwrap();
        let Decoded::Event(event, _) = record else {
            panic!("{}", answer.json);
        };
        assert_eq!(event.at, answer.at);
        assert_eq!(event.body.feed(), Feed::Outcome);
        if let Body::TaskOutcome(outcome) = event.body {
            forbidden += u32::from(outcome.do_not_contact);
        }
    }
    assert!(forbidden > 0);
}
