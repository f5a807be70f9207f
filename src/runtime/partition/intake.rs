use crate::decode::{Decoded, Decoder};
use crate::driver::{self, Reading};
use crate::engine::Shard;
use crate::kafka::ConsumedRecord;
use crate::model::{Effect, Feed, FeedSet, Outcome, Reject, Source};

/// Applies one record of Kafka to its shard. The topic it came from carries `feeds`. Returns the record's feed, as far
/// as it is known, and what became of it.
pub(super) fn apply(
    decoder: &Decoder,
    feeds: FeedSet,
    shard: &mut Shard,
    record: &ConsumedRecord<'_>,
    source: &Source,
    effects: &mut Vec<Effect>,
) -> (Option<Feed>, Outcome) {
    let reading = read(decoder, feeds, record);
    let outcome = driver::apply(shard, &reading, source, effects);
    // A record that could not be read counts for its topic's feed, if the topic carries only one.
    let mut carried = Feed::ALL.into_iter().filter(|feed| feeds.contains(*feed));
    let only = carried.next().filter(|_| carried.next().is_none());
    (driver::feed_of(&reading).or(only), outcome)
}

/// What a record says, if its topic carries its feed and its key names its subscriber.
fn read<'a>(decoder: &Decoder, feeds: FeedSet, record: &ConsumedRecord<'a>) -> Reading<'a> {
    let reading = driver::read(decoder, record.value());
    if driver::feed_of(&reading).is_some_and(|feed| !feeds.contains(feed)) {
        return Err(Reject::WrongFeed);
    }
    if let Ok(Some(Decoded::Event(event))) = &reading {
        decoder.check_key(record.key(), &event.msisdn)?;
    }
    reading
}
