//! NDJSON files: event files in (plain, gzip or zstd), records out.

mod read;
mod read_ahead;
mod write;

pub use read::{Lines, Progress};
pub use read_ahead::{Batch, read_ahead};
pub use write::Output;

use std::io;

/// A file that could not be opened, read or written.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {path}: {source}{remedy}")]
pub struct FileError {
    action: &'static str,
    path: String,
    source: io::Error,
    remedy: &'static str,
}

impl FileError {
    fn new(action: &'static str, path: &str, source: io::Error) -> Self {
        let remedy = match source.kind() {
            io::ErrorKind::NotFound => "; check the path",
            io::ErrorKind::PermissionDenied => "; check who may read and write it",
            io::ErrorKind::UnexpectedEof => "; the compressed file is cut short",
            io::ErrorKind::StorageFull => "; free some space",
            _ => "",
        };
        let path = if path == "-" {
            "standard input or output"
        } else {
            path
        };
        Self {
            action,
            path: path.to_owned(),
            source,
            remedy,
        }
    }

    /// Whether the reader of our output has gone away, as `head` does.
    pub fn is_broken_pipe(&self) -> bool {
        self.source.kind() == io::ErrorKind::BrokenPipe
    }
}
