//! Snapshots after an erasure do not hold the subscriber any more, nor do they rest on parts that do.

use super::damage::edges;
use super::{load, manifest, publish, repository, scenario, state, wait};
use crate::support::scenario::{FRIEND, HOTLINE, Scenario, call, profile};
use churnwatch::journal::Manifest;
use churnwatch::model::{Body, Effect, OutcomeResult, TaskOutcome, TaskStatus};
use churnwatch::snapshot::SnapshotRequest;
use std::fs;
use std::path::Path;

const NUMBER: &str = "13900000008";
const PSEUDONYM: &str = "k7-Qz.93b:A";

/// A scenario in which both have windows, profiles, tasks, and a past with their managers.
fn subject() -> Scenario {
    let mut scenario = scenario(300);
    for who in [NUMBER, PSEUDONYM] {
        scenario.event(who, "2026-03-05 11:00", call(HOTLINE));
        scenario.event(who, "2026-03-05 11:01", profile(|_| {}));
        let task = scenario
            .effects
            .iter()
            .rev()
            .find_map(|effect| match effect {
                Effect::Task(task) if task.msisdn.as_str() == who => Some(task.task_id.clone()),
                _ => None,
            });
        let outcome = |result| {
            Body::TaskOutcome(TaskOutcome {
                task_id: task.clone().unwrap().into(),
                result: Some(result),
                stated_reason: None,
                confirmed_reason: None,
                do_not_contact: false,
            })
        };
        scenario.event(who, "2026-03-05 11:30", outcome(OutcomeResult::Saved));
        scenario.event(who, "2026-03-05 11:40", outcome(OutcomeResult::Reached));
    }
    scenario
}

fn erase(scenario: &mut Scenario, who: &str, at: &str) {
    let request = "erase-1".into();
    let before = scenario.effects.len();
    scenario.event(who, at, Body::Erase { request });
    let [Effect::Task(task), Effect::Erased(erasure)] = &scenario.effects[before..] else {
        panic!("{:?}", &scenario.effects[before..]);
    };
    assert_eq!(task.status, TaskStatus::Closed);
    assert_eq!((erasure.known, erasure.tasks_closed), (true, 1));
}

/// Everything in the parts of a snapshot, decompressed.
fn bytes_of(directory: &Path, manifest: &Manifest) -> Vec<u8> {
    let mut all = Vec::new();
    for part in &manifest.parts {
        let bytes = fs::read(directory.join(&part.key)).unwrap();
        let edges = edges(&bytes);
        all.extend(&bytes[..edges[0]]);
        for frame in edges.windows(2) {
            let compressed = &bytes[frame[0] + 16..frame[1]];
            all.extend(zstd::bulk::decompress(compressed, 1 << 26).unwrap());
        }
    }
    all
}

/// Whether a subscriber can be found in some bytes: as text, or packed into a number.
fn holds(bytes: &[u8], who: &str) -> bool {
    let found = |what: &[u8]| bytes.windows(what.len()).any(|window| window == what);
    let packed = format!("1{who}").parse::<u64>();
    found(who.as_bytes()) || packed.is_ok_and(|packed| found(&packed.to_le_bytes()))
}

#[test]
fn later_snapshots_rest_on_nothing_that_holds_the_erased() {
    let directory = tempfile::tempdir().unwrap();
    let mut repository = repository(directory.path());
    let mut scenario = subject();
    publish(&mut repository, &mut scenario.shard, 1);
    scenario.event("13900000150", "2026-03-05 12:00", call(FRIEND));
    let before = publish(&mut repository, &mut scenario.shard, 2);
    assert_eq!(before.parts.len(), 2);
    let held = bytes_of(directory.path(), &before);
    assert!(holds(&held, NUMBER) && holds(&held, PSEUDONYM));
    // Packed alone, as in the pages of subscribers, they are found too.
    assert!(holds(&held, "13900000009"));

    for (seq, who) in [(3, NUMBER), (4, PSEUDONYM)] {
        erase(&mut scenario, who, "2026-03-05 13:00");
        let after = publish(&mut repository, &mut scenario.shard, seq);
        assert_eq!(after.parts.len(), 1, "on parts of before");
        assert_eq!(after.subscribers, before.subscribers - (seq - 2));
        assert!(!holds(&bytes_of(directory.path(), &after), who), "{seq}");
        let mut loaded = load(&mut super::repository(directory.path()), &after).unwrap();
        assert_eq!(loaded.fingerprint(), scenario.shard.fingerprint());
        assert!(state(&mut loaded) == state(&mut scenario.shard));
    }
    // From then on parts are incremental again.
    scenario.event("13900000150", "2026-03-05 14:00", call(FRIEND));
    let later = publish(&mut repository, &mut scenario.shard, 5);
    assert_eq!(later.parts.len(), 2);
    let held = bytes_of(directory.path(), &later);
    assert!(!holds(&held, NUMBER) && !holds(&held, PSEUDONYM));
}

#[test]
fn nor_do_those_of_a_shard_that_was_restored_before_the_erasure() {
    let directory = tempfile::tempdir().unwrap();
    let mut scenario = subject();
    let before = publish(&mut repository(directory.path()), &mut scenario.shard, 1);

    let mut repository = repository(directory.path());
    scenario.shard = load(&mut repository, &before).unwrap();
    erase(&mut scenario, NUMBER, "2026-03-05 13:00");
    erase(&mut scenario, PSEUDONYM, "2026-03-05 13:01");
    let after = publish(&mut repository, &mut scenario.shard, 2);
    assert_eq!(after.parts.len(), 1);
    let held = bytes_of(directory.path(), &after);
    assert!(!holds(&held, NUMBER) && !holds(&held, PSEUDONYM));
}

/// The image was taken before the erasure and is published after it: it cannot be built upon.
#[test]
fn nor_do_those_behind_a_snapshot_that_was_under_way() {
    let directory = tempfile::tempdir().unwrap();
    let mut repository = repository(directory.path());
    let mut scenario = subject();
    publish(&mut repository, &mut scenario.shard, 1);
    let image = scenario.shard.image();
    erase(&mut scenario, NUMBER, "2026-03-05 13:00");
    repository.begin(SnapshotRequest {
        image,
        manifest: manifest(2),
    });
    let (_, under_way) = wait(|| repository.written());
    let under_way = under_way.unwrap();
    repository.published(&under_way);
    assert!(holds(&bytes_of(directory.path(), &under_way), NUMBER));

    let after = publish(&mut repository, &mut scenario.shard, 3);
    assert_eq!(after.parts.len(), 1);
    assert!(!holds(&bytes_of(directory.path(), &after), NUMBER));
}
