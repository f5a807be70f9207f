//! The JSON of what tasks achieve, in the order of its fields.

use crate::model::{Calendar, Followed, HORIZON_DAYS, UpliftCounts, UpliftRow};
use serde::Serialize;

#[derive(Serialize)]
pub(super) struct UpliftJson<'a> {
    partition: u32,
    region: &'a str,
    as_of: String,
    counts: Vec<RowJson<'a>>,
}

#[derive(Serialize)]
struct RowJson<'a> {
    trigger: &'a str,
    tier: &'static str,
    with_task: GroupJson,
    held_out: GroupJson,
}

#[derive(Serialize)]
struct GroupJson {
    entered: u64,
    horizons: [HorizonJson; HORIZON_DAYS.len()],
}

#[derive(Serialize)]
struct HorizonJson {
    days: u16,
    stayed: u64,
    left: u64,
    dropped: u64,
}

impl<'a> UpliftJson<'a> {
    pub(super) fn new(counts: &'a UpliftCounts, calendar: &Calendar) -> Self {
        Self {
            partition: counts.partition,
            region: &counts.region,
            as_of: calendar.rfc3339(counts.as_of),
            counts: counts.rows.iter().map(RowJson::new).collect(),
        }
    }
}

impl<'a> RowJson<'a> {
    fn new(row: &'a UpliftRow) -> Self {
        Self {
            trigger: &row.trigger,
            tier: row.tier.name(),
            with_task: GroupJson::new(&row.with_task),
            held_out: GroupJson::new(&row.held_out),
        }
    }
}

impl GroupJson {
    fn new(followed: &Followed) -> Self {
        let horizon = |place: usize| {
            let fates = followed.horizons.get(place).copied().unwrap_or_default();
            HorizonJson {
                days: HORIZON_DAYS.get(place).copied().unwrap_or_default(),
                stayed: fates.stayed,
                left: fates.left,
                dropped: fates.dropped,
            }
        };
        Self {
            entered: followed.entered,
            horizons: std::array::from_fn(horizon),
        }
    }
}
