//! Everything that has ever been put into a JSON record: accepted, or refused for the reason that is true; never a
//! panic, and never a reason that quotes the record.
mod ber;
mod countries;
mod drafts;
mod fields;
mod layouts;
mod networks;
mod orders;
mod plans;
mod properties;

use churnwatch::decode::{DecodeSettings, Decoded, Decoder, LayoutText, Layouts, Scratch};
use churnwatch::model::{
    Body, CallOutcome, Direction, Event, Feed, ForwardAction, Money, Msisdn, Number, Profile,
    Reject, Timestamp,
};

const CALL: &str = r#"{"record_id":"msc1-1","record_type":"mo_call","msisdn":"13800138000","event_timestamp":"2026-03-01T08:00:00+08:00","other_number":"13900139000","duration_seconds":61,"cause_for_termination":"normal_release","first_cell_id":"460-00-1234-5678","rat_type":"eutran"}"#;
const SMS: &str = r#"{"record_id":"smsc1-1","record_type":"mo_sms","msisdn":"13800138000","event_timestamp":1772323200000,"other_number":"10010"}"#;
const INVOICE: &str = r#"{"record_id":7,"record_type":"invoice","msisdn":"13800138000","event_timestamp":1772323200000,"period":"2026-02","amount":129.90,"plan_fee":"129","usage_value":61.5,"overage":0,"due_on":"2026-03-20"}"#;
const PROFILE: &str = r#"{"record_id":"crm-1","record_type":"profile","msisdn":"13800138000","event_timestamp":1772323200000,"brand":"gotone","activated_on":"2019-05-01","plan":{"id":"5G-129","monthly_fee":"129.00","voice_minutes":500,"data_mb":30720},"contract_end_on":"2026-12-31","segment":"group","vip":true,"account_manager":"am-17","region":["HQ","广东","深圳"],"birthday":"02-29","flags":["iot"],"avg_monthly_spend":"131.2","suspensions":1}"#;

const OUTCOME: &str = r#"{"record_id":"out-1","record_type":"task_outcome","msisdn":"13800138000","event_timestamp":1772323200000,"task_id":"5b0d7e2c","result":"refused","stated_reason":"price","confirmed_reason":"家里信号差","do_not_contact":true}"#;
const ERASE: &str = r#"{"record_id":"dpo-7","record_type":"erase","msisdn":"13800138000","event_timestamp":1772323200000}"#;

fn decoder() -> Decoder {
    Decoder::new(DecodeSettings::default()).unwrap()
}

fn event(json: &str) -> Event<'_> {
    match decoder().decode(json.as_bytes()) {
        Ok(Decoded::Event(event, _)) => event,
        other => panic!("{json}: {other:?}"),
    }
}

/// The fields that could not be used, each with why.
fn faults(json: &str) -> Vec<String> {
    match decoder().decode(json.as_bytes()) {
        Ok(Decoded::Event(_, faults)) => faults
            .iter()
            .map(|(field, fault)| format!("{} {field}", fault.name()))
            .collect(),
        other => panic!("{json}: {other:?}"),
    }
}

/// `reason`, and for those that name one, the field.
fn refusal(bytes: &[u8]) -> String {
    let reject = match decoder().decode(bytes) {
        Ok(record) => return format!("accepted {record:?}"),
        Err(reject) => reject,
    };
    let reason = reject.reason();
    assert!(Reject::REASONS.contains(&reason));
    match reject {
        Reject::InvalidField { field, .. }
        | Reject::MissingField(field)
        | Reject::RepeatedField(field) => format!("{reason} {field}"),
        _ => reason.to_owned(),
    }
}

/// The record with one field set to another JSON text, or added.
fn with(json: &str, field: &str, value: &str) -> String {
    let key = format!("\"{field}\":");
    let Some(start) = json.find(&key) else {
        return json.replacen('{', &format!("{{{key}{value},"), 1);
    };
    let start = start + key.len();
    let mut values = serde_json::Deserializer::from_str(&json[start..])
        .into_iter::<&serde_json::value::RawValue>();
    values.next().unwrap().unwrap();
    let end = start + values.byte_offset();
    format!("{}{value}{}", &json[..start], &json[end..])
}

#[test]
fn good_records_say_what_they_say() {
    let call = event(CALL);
    assert_eq!(call.msisdn.as_str(), "8613800138000");
    assert_eq!(call.at, Timestamp(1_772_323_200_000));
    assert_eq!(
        call.body,
        Body::Call {
            direction: Direction::Outgoing,
            other: Number::from_digits(b"13900139000"),
            duration_seconds: 61,
            outcome: CallOutcome::Normal,
            handset: None,
        }
    );
    let Body::Invoice(invoice) = event(INVOICE).body else {
        panic!("not an invoice");
    };
    assert_eq!(invoice.amount, Money(12_990));
    assert_eq!(invoice.plan_fee, Some(Money(12_900)));
    assert_eq!(invoice.period.to_string(), "2026-02-01");
    let Body::Profile(profile) = event(PROFILE).body else {
        panic!("not a profile");
    };
    let plan = profile.plan.as_ref().unwrap();
    assert_eq!((plan.voice_minutes, plan.data_mb), (500, 30_720));
    assert_eq!(plan.monthly_fee, Some(Money(12_900)));
    assert_eq!(profile.region, ["HQ", "广东", "深圳"]);
    assert_eq!(profile.birthday, Some((2, 29)));
    assert!(profile.flags.machine && !profile.flags.not_pursued && profile.vip);
}

#[test]
fn an_outcome_says_why() {
    let said = |json: &str| match event(json).body {
        Body::TaskOutcome(outcome) => [outcome.stated_reason, outcome.confirmed_reason]
            .map(|reason| reason.map(|reason| reason.into_owned())),
        other => panic!("{other:?}"),
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(said(OUTCOME), [some("price"), some("家里信号差")]);
    let silent = with(
        &with(OUTCOME, "stated_reason", "null"),
        "confirmed_reason",
        "\"\"",
    );
    assert_eq!(said(&silent), [None, None]);
    let longest = "长".repeat(64);
    let json = with(OUTCOME, "stated_reason", &format!("\"{longest}\""));
    assert_eq!(said(&json)[0], some(&longest));
}

#[test]
fn a_request_to_erase_is_known_by_its_record() {
    for (id, request) in [
        ("\"dpo-7\"", "dpo-7"),
        ("42", "42"),
        ("42.0", "42"),
        (r#""\u0061b""#, "ab"),
    ] {
        let json = with(ERASE, "record_id", id);
        let event = event(&json);
        assert_eq!(event.body.feed(), Feed::Subscriber);
        let request = request.into();
        assert_eq!(event.body, Body::Erase { request });
    }
    // Fields of a profile are none of its business.
    event(&with(ERASE, "plan", "7"));
}

#[test]
fn a_profile_may_know_nothing() {
    let bare = r#"{"record_id":1,"record_type":"profile","msisdn":"p-1","event_timestamp":1772323200000,"brand":null,"plan":null,"account_manager":"","flags":[]}"#;
    assert_eq!(
        event(bare).body,
        Body::Profile(Box::<Profile<'_>>::default())
    );
}

#[test]
fn progress_needs_no_subscriber() {
    let json =
        r#"{"record_type":"feed_progress","feed":"cdr","complete_until":"2026-03-01T00:00:00Z"}"#;
    let expected = Decoded::Progress {
        feed: Feed::Cdr,
        complete_until: Timestamp(1_772_323_200_000),
    };
    assert_eq!(decoder().decode(json.as_bytes()), Ok(expected));
    for (field, value, refused) in [
        ("feed", "\"crm\"", "invalid_field feed"),
        ("feed", "null", "missing_field feed"),
        ("complete_until", "1772323200", "implausible_timestamp"),
        ("complete_until", "7258118400000", "future_timestamp"),
        (
            "complete_until",
            "\"yesterday\"",
            "invalid_field complete_until",
        ),
    ] {
        let json = with(json, field, value);
        assert_eq!(refusal(json.as_bytes()), refused, "{json}");
        let said = decoder().decode(json.as_bytes()).unwrap_err().to_string();
        assert!(said.contains(field), "{said}");
    }
}

#[test]
fn bytes_that_are_no_record() {
    let deep = "[".repeat(400_000);
    let huge = with(CALL, "padding", &format!("\"{}\"", "x".repeat(1_048_576)));
    for (bytes, refused) in [
        (b"".as_slice(), "empty"),
        (b" \r\n\t", "empty"),
        (huge.as_bytes(), "too_large"),
        (b"\0\0\0\0\x07\x02record", "framed"),
        (b"\0", "framed"),
        (b"{\"msisdn\":\"\xff\"}", "not_utf8"),
        (b"\xff\xfe{\0}\0", "not_utf8"),
        (b"\xed\xa0\x80", "not_utf8"),
        (b"\xef\xbb\xbf{}", "not_json"),
        (b"{", "not_json"),
        (&CALL.as_bytes()[..CALL.len() - 1], "not_json"),
        (&CALL.as_bytes()[..CALL.len() / 2], "not_json"),
        (deep.as_bytes(), "not_json"),
        (b"nul", "not_json"),
        (b"record", "not_json"),
        (b"{\"record_type\":NaN}", "not_json"),
        (b"{\"record_type\":'mo_call'}", "not_json"),
        (b"{\"record_type\":\"a\tb\"}", "not_json"),
        (b"{\"record_type\":\"\\x41\"}", "not_json"),
        (b"{\"record_type\":01}", "not_json"),
        (b"{\"record_type\":1,}", "not_json"),
        (b"{record_type:1}", "not_json"),
        (b"{\"\\ud800\":1}", "not_json"),
        (b"{} {}", "not_json"),
        (b"{}x", "not_json"),
        (b"null", "not_an_object"),
        (b"[{}]", "not_an_object"),
        (b"\"record\"", "not_an_object"),
        (b"-1e999", "not_an_object"),
        (b"{}", "missing_field record_type"),
    ] {
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]);
        assert_eq!(refusal(bytes), refused, "{shown}");
    }
}

#[test]
fn repeated_fields() {
    let twice = |extra: &str| CALL.replacen('{', &format!("{{{extra},"), 1);
    for (extra, refused) in [
        (r#""msisdn":"13800138000""#, "repeated_field msisdn"),
        (r#""msisdn":null"#, "repeated_field msisdn"),
        (r#""msisd\u006e":"13900139000""#, "repeated_field msisdn"),
        (r#""record_type":"mt_call""#, "repeated_field record_type"),
    ] {
        assert_eq!(refusal(twice(extra).as_bytes()), refused, "{extra}");
    }
    // Those that the record can do without, that are of another record type, or that nobody reads.
    let again = twice(r#""other_number":"10010""#);
    assert_eq!(faults(&again), ["invalid other_number"]);
    for extra in [r#""amount":1,"amount":2"#, r#""vendor":1,"vendor":2"#] {
        assert_eq!(event(&twice(extra)), event(CALL), "{extra}");
        assert_eq!(faults(&twice(extra)), [""; 0]);
    }
}

#[test]
fn odd_but_true() {
    let nested = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    for (field, value) in [
        ("vendor", nested.as_str()),
        ("vendor", r#""\ud800""#),
        ("vendor", "1e999"),
        ("amount", "\"not an amount\""),
        ("plan", "7"),
        ("imei", "null"),
        ("duration_seconds", "61.0"),
        ("duration_seconds", "61.00"),
        ("duration_seconds", "\" 61 \""),
        ("event_timestamp", "\"1772323200000\""),
        ("msisdn", "\"+8613800138000\""),
        ("msisdn", "13800138000"),
        ("msisdn", "8613800138000.0"),
        ("msisdn", "8.613800138000E12"),
        ("msisdn", "\"'13800138000\""),
        ("msisdn", r#""\u00a0138 0013 8000 ""#),
        ("msisdn", "\"13800138000F\""),
        ("msisdn", "\"tel:+86-138-0013-8000\""),
        ("msisdn", "\"sip:+8613800138000@ims.example;user=phone\""),
        ("msisdn", "\"１３８００１３８０００\""),
        ("other_number", "13900139000"),
        ("other_number", "\"sip:13900139000@ims.example\""),
        ("other_number", "\"+86 139-0013-9000\""),
        ("other_number", "\"13900139000FF\""),
        ("msisdn", r#""1380013800\u0030""#),
        ("event_timestamp", "1772323200000"),
        ("event_timestamp", "1772323200000.0"),
        ("event_timestamp", "\"2026-03-01T00:00:00.0004Z\""),
        ("other_number", "\"008613900139000\""),
        ("first_cell_id", "{}"),
    ] {
        assert_eq!(event(&with(CALL, field, value)), event(CALL), "{field}");
    }
    let spaced = CALL
        .replace(':', " :\n\t")
        .replace("08 :\n\t00 :\n\t00+08 :\n\t", "08:00:00+08:");
    assert_eq!(event(&format!("\r\n{spaced}\n")), event(CALL));
}

#[test]
fn numbers_that_tell_nothing_are_other() {
    for value in [
        "null",
        "\"\"",
        "\"ICBC\"",
        "\"13800138000\"",
        "\"+8613800138000\"",
        "\"1234567890123456789\"",
    ] {
        let json = with(SMS, "other_number", value);
        let Body::Message { other, .. } = event(&json).body else {
            panic!("not a message");
        };
        assert_eq!(other, Number::OTHER, "{value}");
    }
    let forward = r#"{"record_id":"f1","record_type":"call_forward","msisdn":"p-1","event_timestamp":1772323200000}"#;
    let Body::CallForward { other, action } = event(forward).body else {
        panic!("not a forwarding");
    };
    assert_eq!((other, action), (Number::OTHER, ForwardAction::Forwarded));
}

#[test]
fn a_handset_is_the_same_with_and_without_check_digit_and_version() {
    let handset = |imei: &str| match event(&with(CALL, "imei", imei)).body {
        Body::Call { handset, .. } => handset,
        _ => panic!("not a call"),
    };
    let known = handset("\"352099001761481\"");
    assert!(known.is_some());
    for same in [
        "352099001761481",
        "352099001761481.0",
        "\"35209900176148\"",
        "\"3520990017614823\"",
        "\"35-209900-176148-1\"",
        "\"35 209900 176148 23\"",
        "\"35209900176148F\"",
        "\"352099/00/176148/1\"",
    ] {
        assert_eq!(handset(same), known, "{same}");
    }
    for none in [
        "\"3520990017614\"",
        "\"35209900176148123\"",
        "\"A0000000002329\"",
        "\"000000000000000\"",
        "\"111111111111111\"",
        "3.52099E14",
        "\"\"",
        "true",
    ] {
        assert_eq!(handset(none), None, "{none}");
    }
}

#[test]
fn ids_are_fingerprints_within_their_source() {
    let record = |json: &str, id: &str| event(&with(json, "record_id", id)).record;
    assert_eq!(record(CALL, "\"42\""), record(CALL, "42"));
    assert_eq!(record(CALL, "\"a\\u0062\""), record(CALL, "\"ab\""));
    assert_ne!(record(CALL, "42"), record(SMS, "42"));
    assert_ne!(
        record(CALL, "\"r11\"") as u32,
        record(SMS, "\"r16\"") as u32
    );
    assert_ne!(record(CALL, "\"42\""), record(CALL, "\"43\""));
    assert_ne!(record(CALL, "\"42\""), record(INVOICE, "\"42\""));
    let data = r#"{"record_id":"42","record_type":"data","msisdn":"p-1","event_timestamp":1772323200000,"uplink_volume_bytes":1,"downlink_volume_bytes":2,"charging_id":42}"#;
    let event = event(data);
    let Body::Data {
        volume_bytes,
        session,
    } = event.body
    else {
        panic!("not a session");
    };
    assert_eq!(volume_bytes, 3);
    assert!(session.is_some_and(|session| session != event.record));
}

#[test]
fn a_key_is_the_subscriber_in_any_form() {
    let msisdn = Msisdn::new("8613800138000").unwrap();
    let decoder = decoder();
    for key in [
        "13800138000",
        "+8613800138000",
        "8613800138000",
        "008613800138000",
        "\"13800138000\"",
        "tel:+8613800138000",
    ] {
        assert_eq!(decoder.check_key(Some(key.as_bytes()), &msisdn), Ok(()));
    }
    for key in [
        None,
        Some(b"".as_slice()),
        Some(b"13900139000"),
        Some(b"\xff"),
    ] {
        assert_eq!(decoder.check_key(key, &msisdn), Err(Reject::KeyMismatch));
    }
    let settings = DecodeSettings {
        key_check: false,
        ..DecodeSettings::default()
    };
    let trusting = Decoder::new(settings).unwrap();
    assert_eq!(trusting.check_key(None, &msisdn), Ok(()));
}

#[test]
fn reasons_say_what_is_allowed_and_quote_nothing() {
    for (json, message) in [
        (
            with(
                &with(OUTCOME, "do_not_contact", "false"),
                "result",
                "\"13800138000\"",
            ),
            "field `result` must be one of reached, unreachable, saved, refused, lost",
        ),
        (
            with(INVOICE, "period", "\"13800138000\""),
            "field `period` must be a month YYYY-MM of a plausible year",
        ),
        (
            format!("{CALL}13800138000"),
            "the record is not valid JSON: malformed at line 1, column 263",
        ),
        (
            CALL[..100].to_owned(),
            "the record is not valid JSON: cut short at line 1, column 100",
        ),
        (
            with(INVOICE, "amount", "1.234"),
            "field `amount` has more than 2 decimals",
        ),
        (
            with(CALL, "record_id", &format!("\"{}\"", "8001380".repeat(20))),
            "field `record_id` is longer than 128 characters",
        ),
    ] {
        let reject = decoder().decode(json.as_bytes()).unwrap_err();
        assert_eq!(reject.to_string(), message);
    }
}

#[test]
fn a_zero_byte_is_a_registrys_frame_but_in_wide_letters() {
    let framed = b"\0\0\0\0\x07{}";
    let layout = "format = \"json\"\n[fields]\nrecord_id = { from = \"id\" }\nrecord_type = { value = \"mo_call\" }\n\
                  msisdn = { from = \"a\" }\nevent_timestamp = { from = \"at\" }\n";
    let layouts = |text: String| {
        let name = "layout.toml".to_owned();
        Layouts::new(&[LayoutText { name, text }]).unwrap()
    };
    let json = layouts(layout.to_owned());
    let form = json.of_topic("any");
    let mut scratch = Scratch::default();
    let read = decoder().decode_as(form, framed, &mut scratch);
    assert_eq!(read, Err(Reject::Framed));
    let wide = layouts(format!("encoding = \"utf-16be\"\n{layout}"));
    let form = wide.of_topic("any");
    let record = r#"{"id":"1","a":"13800138000","at":1700000000000}"#;
    let record: Vec<u8> = record.bytes().flat_map(|byte| [0, byte]).collect();
    assert!(!form.is_framed(&record));
    let read = decoder().decode_as(form, &record, &mut scratch);
    assert!(matches!(read, Ok(Some(_))), "{read:?}");
}
