use super::error::FileError;
use super::text;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The bytes of a file, unpacked, and its text in UTF-8.
pub(super) struct Source {
    path: String,
    pub(super) reader: Box<dyn BufRead>,
    pub(super) progress: Progress,
}

/// How many bytes of a file, as stored, have been read.
#[derive(Debug, Clone, Default)]
pub struct Progress(Arc<AtomicU64>);

impl Progress {
    /// Bytes read so far.
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

const BUFFER_BYTES: usize = 1 << 17;
/// What is looked at of a file to tell what it is.
const HEAD_BYTES: usize = 1 << 16;

impl Source {
    /// Opens a file, or standard input for `-`. Compression and encoding are recognised by the first bytes.
    ///
    /// # Errors
    /// If the file cannot be opened, is a folder, or its compression cannot be read.
    pub(super) fn open(path: &str) -> Result<Self, FileError> {
        let fail = |error| FileError::new("read", path, error);
        let source: Box<dyn Read> = match path {
            "-" => Box::new(io::stdin()),
            _ => Box::new(File::open(path).map_err(fail)?),
        };
        let progress = Progress::default();
        let counted = Counted {
            source,
            progress: progress.clone(),
        };
        let raw = Box::new(BufReader::with_capacity(BUFFER_BYTES, counted));
        let reader = text::open(path, raw).map_err(fail)?;
        Ok(Self {
            path: path.to_owned(),
            reader,
            progress,
        })
    }

    /// The first bytes, without taking them: the first line that says anything, if it is not too long, and perhaps more.
    ///
    /// # Errors
    /// If they cannot be read.
    pub(super) fn head(&mut self) -> Result<Vec<u8>, FileError> {
        let mut head = Vec::new();
        while head.len() < HEAD_BYTES && !has_line(&head) {
            let available = self.reader.fill_buf();
            let available = available.map_err(|error| FileError::new("read", &self.path, error))?;
            if available.is_empty() {
                break;
            }
            let taken = available.len();
            head.extend_from_slice(available);
            self.reader.consume(taken);
        }
        let rest = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        self.reader = Box::new(Cursor::new(head.clone()).chain(rest));
        Ok(head)
    }

    /// That the file cannot be read further.
    pub(super) fn error(&self, error: io::Error) -> FileError {
        FileError::new("read", &self.path, error)
    }
}

/// Whether a line that says anything has an end.
fn has_line(head: &[u8]) -> bool {
    let mut said = head.iter().skip_while(|byte| byte.is_ascii_whitespace());
    said.any(|byte| matches!(byte, b'\n' | b'\r'))
}

/// Counts what passes through.
struct Counted {
    source: Box<dyn Read>,
    progress: Progress,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(buffer)?;
        self.progress.0.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}
