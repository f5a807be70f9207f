use super::FeedSet;
use serde::{Deserialize, Serialize};

/// How far the inputs of a shard have been read. Over files there is nothing more to say than the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// Feeds behind their ends whose unread records may be older than those of other feeds: their watermarks hold
    /// day closes back. Feeds whose records come in one order of time are never named.
    pub lagging: FeedSet,
    /// Whether every input has been read to its end, so that silence is not a backlog.
    pub caught_up: bool,
    /// Whether the records being read have waited for long, so that their time is not now.
    pub backlog: bool,
}

impl Inputs {
    /// Everything has been read.
    pub const DEFAULT: Self = Self {
        lagging: FeedSet::NONE,
        caught_up: true,
        backlog: false,
    };
}

impl Default for Inputs {
    fn default() -> Self {
        Self::DEFAULT
    }
}
