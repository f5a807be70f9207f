//! The messages of a schema as a table of fields by their numbers.

use crate::registry::text::label;
use prost_reflect::{FieldDescriptor, FileDescriptor, Kind as Described, MessageDescriptor};
use std::collections::BTreeMap;

/// A type of messages.
#[derive(Debug, Clone)]
pub struct Message {
    /// By number.
    pub fields: Vec<Field>,
    /// The messages that are defined in it, in their order.
    pub nested: Vec<usize>,
}

/// A field of a message.
#[derive(Debug, Clone)]
pub struct Field {
    pub number: u32,
    /// Fields of the same slot exclude each other: the last one counts. It is the lowest place of them.
    pub slot: u32,
    pub name: Box<str>,
    /// The name in quotes, and a colon.
    pub label: Box<str>,
    pub kind: Kind,
    pub count: Count,
}

/// How often a field has a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    Once,
    Many,
    /// Entries of a map, which are messages of a key and a value.
    Map,
}

/// What a field's values are.
#[derive(Debug, Clone)]
pub enum Kind {
    Double,
    Float,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Bool,
    String,
    Bytes,
    /// Numbers with the JSON texts of their names, by number.
    Enum(Vec<(i32, Box<str>)>),
    Message(usize),
    /// `google.protobuf.Timestamp`, whose message is this.
    Timestamp(usize),
}

/// How a value stands in the bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    Varint,
    Eight,
    Sized,
    Four,
}

impl Kind {
    /// How one value stands in the bytes.
    pub fn wire(&self) -> Wire {
        match self {
            Self::Double | Self::Fixed64 | Self::Sfixed64 => Wire::Eight,
            Self::Float | Self::Fixed32 | Self::Sfixed32 => Wire::Four,
            Self::String | Self::Bytes | Self::Message(_) | Self::Timestamp(_) => Wire::Sized,
            _ => Wire::Varint,
        }
    }
}

impl Message {
    /// The field of a number. Fields mostly come in the order of their numbers, so `near` is looked at first.
    pub fn field(&self, number: u32, near: usize) -> Option<usize> {
        if self
            .fields
            .get(near)
            .is_some_and(|field| field.number == number)
        {
            return Some(near);
        }
        let place = self
            .fields
            .binary_search_by_key(&number, |field| field.number);
        place.ok()
    }
}

/// All messages that a file can reach, and the places of those that stand in the file itself.
pub fn messages(file: &FileDescriptor) -> (Vec<Message>, Vec<usize>) {
    let pool = file.parent_pool();
    let all: Vec<MessageDescriptor> = pool.all_messages().collect();
    let names = all.iter().map(|message| message.full_name().to_owned());
    let places: BTreeMap<String, usize> = names.zip(0..).collect();
    // A message of the pool has a place.
    let place = |message: &MessageDescriptor| places.get(message.full_name()).copied();
    let compile = |message: &MessageDescriptor| {
        let described = message.fields();
        let mut fields: Vec<Field> = described
            .filter(|field| !field.is_group())
            .filter_map(|field| compile(&field, &place))
            .collect();
        fields.sort_by_key(|field| field.number);
        slots(message, &mut fields);
        // The schema's own numbering counts what is written as a message, and not the entries of maps.
        let nested = message
            .child_messages()
            .filter(|child| !child.is_map_entry());
        Message {
            fields,
            nested: nested.filter_map(|child| place(&child)).collect(),
        }
    };
    let tops = file.messages().filter_map(|message| place(&message));
    (all.iter().map(compile).collect(), tops.collect())
}

fn compile(
    field: &FieldDescriptor,
    place: &impl Fn(&MessageDescriptor) -> Option<usize>,
) -> Option<Field> {
    let kind = match field.kind() {
        Described::Double => Kind::Double,
        Described::Float => Kind::Float,
        Described::Int32 => Kind::Int32,
        Described::Int64 => Kind::Int64,
        Described::Uint32 => Kind::Uint32,
        Described::Uint64 => Kind::Uint64,
        Described::Sint32 => Kind::Sint32,
        Described::Sint64 => Kind::Sint64,
        Described::Fixed32 => Kind::Fixed32,
        Described::Fixed64 => Kind::Fixed64,
        Described::Sfixed32 => Kind::Sfixed32,
        Described::Sfixed64 => Kind::Sfixed64,
        Described::Bool => Kind::Bool,
        Described::String => Kind::String,
        Described::Bytes => Kind::Bytes,
        Described::Message(message) => match message.full_name() {
            "google.protobuf.Timestamp" => Kind::Timestamp(place(&message)?),
            _ => Kind::Message(place(&message)?),
        },
        Described::Enum(symbols) => {
            let texts = symbols.values();
            let texts = texts.map(|value| (value.number(), format!("\"{}\"", value.name()).into()));
            let mut texts: Vec<(i32, Box<str>)> = texts.collect();
            // Of several names of a number, the first that the schema has.
            texts.sort_by_key(|(number, _)| *number);
            texts.dedup_by_key(|(number, _)| *number);
            Kind::Enum(texts)
        }
    };
    Some(Field {
        number: field.number(),
        slot: 0,
        name: field.name().into(),
        label: label(field.name()),
        kind,
        count: match (field.is_map(), field.is_list()) {
            (true, _) => Count::Map,
            (_, true) => Count::Many,
            _ => Count::Once,
        },
    })
}

/// Gives the fields of a `oneof` the same slot, and each other field one of its own.
fn slots(message: &MessageDescriptor, fields: &mut [Field]) {
    for (field, place) in fields.iter_mut().zip(0..) {
        field.slot = place;
    }
    for oneof in message.oneofs() {
        let numbers: Vec<u32> = oneof.fields().map(|field| field.number()).collect();
        let members = fields
            .iter_mut()
            .filter(|field| numbers.contains(&field.number));
        let mut first = None;
        for member in members {
            member.slot = *first.get_or_insert(member.slot);
        }
    }
}
