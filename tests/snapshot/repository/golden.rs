//! Parts that earlier versions wrote. Every version of the container and of the image keeps a specimen here for ever.

use super::{assert_same, load, publish, repository};
use churnwatch::snapshot::verify;
use std::fs;

/// Written by the first version: container 1, image 1, `town(40)`.
const V1: &[u8] = include_bytes!("../../golden/snapshot-v1.part");

#[test]
fn upgrade_from_older_snapshot() {
    let key = "churnwatch/3/00000000000000000001-0123456789abcdef.part";
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(key);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, V1).unwrap();

    let info = verify(V1).unwrap();
    assert_eq!((info.version, info.manifest.format), (1, 1));
    let manifest = info.into_snapshot(key);
    let mut repository = repository(directory.path());
    let mut loaded = load(&mut repository, &manifest).unwrap();
    assert_eq!(loaded.fingerprint(), 17_337_943_199_259_796_624);
    assert_eq!(loaded.stats().subscribers, 40);
    assert_eq!(loaded.stats().open_tasks, 6);

    // What was loaded is written and loaded as of today.
    let today = publish(&mut repository, &mut loaded, 2);
    let mut again = load(&mut repository, &today).unwrap();
    assert_same(&mut again, &mut loaded);
}
