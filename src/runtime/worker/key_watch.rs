//! Whether records go on being keyed as the feeds' records are (behaviour: Keys). Only a sample is looked at, and
//! nothing follows but a warning and a metric.

use crate::kafka::{ConsumedRecord, KeyForm, Keying, Partitioner, Topics};
use crate::runtime::active_rules::ActiveRules;
use crate::runtime::clock::Stopwatch;
use crate::telemetry::{KeyReport, Telemetry};
use std::sync::Arc;
use std::time::Duration;
use tracing::warn;

/// Keys of a topic that are looked at first; after that, one record in so many.
const FIRST: u32 = 256;
const ONE_IN: i64 = 1_024;
/// Between two warnings about a topic.
const PAUSE: Duration = Duration::from_secs(60);

/// What a worker has seen of its topics' keys.
pub(super) struct KeyWatch {
    partitions: i32,
    topics: Vec<TopicKeys>,
    partitioner: Option<Partitioner>,
    form: Option<KeyForm>,
}

struct TopicKeys {
    name: Arc<str>,
    keying: Keying,
    differing: u64,
    warned: Option<Stopwatch>,
}

impl KeyWatch {
    pub fn new(topics: &Topics, partitions: i32) -> Self {
        let unseen = |name: &Arc<str>| TopicKeys {
            name: Arc::clone(name),
            keying: Keying::default(),
            differing: 0,
            warned: None,
        };
        Self {
            partitions,
            topics: topics.iter().map(|topic| unseen(&topic.name)).collect(),
            partitioner: None,
            form: None,
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
        // The first topic that shows how it is keyed is what the others are compared with.
        self.partitioner = self.partitioner.or(topic.keying.partitioner());
        self.form = self.form.or(topic.keying.form());
        let Some(partitioner) = self.partitioner else {
            return;
        };
        // Where the subscriber's other records lie, in whatever form this key is.
        let national = decoder.national(&msisdn);
        let written = self.form.zip(national);
        let written = written.and_then(|(form, national)| form.write(&msisdn, national));
        let wanted = written.as_ref().map_or(key, |written| written.as_bytes());
        if partitioner.partition(wanted, self.partitions) == partition {
            return;
        }
        topic.differing += 1;
        let report = KeyReport { topic: &topic.name };
        report.emit(telemetry);
        let quiet = topic.warned.as_ref();
        if quiet.is_none_or(|since| since.reached(PAUSE)) {
            topic.warned = Some(Stopwatch::start());
            warn!(
                topic = &*topic.name,
                partition,
                offset = record.offset,
                differing = topic.differing,
                looked_at = topic.keying.seen(),
                "a record lies in another partition than those of its subscriber, as most records of the feeds are \
                 partitioned by {}{}; give all producers the same partitioner and one form of keys",
                partitioner.name(),
                self.form.map_or(String::new(), |form| format!(
                    ", with numbers {}",
                    form.name()
                ))
            );
        }
    }
}
