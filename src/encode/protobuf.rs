//! JSON to Protobuf. The libraries write the entries of maps in the order of a hash table, so that the same task would
//! have other bytes after a restart; these bytes are in the order of the JSON.

use super::misfit::{Misfit, json_name};
use prost_reflect::prost::encoding::{WireType, encode_key, encode_varint};
use prost_reflect::{DescriptorPool, FieldDescriptor, Kind, MessageDescriptor};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};
use serde_json::Value;

/// The first message of a file.
#[derive(Debug, Clone)]
pub(super) struct Schema(MessageDescriptor);

/// What a file is called while it is compiled.
const NAME: &str = "record.proto";

impl Schema {
    /// Reads a file. It may import nothing but what comes with Protobuf.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let pool = compile(text).map_err(|error| error.to_string())?;
        let file = pool.get_file_by_name(NAME);
        let message = file.and_then(|file| file.messages().next());
        message.map(Self).ok_or_else(|| "has no message".to_owned())
    }

    /// Appends a record. Fields with their default value are written as well, so that a reader sees every field that there
    /// is whether or not it knows of defaults.
    ///
    /// # Errors
    /// The field that the schema has no room for.
    pub(super) fn write(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), Misfit> {
        message(&self.0, value, out)
    }
}

fn compile(text: &str) -> Result<DescriptorPool, protox::Error> {
    struct Only(File);
    impl FileResolver for Only {
        fn open_file(&self, name: &str) -> Result<File, protox::Error> {
            match name {
                NAME => Ok(self.0.clone()),
                other => Err(protox::Error::file_not_found(other)),
            }
        }
    }
    let mut files = ChainFileResolver::new();
    files.add(Only(File::from_source(NAME, text)?));
    files.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(files);
    compiler.include_imports(true);
    compiler.open_file(NAME)?;
    Ok(compiler.descriptor_pool())
}

fn message(of: &MessageDescriptor, value: &Value, out: &mut Vec<u8>) -> Result<(), Misfit> {
    let mut written = 0;
    for field in of.fields() {
        let within = |misfit: Misfit| misfit.within(field.name());
        match member(of, &field, value) {
            Some(value) => {
                self::field(&field, value, out).map_err(within)?;
                written += 1;
            }
            // An optional field is in a `oneof` of its own.
            None if field.containing_oneof().is_some() => {}
            None => return Err(within(Misfit::new("is missing"))),
        }
    }
    match value {
        Value::Object(members) if !is_any_json(of) && written != members.len() => {
            Err(Misfit::new("has members that the schema lacks"))
        }
        _ => Ok(()),
    }
}

/// Whether a message stands for any JSON object, list or value.
fn is_any_json(of: &MessageDescriptor) -> bool {
    of.full_name().starts_with("google.protobuf.")
}

/// What of a value becomes a field of a message.
fn member<'v>(
    of: &MessageDescriptor,
    field: &FieldDescriptor,
    value: &'v Value,
) -> Option<&'v Value> {
    match of.full_name() {
        // Their only field takes all.
        "google.protobuf.Struct" | "google.protobuf.ListValue" => Some(value),
        "google.protobuf.Value" => {
            let taker = match value {
                Value::Null => "null_value",
                Value::Bool(_) => "bool_value",
                Value::Number(_) => "number_value",
                Value::String(_) => "string_value",
                Value::Array(_) => "list_value",
                Value::Object(_) => "struct_value",
            };
            (field.name() == taker).then_some(value)
        }
        _ => value.get(json_name(field.name())),
    }
}

fn field(field: &FieldDescriptor, value: &Value, out: &mut Vec<u8>) -> Result<(), Misfit> {
    let (number, kind) = (field.number(), field.kind());
    if let (true, Value::Object(entries), Kind::Message(entry)) = (field.is_map(), value, &kind) {
        for (name, value) in entries {
            delimited(number, out, |out| {
                delimited(1, out, |out| {
                    out.extend(name.as_bytes());
                    Ok(())
                })?;
                let of = entry.map_entry_value_field();
                self::field(&of, value, out).map_err(|misfit| misfit.within(name))
            })?;
        }
        return Ok(());
    }
    if let (true, Value::Array(values)) = (field.is_list(), value) {
        return values
            .iter()
            .try_for_each(|value| single(number, &kind, value, out));
    }
    match field.is_map() || field.is_list() {
        true => Err(Misfit::new("is of another type")),
        false => single(number, &kind, value, out),
    }
}

fn single(number: u32, kind: &Kind, value: &Value, out: &mut Vec<u8>) -> Result<(), Misfit> {
    match (kind, value) {
        (Kind::String, Value::String(text)) => delimited(number, out, |out| {
            out.extend(text.as_bytes());
            Ok(())
        })?,
        (Kind::Message(of), value) => delimited(number, out, |out| message(of, value, out))?,
        (Kind::Double, Value::Number(value)) => {
            let value = value.as_f64().ok_or(Misfit::new("is too large"))?;
            encode_key(number, WireType::SixtyFourBit, out);
            out.extend(value.to_le_bytes());
        }
        (Kind::Int64, Value::Number(value)) => {
            let value = value.as_i64();
            let value = value.ok_or(Misfit::new("is not a whole number"))?;
            varint(number, value as u64, out);
        }
        (Kind::Bool, Value::Bool(value)) => varint(number, (*value).into(), out),
        // The only value of its enum.
        (Kind::Enum(_), Value::Null) => varint(number, 0, out),
        _ => return Err(Misfit::new("is of another type")),
    }
    Ok(())
}

fn varint(number: u32, value: u64, out: &mut Vec<u8>) {
    encode_key(number, WireType::Varint, out);
    encode_varint(value, out);
}

/// A part with its length before it.
fn delimited(
    number: u32,
    out: &mut Vec<u8>,
    fill: impl FnOnce(&mut Vec<u8>) -> Result<(), Misfit>,
) -> Result<(), Misfit> {
    let mut part = Vec::new();
    fill(&mut part)?;
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(part.len() as u64, out);
    out.extend(part);
    Ok(())
}
