//! Files: records and lines in (plain, gzip or zstd), NDJSON out.

mod claim;
mod error;
mod inputs;
mod lines;
mod read_ahead;
mod records;
mod source;
mod text;
mod write;

pub use claim::claim;
pub use error::FileError;
pub use inputs::{Found, expand};
pub use lines::Lines;
pub use read_ahead::{Batch, read_ahead};
pub use records::Records;
pub use source::Progress;
pub use write::Output;
