use super::error::FileError;
use super::records::Records;
use crate::decode::Decoder;
use std::panic::resume_unwind;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

/// Consecutive records of one file.
pub struct Batch {
    /// The file, as an index into the paths.
    pub file: usize,
    /// Bytes read of all files so far, as stored.
    pub bytes_read: u64,
    /// Whether they are the first of it.
    pub first: bool,
    bytes: Vec<u8>,
    /// Where each record ends, and its place in the file.
    ends: Vec<(usize, u64)>,
}

/// Batches that may wait.
const BATCHES: usize = 8;
const BATCH_BYTES: usize = 1 << 18;

/// Hands the records of files to `apply`, in order. A thread of its own reads and decompresses, which takes a third of the time
/// of a replay. Gives the bytes of each file that were passed over ([`Records::lost`]).
///
/// # Errors
/// If a file cannot be opened or read; `apply` has then had the records before.
pub fn read_ahead(
    paths: &[String],
    decoder: &Decoder,
    mut apply: impl FnMut(&Batch),
) -> Result<Vec<u64>, FileError> {
    thread::scope(|scope| {
        let (sender, batches) = sync_channel(BATCHES);
        let reader = scope.spawn(move || read(paths, decoder, &sender));
        for batch in batches {
            apply(&batch);
        }
        reader.join().unwrap_or_else(|panic| resume_unwind(panic))
    })
}

/// Reads until the end, or until nobody receives any more.
fn read(
    paths: &[String],
    decoder: &Decoder,
    to: &SyncSender<Batch>,
) -> Result<Vec<u64>, FileError> {
    let mut lost = Vec::new();
    let mut earlier_bytes = 0;
    let mut record = Vec::new();
    for (file, path) in paths.iter().enumerate() {
        let mut records = Records::open(path, decoder)?;
        let progress = records.progress();
        let mut first = true;
        loop {
            let mut batch = Batch {
                file,
                bytes_read: 0,
                first,
                bytes: Vec::with_capacity(BATCH_BYTES + 4096),
                ends: Vec::new(),
            };
            while batch.bytes.len() < BATCH_BYTES
                && let Some(place) = records.next_into(&mut record)?
            {
                batch.bytes.extend_from_slice(&record);
                batch.ends.push((batch.bytes.len(), place));
            }
            if batch.ends.is_empty() {
                break;
            }
            first = false;
            batch.bytes_read = earlier_bytes + progress.bytes();
            if to.send(batch).is_err() {
                return Ok(lost);
            }
        }
        earlier_bytes += progress.bytes();
        lost.push(records.lost());
    }
    Ok(lost)
}

impl Batch {
    /// The records with their places.
    pub fn records(&self) -> impl Iterator<Item = (&[u8], u64)> {
        let begins = std::iter::once(0).chain(self.ends.iter().map(|(end, _)| *end));
        let records = begins.zip(&self.ends);
        records.map(|(begin, (end, place))| (&self.bytes[begin..*end], *place))
    }
}
