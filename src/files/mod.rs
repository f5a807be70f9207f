//! NDJSON files: event files in (plain, gzip or zstd), records out.

mod error;
mod read;
mod read_ahead;
mod write;

pub use error::FileError;
pub use read::{Lines, Progress};
pub use read_ahead::{Batch, read_ahead};
pub use write::Output;
