//! The JSON of records that left in another form.

use super::avro::Schema;
use super::kind::{Kind, Language};
use super::misfit::json_name;
use memchr::memmem;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The record in an event of CloudEvents' structured mode; any other bytes as they are.
pub fn data_of(bytes: &[u8]) -> &[u8] {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(rename = "specversion")]
        _version: IgnoredAny,
        #[serde(borrow)]
        data: &'a RawValue,
    }
    // Most records are none, and searching is faster than reading.
    if memmem::find(bytes, b"\"specversion\"").is_none() {
        return bytes;
    }
    match serde_json::from_slice::<Event<'_>>(bytes) {
        Ok(event) => event.data.get().as_bytes(),
        Err(_) => bytes,
    }
}

/// Makes JSON of records of ours from the JSON that a reader of their schemas makes of Avro or Protobuf. Such a reader knows
/// neither our names with hyphens, nor that what is null is absent, nor what `google.protobuf.Struct` stands for; and in
/// Protobuf an empty list looks like none.
#[derive(Debug)]
pub struct Restorer(BTreeMap<Kind, Schema>);

impl Restorer {
    /// A restorer of all kinds.
    ///
    /// # Errors
    /// A schema that cannot be read, which is a fault of the program.
    pub fn new() -> Result<Self, String> {
        let schema = |kind: Kind| Ok((kind, Schema::parse(kind.schema(Language::Avro))?));
        let schemas = Kind::ALL.into_iter().map(schema);
        schemas.collect::<Result<_, String>>().map(Self)
    }

    /// The JSON of a record.
    ///
    /// # Errors
    /// What is not JSON.
    pub fn json(&self, kind: Kind, read: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
        let mut value = plain(serde_json::from_slice(read)?);
        if let Some(schema) = self.0.get(&kind) {
            schema.complete(&mut value);
        }
        serde_json::to_vec(&value)
    }
}

fn plain(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut first = members.iter().next();
            match first.take_if(|_| members.len() == 1) {
                Some((name, inner)) if name == "fields" => plain(inner.clone()),
                Some((name, inner)) if name == "list_value" => {
                    let values = inner.get("values").cloned();
                    plain(values.unwrap_or_else(|| Value::Array(Vec::new())))
                }
                Some((name, _)) if name == "null_value" => Value::Null,
                Some((name, inner)) if name.ends_with("_value") => plain(inner.clone()),
                _ => members_of(members),
            }
        }
        Value::Array(values) => values.into_iter().map(plain).collect(),
        other => other,
    }
}

fn members_of(members: Map<String, Value>) -> Value {
    let stated = members.into_iter().filter(|(_, value)| !value.is_null());
    let named = stated.map(|(name, value)| (json_name(&name).to_owned(), plain(value)));
    Value::Object(named.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_gives_its_record_and_a_record_itself() {
        for (bytes, data) in [
            (
                r#"{"specversion":"1.0","id":"1","data":{"a": 1}}"#,
                r#"{"a": 1}"#,
            ),
            (r#"{"data":{"a":1}}"#, r#"{"data":{"a":1}}"#),
            (r#"{"specversion":"1.0"}"#, r#"{"specversion":"1.0"}"#),
            ("[", "["),
            ("", ""),
        ] {
            assert_eq!(data_of(bytes.as_bytes()), data.as_bytes());
        }
    }

    #[test]
    fn what_readers_of_schemas_write_is_as_the_record_was() {
        let restorer = Restorer::new().unwrap();
        for (read, json) in [
            (
                r#"{"text":{"zh_CN":"好","en":"good"},"suppressed":null}"#,
                r#"{"text":{"en":"good","zh-CN":"好"}}"#,
            ),
            (
                r#"{"evidence":{"facts":{"days":[1,null]}}}"#,
                r#"{"evidence":{"facts":{"days":[1,null]}}}"#,
            ),
            (
                r#"{"evidence":{"facts":{"fields":{"a":{"number_value":1.5},"b":{"string_value":"x"},"c":{"bool_value":true},
                    "d":{"list_value":{"values":[{"null_value":"NULL_VALUE"},{"number_value":2}]}},"e":{"list_value":{}},
                    "f":{"struct_value":{"fields":{"g":{"string_value":"y"}}}}}}}}"#,
                r#"{"evidence":{"facts":{"a":1.5,"b":"x","c":true,"d":[null,2],"e":[],"f":{"g":"y"}}}}"#,
            ),
            (r#"{"evidence":{}}"#, r#"{"evidence":{"facts":{}}}"#),
        ] {
            let restored = restorer.json(Kind::Signal, read.as_bytes()).unwrap();
            let restored: Value = serde_json::from_slice(&restored).unwrap();
            assert_eq!(restored, serde_json::from_str::<Value>(json).unwrap());
        }
        let bare = restorer.json(Kind::Task, br#"{"assignee":{"queue":"q"}}"#);
        let bare: Value = serde_json::from_slice(&bare.unwrap()).unwrap();
        let expected = r#"{"assignee":{"queue":"q","region":[]},"score_parts":{},"signals":[]}"#;
        assert_eq!(bare, serde_json::from_str::<Value>(expected).unwrap());
        assert!(restorer.json(Kind::Task, b"{").is_err());
    }
}
