//! CloudEvents 1.0 in structured mode, with the JSON event format.

use super::kind::Kind;
use super::outgoing::Outgoing;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// The media type of an event in JSON.
pub(super) const CONTENT_TYPE: &str = "application/cloudevents+json";

/// What the headers of binary mode begin with.
const PREFIX: &str = "ce_";

/// The event of a record: the attributes that its headers state, further ones, and the record itself.
pub(super) fn structured(kind: Kind, outgoing: &Outgoing) -> Vec<u8> {
    super::json::bytes(&Event { kind, outgoing })
}

struct Event<'a> {
    kind: Kind,
    outgoing: &'a Outgoing,
}

impl Serialize for Event<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Outgoing {
            value,
            headers,
            subject,
            ..
        } = self.outgoing;
        let mut event = serializer.serialize_map(None)?;
        for (name, value) in headers {
            if let (Some(name), Some(value)) = (name.strip_prefix(PREFIX), value) {
                event.serialize_entry(name, &String::from_utf8_lossy(value))?;
            }
        }
        event.serialize_entry("subject", subject)?;
        event.serialize_entry("datacontenttype", "application/json")?;
        let schema = format!("urn:churnwatch:{}.schema.json", self.kind.name());
        event.serialize_entry("dataschema", &schema)?;
        let data: Option<&RawValue> = value
            .as_deref()
            .and_then(|json| serde_json::from_slice(json).ok());
        event.serialize_entry("data", &data)?;
        event.end()
    }
}
