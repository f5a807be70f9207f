//! Avro, Protobuf and CloudEvents say what the JSON says.

use super::dead_letters::erasure;
use super::document;
use super::outputs::{encoder, headers, shadow, signal, task, value};
use super::uplift::uplift;
use crate::forms::{json as read, plain};
use churnwatch::config::Config;
use churnwatch::encode::{Encoder, Form, Kind, Language, Outgoing, Registered};
use churnwatch::kafka::partition_of;
use churnwatch::model::Effect;
use churnwatch::rehearse::{Rehearsal, Settings};
use churnwatch::sim::{CityConfig, Scenario};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::convert::Infallible;

fn id(kind: Kind) -> u32 {
    0x0102_0300 + kind as u32
}

fn registered(language: Language) -> Form {
    let ids: BTreeMap<_, _> = Kind::ALL.map(|kind| (kind, id(kind))).into();
    Form::Registered(Registered::new(language, &ids).unwrap())
}

/// Everything that is written for others.
fn records() -> [(Kind, Outgoing); 5] {
    let encoder = encoder();
    [
        (Kind::Task, encoder.task(&task())),
        (Kind::Signal, encoder.signal(&signal())),
        (Kind::ShadowSignal, encoder.shadow_signal(&shadow())),
        (Kind::Erasure, encoder.erasure(&erasure())),
        (Kind::Uplift, encoder.uplift(&uplift())),
    ]
}

fn of_json(json: &Value) -> Outgoing {
    Outgoing {
        value: Some(json.to_string().into_bytes()),
        ..Outgoing::default()
    }
}

/// Writes a record in both binary formats and compares what a consumer reads with its JSON.
#[track_caller]
fn assert_nothing_is_lost(forms: &[(Language, Form); 2], kind: Kind, record: &Outgoing) {
    let json = plain(value(record));
    for (language, form) in forms {
        let written = form.write(kind, record.clone());
        let written = written.unwrap_or_else(|misfit| panic!("{misfit}\n{json:#}"));
        let read = read(written.value.as_deref().unwrap(), |found| {
            assert_eq!(found, id(kind));
            let name = format!("{language:?}").to_uppercase();
            (name, kind.schema(*language).to_owned())
        });
        assert_eq!(read, json, "{language:?} {kind:?}");
    }
}

fn both() -> [(Language, Form); 2] {
    [Language::Avro, Language::Protobuf].map(|language| (language, registered(language)))
}

#[test]
fn every_kind_and_every_example_is_the_same_in_avro_and_protobuf() {
    let forms = both();
    for (kind, record) in records() {
        assert_nothing_is_lost(&forms, kind, &record);
        let schema = document(&format!("{}.schema.json", kind.name()));
        let examples = schema["examples"].as_array().unwrap();
        assert!(!examples.is_empty());
        for example in examples {
            assert_nothing_is_lost(&forms, kind, &of_json(example));
        }
    }
}

#[test]
fn every_task_and_signal_of_a_city_is_the_same_in_avro_and_protobuf() {
    let config = Config::from_toml_str("", "test").unwrap();
    let city = CityConfig {
        scenario: Scenario::parse("churn.scale = 8", "test").unwrap(),
        time_zone: config.rules.calendar.zone().to_owned(),
        ..CityConfig::new(150, 60, 7)
    };
    let rehearsal = Rehearsal::new(Settings {
        city,
        warm_up_days: 40,
        rules: config.rules.clone(),
        decoder: config.decoder.clone(),
        partitions: 2,
        partition_of,
    });
    let encoder = Encoder::new(
        config.rules.calendar.clone(),
        Encoder::SOURCE_DEFAULT.to_owned(),
        config.rules.words(),
    );
    let forms = both();
    let (mut tasks, mut signals, mut series) = (0, 0, 0);
    let emit = |effect: &Effect| {
        match effect {
            Effect::Task(task) => {
                tasks += 1;
                assert_nothing_is_lost(&forms, Kind::Task, &encoder.task(task));
            }
            Effect::Signal(signal) => {
                signals += 1;
                let record = encoder.signal(signal);
                let facts = &value(&record)["evidence"]["facts"];
                series += u32::from(facts["voice_seen"].is_array());
                assert_nothing_is_lost(&forms, Kind::Signal, &record);
            }
            Effect::Shadow(_) | Effect::Erased(_) | Effect::Group(_) => {}
        }
        Ok::<(), Infallible>(())
    };
    rehearsal.unwrap().run(emit, |_| {}).unwrap();
    assert!(
        tasks > 50 && signals > 50 && series > 5,
        "{tasks} tasks, {signals} signals, {series} with series"
    );
}

/// The libraries write maps in an order that changes from process to process, and from map to map.
#[test]
fn the_same_record_has_the_same_bytes() {
    let mut json = value(&encoder().task(&task()));
    for number in 0..64 {
        json["score_parts"][format!("part_{number}")] = json!(0.5);
        json["signals"][0]["evidence"]["facts"][format!("fact_{number}")] = json!(number);
    }
    for language in [Language::Avro, Language::Protobuf] {
        let write = || {
            let written = registered(language).write(Kind::Task, of_json(&json));
            written.unwrap().value
        };
        let first = write();
        for _ in 0..8 {
            assert!(write() == first, "{language:?}");
        }
    }
}

#[test]
fn headers_stay_but_for_the_content_type() {
    let forms = [
        (Form::Json, "application/json"),
        (Form::CloudEvents, "application/cloudevents+json"),
        (registered(Language::Avro), "application/avro"),
        (registered(Language::Protobuf), "application/protobuf"),
    ];
    for (form, content_type) in forms {
        for (kind, record) in records() {
            let written = form.write(kind, record.clone()).unwrap();
            let mut expected = headers(&record);
            expected.insert("content-type", content_type);
            assert_eq!(headers(&written), expected);
            assert_eq!((written.key, written.subject), (record.key, record.subject));
        }
    }
}

#[test]
fn an_event_has_the_attributes_of_its_headers_and_the_record_as_data() {
    for (kind, record) in records() {
        let written = Form::CloudEvents.write(kind, record.clone()).unwrap();
        let text = String::from_utf8(written.value.clone().unwrap()).unwrap();
        let data = String::from_utf8(record.value.clone().unwrap()).unwrap();
        assert!(text.ends_with(&format!(",\"data\":{data}}}")), "{text}");
        let mut event = value(&written);
        let event = event.as_object_mut().unwrap();
        event.remove("data");
        let mut expected = json!({
            "subject": record.subject,
            "datacontenttype": "application/json",
            "dataschema": format!("urn:churnwatch:{}.schema.json", kind.name()),
        });
        for (name, value) in headers(&record) {
            if let Some(name) = name.strip_prefix("ce_") {
                expected[name] = json!(value);
            }
        }
        assert_eq!(expected["specversion"], "1.0");
        assert_eq!(Value::Object(event.clone()), expected);
        let attributes = Value::Object(event.clone()).to_string();
        assert!(!attributes.contains("13800138000"), "{attributes}");
        assert!(!record.subject.is_empty());
    }
}

/// What the schema has no room for is named, and its value is not.
#[test]
fn a_record_that_does_not_fit_is_refused_by_name() {
    let task = value(&encoder().task(&task()));
    let faults = [
        (
            "/signals/0/evidence/observed",
            json!("13800138000"),
            "schema retention-task: field `signals.evidence.observed` is of another type",
        ),
        (
            "/revision",
            json!(1.5),
            "schema retention-task: field `revision` is not a whole number",
        ),
        (
            "/assignee",
            json!({"queue": "q", "region": [], "level": "l", "desk": "13800138000"}),
            "schema retention-task: field `assignee` has members that the schema lacks",
        ),
    ];
    for (_, form) in both() {
        for (pointer, wrong, expected) in &faults {
            let mut json = task.clone();
            *json.pointer_mut(pointer).unwrap() = wrong.clone();
            let misfit = form.write(Kind::Task, of_json(&json)).unwrap_err();
            assert_eq!(misfit.to_string(), *expected);
        }
        let mut json = task.clone();
        json["assignee"].as_object_mut().unwrap().remove("queue");
        let misfit = form.write(Kind::Task, of_json(&json)).unwrap_err();
        let said = misfit.to_string();
        assert!(said.contains("field `assignee.queue` is "), "{said}");
        let cut = Outgoing {
            value: Some(b"{\"task_id\":".to_vec()),
            ..Outgoing::default()
        };
        let misfit = form.write(Kind::Task, cut).unwrap_err();
        assert_eq!(
            misfit.to_string(),
            "schema retention-task: the record is not JSON"
        );
    }
}
