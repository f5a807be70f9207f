//! From the bytes of a message to JSON.

use super::message::{Count, Kind, Message, Wire};
use super::wire::{Cursor, zigzag};
use crate::registry::text::{self, Fault};
use jiff::Timestamp;
use std::ops::Range;

/// A value of a known field, where it lies in the bytes.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    slot: u32,
    field: u32,
    start: usize,
    end: usize,
    /// Several values without their numbers.
    packed: bool,
}

/// A record that is being read.
pub struct Walk<'s, 'b, 'e, 'o> {
    pub messages: &'s [Message],
    pub bytes: &'b [u8],
    /// The fields of the messages around the present place.
    pub entries: &'e mut Vec<Entry>,
    pub out: &'o mut Vec<u8>,
    /// How long the text may become.
    pub limit: usize,
}

impl<'s, 'b> Walk<'s, 'b, '_, '_> {
    /// Reads the message that fills the bytes from a place on, and writes it.
    pub fn record(&mut self, message: usize, start: usize) -> Result<(), Fault> {
        self.entries.clear();
        self.entries.push(Entry {
            slot: 0,
            field: 0,
            start,
            end: self.bytes.len(),
            packed: false,
        });
        self.message(message, 0..1, 0)
    }

    /// Writes a message that lies in the places of some entries: what came in several pieces is one message.
    fn message(&mut self, message: usize, pieces: Range<usize>, depth: usize) -> Result<(), Fault> {
        if depth > text::DEPTH_MAX {
            return Err(text::too_deep());
        }
        let base = self.entries.len();
        self.scan(message, pieces)?;
        let messages: &'s [Message] = self.messages;
        let fields = &messages[message].fields;
        self.out.push(b'{');
        let (mut at, end) = (base, self.entries.len());
        while at < end {
            let slot = self.entries[at].slot;
            let same = self.entries[at..end].iter();
            let next = at + same.take_while(|entry| entry.slot == slot).count();
            let last = self.entries[next - 1].field;
            let field = &fields[last as usize];
            if at > base {
                self.out.push(b',');
            }
            self.out.extend(field.label.as_bytes());
            let written = match field.count {
                Count::Map => self.map(&field.kind, at..next, depth + 1),
                Count::Many => self.list(&field.kind, at..next, depth + 1),
                Count::Once => {
                    // Of fields that exclude each other, the last one, and all pieces of it behind the others.
                    let own = self.entries[at..next].iter().rev();
                    let pieces = own.take_while(|entry| entry.field == last).count();
                    self.value(&field.kind, next - pieces..next, depth)
                }
            };
            written.map_err(|fault| fault.within(&field.name))?;
            at = next;
        }
        self.out.push(b'}');
        self.entries.truncate(base);
        Ok(())
    }

    /// Notes the fields of a message, by slots and then in the order in which they came.
    fn scan(&mut self, message: usize, pieces: Range<usize>) -> Result<(), Fault> {
        if self.out.len() > self.limit {
            return Err(text::too_long(self.limit));
        }
        let messages: &'s [Message] = self.messages;
        let message = &messages[message];
        let base = self.entries.len();
        for piece in pieces {
            let mut cursor = self.cursor(self.entries[piece]);
            let mut near = 0;
            while let Some(part) = cursor.part()? {
                let Some(place) = message.field(part.number, near) else {
                    continue;
                };
                near = place + 1;
                let field = &message.fields[place];
                let is_packed = field.count == Count::Many
                    && part.wire == Wire::Sized
                    && field.kind.wire() != Wire::Sized;
                // What stands otherwise than the schema says is of another field that once had the number.
                if is_packed || part.wire == field.kind.wire() {
                    self.entries.push(Entry {
                        slot: field.slot,
                        field: u32::try_from(place).unwrap_or(u32::MAX),
                        start: part.value.start,
                        end: part.value.end,
                        packed: is_packed,
                    });
                }
            }
        }
        self.entries[base..].sort_unstable_by_key(|entry| (entry.slot, entry.start));
        Ok(())
    }

    fn list(&mut self, kind: &Kind, values: Range<usize>, depth: usize) -> Result<(), Fault> {
        self.out.push(b'[');
        let mut comma = false;
        for place in values {
            let entry = self.entries[place];
            let mut cursor = self.cursor(entry);
            // An empty run of packed values holds none, and an empty text is one.
            while !entry.packed || cursor.at < cursor.end {
                if comma {
                    self.out.push(b',');
                }
                comma = true;
                if !entry.packed {
                    self.value(kind, place..place + 1, depth)?;
                    break;
                }
                self.scalar(kind, &mut cursor)?;
            }
        }
        self.out.push(b']');
        Ok(())
    }

    fn map(&mut self, kind: &Kind, entries: Range<usize>, depth: usize) -> Result<(), Fault> {
        let Kind::Message(entry) = kind else {
            return Err(Fault::new("is a map without entries"));
        };
        let messages: &'s [Message] = self.messages;
        let [key, value] = &messages[*entry].fields[..] else {
            return Err(Fault::new("is a map without keys and values"));
        };
        self.out.push(b'{');
        for place in entries.clone() {
            if place > entries.start {
                self.out.push(b',');
            }
            let base = self.entries.len();
            self.scan(*entry, place..place + 1)?;
            let keys = self.entries[base..].iter().filter(|entry| entry.field == 0);
            let values = base + keys.count();
            let is_text = matches!(key.kind, Kind::String);
            if !is_text {
                self.out.push(b'"');
            }
            match values > base {
                true => self.value(&key.kind, values - 1..values, depth)?,
                false => self.nothing(&key.kind)?,
            }
            self.out
                .extend(if is_text { b":".as_slice() } else { b"\":" });
            match self.entries.len() {
                end if end > values => self.value(&value.kind, values..end, depth)?,
                _ => self.nothing(&value.kind)?,
            }
            self.entries.truncate(base);
        }
        self.out.push(b'}');
        Ok(())
    }

    /// Writes one value: the last of these, or the message that they are pieces of.
    fn value(&mut self, kind: &Kind, pieces: Range<usize>, depth: usize) -> Result<(), Fault> {
        match kind {
            Kind::Message(message) => self.message(*message, pieces, depth + 1),
            Kind::Timestamp(message) => self.timestamp(*message, pieces),
            _ => {
                let mut cursor = self.cursor(self.entries[pieces.end - 1]);
                self.scalar(kind, &mut cursor)
            }
        }
    }

    fn scalar(&mut self, kind: &Kind, cursor: &mut Cursor<'_>) -> Result<(), Fault> {
        let out = &mut *self.out;
        // Negative numbers of 32 bits come with 64; of larger ones the low bits count, as everywhere.
        match kind {
            Kind::Double => text::write(out, f64::from_le_bytes(cursor.array()?)),
            Kind::Float => text::write(out, f32::from_le_bytes(cursor.array()?)),
            Kind::Int32 => text::write(out, cursor.varint()? as i32),
            Kind::Int64 => text::write(out, cursor.varint()?.cast_signed()),
            Kind::Uint32 => text::write(out, cursor.varint()? as u32),
            Kind::Uint64 => text::write(out, cursor.varint()?),
            Kind::Sint32 => text::write(out, zigzag(cursor.varint()? & u64::from(u32::MAX))),
            Kind::Sint64 => text::write(out, zigzag(cursor.varint()?)),
            Kind::Fixed32 => text::write(out, u32::from_le_bytes(cursor.array()?)),
            Kind::Fixed64 => text::write(out, u64::from_le_bytes(cursor.array()?)),
            Kind::Sfixed32 => text::write(out, i32::from_le_bytes(cursor.array()?)),
            Kind::Sfixed64 => text::write(out, i64::from_le_bytes(cursor.array()?)),
            Kind::Bool => text::write(out, cursor.varint()? != 0),
            Kind::Enum(names) => symbol(out, names, cursor.varint()? as i32),
            Kind::String => text::string(out, slice(cursor)),
            Kind::Bytes => {
                out.push(b'"');
                text::hex(out, slice(cursor));
                out.push(b'"');
                Ok(())
            }
            Kind::Message(_) | Kind::Timestamp(_) => Err(Fault::new("is a message")),
        }
    }

    /// Writes what a value is that is not there: half of an entry of a map.
    fn nothing(&mut self, kind: &Kind) -> Result<(), Fault> {
        match kind {
            Kind::Bool => text::write(self.out, false),
            Kind::Double | Kind::Float => text::write(self.out, 0.0),
            Kind::String | Kind::Bytes => text::write(self.out, ""),
            Kind::Message(_) => {
                self.out.extend(b"{}");
                Ok(())
            }
            Kind::Timestamp(_) => text::quoted(self.out, Timestamp::UNIX_EPOCH),
            Kind::Enum(names) => symbol(self.out, names, 0),
            _ => text::write(self.out, 0),
        }
    }

    fn timestamp(&mut self, message: usize, pieces: Range<usize>) -> Result<(), Fault> {
        let base = self.entries.len();
        self.scan(message, pieces)?;
        let (mut seconds, mut nanos) = (0, 0);
        for place in base..self.entries.len() {
            let entry = self.entries[place];
            let number = self.cursor(entry).varint()?;
            match entry.field {
                0 => seconds = number.cast_signed(),
                _ => nanos = number as i32,
            }
        }
        self.entries.truncate(base);
        let at = Timestamp::new(seconds, nanos).map_err(|_| Fault::new("is no time"))?;
        text::quoted(self.out, at)
    }

    fn cursor(&self, entry: Entry) -> Cursor<'b> {
        Cursor {
            bytes: self.bytes,
            at: entry.start,
            end: entry.end,
        }
    }
}

fn slice<'b>(cursor: &Cursor<'b>) -> &'b [u8] {
    cursor.bytes.get(cursor.at..cursor.end).unwrap_or_default()
}

fn symbol(out: &mut Vec<u8>, names: &[(i32, Box<str>)], number: i32) -> Result<(), Fault> {
    match names.binary_search_by_key(&number, |(number, _)| *number) {
        Ok(place) => {
            out.extend(names[place].1.as_bytes());
            Ok(())
        }
        // A newer schema has a name for it.
        Err(_) => text::write(out, number),
    }
}
