//! Each field's odd values, one at a time.

use super::{CALL, ERASE, INVOICE, OUTCOME, PROFILE, SMS, refusal, with};

#[test]
fn fields_every_record_needs() {
    for (field, value, refused) in [
        ("record_type", "null", "missing_field record_type"),
        ("record_type", "7", "invalid_field record_type"),
        ("record_type", "\"MO_CALL\"", "unknown_record_type"),
        ("record_type", "\"\"", "unknown_record_type"),
        ("record_id", "null", "missing_field record_id"),
        ("record_id", "\"\"", "invalid_field record_id"),
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
        ("msisdn", "13800138000", "invalid_field msisdn"),
        ("msisdn", "\"\"", "invalid_msisdn"),
        ("msisdn", "\"1380\"", "invalid_msisdn"),
        ("msisdn", "\"138 0013 8000\"", "invalid_msisdn"),
        ("msisdn", "\"１３８００１３８０００\"", "invalid_msisdn"),
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
            "\"1772323200000\"",
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

#[test]
fn fields_of_the_record_type() {
    let data = r#"{"record_id":"g1","record_type":"data","msisdn":"p-1","event_timestamp":1772323200000,"uplink_volume_bytes":1,"downlink_volume_bytes":2}"#;
    for (record, field, value, refused) in [
        (
            CALL,
            "duration_seconds",
            "null",
            "missing_field duration_seconds",
        ),
        (
            CALL,
            "duration_seconds",
            "-1",
            "invalid_field duration_seconds",
        ),
        (
            CALL,
            "duration_seconds",
            "86401",
            "invalid_field duration_seconds",
        ),
        (
            CALL,
            "duration_seconds",
            "4294967295",
            "invalid_field duration_seconds",
        ),
        (
            CALL,
            "duration_seconds",
            "9223372036854775808",
            "invalid_field duration_seconds",
        ),
        (
            CALL,
            "duration_seconds",
            "18446744073709551616",
            "invalid_field duration_seconds",
        ),
        (
            CALL,
            "duration_seconds",
            "1e999",
            "invalid_field duration_seconds",
        ),
        (
            CALL,
            "duration_seconds",
            "60.5",
            "invalid_field duration_seconds",
        ),
        (
            CALL,
            "duration_seconds",
            "\"61\"",
            "invalid_field duration_seconds",
        ),
        (
            CALL,
            "duration_seconds",
            "{}",
            "invalid_field duration_seconds",
        ),
        (
            CALL,
            "cause_for_termination",
            "null",
            "missing_field cause_for_termination",
        ),
        (
            CALL,
            "cause_for_termination",
            "\"\"",
            "invalid_field cause_for_termination",
        ),
        (
            CALL,
            "cause_for_termination",
            "16",
            "invalid_field cause_for_termination",
        ),
        (CALL, "other_number", "10010", "invalid_field other_number"),
        (
            CALL,
            "other_number",
            r#""\ud800""#,
            "invalid_field other_number",
        ),
        (
            data,
            "uplink_volume_bytes",
            "-1",
            "invalid_field uplink_volume_bytes",
        ),
        (
            data,
            "downlink_volume_bytes",
            "1e15",
            "invalid_field downlink_volume_bytes",
        ),
        (
            data,
            "downlink_volume_bytes",
            "1000000000000001",
            "invalid_field downlink_volume_bytes",
        ),
        (
            data,
            "downlink_volume_bytes",
            "null",
            "missing_field downlink_volume_bytes",
        ),
        (data, "charging_id", "\"\"", "invalid_field charging_id"),
        (data, "charging_id", "1.5", "invalid_field charging_id"),
        (INVOICE, "amount", "1e3", "invalid_field amount"),
        (INVOICE, "amount", "1e999", "invalid_field amount"),
        (INVOICE, "amount", "0.005", "invalid_field amount"),
        (INVOICE, "amount", "\"1,299.00\"", "invalid_field amount"),
        (INVOICE, "amount", "\"\"", "invalid_field amount"),
        (
            INVOICE,
            "amount",
            "10000000000000.01",
            "invalid_field amount",
        ),
        (INVOICE, "amount", "true", "invalid_field amount"),
        (INVOICE, "plan_fee", "null", "missing_field plan_fee"),
        (INVOICE, "period", "\"2026-2\"", "invalid_field period"),
        (INVOICE, "period", "\"2026-13\"", "invalid_field period"),
        (INVOICE, "due_on", "\"2026-02-30\"", "invalid_field due_on"),
        (INVOICE, "due_on", "\"20260320\"", "invalid_field due_on"),
        (INVOICE, "due_on", "1772323200000", "invalid_field due_on"),
        (PROFILE, "plan", "\"5G-129\"", "invalid_field plan"),
        (PROFILE, "plan", "[]", "invalid_field plan"),
        (PROFILE, "plan", "{}", "missing_field plan.id"),
        (
            PROFILE,
            "plan",
            r#"{"id":"x"}"#,
            "missing_field plan.monthly_fee",
        ),
        (
            PROFILE,
            "plan",
            r#"{"id":"x","monthly_fee":1,"id":"y"}"#,
            "repeated_field plan.id",
        ),
        (
            PROFILE,
            "plan",
            r#"{"id":"x","monthly_fee":1,"data_mb":-1}"#,
            "invalid_field plan.data_mb",
        ),
        (PROFILE, "plan", r#"{"\ud800":"x"}"#, "invalid_field plan"),
        (PROFILE, "region", "\"HQ\"", "invalid_field region"),
        (PROFILE, "region", "[\"HQ\",1]", "invalid_field region"),
        (
            PROFILE,
            "region",
            r#"["a","b","c","d","e","f","g","h","i"]"#,
            "invalid_field region",
        ),
        (PROFILE, "flags", "[\"vip\"]", "invalid_field flags"),
        (
            PROFILE,
            "segment",
            "\"government\"",
            "invalid_field segment",
        ),
        (PROFILE, "vip", "1", "invalid_field vip"),
        (PROFILE, "vip", "\"true\"", "invalid_field vip"),
        (PROFILE, "birthday", "\"02-30\"", "invalid_field birthday"),
        (PROFILE, "suspensions", "-1", "invalid_field suspensions"),
        (PROFILE, "suspensions", "65536", "invalid_field suspensions"),
        (
            PROFILE,
            "brand",
            &format!("\"{}\"", "牌".repeat(129)),
            "invalid_field brand",
        ),
        (OUTCOME, "task_id", "\"\"", "missing_field task_id"),
        (OUTCOME, "result", "\"gone\"", "invalid_field result"),
        (
            OUTCOME,
            "stated_reason",
            &format!("\"{}\"", "价".repeat(65)),
            "invalid_field stated_reason",
        ),
        (OUTCOME, "stated_reason", "3", "invalid_field stated_reason"),
        (
            OUTCOME,
            "confirmed_reason",
            "[\"price\"]",
            "invalid_field confirmed_reason",
        ),
        (
            OUTCOME,
            "confirmed_reason",
            r#""\ud800""#,
            "invalid_field confirmed_reason",
        ),
    ] {
        let json = with(record, field, value);
        assert_eq!(refusal(json.as_bytes()), refused, "{json}");
    }
}
