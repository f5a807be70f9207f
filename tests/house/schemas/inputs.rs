//! The decoder and the schemas of the feeds accept the same records.

use super::kinds::{KINDS, Kind};
use super::{assert_valid, document, validator};
use churnwatch::decode::{DecodeSettings, Decoded, Decoder};
use churnwatch::model::{Feed, Reject};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

const COMMON: [&str; 3] = ["record_id", "msisdn", "event_timestamp"];

/// The fields that no record of their type can do without (behaviour: Bad input).
const ESSENTIAL: &[&str] = &[
    "record_id",
    "msisdn",
    "event_timestamp",
    "period",
    "amount",
    "task_id",
    "result",
    "group",
];

/// The specification's lists of names: record type, field, names (behaviour: Events).
const NAMES: &[(&str, &str, &[&str])] = &[
    (
        "mo_call",
        "cause_for_termination",
        &["normal_release", "dropped", "unanswered", "busy", "failed"],
    ),
    (
        "mt_call",
        "cause_for_termination",
        &["normal_release", "dropped", "unanswered", "busy", "failed"],
    ),
    ("call_forward", "action", &["activate", "deactivate"]),
    (
        "suspension",
        "reason",
        &["arrears", "voluntary", "fraud", "roaming"],
    ),
    (
        "reactivation",
        "reason",
        &["arrears", "voluntary", "fraud", "roaming"],
    ),
    ("profile", "segment", &["consumer", "group"]),
    (
        "profile",
        "flags",
        &[
            "malicious_arrears",
            "bad_reputation",
            "contract_breach",
            "unprofitable",
            "iot",
            "robot",
        ],
    ),
    (
        "complaint",
        "category",
        &["billing", "network", "service", "unwanted_service"],
    ),
    ("complaint", "resolution", &["open", "resolved"]),
    (
        "enquiry",
        "subject",
        &["cancel", "port_out", "contract", "bill", "plan"],
    ),
    (
        "service_order",
        "kind",
        &[
            "plan_change",
            "broadband",
            "bundle",
            "value_added",
            "second_line",
            "cancel_service",
        ],
    ),
    (
        "task_outcome",
        "result",
        &["reached", "unreachable", "saved", "refused", "lost"],
    ),
];

/// Values a field may have, and values it must not have.
fn values(field: &str) -> (Vec<Value>, Vec<Value>) {
    let long = "长".repeat(129);
    if let Some((_, _, names)) = NAMES.iter().find(|(_, name, _)| *name == field) {
        let names: Vec<Value> = names.iter().map(|name| json!(name)).collect();
        let wrong = vec![json!(""), json!("other"), json!(1), json!(true)];
        return match field {
            "flags" => (
                vec![json!([]), json!(names), json!(["iot"])],
                vec![json!(wrong), json!("iot"), json!({})],
            ),
            _ => (names, wrong),
        };
    }
    let integers = |max: u64| {
        (
            vec![json!(0), json!(1), json!(max)],
            vec![json!(-1), json!(max + 1), json!(0.5), json!("1")],
        )
    };
    match field {
        "record_id"
        | "charging_id"
        | "record_sequence_number"
        | "invoice_number"
        | "customer_id" => (
            vec![
                json!("a"),
                json!(7),
                json!(-7),
                json!("x".repeat(128)),
                json!("长".repeat(128)),
            ],
            vec![
                json!(""),
                json!(long),
                json!(1.5),
                json!(true),
                json!(["a"]),
            ],
        ),
        "msisdn" => (
            vec![
                json!("13800138000"),
                json!("+8613800138000"),
                json!("p-1"),
                json!("00447700900123"),
                json!("1234A"),
                json!("138 0013 8000"),
                json!("tel:+86-138-0013-8000"),
                json!("sip:13800138000@ims.example;user=phone"),
                json!(13_800_138_000_u64),
            ],
            vec![
                json!(""),
                json!("1380"),
                json!("+001380"),
                json!(true),
                json!(["13800138000"]),
            ],
        ),
        "event_timestamp" | "complete_until" => (
            vec![
                json!("2026-03-01T08:00:00+08:00"),
                json!("2199-12-31T23:59:59.999Z"),
                json!(946_684_800_000_u64),
                json!(7_258_118_399_999_u64),
            ],
            vec![
                json!("2026-03-01"),
                json!("2026-02-30T00:00:00Z"),
                json!("1999-12-31T00:00:00Z"),
                json!("2026-03-01T08:00:00"),
                json!(""),
                json!(946_684_799_999_u64),
                json!(7_258_118_400_000_u64),
                json!(u64::MAX),
                json!(-1),
                json!(false),
            ],
        ),
        "other_number" => (
            vec![
                json!("10010"),
                json!("ICBC"),
                json!(""),
                json!("号码"),
                json!("9".repeat(40)),
                json!(10010),
            ],
            vec![json!(true), json!({})],
        ),
        "visited_plmn" => (
            vec![json!("310-410"), json!("46000"), json!("204-04")],
            vec![
                json!("46-000"),
                json!("000-00"),
                json!("home"),
                json!(46_000),
            ],
        ),
        "duration_seconds" => integers(86_400),
        "uplink_volume_bytes" | "downlink_volume_bytes" => integers(1_000_000_000_000_000),
        "satisfaction" => (
            vec![json!(1), json!(5)],
            vec![json!(0), json!(6), json!("5")],
        ),
        "suspensions" => integers(65_535),
        "amount" | "plan_fee" | "usage_value" | "overage" | "avg_monthly_spend"
        | "monthly_fee_before" | "monthly_fee_after" => (
            vec![
                json!(0),
                json!(129.9),
                json!("129.90"),
                json!("-0.010"),
                json!(10_000_000_000_000_u64),
            ],
            vec![
                json!(""),
                json!("1.005"),
                json!("1e3"),
                json!(".5"),
                json!("1,000"),
                json!(10_000_000_000_001_u64),
                json!(false),
                json!([1]),
            ],
        ),
        "period" => (
            vec![json!("2026-02")],
            vec![
                json!("2026-2"),
                json!("2026-13"),
                json!("2026-02-01"),
                json!(202_602),
            ],
        ),
        "due_on" | "activated_on" | "contract_end_on" | "points_expire_on" | "offer_expires_on" => {
            let oldest = match field {
                "activated_on" => json!("1980-01-02"),
                _ => json!("2000-01-01"),
            };
            (
                vec![json!("2026-03-20"), oldest, json!("2098-12-31")],
                vec![
                    json!(""),
                    json!("9999-12-31"),
                    json!("2026-03-20 00:00:00"),
                    json!("1979-12-31"),
                    json!("2101-01-01"),
                    json!("2026-02-29"),
                    json!("20260320"),
                    json!("2026-3-20"),
                    json!(1_772_323_200_000_u64),
                ],
            )
        }
        "birthday" => (
            vec![json!("02-29"), json!("12-31")],
            vec![
                json!(""),
                json!("02-30"),
                json!("04-31"),
                json!("13-01"),
                json!(229),
            ],
        ),
        "subscribed_by_customer"
        | "vip"
        | "marketing_opt_out"
        | "do_not_contact"
        | "by_customer" => (
            vec![json!(true), json!(false)],
            vec![
                json!(0),
                json!("yes"),
                json!(""),
                json!("perhaps"),
                json!({}),
            ],
        ),
        "group_id" => (
            vec![json!("G-7"), json!(12), json!("长".repeat(21))],
            vec![json!("x".repeat(65)), json!({}), json!(true)],
        ),
        "group_size" => (
            vec![json!(1), json!(4_294_967_295_u64)],
            vec![json!(0), json!(-1), json!("some"), json!(4_294_967_296_u64)],
        ),
        "group" => (
            vec![
                told("leaving", None),
                told("contract_end", Some("2026-04-30")),
            ],
            {
                let mut nameless = told("leaving", None);
                nameless["group_id"] = json!("");
                vec![
                    json!({}),
                    json!("G-7"),
                    json!([]),
                    nameless,
                    told("staying", None),
                    told("contract_end", None),
                    told("leaving", Some("2026-04-30")),
                ]
            },
        ),
        "brand" | "account_manager" | "group_manager" => (
            vec![json!("gotone"), json!(""), json!("长".repeat(128))],
            vec![json!(long), json!(1), json!({})],
        ),
        "stated_reason" | "confirmed_reason" => (
            vec![json!("price"), json!(""), json!("长".repeat(64))],
            vec![json!("长".repeat(65)), json!(1), json!(["price"])],
        ),
        "task_id" => (vec![json!("t-1")], vec![json!(""), json!(long), json!(1)]),
        "region" => (
            vec![json!([]), json!(["HQ", "广东", "深圳"])],
            vec![
                json!("HQ"),
                json!([1]),
                json!([null]),
                json!([long]),
                json!(vec!["HQ"; 9]),
            ],
        ),
        "plan" => (
            vec![
                json!({"id": "a", "monthly_fee": "19.00"}),
                json!({"id": "a", "monthly_fee": 19, "voice_minutes": 4_294_967_295_u64, "data_mb": null, "x": 1}),
            ],
            vec![
                json!({}),
                json!({"id": "a"}),
                json!({"id": "", "monthly_fee": 1}),
                json!({"id": "a", "monthly_fee": "x"}),
                json!({"id": "a", "monthly_fee": 1, "data_mb": -1}),
                json!("a"),
                json!([]),
            ],
        ),
        "feed" => (
            vec![json!("cdr"), json!("outcome")],
            vec![json!("crm"), json!(1)],
        ),
        // Fields the detector does not read may hold anything.
        _ => (vec![json!("x"), json!(1), json!({})], vec![]),
    }
}

/// What shards tell each other of a group, with all that any of them may tell.
fn told(kind: &str, contract_end_on: Option<&str>) -> Value {
    let mut told = json!({
        "group_id": "G-7", "kind": kind, "head_count": 40, "partition": 2, "value": "12.00", "score_millionths": 5,
        "severity": "early", "triggers": ["arrears"], "more": 0,
        "members": [{ "msisdn": "8613800138000", "severity": "critical", "triggers": ["arrears"] }], "lead": "8613800138000",
        "until": "2026-03-15T08:00:00+08:00"
    });
    if let Some(end) = contract_end_on {
        told["contract_end_on"] = json!(end);
    }
    told
}

/// Whether the decoder understands what a producer should not send: other words for true and false, an integer as a text,
/// a time behind a date, and in a field that may be absent, what stands for nothing.
fn is_tolerated(field: &str, required: bool, value: &Value) -> bool {
    let nothing = !required && (*value == json!("") || *value == json!("9999-12-31"));
    let digits = value
        .as_str()
        .is_some_and(|text| text.parse::<u32>().is_ok());
    nothing
        || digits && values(field).0[0].is_u64()
        || *value == json!("2026-03-20 00:00:00")
        || field == "flags" && *value == json!("iot")
        || [json!(0), json!("yes")].contains(value) && field_is_boolean(field)
}

fn field_is_boolean(field: &str) -> bool {
    values(field).0 == [json!(true), json!(false)]
}

/// A record of the kind whose fields are all as they may be.
fn good(kind: &Kind) -> Map<String, Value> {
    let fields = COMMON.iter().chain(kind.2).chain(kind.3);
    let mut record: Map<_, _> = fields
        .map(|field| ((*field).to_owned(), values(field).0[0].clone()))
        .collect();
    record.insert("record_type".to_owned(), json!(kind.0));
    record
}

/// The feed, and how many fields could not be used.
fn decode_fields(record: &Value) -> Result<(Option<Feed>, usize), Reject> {
    let decoder = Decoder::new(DecodeSettings::default()).unwrap();
    Ok(match decoder.decode(record.to_string().as_bytes())? {
        Decoded::Event(event, faults) => (Some(event.body.feed()), faults.iter().count()),
        Decoded::Progress { .. } => (None, 0),
    })
}

fn decode(record: &Value) -> Result<Option<Feed>, Reject> {
    decode_fields(record).map(|(feed, _)| feed)
}

pub fn schema_of(feed: &str) -> String {
    format!("{feed}.schema.json")
}

#[test]
fn every_record_type_belongs_to_its_feed() {
    for kind in KINDS {
        let record = Value::Object(good(kind));
        assert_valid(&validator(&schema_of(kind.1)), &record);
        assert_eq!(decode(&record), Ok(Feed::from_name(kind.1)), "{record}");
    }
    let mut listed = BTreeSet::new();
    for feed in Feed::ALL {
        super::visit_objects(&document(&schema_of(feed.name())), "", &mut |_, node| {
            let Some(kind) = node.get("properties").and_then(|p| p.get("record_type")) else {
                return;
            };
            let several = kind.get("enum").and_then(Value::as_array).cloned();
            listed.extend(
                several
                    .unwrap_or_else(|| vec![kind["const"].clone()])
                    .iter()
                    .map(|name| name.as_str().unwrap().to_owned()),
            );
        });
    }
    assert_eq!(listed, KINDS.iter().map(|kind| kind.0.to_owned()).collect());
}

/// One field of a good record at a time: absent, null, and every value of the lists.
#[test]
fn each_field_is_judged_alike() {
    let mut refused = 0;
    for kind in KINDS {
        let validator = validator(&schema_of(kind.1));
        let good = good(kind);
        for field in COMMON.iter().chain(kind.2).chain(kind.3) {
            let required = !kind.3.contains(field);
            let (right, wrong) = values(field);
            let mut cases: Vec<_> = right.into_iter().map(|value| (Some(value), true)).collect();
            cases.extend(wrong.into_iter().map(|value| (Some(value), false)));
            cases.push((None, !required));
            cases.push((Some(Value::Null), !required));
            for (value, right) in cases {
                let mut record = good.clone();
                record.remove(*field);
                let tolerated = value
                    .as_ref()
                    .is_some_and(|value| is_tolerated(field, required, value));
                record.extend(value.map(|value| ((*field).to_owned(), value)));
                let record = Value::Object(record);
                let decoded = decode_fields(&record);
                // What is wrong costs the record if the field is essential, and else the field. A refusal is never lost.
                let refusal =
                    record["do_not_contact"] == true && ["task_id", "result"].contains(field);
                let accepted = right || refusal || !ESSENTIAL.contains(field);
                assert_eq!(decoded.is_ok(), accepted, "{record}: {decoded:?}");
                let used = decoded.is_ok_and(|(_, faults)| faults == 0);
                assert_eq!(used, right || tolerated, "{record}");
                assert_eq!(validator.is_valid(&record), right, "{record}");
                refused += usize::from(!right);
            }
        }
    }
    assert!(refused > 300, "{refused}");
}

#[test]
fn progress_is_judged_alike() {
    let validator = validator("feed-progress.schema.json");
    for field in ["feed", "complete_until"] {
        let (right, wrong) = values(field);
        let cases = right.into_iter().map(|value| (value, true));
        for (value, accepted) in cases.chain(wrong.into_iter().map(|value| (value, false))) {
            let mut record = json!({"record_type": "feed_progress", "feed": "cdr", "complete_until": 1_772_323_200_000_u64});
            record[field] = value;
            let expected = if accepted { Some(None) } else { None };
            assert_eq!(decode(&record).ok(), expected, "{record}");
            assert_eq!(validator.is_valid(&record), accepted, "{record}");
        }
    }
    for feed in Feed::TIMED {
        assert!(decode(&json!({"record_type": "feed_progress", "feed": feed.name(), "complete_until": "2026-03-01T00:00:00Z"})).is_ok());
    }
    let listed = document("feed-progress.schema.json")["properties"]["feed"]["enum"].clone();
    assert_eq!(listed, json!(Feed::TIMED.map(Feed::name)));
}

/// Records with any number of fields right, wrong, null or absent at once.
#[test]
fn generated_records_are_judged_alike() {
    let validators: Vec<_> = KINDS
        .iter()
        .map(|kind| validator(&schema_of(kind.1)))
        .collect();
    let choice = (0..40_u8, any::<prop::sample::Index>());
    let choices = prop::collection::vec(choice, 20);
    let mut accepted = 0;
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(3000)
    });
    let counted = std::cell::RefCell::new(&mut accepted);
    let result = runner.run(&(0..KINDS.len(), choices), |(index, choices)| {
        let kind = &KINDS[index];
        let fields = COMMON.iter().chain(kind.2).chain(kind.3);
        let mut record = Map::from_iter([("record_type".to_owned(), json!(kind.0))]);
        for (field, (choice, pick)) in fields.zip(&choices) {
            let required = !kind.3.contains(field);
            let (right, mut wrong) = values(field);
            wrong.retain(|value| !is_tolerated(field, required, value));
            let value = match choice {
                0 => continue,
                1 => Value::Null,
                2 if !wrong.is_empty() => pick.get(&wrong).clone(),
                _ => pick.get(&right).clone(),
            };
            record.insert((*field).to_owned(), value);
        }
        let record = Value::Object(record);
        let decoded = decode_fields(&record);
        let used = matches!(decoded, Ok((_, 0)));
        prop_assert_eq!(
            used,
            validators[index].is_valid(&record),
            "{}: {:?}",
            record,
            decoded
        );
        **counted.borrow_mut() += usize::from(used);
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
    assert!(
        (500..2800).contains(&accepted),
        "{accepted} of 3000 accepted: nothing is shown"
    );
}

#[test]
fn lists_of_names_agree_in_domain_schema_and_decoder() {
    for (record_type, field, names) in NAMES {
        let kind = KINDS.iter().find(|kind| kind.0 == *record_type).unwrap();
        let mut listed = None;
        super::visit_objects(&document(&schema_of(kind.1)), "", &mut |_, node| {
            let Some(properties) = node.get("properties") else {
                return;
            };
            let kinds = &properties["record_type"];
            let here = kinds["const"] == *record_type
                || kinds["enum"]
                    .as_array()
                    .is_some_and(|kinds| kinds.contains(&json!(record_type)));
            if here {
                let property = &properties[*field];
                listed = property
                    .get("enum")
                    .or(property["items"].get("enum"))
                    .cloned();
            }
        });
        let listed = listed.unwrap_or_else(|| panic!("{record_type}.{field} has no enum"));
        let listed: Vec<_> = listed
            .as_array()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect();
        assert_eq!(listed, *names, "{record_type}.{field}");

        let with = |name: &str| {
            let mut record = good(kind);
            let value = if *field == "flags" {
                json!([name])
            } else {
                json!(name)
            };
            record.insert((*field).to_owned(), value);
            decode_fields(&Value::Object(record))
        };
        for name in *names {
            assert!(with(name).is_ok(), "{record_type}.{field} {name}");
        }
        match with("nonsense") {
            Ok(faults) => assert_eq!(faults.1, 1, "{record_type}.{field}"),
            Err(refusal) => assert_eq!(
                refusal.to_string(),
                format!("field `{field}` must be one of {}", names.join(", "))
            ),
        }
    }
}
