//! Parts that earlier versions wrote. Every version of the container and of the image keeps a specimen here for ever.

use super::{assert_same, load, publish, repository, scenario};
use churnwatch::engine::IMAGE_FORMAT;
use churnwatch::snapshot::verify;
use std::fs;
use std::path::Path;
use tempfile::TempDir;

/// Container 1, images 1 to 6, `scenario(40)` as it was then.
const OLDER: [(u16, &str); 6] = [
    (1, "tests/golden/snapshot-v1.part"),
    (2, "tests/golden/snapshot-v2.part"),
    (3, "tests/golden/snapshot-v3.part"),
    (4, "tests/golden/snapshot-v4.part"),
    (5, "tests/golden/snapshot-v5.part"),
    (6, "tests/golden/snapshot-v6.part"),
];
/// Container 1, image 7, `scenario(40)`. `UPDATE_GOLDEN=1` writes it only where there is none.
const NOW: &str = "tests/golden/snapshot-v7.part";

const KEY: &str = "churnwatch/3/00000000000000000001-0123456789abcdef.part";

fn golden() -> Vec<u8> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(NOW);
    if std::env::var_os("UPDATE_GOLDEN").is_some() && !golden.exists() {
        let directory = tempfile::tempdir().unwrap();
        let mut repository = repository(directory.path());
        let written = publish(&mut repository, &mut scenario(40).shard, 1);
        fs::copy(directory.path().join(&written.parts[0].key), &golden).unwrap();
    }
    fs::read(golden).unwrap()
}

/// A directory with a part where its manifest says.
fn directory_with(part: &[u8]) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(KEY);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, part).unwrap();
    directory
}

#[test]
fn a_snapshot_of_an_older_format_of_images_is_whole_and_cannot_be_read() {
    for (format, path) in OLDER {
        let part = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
        let info = verify(&part).unwrap();
        assert_eq!((info.version, info.manifest.format), (1, format));
        let directory = directory_with(&part);
        let mut repository = repository(directory.path());
        let problem = load(&mut repository, &info.into_snapshot(KEY))
            .err()
            .unwrap();
        let expected = format!("image format {format} is not known");
        assert!(problem.contains(&expected), "{problem}");
    }
}

#[test]
fn upgrade_from_older_snapshot() {
    let part = golden();
    let directory = directory_with(&part);
    let info = verify(&part).unwrap();
    assert_eq!((info.version, info.manifest.format), (1, IMAGE_FORMAT));
    let manifest = info.into_snapshot(KEY);
    let mut repository = repository(directory.path());
    let mut loaded = load(&mut repository, &manifest).unwrap();
    assert_eq!(loaded.fingerprint(), 8_516_665_240_120_965_506);
    assert_eq!(loaded.stats().subscribers, 40);
    assert_eq!(loaded.stats().open_tasks, 6);

    // What was loaded is written and loaded as of today.
    let today = publish(&mut repository, &mut loaded, 2);
    let mut again = load(&mut repository, &today).unwrap();
    assert_same(&mut again, &mut loaded);
}
