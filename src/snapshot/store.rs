//! Where parts lie: object stores by URL, and the names of the objects.

use crate::journal::Manifest;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt, RetryConfig};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

/// One part in a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPart {
    /// The shard's partition.
    pub partition: i32,
    /// The last entry of the journal that the state contains.
    pub seq: u64,
    /// Who wrote that entry.
    pub writer: u64,
    /// Its name in the store.
    pub key: String,
    /// Its length.
    pub bytes: u64,
}

/// A store, and where in it the parts of one consumer group lie.
#[derive(Clone)]
pub struct Location {
    pub store: Arc<dyn ObjectStore>,
    pub prefix: Path,
    /// The store as a message names it.
    pub name: String,
    /// Its directory, if it is one.
    pub directory: Option<PathBuf>,
}

/// How long a request to a remote store is tried again before it has failed. Snapshots are written in the background,
/// but a worker that restores one is waited for.
const RETRY_TIMEOUT: Duration = Duration::from_secs(60);
const RETRIES_MAX: usize = 8;
const BACKOFF_MAX: Duration = Duration::from_secs(5);

/// `memory:`, the same for everybody in this process.
static MEMORY: LazyLock<Arc<InMemory>> = LazyLock::new(Default::default);

/// The store that a URL names: an existing directory, plain or as `file:`; `s3://bucket/prefix`, with `AWS_*` from the
/// environment; or `memory:`, which ends with the process.
///
/// # Errors
/// What is wrong with the URL or the environment, and what to do.
pub fn open(url: &str) -> Result<Arc<dyn ObjectStore>, String> {
    if url == "memory:" {
        return Ok(MEMORY.clone());
    }
    if let Some(location) = url.strip_prefix("s3://") {
        return open_s3(url, location);
    }
    let directory = directory(url)?;
    let store = LocalFileSystem::new_with_prefix(&directory);
    let store = store.map_err(|error| {
        let shown = directory.display();
        match io_error(&error).map(io::Error::kind) {
            Some(io::ErrorKind::NotFound) => format!("{shown}: there is no such directory"),
            _ => format!("{shown}: {}", causes(&error)),
        }
    })?;
    Ok(Arc::new(store.with_fsync(true)))
}

/// The location of a group in the store that a URL names; a directory is made if there is none.
pub fn location(url: &str, group: &str) -> Result<Location, String> {
    let remote = url == "memory:" || url.starts_with("s3://");
    let directory = if remote { None } else { Some(directory(url)?) };
    if let Some(directory) = &directory {
        let made = create_durably(directory);
        made.map_err(|error| {
            let shown = directory.display();
            format!("{shown}: the directory for snapshots cannot be made: {error}; make it, or name another place")
        })?;
    }
    Ok(Location {
        store: open(url)?,
        prefix: Path::from_iter([group]),
        name: url.to_owned(),
        directory,
    })
}

/// Every part below a prefix, which is the consumer group, by partition and then by seq.
///
/// # Errors
/// Why the store cannot be listed.
pub fn list(store: &Arc<dyn ObjectStore>, prefix: &str) -> Result<Vec<StoredPart>, String> {
    let prefix = Path::from_iter([prefix]);
    let listing = async {
        let mut found = Vec::new();
        for folder in store
            .list_with_delimiter(Some(&prefix))
            .await?
            .common_prefixes
        {
            found.extend(list_folder(store, &folder).await?);
        }
        Ok(found)
    };
    let found: object_store::Result<Vec<StoredPart>> = blocking(listing)?;
    let mut found = found.map_err(|error| format!("{store}/{prefix}: {}", causes(&error)))?;
    found.sort_by_key(|part| (part.partition, part.seq, part.writer));
    Ok(found)
}

/// The bytes of a part.
///
/// # Errors
/// Why it cannot be read.
pub fn read(store: &Arc<dyn ObjectStore>, key: &str) -> Result<impl AsRef<[u8]> + use<>, String> {
    let reading = async { store.get(&object(key)?).await?.bytes().await };
    blocking(reading)?.map_err(|error| format!("{store}/{key}: {}", causes(&error)))
}

/// The lowest seq among a snapshot's parts: objects of earlier ones may be pruned without harm to it.
pub fn earliest_seq(manifest: &Manifest) -> u64 {
    let seqs = manifest
        .parts
        .iter()
        .filter_map(|part| Some(parse(&part.key)?.1));
    seqs.fold(manifest.seq, u64::min)
}

impl Location {
    /// The name of a part.
    pub fn key(&self, partition: i32, seq: u64, writer: u64) -> Path {
        let name = format!("{seq:020}-{writer:016x}.part");
        self.folder(partition).join(name)
    }

    /// Where the parts of a partition lie.
    pub fn folder(&self, partition: i32) -> Path {
        self.prefix.clone().join(partition.to_string())
    }

    /// Lets nobody else read a part, if it is a file.
    ///
    /// # Errors
    /// If the file's permissions cannot be changed.
    pub fn make_private(&self, key: &Path) -> io::Result<()> {
        let Some(directory) = &self.directory else {
            return Ok(());
        };
        let file = directory.join(key.as_ref());
        fs::set_permissions(file, fs::Permissions::from_mode(0o600))
    }

    /// An object, as a message names it.
    pub fn show(&self, key: &str) -> String {
        format!("{}/{key}", self.name.trim_end_matches('/'))
    }

    /// Why the store could not do something, with what may help.
    pub fn explain(&self, error: &(dyn std::error::Error + 'static)) -> String {
        if let Some(object_store::Error::NotFound { .. }) = error.downcast_ref() {
            return "there is no such object".to_owned();
        }
        let remedy = match io_error(error).map(io::Error::kind) {
            Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => "; free some space",
            Some(io::ErrorKind::PermissionDenied) => "; check who may read and write there",
            _ if self.name.starts_with("s3://") => {
                "; check AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION, that the bucket exists, and AWS_ENDPOINT if it is not Amazon's"
            }
            _ => "",
        };
        format!("{}{remedy}", causes(error))
    }
}

/// The parts in one partition's folder; other objects are passed over.
pub async fn list_folder(
    store: &Arc<dyn ObjectStore>,
    folder: &Path,
) -> object_store::Result<Vec<StoredPart>> {
    let listed = store.list_with_delimiter(Some(folder)).await?;
    let found = listed.objects.into_iter().filter_map(|object| {
        let key = object.location.to_string();
        let (partition, seq, writer) = parse(&key)?;
        Some(StoredPart {
            partition,
            seq,
            writer,
            key,
            bytes: object.size,
        })
    });
    Ok(found.collect())
}

/// The object of a key as manifests and listings state it. Characters that stores do not take are escaped in it already.
pub fn object(key: &str) -> object_store::Result<Path> {
    Ok(Path::parse(key)?)
}

/// Partition, seq and writer from a part's name.
pub fn parse(key: &str) -> Option<(i32, u64, u64)> {
    let mut names = key.rsplit('/');
    let (seq, writer) = names.next()?.strip_suffix(".part")?.split_once('-')?;
    let partition = names.next()?.parse().ok()?;
    Some((
        partition,
        seq.parse().ok()?,
        u64::from_str_radix(writer, 16).ok()?,
    ))
}

/// Waits for a store's answer on this thread.
pub fn blocking<T>(answer: impl Future<Output = T>) -> Result<T, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| format!("no runtime to reach the store: {error}"))?;
    Ok(runtime.block_on(answer))
}

/// An error with all its causes, each said once.
pub fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

fn open_s3(url: &str, location: &str) -> Result<Arc<dyn ObjectStore>, String> {
    let (bucket, prefix) = location.split_once('/').unwrap_or((location, ""));
    if bucket.is_empty() {
        return Err(format!(
            "{url}: no bucket; write it as s3://bucket/prefix, the prefix may be left out"
        ));
    }
    let retry = RetryConfig {
        max_retries: RETRIES_MAX,
        retry_timeout: RETRY_TIMEOUT,
        backoff: object_store::BackoffConfig {
            max_backoff: BACKOFF_MAX,
            ..Default::default()
        },
    };
    // Each job has a runtime of its own, and connections do not outlive theirs.
    let client = ClientOptions::new().with_pool_max_idle_per_host(0);
    let allow_http = std::env::var("AWS_ALLOW_HTTP").is_ok_and(|allow| allow == "true");
    let store = AmazonS3Builder::from_env()
        .with_client_options(client)
        .with_allow_http(allow_http)
        .with_bucket_name(bucket)
        .with_retry(retry)
        // Parts are deleted one at a time, which every compatible store can do.
        .with_config(AmazonS3ConfigKey::DisableBulkDelete, "true")
        .build();
    let store = store.map_err(|error| {
        format!(
            "{url}: {}; check the AWS_* variables of the environment",
            causes(&error)
        )
    })?;
    let prefix = Path::parse(prefix).map_err(|error| format!("{url}: {error}"))?;
    Ok(Arc::new(PrefixStore::new(store, prefix)))
}

/// The directory that a path or a `file:` URL names.
fn directory(url: &str) -> Result<PathBuf, String> {
    let path = match url.strip_prefix("file:") {
        None => url,
        Some(path) if path.contains('%') => {
            return Err(format!(
                "{url}: escapes are not read in file: URLs; write the plain path"
            ));
        }
        Some(path) => match path.strip_prefix("//") {
            None => path,
            Some(path) if path.starts_with('/') => path,
            Some(_) => return Err(format!("{url}: another host's files; write file:///path")),
        },
    };
    if path.is_empty() {
        return Err("an empty path for snapshots; name a directory".to_owned());
    }
    match path.split_once("://") {
        Some((scheme, _)) => Err(format!(
            "{url}: snapshots cannot be kept in {scheme}; name a directory, file:///directory, s3://bucket/prefix or memory:"
        )),
        None => std::path::absolute(path).map_err(|error| format!("{path}: {error}")),
    }
}

/// Makes a directory for ourselves alone: snapshots hold subscribers' numbers.
fn private(directory: &FilePath) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).create(directory)
}

/// Makes a directory and those above it, so that they survive a power failure.
fn create_durably(directory: &FilePath) -> io::Result<()> {
    if directory.is_dir() {
        return Ok(());
    }
    let Some(parent) = directory.parent() else {
        return private(directory);
    };
    create_durably(parent)?;
    match private(directory) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && directory.is_dir() => {}
        made => made?,
    }
    File::open(parent)?.sync_all()
}

/// The system's own error behind another: the innermost, as others are wrapped into it as well.
fn io_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a io::Error> {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.filter_map(|error| error.downcast_ref()).last()
}
