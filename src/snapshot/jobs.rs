//! What a repository does in the background.

use super::container::{self, PartError, PartReader, PartWriter};
use super::store::{self, Location, blocking};
use crate::engine::{IMAGE_FORMAT, Image, ImageLoader, PageEpoch, Rules, Shard};
use crate::journal::{Manifest, SnapshotPart};
use object_store::ObjectStoreExt;
use object_store::buffered::BufWriter;
use object_store::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread;
use tokio::io::AsyncWriteExt;

/// Parts up to this size are written in one request, larger ones piece by piece of this size.
const UPLOAD: usize = 8 << 20;
/// Requests under way at once, which bounds the memory of a large upload.
const UPLOADS: usize = 2;
/// Decompressed frames that wait to be assembled.
const FRAMES_AHEAD: usize = 4;

/// Writes an image: all of it, or what changed since a page epoch, behind the parts that `manifest` names. Returns the manifest
/// with the new part.
pub fn write(
    location: &Location,
    image: Image,
    since: Option<PageEpoch>,
    mut manifest: Manifest,
) -> Result<Manifest, String> {
    manifest.format = IMAGE_FORMAT;
    manifest.subscribers = image.subscribers();
    let key = location.key(manifest.partition, manifest.seq, manifest.writer);
    let written = blocking(async {
        if let Some(parts) = written_before(location, &key, &manifest).await {
            return Ok(parts);
        }
        let part = upload(location, image, since, &manifest, &key).await?;
        let mut parts = manifest.parts.clone();
        parts.push(part);
        Ok(parts)
    });
    manifest.parts = written.flatten().map_err(|problem: String| {
        format!(
            "snapshot {} could not be written: {problem}; the one before it stays in use",
            location.show(key.as_ref())
        )
    })?;
    Ok(manifest)
}

/// The parts of a snapshot of the same entry that lies there already, whole. It holds the same state, and a manifest may
/// name it: it must not be overwritten by bytes with another digest.
async fn written_before(
    location: &Location,
    key: &Path,
    manifest: &Manifest,
) -> Option<Vec<SnapshotPart>> {
    let bytes = location.store.get(key).await.ok()?.bytes().await.ok()?;
    let found = container::verify(&bytes).ok()?.into_snapshot(key.as_ref());
    if !same_state(&found, manifest) || found.format != IMAGE_FORMAT {
        return None;
    }
    for part in &found.parts {
        let object = store::object(&part.key).ok()?;
        let size = location.store.head(&object).await.ok()?.size;
        if size != part.bytes {
            return None;
        }
    }
    Some(found.parts)
}

async fn upload(
    location: &Location,
    image: Image,
    since: Option<PageEpoch>,
    manifest: &Manifest,
    key: &Path,
) -> Result<SnapshotPart, String> {
    let explain = |error: object_store::Error| location.explain(&error);
    let own = |error: PartError| format!("the part {error}");
    let mut object = BufWriter::with_capacity(location.store.clone(), key.clone(), UPLOAD)
        .with_max_concurrency(UPLOADS);
    let (mut writer, piece) = PartWriter::start(manifest).map_err(own)?;
    let filled = async {
        object.put(piece.into()).await.map_err(explain)?;
        for section in image.sections(since) {
            if let Some(piece) = writer.section(&section).map_err(own)? {
                object.put(piece.into()).await.map_err(explain)?;
            }
        }
        let (piece, bytes, digest) = writer.finish().map_err(own)?;
        object.put(piece.into()).await.map_err(explain)?;
        Ok((bytes, digest))
    };
    match filled.await {
        Ok((bytes, digest)) => {
            let done = object.shutdown().await;
            done.map_err(|error| location.explain(&error))?;
            let private = location.make_private(key);
            private.map_err(|error| location.explain(&error))?;
            Ok(SnapshotPart {
                key: key.to_string(),
                bytes,
                digest,
            })
        }
        Err(problem) => {
            // What was uploaded is of no use. What cannot be removed now, the next prune finds.
            let _ = object.abort().await;
            Err(problem)
        }
    }
}

/// Loads the shard of a snapshot after verifying every byte of it.
pub fn load(location: &Location, manifest: &Manifest, rules: Arc<Rules>) -> Result<Shard, String> {
    if manifest.format > IMAGE_FORMAT {
        return Err(format!(
            "the snapshot of partition {} at entry {} was written by a newer version of churnwatch (image format {}, this program reads {IMAGE_FORMAT}); run that version, or a later one",
            manifest.partition, manifest.seq, manifest.format
        ));
    }
    let mut loader = ImageLoader::new(manifest.format);
    for (index, part) in manifest.parts.iter().enumerate() {
        let named = |problem: String| format!("snapshot {} {problem}", location.show(&part.key));
        let bytes = blocking(fetch(location, part)).flatten().map_err(named)?;
        read_part(&bytes, index, manifest, &mut loader).map_err(named)?;
    }
    let image = loader.finish().map_err(|error| {
        let last = manifest.parts.last().map_or("", |part| &*part.key);
        format!("snapshot {}: {error}", location.show(last))
    })?;
    Ok(Shard::restored(image, rules))
}

/// The bytes of a part, if they are as many as its manifest states.
async fn fetch(
    location: &Location,
    part: &SnapshotPart,
) -> Result<impl AsRef<[u8]> + use<>, String> {
    let unread =
        |error: object_store::Error| format!("cannot be read: {}", location.explain(&error));
    let key = store::object(&part.key).map_err(unread)?;
    let object = location.store.get(&key).await.map_err(unread)?;
    if object.meta.size != part.bytes {
        return Err(format!(
            "is damaged: it has {} bytes, its manifest states {}",
            object.meta.size, part.bytes
        ));
    }
    object.bytes().await.map_err(unread)
}

/// Hands the sections of a snapshot's part number `index` to the loader; a second thread decompresses.
fn read_part(
    bytes: &impl AsRef<[u8]>,
    index: usize,
    manifest: &Manifest,
    loader: &mut ImageLoader,
) -> Result<(), String> {
    let text = |error: PartError| error.to_string();
    let reader = PartReader::new(bytes.as_ref()).map_err(text)?;
    let (before, rest) = manifest.parts.split_at(index);
    let own = rest.first().map(|part| part.digest);
    if own != Some(reader.digest) {
        return Err("is another one than its manifest names: its digest differs".to_owned());
    }
    let last = rest.len() == 1;
    let group = &reader.manifest.epoch.group;
    if reader.manifest.partition != manifest.partition || *group != manifest.epoch.group {
        return Err(format!(
            "belongs to partition {} of group {group}",
            reader.manifest.partition
        ));
    }
    if reader.manifest.parts != before || (last && !same_state(&reader.manifest, manifest)) {
        return Err("does not follow the parts before it in its manifest".to_owned());
    }
    if reader.manifest.format != manifest.format {
        return Err(format!(
            "is in image format {}, its manifest states {}",
            reader.manifest.format, manifest.format
        ));
    }
    let frames = reader.frames().map_err(text)?;
    thread::scope(|scope| {
        let (sender, receiver) = sync_channel(FRAMES_AHEAD);
        let decompress = move || {
            for frame in frames {
                if sender.send(frame).is_err() {
                    break;
                }
            }
        };
        let started = thread::Builder::new()
            .name("snapshot frames".to_owned())
            .spawn_scoped(scope, decompress);
        started.map_err(|error| format!("cannot be read: no thread: {error}"))?;
        let mut found = 0;
        for frame in receiver {
            for section in container::sections(&frame.map_err(text)?) {
                let (kind, index, bytes) = section.map_err(text)?;
                let taken = loader.add(kind, index, bytes);
                taken.map_err(|error| format!("cannot be used: {error}"))?;
                found += 1;
            }
        }
        if found != reader.sections() {
            return Err("is damaged: it has not as many sections as its trailer states".to_owned());
        }
        Ok(())
    })
}

/// Whether two manifests are of the state after the same entry.
fn same_state(one: &Manifest, other: &Manifest) -> bool {
    let state = |manifest: &Manifest| (manifest.partition, manifest.seq, manifest.writer);
    state(one) == state(other) && one.epoch.group == other.epoch.group
}

/// Deletes the parts of a partition with a seq below `before_seq`, but none of `keep`; and what uploads that never ended
/// left in a directory.
pub fn prune(location: &Location, partition: i32, before_seq: u64, keep: &[String]) {
    let folder = location.folder(partition);
    let pruned = blocking(async {
        let found = store::list_folder(&location.store, &folder).await;
        let found = found.map_err(|error| (folder.to_string(), location.explain(&error)))?;
        let old = found
            .into_iter()
            .filter(|part| part.seq < before_seq && !keep.contains(&part.key));
        for part in old {
            let deleted = async { location.store.delete(&store::object(&part.key)?).await };
            match deleted.await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err((part.key, location.explain(&error))),
            }
        }
        Ok(())
    });
    let left = remove_stagings(location, &folder, before_seq);
    let problem = match pruned {
        Ok(Ok(())) => left
            .err()
            .map(|error| (folder.to_string(), error.to_string())),
        Ok(Err(problem)) => Some(problem),
        Err(problem) => Some((folder.to_string(), problem)),
    };
    if let Some((key, problem)) = problem {
        let key = location.show(&key);
        tracing::warn!(%key, %problem, "old snapshots were not deleted; it is tried again after the next one");
    }
}

/// An upload into a directory goes to `name.part#1` first, which stays if the process is killed, and which the store never
/// lists.
fn remove_stagings(location: &Location, folder: &Path, before_seq: u64) -> std::io::Result<()> {
    let Some(directory) = &location.directory else {
        return Ok(());
    };
    let directory = folder
        .parts()
        .fold(directory.clone(), |path, part| path.join(part.as_ref()));
    if !directory.is_dir() {
        return Ok(());
    }
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        let staged = name.to_str().and_then(|name| name.rsplit_once('#'));
        let key = staged.map(|(name, _)| format!("{folder}/{name}"));
        let seq = key
            .and_then(|key| store::parse(&key))
            .map(|(_, seq, _)| seq);
        if seq.is_some_and(|seq| seq < before_seq) {
            std::fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
