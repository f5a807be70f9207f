use crate::engine::Shard;
use crate::kafka::Item;

/// Records that are looked up together, so that the processor waits for memory for all of them at once.
pub const AHEAD: usize = 16;

/// Brings the subscribers of the next [`AHEAD`] records into the cache. Changes nothing.
pub fn fetch_ahead<'a, 's>(
    items: impl Iterator<Item = Item<'a>>,
    shard_of: impl Fn(i32) -> Option<&'s Shard>,
) {
    let mut located = [None; AHEAD];
    for (place, item) in located.iter_mut().zip(items) {
        if let Item::Record(record) = item
            && let (Some(shard), Some(key)) = (shard_of(record.at.partition), record.key())
        {
            *place = shard.locate(key).map(|slot| (shard, slot));
        }
    }
    for (shard, slot) in located.into_iter().flatten() {
        shard.touch(slot);
    }
}
