//! Tasks, signals, dead letters, confirmed erasures and counts of what tasks achieve as output records: key, value and headers (behaviour: Output).
//!
//! Values are JSON with a fixed order of fields, so the same task gives the same bytes. All headers except those of
//! dead letters follow the CloudEvents Kafka binary binding. A [`Form`] makes something else of the JSON where it is asked for.

mod avro;
mod dead_letter;
mod event;
mod form;
mod group;
mod json;
mod kind;
mod misfit;
mod outgoing;
mod protobuf;
mod read;
mod uplift;

pub use dead_letter::Original;
pub use form::{Form, Registered};
pub use kind::{Kind, Language};
pub use misfit::Misfit;
pub use outgoing::Outgoing;
pub use read::{Restorer, data_of};

use crate::model::{
    Calendar, Erasure, GroupRecord, Reject, ShadowSignal, Signal, Task, Timestamp, UpliftCounts,
    Words,
};
use std::borrow::Cow;
use std::sync::Arc;

/// The header that says what a value is.
const CONTENT_TYPE: &str = "content-type";

/// Writes what leaves.
#[derive(Debug, Clone)]
pub struct Encoder {
    calendar: Calendar,
    source: String,
    words: Arc<Words>,
}

impl Encoder {
    /// `ce_source` where nothing else is configured.
    pub const SOURCE_DEFAULT: &str = "/churnwatch";

    /// Moments are written with the offset of `calendar`'s zone; `source` is the URI reference in `ce_source`; `words` are
    /// those of recommended actions.
    pub fn new(calendar: Calendar, source: String, words: Arc<Words>) -> Self {
        Self {
            calendar,
            source,
            words,
        }
    }

    /// A task for the tasks topic, keyed by subscriber.
    pub fn task(&self, task: &Task) -> Outgoing {
        Outgoing {
            key: Some(task.msisdn.as_bytes().to_vec()),
            value: Some(self.task_json(task)),
            headers: self.cloud_event(
                format!("{}.{}", task.task_id, task.revision),
                Kind::Task,
                task.updated_at,
            ),
            subject: task.task_id.clone(),
        }
    }

    /// A signal for the signals topic, keyed by subscriber.
    pub fn signal(&self, signal: &Signal) -> Outgoing {
        let id = json::signal_id(signal);
        Outgoing {
            key: Some(signal.msisdn.as_bytes().to_vec()),
            value: Some(self.signal_json(signal)),
            headers: self.cloud_event(id.clone(), Kind::Signal, signal.fired_at),
            subject: id,
        }
    }

    /// A signal of the shadow rules for their topic, keyed by subscriber.
    pub fn shadow_signal(&self, shadow: &ShadowSignal) -> Outgoing {
        let signal = &shadow.signal;
        let id = json::signal_id(signal);
        Outgoing {
            key: Some(signal.msisdn.as_bytes().to_vec()),
            value: Some(self.shadow_signal_json(shadow)),
            headers: self.cloud_event(id.clone(), Kind::ShadowSignal, signal.fired_at),
            subject: id,
        }
    }

    /// A record for the dead letters: its own bytes and headers, and where it came from and why it was refused.
    pub fn dead_letter(&self, original: &Original<'_>, reject: &Reject) -> Outgoing {
        dead_letter::outgoing(original, reject)
    }

    /// A confirmation for the topic of erasures, keyed by the request's `record_id`.
    pub fn erasure(&self, erasure: &Erasure) -> Outgoing {
        Outgoing {
            key: Some(erasure.request.as_bytes().to_vec()),
            value: Some(self.erasure_json(erasure)),
            headers: self.cloud_event(erasure.request.clone(), Kind::Erasure, erasure.at),
            subject: erasure.request.clone(),
        }
    }

    /// A count for the topic of what tasks achieve, keyed by partition and region: the latest takes the place of those before.
    pub fn uplift(&self, counts: &UpliftCounts) -> Outgoing {
        let key = format!("{}/{}", counts.partition, counts.region);
        Outgoing {
            key: Some(key.clone().into_bytes()),
            value: Some(json::bytes(&uplift::UpliftJson::new(
                counts,
                &self.calendar,
            ))),
            headers: self.cloud_event(
                format!("{key}@{}", counts.as_of.0),
                Kind::Uplift,
                counts.as_of,
            ),
            subject: key,
        }
    }

    /// What one shard tells another of a group, keyed by the group or by the member who is told. It stays as it is in every form.
    pub fn group(&self, record: &GroupRecord) -> Outgoing {
        Outgoing {
            key: Some(record.event.key().to_vec()),
            value: group::value(record, &self.calendar),
            headers: Vec::new(),
            subject: String::new(),
        }
    }

    /// A task as one line of JSON, without the line's end.
    pub fn task_json(&self, task: &Task) -> Vec<u8> {
        json::bytes(&json::TaskJson::new(task, &self.calendar, &self.words))
    }

    /// A signal as one line of JSON, without the line's end.
    pub fn signal_json(&self, signal: &Signal) -> Vec<u8> {
        json::bytes(&json::SignalJson::published(signal, &self.calendar))
    }

    /// A signal of the shadow rules as one line of JSON, without the line's end.
    pub fn shadow_signal_json(&self, shadow: &ShadowSignal) -> Vec<u8> {
        json::bytes(&json::SignalJson::on_trial(shadow, &self.calendar))
    }

    /// A confirmation as one line of JSON, without the line's end.
    pub fn erasure_json(&self, erasure: &Erasure) -> Vec<u8> {
        json::bytes(&json::ErasureJson::new(erasure, &self.calendar))
    }

    /// A dead letter as one line of JSON, without the line's end: for files, which have no headers.
    pub fn dead_letter_json(&self, original: &Original<'_>, reject: &Reject) -> Vec<u8> {
        json::bytes(&dead_letter::Line::new(original, reject))
    }

    fn cloud_event(
        &self,
        id: String,
        kind: Kind,
        at: Timestamp,
    ) -> Vec<(Cow<'static, str>, Option<Vec<u8>>)> {
        let headers = [
            ("ce_id", id),
            ("ce_source", self.source.clone()),
            ("ce_type", kind.event_type().to_owned()),
            ("ce_specversion", "1.0".to_owned()),
            ("ce_time", self.calendar.rfc3339(at)),
            (CONTENT_TYPE, "application/json".to_owned()),
        ];
        headers
            .into_iter()
            .map(|(name, value)| (Cow::Borrowed(name), Some(value.into_bytes())))
            .collect()
    }
}
