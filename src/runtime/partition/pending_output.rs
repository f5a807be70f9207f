use super::rejections::Rejections;
use crate::config::Config;
use crate::encode::{Encoder, Form, Kind, Misfit, Original, Outgoing};
use crate::journal::OutputDigest;
use crate::kafka::{ConsumedRecord, Fault, Outbound};
use crate::model::{Effect, GroupRecord, Reject, Source, TaskStatus, UpliftCounts};
use crate::telemetry::BatchReport;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Of a dead letter that its topic does not take, this much is kept.
const KEPT_BYTES: usize = 65_536;
/// Header of a dead letter that was cut: how long its value was.
const TRUNCATED: &str = "errors.truncated_from_bytes";

/// What waits for the next commit: records, and the figures that go with them.
pub struct PendingOutput {
    /// Effects of the engine that are not yet encoded; empty between calls.
    pub effects: Vec<Effect>,
    /// What became of the records and what they led to; added to the metrics with the commit.
    pub report: BatchReport,
    /// The dead letters among it; to be named in the log with the commit.
    pub rejections: Rejections,
    tasks: Arc<str>,
    signals: Arc<str>,
    shadow_signals: Arc<str>,
    dead_letters: Arc<str>,
    erasures: Arc<str>,
    uplift: Arc<str>,
    groups: Arc<str>,
    /// Those of them with as many partitions as the feeds.
    aligned: Arc<BTreeSet<String>>,
    /// In which form all but dead letters leave.
    form: Form,
    /// The first record that does not fit into its form.
    misfit: Option<Misfit>,
    waiting: Vec<Outbound>,
    waiting_bytes: usize,
    /// Somebody is to act on it at once: a record has led to an open task.
    urgent: bool,
}

impl PendingOutput {
    /// Output that goes to the topics of the configuration, some of which are `aligned`, in some form.
    pub fn new(config: &Config, aligned: &Arc<BTreeSet<String>>, form: Form) -> Self {
        Self {
            effects: Vec::new(),
            report: BatchReport::default(),
            rejections: Rejections::default(),
            tasks: config.topics.tasks.as_str().into(),
            signals: config.topics.signals.as_str().into(),
            shadow_signals: config.topics.shadow_signals.as_str().into(),
            dead_letters: config.topics.dead_letters.as_str().into(),
            erasures: config.topics.erasures.as_str().into(),
            uplift: config.topics.uplift.as_str().into(),
            groups: config.topics.group.as_str().into(),
            aligned: Arc::clone(aligned),
            form,
            misfit: None,
            waiting: Vec::new(),
            waiting_bytes: 0,
            urgent: false,
        }
    }

    /// What waits, in order.
    pub fn waiting(&self) -> &[Outbound] {
        &self.waiting
    }

    /// Shows what waits, and some records behind it.
    pub fn with<T>(&mut self, more: Vec<Outbound>, show: impl FnOnce(&[Outbound]) -> T) -> T {
        let waiting = self.waiting.len();
        self.waiting.extend(more);
        let shown = show(&self.waiting);
        self.waiting.truncate(waiting);
        shown
    }

    /// Bytes of keys and values that wait.
    pub fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// Whether somebody is to act on some of it at once.
    pub fn urgent(&self) -> bool {
        self.urgent
    }

    /// Whether all of it can be written.
    ///
    /// # Errors
    /// [`Fault::Halt`] if a schema has no room for a record, which is a fault of the program.
    pub fn check(&self) -> Result<(), Fault> {
        match &self.misfit {
            None => Ok(()),
            Some(misfit) => Err(Fault::Halt(format!(
                "a record cannot be written: {misfit}; set output.format to \"json\" and report it"
            ))),
        }
    }

    /// Everything was committed, or is not ours to publish any more.
    pub fn clear(&mut self) {
        self.waiting.clear();
        self.waiting_bytes = 0;
        self.urgent = false;
        self.misfit = None;
        self.report = BatchReport::default();
        self.rejections = Rejections::default();
    }

    /// Encodes the effects of the shard of a partition, to be published with the next commit.
    pub fn publish(&mut self, partition: i32, encoder: &Encoder, output_digest: &mut OutputDigest) {
        if self.effects.is_empty() {
            return;
        }
        let mut effects = std::mem::take(&mut self.effects);
        for effect in effects.drain(..) {
            self.report.effect(&effect);
            self.urgent |= matches!(&effect, Effect::Task(task) if task.source.is_some() && task.status == TaskStatus::Open);
            let (name, topic, kind, outgoing) = match &effect {
                Effect::Task(task) => ("task", &self.tasks, Kind::Task, encoder.task(task)),
                Effect::Signal(signal) => (
                    "signal",
                    &self.signals,
                    Kind::Signal,
                    encoder.signal(signal),
                ),
                Effect::Erased(erasure) => (
                    "erasure",
                    &self.erasures,
                    Kind::Erasure,
                    encoder.erasure(erasure),
                ),
                Effect::Shadow(shadow) => (
                    "shadow_signal",
                    &self.shadow_signals,
                    Kind::ShadowSignal,
                    encoder.shadow_signal(shadow),
                ),
                Effect::Group(record) => {
                    self.tell(record, encoder, output_digest);
                    continue;
                }
            };
            // Of the JSON in every form, so that a replay may come after a change of the form.
            output_digest.add(name, outgoing.key.as_deref(), outgoing.value.as_deref());
            let topic = Arc::clone(topic);
            self.write(topic, partition, kind, outgoing);
        }
        self.effects = effects;
    }

    /// Adds what the shard tells another one: it goes to the partition that is meant, or where its key leads.
    fn tell(&mut self, record: &GroupRecord, encoder: &Encoder, output_digest: &mut OutputDigest) {
        let outgoing = encoder.group(record);
        output_digest.add("group", outgoing.key.as_deref(), outgoing.value.as_deref());
        let partition = record
            .partition
            .and_then(|number| i32::try_from(number).ok());
        self.push(Arc::clone(&self.groups), partition, outgoing);
    }

    /// Adds counts of what tasks achieve. They are figures of the state, and no effect that a replay must give again.
    pub fn tell_uplift(&mut self, partition: i32, counts: &[UpliftCounts], encoder: &Encoder) {
        for counts in counts {
            let topic = Arc::clone(&self.uplift);
            self.write(topic, partition, Kind::Uplift, encoder.uplift(counts));
        }
    }

    /// Adds a record that was refused, as a dead letter.
    pub fn dead_letter(
        &mut self,
        record: &ConsumedRecord<'_>,
        source: &Source,
        reject: &Reject,
        encoder: &Encoder,
        output_digest: &mut OutputDigest,
    ) {
        let original = Original {
            source,
            key: record.key(),
            value: record.value(),
            headers: &record.headers(),
        };
        self.rejections.add(source, reject);
        let outgoing = encoder.dead_letter(&original, reject);
        output_digest.add("dead_letter", record.key(), record.value());
        let topic = Arc::clone(&self.dead_letters);
        let partition = self.aligned(&topic, record.at.partition);
        self.push(topic, partition, outgoing);
    }

    /// The partition of a record of a shard in a topic that is partitioned as the feeds are.
    fn aligned(&self, topic: &str, partition: i32) -> Option<i32> {
        self.aligned.contains(topic).then_some(partition)
    }

    fn write(&mut self, topic: Arc<str>, partition: i32, kind: Kind, outgoing: Outgoing) {
        match self.form.write(kind, outgoing) {
            Ok(outgoing) => {
                let partition = self.aligned(&topic, partition);
                self.push(topic, partition, outgoing);
            }
            Err(misfit) => {
                self.misfit.get_or_insert(misfit);
            }
        }
    }

    fn push(&mut self, topic: Arc<str>, partition: Option<i32>, outgoing: Outgoing) {
        let Outgoing {
            key,
            value,
            headers,
            ..
        } = outgoing;
        let length = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        self.waiting_bytes += length(&key) + length(&value);
        self.waiting.push(Outbound {
            topic,
            partition,
            key,
            value,
            headers,
            timestamp_ms: None,
        });
    }

    /// Cuts dead letters that their topic does not take: first the value, then all but the reason.
    ///
    /// # Errors
    /// [`Fault::Halt`] if one cannot be made smaller.
    pub fn shrink(&mut self, too_large: &[usize]) -> Result<(), Fault> {
        let mut shrunk = false;
        for index in too_large {
            let Some(outbound) = self.waiting.get_mut(*index) else {
                continue;
            };
            if outbound.topic == self.dead_letters {
                shrunk |= cut(outbound);
            }
        }
        if shrunk {
            return Ok(());
        }
        let topics: Vec<&str> = too_large
            .iter()
            .filter_map(|index| self.waiting.get(*index).map(|outbound| &*outbound.topic))
            .collect();
        Err(Fault::Halt(format!(
            "topic {} does not take our records: they are too large for it; raise its max.message.bytes to at least \
             1048588",
            topics.first().unwrap_or(&"?")
        )))
    }
}

/// Makes a dead letter smaller. Returns whether there was anything to cut.
fn cut(outbound: &mut Outbound) -> bool {
    let length = outbound.value.as_ref().map_or(0, Vec::len);
    let was_cut = outbound.headers.iter().any(|(name, _)| name == TRUNCATED);
    if length > KEPT_BYTES {
        if let Some(value) = &mut outbound.value {
            value.truncate(KEPT_BYTES);
        }
    } else if outbound.key.is_some() || length > 0 {
        outbound.key = None;
        outbound.value = None;
        outbound
            .headers
            .retain(|(name, _)| name.starts_with("errors."));
    } else {
        return false;
    }
    if !was_cut {
        let value = Some(length.to_string().into_bytes());
        outbound.headers.push((Cow::Borrowed(TRUNCATED), value));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dead_letter_is_cut_in_steps_and_says_so() {
        let mut outbound = Outbound {
            topic: "dead".into(),
            partition: None,
            key: Some(b"key".to_vec()),
            value: Some(vec![b'x'; KEPT_BYTES + 10]),
            headers: vec![
                (Cow::Borrowed("own"), None),
                (Cow::Borrowed("errors.reason"), Some(b"too_large".to_vec())),
            ],
            timestamp_ms: None,
        };
        assert!(cut(&mut outbound));
        assert_eq!(outbound.value.as_ref().map(Vec::len), Some(KEPT_BYTES));
        let truncated = outbound.headers.last().cloned();
        assert_eq!(
            truncated,
            Some((Cow::Borrowed(TRUNCATED), Some(b"65546".to_vec())))
        );
        assert!(cut(&mut outbound));
        assert_eq!(
            (outbound.key.as_ref(), outbound.value.as_ref()),
            (None, None)
        );
        assert_eq!(outbound.headers.len(), 2, "the reason and the cut remain");
        assert!(!cut(&mut outbound));
    }
}
