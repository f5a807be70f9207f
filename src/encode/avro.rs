//! JSON to Avro. The libraries write the entries of maps in the order of a hash table, so that the same task would have
//! other bytes after a restart; these bytes are in the order of the JSON.

use super::misfit::{Misfit, json_name};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What a schema says, with types in place of names.
#[derive(Debug, Clone)]
pub(super) struct Schema {
    /// The last is the record.
    types: Vec<Type>,
}

/// A type; those that it is made of are named by their places.
#[derive(Debug, Clone)]
enum Type {
    Null,
    Boolean,
    Long,
    Double,
    String,
    Array(usize),
    Map(usize),
    Union(Vec<usize>),
    Record(Vec<(String, usize)>),
}

impl Schema {
    /// Reads a schema of ours, which has no other types than those of [`Type`].
    ///
    /// # Errors
    /// What is not such a schema.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let json: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let mut types = Vec::new();
        compile(&json, &mut types, &mut BTreeMap::new())?;
        Ok(Self { types })
    }

    /// Appends the datum of a record.
    ///
    /// # Errors
    /// The field that the schema has no room for.
    pub(super) fn write(&self, value: &Value, out: &mut Vec<u8>) -> Result<(), Misfit> {
        self.datum(self.types.len().saturating_sub(1), value, out)
    }

    /// Adds the lists and maps that a record lacks.
    pub(super) fn complete(&self, record: &mut Value) {
        self.fill(self.types.len().saturating_sub(1), record);
    }

    fn fill(&self, of: usize, value: &mut Value) {
        match (self.types.get(of), value) {
            (Some(Type::Record(fields)), Value::Object(members)) => {
                for (name, of) in fields {
                    let name = json_name(name);
                    let empty = match self.types.get(*of) {
                        Some(Type::Array(_)) => Some(Value::Array(Vec::new())),
                        Some(Type::Map(_)) => Some(Value::Object(Map::new())),
                        _ => None,
                    };
                    match (members.get_mut(name), empty) {
                        (Some(member), _) => self.fill(*of, member),
                        (None, Some(empty)) => drop(members.insert(name.to_owned(), empty)),
                        (None, None) => {}
                    }
                }
            }
            (Some(Type::Array(items)), Value::Array(values)) => {
                values.iter_mut().for_each(|value| self.fill(*items, value));
            }
            (Some(Type::Union(branches)), value) => {
                let mut branches = branches.iter();
                if let Some(branch) = branches.find(|branch| self.is_of(**branch, value)) {
                    self.fill(*branch, value);
                }
            }
            _ => {}
        }
    }

    fn datum(&self, of: usize, value: &Value, out: &mut Vec<u8>) -> Result<(), Misfit> {
        match (self.types.get(of), value) {
            (Some(Type::Null), Value::Null) => {}
            (Some(Type::Boolean), Value::Bool(value)) => out.push((*value).into()),
            (Some(Type::String), Value::String(text)) => string(text, out),
            (Some(Type::Long), Value::Number(number)) => {
                let whole = number.as_i64();
                long(whole.ok_or(Misfit::new("is not a whole number"))?, out);
            }
            (Some(Type::Double), Value::Number(number)) => {
                let number = number.as_f64().ok_or(Misfit::new("is too large"))?;
                out.extend(number.to_le_bytes());
            }
            (Some(Type::Array(items)), Value::Array(values)) => {
                count(values.len(), out);
                for value in values {
                    self.datum(*items, value, out)?;
                }
                end(values.len(), out);
            }
            (Some(Type::Map(values)), Value::Object(entries)) => {
                count(entries.len(), out);
                for (name, value) in entries {
                    string(name, out);
                    self.datum(*values, value, out)
                        .map_err(|misfit| misfit.within(name))?;
                }
                end(entries.len(), out);
            }
            (Some(Type::Union(branches)), value) => {
                let mut fitting = branches.iter().enumerate();
                let fitting = fitting.find(|(_, branch)| self.is_of(**branch, value));
                let (place, branch) = fitting.ok_or(Misfit::new("is of another type"))?;
                count(place, out);
                self.datum(*branch, value, out)?;
            }
            (Some(Type::Record(fields)), Value::Object(members)) => {
                let mut written = 0;
                for (name, of) in fields {
                    let value = members.get(json_name(name));
                    written += usize::from(value.is_some());
                    self.datum(*of, value.unwrap_or(&Value::Null), out)
                        .map_err(|misfit| misfit.within(name))?;
                }
                if written != members.len() {
                    return Err(Misfit::new("has members that the schema lacks"));
                }
            }
            _ => return Err(Misfit::new("is of another type")),
        }
        Ok(())
    }

    /// Whether a value is of a type, as far as can be seen without looking into it.
    fn is_of(&self, of: usize, value: &Value) -> bool {
        match (self.types.get(of), value) {
            (Some(Type::Long), Value::Number(number)) => number.is_i64(),
            (Some(Type::Null), Value::Null)
            | (Some(Type::Boolean), Value::Bool(_))
            | (Some(Type::Double), Value::Number(_))
            | (Some(Type::String), Value::String(_))
            | (Some(Type::Array(_)), Value::Array(_))
            | (Some(Type::Map(_) | Type::Record(_)), Value::Object(_)) => true,
            _ => false,
        }
    }
}

/// Puts a type behind those that it is made of, and returns its place.
fn compile<'a>(
    json: &'a Value,
    types: &mut Vec<Type>,
    records: &mut BTreeMap<&'a str, usize>,
) -> Result<usize, String> {
    let unknown = || format!("{json} is not a type of our schemas");
    let name = match json {
        Value::String(name) => name,
        Value::Object(members) => members
            .get("type")
            .and_then(Value::as_str)
            .ok_or_else(unknown)?,
        Value::Array(branches) => {
            let branches = branches.iter();
            let branches = branches.map(|branch| compile(branch, types, records));
            let branches = branches.collect::<Result<_, _>>()?;
            return Ok(put(types, Type::Union(branches)));
        }
        _ => return Err(unknown()),
    };
    let made = match name {
        "null" => Type::Null,
        "boolean" => Type::Boolean,
        "long" => Type::Long,
        "double" => Type::Double,
        "string" => Type::String,
        "array" => Type::Array(compile(&json["items"], types, records)?),
        "map" => Type::Map(compile(&json["values"], types, records)?),
        "record" => {
            let mut fields = Vec::new();
            for field in json["fields"].as_array().ok_or_else(unknown)? {
                let name = field["name"].as_str().ok_or_else(unknown)?;
                fields.push((name.to_owned(), compile(&field["type"], types, records)?));
            }
            let name = json["name"].as_str().ok_or_else(unknown)?;
            records.insert(name, types.len());
            Type::Record(fields)
        }
        named => return records.get(named).copied().ok_or_else(unknown),
    };
    Ok(put(types, made))
}

fn put(types: &mut Vec<Type>, made: Type) -> usize {
    types.push(made);
    types.len() - 1
}

fn string(text: &str, out: &mut Vec<u8>) {
    count(text.len(), out);
    out.extend(text.as_bytes());
}

/// A length, or a place. No buffer is longer than an i64 can say.
fn count(count: usize, out: &mut Vec<u8>) {
    long(count as i64, out);
}

/// The end of a block of entries; a block without any is the end itself.
fn end(entries: usize, out: &mut Vec<u8>) {
    if entries > 0 {
        count(0, out);
    }
}

/// Zigzag, then seven bits a byte from the least on.
fn long(value: i64, out: &mut Vec<u8>) {
    prost_reflect::prost::encoding::encode_varint(((value << 1) ^ (value >> 63)) as u64, out);
}
