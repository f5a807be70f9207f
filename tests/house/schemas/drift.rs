//! The schemas of Avro and Protobuf have the fields of the JSON schemas: no more, no fewer, of the same types, and the same
//! ones optional.

use super::document;
use crate::forms::descriptors;
use churnwatch::encode::{Kind, Language};
use prost_reflect::{Cardinality, Kind as ProtoKind, MessageDescriptor};
use serde_json::Value;
use std::collections::BTreeMap;

/// What the schemas have in common: types by path, with `?` behind those that may be absent, and `[]` for what a list holds.
type Fields = BTreeMap<String, String>;

fn hyphened(name: &str) -> &str {
    match name {
        "zh_CN" => "zh-CN",
        other => other,
    }
}

struct Json {
    document: Value,
}

impl Json {
    fn resolved(&self, node: &Value) -> Value {
        let Some(reference) = node["$ref"].as_str() else {
            return node.clone();
        };
        let (file, pointer) = reference.split_once('#').unwrap();
        let of = Self {
            document: match file {
                "" => self.document.clone(),
                file => document(file),
            },
        };
        let mut found = of.document.pointer(pointer).unwrap().clone();
        // A reference within another document is one within that document.
        if let Some(members) = found["properties"].as_object_mut() {
            for member in members.values_mut() {
                *member = of.resolved(member);
            }
        }
        found
    }

    fn fields(&self, node: &Value, path: &str, fields: &mut Fields) {
        for (name, member) in node["properties"].as_object().unwrap() {
            let path = format!("{path}/{name}");
            let mut required = node["required"].as_array().unwrap().iter();
            let optional = match required.any(|required| required == name) {
                true => "",
                false => "?",
            };
            let member = self.resolved(member);
            let found = self.of(&member, &path, fields);
            fields.insert(path, format!("{found}{optional}"));
        }
    }

    fn of(&self, node: &Value, path: &str, fields: &mut Fields) -> String {
        let first = node["enum"].get(0).or(node.get("const"));
        let named = match first {
            Some(Value::Bool(_)) => "boolean",
            Some(Value::Number(_)) => "integer",
            Some(_) => "string",
            // What is written is text, though an integer may be read.
            None if node["type"].is_array() => "string",
            None => node["type"].as_str().unwrap(),
        };
        match named {
            "object" if node["properties"].is_object() => {
                self.fields(node, path, fields);
                "record".to_owned()
            }
            "object" => "map".to_owned(),
            "array" => {
                let items = self.resolved(&node["items"]);
                format!("[{}]", self.of(&items, path, fields))
            }
            other => other.to_owned(),
        }
    }
}

fn avro<'s>(
    node: &'s Value,
    path: &str,
    records: &mut BTreeMap<&'s str, &'s Value>,
    fields: &mut Fields,
) -> String {
    match node {
        Value::Array(branches) if branches[0] == "null" => {
            assert_eq!(branches.len(), 2, "{path}");
            format!("{}?", avro(&branches[1], path, records, fields))
        }
        Value::String(name) => match &**name {
            "long" => "integer".to_owned(),
            "double" => "number".to_owned(),
            "string" | "boolean" => name.clone(),
            record => avro(records[record], path, records, fields),
        },
        _ => match node["type"].as_str().unwrap() {
            "array" => format!("[{}]", avro(&node["items"], path, records, fields)),
            "record" => {
                records.insert(node["name"].as_str().unwrap(), node);
                for field in node["fields"].as_array().unwrap() {
                    let path = format!("{path}/{}", hyphened(field["name"].as_str().unwrap()));
                    let found = avro(&field["type"], &path, records, fields);
                    // A field that may be absent needs a default, or the next version could not lack it.
                    assert_eq!(found.ends_with('?'), field.get("default").is_some());
                    fields.insert(path, found);
                }
                "record".to_owned()
            }
            other => other.to_owned(),
        },
    }
}

fn protobuf(message: &MessageDescriptor, path: &str, fields: &mut Fields) {
    for field in message.fields() {
        let path = format!("{path}/{}", hyphened(field.name()));
        let found = match field.kind() {
            ProtoKind::Message(_) if field.is_map() => "map",
            ProtoKind::Message(of) if of.full_name() == "google.protobuf.Struct" => "map",
            ProtoKind::Message(of) => {
                protobuf(&of, &path, fields);
                "record"
            }
            ProtoKind::Int64 => "integer",
            ProtoKind::Double => "number",
            ProtoKind::String => "string",
            ProtoKind::Bool => "boolean",
            other => panic!("{path}: {other:?}"),
        };
        let found = match (field.cardinality(), field.containing_oneof()) {
            (Cardinality::Repeated, _) if !field.is_map() => format!("[{found}]"),
            (_, Some(_)) => format!("{found}?"),
            _ => found.to_owned(),
        };
        fields.insert(path, found);
    }
}

#[test]
fn every_field_is_in_all_three_schemas() {
    for kind in Kind::ALL {
        let json = Json {
            document: document(&format!("{}.schema.json", kind.name())),
        };
        let (mut expected, mut of_avro, mut of_protobuf) =
            (Fields::new(), Fields::new(), Fields::new());
        json.fields(&json.document, "", &mut expected);
        assert!(expected.len() > 5, "{kind:?}: {expected:?}");
        let schema: Value = serde_json::from_str(kind.schema(Language::Avro)).unwrap();
        avro(&schema, "", &mut BTreeMap::new(), &mut of_avro);
        assert_eq!(of_avro, expected, "Avro {kind:?}");
        let pool = descriptors(kind.schema(Language::Protobuf));
        let file = pool.get_file_by_name("it.proto").unwrap();
        let message = file.messages().next().unwrap();
        protobuf(&message, "", &mut of_protobuf);
        assert_eq!(of_protobuf, expected, "Protobuf {kind:?}");
    }
}

/// Numbers of fields are for ever: a schema of Protobuf that changes one reads old records wrongly.
#[test]
fn names_of_messages_and_numbers_of_fields_are_as_they_were() {
    let mut found = String::new();
    for kind in Kind::ALL {
        let pool = descriptors(kind.schema(Language::Protobuf));
        let ours = pool.all_messages();
        let mut ours: Vec<_> = ours
            .filter(|message| message.package_name() == "churnwatch.v1" && !message.is_map_entry())
            .collect();
        ours.sort_by(|one, other| one.full_name().cmp(other.full_name()));
        for message in ours {
            let fields = message.fields();
            let fields: Vec<_> = fields
                .map(|field| format!("{} {}", field.number(), field.name()))
                .collect();
            found += &format!("{}: {}\n", message.full_name(), fields.join(", "));
        }
    }
    insta::assert_snapshot!(found);
}
