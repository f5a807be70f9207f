//! The form in which records leave: JSON, an event of CloudEvents around it, or Avro or Protobuf made of it.

use super::kind::{Kind, Language};
use super::misfit::Misfit;
use super::outgoing::Outgoing;
use super::{avro, event, protobuf};
use serde_json::Value;
use std::collections::BTreeMap;

/// The form in which records leave. The same record always gives the same bytes.
#[derive(Debug, Clone, Default)]
pub enum Form {
    /// JSON; the attributes of CloudEvents are headers.
    #[default]
    Json,
    /// CloudEvents' structured mode: one JSON object with the attributes, and the record as its `data`.
    CloudEvents,
    /// As schemas say that a registry knows.
    Registered(Registered),
}

/// The schemas of all kinds, with the registry's numbers for them.
#[derive(Debug, Clone)]
pub struct Registered(BTreeMap<Kind, (u32, Writer)>);

#[derive(Debug, Clone)]
enum Writer {
    Avro(avro::Schema),
    Protobuf(protobuf::Schema),
}

impl Registered {
    /// Reads the schemas; `ids` are the registry's numbers, by kind.
    ///
    /// # Errors
    /// A schema that cannot be read, which is a fault of the program.
    pub fn new(language: Language, ids: &BTreeMap<Kind, u32>) -> Result<Self, String> {
        let writer = |(kind, id): (&Kind, &u32)| {
            let text = kind.schema(language);
            let writer = match language {
                Language::Avro => avro::Schema::parse(text).map(Writer::Avro),
                Language::Protobuf => protobuf::Schema::parse(text).map(Writer::Protobuf),
            };
            let writer = writer.map_err(|error| format!("schema {}: {error}", kind.name()))?;
            Ok((*kind, (*id, writer)))
        };
        ids.iter().map(writer).collect::<Result<_, _>>().map(Self)
    }
}

impl Form {
    /// Brings a record, whose value is JSON, into this form.
    ///
    /// # Errors
    /// [`Misfit`] if the schema has no room for it.
    pub fn write(&self, kind: Kind, mut outgoing: Outgoing) -> Result<Outgoing, Misfit> {
        let (value, content_type) = match self {
            Self::Json => return Ok(outgoing),
            Self::CloudEvents => (event::structured(kind, &outgoing), event::CONTENT_TYPE),
            Self::Registered(registered) => registered.write(kind, &outgoing)?,
        };
        outgoing.value = Some(value);
        for (name, value) in &mut outgoing.headers {
            if *name == super::CONTENT_TYPE {
                *value = Some(content_type.as_bytes().to_vec());
            }
        }
        Ok(outgoing)
    }
}

impl Registered {
    fn write(&self, kind: Kind, outgoing: &Outgoing) -> Result<(Vec<u8>, &'static str), Misfit> {
        let misfit = |what| Misfit::new(what).of(kind);
        let json = outgoing.value.as_deref().unwrap_or_default();
        let json: Value = serde_json::from_slice(json).map_err(|_| misfit("is not JSON"))?;
        let (id, writer) = self.0.get(&kind).ok_or_else(|| misfit("has no schema"))?;
        let mut bytes = vec![0];
        bytes.extend(id.to_be_bytes());
        let (written, content_type) = match writer {
            Writer::Avro(schema) => (schema.write(&json, &mut bytes), "application/avro"),
            Writer::Protobuf(schema) => {
                // The place of the message in its file: the first, which has a short form.
                bytes.push(0);
                (schema.write(&json, &mut bytes), "application/protobuf")
            }
        };
        written.map_err(|misfit| misfit.of(kind))?;
        Ok((bytes, content_type))
    }
}
