//! Any record of any schema, beside what the library reads.

use super::read;
use crate::registry::protobuf::Files;
use crate::registry::text;
use proptest::prelude::*;
use prost_reflect::prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};
use protox::Compiler;
use protox::file::ChainFileResolver;
use serde_json::json;
use std::collections::BTreeMap;

/// A field of a random message: its type, its number, and how often it comes.
type Field = (usize, u32, usize);

const TYPES: [&str; 18] = [
    "double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32",
    "fixed64", "sfixed32", "sfixed64", "bool", "string", "bytes", "Kind", "Sub", "M",
];

fn schema(fields: &[Field]) -> String {
    let mut text = String::new();
    let mut oneof = String::new();
    for (place, (kind, number, count)) in fields.iter().enumerate() {
        let kind = TYPES[*kind];
        let packs = !["string", "bytes", "Sub", "M"].contains(&kind);
        let field = format!("{kind} f{place} = {number}");
        match count {
            0 => text += &format!("{field};\n"),
            1 => text += &format!("optional {field};\n"),
            2 => text += &format!("repeated {field};\n"),
            3 if packs => text += &format!("repeated {field} [packed = false];\n"),
            4 => text += &format!("map<string, {kind}> f{place} = {number};\n"),
            5 => text += &format!("map<sint64, {kind}> f{place} = {number};\n"),
            _ => oneof += &format!("{field};\n"),
        }
    }
    if !oneof.is_empty() {
        oneof = format!("oneof which {{ {oneof} }}");
    }
    format!(
        "syntax = \"proto3\";
        message M {{ {text} {oneof} }}
        message Sub {{ int32 n = 1; repeated sint32 list = 2; M m = 3; }}
        enum Kind {{ NONE = 0; MOC = 1; MTC = 2; }}"
    )
}

/// A source of random numbers that ends in zeros.
struct Seeds<'s>(std::slice::Iter<'s, u64>);

impl Seeds<'_> {
    fn next(&mut self) -> u64 {
        self.0.next().copied().unwrap_or_default()
    }

    fn message(&mut self, of: MessageDescriptor, depth: usize) -> DynamicMessage {
        let mut message = DynamicMessage::new(of.clone());
        for field in of.fields() {
            if !self.next().is_multiple_of(3) && depth < 4 {
                message.set_field(&field, self.field(&field, depth));
            }
        }
        message
    }

    fn field(&mut self, field: &FieldDescriptor, depth: usize) -> Value {
        let count = self.next() % 4;
        if field.is_map() {
            let Kind::Message(entry) = field.kind() else {
                panic!("no entry");
            };
            let value = entry.map_entry_value_field().kind();
            let is_text = entry.map_entry_key_field().kind() == Kind::String;
            let entries = (0..count).map(|_| {
                let key = self.next();
                let key = match is_text {
                    true => MapKey::String(format!("k{}", key % 9)),
                    false => MapKey::I64(key.cast_signed()),
                };
                (key, self.value(&value, depth))
            });
            return Value::Map(entries.collect());
        }
        if field.is_list() {
            return Value::List(
                (0..count)
                    .map(|_| self.value(&field.kind(), depth))
                    .collect(),
            );
        }
        self.value(&field.kind(), depth)
    }

    fn value(&mut self, kind: &Kind, depth: usize) -> Value {
        let seed = self.next();
        match kind {
            Kind::Double => Value::F64(f64::from_bits(seed)),
            Kind::Float => Value::F32(f32::from_bits(seed as u32)),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(seed as i32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(seed.cast_signed()),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(seed as u32),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(seed),
            Kind::Bool => Value::Bool(seed.is_multiple_of(2)),
            Kind::String => Value::String(format!("\"{}é", seed % 1000)),
            Kind::Bytes => Value::Bytes(seed.to_le_bytes()[..(seed % 8) as usize].to_vec().into()),
            Kind::Enum(_) => Value::EnumNumber((seed % 4) as i32),
            Kind::Message(message) => Value::Message(self.message(message.clone(), depth + 1)),
        }
    }
}

/// What the library has read, as JSON.
fn expected(message: &DynamicMessage) -> serde_json::Value {
    let fields = message.fields().map(|(field, value)| {
        let kind = match field.kind() {
            Kind::Message(entry) if field.is_map() => entry.map_entry_value_field().kind(),
            kind => kind,
        };
        (field.name().to_owned(), expected_value(value, &kind))
    });
    serde_json::Value::Object(fields.collect())
}

fn expected_value(value: &Value, kind: &Kind) -> serde_json::Value {
    let number = |text: String| serde_json::from_str(&text).unwrap();
    match value {
        Value::Bool(value) => json!(value),
        Value::I32(value) => json!(value),
        Value::I64(value) => json!(value),
        Value::U32(value) => json!(value),
        Value::U64(value) => json!(value),
        Value::F32(value) => number(serde_json::to_string(value).unwrap()),
        Value::F64(value) => number(serde_json::to_string(value).unwrap()),
        Value::String(value) => json!(value),
        Value::Bytes(value) => {
            let digits = value.iter().map(|byte| format!("{byte:02x}"));
            json!(digits.collect::<String>())
        }
        Value::EnumNumber(value) => match kind {
            Kind::Enum(names) => match names.get_value(*value) {
                Some(name) => json!(name.name()),
                None => json!(value),
            },
            _ => panic!("no enum"),
        },
        Value::Message(message) => expected(message),
        Value::List(values) => values
            .iter()
            .map(|value| expected_value(value, kind))
            .collect(),
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                let key = match key {
                    MapKey::String(key) => key.clone(),
                    MapKey::I64(key) => key.to_string(),
                    other => panic!("{other:?}"),
                };
                (key, expected_value(value, kind))
            });
            serde_json::Value::Object(entries.collect())
        }
    }
}

/// Fields with different numbers, some of them far apart.
fn fields() -> impl Strategy<Value = Vec<Field>> {
    let field = (0..TYPES.len(), 1_u32..40, 0_usize..8);
    prop::collection::vec(field, 0..12).prop_map(|mut fields| {
        fields.sort_by_key(|(_, number, _)| *number);
        fields.dedup_by_key(|(_, number, _)| *number);
        fields
    })
}

fn pool(schema: &str) -> MessageDescriptor {
    let mut resolver = ChainFileResolver::new();
    resolver.add(Files(BTreeMap::from([("m".to_owned(), schema.to_owned())])));
    let mut compiler = Compiler::with_file_resolver(resolver);
    let pool = compiler.open_file("m").unwrap().descriptor_pool();
    pool.get_message_by_name("M").unwrap()
}

proptest! {
    #[test]
    fn any_record_is_read_as_the_library_reads_it(fields in fields(), seeds: [Vec<u64>; 2]) {
        let schema = schema(&fields);
        let descriptor = pool(&schema);
        // Two messages behind each other are one.
        let encode = |seeds: &Vec<u64>| {
            let message = Seeds(seeds.iter()).message(descriptor.clone(), 0);
            message.encode_to_vec()
        };
        let bytes = seeds.iter().map(encode).collect::<Vec<_>>().concat();
        let theirs = DynamicMessage::decode(descriptor.clone(), &bytes[..]).unwrap();
        let ours = read(&schema, &[b"\0", &bytes[..]].concat()).unwrap();
        let ours: serde_json::Value = serde_json::from_str(&ours).unwrap();
        // A value that came and is the default: the library takes it for absent where the field cannot say so.
        prop_assert_eq!(without_defaults(ours, &descriptor), expected(&theirs));
    }

    #[test]
    fn any_bytes_are_json_or_refused(fields in fields(), bytes: Vec<u8>) {
        let schema = schema(&fields);
        let framed = [b"\0", &bytes[..]].concat();
        let ours = read(&schema, &framed);
        // The library knows broken bytes by the same signs, but for what it reads more of: groups and unused fields.
        if DynamicMessage::decode(pool(&schema), &bytes[..]).is_ok() {
            prop_assert!(ours.is_ok(), "{ours:?}");
        }
        if let Ok(text) = ours {
            prop_assert!(text.len() < 2 * text::limit(framed.len()));
            prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
        }
    }
}

/// JSON without the defaults that a message cannot tell from absence, and without empty lists.
fn without_defaults(value: serde_json::Value, of: &MessageDescriptor) -> serde_json::Value {
    let serde_json::Value::Object(mut fields) = value else {
        return value;
    };
    for field in of.fields() {
        let Some(value) = fields.get_mut(field.name()) else {
            continue;
        };
        let taken = value.take();
        let inner = match field.kind() {
            Kind::Message(entry) if field.is_map() => match entry.map_entry_value_field().kind() {
                Kind::Message(message) => Some(message),
                _ => None,
            },
            Kind::Message(message) => Some(message),
            _ => None,
        };
        let clean = |value: serde_json::Value| match &inner {
            Some(message) => without_defaults(value, message),
            None => value,
        };
        *value = match taken {
            serde_json::Value::Array(values) => values.into_iter().map(clean).collect(),
            serde_json::Value::Object(entries) if field.is_map() => {
                let entries = entries.into_iter().map(|(key, value)| (key, clean(value)));
                serde_json::Value::Object(entries.collect())
            }
            value => clean(value),
        };
        let is_default = match &*value {
            serde_json::Value::Array(values) => values.is_empty(),
            serde_json::Value::Object(_) => false,
            value => {
                let zero = value.as_f64() == Some(0.0) && !value.to_string().starts_with('-');
                let none = [json!(false), json!(""), json!("NONE")].contains(value);
                (zero || none) && !field.supports_presence()
            }
        };
        if is_default {
            fields.remove(field.name());
        }
    }
    serde_json::Value::Object(fields)
}
