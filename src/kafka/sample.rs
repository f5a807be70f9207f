//! The last records of topics, for a look at how they are keyed.

use super::brokers::Listener;
use super::keying::{KeyForm, Keying};
use super::{client, error};
use crate::config::Config;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::{Message, Offset, TopicPartitionList};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Records looked at, of each topic and partition, from the end.
const RECORDS: i64 = 64;
/// A look at the brokers, and how many in vain are enough. What came by then is compared.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS_IN_VAIN: u32 = 40;

/// Looks at the last records of topics that all have so many partitions. Each key counts once.
///
/// # Errors
/// What the client says about its properties.
pub(super) fn keyings(
    config: &Config,
    topics: &[&str],
    partitions: i32,
) -> Result<BTreeMap<String, Keying>, String> {
    let places = topics.len() * partitions.unsigned_abs() as usize;
    let plain = |error: KafkaError| error::plain(&error);
    let reader = client::reader(config, places);
    let consumer: BaseConsumer<Listener> = reader
        .create_with_context(Listener::default())
        .map_err(plain)?;
    let mut list = TopicPartitionList::new();
    for topic in topics {
        for partition in 0..partitions {
            let last = Offset::OffsetTail(RECORDS);
            list.add_partition_offset(topic, partition, last)
                .map_err(plain)?;
        }
    }
    consumer.assign(&list).map_err(plain)?;
    let mut keyings: BTreeMap<String, Keying> = BTreeMap::new();
    let mut known = BTreeSet::new();
    let (mut ends, mut in_vain) = (0, 0);
    while ends < places && in_vain < LOOKS_IN_VAIN {
        let record = match consumer.poll(LOOK) {
            Some(Ok(record)) => record,
            Some(Err(KafkaError::PartitionEOF(_))) => {
                ends += 1;
                continue;
            }
            Some(Err(_)) | None => {
                in_vain += 1;
                continue;
            }
        };
        let key = record.key().and_then(|key| str::from_utf8(key).ok());
        let Some(key) = key else { continue };
        let Ok(msisdn) = config.decoder.msisdn(key) else {
            continue;
        };
        if known.insert((record.topic().to_owned(), key.to_owned())) {
            let foreign = config.decoder.is_foreign(&msisdn);
            let form = KeyForm::of(key.as_bytes(), &msisdn, foreign);
            let keying = keyings.entry(record.topic().to_owned()).or_default();
            keying.add(key.as_bytes(), record.partition(), partitions, form);
        }
    }
    Ok(keyings)
}
