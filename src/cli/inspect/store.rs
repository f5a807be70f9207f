use crate::cli::failure::Failure;
use crate::config::Config;
use crate::engine::{Rules, Shard};
use crate::journal::Manifest;
use crate::snapshot::{self, PartInfo, SnapshotRepository, Spawn, StoredPart};
use object_store::ObjectStore;
use std::sync::Arc;

/// The snapshots of one consumer group, read only.
pub struct Store {
    objects: Arc<dyn ObjectStore>,
    url: String,
    group: String,
}

impl Store {
    /// The store of a configuration. A directory that is not there is an error and is not made.
    pub fn open(config: &Config) -> Result<Self, Failure> {
        let url = config.state.snapshots.clone();
        if url == "memory:" {
            return Err(Failure::Failed(
                "state.snapshots is memory:, which ends with its process; name a directory or an s3:// URL to keep \
                 snapshots"
                    .to_owned(),
            ));
        }
        let objects = snapshot::open(&url).map_err(|problem| {
            Failure::Failed(format!(
                "state.snapshots: {problem}; nothing was ever written there, or the path is meant from another \
                 working directory"
            ))
        })?;
        Ok(Self {
            objects,
            url,
            group: config.kafka.group.clone(),
        })
    }

    /// As a message names it.
    pub fn name(&self) -> String {
        format!("{} of group {}", self.url, self.group)
    }

    /// Every part, by partition, seq and writer; of one partition only, if it is stated.
    pub fn list(&self, partition: Option<i32>) -> Result<Vec<StoredPart>, Failure> {
        let found = snapshot::list(&self.objects, &self.group);
        let mut found = found.map_err(|problem| {
            Failure::Failed(format!("state.snapshots: {}: {problem}", self.url))
        })?;
        found.retain(|part| partition.is_none_or(|partition| part.partition == partition));
        Ok(found)
    }

    /// Reads a part and verifies every checksum; nothing if it has been deleted since it was listed, as parts are that
    /// nobody needs any more.
    pub fn verify(&self, part: &StoredPart) -> Result<Option<Result<PartInfo, String>>, Failure> {
        let bytes = match snapshot::read(&self.objects, &part.key) {
            Ok(bytes) => bytes,
            Err(problem) => {
                let there = self.list(Some(part.partition))?.contains(part);
                return Ok(there.then(|| Err(format!("cannot be read: {problem}"))));
            }
        };
        let info = snapshot::verify(bytes.as_ref()).map_err(|error| error.to_string());
        Ok(Some(info.and_then(|info| named_rightly(part, info))))
    }

    /// Loads the shard of a snapshot, which verifies every part of it.
    pub fn load(&self, manifest: &Manifest, rules: Arc<Rules>) -> Result<Shard, String> {
        let at_once: Spawn = Arc::new(|job| job());
        let mut repository =
            SnapshotRepository::new(Arc::clone(&self.objects), &self.group, at_once);
        repository.load(manifest, rules);
        let loaded = repository.loaded().map(|(_, loaded)| loaded);
        loaded.unwrap_or_else(|| Err("the snapshot was not loaded".to_owned()))
    }
}

/// A part must be what its name says.
fn named_rightly(part: &StoredPart, info: PartInfo) -> Result<PartInfo, String> {
    let (partition, seq) = (info.manifest.partition, info.manifest.seq);
    if (partition, seq) == (part.partition, part.seq) {
        return Ok(info);
    }
    Err(format!(
        "is not what its name says: it is of partition {partition} after entry {seq}"
    ))
}
