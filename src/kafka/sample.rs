//! The last records of subscribers in the input topics, for a look at how they are keyed.

use super::brokers::Brokers;
use super::keying::{KeyForm, Keying, Scheme};
use super::link::{Front, Reader, Span};
use super::reader::SpanReader;
use super::standing::bounds;
use super::topics::{TopicPartition, Topics};
use crate::config::Config;
use crate::decode::{Decoded, Scratch};
use crate::model::Feed;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// How far back a partition is read, in offsets. Statements of progress lie in every partition and tell nothing, and a
/// quiet feed may have thousands of them behind its last record of a subscriber.
const REACHES: [i64; 3] = [64, 1_024, 16_384];
/// So many records of subscribers are enough of a partition.
const ENOUGH: u32 = 32;
/// Offsets read at most in one go, over all partitions.
const OFFSETS_MAX: i64 = 1 << 18;
/// A look at the brokers, and how many in vain are enough. What came by then is compared.
const LOOK: Duration = Duration::from_millis(50);
const LOOKS_IN_VAIN: u32 = 40;

/// How the feeds are keyed, as far as their last records show it.
///
/// # Errors
/// The brokers do not answer, or lack a topic.
pub fn scheme(config: &Config) -> Result<Scheme, String> {
    let brokers = Brokers::new(config)?;
    let partitions = brokers.partitions(&config.topics.outcome)?;
    let mut scheme = Scheme::default();
    for keying in keyings(config, &brokers, partitions.unwrap_or(0))?.values() {
        scheme.learn(keying);
    }
    Ok(scheme)
}

/// Looks at the last records of the input topics, which all have so many partitions. Each key of a partition counts once.
///
/// # Errors
/// What the client says about its properties, or the brokers do not answer.
pub(super) fn keyings(
    config: &Config,
    brokers: &Brokers,
    partitions: i32,
) -> Result<BTreeMap<String, Keying>, String> {
    let topics = Arc::new(Topics::new(config));
    let mut unread = bounds(brokers, &topics, partitions)?;
    let mut sample = Sample {
        scratch: Scratch::default(),
        config,
        partitions,
        looks_left: LOOKS_IN_VAIN,
        keyings: BTreeMap::new(),
        known: BTreeSet::new(),
    };
    let mut seen: BTreeMap<TopicPartition, u32> = BTreeMap::new();
    let mut before = 0;
    for reach in REACHES {
        let each = OFFSETS_MAX / i64::try_from(unread.len().max(1)).unwrap_or(i64::MAX);
        let length = (reach - before).min(each).max(REACHES[0]);
        before = reach;
        let spans: Vec<Span> = unread
            .iter()
            .map(|span| Span {
                from: span.from.max(span.to - length),
                ..*span
            })
            .collect();
        let mut reader = SpanReader::new(config, Arc::clone(&topics), &spans)
            .map_err(|fault| fault.to_string())?;
        for (index, span) in spans.iter().enumerate() {
            *seen.entry(span.at).or_default() += sample.read(&mut reader, index, &topics);
        }
        // What lies further back, where too few came.
        unread = unread
            .iter()
            .zip(&spans)
            .map(|(whole, span)| Span {
                to: span.from,
                ..*whole
            })
            .filter(|left| left.from < left.to && seen.get(&left.at).is_none_or(|n| *n < ENOUGH))
            .collect();
        if unread.is_empty() {
            break;
        }
    }
    Ok(sample.keyings)
}

struct Sample<'c> {
    scratch: Scratch,
    config: &'c Config,
    partitions: i32,
    looks_left: u32,
    keyings: BTreeMap<String, Keying>,
    known: BTreeSet<(TopicPartition, Vec<u8>)>,
}

impl Sample<'_> {
    /// Reads a stretch, and returns how many records of subscribers came.
    fn read(&mut self, reader: &mut SpanReader, span: usize, topics: &Topics) -> u32 {
        let mut seen = 0;
        loop {
            match reader.front(span, LOOK) {
                Ok(Front::Record(record)) => {
                    let (key, value) = (record.key().unwrap_or_default(), record.value());
                    seen += u32::from(self.add(record.at, key, value, topics));
                }
                Ok(Front::Pending) if self.looks_left > 0 => {
                    self.looks_left -= 1;
                    continue;
                }
                // What cannot be read, `run` will say.
                Ok(Front::Pending | Front::Done) | Err(_) => return seen,
            }
            reader.pass(span);
        }
    }

    /// Looks at a record, and returns whether it is one of a subscriber whom its key names.
    fn add(
        &mut self,
        at: TopicPartition,
        key: &[u8],
        value: Option<&[u8]>,
        topics: &Topics,
    ) -> bool {
        let decoder = &self.config.decoder;
        let form = decoder.layouts().of_topic(topics.name(at.topic));
        let read = value.map(|value| decoder.decode_as(form, value, &mut self.scratch));
        let Some(Ok(Some(Decoded::Event(event, _)))) = read else {
            return false;
        };
        // What shards tell each other is keyed by ourselves.
        let ours = event.body.feed() == Feed::Group;
        if ours || decoder.check_key(Some(key), &event.msisdn).is_err() {
            return false;
        }
        if self.known.insert((at, key.to_vec())) {
            let foreign = decoder.is_foreign(&event.msisdn);
            let form = KeyForm::of(key, &event.msisdn, foreign);
            let topic = topics.name(at.topic).to_owned();
            let keying = self.keyings.entry(topic).or_default();
            keying.add(key, at.partition, self.partitions, form);
        }
        true
    }
}
