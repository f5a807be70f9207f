//! Drafts of layouts.

use churnwatch::decode::suggest;

#[test]
fn a_draft_finds_ids_and_takes_no_amount_for_a_type() {
    let record = |n: usize| {
        let (served, start) = (
            48_601_000_000 + n % 3,
            1_772_323_200_000_u64 + n as u64 * 1000,
        );
        let record = format!(
            r#"{{"voucher":"K-{n:04}","cell":{{"id":"c1"}},"parties":{{"peer":"4860200000{n}","served":"{served}"}},"tariff":{{"fee":"0.{}","mb":"{}"}},"start":{start}}}"#,
            1 + n % 2,
            100 + n
        );
        record.into_bytes()
    };
    let records: Vec<Vec<u8>> = (10..30).map(record).collect();
    let draft = suggest("core", &records);
    for line in [
        "record_id = { from = \"voucher\" } # by its values only",
        "msisdn = { from = \"parties.served\" } # by its values only",
        "other_number = { from = \"parties.peer\" }",
        "event_timestamp = { from = \"start\", time = \"epoch_ms\" }",
        "# record_type = { from = \"?\" }",
    ] {
        assert!(draft.lines().any(|known| known == line), "{line}: {draft}");
    }
}
