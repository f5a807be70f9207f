//! The ground truth that `simulate` writes is what its schema says.

use super::{assert_valid, document, validator};
use churnwatch::sim::{City, CityConfig, Scenario};
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn every_line_of_truth_is_valid() {
    let scenario = Scenario::parse("[churn]\nscale = 8\n", "test").unwrap();
    let mut city = City::new(CityConfig {
        faults: false,
        scenario,
        ..CityConfig::new(300, 75, 19)
    })
    .unwrap();
    while city.next_event().is_some() {}
    let validator = validator("truth.schema.json");
    let schema = document("truth.schema.json");
    let known: BTreeSet<&String> = schema["properties"].as_object().unwrap().keys().collect();
    let mut classes = BTreeSet::new();
    let (mut left, mut ended) = (0, 0);
    for line in city.truth() {
        let line: Value = serde_json::from_str(&line.to_json(city.calendar())).unwrap();
        assert_valid(&validator, &line);
        assert_eq!(
            line.as_object().unwrap().keys().collect::<BTreeSet<_>>(),
            known
        );
        classes.insert(line["class"].as_str().unwrap().to_owned());
        left += u32::from(line["left_at"].is_string() && line["last_use_at"].is_string());
        ended += u32::from(line["until"].is_string());
    }
    assert_eq!(
        classes,
        ["churn", "city", "harmless", "note"]
            .map(str::to_owned)
            .into()
    );
    assert!(left > 50 && ended > 20, "{left} left, {ended} ended");
}

#[test]
fn what_contradicts_itself_is_invalid() {
    let validator = validator("truth.schema.json");
    for wrong in [
        r#"{"msisdn":null,"class":"churn","kind":"stop","from":"2026-03-20T00:00:00+08:00"}"#,
        r#"{"msisdn":"8613912345678","class":"city","kind":"outage","from":"2026-03-20T00:00:00+08:00"}"#,
        r#"{"msisdn":"8613912345678","class":"harmless","kind":"travel","from":"2026-03-20T00:00:00+08:00","left_at":"2026-03-21T00:00:00+08:00"}"#,
        r#"{"msisdn":"8613912345678","class":"churn","kind":"stop","from":"2026-03-20"}"#,
        r#"{"msisdn":"8613912345678","class":"churn","from":"2026-03-20T00:00:00+08:00"}"#,
    ] {
        let value = serde_json::from_str(wrong).unwrap();
        assert!(!validator.is_valid(&value), "{wrong}");
    }
}
