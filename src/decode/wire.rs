//! A record's JSON object as raw field values, borrowed from its bytes.
//!
//! Every known field is kept as the JSON text of its value, and read only if the record type has it. So money is exact,
//! no number type limits a value, and a field of another record type cannot make a record invalid.

use super::faults::{FieldFault, FieldFaults, Flaw};
use super::field::Field;
use super::scan;
use crate::model::Reject;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::error::Category;
use serde_json::value::RawValue;
use std::fmt;
use xxhash_rust::xxh3::Xxh3;

/// The known fields of one record.
pub(super) struct Fields<'a> {
    values: [Option<&'a str>; Field::ALL.len()],
    /// The fields met, null ones too.
    seen: u64,
    /// Those met more than once: nobody can say which value is meant.
    repeated: u64,
    /// Whether a text may have escapes in it.
    pub(super) escaped: bool,
    /// Those that were read and could not be used.
    pub(super) faults: FieldFaults,
}

impl Default for Fields<'_> {
    fn default() -> Self {
        Self {
            values: [None; Field::ALL.len()],
            seen: 0,
            repeated: 0,
            escaped: true,
            faults: FieldFaults::default(),
        }
    }
}

impl<'a> Fields<'a> {
    /// The fields of a record's object.
    ///
    /// # Errors
    /// `NotJson` or `NotAnObject`.
    pub(super) fn of_record(text: &'a str) -> Result<Self, Reject> {
        let mut fields = Self::default();
        fields.fill_from_record(text)?;
        Ok(fields)
    }

    /// Takes the record's object apart, in place: a kilobyte is not moved for every record.
    ///
    /// # Errors
    /// `NotJson` or `NotAnObject`.
    pub(super) fn fill_from_record(&mut self, text: &'a str) -> Result<(), Reject> {
        self.escaped = memchr::memchr(b'\\', text.as_bytes()).is_some();
        let is_object = text.trim_ascii_start().starts_with('{');
        let read = if is_object {
            self.fill(text, Field::of_record)
        } else {
            serde_json::from_str::<IgnoredAny>(text).map(|_| ())
        };
        read.map_err(|error| not_json(&error))?;
        if !is_object {
            return Err(Reject::NotAnObject);
        }
        Ok(())
    }

    /// Takes fields that were made of a record in another form, in place too. `escaped`: whether a text may have escapes in it.
    pub(super) fn fill_from_parts(
        &mut self,
        parts: impl Iterator<Item = (Field, &'a str)>,
        escaped: bool,
    ) {
        self.escaped = escaped;
        for (field, value) in parts.filter(|(_, value)| !value.is_empty()) {
            self.set(field, value);
        }
    }

    /// Takes the plan of a profile apart as well. Returns whether there is one that can be read.
    pub(super) fn open_plan(&mut self) -> bool {
        let object = |fields: &Self, field| match fields.raw(field) {
            Some(plan) if !plan.starts_with('{') => Err(Flaw::Invalid("must be an object")),
            plan => Ok(plan),
        };
        let Some(plan) = self.optional(Field::Plan, object) else {
            return false;
        };
        // The text is JSON already; what can fail is an escape in a key.
        let read = self.fill(plan, Field::of_plan).is_ok();
        if !read {
            self.faults.add(Field::Plan, FieldFault::Invalid);
        }
        read
    }

    /// Whether the record has the field more than once.
    pub(super) fn is_repeated(&self, field: Field) -> bool {
        self.repeated & field.bit() != 0
    }

    /// The JSON text of a field's value; absent if it is missing, null or an empty text.
    pub(super) fn raw(&self, field: Field) -> Option<&'a str> {
        self.values[field as usize]
    }

    /// Fingerprint of all that is known of a record but whose it is, in whatever order it came.
    pub(super) fn fingerprint(&self, seed: u64) -> u64 {
        let mut hash = Xxh3::with_seed(seed);
        for field in Field::ALL.iter().filter(|field| **field != Field::Msisdn) {
            if let Some(raw) = self.raw(*field) {
                hash.update(field.name().as_bytes());
                hash.update(raw.as_bytes());
            }
        }
        hash.digest()
    }

    /// Appends the record as the schemas say it is written.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        for field in Field::ALL {
            let Some(raw) = self.raw(*field) else {
                continue;
            };
            if out.last() != Some(&b'{') {
                out.push(b',');
            }
            out.extend_from_slice(b"\"");
            out.extend_from_slice(field.key().as_bytes());
            out.extend_from_slice(b"\":");
            out.extend_from_slice(raw.as_bytes());
        }
        out.push(b'}');
    }

    fn fill(
        &mut self,
        text: &'a str,
        lookup: fn(&str) -> Option<Field>,
    ) -> Result<(), serde_json::Error> {
        let before = self.seen;
        let whole = scan::members(text, |key, value| {
            if let Some(field) = lookup(key) {
                self.set(field, value);
            }
        });
        if whole {
            return Ok(());
        }
        self.forget(self.seen & !before);
        let mut json = serde_json::Deserializer::from_str(text);
        let object = Object {
            fields: self,
            lookup,
        };
        object.deserialize(&mut json)?;
        json.end()
    }

    /// Forgets fields that were set in vain.
    fn forget(&mut self, fields: u64) {
        for field in Field::ALL.iter().filter(|it| fields & it.bit() != 0) {
            self.values[*field as usize] = None;
        }
        self.repeated &= !fields;
        self.seen &= !fields;
    }

    fn set(&mut self, field: Field, value: &'a str) {
        self.repeated |= self.seen & field.bit();
        self.seen |= field.bit();
        self.values[field as usize] = (!matches!(value, "null" | "\"\"")).then_some(value);
    }
}

/// An `InvalidField` with a problem that completes "field x ...".
pub(super) fn invalid(field: Field, problem: impl Into<String>) -> Reject {
    Reject::InvalidField {
        field: field.name(),
        problem: problem.into(),
    }
}

/// Says where and what kind of error it is. serde_json's own message may quote the record.
pub(super) fn not_json(error: &serde_json::Error) -> Reject {
    let kind = match error.classify() {
        Category::Eof => "cut short",
        Category::Syntax | Category::Data | Category::Io => "malformed",
    };
    Reject::NotJson(format!(
        "{kind} at line {}, column {}",
        error.line(),
        error.column()
    ))
}

struct Object<'f, 'a> {
    fields: &'f mut Fields<'a>,
    lookup: fn(&str) -> Option<Field>,
}

impl<'de> DeserializeSeed<'de> for Object<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Object<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(Key(self.lookup))? {
            match key {
                Some(field) => {
                    let value: &'de RawValue = map.next_value()?;
                    self.fields.set(field, value.get());
                }
                None => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(())
    }
}

struct Key(fn(&str) -> Option<Field>);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = Option<Field>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key {
    type Value = Option<Field>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok((self.0)(key))
    }
}
