use crate::decode::{Decoded, Decoder, Scratch};
use crate::driver::{self, Reading};
use crate::kafka::{ConsumedRecord, Topic};
use crate::model::{Feed, FeedSet, Reject, Timestamp};

/// What a record of Kafka says, if its topic carries its feed and its key names its subscriber.
pub(super) fn read<'a>(
    decoder: &Decoder,
    carrier: &Topic,
    record: &ConsumedRecord<'a>,
    scratch: &'a mut Scratch,
) -> Reading<'a> {
    let form = decoder.layouts().of_topic(&carrier.name);
    let reading = driver::read(decoder, form, record.value(), scratch);
    if driver::feed_of(&reading).is_some_and(|feed| !carrier.feeds.contains(feed)) {
        return Err(Reject::WrongFeed);
    }
    if let Ok(Some(Decoded::Event(event, _))) = &reading {
        decoder.check_key_of(record.key(), event)?;
    }
    reading
}

/// The feed that a record counts for, as far as it is known: its own, or if it could not be used its topic's, if that carries
/// only one, else the one it names.
pub(super) fn feed(
    decoder: &Decoder,
    feeds: FeedSet,
    reading: &Reading<'_>,
    record: &ConsumedRecord<'_>,
) -> Option<Feed> {
    let mut carried = Feed::ALL.into_iter().filter(|feed| feeds.contains(*feed));
    let only = carried.next().filter(|_| carried.next().is_none());
    let named = || match reading {
        Err(reject @ Reject::InLayout { .. }) => reject.feed(),
        _ => decoder.feed_of(record.value()?),
    };
    driver::feed_of(reading).or(only).or_else(named)
}

/// Whether the key of a record shows how producers key subscribers. Our own records between shards say nothing of that.
pub(super) fn shows_keying(reading: &Reading<'_>) -> bool {
    matches!(reading, Ok(Some(Decoded::Event(event, _))) if event.body.feed() != Feed::Group)
}

/// The time of what a record tells, if it can be read.
pub(super) fn time(reading: &Reading<'_>) -> Option<Timestamp> {
    match reading.as_ref().ok()?.as_ref()? {
        Decoded::Event(event, _) => Some(event.at),
        Decoded::Progress { complete_until, .. } => Some(*complete_until),
    }
}
