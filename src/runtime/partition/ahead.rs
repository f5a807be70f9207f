use crate::engine::Shard;
use crate::kafka::Item;

/// Records that are looked up together, so that the processor waits for memory for all of them at once.
pub const AHEAD: usize = 16;

/// Brings the subscribers of the next [`AHEAD`] records into the cache. Changes nothing.
///
/// Each step goes over all of them, so that what one step has asked for is there for the next.
pub fn fetch_ahead<'a, 's>(
    items: impl Iterator<Item = Item<'a>>,
    shard_of: impl Fn(i32) -> Option<&'s Shard>,
) {
    let mut aims = [None; AHEAD];
    for (aim, item) in aims.iter_mut().zip(items) {
        if let Item::Record(record) = item
            && let (Some(shard), Some(key)) = (shard_of(record.at.partition), record.key())
        {
            *aim = Shard::aim(key).map(|at| (shard, at));
        }
    }
    let slots = aims.map(|aim| {
        let (shard, at) = aim?;
        Some((shard, shard.fetch_record(at)?))
    });
    for (shard, slot) in slots.into_iter().flatten() {
        shard.fetch_day(slot);
    }
}
