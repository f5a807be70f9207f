//! Random bytes, random text and random damage.

use super::{CALL, ERASE, INVOICE, OUTCOME, PROFILE, SMS, decoder, refusal, with};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(!refusal(&bytes).starts_with("accepted"));
    }

    #[test]
    fn any_json_like_text(text in "[\\{\\}\\[\\]\":,0-9a-z\\\\ue.+ -]{0,120}") {
        prop_assert!(!refusal(text.as_bytes()).starts_with("accepted"));
    }

    /// Mutated records are accepted or refused, and a refusal never holds the subscriber's number.
    #[test]
    fn mutated_records(
        record in prop::sample::select(vec![CALL, SMS, INVOICE, PROFILE, OUTCOME, ERASE]),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..4),
    ) {
        let mut bytes = record.as_bytes().to_vec();
        for (at, byte, kind) in edits {
            let at = at.index(bytes.len());
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 if bytes.len() > 1 => { bytes.remove(at); }
                _ => bytes.truncate(at + 1),
            }
        }
        if let Err(reject) = decoder().decode(&bytes) {
            prop_assert!(!reject.to_string().contains("8001380"), "{}", reject);
        }
    }

    /// Any JSON at all in place of one field's value: that field is to blame, or nothing.
    #[test]
    fn any_value_in_any_field(
        record in prop::sample::select(vec![CALL, SMS, INVOICE, PROFILE, OUTCOME, ERASE]),
        field in prop::sample::select(vec![
            "record_id", "record_type", "msisdn", "event_timestamp", "other_number", "duration_seconds",
            "amount", "period", "due_on", "plan", "region", "flags", "birthday", "brand", "satisfaction",
            "stated_reason", "confirmed_reason",
        ]),
        value in "-?[0-9]{1,25}(\\.[0-9]{1,5})?(e[+-]?[0-9]{1,4})?|\"[ -!#-\\[\\]-~]{0,40}\"|true|null|\\[\\]|\\{\\}",
    ) {
        let refusal = refusal(with(record, field, &value).as_bytes());
        let (reason, blamed) = refusal.split_once(' ').unwrap_or((&refusal, field));
        match reason {
            "accepted" => {}
            "unknown_record_type" => prop_assert_eq!(field, "record_type"),
            "invalid_msisdn" => prop_assert_eq!(field, "msisdn"),
            "implausible_timestamp" | "future_timestamp" => prop_assert_eq!(field, "event_timestamp"),
            "missing_field" | "invalid_field" => prop_assert_eq!(blamed, field),
            // Numbers with leading zeros.
            _ => prop_assert_eq!(reason, "not_json"),
        }
    }
}
