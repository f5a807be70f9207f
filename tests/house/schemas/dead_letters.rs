//! Dead letters and confirmed erasures are what their schemas say.

use super::outputs::{encoder, headers, source, value};
use super::{assert_valid, document, validator};
use churnwatch::decode::{DecodeSettings, Decoder};
use churnwatch::encode::Original;
use churnwatch::model::{Erasure, MsisdnError, Reject, Timestamp};
use serde_json::{Map, Value, json};

pub fn erasure() -> Erasure {
    Erasure {
        request: "dpo-7".to_owned(),
        known: true,
        tasks_closed: 2,
        at: Timestamp(1_772_323_200_000),
        source: source(),
    }
}

/// Who was erased must not be in the record that says so.
#[test]
fn the_bytes_of_a_confirmed_erasure() {
    let outgoing = encoder().erasure(&erasure());
    assert_eq!(outgoing.key.as_deref(), Some(b"dpo-7".as_slice()));
    let expected = r#"{"record_type":"erased","request":"dpo-7","known":true,"tasks_closed":2,"erased_at":"2026-03-01T08:00:00+08:00","source":{"topic":"cdr","partition":3,"offset":1042}}"#;
    assert_eq!(outgoing.value.as_deref(), Some(expected.as_bytes()));
    assert_eq!(encoder().erasure_json(&erasure()), expected.as_bytes());
    assert_valid(&validator("erasure.schema.json"), &value(&outgoing));
    let headers = headers(&outgoing);
    assert_eq!(headers["ce_id"], "dpo-7");
    assert_eq!(headers["ce_type"], "churnwatch.erasure.v1");
    assert_eq!(headers["ce_time"], "2026-03-01T08:00:00+08:00");
    let unknown = Erasure {
        known: false,
        ..erasure()
    };
    let unknown = value(&encoder().erasure(&unknown));
    assert!(!validator("erasure.schema.json").is_valid(&unknown));
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
    let mut rejects = vec![
        Reject::Empty,
        Reject::TooLarge { bytes: 2, limit: 1 },
        Reject::Framed,
        Reject::UnknownSchema(7),
        Reject::UnusableSchema {
            id: 7,
            problem: "is of type XML, and only AVRO, PROTOBUF and JSON are read".to_owned(),
        },
        Reject::NotOfSchema("field `a` is cut short (schema 7)".to_owned()),
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
        Reject::UnfoundedStatement,
        Reject::KeyMismatch,
        Reject::WrongFeed,
        Reject::NotARow("it has 2 columns instead of 3".to_owned()),
        Reject::NoVariant,
        Reject::UnknownTask,
    ];
    let reasons: Vec<&str> = rejects.iter().map(Reject::reason).collect();
    assert_eq!(reasons, Reject::REASONS);
    rejects.extend([Reject::ImplausibleStatement, Reject::FutureStatement]);
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

#[test]
fn an_answer_that_finds_no_task_is_told_where_answers_belong() {
    let said = Reject::UnknownTask.to_string();
    for part in ["task_id", "msisdn", "with `+`", "partition", "key"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    for schema in ["outcome.schema.json", "retention-task.schema.json"] {
        let msisdn = &document(schema)["properties"]["msisdn"]["description"];
        assert!(
            msisdn.as_str().unwrap().contains("`+` in front"),
            "{schema}"
        );
    }
    // Why the mark is needed.
    let decoder = Decoder::new(DecodeSettings::default()).unwrap();
    let read = |text: &str| decoder.msisdn(text).unwrap().as_str().to_owned();
    assert_eq!(read("+13801230000"), "13801230000");
    assert_eq!(read("13801230000"), "8613801230000");
    assert_eq!(read("+8613801230000"), "8613801230000");
}
