//! Full and incremental parts, what builds upon what, and what is deleted.

use super::{
    GROUP, PARTITION, assert_same, load, manifest, publish, refused, repository, rules, scenario,
    state, wait, write,
};
use crate::support::scenario::{FRIEND, call};
use churnwatch::engine::IMAGE_FORMAT;
use churnwatch::engine::Shard;
use churnwatch::snapshot::{
    SnapshotRepository, SnapshotRequest, StoredPart, earliest_seq, list, open, read, verify,
};
use std::fs;
use std::path::Path;

fn found(directory: &Path) -> Vec<StoredPart> {
    list(&open(directory.to_str().unwrap()).unwrap(), GROUP).unwrap()
}

fn seqs(directory: &Path) -> Vec<u64> {
    found(directory).iter().map(|part| part.seq).collect()
}

#[test]
fn a_chain_loads_as_a_full_snapshot_does() {
    let (chained, full) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut depot_of_chain = repository(chained.path());
    let mut depot_of_full = repository(full.path());
    let mut scenario = scenario(2_000);
    let mut lengths = Vec::new();
    for seq in 1..=10 {
        // A few subscribers of few pages; some that are new.
        for who in [7, 8, 1_500, 2_000 + 40 * seq] {
            let who = format!("139{who:08}");
            scenario.event(&who, &format!("2026-03-05 12:{seq:02}"), call(FRIEND));
        }
        let chain = publish(&mut depot_of_chain, &mut scenario.shard, seq);
        lengths.push(chain.parts.len());
        let first = chain.parts.first().unwrap();
        for part in chain.parts.iter().skip(1) {
            assert!(part.bytes < first.bytes / 2, "{part:?} of {first:?}");
        }

        let whole = write(&mut depot_of_full, &mut scenario.shard, seq).unwrap();
        assert_eq!(whole.parts.len(), 1, "nothing was published to build upon");
        assert_eq!(chain.subscribers, whole.subscribers);
        let mut from_chain = load(&mut repository(chained.path()), &chain).unwrap();
        let mut from_full = load(&mut repository(full.path()), &whole).unwrap();
        assert_same(&mut from_chain, &mut scenario.shard);
        assert_same(&mut from_full, &mut scenario.shard);
    }
    assert_eq!(lengths, [1, 2, 3, 4, 5, 6, 7, 8, 1, 2]);
}

#[test]
fn a_part_is_incremental_only_where_that_is_right() {
    let directory = tempfile::tempdir().unwrap();
    let mut repository = repository(directory.path());
    let mut scenario = scenario(500);
    let parts = |manifest: Result<_, _>| -> usize {
        let manifest: churnwatch::journal::Manifest = manifest.unwrap();
        manifest.parts.len()
    };
    assert_eq!(parts(write(&mut repository, &mut scenario.shard, 1)), 1);
    assert_eq!(
        parts(write(&mut repository, &mut scenario.shard, 2)),
        1,
        "the manifest of the first was never committed"
    );
    let second = publish(&mut repository, &mut scenario.shard, 3);
    assert_eq!(parts(write(&mut repository, &mut scenario.shard, 4)), 2);

    let mut loaded = load(&mut repository, &second).unwrap();
    assert_eq!(
        parts(write(&mut repository, &mut loaded, 5)),
        1,
        "marks are those of another shard"
    );
    publish(&mut repository, &mut loaded, 6);
    repository.forget(PARTITION);
    assert_eq!(parts(write(&mut repository, &mut loaded, 7)), 1);

    publish(&mut repository, &mut loaded, 8);
    let everybody = crate::support::scenario::crowd(500);
    let mut changed = crate::support::scenario::Scenario::new("");
    std::mem::swap(&mut changed.shard, &mut loaded);
    for who in &everybody {
        changed.event(who, "2026-03-05 12:00", call(FRIEND));
    }
    assert_eq!(
        parts(write(&mut repository, &mut changed.shard, 9)),
        1,
        "most pages changed"
    );
}

#[test]
fn a_snapshot_of_the_same_entry_is_written_once() {
    let directory = tempfile::tempdir().unwrap();
    let mut scenario = scenario(300);
    let first = publish(&mut repository(directory.path()), &mut scenario.shard, 5);
    let path = directory.path().join(&first.parts[0].key);
    let bytes = fs::read(&path).unwrap();

    // Another process restored it and wants to write the same again.
    let mut repository = repository(directory.path());
    let mut shard = load(&mut repository, &first).unwrap();
    assert_eq!(publish(&mut repository, &mut shard, 5), first);
    assert_eq!(fs::read(&path).unwrap(), bytes);

    // What is no snapshot any more is written again.
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    let again = publish(&mut repository, &mut shard, 5);
    load(&mut repository, &again).unwrap();
}

#[test]
fn prune_deletes_only_what_it_was_told() {
    let directory = tempfile::tempdir().unwrap();
    let mut repository = repository(directory.path());
    let mut scenario = scenario(300);
    let mut last = publish(&mut repository, &mut scenario.shard, 1);
    for seq in 2..=5 {
        last = publish(&mut repository, &mut scenario.shard, seq);
    }
    assert_eq!(earliest_seq(&last), 1);
    repository.prune(PARTITION, 5);
    assert_eq!(
        seqs(directory.path()),
        [1, 2, 3, 4, 5],
        "the published chain"
    );

    repository.forget(PARTITION);
    let folder = directory.path().join(GROUP).join(PARTITION.to_string());
    let strange = folder.join("readme.txt");
    fs::write(&strange, "not ours").unwrap();
    let other = directory.path().join(GROUP).join("4");
    fs::create_dir(&other).unwrap();
    let key = &last.parts[0].key;
    let name = Path::new(key).file_name().unwrap();
    fs::copy(directory.path().join(key), other.join(name)).unwrap();
    repository.prune(PARTITION, 4);
    let left: Vec<(i32, u64)> = found(directory.path())
        .iter()
        .map(|part| (part.partition, part.seq))
        .collect();
    assert_eq!(left, [(3, 4), (3, 5), (4, 1)]);
    assert!(strange.exists());
}

#[test]
fn uploads_that_a_killed_process_left_are_removed() {
    let directory = tempfile::tempdir().unwrap();
    let mut repository =
        SnapshotRepository::open(directory.path().to_str().unwrap(), GROUP).unwrap();
    let mut scenario = scenario(50);
    let manifest = publish(&mut repository, &mut scenario.shard, 9);
    let object = directory.path().join(&manifest.parts[0].key);
    let staged = |seq: u64| {
        let name = format!("{seq:020}-0000000000000001.part#1");
        object.with_file_name(name)
    };
    fs::write(staged(8), "half of it").unwrap();
    fs::write(staged(10), "under way").unwrap();
    assert_eq!(seqs(directory.path()), [9], "no upload is ever listed");
    repository.prune(PARTITION, 9);
    wait(|| (!staged(8).exists()).then_some(()));
    assert!(staged(10).exists());
    assert!(object.exists());
}

#[test]
fn found_parts_say_what_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!(
        "file://{}",
        directory.path().join("made/on/demand").display()
    );
    // Real threads, and a directory that is made.
    let mut repository = SnapshotRepository::open(&url, GROUP).unwrap();
    let mut scenario = scenario(300);
    publish(&mut repository, &mut scenario.shard, 1);
    let last = publish(&mut repository, &mut scenario.shard, 2);

    let store = open(&url).unwrap();
    let found = list(&store, GROUP).unwrap();
    assert_eq!(found.len(), 2);
    let newest = found.last().unwrap();
    assert_eq!((newest.partition, newest.seq), (PARTITION, 2));
    assert_eq!(newest.writer, manifest(2).writer);
    let bytes = read(&store, &newest.key).unwrap();
    let info = verify(bytes.as_ref()).unwrap();
    assert_eq!((info.version, info.manifest.format), (1, IMAGE_FORMAT));
    assert_eq!(
        info.manifest.subscribers,
        scenario.shard.stats().subscribers
    );
    assert_eq!(info.manifest.parts.len(), 1, "the full part before it");
    assert_eq!(info.bytes, newest.bytes);
    assert!(info.sections >= 3 && info.frames >= 1 && info.raw_bytes > info.bytes);
    // The last part alone leads to the whole snapshot.
    assert_eq!(info.into_snapshot(&newest.key), last);
    assert!(list(&store, "another-group").unwrap().is_empty());
}

#[test]
fn memory_is_shared_within_the_process() {
    let mut scenario = scenario(20);
    let mut one = SnapshotRepository::open("memory:", GROUP).unwrap();
    let mut other = SnapshotRepository::open("memory:", GROUP).unwrap();
    let manifest = publish(&mut one, &mut scenario.shard, 1);
    let mut loaded = load(&mut other, &manifest).unwrap();
    assert_same(&mut loaded, &mut scenario.shard);
}

#[test]
fn a_group_may_have_any_name() {
    let directory = tempfile::tempdir().unwrap();
    let url = directory.path().to_str().unwrap();
    let store = open(url).unwrap();
    let mut scenario = scenario(20);
    for group in ["team a/churn #1", "100%", "客户流失", ".."] {
        let mut repository = SnapshotRepository::open(url, group).unwrap();
        publish(&mut repository, &mut scenario.shard, 1);
        let last = publish(&mut repository, &mut scenario.shard, 2);
        let mut loaded = load(&mut repository, &last).unwrap();
        assert_same(&mut loaded, &mut scenario.shard);

        let seqs = || -> Vec<u64> {
            let found = list(&store, group).unwrap();
            found.iter().map(|part| part.seq).collect()
        };
        assert_eq!(seqs(), [1, 2]);
        read(&store, &last.parts[1].key).unwrap();
        repository.forget(PARTITION);
        repository.prune(PARTITION, 2);
        wait(|| (seqs() == [2]).then_some(()));
    }
}

#[test]
fn results_of_a_lost_partition_are_dropped() {
    let directory = tempfile::tempdir().unwrap();
    let mut repository = repository(directory.path());
    let mut shard = Shard::new(rules());
    let snapshot = publish(&mut repository, &mut shard, 1);
    let image = shard.image();
    repository.begin(SnapshotRequest {
        image,
        manifest: manifest(2),
    });
    repository.load(&snapshot, rules());
    repository.forget(PARTITION);
    assert!(!repository.busy());
    assert!(repository.written().is_none());
    assert!(repository.loaded().is_none());
}

#[test]
fn an_empty_shard_has_a_snapshot_too() {
    let directory = tempfile::tempdir().unwrap();
    let mut repository = repository(directory.path());
    let mut shard = Shard::new(rules());
    let snapshot = publish(&mut repository, &mut shard, 1);
    assert_eq!(snapshot.subscribers, 0);
    let mut loaded = load(&mut repository, &snapshot).unwrap();
    assert_eq!(state(&mut loaded), state(&mut shard));
    let mut without = snapshot;
    without.parts.clear();
    assert!(refused(&mut repository, &without).contains("has no header"));
}

#[test]
fn places_that_cannot_be_are_refused_with_words() {
    let refused = |url: &str| match SnapshotRepository::open(url, GROUP) {
        Ok(_) => panic!("{url}"),
        Err(problem) => problem,
    };
    assert!(refused("gs://bucket/x").contains("cannot be kept in gs"));
    assert!(refused("s3://").contains("no bucket"));
    assert!(refused("file://host/x").contains("write file:///path"));
    assert!(refused("").contains("name a directory"));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    fs::write(&file, "").unwrap();
    let below = file.join("below");
    assert!(refused(below.to_str().unwrap()).contains("cannot be made"));
    let missing = directory.path().join("missing");
    let problem = open(missing.to_str().unwrap()).unwrap_err();
    assert!(problem.ends_with("there is no such directory"), "{problem}");
}

/// A little more of the same life.
pub fn later(scenario: &mut crate::support::scenario::Scenario) {
    for who in [7, 8, 150] {
        scenario.event(&format!("139{who:08}"), "2026-03-05 12:00", call(FRIEND));
    }
}
