//! Stores that fail while a snapshot is written.

use super::{
    GROUP, again, assert_same, at_once, load, manifest, place, publish, repository, scenario, write,
};
use churnwatch::snapshot::{SnapshotRepository, list, open};
use futures_util::stream::BoxStream;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::io;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A directory whose files reach the disk, but whose flush is answered with an error while `failing` is set.
#[derive(Debug)]
struct Unflushed {
    inner: Arc<dyn ObjectStore>,
    failing: Arc<AtomicBool>,
}

impl std::fmt::Display for Unflushed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Unflushed({})", self.inner)
    }
}

#[async_trait::async_trait]
impl ObjectStore for Unflushed {
    async fn put_opts(&self, key: &Path, body: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let put = self.inner.put_opts(key, body, opts).await?;
        if self.failing.load(Ordering::Relaxed) {
            return Err(object_store::Error::Generic {
                store: "LocalFileSystem",
                // EIO, as fsync gives it.
                source: Box::new(io::Error::from_raw_os_error(5)),
            });
        }
        Ok(put)
    }

    async fn put_multipart_opts(
        &self,
        key: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(key, opts).await
    }

    async fn get_opts(&self, key: &Path, opts: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(key, opts).await
    }

    fn delete_stream(
        &self,
        keys: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(keys)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, opts: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, opts).await
    }
}

#[test]
fn fsync_error() {
    let directory = tempfile::tempdir().unwrap();
    let failing = Arc::new(AtomicBool::new(false));
    let store = Unflushed {
        inner: open(directory.path().to_str().unwrap()).unwrap(),
        failing: failing.clone(),
    };
    let mut repository = SnapshotRepository::new(Arc::new(store), GROUP, at_once());
    let mut scenario = scenario(1_000);
    let first = publish(&mut repository, &mut scenario.shard, 1);
    let mut then = load(&mut super::repository(directory.path()), &first).unwrap();

    failing.store(true, Ordering::Relaxed);
    super::chain::later(&mut scenario);
    let problem = write(&mut repository, &mut scenario.shard, 2).unwrap_err();
    assert!(problem.contains("Input/output error"), "{problem}");
    assert!(
        problem.contains("00000000000000000002-0123456789abcdef.part"),
        "{problem}"
    );
    assert!(
        problem.ends_with("the one before it stays in use"),
        "{problem}"
    );
    let mut loaded = load(&mut super::repository(directory.path()), &first).unwrap();
    assert_same(&mut loaded, &mut then);

    // The next one does not build upon what may not be there.
    failing.store(false, Ordering::Relaxed);
    let next = publish(&mut repository, &mut scenario.shard, 3);
    assert_eq!(next.parts[0], first.parts[0]);
    assert_eq!(next.parts.len(), 2);
    let mut loaded = load(&mut super::repository(directory.path()), &next).unwrap();
    assert_same(&mut loaded, &mut scenario.shard);
}

/// A real file system that takes no more: the process may write files of 20 KiB at most.
#[test]
fn snapshot_disk_full() {
    if let Some(place) = place() {
        write_where_nothing_fits(std::path::Path::new(&place));
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let first = publish(
        &mut repository(directory.path()),
        &mut scenario(20).shard,
        1,
    );
    assert!(first.parts[0].bytes < 20 << 10);

    let test = again(
        "repository::faults::snapshot_disk_full",
        directory.path().to_str().unwrap(),
    );
    let mut limited = Command::new("sh");
    // A write beyond the limit is to be an error, and no signal that ends the process.
    limited.args(["-c", "trap '' XFSZ; ulimit -f 40; exec \"$0\" \"$@\""]);
    limited.arg(test.get_program()).args(test.get_args());
    limited.envs(
        test.get_envs()
            .filter_map(|(key, value)| Some((key, value?))),
    );
    let output = limited.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("refused as it should be"), "{said}");

    let store = open(directory.path().to_str().unwrap()).unwrap();
    let found = list(&store, GROUP).unwrap();
    assert_eq!(found.len(), 1, "half a part is no part: {found:?}");
    let mut loaded = load(&mut repository(directory.path()), &first).unwrap();
    assert_same(&mut loaded, &mut scenario(20).shard);
    // With space again, it is written.
    publish(
        &mut repository(directory.path()),
        &mut scenario(2_000).shard,
        2,
    );
}

fn write_where_nothing_fits(directory: &std::path::Path) {
    let mut repository = repository(directory);
    let mut scenario = scenario(2_000);
    // Once in one piece, once as an upload in several.
    for padding in [0, 9 << 20] {
        let mut manifest = manifest(2);
        manifest.epoch.ruleset = "#".repeat(padding);
        let image = scenario.shard.image();
        repository.begin(churnwatch::snapshot::SnapshotRequest { image, manifest });
        let (_, written) = repository.written().unwrap();
        let problem = written.unwrap_err();
        assert!(problem.contains("File too large"), "{problem}");
        assert!(
            problem.ends_with("the one before it stays in use"),
            "{problem}"
        );
    }
    println!("refused as it should be");
}
