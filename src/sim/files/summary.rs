//! `summary.json`: what the files were made from and how much of everything they hold.

use crate::model::Timestamp;
use crate::sim::city::{City, Tally};
use crate::sim::event::{Expected, Fault};
use crate::sim::scenario::Scenario;
use crate::sim::truth::Truth;
use serde::Serialize;
use std::collections::BTreeMap;

/// What `summary.json` says. Equal parameters give an equal summary.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Layout of the three files.
    pub format: &'static str,
    /// Version of churnwatch that wrote them.
    pub version: &'static str,
    /// What the city was made from.
    pub parameters: Parameters,
    /// Name of the file with the events.
    pub events_file: &'static str,
    /// Its lines.
    pub lines: u64,
    /// Its bytes before compression.
    pub bytes: u64,
    /// Arrival of the first record, RFC 3339.
    pub first_arrival: String,
    /// Arrival of the last record, RFC 3339.
    pub last_arrival: String,
    /// Records that no line can hold, by kind: tombstones and empty payloads. They are counted nowhere else here
    /// except under `faults`.
    pub left_out: u64,
    /// Records lost in the outage.
    pub lost_in_outage: u64,
    /// Lines by feed and by `record_type`, as they were meant.
    pub records: BTreeMap<&'static str, BTreeMap<&'static str, u64>>,
    /// Faults by kind.
    pub faults: BTreeMap<&'static str, FaultCount>,
    /// Lines by what a detector must make of them; the sum is `lines`.
    pub expected: BTreeMap<&'static str, u64>,
    /// Lines of ground truth by kind.
    pub truth: BTreeMap<&'static str, TruthCount>,
}

/// The parameters of a city, as files show them.
#[derive(Debug, Clone, Serialize)]
pub struct Parameters {
    /// See [`CityConfig`].
    pub subscribers: u32,
    /// See [`CityConfig`].
    pub days: u32,
    /// See [`CityConfig`].
    pub seed: u64,
    /// `YYYY-MM-DD`.
    pub start: String,
    /// IANA name.
    pub time_zone: String,
    /// See [`CityConfig`].
    pub operator: &'static str,
    /// See [`CityConfig`].
    pub faults: bool,
    /// See [`CityConfig`].
    pub scenario: Scenario,
}

/// How often a fault occurs, and what it means for a record.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct FaultCount {
    /// Records with the fault.
    pub records: u64,
    /// What a detector must make of a record with this fault alone.
    pub expected: &'static str,
}

/// How many lines of ground truth a kind has.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct TruthCount {
    /// What the kind means for a detector.
    pub class: &'static str,
    /// All of them.
    pub lines: u64,
    /// Those whose subscriber left for good.
    pub left: u64,
}

/// What went into the events file.
#[derive(Default)]
pub struct Written {
    pub lines: u64,
    pub bytes: u64,
    pub left_out: u64,
    pub first_arrival_ms: Option<i64>,
    pub last_arrival_ms: i64,
}

pub fn summarise(
    city: &City,
    written: &Written,
    truth: &[Truth],
    events_file: &'static str,
) -> Summary {
    let config = city.config();
    let calendar = city.calendar();
    let tally = city.tally();
    let mut records: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for ((feed, kind), count) in &tally.by_type {
        records.entry(feed.name()).or_default().insert(kind, *count);
    }
    let faults = tally.faults.iter().map(|(fault, records)| {
        let expected = fault.expected().name();
        let records = *records;
        (fault.name(), FaultCount { records, expected })
    });
    let mut counts: BTreeMap<&str, TruthCount> = BTreeMap::new();
    for line in truth {
        let count = counts.entry(line.kind.name()).or_default();
        count.class = line.kind.class().name();
        count.lines += 1;
        count.left += u64::from(line.left_at.is_some());
    }
    Summary {
        format: "churnwatch-simulation/1",
        version: env!("CARGO_PKG_VERSION"),
        parameters: Parameters {
            subscribers: config.subscribers,
            days: config.days,
            seed: config.seed,
            start: config.start.to_string(),
            time_zone: config.time_zone.clone(),
            operator: config.operator.name(),
            faults: config.faults,
            scenario: config.scenario.clone(),
        },
        events_file,
        lines: written.lines,
        bytes: written.bytes,
        first_arrival: calendar.rfc3339(Timestamp(written.first_arrival_ms.unwrap_or_default())),
        last_arrival: calendar.rfc3339(Timestamp(written.last_arrival_ms)),
        left_out: written.left_out,
        lost_in_outage: tally.lost_in_outage,
        records,
        faults: faults.collect(),
        expected: expected_of_lines(tally),
        truth: counts,
    }
}

/// What is expected of the records that lines can hold.
fn expected_of_lines(tally: &Tally) -> BTreeMap<&'static str, u64> {
    let count = |fault| tally.faults.get(&fault).copied().unwrap_or_default();
    let lines = |(expected, records): (&Expected, &u64)| {
        let left_out = match expected {
            Expected::Ignored => count(Fault::Tombstone),
            Expected::DeadLettered => count(Fault::PayloadEmpty),
            _ => 0,
        };
        (expected.name(), records - left_out)
    };
    tally.expected.iter().map(lines).collect()
}
