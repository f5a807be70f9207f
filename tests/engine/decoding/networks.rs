//! Where a record was made: networks as gateways write them, and cells without one.

use super::{CALL, SMS, event, faults, with};
use churnwatch::decode::{DecodeSettings, Decoded, Decoder};

/// The network that a call names, if it is abroad.
fn visited(json: &str) -> Option<String> {
    event(json).visited.map(|network| network.to_string())
}

#[test]
fn a_network_that_is_not_at_home_is_abroad() {
    for (plmn, expected) in [
        ("\"310-410\"", Some("310-410")),
        ("\"310410\"", Some("310-410")),
        ("\"26201\"", Some("262-01")),
        ("\"310-01\"", Some("310-01")),
        ("\"460-00\"", None),
        ("\"46001\"", None),
        ("\"\"", None),
        ("null", None),
    ] {
        for record in [CALL, SMS] {
            let json = with(record, "visited_plmn", plmn);
            assert_eq!(visited(&json).as_deref(), expected, "{json}");
            assert_eq!(faults(&json), [""; 0], "{json}");
        }
    }
}

#[test]
fn what_is_no_network_counts_as_at_home() {
    for plmn in [
        "\"46-000\"",
        "\"3104\"",
        "\"310-4100\"",
        "\"000-00\"",
        "\"abroad\"",
        "310410",
        "{}",
    ] {
        let json = with(CALL, "visited_plmn", plmn);
        assert_eq!(visited(&json), None, "{json}");
        assert_eq!(faults(&json), ["invalid visited_plmn"], "{json}");
    }
}

#[test]
fn a_cell_tells_its_network_where_nothing_else_does() {
    for (cell, expected) in [
        ("\"310-410-1234-5678\"", Some("310-410")),
        ("\"460-00-1234-5678\"", None),
        ("\"1234-5678\"", None),
        ("\"310-410-1234\"", None),
        ("\"3104-10-1234-5678\"", None),
        ("\"310410123456\"", None),
        ("17", None),
        ("{}", None),
    ] {
        let json = with(CALL, "first_cell_id", cell);
        assert_eq!(visited(&json).as_deref(), expected, "{json}");
        assert_eq!(faults(&json), [""; 0], "{json}");
    }
    let json = with(CALL, "first_cell_id", "\"310-410-1234-5678\"");
    let at_home = with(&json, "visited_plmn", "\"46000\"");
    assert_eq!(visited(&at_home), None, "the record's own word counts");
}

#[test]
fn home_may_be_some_networks_of_a_country() {
    let home_networks = vec!["460-00".to_owned(), "46002".to_owned()];
    let settings = DecodeSettings {
        home_networks,
        ..DecodeSettings::default()
    };
    let decoder = Decoder::new(settings).unwrap();
    for (plmn, abroad) in [
        ("46000", false),
        ("460-02", false),
        ("460-01", true),
        ("460-002", true),
    ] {
        let json = with(CALL, "visited_plmn", &format!("\"{plmn}\""));
        let Ok(Decoded::Event(event, _)) = decoder.decode(json.as_bytes()) else {
            panic!("{json}");
        };
        assert_eq!(event.visited.is_some(), abroad, "{plmn}");
    }
}
