use crate::runtime::clock::Stopwatch;
use std::time::Duration;

/// When the ends of our partitions were last asked for.
pub(super) struct EndOffsetPoll {
    pub asked: Stopwatch,
    pub pause: Duration,
    /// They are known as they are now.
    pub fresh: bool,
}

impl EndOffsetPoll {
    /// To be asked for at once.
    pub fn unknown() -> Self {
        Self {
            asked: Stopwatch::start(),
            pause: Duration::ZERO,
            fresh: false,
        }
    }
}
