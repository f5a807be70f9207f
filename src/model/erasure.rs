use super::{Source, Timestamp};

/// The confirmation that everything about a subscriber was erased on request. It does not name the subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erasure {
    /// The request's `record_id`.
    pub request: String,
    /// Whether anything was known of the subscriber.
    pub known: bool,
    /// Open tasks that were closed.
    pub tasks_closed: u32,
    /// When.
    pub at: Timestamp,
    /// The request.
    pub source: Source,
}
