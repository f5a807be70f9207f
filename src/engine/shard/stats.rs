use crate::model::{Day, Feed, Timestamp};

/// Figures of a shard for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardStats {
    /// Subscribers in the store.
    pub subscribers: u64,
    /// Bytes of store and accounts.
    pub store_bytes: u64,
    /// Subscribers who behave like machines; those marked so are not among them.
    pub machines: u64,
    /// Open tasks.
    pub open_tasks: u64,
    /// Lines forgotten so far.
    pub forgotten: u64,
    /// Days closed so far.
    pub day_closes: u64,
    /// Closed days unknown for a feed, by feed.
    pub outage_days: [u64; Feed::ALL.len()],
    /// What the shard takes for now; [`Timestamp::MIN`] before the first event.
    pub clock: Timestamp,
    /// Watermark by feed; [`Timestamp::MIN`] before the feed's first event.
    pub watermarks: [Timestamp; Feed::ALL.len()],
    /// The last closed day; [`Day::MIN`] before the first event.
    pub closed: Day,
}

impl Default for ShardStats {
    fn default() -> Self {
        Self {
            subscribers: 0,
            store_bytes: 0,
            machines: 0,
            open_tasks: 0,
            forgotten: 0,
            day_closes: 0,
            outage_days: [0; Feed::ALL.len()],
            clock: Timestamp::MIN,
            watermarks: [Timestamp::MIN; Feed::ALL.len()],
            closed: Day::MIN,
        }
    }
}
