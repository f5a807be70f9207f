//! Each field's odd values, one at a time.

use super::{CALL, ERASE, INVOICE, OUTCOME, PROFILE, SMS, event, faults, refusal, with};
use churnwatch::model::{Body, ComplaintCategory, Day, Money, OutcomeResult, SuspensionReason};

#[test]
fn fields_every_record_needs() {
    for (field, value, refused) in [
        ("record_type", "null", "missing_field record_type"),
        ("record_type", "7", "invalid_field record_type"),
        ("record_type", "\"MO_CALL\"", "unknown_record_type"),
        ("record_type", "\"\"", "missing_field record_type"),
        ("record_id", "null", "missing_field record_id"),
        ("record_id", "\"\"", "missing_field record_id"),
        ("record_id", "\" \"", "missing_field record_id"),
        ("record_id", "1.5", "invalid_field record_id"),
        ("record_id", "1e3", "invalid_field record_id"),
        ("record_id", "[1]", "invalid_field record_id"),
        ("record_id", "true", "invalid_field record_id"),
        (
            "record_id",
            &format!("\"{}\"", "x".repeat(129)),
            "invalid_field record_id",
        ),
        ("record_id", &"9".repeat(129), "invalid_field record_id"),
        ("record_id", r#""\udead""#, "invalid_field record_id"),
        ("msisdn", "null", "missing_field msisdn"),
        ("msisdn", "true", "invalid_field msisdn"),
        ("msisdn", "[13800138000]", "invalid_field msisdn"),
        ("msisdn", "-13800138000", "invalid_field msisdn"),
        ("msisdn", "1.38E10", "invalid_msisdn"),
        ("msisdn", "13800138000.5", "invalid_msisdn"),
        ("msisdn", "\"1.38E+10\"", "invalid_msisdn"),
        ("msisdn", "\"1380013800O\"", "invalid_msisdn"),
        ("msisdn", "\"138****8000\"", "invalid_msisdn"),
        ("msisdn", "\"13800138000,13900139000\"", "invalid_msisdn"),
        ("msisdn", "\"1380013800\"", "invalid_msisdn"),
        ("msisdn", "\"-13800138000\"", "invalid_msisdn"),
        ("msisdn", "\"2026-11-29\"", "invalid_msisdn"),
        ("msisdn", "\"138XXXX2214\"", "invalid_msisdn"),
        ("msisdn", "1e400", "invalid_msisdn"),
        ("msisdn", "\"861380013800\"", "invalid_msisdn"),
        ("msisdn", "\"NULL\"", "invalid_msisdn"),
        (
            "msisdn",
            "\"sip:anonymous@anonymous.invalid\"",
            "invalid_msisdn",
        ),
        ("msisdn", "\"\"", "missing_field msisdn"),
        ("msisdn", "\"1380\"", "invalid_msisdn"),
        ("msisdn", "\"号码号码号码\"", "invalid_msisdn"),
        ("msisdn", r#""\u0000""#, "invalid_msisdn"),
        (
            "msisdn",
            &format!("\"{}\"", "p".repeat(33)),
            "invalid_msisdn",
        ),
        ("event_timestamp", "null", "missing_field event_timestamp"),
        ("event_timestamp", "true", "invalid_field event_timestamp"),
        ("event_timestamp", "1e999", "invalid_field event_timestamp"),
        ("event_timestamp", "1.7e12", "invalid_field event_timestamp"),
        (
            "event_timestamp",
            "1772323200000.5",
            "invalid_field event_timestamp",
        ),
        (
            "event_timestamp",
            "9223372036854775808",
            "invalid_field event_timestamp",
        ),
        (
            "event_timestamp",
            "\"1772323200000 ms\"",
            "invalid_field event_timestamp",
        ),
        (
            "event_timestamp",
            "\"2026-03-01T08:00:00\"",
            "invalid_field event_timestamp",
        ),
        (
            "event_timestamp",
            "\"2026-02-29T08:00:00Z\"",
            "invalid_field event_timestamp",
        ),
        ("event_timestamp", "1772323200", "implausible_timestamp"),
        ("event_timestamp", "0", "implausible_timestamp"),
        ("event_timestamp", "-1", "implausible_timestamp"),
        ("event_timestamp", "946684799999", "implausible_timestamp"),
        (
            "event_timestamp",
            "\"1970-01-01T00:00:00Z\"",
            "implausible_timestamp",
        ),
        (
            "event_timestamp",
            "\"0001-01-01T00:00:00Z\"",
            "implausible_timestamp",
        ),
        ("event_timestamp", "7258118400000", "future_timestamp"),
        ("event_timestamp", "1772323200000000", "future_timestamp"),
        ("event_timestamp", "9223372036854775807", "future_timestamp"),
        (
            "event_timestamp",
            "\"9999-12-31T23:59:59Z\"",
            "future_timestamp",
        ),
    ] {
        for record in [CALL, SMS, INVOICE, PROFILE, OUTCOME, ERASE] {
            let json = with(record, field, value);
            assert_eq!(refusal(json.as_bytes()), refused, "{json}");
        }
    }
}

const DATA: &str = r#"{"record_id":"g1","record_type":"data","msisdn":"p-1","event_timestamp":1772323200000,"uplink_volume_bytes":1,"downlink_volume_bytes":2}"#;
const CHARGE: &str = r#"{"record_id":"c1","record_type":"charge","msisdn":"p-1","event_timestamp":1772323200000,"amount":5,"subscribed_by_customer":true}"#;
const COMPLAINT: &str = r#"{"record_id":"c2","record_type":"complaint","msisdn":"p-1","event_timestamp":1772323200000,"category":"billing","resolution":"resolved","satisfaction":4}"#;

/// A record of another type with no fields of its own.
fn bare(record_type: &str) -> String {
    with(ERASE, "record_type", &format!("\"{record_type}\""))
}

#[test]
fn essential_fields_of_the_record_type() {
    let payment = with(&bare("payment"), "amount", "1");
    let outcome = with(OUTCOME, "do_not_contact", "false");
    for (record, field, value, refused) in [
        (INVOICE, "amount", "null", "missing_field amount"),
        (INVOICE, "amount", "1e3", "invalid_field amount"),
        (INVOICE, "amount", "1e999", "invalid_field amount"),
        (INVOICE, "amount", "0.005", "invalid_field amount"),
        (INVOICE, "amount", "\"1,299.00\"", "invalid_field amount"),
        (INVOICE, "amount", "\"\"", "missing_field amount"),
        (
            INVOICE,
            "amount",
            "10000000000000.01",
            "invalid_field amount",
        ),
        (INVOICE, "amount", "true", "invalid_field amount"),
        (INVOICE, "period", "null", "missing_field period"),
        (INVOICE, "period", "\"2026-2\"", "invalid_field period"),
        (INVOICE, "period", "\"2026-13\"", "invalid_field period"),
        (INVOICE, "period", "\"0001-01\"", "invalid_field period"),
        (&payment, "amount", "null", "missing_field amount"),
        (CHARGE, "amount", "\"five\"", "invalid_field amount"),
        (&outcome, "task_id", "\"\"", "missing_field task_id"),
        (&outcome, "task_id", "7", "invalid_field task_id"),
        (&outcome, "result", "\"gone\"", "invalid_field result"),
        (&outcome, "result", "null", "missing_field result"),
    ] {
        let json = with(record, field, value);
        assert_eq!(refusal(json.as_bytes()), refused, "{json}");
    }
}

/// Everything else costs itself alone.
#[test]
fn a_field_that_the_record_can_do_without_costs_only_itself() {
    let long = format!("\"{}\"", "牌".repeat(129));
    let reason = format!("\"{}\"", "价".repeat(65));
    for (record, field, values) in [
        (
            CALL,
            "duration_seconds",
            vec![
                "-1",
                "86401",
                "4294967295",
                "9223372036854775808",
                "18446744073709551616",
                "1e999",
                "60.5",
                "\"61s\"",
                "{}",
            ],
        ),
        (
            CALL,
            "cause_for_termination",
            vec!["16", "[]", r#""\ud800""#],
        ),
        (CALL, "other_number", vec!["true", r#""\ud800""#]),
        (DATA, "uplink_volume_bytes", vec!["-1"]),
        (
            DATA,
            "downlink_volume_bytes",
            vec!["1e15", "1000000000000001"],
        ),
        (DATA, "charging_id", vec!["1.5", "true"]),
        (DATA, "record_sequence_number", vec!["1.5", "{}"]),
        (INVOICE, "plan_fee", vec!["\"x\"", "1e3"]),
        (INVOICE, "usage_value", vec!["[1]"]),
        (INVOICE, "overage", vec!["0.001"]),
        (
            INVOICE,
            "due_on",
            vec![
                "\"2026-02-30\"",
                "\"20260320\"",
                "1772323200000",
                "\"0026-03-20\"",
                "\"2126-03-20\"",
            ],
        ),
        (CHARGE, "subscribed_by_customer", vec!["[]"]),
        (COMPLAINT, "satisfaction", vec!["0", "6", "\"good\""]),
        (
            PROFILE,
            "plan",
            vec!["\"5G-129\"", "[]", r#"{"\ud800":"x"}"#],
        ),
        (
            PROFILE,
            "region",
            vec![
                "\"HQ\"",
                "[\"HQ\",1]",
                r#"["a","b","c","d","e","f","g","h","i"]"#,
            ],
        ),
        (PROFILE, "flags", vec!["[1]", "{}"]),
        (PROFILE, "segment", vec!["1"]),
        (PROFILE, "birthday", vec!["\"02-30\"", "229"]),
        (PROFILE, "suspensions", vec!["-1", "65536"]),
        (PROFILE, "brand", vec![&long, "7"]),
        (PROFILE, "account_manager", vec!["[]"]),
        (PROFILE, "avg_monthly_spend", vec!["\"much\""]),
        (
            PROFILE,
            "contract_end_on",
            vec!["\"1998-12-31\"", "\"soon\"", "\"2026-12-31x\""],
        ),
        (OUTCOME, "stated_reason", vec![&reason, "3"]),
        (
            OUTCOME,
            "confirmed_reason",
            vec!["[\"price\"]", r#""\ud800""#],
        ),
    ] {
        for value in values {
            let json = with(record, field, value);
            assert_eq!(faults(&json), [format!("invalid {field}")], "{json}");
            // The rest stands: the record says what it says without the field.
            let without = with(record, field, "null");
            if field != "plan" {
                assert_eq!(event(&json).body, event(&without).body, "{json}");
            }
        }
    }
    for (record, field, value) in [
        (CALL, "cause_for_termination", "\"radio_loss\""),
        (CHARGE, "subscribed_by_customer", "\"perhaps\""),
        (COMPLAINT, "category", "\"roaming\""),
        (COMPLAINT, "resolution", "\"pending\""),
        (PROFILE, "segment", "\"government\""),
        (PROFILE, "flags", "[\"vip\"]"),
        (PROFILE, "vip", "\"gold\""),
    ] {
        let json = with(record, field, value);
        assert_eq!(faults(&json), [format!("unknown {field}")], "{json}");
    }
    for (record, field) in [
        (CALL, "duration_seconds"),
        (CALL, "cause_for_termination"),
        (DATA, "uplink_volume_bytes"),
        (DATA, "downlink_volume_bytes"),
        (INVOICE, "plan_fee"),
        (INVOICE, "usage_value"),
        (INVOICE, "overage"),
        (INVOICE, "due_on"),
        (CHARGE, "subscribed_by_customer"),
        (COMPLAINT, "category"),
        (COMPLAINT, "resolution"),
    ] {
        for value in ["null", "\"\""] {
            let json = with(record, field, value);
            assert_eq!(faults(&json), [format!("missing {field}")], "{json}");
        }
    }
}

#[test]
fn what_an_unknown_value_is_taken_for() {
    let body = |record: &str, field: &str, value: &str| {
        let json = with(record, field, value);
        format!("{:?}", event(&json).body)
    };
    for (record, field, value, taken) in [
        (
            CALL,
            "cause_for_termination",
            "\"radio_loss\"",
            "outcome: Unknown",
        ),
        (CALL, "duration_seconds", "-1", "duration_seconds: 0"),
        (COMPLAINT, "category", "\"roaming\"", "category: Unknown"),
        (COMPLAINT, "resolution", "\"pending\"", "resolved: false"),
        (
            CHARGE,
            "subscribed_by_customer",
            "null",
            "subscribed_by_customer: None",
        ),
        (
            &bare("suspension"),
            "reason",
            "\"court_order\"",
            "Suspension(Unknown)",
        ),
        (
            &bare("reactivation"),
            "reason",
            "\"court_order\"",
            "Reactivation",
        ),
        (
            &bare("enquiry"),
            "subject",
            "\"roaming\"",
            "Enquiry(Unknown)",
        ),
        (
            &bare("call_forward"),
            "action",
            "\"interrogate\"",
            "action: Unknown",
        ),
        (&bare("call_forward"), "action", "null", "action: Forwarded"),
    ] {
        let body = body(record, field, value);
        assert!(body.contains(taken), "{field} {value}: {body}");
    }
}

#[test]
fn one_bad_entry_costs_only_itself() {
    let json = with(PROFILE, "flags", "[\"vip\",\"robot\",7,\"unprofitable\"]");
    assert_eq!(faults(&json), ["unknown flags", "invalid flags"]);
    let Body::Profile(profile) = event(&json).body else {
        panic!("not a profile");
    };
    assert!(profile.flags.machine && profile.flags.not_pursued);

    let json = with(
        PROFILE,
        "plan",
        r#"{"monthly_fee":"99","data_mb":-1,"voice_minutes":1,"voice_minutes":2}"#,
    );
    assert_eq!(
        faults(&json),
        [
            "missing plan.id",
            "invalid plan.voice_minutes",
            "invalid plan.data_mb"
        ]
    );
    let Body::Profile(profile) = event(&json).body else {
        panic!("not a profile");
    };
    let fee = profile.plan.and_then(|plan| plan.monthly_fee);
    assert_eq!(fee, Some(Money(9_900)));
}

#[test]
fn a_refusal_is_never_lost() {
    let opted_out = |value: &str| {
        let json = with(PROFILE, "marketing_opt_out", value);
        let Body::Profile(profile) = event(&json).body else {
            panic!("not a profile");
        };
        let json = with(OUTCOME, "do_not_contact", value);
        let Body::TaskOutcome(outcome) = event(&json).body else {
            panic!("not an outcome");
        };
        let opted_out = profile.marketing_opt_out.unwrap_or(false);
        assert_eq!(opted_out, outcome.do_not_contact, "{value}");
        (outcome.do_not_contact, faults(&json).len())
    };
    for value in [
        "true",
        "1",
        "\"true\"",
        "\"TRUE\"",
        "\"Y\"",
        "\" yes \"",
        "\"1\"",
        "1.0",
        "\"是\"",
    ] {
        assert_eq!(opted_out(value), (true, 0), "{value}");
    }
    for value in [
        "false",
        "null",
        "\"\"",
        "0",
        "\"N\"",
        "\"No\"",
        "\"false\"",
        "\"否\"",
        "\" \"",
        "\"NULL\"",
        "\"0.0\"",
        "\"Nein\"",
        "\"nie\"",
    ] {
        assert_eq!(opted_out(value), (false, 0), "{value}");
    }
    // One that cannot be read counts as one.
    for value in [
        "\"since 2024-01-01\"",
        "2",
        "[\"sms\"]",
        "{}",
        r#""\ud800""#,
    ] {
        assert_eq!(opted_out(value), (true, 1), "{value}");
    }
}

#[test]
fn dates_that_mean_none() {
    let profile = |field: &str, value: &str| {
        let json = with(PROFILE, field, &format!("\"{value}\""));
        assert_eq!(faults(&json), [""; 0], "{value}");
        match event(&json).body {
            Body::Profile(profile) => (
                profile.activated_on,
                profile.contract_end_on,
                profile.birthday,
            ),
            other => panic!("{other:?}"),
        }
    };
    for none in [
        "",
        " ",
        "0000-00-00",
        "0001-01-01",
        "1900-01-01",
        "1899-12-30",
        "1970-01-01",
        "9999-12-31",
        "2099-12-31",
        "0001-01-01 00:00:00",
        "1900-01-01T00:00:00",
        "9999-12-31T23:59:59.999",
        "0000-00-00 00:00:00",
    ] {
        assert_eq!(profile("activated_on", none).0, None, "{none}");
        let end = profile("contract_end_on", none).1;
        assert_eq!(end, None, "{none}");
    }
    assert_eq!(profile("birthday", "00-00").2, None);
    // A bill that says so has no day to pay by, as one that does not say.
    let bill = with(INVOICE, "due_on", "\"9999-12-31\"");
    assert_eq!(faults(&bill), ["missing due_on"]);
    for (written, day) in [
        ("2019-05-01", (2019, 5, 1)),
        ("2019-05-01T00:00:00", (2019, 5, 1)),
        ("2019-05-01 23:59:59+08:00", (2019, 5, 1)),
        ("1987-11-18", (1987, 11, 18)),
    ] {
        let day = Day::from_ymd(day.0, day.1, day.2);
        assert_eq!(profile("activated_on", written).0, day);
    }
}

#[test]
fn names_of_fixed_lists_are_known_as_people_spell_them() {
    for spelt in ["RESOLVED", "Resolved", " resolved "] {
        let complaint = bare("complaint").replace(
            '}',
            &format!(r#","category":"Unwanted-Service","resolution":"{spelt}"}}"#),
        );
        let Body::Complaint {
            category, resolved, ..
        } = event(&complaint).body
        else {
            panic!("not a complaint");
        };
        assert_eq!(
            (category, resolved),
            (ComplaintCategory::UnwantedService, true),
            "{spelt}"
        );
    }
    let suspension = bare("suspension").replace('}', r#","reason":"ARREARS"}"#);
    assert_eq!(
        event(&suspension).body,
        Body::Suspension(SuspensionReason::Arrears)
    );
    for robot in [r#"["ROBOT"]"#, r#""robot""#] {
        let robot = with(PROFILE, "flags", robot);
        let Body::Profile(profile) = event(&robot).body else {
            panic!("not a profile");
        };
        assert!(profile.flags.machine);
    }
}

#[test]
fn a_refusal_counts_though_its_outcome_cannot_be_read() {
    let refused = with(OUTCOME, "do_not_contact", "true");
    for (field, value) in [
        ("result", "\"no idea\""),
        ("result", "null"),
        ("task_id", "null"),
        ("task_id", "[]"),
    ] {
        let json = with(&refused, field, value);
        let Body::TaskOutcome(outcome) = event(&json).body else {
            panic!("not an outcome");
        };
        assert_eq!(
            (outcome.result, outcome.do_not_contact),
            (None, true),
            "{field} {value}"
        );
        assert_eq!(faults(&json).len(), 1, "{field} {value}");
    }
    // A task calls it `outcome`.
    let named = OUTCOME.replace("\"result\"", "\"outcome\"");
    let Body::TaskOutcome(outcome) = event(&named).body else {
        panic!("not an outcome");
    };
    assert_eq!(outcome.result, Some(OutcomeResult::Refused));
    let saved = with(OUTCOME, "result", "\" Saved\"");
    let Body::TaskOutcome(outcome) = event(&saved).body else {
        panic!("not an outcome");
    };
    assert_eq!(outcome.result, Some(OutcomeResult::Saved));
}

#[test]
fn a_customer_is_one_however_the_id_is_written() {
    let customer = |value: &str| {
        let json = with(PROFILE, "customer_id", value);
        let Body::Profile(profile) = event(&json).body else {
            panic!("not a profile");
        };
        profile.customer
    };
    let one = customer("\"C-17a\"");
    assert!(one.is_some());
    for same in ["\"C-17a \"", "\"c-17A\""] {
        assert_eq!(customer(same), one, "{same}");
    }
    for nobody in ["0", "\"000\"", "\"NULL\"", "\"n/a\"", "\" \"", "\"xxx\""] {
        assert_eq!(customer(nobody), None, "{nobody}");
    }
    assert_eq!(customer("17"), customer("\"17\""));
}
