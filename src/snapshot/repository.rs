use super::jobs;
use super::store::{self, Location};
use crate::engine::{Image, PageEpoch, Rules, Shard};
use crate::journal::Manifest;
use object_store::ObjectStore;
use object_store::path::Path;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;

/// Runs a job beside the worker: on a thread in the real program, from a queue in a simulation.
pub type Spawn = Arc<dyn Fn(Box<dyn FnOnce() + Send>) + Send + Sync>;

/// A chain has at most this many parts, so that a restore does not read much more than the state's size.
const PARTS_MAX: usize = 8;
/// With more pages changed than this share, a full part costs little more and starts a new chain.
const CHANGED_MAX: f64 = 0.5;

/// A snapshot to be written.
pub struct SnapshotRequest {
    /// The state.
    pub image: Image,
    /// What the snapshot is of. The repository fills in `parts`, `format` and `subscribers`.
    pub manifest: Manifest,
}

/// Writes and loads the snapshots of a worker's partitions in the background. No method waits. Dropping a repository leaves
/// the jobs under way to end by themselves; nobody learns of their results.
pub struct SnapshotRepository {
    location: Location,
    spawn: Spawn,
    writes: Vec<PendingWrite>,
    loads: Vec<PendingLoad>,
    /// By partition, the last snapshot written, until its manifest is committed.
    candidates: BTreeMap<i32, ParentSnapshot>,
    /// By partition, the last snapshot whose manifest is committed.
    parents: BTreeMap<i32, ParentSnapshot>,
}

struct PendingWrite {
    partition: i32,
    epoch: PageEpoch,
    result: Receiver<Result<Manifest, String>>,
}

struct PendingLoad {
    manifest: Manifest,
    result: Receiver<Result<Shard, String>>,
}

/// A snapshot that another can build upon.
struct ParentSnapshot {
    manifest: Manifest,
    /// When its image was taken, unless the shard has been replaced since.
    epoch: Option<PageEpoch>,
}

impl SnapshotRepository {
    /// A repository for the snapshots of a consumer group, in the store that a URL names: a directory (made if it is
    /// missing), plain or as `file:`; `s3://bucket/prefix`, with `AWS_*` from the environment; or `memory:`. Every job
    /// gets a thread.
    ///
    /// # Errors
    /// What is wrong with the URL, the directory or the environment, and what to do.
    pub fn open(url: &str, group: &str) -> Result<Self, String> {
        let spawn: Spawn = Arc::new(|job| {
            let started = thread::Builder::new()
                .name("snapshot".to_owned())
                .spawn(job);
            if let Err(error) = started {
                // The job's channel closes with it; that is how the repository learns of it.
                tracing::error!(%error, "no thread for a snapshot");
            }
        });
        Ok(Self::at(store::location(url, group)?, spawn))
    }

    /// A repository in any store; `spawn` decides how jobs run. Objects are named `<prefix>/<partition>/...`.
    pub fn new(store: Arc<dyn ObjectStore>, prefix: &str, spawn: Spawn) -> Self {
        let location = Location {
            name: store.to_string(),
            store,
            prefix: Path::from_iter([prefix]),
            directory: None,
        };
        Self::at(location, spawn)
    }

    fn at(location: Location, spawn: Spawn) -> Self {
        Self {
            location,
            spawn,
            writes: Vec::new(),
            loads: Vec::new(),
            candidates: BTreeMap::new(),
            parents: BTreeMap::new(),
        }
    }

    /// Whether a snapshot is being written.
    pub fn busy(&self) -> bool {
        !self.writes.is_empty()
    }

    /// Starts to write a snapshot. It is incremental if the partition's last published one was made of the same shard by
    /// this repository, less than half of the pages changed since, and its chain is short enough; otherwise full.
    pub fn begin(&mut self, request: SnapshotRequest) {
        let SnapshotRequest {
            image,
            mut manifest,
        } = request;
        let partition = manifest.partition;
        let epoch = image.epoch();
        let parent = self.parents.get(&partition).and_then(|parent| {
            let since = parent.epoch?;
            let worthwhile = parent.manifest.parts.len() < PARTS_MAX
                && image.changed_since(since) < CHANGED_MAX
                && parent.manifest.seq < manifest.seq;
            worthwhile.then(|| (since, parent.manifest.parts.clone()))
        });
        let since = parent.as_ref().map(|(since, _)| *since);
        manifest.parts = parent.map(|(_, parts)| parts).unwrap_or_default();
        let (sender, result) = channel();
        let location = self.location.clone();
        (self.spawn)(Box::new(move || {
            // Nobody listens any more if the partition was lost.
            let _ = sender.send(jobs::write(&location, image, since, manifest));
        }));
        self.writes.push(PendingWrite {
            partition,
            epoch,
            result,
        });
    }

    /// The result of a write that ended, if there is one: its partition, and the manifest to be published or what went
    /// wrong. An error says what happens next.
    pub fn written(&mut self) -> Option<(i32, Result<Manifest, String>)> {
        let (index, result) = first(&self.writes, |write| &write.result)?;
        let write = self.writes.swap_remove(index);
        let result = result.and_then(|result| result);
        if let Ok(manifest) = &result {
            let candidate = ParentSnapshot {
                manifest: manifest.clone(),
                epoch: Some(write.epoch),
            };
            self.candidates.insert(write.partition, candidate);
        }
        Some((write.partition, result))
    }

    /// The journal's record of a snapshot is committed: later ones may build upon it.
    pub fn published(&mut self, manifest: &Manifest) {
        let partition = manifest.partition;
        let candidate = self.candidates.remove(&partition);
        let same = |parent: &ParentSnapshot| parent.manifest.parts == manifest.parts;
        if let Some(candidate) = candidate.filter(same) {
            self.parents.insert(partition, candidate);
        }
    }

    /// Starts to load and verify the shard of a snapshot, under rules.
    pub fn load(&mut self, manifest: &Manifest, rules: Arc<Rules>) {
        self.forget(manifest.partition);
        let (sender, result) = channel();
        let (location, manifest) = (self.location.clone(), manifest.clone());
        self.loads.push(PendingLoad {
            manifest: manifest.clone(),
            result,
        });
        (self.spawn)(Box::new(move || {
            let _ = sender.send(jobs::load(&location, &manifest, rules));
        }));
    }

    /// The result of a load that ended, if there is one: its partition, and the shard or what is wrong with the
    /// snapshot.
    pub fn loaded(&mut self) -> Option<(i32, Result<Shard, String>)> {
        let (index, result) = first(&self.loads, |load| &load.result)?;
        let manifest = self.loads.swap_remove(index).manifest;
        let partition = manifest.partition;
        let result = result.and_then(|result| result);
        if result.is_ok() {
            // No later snapshot may build upon it, because the loaded shard counts all pages as changed; but it must
            // not be pruned either.
            let parent = ParentSnapshot {
                manifest,
                epoch: None,
            };
            self.parents.insert(partition, parent);
        }
        Some((partition, result))
    }

    /// Starts to delete the parts of a partition with a seq below `before_seq`, which nobody needs any more; see
    /// [`earliest_seq`](super::earliest_seq). Parts of the last published snapshot always stay. Only space is at stake,
    /// so a failure is just logged.
    pub fn prune(&mut self, partition: i32, before_seq: u64) {
        let parents = [
            self.parents.get(&partition),
            self.candidates.get(&partition),
        ];
        let parts = parents
            .into_iter()
            .flatten()
            .flat_map(|parent| &parent.manifest.parts);
        let keep: Vec<String> = parts.map(|part| part.key.clone()).collect();
        let location = self.location.clone();
        (self.spawn)(Box::new(move || {
            jobs::prune(&location, partition, before_seq, &keep);
        }));
    }

    /// The partition was lost, or its shard replaced: what is known of it is dropped, and so are results under way.
    pub fn forget(&mut self, partition: i32) {
        self.parents.remove(&partition);
        self.candidates.remove(&partition);
        self.writes.retain(|write| write.partition != partition);
        self.loads
            .retain(|load| load.manifest.partition != partition);
    }
}

/// The first job of some that has ended, and its result; an error if it ended without one.
fn first<J, T>(
    jobs: &[J],
    result: impl Fn(&J) -> &Receiver<T>,
) -> Option<(usize, Result<T, String>)> {
    let mut ended = jobs.iter().enumerate().filter_map(|(index, job)| {
        let result = match result(job).try_recv() {
            Ok(result) => Ok(result),
            Err(TryRecvError::Disconnected) => {
                Err("the job for a snapshot ended without a result; the log may say why".to_owned())
            }
            Err(TryRecvError::Empty) => return None,
        };
        Some((index, result))
    });
    ended.next()
}
