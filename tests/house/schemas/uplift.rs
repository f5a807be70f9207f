//! Counts of what tasks achieve are what their schema says.

use super::outputs::encoder;
use super::{assert_valid, validator};
use churnwatch::model::{Fates, Followed, Tier, Timestamp, UpliftCounts, UpliftRow};
use serde_json::{Value, json};

/// What a partition has counted in a region.
pub fn uplift() -> UpliftCounts {
    let fates = |stayed, left, dropped| Fates {
        stayed,
        left,
        dropped,
    };
    UpliftCounts {
        partition: 3,
        region: "HQ/Guangdong".to_owned(),
        as_of: Timestamp(1_780_599_600_000),
        rows: vec![UpliftRow {
            trigger: "complaint".into(),
            tier: Tier::Ordinary,
            with_task: Followed {
                entered: 412,
                horizons: [fates(301, 24, 2), fates(211, 33, 3)],
            },
            held_out: Followed {
                entered: 47,
                horizons: [fates(31, 6, 0), fates(20, 8, 0)],
            },
        }],
    }
}

#[test]
fn a_count_is_the_example_of_its_schema() {
    let outgoing = encoder().uplift(&uplift());
    let value: Value = serde_json::from_slice(outgoing.value.as_deref().unwrap()).unwrap();
    assert_eq!(value, super::document("uplift.schema.json")["examples"][0]);
    assert_valid(&validator("uplift.schema.json"), &value);
    assert_eq!(outgoing.key.as_deref(), Some(&b"3/HQ/Guangdong"[..]));
    let mut of_another_kind = value;
    of_another_kind["counts"][0]["with_task"]["entered"] = json!(-1);
    assert!(!validator("uplift.schema.json").is_valid(&of_another_kind));
}
