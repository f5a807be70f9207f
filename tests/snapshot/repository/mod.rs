//! Snapshots on real file systems and over HTTP: what was written is what is loaded, and nothing else ever is.

mod chain;
mod damage;
mod erase;
mod faults;
mod golden;
mod s3;

use crate::support::scenario::{HOTLINE, Scenario, call, crowd, days, invoice, profile, usual};
use churnwatch::engine::{Rules, Section, Shard};
use churnwatch::journal::{Epoch, Manifest};
use churnwatch::snapshot::{SnapshotRepository, SnapshotRequest, Spawn};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

const GROUP: &str = "churnwatch";
const PARTITION: i32 = 3;

/// A scenario with some history: windows, accounts, open tasks.
fn scenario(people: usize) -> Scenario {
    let mut scenario = Scenario::new("");
    let crowd = crowd(people);
    scenario.live(&crowd, days("2026-03-01", "2026-03-04"), |who, day| {
        usual(who, day) % 4
    });
    for who in crowd.iter().step_by(7) {
        scenario.event(who, "2026-03-05 09:00", call(HOTLINE));
        scenario.event(who, "2026-03-05 09:10", profile(|_| {}));
        let bill = invoice("2026-02-01", "2026-03-20", 88);
        scenario.event(who, "2026-03-05 09:20", bill);
    }
    scenario
}

fn rules() -> Arc<Rules> {
    crate::support::rules::rules(&["window.clock = \"event\""]).0
}

/// A manifest as a worker hands it to the depot.
fn manifest(seq: u64) -> Manifest {
    Manifest {
        format: 0,
        partition: PARTITION,
        seq,
        writer: 0x0123_4567_89ab_cdef,
        journal_from: 2 * seq as i64,
        next_offsets: vec![1_000, 20],
        epoch: Epoch {
            group: GROUP.to_owned(),
            engine: 1,
            ruleset_id: 7,
            ruleset: "[window]\nclock = \"event\"\n".to_owned(),
            topics: vec!["telco.cdr".to_owned(), "telco.billing".to_owned()],
        },
        taken_ms: 1_790_000_000_000,
        subscribers: 0,
        parts: Vec::new(),
    }
}

/// Runs jobs at once, so that their results are there when `begin` and `load` return.
fn at_once() -> Spawn {
    Arc::new(|job| job())
}

/// A depot in a directory, whose jobs run at once.
fn repository(directory: &std::path::Path) -> SnapshotRepository {
    let url = directory.to_str().unwrap();
    SnapshotRepository::new(churnwatch::snapshot::open(url).unwrap(), GROUP, at_once())
}

/// Waits for what a depot is about to tell.
fn wait<T>(mut ask: impl FnMut() -> Option<T>) -> T {
    for _ in 0..300_000 {
        if let Some(told) = ask() {
            return told;
        }
        std::thread::park_timeout(Duration::from_millis(1));
    }
    panic!("the depot tells nothing");
}

/// Writes a snapshot, without publishing it.
fn write(
    repository: &mut SnapshotRepository,
    shard: &mut Shard,
    seq: u64,
) -> Result<Manifest, String> {
    let image = shard.image();
    let manifest = manifest(seq);
    repository.begin(SnapshotRequest { image, manifest });
    assert!(repository.busy());
    let (partition, written) = wait(|| repository.written());
    assert_eq!(partition, PARTITION);
    assert!(!repository.busy());
    written
}

/// Writes a snapshot and publishes it.
fn publish(repository: &mut SnapshotRepository, shard: &mut Shard, seq: u64) -> Manifest {
    let manifest = write(repository, shard, seq).unwrap();
    repository.published(&manifest);
    manifest
}

fn load(repository: &mut SnapshotRepository, manifest: &Manifest) -> Result<Shard, String> {
    repository.load(manifest, rules());
    let (partition, loaded) = wait(|| repository.loaded());
    assert_eq!(partition, manifest.partition);
    loaded
}

/// What is wrong with a snapshot.
fn refused(repository: &mut SnapshotRepository, manifest: &Manifest) -> String {
    match load(repository, manifest) {
        Ok(_) => panic!("a snapshot was loaded that should not have been"),
        Err(problem) => problem,
    }
}

/// Everything a shard knows.
fn state(shard: &mut Shard) -> Vec<Section> {
    shard.image().sections(None).collect()
}

fn assert_same(one: &mut Shard, other: &mut Shard) {
    assert_eq!(one.fingerprint(), other.fingerprint());
    assert!(state(one) == state(other), "the shards differ");
}

/// A test of this file again, in a process of its own in which [`place`] is known.
fn again(test: &str, place: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]);
    command.env("CHURNWATCH_TEST_PLACE", place);
    command
}

fn place() -> Option<String> {
    std::env::var("CHURNWATCH_TEST_PLACE").ok()
}
