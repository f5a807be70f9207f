//! NDJSON files: event files in (plain, gzip or zstd), records out.

mod claim;
mod error;
mod inputs;
mod read;
mod read_ahead;
mod text;
mod write;

pub use claim::claim;
pub use error::FileError;
pub use inputs::{Found, expand};
pub use read::{Lines, Progress};
pub use read_ahead::{Batch, read_ahead};
pub use write::Output;
