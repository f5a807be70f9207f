//! Bytes that are not as they were written.

use super::{GROUP, PARTITION, assert_same, load, publish, refused, repository, scenario};
use churnwatch::engine::IMAGE_FORMAT;
use churnwatch::journal::Manifest;
use churnwatch::snapshot::{PartError, SnapshotRepository, verify};
use proptest::prelude::*;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;
use tempfile::TempDir;
use xxhash_rust::xxh3::xxh3_64;

const TRAILER: usize = 28;

/// A snapshot in a directory, and its only part.
struct Specimen {
    directory: TempDir,
    manifest: Manifest,
    bytes: Vec<u8>,
}

impl Specimen {
    fn new(people: usize) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut scenario = scenario(people);
        let manifest = publish(&mut repository(directory.path()), &mut scenario.shard, 1);
        let bytes = fs::read(directory.path().join(&manifest.parts[0].key)).unwrap();
        Self {
            directory,
            manifest,
            bytes,
        }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join(&self.manifest.parts[0].key)
    }

    /// What the depot says of other bytes in the part's place.
    fn refused(&self, repository: &mut SnapshotRepository, bytes: &[u8]) -> String {
        fs::write(self.path(), bytes).unwrap();
        refused(repository, &self.manifest)
    }

    /// The same if the manifest too states these bytes.
    fn load_as_stated(&self, bytes: &[u8]) -> Result<churnwatch::engine::Shard, String> {
        let directory = tempfile::tempdir().unwrap();
        let mut manifest = self.manifest.clone();
        let part = &mut manifest.parts[0];
        (part.bytes, part.digest) = (bytes.len() as u64, xxh3_64(bytes));
        let path = directory.path().join(&part.key);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        load(&mut repository(directory.path()), &manifest)
    }
}

fn number(bytes: &[u8], at: usize) -> usize {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize
}

/// Where the frames begin, and where the last one ends.
pub fn edges(bytes: &[u8]) -> Vec<usize> {
    let mut edges = vec![10 + number(bytes, 6) + 8];
    loop {
        let at = *edges.last().unwrap();
        if at == bytes.len() - TRAILER {
            return edges;
        }
        edges.push(at + 16 + number(bytes, at + 4));
    }
}

/// Makes every checksum right again after a change that left the lengths as they were.
fn reseal(bytes: &mut [u8], edges: &[usize]) {
    let header = xxh3_64(&bytes[10..edges[0] - 8]);
    bytes[edges[0] - 8..edges[0]].copy_from_slice(&header.to_le_bytes());
    for frame in edges.windows(2) {
        let digest = xxh3_64(&bytes[frame[0] + 16..frame[1]]);
        bytes[frame[0] + 8..frame[0] + 16].copy_from_slice(&digest.to_le_bytes());
    }
    let end = bytes.len() - TRAILER;
    let all = xxh3_64(&bytes[..end]);
    bytes[end + 8..end + 16].copy_from_slice(&all.to_le_bytes());
    let own = xxh3_64(&bytes[end..end + 16]);
    bytes[end + 16..end + 24].copy_from_slice(&own.to_le_bytes());
}

#[test]
fn snapshot_torn() {
    let specimen = Specimen::new(3_000);
    let bytes = &specimen.bytes;
    let edges = edges(bytes);
    assert!(edges.len() > 3, "{edges:?}");
    let mut repository = repository(specimen.directory.path());
    let around = |edge: &usize| (edge.saturating_sub(2)..=edge + 2).chain([edge + 10, edge + 16]);
    let mut lengths: Vec<usize> = edges.iter().flat_map(around).collect();
    lengths.extend([0, 1, 4, 6, 10, 11, bytes.len() / 2, bytes.len() - 1]);
    for length in lengths.into_iter().filter(|length| *length < bytes.len()) {
        let torn = &bytes[..length];
        assert!(verify(torn).is_err(), "{length}");
        let problem = specimen.refused(&mut repository, torn);
        assert!(
            problem.contains(&specimen.manifest.parts[0].key),
            "{problem}"
        );
        assert!(problem.contains("its manifest states"), "{problem}");
        // Even if the manifest were of the torn part.
        assert!(specimen.load_as_stated(torn).is_err(), "{length}");
    }
    // Whole again, it is good again; with something behind it, it is not.
    let longer = [bytes, &b"x"[..]].concat();
    assert!(verify(&longer).is_err());
    specimen.refused(&mut repository, &longer);
    fs::write(specimen.path(), bytes).unwrap();
    let mut loaded = load(&mut repository, &specimen.manifest).unwrap();
    assert_same(&mut loaded, &mut scenario(3_000).shard);
}

#[test]
fn snapshot_bitflip() {
    let specimen = Specimen::new(3_000);
    let bytes = &specimen.bytes;
    let edges = edges(bytes);
    let mut places: Vec<usize> = (0..edges[0]).collect();
    places.extend(bytes.len() - TRAILER..bytes.len());
    for frame in edges.windows(2) {
        places.extend(frame[0]..frame[0] + 20);
        places.extend([(frame[0] + frame[1]) / 2, frame[1] - 1]);
    }
    for (count, at) in places.into_iter().enumerate() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (count % 8);
        assert!(verify(&flipped).is_err(), "byte {at}");
        if count % 16 == 0 {
            // Even if the manifest were of the flipped part.
            assert!(specimen.load_as_stated(&flipped).is_err(), "byte {at}");
        }
    }
    let mut repository = repository(specimen.directory.path());
    let mut flipped = bytes.clone();
    flipped[edges[1] + 40] ^= 1;
    let problem = specimen.refused(&mut repository, &flipped);
    assert!(problem.contains("is damaged"), "{problem}");
}

/// A part of another snapshot in a part's place is whole, but not the one.
#[test]
fn parts_are_not_taken_for_each_other() {
    let directory = tempfile::tempdir().unwrap();
    let mut repository = repository(directory.path());
    let mut scenario = scenario(500);
    let chain = [1, 2, 3].map(|seq| publish(&mut repository, &mut scenario.shard, seq));
    let [_, second, third] = &chain;
    assert_eq!(third.parts.len(), 3);

    let mut without_middle = third.clone();
    without_middle.parts.remove(1);
    let problem = refused(&mut repository, &without_middle);
    assert!(problem.contains("does not follow the parts"), "{problem}");

    let mut early_end = third.clone();
    early_end.parts.pop();
    let problem = refused(&mut repository, &early_end);
    assert!(problem.contains("does not follow the parts"), "{problem}");
    load(&mut repository, second).unwrap();

    let mut of_another = second.clone();
    of_another.partition = PARTITION + 1;
    let problem = refused(&mut repository, &of_another);
    assert!(problem.contains("belongs to partition 3"), "{problem}");

    let mut swapped = second.clone();
    fs::copy(
        directory.path().join(&second.parts[1].key),
        directory.path().join(&second.parts[0].key),
    )
    .unwrap();
    swapped.parts[0].bytes = second.parts[1].bytes;
    let problem = refused(&mut repository, &swapped);
    assert!(problem.contains("its digest differs"), "{problem}");

    fs::remove_file(directory.path().join(&third.parts[2].key)).unwrap();
    let problem = refused(&mut repository, third);
    assert!(problem.contains("its manifest states") || problem.contains("no such object"));
}

#[test]
fn snapshot_newer_is_refused() {
    let specimen = Specimen::new(20);
    let mut newer = specimen.bytes.clone();
    newer[4] = 2;
    let edges = edges(&newer);
    reseal(&mut newer, &edges);
    assert_eq!(verify(&newer), Err(PartError::Newer(2)));
    let problem = specimen.load_as_stated(&newer).err().unwrap();
    assert!(
        problem.contains("newer version of churnwatch (snapshot version 2, this program reads 1)"),
        "{problem}"
    );
    assert!(problem.contains("run that version"), "{problem}");

    let mut manifest = specimen.manifest.clone();
    manifest.format = 9;
    let problem = refused(&mut repository(specimen.directory.path()), &manifest);
    assert!(
        problem.contains(&format!(
            "image format 9, this program reads {IMAGE_FORMAT}"
        )),
        "{problem}"
    );
}

#[test]
fn snapshot_foreign() {
    let specimen = Specimen::new(20);
    let text = b"subscriber,month,calls\n1,2026-03,4\n";
    assert_eq!(verify(text), Err(PartError::Foreign));
    assert_eq!(verify(b""), Err(PartError::Foreign));
    let problem = specimen.load_as_stated(text).err().unwrap();
    assert!(problem.contains("is no churnwatch snapshot"), "{problem}");

    // Another group's snapshot, although it is a good one.
    let mut manifest = specimen.manifest.clone();
    manifest.epoch.group = "another".to_owned();
    let problem = refused(&mut repository(specimen.directory.path()), &manifest);
    let whose = format!("belongs to partition {PARTITION} of group {GROUP}");
    assert!(problem.contains(&whose), "{problem}");
}

static SMALL: LazyLock<Specimen> = LazyLock::new(|| Specimen::new(150));

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_change_is_noticed(
        changes in prop::collection::vec((any::<prop::sample::Index>(), 1..=255u8), 1..6),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let mut bytes = SMALL.bytes.clone();
        for (index, change) in changes {
            let at = index.index(bytes.len());
            bytes[at] ^= change;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        prop_assume!(bytes != SMALL.bytes);
        prop_assert!(verify(&bytes).is_err());
    }

    /// With checksums made right again the changes reach zstd, the sections and the engine: any answer will do.
    #[test]
    fn lies_with_right_checksums_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        lengths_too: bool,
    ) {
        let mut bytes = SMALL.bytes.clone();
        let edges = edges(&bytes);
        for (index, byte) in changes {
            let body = bytes.len() - TRAILER - 10;
            let mut at = 10 + index.index(body);
            if lengths_too {
                at = *edges.iter().min_by_key(|edge| edge.abs_diff(at)).unwrap() + at % 8;
            }
            bytes[at] = byte;
        }
        reseal(&mut bytes, &edges);
        let _ = verify(&bytes);
        let _ = SMALL.load_as_stated(&bytes);
    }

    /// Changes of the sections themselves, compressed again.
    #[test]
    fn lies_in_the_sections_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let edges = edges(&SMALL.bytes);
        let (start, end) = (edges[0], edges[1]);
        let mut raw = zstd::bulk::decompress(&SMALL.bytes[start + 16..end], 1 << 24).unwrap();
        for (index, byte) in changes {
            let at = index.index(raw.len());
            raw[at] = byte;
        }
        let compressed = zstd::bulk::compress(&raw, 1).unwrap();
        let mut bytes = SMALL.bytes[..start + 4].to_vec();
        bytes.extend((compressed.len() as u32).to_le_bytes());
        bytes.extend([0; 8]);
        bytes.extend(compressed);
        let mut edges_now = vec![start, bytes.len()];
        let moved = bytes.len() as isize - end as isize;
        edges_now.extend(edges[2..].iter().map(|edge| edge.strict_add_signed(moved)));
        bytes.extend(&SMALL.bytes[end..]);
        reseal(&mut bytes, &edges_now);
        let _ = verify(&bytes);
        let _ = SMALL.load_as_stated(&bytes);
    }
}

#[test]
fn a_part_names_no_path_outside() {
    let specimen = Specimen::new(20);
    let mut manifest = specimen.manifest.clone();
    manifest.parts[0].key = "../../etc/passwd".to_owned();
    let problem = refused(&mut repository(specimen.directory.path()), &manifest);
    assert!(
        problem.contains("../../etc/passwd cannot be read"),
        "{problem}"
    );
}
