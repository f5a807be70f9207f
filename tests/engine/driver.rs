//! The driver: from the bytes of records to effects and counts, over one partition or several.

use crate::support::rules::rules;
use crate::support::scenario::EVENT_CLOCK;
use churnwatch::decode::{DecodeSettings, Decoder, Form, Scratch};
use churnwatch::driver::{Driver, feed_of, read};
use churnwatch::engine::Shard;
use churnwatch::kafka::partition_of;
use churnwatch::model::{Effect, Feed, Inputs, Outcome, Reject, Source, TaskStatus, Timestamp};
use churnwatch::sim::{City, CityConfig, Scenario};

const NOW: Timestamp = Timestamp(1_772_500_000_000);

fn decoder() -> Decoder {
    Decoder::new(DecodeSettings::default()).unwrap()
}

fn driver(partitions: i32) -> Driver {
    let mut driver = Driver::new(&rules(&[EVENT_CLOCK]).0, partitions, partition_of);
    driver.set_now(NOW);
    driver
}

fn source(partition: i32, offset: i64) -> Source {
    Source {
        topic: "cdr".into(),
        partition,
        offset,
    }
}

fn call(who: &str, at: i64) -> String {
    format!(
        r#"{{"record_id":"{who}-{at}","record_type":"mt_sms","msisdn":"{who}","event_timestamp":{at}}}"#
    )
}

fn statement(feed: Feed, until: Timestamp) -> String {
    let (name, until) = (feed.name(), until.0);
    format!(r#"{{"record_type":"feed_progress","feed":"{name}","complete_until":{until}}}"#)
}

#[test]
fn every_record_has_one_outcome() {
    let (decoder, mut driver) = (decoder(), driver(4));
    let early = Timestamp(NOW.0 - 3_600_000);
    let one = call("13900000001", early.0);
    let progress = statement(Feed::Cdr, early);
    let future = call("13900000001", NOW.0 + 3_600_000);
    let applied = Outcome::Applied { late: false };
    for (value, expected, feed) in [
        (Some(&*one), applied, Some(Feed::Cdr)),
        (Some(&*one), Outcome::Duplicate, Some(Feed::Cdr)),
        (Some(&*progress), Outcome::Ignored, Some(Feed::Cdr)),
        (None, Outcome::Ignored, None),
        (Some(""), Outcome::Rejected(Reject::Empty), None),
        (
            Some(&*future),
            Outcome::Rejected(Reject::Future),
            Some(Feed::Cdr),
        ),
    ] {
        let mut scratch = Scratch::default();
        let reading = read(
            &decoder,
            &Form::Native,
            value.map(str::as_bytes),
            &mut scratch,
        );
        assert_eq!(feed_of(&reading), feed, "{value:?}");
        let partition = driver.partition_of(&reading).unwrap_or_default();
        let outcome = driver.apply(&reading, &source(partition, 0), &mut Vec::new());
        assert_eq!(outcome, expected, "{value:?}");
    }
    let counts = driver.counts();
    assert_eq!(
        (counts.records, counts.applied, counts.duplicate),
        (6, 1, 1)
    );
    assert_eq!((counts.ignored, counts.dead_lettered), (2, 2));
    assert!(counts.conserved());
}

#[test]
fn a_shard_is_told_the_time_before_its_next_record() {
    let (decoder, mut driver) = (decoder(), driver(4));
    let ahead = call("13900000001", NOW.0 + 3_600_000);
    let mut scratch = Scratch::default();
    let reading = read(
        &decoder,
        &Form::Native,
        Some(ahead.as_bytes()),
        &mut scratch,
    );
    let at = source(driver.partition_of(&reading).unwrap(), 0);
    let future = Outcome::Rejected(Reject::Future);
    assert_eq!(driver.apply(&reading, &at, &mut Vec::new()), future);
    driver.set_now(Timestamp(NOW.0 + 3_600_000));
    let applied = Outcome::Applied { late: false };
    assert_eq!(driver.apply(&reading, &at, &mut Vec::new()), applied);
}

#[test]
fn a_statement_for_two_feeds_is_one_record_and_reaches_every_shard() {
    let (decoder, mut driver) = (decoder(), driver(3));
    let until = Timestamp(NOW.0 - 3_600_000);
    // A shard without any record makes nothing of a statement.
    for index in 0..20 {
        let record = call(&format!("139000000{index:02}"), until.0 - 3_600_000);
        let mut scratch = Scratch::default();
        let reading = read(
            &decoder,
            &Form::Native,
            Some(record.as_bytes()),
            &mut scratch,
        );
        let at = source(driver.partition_of(&reading).unwrap(), index);
        driver.apply(&reading, &at, &mut Vec::new());
    }
    let feeds = [Feed::Service, Feed::Outcome];
    let outcome = driver.progress(&feeds, until, &mut Vec::new());
    assert_eq!(outcome, Outcome::Ignored);
    assert_eq!(driver.counts().ignored, 1);
    for shard in driver.shards() {
        let watermarks = shard.stats().watermarks;
        assert!(feeds.iter().all(|feed| watermarks[*feed as usize] == until));
    }
}

/// What the driver does is what its shards do one by one, each swept to the end after every record: without groups they have
/// nothing to tell each other.
#[test]
fn partitions_are_shards_that_share_nothing() {
    let rules = rules(&[EVENT_CLOCK]).0;
    let end = Timestamp(NOW.0 + 365 * 86_400_000);
    let (partitions, decoder, mut driver) = (3, decoder(), driver(3));
    driver.set_now(end);
    let mut shards: Vec<(Shard, Vec<Effect>)> = (0..partitions)
        .map(|part| {
            let (mut shard, mut effects) = (Shard::new(rules.clone()), Vec::new());
            shard.share_budget(part, partitions);
            shard.tick(end, Inputs::default(), &mut effects);
            (shard, effects)
        })
        .collect();
    let mut driven: Vec<Vec<Effect>> = vec![Vec::new(); shards.len()];
    let mut city = City::new(CityConfig {
        scenario: Scenario::parse("churn.scale = 8\nlines.grouped_share = 0", "test").unwrap(),
        ..CityConfig::new(90, 40, 3)
    })
    .unwrap();
    let mut offset = 0;
    while let Some(event) = city.next_event() {
        offset += 1;
        let mut scratch = Scratch::default();
        let reading = read(&decoder, &Form::Native, event.value, &mut scratch);
        let Some(partition) = driver.partition_of(&reading) else {
            continue;
        };
        let (at, index) = (source(partition, offset), partition as usize);
        let outcome = driver.apply(&reading, &at, &mut driven[index]);
        let (shard, effects) = &mut shards[index];
        let alone = churnwatch::driver::apply(shard, &reading, &at, effects);
        shard.sweep(usize::MAX, effects);
        assert_eq!(outcome, alone, "record {offset}");
    }
    assert!(driven.iter().all(|effects| !effects.is_empty()));
    for ((shard, alone), driven) in shards.iter().zip(&driven) {
        assert_eq!(alone, driven);
        assert!(shard.stats().day_closes > 30);
    }
    // The end closes the shards in the order of their partitions.
    let mut last = Vec::new();
    driver.finish(&mut last);
    let mut alone = Vec::new();
    shards
        .iter_mut()
        .for_each(|(shard, _)| shard.finish(&mut alone));
    assert_eq!(last, alone);
}

/// Members of one group in several partitions: their shards tell the group's, and that tells them, within the call.
#[test]
fn what_shards_tell_each_other_is_handed_over_at_once() {
    let (decoder, mut driver) = (decoder(), driver(4));
    let mut effects = Vec::new();
    let mut places = std::collections::BTreeSet::new();
    let members: Vec<String> = (1..=6).map(|n| format!("1390000000{n}")).collect();
    let mut apply = |value: String, offset: i64| {
        let mut scratch = Scratch::default();
        let reading = read(
            &decoder,
            &Form::Native,
            Some(value.as_bytes()),
            &mut scratch,
        );
        let partition = driver.partition_of(&reading).unwrap();
        places.insert(partition);
        let outcome = driver.apply(&reading, &source(partition, offset), &mut effects);
        assert_eq!(outcome, Outcome::Applied { late: false }, "{value}");
    };
    for (index, who) in members.iter().enumerate() {
        let at = NOW.0 - 7_200_000;
        let head = format!(r#""record_id":"p-{who}","msisdn":"{who}","event_timestamp":{at}"#);
        apply(
            format!(r#"{{{head},"record_type":"profile","group_id":"G-1","group_size":"12"}}"#),
            index as i64,
        );
    }
    for (index, who) in members.iter().enumerate() {
        let at = NOW.0 - 3_600_000 + index as i64 * 1_000;
        let head = format!(r#""record_id":"c-{who}","msisdn":"{who}","event_timestamp":{at}"#);
        let call = r#""other_number":"10010","duration_seconds":60,"cause_for_termination":"normal_release""#;
        apply(
            format!(r#"{{{head},"record_type":"mo_call",{call}}}"#),
            index as i64,
        );
    }
    assert!(places.len() > 1, "{places:?}");
    let mut open = std::collections::BTreeMap::new();
    for effect in &effects {
        match effect {
            Effect::Task(task) if task.status == TaskStatus::Closed => {
                open.remove(&task.task_id);
            }
            Effect::Task(task) => {
                open.insert(task.task_id.clone(), task.clone());
            }
            Effect::Group(record) => panic!("{record:?} was not handed over"),
            _ => {}
        }
    }
    let open: Vec<_> = open.into_values().collect();
    let [task] = &open[..] else {
        panic!("{} tasks are open", open.len())
    };
    let group = task.group.as_deref().unwrap();
    assert_eq!((group.members.len(), group.head_count), (3, Some(12)));
    // What shards tell each other is no record of the input.
    assert_eq!(driver.counts().records, 12);
}
