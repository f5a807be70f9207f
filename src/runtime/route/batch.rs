//! Where each record goes.

use crate::config::Config;
use crate::decode::{Address, Scratch};
use crate::encode::{Encoder, Original};
use crate::kafka::{
    ConsumedRecord, Outbound, STATEMENT_KEY, Sources, Topic, TopicPartition, partition_of,
};
use crate::model::{Feed, Reject, Source};
use crate::registry::{self, Away, Registry, Unread};
use crate::runtime::partition::Rejections;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Finds the way of records.
pub struct Targets {
    config: Config,
    encoder: Encoder,
    /// By feed: the topic and its partitions.
    feeds: [(Arc<str>, i32); Feed::ALL.len()],
    dead_letters: Arc<str>,
    registry: Option<Arc<Registry>>,
}

/// Where a record that can be read goes.
enum Way {
    To(Address),
    /// Nowhere, because its layout skips it.
    Skipped,
    /// Nowhere, because files had it.
    PassedOver,
}

/// Room for what is made of one record, kept from record to record.
#[derive(Default)]
pub struct Room {
    schema: registry::Room,
    layout: Scratch,
}

/// What one transaction of a router holds.
#[derive(Default)]
pub struct Batch {
    /// Records on their way, in the order in which they were read.
    pub outbound: Vec<Outbound>,
    /// Behind the last record that was read, by partition.
    pub offsets: BTreeMap<TopicPartition, i64>,
    /// Records that were read and found their way.
    pub routed: u64,
    /// Records that files had.
    pub passed_over: u64,
    /// Records that were read and did not, to be named in the log.
    pub rejections: Rejections,
    /// Bytes of all values.
    pub bytes: usize,
}

impl Targets {
    /// The topics of a configuration, with the partitions that they were found to have, and the registry that knows the schemas
    /// of records that are not JSON.
    pub fn new(config: &Config, sources: &Sources, registry: Option<Arc<Registry>>) -> Self {
        let rules = &config.rules;
        let encoder = Encoder::new(
            rules.calendar.clone(),
            Encoder::SOURCE_DEFAULT.to_owned(),
            rules.words(),
        );
        let feeds = Feed::ALL.map(|feed| {
            let topic = config.topics.of(feed).into();
            (topic, sources.partitions[feed as usize])
        });
        Self {
            config: config.clone(),
            encoder,
            feeds,
            dead_letters: config.topics.dead_letters.as_str().into(),
            registry,
        }
    }

    /// Adds a record of a source topic to a transaction: for its subscriber's partition of its feed's topic, a mediation's
    /// statement for every partition of that, and what cannot be read for the dead letters. `now_ms` is of the clock that never
    /// goes back.
    ///
    /// # Errors
    /// The registry is away, and the record's schema is not known. Nothing was added.
    pub fn add(
        &self,
        batch: &mut Batch,
        topic: &Topic,
        record: &ConsumedRecord<'_>,
        now_ms: u64,
        room: &mut Room,
    ) -> Result<(), Away> {
        let mut value = Vec::new();
        let way = match self.way(topic, record, now_ms, room, &mut value) {
            Ok(way) => Ok(way),
            Err(Unread::Rejected(reject)) => Err(reject),
            Err(Unread::Waits(away)) => return Err(away),
        };
        batch.offsets.insert(record.at, record.offset + 1);
        match way {
            Ok(Way::To(address)) if !topic.feeds.contains(address.feed()) => {
                self.dead_letter(batch, topic, record, &Reject::WrongFeed);
            }
            Ok(Way::To(address)) => {
                batch.routed += 1;
                self.push(batch, address, value, record);
            }
            Ok(Way::Skipped) => batch.routed += 1,
            Ok(Way::PassedOver) => batch.passed_over += 1,
            Err(reject) => self.dead_letter(batch, topic, record, &reject),
        }
        Ok(())
    }

    /// Where a record goes. Appends the record as the schemas say.
    fn way(
        &self,
        topic: &Topic,
        record: &ConsumedRecord<'_>,
        now_ms: u64,
        room: &mut Room,
        value: &mut Vec<u8>,
    ) -> Result<Way, Unread> {
        let decoder = &self.config.decoder;
        let form = decoder.layouts().of_topic(&topic.name);
        // A tombstone says nothing that a feed could use.
        let Some(bytes) = record.value() else {
            return Ok(Way::Skipped);
        };
        let bytes = match &self.registry {
            Some(registry) if form.is_framed(bytes) => {
                registry.json(bytes, now_ms, &mut room.schema)?
            }
            _ => bytes,
        };
        if let Some(from) = self.config.route.from {
            let read = decoder.decode_as(form, bytes, &mut room.layout);
            let cut_time = read.ok().flatten().and_then(|read| read.cut_time());
            if cut_time.is_some_and(|time| time < from) {
                return Ok(Way::PassedOver);
            }
        }
        let address = decoder.address_as(form, bytes, &mut room.layout, value);
        let address = address.map_err(Unread::Rejected)?;
        Ok(address.map_or(Way::Skipped, Way::To))
    }

    fn push(
        &self,
        batch: &mut Batch,
        address: Address,
        value: Vec<u8>,
        record: &ConsumedRecord<'_>,
    ) {
        let (topic, partitions) = &self.feeds[address.feed() as usize];
        match address {
            Address::Subscriber(_, msisdn) => {
                let key = msisdn.as_bytes();
                let partition = partition_of(key, *partitions);
                batch.push(topic, partition, key, value, record);
            }
            Address::Everyone(_) => {
                for partition in 0..*partitions {
                    batch.push(topic, partition, STATEMENT_KEY, value.clone(), record);
                }
            }
        }
    }

    fn dead_letter(
        &self,
        batch: &mut Batch,
        topic: &Topic,
        record: &ConsumedRecord<'_>,
        reject: &Reject,
    ) {
        let source = Source {
            topic: Arc::clone(&topic.name),
            partition: record.at.partition,
            offset: record.offset,
        };
        let original = Original {
            source: &source,
            key: record.key(),
            value: record.value(),
            headers: &record.headers(),
        };
        let outgoing = self.encoder.dead_letter(&original, reject);
        batch.rejections.add(&source, reject);
        batch.bytes += record.value().map_or(0, <[u8]>::len);
        batch.outbound.push(Outbound {
            topic: Arc::clone(&self.dead_letters),
            partition: None,
            key: outgoing.key,
            value: outgoing.value,
            headers: outgoing.headers,
            timestamp_ms: None,
        });
    }
}

impl Batch {
    /// Adds a record under the key that brings it to its subscriber's other records.
    fn push(
        &mut self,
        topic: &Arc<str>,
        partition: i32,
        key: &[u8],
        value: Vec<u8>,
        record: &ConsumedRecord<'_>,
    ) {
        let headers = record.headers().into_iter().map(|(name, value)| {
            let value = value.map(<[u8]>::to_vec);
            (Cow::Owned(name.to_owned()), value)
        });
        self.bytes += value.len();
        self.outbound.push(Outbound {
            topic: Arc::clone(topic),
            partition: Some(partition),
            key: Some(key.to_vec()),
            value: Some(value),
            headers: headers.collect(),
            timestamp_ms: record.timestamp_ms(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::{StoredRecord, Topics};
    use crate::model::FeedSet;

    fn route(feeds: FeedSet, value: &str) -> Batch {
        let config = Config::embedded().unwrap();
        let sources = Sources {
            topics: Arc::new(Topics::new(&config)),
            partitions: [3; Feed::ALL.len()],
        };
        let stored = StoredRecord {
            key: Some(b"switch".to_vec()),
            value: Some(value.as_bytes().to_vec()),
            headers: vec![
                ("trace".to_owned(), Some(b"7".to_vec())),
                ("empty".to_owned(), None),
            ],
            timestamp_ms: 1_700_000_000_123,
        };
        let at = TopicPartition {
            topic: 0,
            partition: 2,
        };
        let topic = Topic {
            name: "raw".into(),
            feeds,
        };
        let mut batch = Batch::default();
        let record = ConsumedRecord::of(at, 41, &stored);
        let mut room = Room::default();
        let added =
            Targets::new(&config, &sources, None).add(&mut batch, &topic, &record, 0, &mut room);
        assert_eq!(added, Ok(()));
        assert_eq!(batch.offsets, BTreeMap::from([(at, 42)]));
        batch
    }

    const CALL: &str = r#"{"record_type":"mo_call","msisdn":"013800138000"}"#;

    #[test]
    fn a_record_keeps_all_but_its_key() {
        let batch = route(FeedSet::NONE.with(Feed::Cdr), CALL);
        let key = b"8613800138000";
        let expected = Outbound {
            topic: "cdr".into(),
            partition: Some(partition_of(key, 3)),
            key: Some(key.to_vec()),
            value: Some(CALL.as_bytes().to_vec()),
            headers: vec![
                (Cow::Borrowed("trace"), Some(b"7".to_vec())),
                (Cow::Borrowed("empty"), None),
            ],
            timestamp_ms: Some(1_700_000_000_123),
        };
        assert_eq!(batch.outbound, [expected]);
        assert_eq!((batch.routed, batch.rejections.records()), (1, 0));
    }

    #[test]
    fn what_has_no_way_is_a_dead_letter_with_its_reason() {
        for (value, reason) in [
            (CALL, "wrong_feed"),
            ("", "empty"),
            ("\0\0\0\0\x07", "framed"),
            (r#"{"record_type":"payment"}"#, "missing_field"),
            (
                r#"{"record_type":"feed_progress","feed":"billing"}"#,
                "missing_field",
            ),
        ] {
            let batch = route(FeedSet::NONE.with(Feed::Billing), value);
            let [dead] = batch.outbound.as_slice() else {
                panic!("{value}: {} records", batch.outbound.len());
            };
            assert_eq!(&*dead.topic, "churnwatch-dead-letters");
            let reasons = dead
                .headers
                .iter()
                .find(|(name, _)| name == "errors.reason");
            let expected = Some(reason.as_bytes().to_vec());
            assert_eq!(reasons.map(|(_, value)| value), Some(&expected), "{value}");
            assert_eq!((batch.routed, batch.rejections.records()), (0, 1));
        }
    }

    #[test]
    fn a_statement_goes_to_every_partition() {
        let statement =
            r#"{"record_type":"feed_progress","feed":"cdr","complete_until":1700000000000}"#;
        let batch = route(FeedSet::NONE.with(Feed::Cdr), statement);
        let partitions: Vec<_> = batch.outbound.iter().map(|o| o.partition).collect();
        assert_eq!(partitions, [Some(0), Some(1), Some(2)]);
        assert_eq!(batch.routed, 1);
    }
}
