//! What a layout takes out of a record before it makes fields of it.

use crate::decode::field::Field;
use std::borrow::Cow;

/// Where a value lies, and in what form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    place: Place,
    form: Form,
    start: u32,
    end: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In the record itself, as text.
    Record,
    /// In what the reader of the format has written.
    Read,
    /// In what was made of values.
    Made,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// As it is meant.
    Plain,
    /// A JSON text.
    Json,
}

/// The values that a layout names, by their places in its list of sources.
#[derive(Debug, Default, Clone)]
pub(super) struct Slots {
    spans: Vec<Option<Span>>,
    /// Values that the record does not hold as text.
    pub(super) read: String,
}

impl Slots {
    pub(super) fn clear(&mut self, count: usize) {
        self.spans.clear();
        self.spans.resize(count, None);
        self.read.clear();
    }

    /// Forgets all values.
    pub(super) fn reset(&mut self) {
        self.clear(self.spans.len());
    }

    pub(super) fn get(&self, slot: usize) -> Option<Span> {
        self.spans.get(slot).copied().flatten()
    }

    pub(super) fn forget(&mut self, slot: usize) {
        if let Some(span) = self.spans.get_mut(slot) {
            *span = None;
        }
    }

    fn set(&mut self, slot: usize, place: Place, form: Form, start: usize, end: usize) {
        if let Some(span) = self.spans.get_mut(slot) {
            *span = Some(Span::new(place, form, start, end));
        }
    }

    /// A value that the record holds as plain text.
    pub(super) fn set_in_record(&mut self, slot: usize, start: usize, end: usize) {
        self.set(slot, Place::Record, Form::Plain, start, end);
    }

    /// A value that the record holds as JSON.
    pub(super) fn set_json(&mut self, slot: usize, start: usize, end: usize) {
        self.set(slot, Place::Record, Form::Json, start, end);
    }

    /// A value that a writer appends to [`Slots::read`] as plain text.
    pub(super) fn set_read(&mut self, slot: usize, write: impl FnOnce(&mut String)) {
        let start = self.read.len();
        write(&mut self.read);
        self.set(slot, Place::Read, Form::Plain, start, self.read.len());
    }

    /// A value as it is written.
    pub(super) fn raw<'s>(&'s self, record: &'s str, span: Span) -> &'s str {
        let text = match span.place {
            Place::Record => record,
            Place::Read => &self.read,
            Place::Made => "",
        };
        text.get(span.range()).unwrap_or_default()
    }

    /// A value as it is meant: JSON texts without their quotes.
    pub(super) fn plain<'s>(&'s self, record: &'s str, slot: usize) -> Option<Cow<'s, str>> {
        let span = self.get(slot)?;
        let raw = self.raw(record, span);
        let inner = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"'));
        match inner.filter(|_| span.form == Form::Json) {
            None => Some(Cow::Borrowed(raw)),
            Some(inner) if memchr::memchr(b'\\', inner.as_bytes()).is_none() => {
                Some(Cow::Borrowed(inner))
            }
            Some(_) => serde_json::from_str(raw).ok().map(Cow::Owned),
        }
    }
}

impl Span {
    /// `u32` is enough: no record is as long.
    fn new(place: Place, form: Form, start: usize, end: usize) -> Self {
        Self {
            place,
            form,
            start: start as u32,
            end: end as u32,
        }
    }

    /// Whether it is JSON, which a field can take as it is.
    pub(super) fn is_json(self) -> bool {
        self.form == Form::Json
    }

    fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// Fields as JSON texts, in the order in which they were made.
#[derive(Debug, Default, Clone)]
pub(super) struct Pieces {
    pieces: Vec<Piece>,
    /// What the record does not hold in that form.
    pub(super) made: String,
}

/// A field, and where its JSON text lies.
#[derive(Debug, Clone, Copy)]
struct Piece {
    field: Field,
    place: Place,
    start: u32,
    end: u32,
}

impl Pieces {
    pub(super) fn clear(&mut self) {
        self.pieces.clear();
        self.made.clear();
    }

    /// A field that the record holds as it has to be.
    pub(super) fn take(&mut self, field: Field, span: Span) {
        // Each part by itself: a copy of the whole right after writing its parts makes the processor wait.
        self.pieces.push(Piece {
            field,
            place: span.place,
            start: span.start,
            end: span.end,
        });
    }

    /// A field whose JSON text a writer appends.
    pub(super) fn make(&mut self, field: Field, write: impl FnOnce(&mut String)) {
        let start = self.made.len();
        write(&mut self.made);
        let span = Span::new(Place::Made, Form::Json, start, self.made.len());
        self.take(field, span);
    }

    /// The fields and their JSON texts.
    pub(super) fn iter<'s>(
        &'s self,
        record: &'s str,
    ) -> impl Iterator<Item = (Field, &'s str)> + use<'s> {
        self.pieces.iter().map(move |piece| {
            let text = match piece.place {
                Place::Record => record,
                Place::Read | Place::Made => &self.made,
            };
            let range = piece.start as usize..piece.end as usize;
            (piece.field, text.get(range).unwrap_or_default())
        })
    }
}

/// Appends a text as a JSON string.
pub(super) fn quote(text: &str, out: &mut String) {
    out.push('"');
    match text.bytes().any(|b| b < 0x20 || matches!(b, b'"' | b'\\')) {
        false => out.push_str(text),
        true => {
            for c in text.chars() {
                match c {
                    '"' => out.push_str("\\\""),
                    '\\' => out.push_str("\\\\"),
                    // Controls tell nothing that a field could use.
                    c if c < ' ' => out.push(' '),
                    c => out.push(c),
                }
            }
        }
    }
    out.push('"');
}
