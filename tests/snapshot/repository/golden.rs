//! Parts that earlier versions wrote. Every version of the container and of the image keeps a specimen here for ever.

use super::{assert_same, load, publish, repository, scenario};
use churnwatch::engine::IMAGE_FORMAT;
use churnwatch::snapshot::verify;
use std::fs;
use std::path::Path;

/// Container 1, image 2, `scenario(40)`. `UPDATE_GOLDEN=1` writes it only where there is none.
const V1: &str = "tests/golden/snapshot-v1.part";

fn golden() -> Vec<u8> {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join(V1);
    if std::env::var_os("UPDATE_GOLDEN").is_some() && !golden.exists() {
        let directory = tempfile::tempdir().unwrap();
        let mut repository = repository(directory.path());
        let written = publish(&mut repository, &mut scenario(40).shard, 1);
        fs::copy(directory.path().join(&written.parts[0].key), &golden).unwrap();
    }
    fs::read(golden).unwrap()
}

#[test]
fn upgrade_from_older_snapshot() {
    let key = "churnwatch/3/00000000000000000001-0123456789abcdef.part";
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join(key);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let v1 = golden();
    fs::write(path, &v1).unwrap();

    let info = verify(&v1).unwrap();
    assert_eq!((info.version, info.manifest.format), (1, IMAGE_FORMAT));
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
