//! The object store that snapshots lie in, and the background work of processes that write and read it.

use super::dice::{Dice, Stream};
use super::faults::{Disruption, Faults, Step};
use super::world::ProcessId;
use async_trait::async_trait;
use futures_util::FutureExt;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A store in memory to which happens what happens to disks and buckets: writes fail, processes die while they write
/// and leave half an object under its final name, objects are lost, bits flip.
pub struct FaultyStore {
    objects: InMemory,
    state: Mutex<StoreState>,
}

struct StoreState {
    dice: Dice,
    faults: Faults,
    /// The process at work was killed.
    killed: bool,
    writes: u64,
}

impl FaultyStore {
    /// An empty store with the faults of a world.
    pub fn new(seed: u64, faults: Faults) -> Arc<Self> {
        let dice = Dice::new(seed, Stream::Store);
        let state = Mutex::new(StoreState {
            dice,
            faults,
            killed: false,
            writes: 0,
        });
        Arc::new(Self {
            objects: InMemory::new(),
            state,
        })
    }

    /// Nothing more goes wrong.
    pub fn calm(&self) {
        self.state().faults.over = true;
    }

    /// Whether the process that was at work since the last call was killed.
    pub fn killed(&self) -> bool {
        std::mem::take(&mut self.state().killed)
    }

    /// Objects written so far.
    pub fn writes(&self) -> u64 {
        self.state().writes
    }

    /// Whether the planned disruptions of this store have come.
    pub fn spent(&self) -> bool {
        self.state().faults.spent()
    }

    fn state(&self) -> MutexGuard<'_, StoreState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Loses an object or flips one of its bits.
    async fn damage(&self, location: &Path) -> Result<()> {
        let word = self.state().dice.word();
        if word.is_multiple_of(3) {
            return self.objects.delete(location).await;
        }
        let mut bytes = self.objects.get(location).await?.bytes().await?.to_vec();
        let bit = (word / 3) as usize % (bytes.len() * 8).max(1);
        if let Some(byte) = bytes.get_mut(bit / 8) {
            *byte ^= 1 << (bit % 8);
        }
        self.objects.put(location, bytes.into()).await?;
        Ok(())
    }
}

impl StoreState {
    fn struck(&mut self, step: Step) -> bool {
        let struck = self.faults.disruption(&mut self.dice, step) == Some(Disruption::Crash);
        self.killed |= struck;
        struck
    }
}

fn failed(why: &'static str) -> Error {
    Error::Generic {
        store: "Shelf",
        source: why.into(),
    }
}

#[async_trait]
impl ObjectStore for FaultyStore {
    async fn put_opts(
        &self,
        to: &Path,
        payload: PutPayload,
        opts: PutOptions,
    ) -> Result<PutResult> {
        let (before, amid, fails) = {
            let StoreState { dice, faults, .. } = &mut *self.state();
            let fails = faults.happens(dice, |rates| rates.put_fails);
            let mut struck = |step| faults.disruption(dice, step) == Some(Disruption::Crash);
            (struck(Step::Upload), struck(Step::Uploading), fails)
        };
        if before {
            self.state().killed = true;
            return Err(failed("killed before the write"));
        }
        if amid {
            let bytes: Vec<u8> = payload
                .iter()
                .flat_map(|chunk| chunk.iter().copied())
                .collect();
            let kept = {
                let mut state = self.state();
                state.killed = true;
                state.dice.below(bytes.len() as u64 + 1) as usize
            };
            // A store that renames or publishes whole objects leaves nothing, others a part of it.
            if kept % 2 == 1 {
                self.objects.put(to, bytes[..kept].to_vec().into()).await?;
            }
            return Err(failed("killed amid the write"));
        }
        if fails {
            return Err(failed("no space left on device"));
        }
        let put = self.objects.put_opts(to, payload, opts).await?;
        let damaged = {
            let mut state = self.state();
            state.writes += 1;
            state.struck(Step::Uploaded);
            let StoreState { dice, faults, .. } = &mut *state;
            faults.happens(dice, |rates| rates.damage)
        };
        if damaged {
            self.damage(to).await?;
        }
        Ok(put)
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        opts: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.objects.put_multipart_opts(to, opts).await
    }

    async fn get_opts(&self, from: &Path, options: GetOptions) -> Result<GetResult> {
        self.objects.get_opts(from, options).await
    }

    fn delete_stream(
        &self,
        of: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        self.objects.delete_stream(of)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.objects.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.objects.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.objects.copy_opts(from, to, options).await
    }
}

impl fmt::Display for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shelf")
    }
}

impl fmt::Debug for FaultyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Shelf")
    }
}

/// A piece of background work.
pub type Job = Box<dyn FnOnce() + Send>;
/// What hands background work over.
pub type Spawn = Arc<dyn Fn(Job) + Send + Sync>;

/// Background work that processes have begun and that no time has been found for yet.
#[derive(Clone, Default)]
pub struct Jobs(Arc<Mutex<Vec<(ProcessId, Job)>>>);

impl Jobs {
    /// What a process starts its background work with.
    pub fn spawn(&self, process: ProcessId) -> Spawn {
        let jobs = self.clone();
        Arc::new(move |job| jobs.queue().push((process, job)))
    }

    /// What was begun since the last call.
    pub fn take(&self) -> Vec<(ProcessId, Job)> {
        std::mem::take(&mut self.queue())
    }

    fn queue(&self) -> MutexGuard<'_, Vec<(ProcessId, Job)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::super::faults::Rates;
    use super::*;

    fn put(faulty_store: &FaultyStore, name: &str) -> Result<PutResult> {
        let payload = vec![7; 100].into();
        // Every future of a store in memory is ready at once.
        faulty_store
            .put(&name.into(), payload)
            .now_or_never()
            .unwrap()
    }

    fn read(faulty_store: &FaultyStore, name: &str) -> Option<Vec<u8>> {
        let found = faulty_store
            .get(&name.into())
            .now_or_never()
            .unwrap()
            .ok()?;
        Some(found.bytes().now_or_never().unwrap().unwrap().to_vec())
    }

    #[test]
    fn a_write_that_was_killed_leaves_nothing_or_a_part() {
        let (mut nothing, mut part) = (0, 0);
        for seed in 0..40 {
            let planned = vec![(Step::Uploading, 1, Disruption::Crash)];
            let faulty_store = FaultyStore::new(seed, Faults::new(Rates::NONE, planned));
            put(&faulty_store, "first").unwrap();
            assert!(!faulty_store.killed());
            assert!(put(&faulty_store, "second").is_err() && faulty_store.killed());
            match read(&faulty_store, "second") {
                None => nothing += 1,
                Some(bytes) if bytes.len() < 100 => part += 1,
                Some(_) => panic!("a whole object of a killed process"),
            }
            assert_eq!(read(&faulty_store, "first").unwrap().len(), 100);
        }
        assert!(nothing > 5 && part > 5, "{nothing} {part}");
    }

    #[test]
    fn damage_loses_objects_or_flips_one_bit() {
        let (mut lost, mut flipped) = (0, 0);
        for seed in 0..40 {
            let rates = Rates {
                damage: 1_000,
                ..Rates::NONE
            };
            let faulty_store = FaultyStore::new(seed, Faults::new(rates, Vec::new()));
            put(&faulty_store, "object").unwrap();
            match read(&faulty_store, "object") {
                None => lost += 1,
                Some(bytes) => {
                    let bits: u32 = bytes.iter().map(|byte| (byte ^ 7).count_ones()).sum();
                    assert_eq!((bytes.len(), bits), (100, 1));
                    flipped += 1;
                }
            }
        }
        assert!(lost > 5 && flipped > 5, "{lost} {flipped}");
    }
}
