//! Records with wrong clocks: years ahead, seconds given for milliseconds, clocks at zero (behaviour: Bad input).

use crate::support::scenario::{FRIEND, Scenario, call, crowd, days, profile};
use churnwatch::decode::{DecodeSettings, Decoded, Decoder};
use churnwatch::model::{Body, Feed, Inputs, Outcome, Reject, Timestamp};

const APPLIED: Outcome = Outcome::Applied { late: false };
const FUTURE: Outcome = Outcome::Rejected(Reject::Future);
const ONE: &str = "13900000001";

/// 2026-02-10 10:00, by the clock on the wall, after a week of life.
fn running() -> Scenario {
    let mut scenario = Scenario::new("window.clock = \"wall\"");
    scenario.live_by_the_clock(&crowd(5), days("2026-02-03", "2026-02-09"), |_, _| 3);
    scenario.tick("2026-02-10 10:00", Inputs::default());
    for who in crowd(5) {
        scenario.event(&who, "2026-02-10 09:30", call(FRIEND));
    }
    scenario
}

/// Everything that a rejected record must leave as it was.
fn state(scenario: &Scenario) -> (String, String, String, u64, usize) {
    (
        scenario.closed(),
        scenario.clock(),
        scenario.watermark(Feed::Cdr),
        scenario.shard.stats().subscribers,
        scenario.total(),
    )
}

#[test]
fn ten_minutes_ahead_is_a_clock_that_runs_fast_and_more_is_the_future() {
    let mut scenario = running();
    let now = scenario.time("2026-02-10 10:00").0;
    let ahead = |seconds: i64| Timestamp(now + seconds * 1_000);
    assert_eq!(scenario.event_at(ONE, ahead(600), call(FRIEND)), APPLIED);
    assert_eq!(
        scenario.event_at(ONE, Timestamp(now + 600_001), call(FRIEND)),
        FUTURE
    );
    scenario.tick("2026-02-10 10:01", Inputs::default());
    assert_eq!(scenario.event_at(ONE, ahead(660), call(FRIEND)), APPLIED);
}

#[test]
fn years_ahead_is_a_dead_letter_and_leaves_no_trace() {
    let mut scenario = running();
    let before = state(&scenario);
    let window = scenario.window(ONE);
    for at in [
        "2026-02-11 10:00",
        "2027-02-10 10:00",
        "2056-01-01 00:00",
        "2199-12-31 23:59",
    ] {
        for who in crowd(8) {
            assert_eq!(scenario.event(&who, at, call(FRIEND)), FUTURE, "{at}");
            assert_eq!(scenario.event(&who, at, profile(|_| {})), FUTURE, "{at}");
            assert_eq!(scenario.event(&who, at, Body::Cancellation), FUTURE, "{at}");
        }
    }
    assert_eq!(state(&scenario), before);
    assert_eq!(scenario.window(ONE), window);
    let counts = *scenario.shard.counts();
    assert_eq!(counts.dead_lettered, 4 * 8 * 3);
    assert!(counts.conserved());
    // Nor does it count as seen: the same record with its clock mended is news.
    let at = scenario.time("2056-01-01 00:00");
    assert_eq!(scenario.record(77, ONE, at, call(FRIEND)), FUTURE);
    let mended = scenario.time("2026-02-10 09:59");
    assert_eq!(scenario.record(77, ONE, mended, call(FRIEND)), APPLIED);
}

#[test]
fn a_statement_from_the_future_is_a_dead_letter_too() {
    let mut scenario = running();
    let before = state(&scenario);
    let refused = Outcome::Rejected(Reject::FutureStatement);
    assert_eq!(scenario.progress(Feed::Cdr, "2026-02-12 00:00"), refused);
    assert_eq!(state(&scenario), before);
    scenario.tick("2026-02-11 12:00", Inputs::default());
    assert_eq!(
        scenario.shard.stats().outage_days,
        [0; 6],
        "no statement was ever made"
    );
}

/// A record as it arrives, decoded as the program does it.
fn arrives(scenario: &mut Scenario, timestamp: &str) -> Outcome {
    let decoder = Decoder::new(DecodeSettings::default()).unwrap();
    let json = format!(
        r#"{{"record_id":"{timestamp}","record_type":"mt_sms","msisdn":"{ONE}","event_timestamp":{timestamp}}}"#
    );
    match decoder.decode(json.as_bytes()) {
        Ok(Decoded::Event(event, _)) => {
            let body = Body::Message {
                direction: churnwatch::model::Direction::Incoming,
                other: churnwatch::model::Number::OTHER,
            };
            assert_eq!(event.body, body);
            scenario.event_at(ONE, event.at, body)
        }
        Ok(record) => panic!("{record:?} is not an event"),
        Err(reject) => {
            let outcome = Outcome::Rejected(reject);
            scenario.shard.count(&outcome);
            outcome
        }
    }
}

#[test]
fn seconds_for_milliseconds_are_implausible() {
    let mut scenario = running();
    let before = state(&scenario);
    let millis = scenario.time("2026-02-10 09:45").0;
    for implausible in [millis / 1_000, 0, -1, 946_684_799_999] {
        let outcome = arrives(&mut scenario, &implausible.to_string());
        assert_eq!(
            outcome,
            Outcome::Rejected(Reject::Implausible),
            "{implausible}"
        );
    }
    // Microseconds for milliseconds lie far ahead.
    let micros = (millis * 1_000).to_string();
    assert_eq!(arrives(&mut scenario, &micros), FUTURE);
    assert_eq!(state(&scenario), before);
    assert_eq!(arrives(&mut scenario, &millis.to_string()), APPLIED);
    assert!(scenario.shard.counts().conserved());
}

#[test]
fn over_files_only_real_time_bounds_the_future() {
    let mut scenario = Scenario::new("");
    scenario.tick("2026-06-01 00:00", Inputs::default());
    let people = crowd(25);
    scenario.live(&people, days("2025-02-01", "2025-02-10"), |_, _| 3);
    let before = state(&scenario);
    assert_eq!(before.0, "2025-02-09");
    // Dated ahead of the files but not of real time: applied, and moves nothing.
    let outcome = scenario.event(ONE, "2025-02-25 10:00", call(FRIEND));
    assert_eq!((outcome, state(&scenario)), (APPLIED, before.clone()));
    let outcome = scenario.event(ONE, "2026-06-01 00:11", call(FRIEND));
    assert_eq!((outcome, state(&scenario)), (FUTURE, before));
}
