//! A shard's state as bytes, and back: an [`Image`] gives [`Section`]s, an [`ImageLoader`] takes them.
//!
//! An image shares the shard's pages until they change, so it is taken within milliseconds, and another thread writes
//! it while the shard goes on. Pages carry stamps, so that sections can be limited to what changed since an earlier
//! image.
//!
//! Kinds; 8 to 12 are written behind 3, the others in this order. All numbers are little-endian:
//!
//! | kind | section | how many |
//! |---|---|---|
//! | 1 | header: what the other sections look like and how many there are (postcard) | 1 |
//! | 2 | state: clocks, watermarks, counts, population, a close under way (postcard) | 1 |
//! | 3 | open tasks by slot (postcard) | 1 for 256 |
//! | 4 | pseudonyms: length and text of each | 1 for 16 |
//! | 5 | accounts: the names in them, then row by row | 1 for 16 |
//! | 6 | subscribers: column by column, then their windows; one whose key is 0 was erased | 1 for 16 |
//! | 7 | what the shadow rules remember, by slot; none without such rules | 1 for 16 |
//! | 8 | contact histories by slot: contacts, and tasks that can be corrected (postcard) | 1 for 256 |
//! | 9 | candidates by slot: signals that wait for a place in the budget (postcard) | 1 for 256 |
//! | 10 | tally: what became of tasks (postcard) | 1 |
//! | 11 | uplift: what tasks achieve (postcard) | 1 |
//! | 12 | groups: members with signals, and whose task is the group's (postcard) | 1 |
//!
//! Anything that changes the bytes of a kind needs a new format, such as another field of a struct, or a variant that
//! is not added at the end of an enum.

mod format;
mod header;
mod loader;
mod sections;
mod state;

pub use format::{IMAGE_FORMAT, ImageError, Section};
pub use header::Header;
pub use loader::{ImageLoader, LoadedImage};
pub use sections::{Image, PageEpoch};
pub use state::State;
