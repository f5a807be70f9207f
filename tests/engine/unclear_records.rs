//! Records as gateways and billing systems write them: sessions in parts, and fields that cannot be used. From their bytes.

use crate::support::rules::rules;
use crate::support::scenario::EVENT_CLOCK;
use churnwatch::decode::{DecodeSettings, Decoder, Form, Scratch};
use churnwatch::driver::{Driver, read};
use churnwatch::kafka::partition_of;
use churnwatch::model::{Effect, Msisdn, Outcome, Source, Timestamp};

const WHO: &str = "p-1";
const APPLIED: Outcome = Outcome::Applied { late: false };

/// One shard, fed with JSON.
struct Feed {
    decoder: Decoder,
    driver: Driver,
    effects: Vec<Effect>,
}

impl Feed {
    fn new() -> Self {
        let mut driver = Driver::new(&rules(&[EVENT_CLOCK]).0, 1, partition_of);
        driver.set_now(Timestamp(1_900_000_000_000));
        Self {
            decoder: Decoder::new(DecodeSettings::default()).unwrap(),
            driver,
            effects: Vec::new(),
        }
    }

    /// A record of March 2026, on a day of it at ten o'clock.
    fn record(&mut self, id: &str, kind: &str, day: u32, fields: &str) -> Outcome {
        let json = format!(
            r#"{{"record_id":"{id}","record_type":"{kind}","msisdn":"{WHO}","event_timestamp":"2026-03-{day:02}T10:00:00+08:00"{fields}}}"#
        );
        let mut scratch = Scratch::default();
        let reading = read(
            &self.decoder,
            &Form::Native,
            Some(json.as_bytes()),
            &mut scratch,
        );
        let source = Source {
            topic: "any".into(),
            partition: 0,
            offset: 0,
        };
        self.driver.apply(&reading, &source, &mut self.effects)
    }

    fn data(&mut self, id: &str, day: u32, bytes: u32, more: &str) -> Outcome {
        let fields = format!(r#","uplink_volume_bytes":0,"downlink_volume_bytes":{bytes}{more}"#);
        self.record(id, "data", day, &fields)
    }

    /// Sessions, by day of the month.
    fn sessions(&self) -> Vec<(String, u8)> {
        let shard = self.driver.shards().next().unwrap();
        let known = shard.describe(&Msisdn::new(WHO).unwrap()).unwrap();
        let used = known.window.iter().filter(|day| day.sessions > 0);
        used.map(|day| (day.day[8..].to_owned(), day.sessions))
            .collect()
    }

    /// The triggers of the signals so far.
    fn signals(&self) -> Vec<String> {
        let signals = self.effects.iter().filter_map(|effect| match effect {
            Effect::Signal(signal) => Some(signal.trigger.to_string()),
            _ => None,
        });
        signals.collect()
    }
}

#[test]
fn a_session_of_days_is_use_of_every_day() {
    let mut feed = Feed::new();
    let session = r#","charging_id":77"#;
    for day in 1..=9 {
        let part = format!("pgw-{day}");
        assert_eq!(feed.data(&part, day, 5_000_000, session), APPLIED);
    }
    let expected: Vec<_> = (1..=9).map(|day| (format!("{day:02}"), 1)).collect();
    assert_eq!(feed.sessions(), expected);
    // The same record again, and the same part by another gateway.
    for id in ["pgw-9", "sgw-9"] {
        let outcome = feed.data(id, 9, 5_000_000, session);
        assert_eq!(outcome, Outcome::Duplicate, "{id}");
    }
    // Another part of that moment: it has its own volume, or its own number.
    assert_eq!(feed.data("pgw-a", 9, 7_000_000, session), APPLIED);
    for number in [1, 2] {
        let more = format!(r#"{session},"record_sequence_number":{number}"#);
        let outcome = feed.data(&format!("pgw-n{number}"), 9, 0, &more);
        assert_eq!(outcome, APPLIED);
        let again = feed.data(&format!("sgw-n{number}"), 9, 0, &more);
        assert_eq!(again, Outcome::Duplicate);
    }
    assert_eq!(feed.sessions()[8], ("09".to_owned(), 4));
}

#[test]
fn zeros_are_no_charging_id() {
    let mut feed = Feed::new();
    let mut records = 0;
    for zeros in [
        "0",
        "\"0\"",
        "\"00000000\"",
        "\"0x00000000\"",
        "0.0",
        "\"\"",
        "null",
    ] {
        let more = format!(r#","charging_id":{zeros}"#);
        for _ in 0..2 {
            records += 1;
            let id = format!("g-{records}");
            assert_eq!(feed.data(&id, 1, 1_000, &more), APPLIED, "{zeros}");
            let again = feed.data(&id, 1, 1_000, &more);
            assert_eq!(again, Outcome::Duplicate, "{zeros}");
        }
    }
    assert_eq!(feed.sessions(), [("01".to_owned(), records)]);
}

#[test]
fn a_call_counts_whatever_its_cause_and_duration() {
    let mut feed = Feed::new();
    for (id, fields) in [
        (
            "1",
            r#","duration_seconds":61,"cause_for_termination":"radio_loss""#,
        ),
        ("2", r#","duration_seconds":61"#),
        (
            "3",
            r#","duration_seconds":-1,"cause_for_termination":"dropped""#,
        ),
        ("4", ""),
    ] {
        assert_eq!(feed.record(id, "mo_call", 1, fields), APPLIED);
    }
    let shard = feed.driver.shards().next().unwrap();
    let known = shard.describe(&Msisdn::new(WHO).unwrap()).unwrap();
    let day = known.window.last().unwrap();
    assert_eq!((day.outgoing, day.dropped, day.voice_seconds), (4, 1, 122));
}

#[test]
fn talk_time_answers_a_call_of_unknown_cause() {
    let from_marketing = |seconds: u32| {
        let mut feed = Feed::new();
        for (id, day) in [("1", 1), ("2", 2)] {
            let fields = format!(r#","other_number":"10016","duration_seconds":{seconds}"#);
            feed.record(id, "mt_call", day, &fields);
        }
        feed.signals()
    };
    assert_eq!(from_marketing(30), ["competitor_marketing"]);
    assert_eq!(from_marketing(0), [""; 0]);
}

#[test]
fn what_a_bill_does_not_say_is_not_judged() {
    let mut feed = Feed::new();
    let bill = |day: u32, yuan: u32| format!(r#","period":"2025-{day:02}","amount":{yuan}"#);
    for day in 1..=4 {
        let id = format!("b{day}");
        assert_eq!(feed.record(&id, "invoice", day, &bill(day, 100)), APPLIED);
    }
    assert_eq!(feed.record("b5", "invoice", 5, &bill(5, 300)), APPLIED);
    feed.driver.finish(&mut feed.effects);
    assert_eq!(feed.signals(), ["bill_shock"], "no arrears, no plan");
}

#[test]
fn a_charge_is_unasked_for_only_if_the_record_says_so() {
    let mut feed = Feed::new();
    for (id, asked) in [("1", ""), ("2", r#","subscribed_by_customer":"perhaps""#)] {
        let fields = format!(r#","amount":5{asked}"#);
        assert_eq!(feed.record(id, "charge", 1, &fields), APPLIED);
    }
    assert_eq!(feed.signals(), [""; 0]);
    feed.record(
        "3",
        "charge",
        1,
        r#","amount":5,"subscribed_by_customer":"N""#,
    );
    assert_eq!(feed.signals(), ["bill_shock"]);
}

#[test]
fn a_complaint_about_something_else_is_a_complaint() {
    for fields in ["", r#","category":"roaming","resolution":"in_progress""#] {
        let mut feed = Feed::new();
        assert_eq!(feed.record("1", "complaint", 1, fields), APPLIED);
        assert_eq!(feed.signals(), ["complaint"]);
    }
}
