//! A schema of any kind, ready to read records.

use super::avro::Avro;
use super::protobuf::{Entry, Protobuf};
use super::text::Fault;

/// A schema as a registry has it, with all that it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources {
    /// `AVRO`, `PROTOBUF`, `JSON`, or another one.
    pub kind: String,
    /// The schema itself.
    pub text: String,
    /// What it refers to, each in front of those that refer to it.
    pub references: Vec<Source>,
}

/// A schema that another one refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The name by which it is referred to.
    pub name: String,
    /// The schema.
    pub text: String,
}

/// A schema that was compiled.
#[derive(Debug, Clone)]
pub enum Schema {
    /// Of records in Avro.
    Avro(Avro),
    /// Of records in Protobuf.
    Protobuf(Protobuf),
    /// Of records in JSON, which say themselves what they are.
    Json,
}

/// Room for what is made of one record, kept from record to record.
#[derive(Debug, Default)]
pub struct Room {
    json: Vec<u8>,
    entries: Vec<Entry>,
}

impl Schema {
    /// Compiles a schema.
    ///
    /// # Errors
    /// What is wrong with it, completing "the schema ...".
    pub fn new(sources: &Sources) -> Result<Self, String> {
        let Sources {
            kind,
            text,
            references,
        } = sources;
        match kind.as_str() {
            "AVRO" => {
                let texts = references.iter().map(|source| &*source.text);
                Avro::new(text, texts).map(Self::Avro)
            }
            "PROTOBUF" => {
                let named = references.iter();
                let named = named.map(|source| (&*source.name, &*source.text));
                Protobuf::new(text, named).map(Self::Protobuf)
            }
            "JSON" => Ok(Self::Json),
            other => Err(format!(
                "is of type {other}, and only AVRO, PROTOBUF and JSON are read"
            )),
        }
    }

    /// The JSON text of a record, without the id in front of it.
    ///
    /// # Errors
    /// What of it does not fit.
    pub fn json<'a>(&self, bytes: &'a [u8], room: &'a mut Room) -> Result<&'a [u8], Fault> {
        let Room { json, entries } = room;
        json.clear();
        match self {
            Self::Avro(avro) => avro.transcode(bytes, json)?,
            Self::Protobuf(protobuf) => protobuf.transcode(bytes, entries, json)?,
            Self::Json => return Ok(bytes),
        }
        Ok(json)
    }
}
