//! What leaves is what the schemas of tasks, signals and dead letters say.

use super::{assert_valid, document, validator};
use churnwatch::encode::{Encoder, Original, Outgoing};
use churnwatch::model::{
    Action, Assignee, Calendar, Channel, CloseReason, Day, Evidence, Fact, Level, Money, Msisdn,
    MsisdnError, Purpose, Reject, ScorePart, Severity, ShadowSignal, Signal, Source, Stage,
    Suppression, Task, TaskStatus, Text, Tier, Timestamp,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Every value of an enum; does not compile when one is added and not listed.
macro_rules! every {
    ($type:ident: $($variant:ident)*) => {{
        let listed = |value: $type| match value { $($type::$variant => ()),* };
        let every = [$($type::$variant),*];
        every.into_iter().for_each(listed);
        every
    }};
}

fn encoder() -> Encoder {
    let calendar = Calendar::new("Asia/Shanghai").unwrap();
    Encoder::new(calendar, Encoder::SOURCE_DEFAULT.to_owned())
}

fn source() -> Source {
    Source {
        topic: "cdr".into(),
        partition: 3,
        offset: 1042,
    }
}

fn text(zh: &str, en: &str) -> Text {
    Text {
        zh: zh.to_owned(),
        en: en.to_owned(),
    }
}

fn signal() -> Signal {
    Signal {
        purpose: Purpose::Churn,
        trigger: "competitor_hotline".into(),
        msisdn: Msisdn::new("13800138000").unwrap(),
        fired_at: Timestamp(1_772_323_200_250),
        strength: 0.700_04,
        churn_score: 0.412_345,
        evidence: Evidence {
            observed: 1.0,
            expected: 1.0 / 3.0,
            unit: "calls".into(),
            window_days: 7,
            threshold: -0.0,
            facts: vec![
                ("calls".into(), Fact::Count(-2)),
                ("share".into(), Fact::Measure(2.0 / 3.0)),
                ("owed".into(), Fact::Amount(Money(-1205))),
                (
                    "since".into(),
                    Fact::Date(Day::from_ymd(2026, 2, 28).unwrap()),
                ),
                (
                    "competitor".into(),
                    Fact::Name("联通 \"unicom\"".to_owned()),
                ),
            ],
            source: Some(source()),
        },
        text: text(
            "客户拨打了竞争对手的客服热线。",
            "The customer called a competitor's hotline.",
        ),
        suppressed: None,
    }
}

fn task() -> Task {
    let at = |hours: i64| Timestamp(1_772_323_200_000).plus_hours(hours);
    Task {
        task_id: "5b0d7e2c9f314a68".to_owned(),
        revision: 2,
        status: TaskStatus::Updated,
        close_reason: None,
        purpose: Purpose::Churn,
        severity: Severity::AtRisk,
        churn_score: 0.412_345,
        score_parts: vec![ScorePart {
            name: "base".into(),
            log_odds: -3.0,
        }],
        msisdn: Msisdn::new("13800138000").unwrap(),
        tier: Tier::Key,
        stars: 4,
        credit_score: -50,
        stage: Stage::Mature,
        signals: vec![signal()],
        action: Action {
            channel: Channel::AccountManager,
            playbook: vec![text("致电", "Call")],
        },
        assignee: Assignee {
            account_manager: Some("am-17".into()),
            queue: "key-accounts".to_owned(),
            region: vec!["HQ".into(), "广东".into()],
            level: Level::AccountManager,
        },
        opened_at: at(0),
        not_before: at(1),
        due_at: at(5),
        expires_at: at(720),
        updated_at: at(0),
        rules_version: "a1b2c3d4".into(),
        source: Some(source()),
    }
}

fn value(outgoing: &Outgoing) -> Value {
    serde_json::from_slice(outgoing.value.as_deref().unwrap()).unwrap()
}

fn headers(outgoing: &Outgoing) -> BTreeMap<&str, &str> {
    let headers = outgoing.headers.iter();
    headers
        .map(|(name, value)| (&**name, str::from_utf8(value.as_deref().unwrap()).unwrap()))
        .collect()
}

const SIGNAL_JSON: &str = r#"{"signal_id":"SIGNAL_ID","trigger":"competitor_hotline","purpose":"churn","msisdn":"13800138000","fired_at":"2026-03-01T08:00:00.25+08:00","strength":0.7,"churn_score":0.412,"evidence":{"observed":1.0,"expected":0.333,"unit":"calls","window_days":7,"threshold":0.0,"facts":{"calls":-2,"share":0.667,"owed":"-12.05","since":"2026-02-28","competitor":"联通 \"unicom\""},"source":{"topic":"cdr","partition":3,"offset":1042}},"text":{"zh-CN":"客户拨打了竞争对手的客服热线。","en":"The customer called a competitor's hotline."}}"#;

#[test]
fn the_bytes_of_a_signal() {
    let outgoing = encoder().signal(&signal());
    let id = value(&outgoing)["signal_id"].as_str().unwrap().to_owned();
    let json = String::from_utf8(outgoing.value.clone().unwrap()).unwrap();
    assert_eq!(json, SIGNAL_JSON.replace("SIGNAL_ID", &id));
    assert_eq!(outgoing.key.as_deref(), Some(b"13800138000".as_slice()));
    let expected = BTreeMap::from([
        ("ce_id", id.as_str()),
        ("ce_source", "/churnwatch"),
        ("ce_type", "churnwatch.churn-signal.v1"),
        ("ce_specversion", "1.0"),
        ("ce_time", "2026-03-01T08:00:00.25+08:00"),
        ("content-type", "application/json"),
    ]);
    assert_eq!(headers(&outgoing), expected);
    assert_eq!(encoder().signal_json(&signal()), json.as_bytes());
}

#[test]
fn the_bytes_of_a_task() {
    let outgoing = encoder().task(&task());
    let signal = encoder().signal_json(&signal());
    let signal = String::from_utf8(signal)
        .unwrap()
        .replace(r#""msisdn":"13800138000","#, "");
    let expected = format!(
        r#"{{"task_id":"5b0d7e2c9f314a68","revision":2,"status":"updated","purpose":"churn","severity":"at_risk","churn_score":0.412,"score_parts":{{"base":-3.0}},"msisdn":"13800138000","tier":"key","stars":4,"credit_score":-50,"stage":"mature","signals":[{signal}],"recommended_action":{{"channel":"account_manager","playbook":[{{"zh-CN":"致电","en":"Call"}}]}},"assignee":{{"account_manager":"am-17","queue":"key-accounts","region":["HQ","广东"],"level":"account_manager"}},"opened_at":"2026-03-01T08:00:00+08:00","not_before":"2026-03-01T09:00:00+08:00","due_at":"2026-03-01T13:00:00+08:00","expires_at":"2026-03-31T08:00:00+08:00","updated_at":"2026-03-01T08:00:00+08:00","rules_version":"a1b2c3d4","source":{{"topic":"cdr","partition":3,"offset":1042}}}}"#
    );
    assert_eq!(
        String::from_utf8(outgoing.value.clone().unwrap()).unwrap(),
        expected
    );
    assert_eq!(headers(&outgoing)["ce_id"], "5b0d7e2c9f314a68.2");
    assert_eq!(
        headers(&outgoing)["ce_type"],
        "churnwatch.retention-task.v1"
    );
    assert_eq!(headers(&outgoing)["ce_time"], "2026-03-01T08:00:00+08:00");
    assert_eq!(encoder().task(&task()), outgoing);
}

#[test]
fn a_signal_has_one_id_for_whose_which_and_when() {
    let id = |signal: &Signal| value(&encoder().signal(signal))["signal_id"].clone();
    let mut again = signal();
    again.strength = 0.1;
    again.suppressed = Some(Suppression::TaskOpen);
    assert_eq!(id(&again), id(&signal()));
    let mut changed = [signal(), signal(), signal()];
    changed[0].msisdn = Msisdn::new("13800138001").unwrap();
    changed[1].trigger = "usage_drop".into();
    changed[2].fired_at.0 += 1;
    assert!(changed.iter().all(|signal| id(signal) != id(&again)));
}

/// Encodes each and compares the names with the schema's list.
#[track_caller]
fn assert_names<T>(
    schema: &str,
    pointer: &str,
    every: impl IntoIterator<Item = T>,
    encode: impl Fn(T) -> (Value, &'static str),
) {
    let validator = validator(schema);
    let names: Vec<_> = every
        .into_iter()
        .map(|variant| {
            let (json, name) = encode(variant);
            assert_valid(&validator, &json);
            assert!(json.to_string().contains(&format!("\"{name}\"")), "{json}");
            name
        })
        .collect();
    let listed = document(schema)
        .pointer(&format!("/properties/{pointer}/enum"))
        .cloned();
    assert_eq!(listed, Some(json!(names)), "{schema} {pointer}");
}

#[test]
fn every_task_there_can_be_is_valid() {
    let encode = |change: &dyn Fn(&mut Task)| {
        let mut task = task();
        change(&mut task);
        value(&encoder().task(&task))
    };
    let schema = "retention-task.schema.json";
    assert_names(
        schema,
        "status",
        every!(TaskStatus: Open Updated Escalated Closed),
        |status| {
            let close_reason = (status == TaskStatus::Closed).then_some(CloseReason::Expired);
            (
                encode(&|task| (task.status, task.close_reason) = (status, close_reason)),
                status.name(),
            )
        },
    );
    let reasons = every!(CloseReason: UsageRecovered ArrearsPaid Expired Churned Saved Refused Lost PortOut Superseded ContractRenewed ComplaintSettled ForwardingEnded QualityRecovered OccasionOver);
    assert_names(schema, "close_reason", reasons, |reason| {
        (
            encode(&|task| (task.status, task.close_reason) = (TaskStatus::Closed, Some(reason))),
            reason.name(),
        )
    });
    assert_names(
        schema,
        "purpose",
        every!(Purpose: Churn Care Grow),
        |purpose| (encode(&|task| task.purpose = purpose), purpose.name()),
    );
    assert_names(
        schema,
        "severity",
        every!(Severity: Early AtRisk Critical Lost),
        |severity| (encode(&|task| task.severity = severity), severity.name()),
    );
    assert_names(schema, "tier", every!(Tier: Key Ordinary Small), |tier| {
        (encode(&|task| task.tier = tier), tier.name())
    });
    let stages = every!(Stage: Acquire Promote Mature Decline Leave Churned);
    assert_names(schema, "stage", stages, |stage| {
        (encode(&|task| task.stage = stage), stage.name())
    });
    let channels = every!(Channel: AccountManager OutboundCall BulkCampaign);
    assert_names(
        schema,
        "recommended_action/properties/channel",
        channels,
        |channel| {
            (
                encode(&|task| task.action.channel = channel),
                channel.name(),
            )
        },
    );
    let levels = every!(Level: AccountManager Supervisor RegionalManager DeputyGeneralManager);
    assert_names(schema, "assignee/properties/level", levels, |level| {
        (encode(&|task| task.assignee.level = level), level.name())
    });
    let bare = encode(&|task| {
        task.source = None;
        task.assignee.account_manager = None;
        task.assignee.region.clear();
        task.action.playbook.clear();
        task.signals.clear();
    });
    assert_valid(&validator(schema), &bare);
    assert!(!bare.to_string().contains("null"), "{bare}");
}

#[test]
fn every_signal_there_can_be_is_valid() {
    let suppressions = every!(Suppression: WeakSign TaskOpen Repeat PortOut NotPursued Churned ChurnTaskOpen CareOnly LowScore);
    assert_names(
        "churn-signal.schema.json",
        "suppressed",
        suppressions,
        |suppression| {
            let signal = Signal {
                suppressed: Some(suppression),
                ..signal()
            };
            (value(&encoder().signal(&signal)), suppression.name())
        },
    );
    let mut odd = signal();
    odd.evidence.source = None;
    odd.evidence.facts.clear();
    odd.evidence.observed = f64::NAN;
    odd.evidence.threshold = f64::INFINITY;
    let odd = value(&encoder().signal(&odd));
    assert_valid(&validator("churn-signal.schema.json"), &odd);
    assert!(!odd.to_string().contains("null"), "{odd}");
}

fn shadow() -> ShadowSignal {
    ShadowSignal {
        signal: signal(),
        rules_version: "0123456789ab".into(),
    }
}

/// A signal on trial is the signal itself with a mark and the version of its rules; neither passes for the other.
#[test]
fn a_signal_on_trial_is_marked() {
    let outgoing = encoder().shadow_signal(&shadow());
    let mut json = value(&outgoing);
    let live = encoder().signal(&signal());
    let [of_trial, of_live] =
        ["shadow-signal.schema.json", "churn-signal.schema.json"].map(validator);
    assert_valid(&of_trial, &json);
    assert!(!of_live.is_valid(&json) && !of_trial.is_valid(&value(&live)));
    let mut expected = headers(&live);
    expected.insert("ce_type", "churnwatch.shadow-signal.v1");
    assert_eq!(headers(&outgoing), expected);
    assert_eq!(outgoing.key, live.key);
    let fields = json.as_object_mut().unwrap();
    assert_eq!(fields.remove("shadow"), Some(json!(true)));
    assert_eq!(fields.remove("rules_version"), Some(json!("0123456789ab")));
    assert_eq!(json, value(&live));
    let suppressions = [
        Suppression::WeakSign,
        Suppression::Repeat,
        Suppression::PortOut,
        Suppression::NotPursued,
        Suppression::Churned,
        Suppression::CareOnly,
        Suppression::LowScore,
    ];
    assert_names(
        "shadow-signal.schema.json",
        "suppressed",
        suppressions,
        |suppression| {
            let mut shadow = shadow();
            shadow.signal.suppressed = Some(suppression);
            (value(&encoder().shadow_signal(&shadow)), suppression.name())
        },
    );
}

/// A schema that lets anything through would show nothing.
#[test]
fn schemas_of_outputs_refuse_what_is_not_whole() {
    let encoded = [
        (
            "retention-task.schema.json",
            value(&encoder().task(&task())),
        ),
        (
            "churn-signal.schema.json",
            value(&encoder().signal(&signal())),
        ),
        (
            "shadow-signal.schema.json",
            value(&encoder().shadow_signal(&shadow())),
        ),
    ];
    for (schema, json) in encoded {
        let validator = validator(schema);
        let required: Vec<_> = document(schema)["required"].as_array().unwrap().clone();
        for field in required.iter().map(|field| field.as_str().unwrap()) {
            let mut without: Map<_, _> = json.as_object().unwrap().clone();
            assert!(without.remove(field).is_some(), "{schema} {field}");
            assert!(
                !validator.is_valid(&Value::Object(without)),
                "{schema} {field}"
            );
        }
        let mut more = json.clone();
        more["other_number"] = json!("10010");
        assert!(!validator.is_valid(&more), "{schema}");
    }
    let mut contradiction = task();
    contradiction.close_reason = Some(CloseReason::Expired);
    assert!(
        !validator("retention-task.schema.json").is_valid(&value(&encoder().task(&contradiction)))
    );
}

#[test]
fn dead_letters_are_the_original_and_why() {
    let source = source();
    let original = Original {
        source: &source,
        key: Some(b"\xff\x00"),
        value: Some(b"{\"msisdn\":\"13800138000\"\xff"),
        headers: &[
            ("trace", Some(b"\x01\xfe")),
            ("empty", None),
            ("errors.reason", Some(b"empty")),
        ],
    };
    let outgoing = encoder().dead_letter(&original, &Reject::NotUtf8);
    assert_eq!(outgoing.key.as_deref(), original.key);
    assert_eq!(outgoing.value.as_deref(), original.value);
    let expected: Vec<(&str, Option<&[u8]>)> = vec![
        ("trace", Some(b"\x01\xfe")),
        ("empty", None),
        ("errors.topic", Some(b"cdr")),
        ("errors.partition", Some(b"3")),
        ("errors.offset", Some(b"1042")),
        ("errors.reason", Some(b"not_utf8")),
        ("errors.message", Some(b"the record is not valid UTF-8")),
    ];
    let headers: Vec<_> = outgoing
        .headers
        .iter()
        .map(|(name, value)| (&**name, value.as_deref()))
        .collect();
    assert_eq!(headers, expected);
    let added: Map<_, _> = headers[2..]
        .iter()
        .map(|(name, value)| {
            (
                (*name).to_owned(),
                json!(str::from_utf8(value.unwrap()).unwrap()),
            )
        })
        .collect();
    assert_valid(
        &validator("asyncapi.json#/components/schemas/deadLetterHeaders"),
        &Value::Object(added),
    );
}

#[test]
fn lines_of_dead_letters_are_valid_for_every_reason() {
    let rejects = [
        Reject::Empty,
        Reject::TooLarge { bytes: 2, limit: 1 },
        Reject::Framed,
        Reject::NotUtf8,
        Reject::NotJson("cut short at line 1, column 1".to_owned()),
        Reject::NotAnObject,
        Reject::RepeatedField("msisdn"),
        Reject::MissingField("msisdn"),
        Reject::UnknownRecordType,
        Reject::InvalidField {
            field: "amount",
            problem: "is out of range".to_owned(),
        },
        Reject::InvalidMsisdn(MsisdnError::Truncated),
        Reject::Implausible,
        Reject::Future,
        Reject::KeyMismatch,
        Reject::WrongFeed,
    ];
    assert_eq!(rejects.each_ref().map(Reject::reason), Reject::REASONS);
    let listed = document("dead-letter.schema.json")["properties"]["reason"]["enum"].clone();
    assert_eq!(listed, json!(Reject::REASONS));
    let validator = validator("dead-letter.schema.json");
    let source = source();
    for reject in &rejects {
        for (bytes, field, shown) in [
            (
                b"{\"a\": \"\xe4\xb8\xad\"}\n".as_slice(),
                "value",
                "{\"a\": \"中\"}\n",
            ),
            (b"\xff\xfb\xf0", "value_base64", "//vw"),
            (b"", "value", ""),
        ] {
            let original = Original {
                source: &source,
                key: None,
                value: Some(bytes),
                headers: &[],
            };
            let line = encoder().dead_letter_json(&original, reject);
            assert!(!line.contains(&b'\n'));
            let json: Value = serde_json::from_slice(&line).unwrap();
            assert_valid(&validator, &json);
            assert_eq!(json[field], shown);
            assert_eq!(json["reason"], reject.reason());
            assert_eq!(
                json["source"],
                json!({"topic": "cdr", "partition": 3, "offset": 1042})
            );
        }
    }
}
