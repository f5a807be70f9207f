use crate::decode::{Decoded, Decoder, FieldFaults};
use crate::driver::{self, Reading};
use crate::engine::Shard;
use crate::kafka::ConsumedRecord;
use crate::model::{Effect, Feed, FeedSet, Outcome, Reject, Source};

/// What became of one record.
pub(super) struct Intake {
    /// As far as it is known.
    pub(super) feed: Option<Feed>,
    pub(super) outcome: Outcome,
    pub(super) field_faults: FieldFaults,
}

/// Applies one record of Kafka to its shard. The topic it came from carries `feeds`.
pub(super) fn apply(
    decoder: &Decoder,
    feeds: FeedSet,
    shard: &mut Shard,
    record: &ConsumedRecord<'_>,
    source: &Source,
    effects: &mut Vec<Effect>,
) -> Intake {
    let reading = read(decoder, feeds, record);
    let outcome = driver::apply(shard, &reading, source, effects);
    // A record that could not be used counts for its topic's feed, or if the topic carries several, for its own.
    let mut carried = Feed::ALL.into_iter().filter(|feed| feeds.contains(*feed));
    let only = carried.next().filter(|_| carried.next().is_none());
    let own = || decoder.feed_of(record.value()?);
    Intake {
        feed: driver::feed_of(&reading).or(only).or_else(own),
        outcome,
        field_faults: driver::field_faults_of(&reading),
    }
}

/// What a record says, if its topic carries its feed and its key names its subscriber.
fn read<'a>(decoder: &Decoder, feeds: FeedSet, record: &ConsumedRecord<'a>) -> Reading<'a> {
    let reading = driver::read(decoder, record.value());
    if driver::feed_of(&reading).is_some_and(|feed| !feeds.contains(feed)) {
        return Err(Reject::WrongFeed);
    }
    if let Ok(Some(Decoded::Event(event, _))) = &reading {
        decoder.check_key(record.key(), &event.msisdn)?;
    }
    reading
}
