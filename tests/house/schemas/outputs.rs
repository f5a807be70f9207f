//! Tasks and signals are what their schemas say.

use super::dead_letters::erasure;
use super::uplift::uplift;
use super::{assert_valid, document, validator};
use churnwatch::encode::{Encoder, Outgoing};
use churnwatch::model::{
    Action, Assignee, Calendar, Channel, CloseReason, CustomerKind, Day, Evidence, Fact,
    GroupAlert, GroupMember, Level, Money, Motive, Motives, Msisdn, Occasion, OutcomeResult,
    PlaybookStep, Purpose, ScorePart, Severity, ShadowSignal, Signal, Source, Stage, Suppression,
    Suspension, SuspensionReason, Talk, Task, TaskStatus, Text, Tier, Timestamp, Words,
};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Every value of an enum; does not compile when one is added and not listed.
macro_rules! every {
    ($type:ident: $($variant:ident)*) => {{
        let listed = |value: $type| match value { $($type::$variant => ()),* };
        let every = [$($type::$variant),*];
        every.into_iter().for_each(listed);
        every
    }};
}

pub fn encoder() -> Encoder {
    let calendar = Calendar::new("Asia/Shanghai").unwrap();
    Encoder::new(calendar, Encoder::SOURCE_DEFAULT.to_owned(), words())
}

/// The words of the stage `mature`.
fn words() -> Arc<Words> {
    let step = |action: &str, for_triggers: &[&str], zh: &str, en: &str| PlaybookStep {
        action: action.to_owned(),
        for_triggers: for_triggers.iter().map(|name| (*name).to_owned()).collect(),
        for_reasons: Vec::new(),
        not_for_triggers: Vec::new(),
        zh: zh.to_owned(),
        en: en.to_owned(),
    };
    let steps = vec![
        step("", &[], "致电", "Call"),
        step("bundle", &["competitor_hotline"], "组合套餐", "A bundle"),
        step("service_care", &["port_out"], "服务关怀", "Service care"),
    ];
    let talk = |of: &str| Talk {
        rapport: text("问候", &format!("Greet {of}")),
        listen: text("倾听", "Listen"),
        advise: text("建议", "Advise"),
        follow_up: text("回访", "Call back"),
    };
    let chapters = ["mature", Talk::CARE_ONLY];
    Arc::new(Words {
        playbook: [("mature".to_owned(), steps)].into(),
        talk: chapters.map(|of| (of.to_owned(), talk(of))).into(),
    })
}

pub fn source() -> Source {
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

pub fn signal() -> Signal {
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

pub fn task() -> Task {
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
        customer_kind: CustomerKind::Group,
        stars: 4,
        credit_score: -50,
        monthly_value: Money(13_120),
        stage: Stage::Mature,
        suspension: Some(Suspension {
            reason: SuspensionReason::Voluntary,
            since: Day::parse("2026-02-20").unwrap(),
        }),
        group: Some(Box::new(GroupAlert {
            group: "G-7".into(),
            occasion: Occasion::ContractEnd(Day::parse("2026-04-30").unwrap()),
            members: vec![GroupMember {
                msisdn: Msisdn::new("13800138000").unwrap(),
                severity: Severity::Critical,
                triggers: vec!["complaint".into()],
            }],
            more: 2,
            head_count: Some(40),
            until: at(100),
        })),
        signals: vec![signal()],
        action: Action {
            channel: Channel::AccountManager,
            care_only: false,
        },
        assignee: Assignee {
            account_manager: Some("am-17".into()),
            queue: "key-accounts".to_owned(),
            region: vec!["HQ".into(), "广东".into()],
            level: Level::AccountManager,
            notify: Some(Level::RegionalManager),
            deputy_for: Some("am-16".into()),
            over_capacity: true,
        },
        opened_at: at(0),
        not_before: at(1),
        due_at: at(5),
        escalates_at: Some(at(6)),
        expires_at: at(720),
        contacted_at: Some(at(2)),
        outcome: Some(OutcomeResult::Unreachable),
        outcome_at: Some(at(2)),
        motives: Motives {
            stated: Some(Motive::Price),
            confirmed: Some(Motive::Network),
        },
        updated_at: at(0),
        rules_version: "a1b2c3d4".into(),
        source: Some(source()),
    }
}

pub fn value(outgoing: &Outgoing) -> Value {
    serde_json::from_slice(outgoing.value.as_deref().unwrap()).unwrap()
}

pub fn headers(outgoing: &Outgoing) -> BTreeMap<&str, &str> {
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
        r#"{{"task_id":"5b0d7e2c9f314a68","revision":2,"status":"updated","purpose":"churn","severity":"at_risk","churn_score":0.412,"score_parts":{{"base":-3.0}},"msisdn":"13800138000","tier":"key","customer_kind":"group","stars":4,"credit_score":-50,"monthly_value":"131.20","stage":"mature","suspension":{{"reason":"voluntary","since":"2026-02-20"}},"group":{{"group_id":"G-7","kind":"contract_end","contract_end_on":"2026-04-30","head_count":40,"members":[{{"msisdn":"13800138000","severity":"critical","triggers":["complaint"]}}],"more_signals":2}},"signals":[{signal}],"recommended_action":{{"channel":"account_manager","playbook":[{{"action":"bundle","zh-CN":"组合套餐","en":"A bundle"}},{{"zh-CN":"致电","en":"Call"}}],"talk":{{"rapport":{{"zh-CN":"问候","en":"Greet mature"}},"listen":{{"zh-CN":"倾听","en":"Listen"}},"advise":{{"zh-CN":"建议","en":"Advise"}},"follow_up":{{"zh-CN":"回访","en":"Call back"}}}}}},"assignee":{{"account_manager":"am-17","queue":"key-accounts","region":["HQ","广东"],"level":"account_manager","notify":"regional_manager","deputy_for":"am-16","over_capacity":true}},"opened_at":"2026-03-01T08:00:00+08:00","not_before":"2026-03-01T09:00:00+08:00","due_at":"2026-03-01T13:00:00+08:00","escalates_at":"2026-03-01T14:00:00+08:00","expires_at":"2026-03-31T08:00:00+08:00","contacted_at":"2026-03-01T10:00:00+08:00","outcome":"unreachable","stated_reason":"price","confirmed_reason":"network","updated_at":"2026-03-01T08:00:00+08:00","rules_version":"a1b2c3d4","source":{{"topic":"cdr","partition":3,"offset":1042}}}}"#
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

/// What is said of how to act, by who acts and what may be offered.
#[test]
fn words_are_for_those_who_speak() {
    let action = |channel: Channel, care_only: bool, stage: Stage| {
        let mut task = task();
        task.action = Action { channel, care_only };
        task.stage = stage;
        let json = value(&encoder().task(&task));
        assert_valid(&validator("retention-task.schema.json"), &json);
        json["recommended_action"].clone()
    };
    let spoken = action(Channel::OutboundCall, false, Stage::Mature);
    assert_eq!(spoken["talk"]["rapport"]["en"], "Greet mature");
    assert_eq!(spoken.get("care_only"), None);
    let campaign = action(Channel::BulkCampaign, false, Stage::Mature);
    assert_eq!(campaign.get("talk"), None);
    assert_eq!(campaign["playbook"], spoken["playbook"]);
    let care = action(Channel::AccountManager, true, Stage::Mature);
    assert_eq!(care["care_only"], true);
    assert_eq!(care["talk"]["rapport"]["en"], "Greet care_only");
    let steps = care["playbook"].as_array().unwrap();
    let steps: Vec<_> = steps.iter().map(|step| &step["action"]).collect();
    assert_eq!(steps, ["service_care"]);
    // No chapter for it, and none for all.
    let silent = action(Channel::AccountManager, false, Stage::Leave);
    assert_eq!(
        (silent.get("talk"), &silent["playbook"]),
        (None, &json!([]))
    );
}

#[test]
fn a_signal_has_one_id_for_whose_which_when_and_how_strong() {
    let id = |signal: &Signal| value(&encoder().signal(signal))["signal_id"].clone();
    let mut again = signal();
    again.suppressed = Some(Suppression::TaskOpen);
    assert_eq!(id(&again), id(&signal()));
    let mut changed = [signal(), signal(), signal(), signal()];
    changed[0].msisdn = Msisdn::new("13800138001").unwrap();
    changed[1].trigger = "usage_drop".into();
    changed[2].fired_at.0 += 1;
    changed[3].strength += 0.1;
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
    let reasons = every!(CloseReason: UsageRecovered ArrearsPaid Expired Churned Saved Refused Lost MnpHold Superseded ContractRenewed ComplaintSettled ForwardingEnded QualityRecovered LineBarred OccasionOver Contacted OptedOut NotPursued Returned Erased Group);
    assert_names(schema, "close_reason", reasons, |reason| {
        (
            encode(&|task| (task.status, task.close_reason) = (TaskStatus::Closed, Some(reason))),
            reason.name(),
        )
    });
    assert_names(
        schema,
        "purpose",
        every!(Purpose: Churn Care Grow WinBack),
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
    let outcomes = every!(OutcomeResult: Reached Unreachable Saved Refused Lost);
    assert_names(schema, "outcome", outcomes, |outcome| {
        (encode(&|task| task.outcome = Some(outcome)), outcome.name())
    });
    for reason in ["stated_reason", "confirmed_reason"] {
        let both = |motive: Motive| Motives {
            stated: Some(motive),
            confirmed: Some(motive),
        };
        assert_names(schema, reason, Motive::ALL, |motive| {
            (encode(&|task| task.motives = both(motive)), motive.name())
        });
    }
    let bare = encode(&|task| {
        task.source = None;
        task.assignee.account_manager = None;
        task.assignee.region.clear();
        task.assignee.notify = None;
        task.assignee.deputy_for = None;
        task.assignee.over_capacity = false;
        task.escalates_at = None;
        task.contacted_at = None;
        task.outcome = None;
        task.motives = Motives::default();
        task.signals.clear();
    });
    assert_valid(&validator(schema), &bare);
    assert!(!bare.to_string().contains("null"), "{bare}");
}

#[test]
fn every_signal_there_can_be_is_valid() {
    let suppressions = every!(Suppression: TaskOpen Repeat MnpHold NotPursued Churned ChurnTaskOpen CareOnly LowScore HoldOut OptedOut ContactGap ContactCap OverBudget OverCapacity Recovered Backlog Group);
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

pub fn shadow() -> ShadowSignal {
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
        Suppression::Repeat,
        Suppression::MnpHold,
        Suppression::NotPursued,
        Suppression::Churned,
        Suppression::CareOnly,
        Suppression::LowScore,
        Suppression::HoldOut,
        Suppression::OptedOut,
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
        ("erasure.schema.json", value(&encoder().erasure(&erasure()))),
        ("uplift.schema.json", value(&encoder().uplift(&uplift()))),
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
