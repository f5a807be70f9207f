use crate::decode::{self, Decoder};
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
    let outcome = match read(decoder, feeds, record) {
        Ok(Some(decode::Decoded::Event(event))) => {
            let feed = event.body.feed();
            return (Some(feed), shard.apply(&event, source, effects));
        }
        Ok(Some(decode::Decoded::Progress {
            feed,
            complete_until,
        })) => {
            return (Some(feed), shard.progress(feed, complete_until, effects));
        }
        Ok(None) => Outcome::Ignored,
        Err(reject) => Outcome::Rejected(reject),
    };
    shard.count(&outcome);
    // A record that could not be read counts for its topic's feed, if the topic carries only one.
    let mut carried = Feed::ALL.into_iter().filter(|feed| feeds.contains(*feed));
    (carried.next().filter(|_| carried.next().is_none()), outcome)
}

/// What a record says; nothing for a tombstone.
fn read<'a>(
    decoder: &Decoder,
    feeds: FeedSet,
    record: &ConsumedRecord<'a>,
) -> Result<Option<decode::Decoded<'a>>, Reject> {
    let Some(value) = record.value() else {
        return Ok(None);
    };
    let decoded = decoder.decode(value)?;
    let feed = match &decoded {
        decode::Decoded::Event(event) => event.body.feed(),
        decode::Decoded::Progress { feed, .. } => *feed,
    };
    if !feeds.contains(feed) {
        return Err(Reject::WrongFeed);
    }
    if let decode::Decoded::Event(event) = &decoded {
        decoder.check_key(record.key(), &event.msisdn)?;
    }
    Ok(Some(decoded))
}
