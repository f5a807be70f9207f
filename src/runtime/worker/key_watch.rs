//! Whether records go on being keyed as the feeds' records are (behaviour: Keys). Only a sample is looked at, and
//! nothing follows but a warning and a metric.

use crate::kafka::{ConsumedRecord, KeyForm, Keying, Scheme};
use crate::runtime::active_rules::ActiveRules;
use crate::runtime::setup::Setup;
use crate::telemetry::{KeyReport, Telemetry, troubles};
use std::sync::Arc;

/// Keys of a topic that are looked at first; after that, one record in so many.
const FIRST: u32 = 256;
const ONE_IN: i64 = 1_024;

/// What a worker has seen of its topics' keys.
pub(super) struct KeyWatch {
    partitions: i32,
    topics: Vec<TopicKeys>,
    scheme: Scheme,
}

struct TopicKeys {
    name: Arc<str>,
    keying: Keying,
}

impl KeyWatch {
    /// Begins with what the start has found.
    pub fn new(setup: &Setup) -> Self {
        let unseen = |name: &Arc<str>| TopicKeys {
            name: Arc::clone(name),
            keying: Keying::default(),
        };
        let topics = setup.topics.iter();
        Self {
            partitions: setup.partitions,
            topics: topics.map(|topic| unseen(&topic.name)).collect(),
            scheme: setup.scheme,
        }
    }

    /// Whether a record belongs to the sample.
    pub fn wants(&self, topic: usize, offset: i64) -> bool {
        let first = |topic: &TopicKeys| topic.keying.seen() < FIRST;
        self.partitions > 1 && (offset % ONE_IN == 0 || self.topics.get(topic).is_some_and(first))
    }

    /// Looks at the key of a subscriber's record.
    pub fn look(
        &mut self,
        record: &ConsumedRecord<'_>,
        rules: &ActiveRules,
        telemetry: &Telemetry,
    ) {
        let decoder = &rules.ruleset.decoder;
        let text = record.key().and_then(|key| str::from_utf8(key).ok());
        let msisdn = text.filter(|_| decoder.checks_keys());
        let msisdn = msisdn.and_then(|key| decoder.msisdn(key).ok());
        let (Some(key), Some(msisdn)) = (record.key(), msisdn) else {
            return;
        };
        let Some(topic) = self.topics.get_mut(record.at.topic) else {
            return;
        };
        let form = KeyForm::of(key, &msisdn, decoder.is_foreign(&msisdn));
        let partition = record.at.partition;
        topic.keying.add(key, partition, self.partitions, form);
        self.scheme.learn(&topic.keying);
        let Some(partitioner) = self.scheme.partitioner else {
            return;
        };
        // Where the subscriber's other records lie, in whatever form this key is.
        let written = self.scheme.write(&msisdn, decoder.national(&msisdn));
        let wanted = written.as_ref().map_or(key, |written| written.as_bytes());
        if partitioner.partition(wanted, self.partitions) == partition {
            return;
        }
        let name = &topic.name;
        let report = KeyReport { topic: name };
        report.emit(telemetry);
        let offset = record.offset;
        let partitioner = partitioner.name();
        let form = form.map_or(String::new(), |form| {
            format!(", with numbers {}", form.name())
        });
        troubles::warn(
            &format!("keys of {name}"),
            &format!(
                "topic {name} partition {partition} offset {offset}: a record lies in another partition than those of \
                 its subscriber, as most records of the feeds are partitioned by {partitioner}{form}; give all \
                 producers the same partitioner and one form of keys"
            ),
        );
    }
}
