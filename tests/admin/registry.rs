//! The client of a schema registry, against one that answers as a test wants.

use std::net::TcpListener;
use std::time::Duration;

use churnwatch::config::Config;
use churnwatch::model::Reject;
use churnwatch::registry::{Registry, Room, SchemaType, Trouble, Unread, frame};

use crate::support::receiver::Reply;
use crate::support::registry::StandIn;

const CALL: &str = r#"{"type":"record","name":"Call","fields":[{"name":"id","type":"string"}]}"#;
/// A record of it.
const RECORD: &[u8] = b"\x02a";

fn registry(url: &str, extra: &str) -> Registry {
    let text = format!("[registry]\nurl = \"{url}\"\ntimeout_ms = 2000\n{extra}");
    let config = Config::from_toml_str(&text, "test.toml").unwrap();
    Registry::new(&config.registry).unwrap().unwrap()
}

/// What a record of a schema becomes.
fn read(registry: &Registry, id: u32, body: &[u8], now_ms: u64) -> Result<String, Unread> {
    let bytes = [&frame(id), body].concat();
    let mut room = Room::default();
    let json = registry.json(&bytes, now_ms, &mut room)?;
    Ok(String::from_utf8(json.to_vec()).unwrap())
}

fn rejected(read: Result<String, Unread>) -> (&'static str, String) {
    match read {
        Err(Unread::Rejected(reject)) => (reject.reason(), reject.to_string()),
        other => panic!("{other:?}"),
    }
}

/// Why a registry is away, and until when.
fn waits(read: Result<String, Unread>) -> (String, u64) {
    match read {
        Err(Unread::Waits(away)) => (away.reason, away.until_ms),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_schema_is_asked_for_once_by_however_many() {
    let stand_in = StandIn::start();
    stand_in.put(7, "AVRO", CALL, &[]);
    let registry = registry(&stand_in.url(), "");
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for now_ms in 0..50 {
                    let json = read(&registry, 7, RECORD, now_ms * 60_000).unwrap();
                    assert_eq!(json, r#"{"id":"a"}"#);
                }
            });
        }
    });
    stand_in.away(Some(Reply::Breaks));
    assert!(read(&registry, 7, RECORD, u64::MAX).is_ok(), "it is known");
    assert_eq!(stand_in.asked().len(), 1);
    assert_eq!(registry.take_figures(), [1, 0, 0]);
    assert_eq!(registry.take_figures(), [0, 0, 0], "they were taken");
}

#[test]
fn each_kind_of_schema_is_read_and_others_are_named() {
    let stand_in = StandIn::start();
    let registry = registry(&stand_in.url(), "");
    stand_in.put(1, "JSON", "{}", &[]);
    assert_eq!(read(&registry, 1, b"{\"a\":1}", 0).unwrap(), r#"{"a":1}"#);
    let proto = "syntax = \"proto3\"; message Call { string id = 1; message Leg { int32 n = 1; } }";
    stand_in.put(2, "PROTOBUF", proto, &[]);
    assert_eq!(
        read(&registry, 2, b"\0\x0a\x01a", 0).unwrap(),
        r#"{"id":"a"}"#
    );
    assert_eq!(
        read(&registry, 2, b"\x04\0\0\x08\x05", 0).unwrap(),
        r#"{"n":5}"#
    );
    stand_in.put(3, "XML", "<xml/>", &[]);
    stand_in.put(4, "AVRO", "{\"type\":\"recrod\"}", &[]);
    stand_in.put(5, "PROTOBUF", "message Call { strin id = 1; }", &[]);
    for (id, said) in [
        (3, "schema 3 is of type XML"),
        (4, "schema 4 names a type `recrod`"),
        (5, "schema 5 cannot be compiled"),
    ] {
        for _ in 0..2 {
            let (reason, message) = rejected(read(&registry, id, RECORD, 0));
            assert_eq!(reason, "unusable_schema");
            assert!(message.starts_with(said), "{message}");
        }
        assert_eq!(stand_in.asked_for(id), 1);
    }
    let broken = rejected(read(&registry, 2, b"\0\x0a\x09a", 0));
    let said = "the record does not fit its schema: it is cut short (schema 2)";
    assert_eq!(broken, ("not_of_schema", said.to_owned()));
    let mut room = Room::default();
    let short = registry.json(b"\0\0\0", 0, &mut room).unwrap_err();
    assert!(matches!(short, Unread::Rejected(Reject::NotOfSchema(_))));
}

#[test]
fn references_are_fetched_with_all_that_they_refer_to() {
    let stand_in = StandIn::start();
    let registry = registry(&stand_in.url(), "");
    let cell = r#"{"type":"record","name":"net.Cell","fields":[{"name":"id","type":"int"}]}"#;
    let leg = r#"{"type":"record","name":"net.Leg","fields":[{"name":"cell","type":"Cell"}]}"#;
    let call = r#"{"type":"record","name":"net.Call","fields":[{"name":"leg","type":"Leg"},{"name":"cell","type":"net.Cell"}]}"#;
    stand_in.put(1, "AVRO", cell, &[]);
    stand_in.put(2, "AVRO", leg, &[("net.Cell", "1", 1)]);
    let references = [("net.Leg", "2", 1), ("net.Cell", "1", 1)];
    stand_in.put(3, "AVRO", call, &references);
    assert_eq!(
        read(&registry, 3, b"\x02\x04", 0).unwrap(),
        r#"{"leg":{"cell":{"id":1}},"cell":{"id":2}}"#
    );
    assert_eq!(stand_in.asked().len(), 3, "each once");

    let time = "syntax = \"proto3\"; package net; message Cell { int32 id = 1; }";
    let call = "syntax = \"proto3\"; import \"net/cell.proto\"; import \"google/protobuf/timestamp.proto\";
        message Call { net.Cell cell = 1; google.protobuf.Timestamp at = 2; }";
    stand_in.put(4, "PROTOBUF", time, &[]);
    stand_in.put(5, "PROTOBUF", call, &[("net/cell.proto", "4", 1)]);
    assert_eq!(
        read(&registry, 5, b"\0\x0a\x02\x08\x03\x12\x03\x08\x90\x1c", 0).unwrap(),
        r#"{"cell":{"id":3},"at":"1970-01-01T01:00:00Z"}"#
    );
    stand_in.put(6, "AVRO", leg, &[("net.Cell", "1", 9)]);
    assert_eq!(rejected(read(&registry, 6, b"", 0)).0, "unknown_schema");
}

#[test]
fn an_unknown_id_is_asked_for_again_after_a_minute_and_not_with_each_record() {
    let stand_in = StandIn::start();
    let registry = registry(&stand_in.url(), "");
    for now_ms in [0, 1, 30_000, 59_999] {
        let (reason, message) = rejected(read(&registry, 7, RECORD, now_ms));
        assert_eq!(reason, "unknown_schema");
        assert!(message.contains("no schema with id 7"), "{message}");
    }
    assert_eq!(stand_in.asked_for(7), 1);
    stand_in.put(7, "AVRO", CALL, &[]);
    assert!(read(&registry, 7, RECORD, 60_000).is_ok());
    assert_eq!(stand_in.asked_for(7), 2);
    assert_eq!(registry.take_figures(), [1, 1, 0]);
}

#[test]
fn whatever_is_not_the_records_fault_makes_it_wait() {
    let stand_in = StandIn::start();
    stand_in.put(7, "AVRO", CALL, &[]);
    let secret = "username = \"reader\"\npassword = \"hidden\"";
    for (reply, said) in [
        (Reply::Breaks, "broke off"),
        (
            Reply::Hangs(Duration::from_secs(30)),
            "has not answered in 2 s",
        ),
        (Reply::Floods(200), "more than 4194304 bytes"),
        (Reply::status(500), "status 500"),
        (Reply::status(429), "status 429"),
        (Reply::status(301), "status 301"),
        (Reply::status(401), "registry.password right"),
        (Reply::status(403), "registry.password right"),
        (Reply::status(404), "is registry.url the address"),
        (
            Reply::Json(404, "{\"error_code\":404}".to_owned()),
            "is registry.url the address",
        ),
        (Reply::Says(200, "", "<html>"), "as a registry does"),
        (Reply::Says(200, "", "{}"), "as a registry does"),
    ] {
        let registry = registry(&stand_in.url(), secret);
        stand_in.away(Some(reply.clone()));
        let away = match read(&registry, 7, RECORD, 5_000) {
            Err(Unread::Waits(away)) => away,
            other => panic!("{other:?}"),
        };
        let (reason, until_ms) = (&away.reason, away.until_ms);
        assert!(reason.contains(said), "{reply:?}: {reason}");
        assert!(reason.contains(&stand_in.url()), "{reason}");
        assert!(!reason.contains("hidden"), "{reason}");
        assert_eq!(until_ms, 6_000);
        stand_in.away(None);
        assert_eq!(
            waits(read(&registry, 7, RECORD, 5_999)).1,
            6_000,
            "it is not asked before"
        );
        assert_eq!(registry.ask_again(&away, 5_999), Err(away.clone()));
        assert_eq!(registry.ask_again(&away, 6_000), Ok(()));
        assert!(read(&registry, 7, RECORD, 6_000).is_ok());
        assert_eq!(registry.take_figures(), [1, 0, 1]);
    }
    let asked = stand_in.asked();
    let authorized = |header: &String| header == "Basic cmVhZGVyOmhpZGRlbg==";
    assert!(
        asked
            .iter()
            .all(|asked| asked.headers.get("authorization").is_some_and(authorized))
    );
}

#[test]
fn pauses_grow_up_to_half_a_minute_and_begin_anew_after_an_answer() {
    let address = {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap()
    };
    let registry = registry(&format!("http://{address}"), "");
    let (mut now_ms, mut pauses) = (0, Vec::new());
    let mut reason = String::new();
    for _ in 0..7 {
        let (said, until_ms) = waits(read(&registry, 7, RECORD, now_ms));
        pauses.push(until_ms - now_ms);
        (now_ms, reason) = (until_ms, said);
    }
    assert_eq!(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    assert!(reason.contains("cannot be connected to"), "{reason}");
    let stand_in = StandIn::at(address);
    stand_in.put(7, "AVRO", CALL, &[]);
    assert!(read(&registry, 7, RECORD, now_ms).is_ok());
    stand_in.away(Some(Reply::status(503)));
    assert_eq!(waits(read(&registry, 8, RECORD, now_ms)).1, now_ms + 1_000);
}

#[test]
fn a_schema_is_registered_once_and_a_refusal_says_why() {
    let stand_in = StandIn::start();
    let registry = registry(&stand_in.url(), "");
    assert_eq!(registry.look(), Ok(()));
    let id = registry.register("retention tasks/value", SchemaType::Avro, CALL);
    assert_eq!(id, Ok(1));
    let again = registry.register("other", SchemaType::Avro, CALL);
    assert_eq!(again, Ok(1));
    assert_eq!(read(&registry, 1, RECORD, 0).unwrap(), r#"{"id":"a"}"#);
    let asked = stand_in.asked();
    assert_eq!(
        asked[1].path,
        "/subjects/retention%20tasks%2Fvalue/versions"
    );
    assert_eq!(asked[1].json()["schemaType"], "AVRO");
    let body = r#"{"error_code":409,"message":"Schema being registered is incompatible"}"#;
    stand_in.away(Some(Reply::Json(409, body.to_owned())));
    match registry.register("other", SchemaType::Protobuf, "") {
        Err(Trouble::Refused(said)) => {
            assert!(
                said.contains("409 (Schema being registered is inc"),
                "{said}"
            );
        }
        other => panic!("{other:?}"),
    }
    stand_in.away(Some(Reply::status(503)));
    assert!(matches!(registry.look(), Err(Trouble::Away(_))));
}
