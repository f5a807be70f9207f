//! The JSON of records that left in another form.

use super::misfit::json_name;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// The record in an event of CloudEvents' structured mode; any other bytes as they are.
pub fn data_of(bytes: &[u8]) -> &[u8] {
    #[derive(Deserialize)]
    struct Event<'a> {
        #[serde(rename = "specversion")]
        _version: IgnoredAny,
        #[serde(borrow)]
        data: &'a RawValue,
    }
    match serde_json::from_slice::<Event<'_>>(bytes) {
        Ok(event) => event.data.get().as_bytes(),
        Err(_) => bytes,
    }
}

/// The JSON of a record of ours, made of the JSON that a reader of its schema makes of Avro or Protobuf. Readers know neither
/// our names with hyphens, nor that what is null is absent, nor what `google.protobuf.Struct` stands for.
///
/// # Errors
/// What is not JSON.
pub fn restored(json: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    let value: Value = serde_json::from_slice(json)?;
    serde_json::to_vec(&plain(value))
}

fn plain(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut first = members.iter().next();
            match first.take_if(|_| members.len() == 1) {
                Some((name, inner)) if name == "fields" => plain(inner.clone()),
                Some((name, inner)) if name == "list_value" => {
                    plain(inner.get("values").cloned().unwrap_or_default())
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
        for (read, json) in [
            (
                r#"{"zh_CN":"好","en":"good","action":null}"#,
                r#"{"en":"good","zh-CN":"好"}"#,
            ),
            (
                r#"{"facts":{"days":[1,null]}}"#,
                r#"{"facts":{"days":[1,null]}}"#,
            ),
            (
                r#"{"facts":{"fields":{"a":{"number_value":1.5},"b":{"string_value":"x"},"c":{"bool_value":true},
                    "d":{"list_value":{"values":[{"null_value":"NULL_VALUE"},{"number_value":2}]}},"e":{"list_value":{}},
                    "f":{"struct_value":{"fields":{"g":{"string_value":"y"}}}}}}}"#,
                r#"{"facts":{"a":1.5,"b":"x","c":true,"d":[null,2],"e":[],"f":{"g":"y"}}}"#,
            ),
        ] {
            let restored: Value =
                serde_json::from_slice(&restored(read.as_bytes()).unwrap()).unwrap();
            assert_eq!(restored, serde_json::from_str::<Value>(json).unwrap());
        }
        assert!(restored(b"{").is_err());
    }
}
